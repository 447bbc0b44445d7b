// ONNX's tensors as attributes, in the forms that `graph.constant` documents.
#pragma once
#include "compiler/Import/Onnx/TensorData.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/DenseMap.h"

namespace longtail::onnx {

class TensorReader {
public:
  TensorReader(mlir::MLIRContext *context, TensorDataSource source, const ImportOptions &options)
      : context(context), source(std::move(source)), sparseBudget(options.maxSparseBytes) {}

  /// The elements of `tensor`. `name` is for the key of a resource.
  llvm::Expected<mlir::ElementsAttr> read(const ::onnx::TensorProto &tensor, llvm::StringRef name);
  /// The elements of `tensor` as a dense tensor, zero where it has none.
  llvm::Expected<mlir::ElementsAttr> read(const ::onnx::SparseTensorProto &tensor,
                                          llvm::StringRef name);

private:
  llvm::Expected<mlir::ElementsAttr> convert(const ::onnx::TensorProto &tensor,
                                             llvm::StringRef name);
  llvm::Expected<mlir::ElementsAttr> convert(const ::onnx::SparseTensorProto &tensor,
                                             llvm::StringRef name);
  mlir::ElementsAttr getElements(mlir::RankedTensorType type, const ElementKind &kind,
                                 TensorData data, llvm::StringRef name);

  mlir::MLIRContext *context;
  TensorDataSource source;
  uint64_t sparseBudget;
  unsigned numUnnamed = 0;
  /// By message: a function's body is read once, however often it is called.
  llvm::DenseMap<const void *, mlir::ElementsAttr> done;
};

} // namespace longtail::onnx
