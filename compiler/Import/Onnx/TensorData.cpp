#include "compiler/Import/Onnx/TensorData.h"
#include "compiler/Import/Onnx/Reduce.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

using namespace longtail::onnx;
using llvm::createStringError;
using llvm::Twine;

static_assert(llvm::endianness::native == llvm::endianness::little,
              "tensor data is used as it is stored");

uint64_t longtail::onnx::getPackedSize(int64_t numElements, unsigned bits) {
  return llvm::divideCeil(static_cast<uint64_t>(numElements) * bits, 8);
}

uint8_t longtail::onnx::getPackedElement(llvm::ArrayRef<char> packed, int64_t index,
                                         unsigned bits) {
  uint64_t at = static_cast<uint64_t>(index) * bits;
  unsigned value = static_cast<uint8_t>(packed[at / 8]) >> (at % 8);
  if (at % 8 + bits > 8)
    value |= static_cast<uint8_t>(packed[at / 8 + 1]) << (8 - at % 8);
  return value & ((1u << bits) - 1);
}

/// A vector as shared bytes.
template <typename T> static TensorData own(std::vector<T> values) {
  auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  return {{reinterpret_cast<const char *>(owner->data()), owner->size() * sizeof(T)}, owner};
}

/// Stores each of `values` in the low `sizeof(To)` bytes.
template <typename To, typename Values> static TensorData narrow(const Values &values) {
  std::vector<To> narrowed;
  narrowed.reserve(values.size());
  for (auto value : values)
    narrowed.push_back(static_cast<To>(value));
  return own(std::move(narrowed));
}

/// True if `value` is a number of `bits` bits, with or without a sign.
static bool fits(int64_t value, unsigned bits) {
  return bits >= 33 || (value >= -(int64_t(1) << (bits - 1)) && value < int64_t(1) << bits);
}

static llvm::Expected<TensorData> getInt32Data(const ::onnx::TensorProto &tensor,
                                               const ElementKind &kind) {
  // One entry holds a byte of packed elements, but just one element of 6 bits.
  unsigned entryBits = kind.bits == 6 ? 6 : std::max(kind.bits, 8u);
  for (auto [index, value] : llvm::enumerate(tensor.int32_data()))
    if (!fits(value, entryBits))
      return createStringError("has entry " + Twine(index) + " of int32_data out of range for " +
                               kind.name + ": " + Twine(value));
  if (entryBits == 32)
    return narrow<int32_t>(tensor.int32_data());
  if (entryBits == 16)
    return narrow<uint16_t>(tensor.int32_data());
  if (entryBits == 8)
    return narrow<uint8_t>(tensor.int32_data());
  std::vector<uint8_t> packed(getPackedSize(tensor.int32_data_size(), entryBits));
  for (auto [index, value] : llvm::enumerate(tensor.int32_data()))
    for (unsigned bit = 0; bit < entryBits; ++bit)
      packed[(index * entryBits + bit) / 8] |= (value >> bit & 1) << (index * entryBits + bit) % 8;
  return own(std::move(packed));
}

llvm::Expected<TensorData> TensorDataSource::getRaw(const ::onnx::TensorProto &tensor,
                                                    const ElementKind &kind) {
  std::optional<Placeholder> place = Placeholder::decode(tensor.raw_data());
  if (!place || place->size > model->bytes().size() ||
      place->offset > model->bytes().size() - place->size)
    return createStringError("has data outside the model");
  bool isFloat = place->field == kFloatDataField, isDouble = place->field == kDoubleDataField;
  if ((isFloat && kind.field != DataField::Float) || (isDouble && kind.field != DataField::Double))
    return createStringError(Twine("has data of another type than ") + kind.name);
  llvm::StringRef range = model->bytes().substr(place->offset, place->size);
  return TensorData{{range.data(), range.size()}, model};
}

llvm::Expected<TensorData> TensorDataSource::getExternal(const ::onnx::TensorProto &tensor,
                                                         uint64_t expected) {
  llvm::StringRef location;
  uint64_t offset = 0, length = expected;
  for (const auto &entry : tensor.external_data()) {
    llvm::StringRef key = entry.key(), value = entry.value();
    if (key == "location")
      location = value;
    if ((key == "offset" && value.getAsInteger(10, offset)) ||
        (key == "length" && value.getAsInteger(10, length)))
      return createStringError("has external data with " + key + " '" + value +
                               "', which is no number of bytes");
  }
  if (!folder)
    return createStringError("has external data in '" + location + "', but the model is no file");
  if (length != expected)
    return createStringError("has " + Twine(length) + " bytes of external data, but needs " +
                             Twine(expected));
  std::shared_ptr<const Storage> &file = externalFiles[location];
  if (!file) {
    llvm::Expected<std::shared_ptr<const Storage>> mapped = Storage::mapBeneath(*folder, location);
    if (!mapped)
      return createStringError("has external data in '" + location + "', which " +
                               llvm::toString(mapped.takeError()));
    file = *mapped;
  }
  uint64_t size = file->bytes().size();
  if (offset > size || length > size - offset)
    return createStringError("has external data at byte " + Twine(offset) + ", " + Twine(length) +
                             " bytes long, but '" + location + "' has only " + Twine(size));
  return TensorData{{file->bytes().data() + offset, length}, file};
}

llvm::Expected<TensorData> TensorDataSource::get(const ::onnx::TensorProto &tensor,
                                                 const ElementKind &kind, int64_t numElements) {
  bool isExternal = tensor.data_location() == ::onnx::TensorProto::EXTERNAL;
  struct {
    DataField field;
    bool isUsed;
  } fields[] = {{DataField::Float, tensor.float_data_size() != 0},
                {DataField::Int32, tensor.int32_data_size() != 0},
                {DataField::Int64, tensor.int64_data_size() != 0},
                {DataField::Double, tensor.double_data_size() != 0},
                {DataField::UInt64, tensor.uint64_data_size() != 0},
                {DataField::String, tensor.string_data_size() != 0}};
  unsigned numSources = isExternal + tensor.has_raw_data();
  for (auto &entry : fields) {
    numSources += entry.isUsed;
    if (entry.isUsed && entry.field != kind.field)
      return createStringError(Twine("has data of another type than ") + kind.name);
  }
  uint64_t expected = getPackedSize(numElements, kind.bits);
  if (numSources > 1)
    return createStringError("has two sets of data");
  if (numSources == 0 && numElements == 0)
    return TensorData{};
  if (numSources == 0)
    return createStringError("has no data for its " + Twine(numElements) + " elements");

  llvm::Expected<TensorData> data = [&]() -> llvm::Expected<TensorData> {
    if (isExternal)
      return getExternal(tensor, expected);
    if (tensor.has_raw_data())
      return getRaw(tensor, kind);
    switch (kind.field) {
    case DataField::Float:
      return narrow<float>(tensor.float_data());
    case DataField::Double:
      return narrow<double>(tensor.double_data());
    case DataField::Int64:
      return narrow<int64_t>(tensor.int64_data());
    case DataField::Int32:
      return getInt32Data(tensor, kind);
    case DataField::UInt64:
      if (kind.bits == 64)
        return narrow<uint64_t>(tensor.uint64_data());
      for (uint64_t value : tensor.uint64_data())
        if (value > UINT32_MAX)
          return createStringError("has an entry of uint64_data out of range for uint32");
      return narrow<uint32_t>(tensor.uint64_data());
    case DataField::String:
      break;
    }
    llvm_unreachable("strings have no bytes");
  }();
  if (data && data->bytes.size() != expected)
    return createStringError("has " + Twine(data->bytes.size()) + " bytes of data, but its " +
                             Twine(numElements) + " elements of " + kind.name + " need " +
                             Twine(expected));
  return data;
}
