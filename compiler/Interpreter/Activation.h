// One call of a function of the module that is interpreted.
#pragma once
#include "compiler/Interpreter/Interpreter.h"
#include "compiler/Interpreter/RegionCode.h"
#include "dialects/Compute/IR/Compute.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace longtail::interpreter {

class Activation {
public:
  Activation(Machine &machine, mlir::func::FuncOp function);

  /// The results, or nothing with an error.
  std::optional<std::vector<TensorRef>> run(llvm::ArrayRef<TensorRef> inputs);

private:
  /// The element that an operand of a map names at a point.
  struct Reader {
    mlir::Value value;
    const Tensor *tensor;
    access::MapAttr access;
    Scalar fill;
  };

  bool runBlock(mlir::Block &block);
  bool runOperation(mlir::Operation *op);
  // Sizes
  bool declare(mlir::Operation *op);
  bool check(extent::CheckOp op);
  bool define(mlir::Operation *op, int64_t id, int64_t value, int64_t min, int64_t max);
  // Whole tensors
  bool makeConstant(mlir::Operation *op, mlir::ElementsAttr value);
  bool read(access::ReadOp op);
  bool concat(access::ConcatOp op);
  // Computation
  bool map(compute::MapOp op);
  bool reduce(compute::ReduceOp op);
  bool contract(compute::ContractOp op);
  bool grid(compute::GridOp op);
  bool fused(compute::FusedOp op);
  bool fold(mlir::Operation *op, mlir::AffineMap extents, mlir::Type accumulator,
            mlir::TypedAttr identity, mlir::Block &step,
            llvm::function_ref<bool(llvm::ArrayRef<int64_t>, RegionCode &)> values);
  // Other functions
  bool branch(compute::BranchOp op);
  bool repeat(compute::RepeatOp op);
  std::optional<std::vector<TensorRef>> call(mlir::Operation *op, llvm::StringRef name,
                                             llvm::ArrayRef<TensorRef> inputs);

  Reader reader(mlir::Value value, access::MapAttr access, mlir::Attribute fill);
  bool readElement(mlir::Operation *op, const Reader &reader, llvm::ArrayRef<int64_t> point,
                   Scalar &result);
  std::optional<llvm::SmallVector<int64_t>> sizesOf(mlir::Operation *op,
                                                    mlir::RankedTensorType type);
  TensorRef makeTensor(mlir::Operation *op, mlir::Type type);
  Tensor *tensorOf(mlir::Value value) const;
  std::string nameOf(mlir::Value value) const;

  Machine &machine;
  mlir::func::FuncOp function;
  llvm::SmallVector<int64_t> symbols;
  llvm::DenseMap<mlir::Value, TensorRef> tensors;
  Environment environment;
};

} // namespace longtail::interpreter
