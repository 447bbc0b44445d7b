// The model's file without the data of its tensors.
//
// Parsing a protobuf message copies every field. Tensor data is therefore cut out of the bytes
// before they are parsed: in the reduced bytes each `raw_data` of a TensorProto, and each big
// packed `float_data` or `double_data` (which has the same layout), is a `raw_data` that holds a
// `Placeholder`.
#pragma once
#include "compiler/Import/Onnx/Import.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>

namespace longtail::onnx {

/// A range of the model's file, in place of a tensor's data.
struct Placeholder {
  uint64_t offset = 0;
  uint64_t size = 0;
  /// The number of the field of TensorProto that holds the data.
  uint32_t field = 0;

  std::string encode() const;
  /// Reads what `encode` wrote; nothing for other bytes.
  static std::optional<Placeholder> decode(llvm::StringRef bytes);
};

// Fields of TensorProto whose data may be cut out.
inline constexpr uint32_t kFloatDataField = 4, kRawDataField = 9, kDoubleDataField = 10;

/// Returns the reduced bytes of the serialized ModelProto `model`. Fails where `model` is
/// malformed, nests graphs too deep or stays too big. Information about training is left out.
llvm::Expected<std::string> reduceModel(llvm::StringRef model, const ImportOptions &options);

} // namespace longtail::onnx
