// Internal to compiler/Embed: the C header of a model.
#pragma once
#include "compiler/Embed/Embed.h"
#include "longtail/runtime.h"

namespace longtail {

/// A module opened for inspection, and what it takes to open it.
class Inspected {
public:
  static llvm::Expected<Inspected> open(const std::vector<uint8_t> &bytes);
  Inspected(Inspected &&other) : openBytes(other.openBytes), module(other.module) {
    other.module = nullptr;
  }
  ~Inspected() { lt_module_release(module); }

  lt_module *get() const { return module; }
  uint64_t openBytes = 0; // of the allocator at most

private:
  explicit Inspected(lt_module *module) : module(module) {}
  lt_module *module;
};

/// The text of the header, with the constants for memory as far as sizes are known.
llvm::Expected<std::string> headerOf(const Inspected &module, const EmbedOptions &options);

} // namespace longtail
