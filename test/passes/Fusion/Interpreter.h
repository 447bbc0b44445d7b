// Evaluates functions of the compute and access dialects element by element: what the passes must
// preserve.
#pragma once
#include "dialects/Compute/IR/Compute.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include <vector>

namespace longtail::test {

struct Tensor {
  std::vector<int64_t> sizes;
  std::vector<double> values;
};

/// The results of a function of static shapes whose regions hold arith operations on f32 and index,
/// `compute.index`, `extent.size` of constants and `access.load`. Fails the current test on others.
std::vector<Tensor> interpret(mlir::func::FuncOp function, std::vector<Tensor> arguments);

} // namespace longtail::test
