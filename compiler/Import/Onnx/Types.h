// ONNX's types as types of MLIR.
#pragma once
#include "mlir/IR/BuiltinTypes.h"
#include "onnx-ml.pb.h"
#include "llvm/Support/Error.h"

namespace longtail::onnx {

/// The field of TensorProto that holds elements which are not in `raw_data`.
enum class DataField { Float, Int32, Int64, Double, UInt64, String };

/// What TensorProto.DataType number `code` stands for.
struct ElementKind {
  int code;
  const char *name;
  /// Bits of an element in raw data; 8 for booleans, 0 for strings.
  unsigned bits;
  DataField field;
};

/// Null where ONNX does not define `code`.
const ElementKind *getElementKind(int code);
mlir::Type getElementType(const ElementKind &kind, mlir::MLIRContext *context);

/// The number of elements of a tensor with the known sizes in `dims`, which are not negative; fails
/// if the bits of such a tensor cannot be counted.
llvm::Expected<int64_t> countElements(llvm::ArrayRef<int64_t> dims, unsigned bits);

/// Converts a declared type. `dimNames`, where given, receives one name for each dimension of a
/// ranked tensor, empty where it has none.
llvm::Expected<mlir::Type> convertType(const ::onnx::TypeProto &type, mlir::MLIRContext *context,
                                       llvm::SmallVectorImpl<llvm::StringRef> *dimNames = nullptr);

} // namespace longtail::onnx
