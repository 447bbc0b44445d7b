// An opened artifact: its model, the chosen variant's code, and the weights.
#pragma once
#include "Model.h"
#include "Source.h"
#include <atomic>

struct lt_module {
  std::atomic<uint32_t> references{1};
  longtail::runtime::Memory memory = {};
  longtail::runtime::Model model = {};
  uint32_t variant = LT_NO_ID; // LT_NO_ID only with `inspectOnly`
  bool inspectOnly = false;
  uint64_t features = 0; // of this CPU, without the disabled ones
  longtail::runtime::Mapping code;
  longtail::runtime::Mapping weights;

  // The chosen variant; without one, the first, so that inspection shows something.
  const longtail::runtime::Variant &current() const {
    return model.variants[variant == LT_NO_ID ? 0 : variant];
  }
  const uint8_t *weightData(uint32_t weight) const {
    return weights.data() + model.weights[weight].offset;
  }
  lt_kernel kernel(uint32_t index) const {
    return reinterpret_cast<lt_kernel>(reinterpret_cast<uintptr_t>(code.data()) +
                                       current().kernels[index].entry);
  }
};

namespace longtail::runtime {

// Index of the variant to run on a CPU with `features`, or LT_NO_ID.
uint32_t chooseVariant(const Model &model, uint64_t features);

// A function of the current variant, or null after filling `error`.
const Function *findFunction(const lt_module *module, uint32_t ordinal, lt_error *error);

} // namespace longtail::runtime
