#include "ModelReader.h"
#include "Checked.h"
#include "Limits.h"

using namespace longtail::runtime;

namespace {
class ModelReader {
public:
  ModelReader(ContainerReader &container, const Memory &memory, Model &model)
      : container(container), memory(memory), model(model), error(container.error) {}

  lt_rc read();

private:
  lt_rc checkLimits();
  lt_rc createArrays();
  lt_rc readCode();
  lt_rc readVariant(uint32_t index);
  lt_rc readKernel(const Variant &variant, Kernel &kernel, uint32_t index);
  lt_rc readWeights();
  lt_rc readPairs(uint32_t kind, Array<Pair> &pairs);
  lt_rc checkTotals();

  uint32_t count(uint32_t kind) const { return container.table(kind).count; }

  ContainerReader &container;
  const Memory &memory;
  Model &model;
  lt_error *error;
  Cursor cursor;
};
} // namespace

lt_rc longtail::runtime::readModel(const Source &source, const Memory &memory, Model &model,
                                   lt_error *error) {
  ContainerReader container(source, memory, error);
  if (lt_rc rc = container.open())
    return rc;
  return ModelReader(container, memory, model).read();
}

lt_rc ModelReader::read() {
  model.major = container.header().major;
  model.minor = container.header().minor;
  model.totalBytes = container.header().total_size;
  if (lt_rc rc = container.copyStrings(model))
    return rc;
  if (lt_rc rc = checkLimits())
    return rc;
  if (lt_rc rc = createArrays())
    return rc;
  if (lt_rc rc = readCode())
    return rc;
  if (lt_rc rc = readWeights())
    return rc;
  for (uint32_t i = 0; i < model.variants.size(); ++i)
    if (lt_rc rc = readVariant(i))
      return rc;
  if (lt_rc rc = checkTotals())
    return rc;
  if (lt_rc rc = readPairs(LT_SECTION_METADATA, model.metadata))
    return rc;
  return readPairs(LT_SECTION_PROVENANCE, model.provenance);
}

lt_rc ModelReader::checkLimits() {
  struct {
    uint32_t kind, limit;
    const char *what;
  } const rows[] = {{LT_SECTION_VARIANTS, limits::kVariants, "variants"},
                    {LT_SECTION_FUNCS, limits::kFunctions, "functions"},
                    {LT_SECTION_STEPS, limits::kSteps, "steps"},
                    {LT_SECTION_METADATA, limits::kPairs, "metadata entries"},
                    {LT_SECTION_PROVENANCE, limits::kPairs, "provenance entries"}};
  for (const auto &row : rows)
    if (count(row.kind) > row.limit)
      return fail(error, LT_ERR_LIMIT, Where::TableLimit, count(row.kind),
                  "%u %s, at most %u are allowed", count(row.kind), row.what, row.limit);
  if (count(LT_SECTION_VARIANTS) == 0 || count(LT_SECTION_FUNCS) == 0)
    return fail(error, LT_ERR_FORMAT, Where::TableMissing, LT_SECTION_VARIANTS,
                "the artifact has no variant or no function");
  // Every expression has an instruction, so this bounds the memory for them by the file's size.
  if (count(LT_SECTION_EXPRS) > count(LT_SECTION_EXPR_CODE))
    return fail(error, LT_ERR_FORMAT, Where::TableTotals, LT_SECTION_EXPR_CODE,
                "%u expressions have %u instructions", count(LT_SECTION_EXPRS),
                count(LT_SECTION_EXPR_CODE));
  return LT_OK;
}

lt_rc ModelReader::createArrays() {
  uint64_t regions = uint64_t{2} * count(LT_SECTION_FUNCS);
  const Table &steps = container.table(LT_SECTION_STEPS);
  for (uint32_t i = 0; i < steps.count; ++i)
    regions += endsRegion(steps.at<lt_step_record>(i));
  bool created = model.variants.create(memory, count(LT_SECTION_VARIANTS)) &&
                 model.functions.create(memory, count(LT_SECTION_FUNCS)) &&
                 model.ios.create(memory, count(LT_SECTION_IO)) &&
                 model.symbols.create(memory, count(LT_SECTION_SYMBOLS)) &&
                 model.exprs.create(memory, count(LT_SECTION_EXPRS)) &&
                 model.code.create(memory, count(LT_SECTION_EXPR_CODE)) &&
                 model.checks.create(memory, count(LT_SECTION_CHECKS)) &&
                 model.slots.create(memory, count(LT_SECTION_SLOTS)) &&
                 model.buffers.create(memory, count(LT_SECTION_BUFFERS)) &&
                 model.kernels.create(memory, count(LT_SECTION_KERNELS)) &&
                 model.steps.create(memory, count(LT_SECTION_STEPS)) &&
                 model.lists.create(memory, count(LT_SECTION_LISTS)) &&
                 model.regions.create(memory, regions) &&
                 model.weights.create(memory, count(LT_SECTION_WEIGHTS)) &&
                 model.metadata.create(memory, count(LT_SECTION_METADATA)) &&
                 model.provenance.create(memory, count(LT_SECTION_PROVENANCE));
  return created ? static_cast<lt_rc>(LT_OK)
                 : outOfMemory(error, container.header().metadata_size, "the artifact's tables");
}

lt_rc ModelReader::readCode() {
  const Table &table = container.table(LT_SECTION_EXPR_CODE);
  for (uint32_t i = 0; i < table.count; ++i) {
    auto record = table.at<lt_instruction>(i);
    if (record.reserved != 0)
      return fail(error, LT_ERR_FORMAT, Where::RecordReserved, i,
                  "instruction %u sets a reserved field", i);
    model.code[i] = {record.operand, record.opcode};
  }
  const Table &lists = container.table(LT_SECTION_LISTS);
  for (uint32_t i = 0; i < lists.count; ++i)
    model.lists[i] = lists.at<lt_list_entry>(i).id;
  return LT_OK;
}

lt_rc ModelReader::readVariant(uint32_t index) {
  auto record = container.table(LT_SECTION_VARIANTS).at<lt_variant_record>(index);
  Variant &variant = model.variants[index];
  if (record.reserved != 0)
    return fail(error, LT_ERR_FORMAT, Where::RecordReserved, index,
                "variant %u sets a reserved field", index);
  if (lt_rc rc = container.string(model, record.name, variant.name))
    return rc;
  if (record.arch == 0)
    return fail(error, LT_ERR_FORMAT, Where::VariantArch, index, "variant '%s' has no arch",
                variant.name);
  lt_section section;
  if (lt_rc rc = container.codeSection(record.code_section, section))
    return rc;
  variant.arch = record.arch;
  variant.priority = record.priority;
  variant.features = record.features;
  variant.codeOffset = section.offset;
  variant.codeBytes = section.size;
  variant.codeCrc = record.code_crc32c;

  if (!rangeFits(cursor.kernel, record.kernel_count, model.kernels.size()) ||
      !rangeFits(cursor.function, record.function_count, model.functions.size()) ||
      record.function_count == 0)
    return fail(error, LT_ERR_FORMAT, Where::TableTotals, index,
                "variant '%s' has %u kernels and %u functions, which are not in the tables",
                variant.name, record.kernel_count, record.function_count);
  variant.kernels = {model.kernels.data() + cursor.kernel, record.kernel_count};
  for (uint32_t i = 0; i < record.kernel_count; ++i, ++cursor.kernel)
    if (lt_rc rc = readKernel(variant, variant.kernels[i], cursor.kernel))
      return rc;
  variant.functions = {model.functions.data() + cursor.function, record.function_count};
  for (Function &function : variant.functions)
    if (lt_rc rc = FunctionReader(container, model, variant, cursor).read(function))
      return rc;
  return checkCalls(variant, memory, error);
}

lt_rc ModelReader::readKernel(const Variant &variant, Kernel &kernel, uint32_t index) {
  auto record = container.table(LT_SECTION_KERNELS).at<lt_kernel_record>(index);
  if (record.reserved != 0)
    return fail(error, LT_ERR_FORMAT, Where::RecordReserved, index,
                "kernel %u sets a reserved field", index);
  if (lt_rc rc = container.string(model, record.name, kernel.name))
    return rc;
  uint32_t alignment = variant.arch == LT_ARCH_X86_64 ? 1 : variant.arch == LT_ARCH_RISCV64 ? 2 : 4;
  if (record.entry >= variant.codeBytes || record.entry % alignment != 0)
    return fail(error, LT_ERR_FORMAT, Where::KernelEntry, record.entry,
                "kernel '%s' cannot start at byte %llu of the %llu bytes of code", kernel.name,
                static_cast<unsigned long long>(record.entry),
                static_cast<unsigned long long>(variant.codeBytes));
  kernel.entry = record.entry;
  return LT_OK;
}

lt_rc ModelReader::readWeights() {
  lt_section section = container.weightSection();
  model.weightDataOffset = section.offset;
  model.weightDataBytes = section.size;
  const Table &table = container.table(LT_SECTION_WEIGHTS);
  for (uint32_t i = 0; i < table.count; ++i) {
    auto record = table.at<lt_weight_record>(i);
    Weight &weight = model.weights[i];
    if (lt_rc rc = container.string(model, record.name, weight.name))
      return rc;
    uint64_t padded;
    if (record.offset % LT_DATA_ALIGN != 0 ||
        !checkedAdd<uint64_t>(record.size, LT_READ_TAIL, padded) ||
        !rangeFits(record.offset, padded, section.size))
      return fail(error, LT_ERR_FORMAT, Where::WeightRange, i,
                  "weight '%s' has %llu bytes at %llu of %llu", weight.name,
                  static_cast<unsigned long long>(record.size),
                  static_cast<unsigned long long>(record.offset),
                  static_cast<unsigned long long>(section.size));
    weight.offset = record.offset;
    weight.bytes = record.size;
    weight.crc = record.crc32c;
  }
  return LT_OK;
}

lt_rc ModelReader::readPairs(uint32_t kind, Array<Pair> &pairs) {
  const Table &table = container.table(kind);
  for (uint32_t i = 0; i < table.count; ++i) {
    auto record = table.at<lt_pair_record>(i);
    if (lt_rc rc = container.string(model, record.key, pairs[i].key))
      return rc;
    if (lt_rc rc = container.string(model, record.value, pairs[i].value, /*anyLength=*/true))
      return rc;
  }
  return LT_OK;
}

// Every record has exactly one owner.
lt_rc ModelReader::checkTotals() {
  struct {
    uint32_t kind, used;
    const char *what;
  } const rows[] = {
      {LT_SECTION_FUNCS, cursor.function, "functions"},
      {LT_SECTION_KERNELS, cursor.kernel, "kernels"},
      {LT_SECTION_IO, cursor.io, "inputs and outputs"},
      {LT_SECTION_SYMBOLS, cursor.symbol, "symbols"},
      {LT_SECTION_EXPRS, cursor.expr, "expressions"},
      {LT_SECTION_EXPR_CODE, cursor.code, "instructions"},
      {LT_SECTION_CHECKS, cursor.check, "checks"},
      {LT_SECTION_SLOTS, cursor.slot, "slots"},
      {LT_SECTION_BUFFERS, cursor.buffer, "buffers"},
      {LT_SECTION_STEPS, cursor.step, "steps"},
      {LT_SECTION_LISTS, cursor.list, "list entries"},
      {LT_SECTION_CALLS, cursor.call, "calls"},
  };
  for (const auto &row : rows)
    if (count(row.kind) != row.used)
      return fail(error, LT_ERR_FORMAT, Where::TableTotals, row.kind,
                  "the artifact has %u %s and uses %u of them", count(row.kind), row.what,
                  row.used);
  return LT_OK;
}
