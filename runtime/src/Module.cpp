#include "Module.h"
#include "Api.h"
#include "Cpu.h"
#include "Crc32c.h"
#include "ModelReader.h"
#include <new>
#include <stdio.h>

using namespace longtail;
using namespace longtail::runtime;

static bool runsOn(const Variant &variant, uint64_t features) {
  return variant.arch == hostArch() && (variant.features & ~features) == 0;
}

uint32_t longtail::runtime::chooseVariant(const Model &model, uint64_t features) {
  uint32_t best = LT_NO_ID;
  for (uint32_t i = 0; i < model.variants.size(); ++i)
    if (runsOn(model.variants[i], features) &&
        (best == LT_NO_ID || model.variants[i].priority > model.variants[best].priority))
      best = i;
  return best;
}

// Says for the closest variant what it lacks.
static lt_rc noVariant(const Model &model, const Variant &variant, uint64_t features,
                       lt_error *error) {
  if (variant.arch != hostArch())
    return fail(error, LT_ERR_ISA, Where::NoVariant, variant.arch,
                "this CPU is %s; variant '%s' of the artifact is for %s (%u variants in all)",
                archName(hostArch()), variant.name, archName(variant.arch),
                static_cast<uint32_t>(model.variants.size()));
  char missing[128];
  int length = 0;
  missing[0] = 0;
  for (uint32_t bit = 0; bit < 64; ++bit)
    if ((variant.features & ~features) >> bit & 1 && length < 90)
      length += snprintf(missing + length, sizeof missing - static_cast<size_t>(length), "%s%.32s",
                         length ? ", " : "", featureName(variant.arch, bit));
  return fail(error, LT_ERR_ISA, Where::NoVariant, variant.features & ~features,
              "variant '%.64s' needs %s, which this CPU does not have or which is disabled",
              variant.name, missing);
}

static lt_rc pickVariant(lt_module &module, const char *name, lt_error *error) {
  const Model &model = module.model;
  if (name) {
    for (uint32_t i = 0; i < model.variants.size(); ++i) {
      if (strcmp(model.variants[i].name, name) != 0)
        continue;
      if (!module.inspectOnly && !runsOn(model.variants[i], module.features))
        return noVariant(model, model.variants[i], module.features, error);
      module.variant = i;
      return LT_OK;
    }
    return fail(error, LT_ERR_ARG, Where::VariantName, 0, "the artifact has no variant '%.128s'",
                name);
  }
  module.variant = chooseVariant(model, module.features);
  if (module.variant != LT_NO_ID || module.inspectOnly)
    return LT_OK;
  uint32_t closest = 0; // of this arch, with the lowest demands by priority
  for (uint32_t i = 1; i < model.variants.size(); ++i) {
    bool host = model.variants[i].arch == hostArch();
    bool closestHost = model.variants[closest].arch == hostArch();
    if (host && (!closestHost || model.variants[i].priority < model.variants[closest].priority))
      closest = i;
  }
  return noVariant(model, model.variants[closest], module.features, error);
}

static lt_rc verifyWeights(const lt_module &module, lt_error *error) {
  for (uint32_t i = 0; i < module.model.weights.size(); ++i) {
    const Weight &weight = module.model.weights[i];
    if (crc32c(0, module.weightData(i), static_cast<size_t>(weight.bytes)) != weight.crc)
      return fail(error, LT_ERR_INTEGRITY, Where::WeightCrc, i,
                  "weight '%s' is damaged: its checksum differs", weight.name);
  }
  return LT_OK;
}

static lt_rc load(lt_module &module, const Source &source, const lt_load_opts &opts,
                  lt_error *error) {
  if (lt_rc rc = readModel(source, module.memory, module.model, error))
    return rc;
  module.inspectOnly = (opts.flags & LT_LOAD_INSPECT) != 0;
  module.features = hostFeatures() & ~opts.disabled_features;
  if (source.inParts() && module.model.variants.size() != 1)
    return fail(error, LT_ERR_ARG, Where::PartsVariants, module.model.variants.size(),
                "an artifact in parts has one variant, this one has %u",
                static_cast<uint32_t>(module.model.variants.size()));
  if (lt_rc rc = pickVariant(module, opts.variant, error))
    return rc;
  bool verify = (opts.flags & LT_LOAD_VERIFY_WEIGHTS) != 0;
  const Model &model = module.model;
  if (model.weightDataBytes > 0 && (!module.inspectOnly || verify)) {
    bool copy = (opts.flags & LT_LOAD_COPY_WEIGHTS) != 0;
    if (lt_rc rc = source.mapData(model.weightDataOffset, model.weightDataBytes, copy,
                                  module.memory, module.weights, error))
      return rc;
    if (verify)
      if (lt_rc rc = verifyWeights(module, error))
        return rc;
  }
  if (module.inspectOnly)
    return LT_OK;
  const Variant &variant = module.current();
  if (lt_rc rc = source.mapCode(variant.codeOffset, variant.codeBytes, module.code, error))
    return rc;
  if (crc32c(0, module.code.data(), static_cast<size_t>(variant.codeBytes)) != variant.codeCrc)
    return fail(error, LT_ERR_INTEGRITY, Where::CodeCrc, variant.codeCrc,
                "the code of variant '%s' is damaged: its checksum differs", variant.name);
  return LT_OK;
}

static void destroy(lt_module *module) {
  Memory memory = module->memory;
  module->code.release(memory);
  module->weights.release(memory);
  module->~lt_module(); // the model's arrays still use module->memory
  memory.release(module, sizeof *module);
}

extern "C" lt_rc lt_module_open(const lt_source *source, const lt_load_opts *opts, lt_module **out,
                                lt_error *error) {
  if (!out)
    return nullArgument("out", error);
  *out = nullptr;
  lt_load_opts options = {};
  if (opts)
    if (lt_rc rc = readStruct(opts, options, "opts", error))
      return rc;
  if (options.flags & ~(LT_LOAD_INSPECT | LT_LOAD_COPY_WEIGHTS | LT_LOAD_VERIFY_WEIGHTS))
    return fail(error, LT_ERR_ARG, Where::UnknownFlags, options.flags,
                "argument 'opts' sets unknown flags");
  Memory memory = {};
  if (options.memory) {
    if (lt_rc rc = readStruct(options.memory, memory.hook, "opts->memory", error))
      return rc;
    if (!memory.hook.alloc || !memory.hook.free)
      return nullArgument("opts->memory->alloc or free", error);
  }
  Source bytes;
  if (lt_rc rc = bytes.open(source, error))
    return rc;
  void *place =
      memory.allocate(sizeof(lt_module), alignof(lt_module) < 16 ? 16 : alignof(lt_module));
  if (!place)
    return outOfMemory(error, sizeof(lt_module), "the module");
  lt_module *module = new (place) lt_module;
  module->memory = memory;
  if (lt_rc rc = load(*module, bytes, options, error)) {
    destroy(module);
    return rc;
  }
  *out = module;
  return LT_OK;
}

extern "C" void lt_module_retain(lt_module *module) {
  if (module)
    module->references.fetch_add(1, std::memory_order_relaxed);
}

extern "C" void lt_module_release(lt_module *module) {
  if (module && module->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
    destroy(module);
}
