// The outer layer of an artifact: header, checksum, section table, strings.
#pragma once
#include "Error.h"
#include "Model.h"
#include "Source.h"

namespace longtail::runtime {

// A table of records in the metadata. Records may be longer than this reader knows.
struct Table {
  const uint8_t *data = nullptr;
  uint32_t recordSize = 0;
  uint32_t count = 0;

  template <typename Record> Record at(uint32_t index) const {
    Record record;
    __builtin_memcpy(&record, data + uint64_t{index} * recordSize, sizeof record);
    return record;
  }
};

class ContainerReader {
public:
  ContainerReader(const Source &source, const Memory &memory, lt_error *error)
      : error(error), source(source), memory(memory) {}

  // Reads and checks everything up to the records' contents.
  lt_rc open();

  const lt_header &header() const { return head; }
  // A missing table is empty.
  const Table &table(uint32_t kind) const { return tables[kind]; }
  // The strings and the text are copied into `model`.
  lt_rc copyStrings(Model &model);
  // `model.strings` at an offset, checked; at most limits::kNameBytes unless `anyLength`.
  lt_rc string(const Model &model, uint32_t offset, const char *&out, bool anyLength = false);
  // CODE section by its index in the section table, or an error.
  lt_rc codeSection(uint32_t index, lt_section &out);
  lt_section weightSection() const; // size 0 when there is none

  lt_error *const error;

private:
  lt_rc readHeader();
  lt_rc readSections();
  lt_rc checkSection(const lt_section &section, uint32_t index, uint64_t &end);
  lt_rc checkZero(uint64_t begin, uint64_t end);
  lt_section sectionAt(uint32_t index) const;

  const Source &source;
  const Memory &memory;
  lt_header head = {};
  Array<uint8_t> bytes; // [0, metadata_size) of the file
  Table tables[LT_SECTION_LAST + 1];
  uint64_t stringsOffset = 0, stringsSize = 0;
  uint64_t textOffset = 0, textSize = 0;
  uint32_t weightIndex = LT_NO_ID; // in the section table
};

} // namespace longtail::runtime
