// The bytes of a tensor, wherever the model stores them.
#pragma once
#include "compiler/Import/Onnx/Import.h"
#include "compiler/Import/Onnx/Storage.h"
#include "compiler/Import/Onnx/Types.h"
#include "llvm/ADT/StringMap.h"

namespace longtail::onnx {

/// Elements in the layout of `raw_data`: row-major, little endian, without gaps; elements of fewer
/// than 8 bits are packed from the low bits of each byte up.
struct TensorData {
  llvm::ArrayRef<char> bytes;
  /// Keeps `bytes` alive.
  std::shared_ptr<const void> owner;
};

/// Finds the data of the tensors of one model.
class TensorDataSource {
public:
  /// `model` holds the ranges of the placeholders (see Reduce.h). External data is beneath
  /// `folder`; there is none without a folder.
  TensorDataSource(std::shared_ptr<const Storage> model, std::optional<std::string> folder)
      : model(std::move(model)), folder(std::move(folder)) {}

  /// The data of `tensor`, which has `numElements` elements of `kind`, not strings.
  llvm::Expected<TensorData> get(const ::onnx::TensorProto &tensor, const ElementKind &kind,
                                 int64_t numElements);

private:
  llvm::Expected<TensorData> getRaw(const ::onnx::TensorProto &tensor, const ElementKind &kind);
  llvm::Expected<TensorData> getExternal(const ::onnx::TensorProto &tensor, uint64_t expected);

  std::shared_ptr<const Storage> model;
  std::optional<std::string> folder;
  llvm::StringMap<std::shared_ptr<const Storage>> externalFiles;
};

/// Bytes of `numElements` elements of `bits` bits in the layout of `raw_data`.
uint64_t getPackedSize(int64_t numElements, unsigned bits);

/// Element `index` of `bits` < 8 bits in `packed`, in the low bits of the result.
uint8_t getPackedElement(llvm::ArrayRef<char> packed, int64_t index, unsigned bits);

} // namespace longtail::onnx
