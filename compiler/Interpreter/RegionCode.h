// Scalar code of one region, decoded once and run for many points.
#pragma once
#include "compiler/Interpreter/Machine.h"
#include "mlir/IR/Block.h"
#include "llvm/ADT/DenseMap.h"
#include <deque>
#include <memory>

namespace longtail::interpreter {

/// The tensor that a value of the function is, and a name for it in messages.
struct Environment {
  std::function<Tensor *(mlir::Value)> tensorOf;
  std::function<std::string(mlir::Value)> nameOf;
  llvm::ArrayRef<int64_t> symbols;
};

/// The code of a block that ends in a terminator with operands. Captured tensors and symbols are
/// those of `environment` when the code is made.
class RegionCode {
public:
  RegionCode(Machine &machine, mlir::Block &block, const Environment &environment);
  RegionCode(const RegionCode &) = delete;

  /// False where an operation has no meaning here; the error is emitted.
  bool isValid() const { return valid; }
  /// Number or place that block argument `i` is.
  void setArgument(unsigned i, Scalar value) { *numberOf(block.getArgument(i)) = value; }
  void setPlace(unsigned i, Tensor *tensor) { places[block.getArgument(i)] = tensor; }
  /// Runs the code at a point of the enclosing domain. `number` tells the points of a grid apart.
  bool run(llvm::ArrayRef<int64_t> point, int64_t number = 0);
  /// What the terminator's operand `i` was.
  Scalar getResult(unsigned i) const { return *results[i]; }

private:
  using Step = std::function<bool()>;
  using Steps = std::vector<Step>;

  Scalar *numberOf(mlir::Value value);
  llvm::SmallVector<Scalar *> numbersOf(mlir::ValueRange values);
  bool runAll(const Steps &steps);

  bool decode(mlir::Block &block, Steps &steps);
  bool decode(mlir::Operation *op, Steps &steps);
  bool decodeScalar(mlir::Operation *op, Steps &steps);
  bool decodeMemory(mlir::Operation *op, Steps &steps);
  bool decodeFor(mlir::Operation *op, Steps &steps);
  bool decodeWhile(mlir::Operation *op, Steps &steps);
  bool decodeIf(mlir::Operation *op, Steps &steps);

  /// The element that indices name, or nothing with an error.
  std::optional<int64_t> locate(mlir::Operation *op, mlir::Value of, const Tensor &tensor,
                                llvm::ArrayRef<Scalar *> indices);
  bool store(mlir::Operation *op, mlir::Value place, llvm::ArrayRef<Scalar *> indices,
             Scalar value);
  bool fetch(mlir::Operation *op, mlir::Value place, llvm::ArrayRef<Scalar *> indices,
             Scalar &result);

  Machine &machine;
  mlir::Block &block;
  const Environment &environment;
  bool valid = false;
  std::deque<Scalar> slots; // with addresses that stay
  llvm::DenseMap<mlir::Value, Scalar *> numbers;
  llvm::DenseMap<mlir::Value, Tensor *> places;
  std::deque<std::unique_ptr<Tensor>> locals;
  Steps steps;
  llvm::SmallVector<Scalar *> results;
  llvm::ArrayRef<int64_t> point;
  int64_t number = 0;
};

} // namespace longtail::interpreter
