// What a module tells about itself.
#include "Api.h"
#include "Cpu.h"
#include "Module.h"

using namespace longtail::runtime;

extern "C" uint32_t lt_abi_version(void) { return LT_ABI_VERSION; }

const Function *longtail::runtime::findFunction(const lt_module *module, uint32_t ordinal,
                                                lt_error *error) {
  const Span<Function> &functions = module->current().functions;
  if (ordinal < functions.size())
    return &functions[ordinal];
  fail(error, LT_ERR_ARG, Where::FunctionOrdinal, ordinal,
       "function %u does not exist: the artifact has %u", ordinal, functions.size());
  return nullptr;
}

extern "C" lt_rc lt_module_info(const lt_module *module, lt_info *out, lt_error *error) {
  if (!module)
    return nullArgument("module", error);
  if (lt_rc rc = checkOut(out, sizeof *out, "out", error))
    return rc;
  const Model &model = module->model;
  lt_info info = {};
  info.major = model.major;
  info.minor = model.minor;
  info.total_bytes = model.totalBytes;
  for (const Variant &variant : model.variants)
    info.code_bytes += variant.codeBytes;
  info.weight_bytes = model.weightDataBytes;
  info.variant_count = static_cast<uint32_t>(model.variants.size());
  info.variant = module->variant;
  info.function_count = module->current().functions.size();
  info.weight_count = static_cast<uint32_t>(model.weights.size());
  info.metadata_count = static_cast<uint32_t>(model.metadata.size());
  info.provenance_count = static_cast<uint32_t>(model.provenance.size());
  writeStruct(info, out);
  return LT_OK;
}

extern "C" lt_rc lt_inspect(const lt_source *source, lt_info *out, lt_error *error) {
  lt_load_opts opts = LT_INIT(lt_load_opts);
  opts.flags = LT_LOAD_INSPECT;
  lt_module *module;
  if (lt_rc rc = lt_module_open(source, &opts, &module, error))
    return rc;
  lt_rc rc = lt_module_info(module, out, error);
  lt_module_release(module);
  return rc;
}

extern "C" lt_rc lt_module_variant(const lt_module *module, uint32_t index, lt_variant_info *out,
                                   lt_error *error) {
  if (!module)
    return nullArgument("module", error);
  if (lt_rc rc = checkOut(out, sizeof *out, "out", error))
    return rc;
  if (index >= module->model.variants.size())
    return fail(error, LT_ERR_ARG, Where::Index, index, "variant %u does not exist", index);
  const Variant &variant = module->model.variants[index];
  lt_variant_info info = {};
  info.arch = variant.arch;
  info.features = variant.features;
  info.missing = variant.arch == hostArch() ? variant.features & ~module->features : ~uint64_t{0};
  info.code_bytes = variant.codeBytes;
  info.priority = variant.priority;
  info.function_count = variant.functions.size();
  info.kernel_count = variant.kernels.size();
  info.name = variant.name;
  writeStruct(info, out);
  return LT_OK;
}

extern "C" lt_rc lt_module_function_at(const lt_module *module, uint32_t ordinal, lt_func_info *out,
                                       lt_error *error) {
  if (!module)
    return nullArgument("module", error);
  if (lt_rc rc = checkOut(out, sizeof *out, "out", error))
    return rc;
  const Function *function = findFunction(module, ordinal, error);
  if (!function)
    return LT_ERR_ARG;
  lt_func_info info = {};
  info.ordinal = ordinal;
  info.input_count = function->inputCount;
  info.output_count = function->outputCount;
  info.step_count = function->steps.size();
  info.region_count = function->regionCount();
  info.name = function->name;
  writeStruct(info, out);
  return LT_OK;
}

extern "C" lt_rc lt_module_function(const lt_module *module, const char *name, lt_func_info *out,
                                    lt_error *error) {
  if (!module)
    return nullArgument("module", error);
  uint32_t ordinal = 0;
  if (name) {
    const Span<Function> &functions = module->current().functions;
    while (ordinal < functions.size() && strcmp(functions[ordinal].name, name) != 0)
      ++ordinal;
    if (ordinal == functions.size())
      return fail(error, LT_ERR_ARG, Where::FunctionName, 0,
                  "the artifact has no function '%.128s'", name);
  }
  return lt_module_function_at(module, ordinal, out, error);
}

// The range of an input's dynamic dimension is that of its symbol.
static void fillRange(const Function &function, uint32_t slot, lt_io_info &info) {
  for (const Symbol &symbol : function.symbols)
    if (symbol.kind == LT_SYMBOL_INPUT_DIM && symbol.source == slot &&
        info.dims[symbol.index] == -1) {
      int64_t &low = info.min_dims[symbol.index], &high = info.max_dims[symbol.index];
      low = symbol.min > low ? symbol.min : low;
      high = symbol.max < high ? symbol.max : high;
    }
}

extern "C" lt_rc lt_module_io(const lt_module *module, uint32_t ordinal, uint32_t slot,
                              lt_io_info *out, lt_error *error) {
  if (!module)
    return nullArgument("module", error);
  if (lt_rc rc = checkOut(out, sizeof *out, "out", error))
    return rc;
  const Function *function = findFunction(module, ordinal, error);
  if (!function)
    return LT_ERR_ARG;
  if (slot >= function->ios.size())
    return fail(error, LT_ERR_ARG, Where::Slot, slot,
                "slot %u does not exist: function '%.64s' has %u inputs and %u outputs", slot,
                function->name, function->inputCount, function->outputCount);
  const Io &io = function->ios[slot];
  lt_io_info info = {};
  info.is_output = slot >= function->inputCount;
  info.dtype = static_cast<uint16_t>(io.dtype);
  info.rank = static_cast<uint16_t>(io.rank);
  info.data_dependent = io.region > 0;
  info.name = io.name;
  for (uint32_t i = 0; i < LT_MAX_RANK; ++i) {
    bool dynamic = io.dims[i] == -1;
    info.dims[i] = io.dims[i];
    info.min_dims[i] = dynamic ? 0 : io.dims[i];
    info.max_dims[i] = dynamic ? LT_MAX_DIM : io.dims[i];
    info.dim_names[i] = io.dimNames[i];
  }
  if (!info.is_output)
    fillRange(*function, slot, info);
  writeStruct(info, out);
  return LT_OK;
}

static const Array<Pair> *pairTable(const lt_module *module, uint32_t table) {
  return table == LT_TABLE_METADATA     ? &module->model.metadata
         : table == LT_TABLE_PROVENANCE ? &module->model.provenance
                                        : nullptr;
}

extern "C" lt_rc lt_module_metadata(const lt_module *module, uint32_t table, uint32_t index,
                                    const char **key, const char **value, lt_error *error) {
  if (!module || !key || !value)
    return nullArgument(!module ? "module" : !key ? "key" : "value", error);
  const Array<Pair> *pairs = pairTable(module, table);
  if (!pairs)
    return fail(error, LT_ERR_ARG, Where::TableNumber, table, "table %u does not exist", table);
  if (index >= pairs->size())
    return fail(error, LT_ERR_ARG, Where::Index, index, "entry %u does not exist: there are %llu",
                index, static_cast<unsigned long long>(pairs->size()));
  *key = (*pairs)[index].key;
  *value = (*pairs)[index].value;
  return LT_OK;
}

extern "C" const char *lt_module_find(const lt_module *module, uint32_t table, const char *key) {
  const Array<Pair> *pairs = module && key ? pairTable(module, table) : nullptr;
  if (pairs)
    for (const Pair &pair : *pairs)
      if (strcmp(pair.key, key) == 0)
        return pair.value;
  return nullptr;
}
