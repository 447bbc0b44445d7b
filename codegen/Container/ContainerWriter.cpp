#include "codegen/Container/ContainerWriter.h"
#include "codegen/Container/ProgramChecker.h"
#include "codegen/Container/RegionOrder.h"
#include "codegen/Container/Sink.h"
#include "runtime/src/Crc32c.h"
#include "runtime/src/Limits.h"
#include <cstring>
#include <map>
#include <unordered_map>

using namespace longtail;
using namespace longtail::container;

namespace {

uint64_t alignTo(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

// The strings of the artifact, each once. Offset 0 is the empty string.
class StringTable {
public:
  StringTable() { add(""); }
  uint32_t add(const std::string &text) {
    auto [entry, isNew] = offsets.try_emplace(text, static_cast<uint32_t>(blob.size()));
    if (isNew)
      blob.insert(blob.end(), text.c_str(), text.c_str() + text.size() + 1);
    return entry->second;
  }
  const std::vector<char> &bytes() const { return blob; }

private:
  std::vector<char> blob;
  std::unordered_map<std::string, uint32_t> offsets;
};

// A section while it is built. CODE and WDATA keep their bytes elsewhere and set `size` only.
struct Section {
  uint32_t kind;
  uint32_t recordSize = 0;
  uint32_t recordCount = 0;
  std::vector<uint8_t> bytes;
  uint64_t size = 0;
};

class ContainerBuilder {
public:
  explicit ContainerBuilder(const Program &program) : program(program) {}

  void build();
  // The metadata's bytes, with header and section table; false when over the runtime's limit.
  bool layOut(std::string &errorMessage);
  bool write(Sink &sink);

private:
  template <typename Record> void append(lt_section_kind kind, const Record &record);
  void addWeights();
  void addVariant(const Variant &variant, uint32_t index);
  void addFunction(const Function &function);
  void addValue(const Value &value);
  void addStep(const Step &step);
  void addPairs(lt_section_kind kind, const Pairs &pairs);
  void addList(const std::vector<uint32_t> &ids);

  const Program &program;
  StringTable strings;
  Section tables[LT_SECTION_LAST + 1]; // by kind
  std::vector<lt_section> sectionTable;
  std::vector<uint8_t> metadata;          // [0, metadata_size) of the file
  std::vector<const Weight *> weightData; // each content once, in file order
  uint64_t weightBytes = 0;               // of the WDATA section
};

} // namespace

template <typename Record>
void ContainerBuilder::append(lt_section_kind kind, const Record &record) {
  Section &section = tables[kind];
  section.recordSize = sizeof(Record);
  ++section.recordCount;
  auto *bytes = reinterpret_cast<const uint8_t *>(&record);
  section.bytes.insert(section.bytes.end(), bytes, bytes + sizeof(Record));
}

// Tables come first in the code, payloads later: their sections get numbers in layOut.
void ContainerBuilder::build() {
  for (uint32_t i = 0; i < program.variants.size(); ++i)
    addVariant(program.variants[i], i);
  addWeights();
  addPairs(LT_SECTION_METADATA, program.metadata);
  addPairs(LT_SECTION_PROVENANCE, program.provenance);
  tables[LT_SECTION_TEXT].bytes = program.text;
  tables[LT_SECTION_STRINGS].bytes.assign(strings.bytes().begin(), strings.bytes().end());
}

void ContainerBuilder::addVariant(const Variant &variant, uint32_t index) {
  lt_variant_record record = {};
  record.name = strings.add(variant.name);
  record.arch = variant.arch;
  record.features = variant.featureMask;
  record.priority = variant.priority;
  record.function_count = static_cast<uint32_t>(variant.functions.size());
  record.kernel_count = static_cast<uint32_t>(variant.kernels.size());
  record.code_section = index; // among the CODE sections; layOut adds the tables before them
  record.code_crc32c = crc32c(0, variant.codeImage.data(), variant.codeImage.size());
  append(LT_SECTION_VARIANTS, record);
  for (const Kernel &kernel : variant.kernels)
    append(LT_SECTION_KERNELS, lt_kernel_record{kernel.entry, strings.add(kernel.name), 0});
  for (const Function &function : variant.functions)
    addFunction(sortByRegion(function));
}

void ContainerBuilder::addFunction(const Function &function) {
  lt_func_record record = {};
  record.name = strings.add(function.name);
  record.input_count = static_cast<uint32_t>(function.inputs.size());
  record.output_count = static_cast<uint32_t>(function.outputs.size());
  record.symbol_count = static_cast<uint32_t>(function.symbols.size());
  record.expr_count = static_cast<uint32_t>(function.expressions.size());
  record.check_count = static_cast<uint32_t>(function.checks.size());
  record.slot_count = static_cast<uint32_t>(function.slots.size());
  record.buffer_count = static_cast<uint32_t>(function.buffers.size());
  record.step_count = static_cast<uint32_t>(function.steps.size());
  append(LT_SECTION_FUNCS, record);
  for (const Value &value : function.inputs)
    addValue(value);
  for (const Value &value : function.outputs)
    addValue(value);
  for (const Symbol &symbol : function.symbols)
    append(LT_SECTION_SYMBOLS, lt_symbol_record{static_cast<uint32_t>(symbol.kind), symbol.region,
                                                strings.add(symbol.name), symbol.source,
                                                symbol.index, 0, symbol.min, symbol.max});
  for (const Expression &expression : function.expressions) {
    append(LT_SECTION_EXPRS, lt_expr_record{static_cast<uint32_t>(expression.size())});
    for (const Instruction &in : expression)
      append(LT_SECTION_EXPR_CODE, lt_instruction{static_cast<int32_t>(in.opcode), 0, in.operand});
  }
  for (const Check &check : function.checks)
    append(LT_SECTION_CHECKS,
           lt_check_record{check.expression, strings.add(check.message), check.region, 0});
  for (const Slot &slot : function.slots)
    append(LT_SECTION_SLOTS, lt_slot_record{slot.region, 0});
  for (const Buffer &buffer : function.buffers)
    append(LT_SECTION_BUFFERS,
           lt_buffer_record{static_cast<uint32_t>(buffer.kind), buffer.index, buffer.sizeExpression,
                            buffer.dtype, buffer.region, 0});
  for (const Step &step : function.steps)
    addStep(step);
}

void ContainerBuilder::addValue(const Value &value) {
  lt_io_record record = {};
  record.name = strings.add(value.name);
  record.dtype = static_cast<uint16_t>(value.dtype);
  record.rank = static_cast<uint16_t>(value.dims.size());
  record.region = value.region;
  for (uint32_t i = 0; i < LT_MAX_RANK; ++i) {
    record.exprs[i] = LT_NO_ID;
    if (i >= value.dims.size())
      continue;
    record.dims[i] = value.dims[i].size;
    record.exprs[i] = value.dims[i].expression;
    record.dim_names[i] = strings.add(value.dims[i].name);
  }
  append(LT_SECTION_IO, record);
}

void ContainerBuilder::addList(const std::vector<uint32_t> &ids) {
  for (uint32_t id : ids)
    append(LT_SECTION_LISTS, lt_list_entry{id});
}

void ContainerBuilder::addStep(const Step &step) {
  lt_step_record record = {};
  record.kind = step.kind;
  record.name = strings.add(step.name);
  if (step.kind == LT_STEP_BIND) {
    record.target = step.buffer;
    record.tiles_expr = record.scratch_expr = LT_NO_ID;
    record.first_symbol = step.firstSymbol;
    record.symbol_count = step.symbolCount;
  } else if (isCall(step)) {
    record.flags = step.endsRegion ? LT_STEP_REGION : 0;
    record.target = step.function;
    record.tiles_expr = step.condition;
    record.scratch_expr = LT_NO_ID;
    record.binding_count = static_cast<uint32_t>(step.bindings.size());
    record.param_count = static_cast<uint32_t>(step.params.size());
    record.first_symbol = step.endsRegion ? step.firstSymbol : 0;
    record.symbol_count = step.endsRegion ? step.symbolCount : 0;
    addList(step.bindings);
    addList(step.params);
    append(LT_SECTION_CALLS,
           lt_call_record{step.otherwise, step.conditional ? LT_CALL_CONDITION : 0,
                          step.argumentCount, step.carriedCount, step.slicedCount, 0});
  } else {
    record.flags = step.makesText ? LT_STEP_TEXT : step.parallel ? LT_STEP_PARALLEL : 0;
    record.target = step.kernel;
    record.tiles_expr = step.tiles;
    record.scratch_expr = step.scratch;
    record.binding_count = static_cast<uint32_t>(step.bindings.size());
    record.param_count = static_cast<uint32_t>(step.params.size());
    addList(step.bindings);
    addList(step.params);
  }
  append(LT_SECTION_STEPS, record);
}

void ContainerBuilder::addPairs(lt_section_kind kind, const Pairs &pairs) {
  for (const auto &[key, value] : pairs)
    append(kind, lt_pair_record{strings.add(key), strings.add(value)});
}

// Weights of equal content share their bytes. The checksum finds candidates, the bytes decide.
void ContainerBuilder::addWeights() {
  struct Stored {
    const Weight *weight;
    uint64_t offset;
  };
  std::multimap<std::pair<uint32_t, uint64_t>, Stored> stored;
  for (const Weight &weight : program.weights) {
    uint32_t crc = crc32c(0, weight.data, weight.size);
    auto [begin, end] = stored.equal_range({crc, weight.size});
    auto same = begin;
    while (same != end && weight.size != 0 &&
           std::memcmp(same->second.weight->data, weight.data, weight.size) != 0)
      ++same;
    if (same == end) {
      same = stored.insert({{crc, weight.size}, {&weight, weightBytes}});
      weightData.push_back(&weight);
      weightBytes = alignTo(weightBytes + weight.size + LT_READ_TAIL, LT_DATA_ALIGN);
    }
    append(LT_SECTION_WEIGHTS,
           lt_weight_record{same->second.offset, weight.size, strings.add(weight.name), crc});
  }
}

bool ContainerBuilder::layOut(std::string &errorMessage) {
  std::vector<uint32_t> kinds; // of the tables that are there
  for (uint32_t kind = LT_SECTION_STRINGS; kind <= LT_SECTION_LAST; ++kind)
    if (!tables[kind].bytes.empty()) // CODE and WDATA never are tables
      kinds.push_back(kind);
  uint32_t firstCode = static_cast<uint32_t>(kinds.size());
  uint32_t count =
      firstCode + static_cast<uint32_t>(program.variants.size()) + (weightBytes > 0 ? 1 : 0);

  // Variants name their code by its number in the section table, which is known only now.
  auto *variants = reinterpret_cast<lt_variant_record *>(tables[LT_SECTION_VARIANTS].bytes.data());
  for (uint32_t i = 0; i < program.variants.size(); ++i)
    variants[i].code_section = firstCode + i;

  uint64_t end = sizeof(lt_header) + count * sizeof(lt_section);
  auto place = [&](uint32_t kind, uint64_t size, uint32_t alignment) {
    lt_section section = {};
    section.kind = kind;
    section.offset = alignTo(end, alignment);
    section.size = size;
    section.alignment = alignment;
    end = section.offset + size;
    sectionTable.push_back(section);
  };
  for (uint32_t kind : kinds) {
    place(kind, tables[kind].bytes.size(), 8);
    sectionTable.back().record_size = tables[kind].recordSize;
    sectionTable.back().record_count = tables[kind].recordCount;
  }
  uint64_t metadataSize = end;
  if (metadataSize > runtime::limits::kMetadataBytes) {
    errorMessage = "the program needs " + std::to_string(metadataSize) +
                   " bytes of metadata, at most " +
                   std::to_string(runtime::limits::kMetadataBytes) + " fit";
    return false;
  }
  for (const Variant &variant : program.variants)
    place(LT_SECTION_CODE, variant.codeImage.size(), LT_PAGE_ALIGN);
  if (weightBytes > 0)
    place(LT_SECTION_WDATA, weightBytes, LT_PAGE_ALIGN);

  lt_header header = {};
  std::memcpy(header.magic, LT_MAGIC, sizeof header.magic);
  header.major = LT_FORMAT_MAJOR;
  header.minor = LT_FORMAT_MINOR;
  header.section_count = count;
  header.total_size = end;
  header.metadata_size = metadataSize;
  metadata.resize(metadataSize);
  std::memcpy(metadata.data() + sizeof header, sectionTable.data(), count * sizeof(lt_section));
  for (uint32_t i = 0; i < kinds.size(); ++i)
    std::memcpy(metadata.data() + sectionTable[i].offset, tables[kinds[i]].bytes.data(),
                sectionTable[i].size);
  std::memcpy(metadata.data(), &header, sizeof header);
  header.crc32c = crc32c(0, metadata.data(), metadata.size());
  std::memcpy(metadata.data(), &header, sizeof header);
  return true;
}

bool ContainerBuilder::write(Sink &sink) {
  if (!sink.write(metadata.data(), metadata.size()))
    return false;
  uint64_t at = metadata.size();
  for (const Variant &variant : program.variants) {
    uint64_t begin = alignTo(at, LT_PAGE_ALIGN);
    if (!sink.pad(begin - at) || !sink.write(variant.codeImage.data(), variant.codeImage.size()))
      return false;
    at = begin + variant.codeImage.size();
  }
  if (weightBytes == 0)
    return true;
  if (!sink.pad(alignTo(at, LT_PAGE_ALIGN) - at))
    return false;
  for (const Weight *weight : weightData) {
    uint64_t padded = alignTo(weight->size + LT_READ_TAIL, LT_DATA_ALIGN);
    if (!sink.write(weight->data, weight->size) || !sink.pad(padded - weight->size))
      return false;
  }
  return true;
}

bool longtail::container::writeContainer(const Program &program, std::string &errorMessage,
                                         std::vector<uint8_t> &bytes) {
  bytes.clear();
  if (!checkProgram(program, errorMessage))
    return false;
  ContainerBuilder builder(program);
  builder.build();
  if (!builder.layOut(errorMessage))
    return false;
  MemorySink sink(bytes);
  return builder.write(sink);
}

bool longtail::container::writeContainer(const Program &program, std::string &errorMessage,
                                         const std::string &path, int *systemError) {
  if (systemError)
    *systemError = 0;
  if (!checkProgram(program, errorMessage))
    return false;
  ContainerBuilder builder(program);
  builder.build();
  if (!builder.layOut(errorMessage))
    return false;
  FileSink sink(path);
  if (sink.open() && builder.write(sink) && sink.commit())
    return true;
  errorMessage = sink.error();
  if (systemError)
    *systemError = sink.errorCode();
  return false;
}
