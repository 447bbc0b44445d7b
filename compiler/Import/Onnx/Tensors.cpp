#include "compiler/Import/Onnx/Tensors.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <cstring>

using namespace mlir;
using namespace longtail::onnx;
using llvm::createStringError;
using llvm::Twine;

/// Tensors of at most so many bytes are attributes of their own, which can be compared and printed.
static constexpr size_t kMaxInlineBytes = 1024;

namespace {
/// The type of a tensor that has data.
struct TensorShape {
  RankedTensorType type;
  const ElementKind *kind;
  int64_t numElements;
};
} // namespace

template <typename Dims>
static llvm::Expected<TensorShape> getShape(int code, const Dims &dims, MLIRContext *context) {
  const ElementKind *kind = getElementKind(code);
  if (!kind)
    return createStringError("has element type " + Twine(code) + ", which is not one of ONNX's");
  SmallVector<int64_t> sizes(dims.begin(), dims.end());
  llvm::Expected<int64_t> count = countElements(sizes, kind->bits);
  if (!count)
    return count.takeError();
  return TensorShape{RankedTensorType::get(sizes, getElementType(*kind, context)), kind, *count};
}

ElementsAttr TensorReader::getElements(RankedTensorType type, const ElementKind &kind,
                                       TensorData data, StringRef name) {
  int64_t numElements = type.getNumElements();
  if (type.getElementType().isInteger(1)) {
    // MLIR packs booleans into bits and may use several elements' worth of any byte.
    std::unique_ptr<bool[]> values(new bool[numElements]);
    for (int64_t i = 0; i < numElements; ++i)
      values[i] = data.bytes[i] != 0;
    return DenseElementsAttr::get(type, ArrayRef<bool>(values.get(), numElements));
  }
  if (data.bytes.size() > kMaxInlineBytes) {
    std::string key = name.empty() ? "constant_" + std::to_string(numUnnamed++) : name.str();
    AsmResourceBlob blob(
        data.bytes, /*dataAlignment=*/1, [owner = data.owner](void *, size_t, size_t) {},
        /*dataIsMutable=*/false);
    return DenseResourceElementsAttr::get(type, key, std::move(blob));
  }
  if (kind.bits >= 8)
    return DenseElementsAttr::getFromRawBuffer(type, data.bytes);
  SmallVector<char> unpacked;
  for (int64_t i = 0; i < numElements; ++i)
    unpacked.push_back(static_cast<char>(getPackedElement(data.bytes, i, kind.bits)));
  return DenseElementsAttr::getFromRawBuffer(type, unpacked);
}

llvm::Expected<ElementsAttr> TensorReader::convert(const ::onnx::TensorProto &tensor,
                                                   StringRef name) {
  if (tensor.has_segment())
    return createStringError("is a segment of a tensor, which is not supported");
  llvm::Expected<TensorShape> shape = getShape(tensor.data_type(), tensor.dims(), context);
  if (!shape)
    return shape.takeError();
  if (shape->kind->field != DataField::String) {
    llvm::Expected<TensorData> data = source.get(tensor, *shape->kind, shape->numElements);
    if (!data)
      return data.takeError();
    return getElements(shape->type, *shape->kind, *data, name);
  }
  if (tensor.has_raw_data() || tensor.data_location() == ::onnx::TensorProto::EXTERNAL)
    return createStringError("stores strings as raw data");
  if (tensor.string_data_size() != shape->numElements)
    return createStringError("has " + Twine(tensor.string_data_size()) + " strings for its " +
                             Twine(shape->numElements) + " elements");
  SmallVector<StringRef> strings(tensor.string_data().begin(), tensor.string_data().end());
  return cast<ElementsAttr>(DenseStringElementsAttr::get(shape->type, strings));
}

llvm::Expected<ElementsAttr> TensorReader::convert(const ::onnx::SparseTensorProto &sparse,
                                                   StringRef name) {
  const ::onnx::TensorProto &values = sparse.values(), &indices = sparse.indices();
  llvm::Expected<TensorShape> dense = getShape(values.data_type(), sparse.dims(), context);
  if (!dense)
    return dense.takeError();
  llvm::Expected<TensorShape> valueShape = getShape(values.data_type(), values.dims(), context);
  if (!valueShape)
    return valueShape.takeError();
  llvm::Expected<TensorShape> indexShape = getShape(indices.data_type(), indices.dims(), context);
  if (!indexShape)
    return indexShape.takeError();
  int64_t rank = dense->type.getRank(), count = valueShape->numElements;
  bool isLinear = indexShape->type.getRank() == 1;
  if (dense->kind->bits < 8)
    return createStringError(Twine("is a sparse tensor of ") + dense->kind->name +
                             ", which is not supported");
  if (valueShape->type.getRank() != 1 || indexShape->kind->field != DataField::Int64 ||
      !(isLinear ? indexShape->type.getDimSize(0) == count
                 : indexShape->type.getShape() == ArrayRef<int64_t>{count, rank}))
    return createStringError("is a sparse tensor whose values and indices do not match");
  uint64_t size = getPackedSize(dense->numElements, dense->kind->bits);
  if (size > sparseBudget)
    return createStringError("is a sparse tensor that is too big as a dense one: " + Twine(size) +
                             " bytes");
  sparseBudget -= size;

  llvm::Expected<TensorData> valueData = source.get(values, *dense->kind, count);
  if (!valueData)
    return valueData.takeError();
  llvm::Expected<TensorData> indexData =
      source.get(indices, *indexShape->kind, indexShape->numElements);
  if (!indexData)
    return indexData.takeError();
  auto result = std::make_shared<std::vector<char>>(size);
  size_t width = dense->kind->bits / 8;
  int64_t last = -1;
  for (int64_t i = 0; i < count; ++i) {
    int64_t position = 0;
    for (int64_t d = 0, n = isLinear ? 1 : rank; d < n; ++d) {
      int64_t index, bound = isLinear ? dense->numElements : dense->type.getDimSize(d);
      std::memcpy(&index, indexData->bytes.data() + (i * n + d) * sizeof(index), sizeof(index));
      if (index < 0 || index >= bound)
        return createStringError("is a sparse tensor with index " + Twine(index) +
                                 " outside of its shape");
      position = isLinear ? index : position * bound + index;
    }
    if (position <= last || position >= dense->numElements)
      return createStringError("is a sparse tensor whose indices do not ascend");
    last = position;
    std::memcpy(result->data() + position * width, valueData->bytes.data() + i * width, width);
  }
  return getElements(dense->type, *dense->kind, {*result, result}, name);
}

llvm::Expected<ElementsAttr> TensorReader::read(const ::onnx::TensorProto &tensor, StringRef name) {
  ElementsAttr &known = done[&tensor];
  if (known)
    return known;
  llvm::Expected<ElementsAttr> elements = convert(tensor, name);
  if (elements)
    known = *elements;
  return elements;
}

llvm::Expected<ElementsAttr> TensorReader::read(const ::onnx::SparseTensorProto &tensor,
                                                StringRef name) {
  ElementsAttr &known = done[&tensor];
  if (known)
    return known;
  llvm::Expected<ElementsAttr> elements = convert(tensor, name);
  if (elements)
    known = *elements;
  return elements;
}
