#include "ContainerReader.h"
#include "Checked.h"
#include "Crc32c.h"
#include "Limits.h"

using namespace longtail;
using namespace longtail::runtime;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are read in place");

// Smallest record of each table; 0 for sections that are no tables.
static uint32_t recordSize(uint32_t kind) {
  switch (kind) {
  case LT_SECTION_VARIANTS:
    return sizeof(lt_variant_record);
  case LT_SECTION_FUNCS:
    return sizeof(lt_func_record);
  case LT_SECTION_IO:
    return sizeof(lt_io_record);
  case LT_SECTION_SYMBOLS:
    return sizeof(lt_symbol_record);
  case LT_SECTION_EXPRS:
    return sizeof(lt_expr_record);
  case LT_SECTION_EXPR_CODE:
    return sizeof(lt_instruction);
  case LT_SECTION_CHECKS:
    return sizeof(lt_check_record);
  case LT_SECTION_SLOTS:
    return sizeof(lt_slot_record);
  case LT_SECTION_BUFFERS:
    return sizeof(lt_buffer_record);
  case LT_SECTION_KERNELS:
    return sizeof(lt_kernel_record);
  case LT_SECTION_STEPS:
    return sizeof(lt_step_record);
  case LT_SECTION_LISTS:
    return sizeof(lt_list_entry);
  case LT_SECTION_CALLS:
    return sizeof(lt_call_record);
  case LT_SECTION_WEIGHTS:
    return sizeof(lt_weight_record);
  case LT_SECTION_METADATA:
  case LT_SECTION_PROVENANCE:
    return sizeof(lt_pair_record);
  default:
    return 0;
  }
}

static bool isPayload(uint32_t kind) { return kind == LT_SECTION_CODE || kind == LT_SECTION_WDATA; }

lt_rc ContainerReader::open() {
  if (lt_rc rc = readHeader())
    return rc;
  return readSections();
}

lt_rc ContainerReader::readHeader() {
  if (source.size() < sizeof(lt_header))
    return fail(error, LT_ERR_FORMAT, Where::FileTooShort, source.size(),
                "not an artifact: %llu bytes are too few",
                static_cast<unsigned long long>(source.size()));
  if (lt_rc rc = source.read(0, &head, sizeof head, error))
    return rc;
  if (memcmp(head.magic, LT_MAGIC, sizeof head.magic) != 0)
    return fail(error, LT_ERR_FORMAT, Where::Magic, head.magic[0],
                "not an artifact: the first eight bytes differ%s",
                memcmp(head.magic, LT_MAGIC, 4) == 0 ? " (damaged by a transfer in text mode?)"
                                                     : "");
  if (head.major != LT_FORMAT_MAJOR)
    return fail(error, LT_ERR_VERSION, Where::Major, head.major,
                "artifact format %u.%u, this runtime reads %u.x", head.major, head.minor,
                LT_FORMAT_MAJOR);
  if (head.total_size != source.size())
    return fail(error, LT_ERR_FORMAT, Where::TotalSize, head.total_size,
                "the artifact should have %llu bytes and has %llu",
                static_cast<unsigned long long>(head.total_size),
                static_cast<unsigned long long>(source.size()));
  if (head.section_count == 0 || head.section_count > limits::kSections)
    return fail(error, LT_ERR_FORMAT, Where::SectionCount, head.section_count,
                "%u sections, expected 1 to %u", head.section_count, limits::kSections);
  uint64_t tableEnd = sizeof(lt_header) + sizeof(lt_section) * uint64_t{head.section_count};
  if (head.metadata_size < tableEnd || head.metadata_size > head.total_size)
    return fail(error, LT_ERR_FORMAT, Where::MetadataSize, head.metadata_size,
                "the metadata cannot have %llu bytes",
                static_cast<unsigned long long>(head.metadata_size));
  if (head.metadata_size > limits::kMetadataBytes)
    return fail(error, LT_ERR_LIMIT, Where::MetadataSize, head.metadata_size,
                "%llu bytes of metadata, at most %llu are allowed",
                static_cast<unsigned long long>(head.metadata_size),
                static_cast<unsigned long long>(limits::kMetadataBytes));

  if (!bytes.create(memory, head.metadata_size))
    return outOfMemory(error, head.metadata_size, "the artifact's metadata");
  if (lt_rc rc = source.read(0, bytes.data(), head.metadata_size, error))
    return rc;
  // The header was read twice; only the second copy is covered by the checksum.
  if (memcmp(bytes.data(), &head, sizeof head) != 0)
    return fail(error, LT_ERR_IO, Where::ReadFailed, 0, "the artifact changes while it is read");
  lt_header cleared = head;
  cleared.crc32c = 0;
  uint32_t crc = crc32c(0, &cleared, sizeof cleared);
  crc = crc32c(crc, bytes.data() + sizeof head, bytes.size() - sizeof head);
  if (crc != head.crc32c)
    return fail(error, LT_ERR_INTEGRITY, Where::MetadataCrc, crc,
                "the artifact is damaged: checksum %08x, expected %08x", crc, head.crc32c);
  bool clean = head.flags == 0;
  for (uint8_t byte : head.reserved)
    clean &= byte == 0;
  if (!clean)
    return fail(error, LT_ERR_VERSION, Where::HeaderReserved, head.flags,
                "the artifact's header uses fields that this runtime does not know");
  return LT_OK;
}

lt_section ContainerReader::sectionAt(uint32_t index) const {
  lt_section section;
  memcpy(&section, bytes.data() + sizeof(lt_header) + sizeof section * uint64_t{index},
         sizeof section);
  return section;
}

lt_rc ContainerReader::readSections() {
  uint64_t end = sizeof(lt_header) + sizeof(lt_section) * uint64_t{head.section_count};
  uint64_t metadataEnd = end;
  bool seen[LT_SECTION_LAST + 1] = {};
  for (uint32_t i = 0; i < head.section_count; ++i) {
    lt_section section = sectionAt(i);
    if (lt_rc rc = checkSection(section, i, end))
      return rc;
    if (section.offset < head.metadata_size)
      metadataEnd = end;
    if (section.kind == 0 || section.kind > LT_SECTION_LAST) {
      if (section.flags & LT_SECTION_OPTIONAL)
        continue;
      return fail(error, LT_ERR_VERSION, Where::SectionUnknown, section.kind,
                  "section %u has the kind %u, which this runtime does not know", i, section.kind);
    }
    if (seen[section.kind] && section.kind != LT_SECTION_CODE)
      return fail(error, LT_ERR_FORMAT, Where::SectionDuplicate, section.kind,
                  "section kind %u occurs twice", section.kind);
    seen[section.kind] = true;
    if (section.kind == LT_SECTION_WDATA) {
      weightIndex = i;
    } else if (section.kind == LT_SECTION_STRINGS) {
      stringsOffset = section.offset;
      stringsSize = section.size;
    } else if (section.kind == LT_SECTION_TEXT) {
      textOffset = section.offset;
      textSize = section.size;
    } else if (section.kind != LT_SECTION_CODE) {
      tables[section.kind] = {bytes.data() + section.offset, section.record_size,
                              section.record_count};
    }
  }
  if (end != head.total_size)
    return fail(error, LT_ERR_FORMAT, Where::SectionEnd, end,
                "the last section ends at byte %llu of %llu", static_cast<unsigned long long>(end),
                static_cast<unsigned long long>(head.total_size));
  if (metadataEnd != head.metadata_size)
    return fail(error, LT_ERR_FORMAT, Where::MetadataSize, metadataEnd,
                "the metadata ends at byte %llu, expected %llu",
                static_cast<unsigned long long>(metadataEnd),
                static_cast<unsigned long long>(head.metadata_size));
  return LT_OK;
}

// `end` is where the previous section ends, then where this one does.
lt_rc ContainerReader::checkSection(const lt_section &section, uint32_t index, uint64_t &end) {
  if (section.reserved != 0 || (section.flags & ~LT_SECTION_OPTIONAL) != 0)
    return fail(error, LT_ERR_FORMAT, Where::SectionReserved, index,
                "section %u sets reserved fields", index);
  uint32_t align = section.alignment;
  if (align < 8 || align > LT_PAGE_ALIGN || (align & (align - 1)) != 0 ||
      (isPayload(section.kind) && align != LT_PAGE_ALIGN))
    return fail(error, LT_ERR_FORMAT, Where::SectionAlignment, align,
                "section %u has the alignment %u", index, align);
  uint64_t begin;
  if (!checkedAlign(end, align, begin) || section.offset != begin)
    return fail(error, LT_ERR_FORMAT, Where::SectionOrder, section.offset,
                "section %u starts at byte %llu, expected the next multiple of %u after %llu",
                index, static_cast<unsigned long long>(section.offset), align,
                static_cast<unsigned long long>(end));
  if (section.size == 0 || !rangeFits(section.offset, section.size, head.total_size))
    return fail(error, LT_ERR_FORMAT, Where::SectionSize, section.size,
                "section %u has %llu bytes at %llu of %llu", index,
                static_cast<unsigned long long>(section.size),
                static_cast<unsigned long long>(section.offset),
                static_cast<unsigned long long>(head.total_size));
  // Metadata lies wholly before metadata_size, payloads wholly behind it.
  bool before = section.offset < head.metadata_size;
  bool known = section.kind >= 1 && section.kind <= LT_SECTION_LAST;
  if ((before && section.offset + section.size > head.metadata_size) ||
      (known && before == isPayload(section.kind)))
    return fail(error, LT_ERR_FORMAT, Where::SectionPlace, section.kind,
                "section %u of kind %u is on the wrong side of the metadata's end", index,
                section.kind);
  if (known) {
    uint32_t smallest = recordSize(section.kind);
    uint64_t product = uint64_t{section.record_size} * section.record_count;
    if (smallest == 0 ? section.record_size != 0 || section.record_count != 0
                      : section.record_size < smallest || section.record_size % 4 != 0 ||
                            product != section.size)
      return fail(error, LT_ERR_FORMAT, Where::SectionRecords, section.record_size,
                  "section %u of kind %u cannot have %u records of %u bytes", index, section.kind,
                  section.record_count, section.record_size);
  }
  if (lt_rc rc = checkZero(end, begin))
    return rc;
  end = section.offset + section.size;
  return LT_OK;
}

// The gap before a section holds zeros; it is shorter than the largest alignment.
lt_rc ContainerReader::checkZero(uint64_t begin, uint64_t end) {
  uint8_t chunk[4096];
  while (begin < end) {
    uint64_t count = end - begin < sizeof chunk ? end - begin : sizeof chunk;
    if (end <= head.metadata_size)
      memcpy(chunk, bytes.data() + begin, count);
    else if (lt_rc rc = source.read(begin, chunk, count, error))
      return rc;
    uint64_t any = 0, whole = count & ~uint64_t{7};
    for (uint64_t i = 0, word; i < whole; i += sizeof word) {
      memcpy(&word, chunk + i, sizeof word);
      any |= word;
    }
    for (uint64_t i = whole; i < count; ++i)
      any |= chunk[i];
    for (uint64_t i = any ? 0 : count; i < count; ++i)
      if (chunk[i] != 0)
        return fail(error, LT_ERR_FORMAT, Where::SectionPadding, begin + i,
                    "byte %llu between sections is not zero",
                    static_cast<unsigned long long>(begin + i));
    begin += count;
  }
  return LT_OK;
}

lt_rc ContainerReader::copyStrings(Model &model) {
  if (stringsSize == 0)
    return fail(error, LT_ERR_FORMAT, Where::TableMissing, LT_SECTION_STRINGS,
                "the artifact has no strings");
  const uint8_t *blob = bytes.data() + stringsOffset;
  if (blob[0] != 0 || blob[stringsSize - 1] != 0)
    return fail(error, LT_ERR_FORMAT, Where::StringBlob, stringsSize,
                "the strings do not begin and end with NUL");
  if (!model.strings.create(memory, stringsSize))
    return outOfMemory(error, stringsSize, "the artifact's strings");
  memcpy(model.strings.data(), blob, stringsSize);
  if (!model.text.create(memory, textSize))
    return outOfMemory(error, textSize, "the artifact's constant strings");
  if (textSize > 0)
    memcpy(model.text.data(), bytes.data() + textOffset, textSize);
  return LT_OK;
}

lt_rc ContainerReader::string(const Model &model, uint32_t offset, const char *&out,
                              bool anyLength) {
  if (offset >= model.strings.size())
    return fail(error, LT_ERR_FORMAT, Where::StringOffset, offset,
                "string offset %u is outside of the %llu bytes of strings", offset,
                static_cast<unsigned long long>(model.strings.size()));
  out = model.strings.data() + offset;
  // The blob ends with NUL, so the scan stays inside.
  if (!anyLength && strnlen(out, limits::kNameBytes + 1) > limits::kNameBytes)
    return fail(error, LT_ERR_LIMIT, Where::StringLength, offset, "a name is longer than %u bytes",
                limits::kNameBytes);
  return LT_OK;
}

lt_rc ContainerReader::codeSection(uint32_t index, lt_section &out) {
  if (index < head.section_count) {
    out = sectionAt(index);
    if (out.kind == LT_SECTION_CODE) {
      if (out.size > limits::kCodeBytes)
        return fail(error, LT_ERR_LIMIT, Where::VariantCode, out.size,
                    "%llu bytes of code in one variant", static_cast<unsigned long long>(out.size));
      return LT_OK;
    }
  }
  return fail(error, LT_ERR_FORMAT, Where::VariantCode, index,
              "a variant names section %u as its code", index);
}

lt_section ContainerReader::weightSection() const {
  return weightIndex == LT_NO_ID ? lt_section() : sectionAt(weightIndex);
}
