// The dimension that the vectors of a window run along.
#pragma once
#include "codegen/Leaf/Elements.h"
#include "passes/Layout/ConstantValues.h"

namespace longtail {

/// An index of an input that is to lie innermost in memory.
struct InputOrder {
  unsigned input;
  int64_t innermost;
};

struct WindowLanes {
  int64_t dim;                          // of the reduction's result
  llvm::SmallVector<InputOrder> copies; // that reads along it need
};

/// The dimension of `reduce`'s result along which the group, of the class Window, costs least in
/// loads and copies, where that is clearly less than along `usual`; nothing otherwise. `isFlat`
/// says that the result has to lie in row-major order in the end. Copies of `constants` cost
/// nothing.
std::optional<WindowLanes> lanesOfWindow(compute::FusedOp group, compute::ReduceOp reduce,
                                         int64_t usual, bool isFlat,
                                         const ConstantValues &constants);

} // namespace longtail
