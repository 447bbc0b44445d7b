// What all parts of a run of the interpreter share.
#pragma once
#include "compiler/Interpreter/Tensor.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"

namespace longtail::interpreter {

/// Ends a run from outside: asked now and then, false stops it.
using KeepGoing = std::function<bool()>;

class Machine {
public:
  explicit Machine(KeepGoing keepGoing) : keepGoing(std::move(keepGoing)) {}

  /// Emits an error. Returns false, which every step hands on.
  bool fail(mlir::Location location, const llvm::Twine &message);
  /// Counts a step; false where the run is to end.
  bool step(mlir::Location location) {
    return (++steps & 0xfffff) != 0 || !keepGoing || keepGoing() ||
           fail(location, "the run was interrupted");
  }

  bool refusesInputs = false; // what failed is a condition on the sizes of inputs

private:
  KeepGoing keepGoing;
  uint64_t steps = 0;
};

/// The value of an expression; nothing where it divides by zero or overflows.
std::optional<int64_t> evaluate(mlir::AffineExpr expr, llvm::ArrayRef<int64_t> dims,
                                llvm::ArrayRef<int64_t> symbols);

/// The values of the results of a map.
std::optional<llvm::SmallVector<int64_t>>
evaluate(mlir::AffineMap map, llvm::ArrayRef<int64_t> dims, llvm::ArrayRef<int64_t> symbols);

} // namespace longtail::interpreter
