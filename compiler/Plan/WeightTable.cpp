#include "compiler/Plan/WeightTable.h"
#include "compiler/Plan/ElementType.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace longtail::plan {

/// Joins elements that take a byte each, from the low bits up.
static void packBits(ArrayRef<char> elements, unsigned bits, std::vector<char> &out) {
  unsigned perByte = 8 / bits;
  out.assign(llvm::divideCeil(elements.size(), perByte), 0);
  for (auto [i, element] : llvm::enumerate(elements))
    out[i / perByte] |= (element & ((1 << bits) - 1)) << (i % perByte * bits);
}

static ArrayRef<char> bytesOfDense(DenseElementsAttr dense, std::vector<char> &storage) {
  Type element = dense.getElementType();
  int64_t count = dense.getNumElements();
  if (element.isInteger(1)) {
    for (bool value : dense.getValues<bool>())
      storage.push_back(value);
    return storage;
  }
  unsigned bits = storageBits(element);
  ArrayRef<char> raw = dense.getRawData();
  if (bits >= 8 && !dense.isSplat())
    return raw;
  size_t width = std::max(1u, bits / 8);
  std::vector<char> elements;
  if (dense.isSplat()) {
    elements.reserve(count * width);
    for (int64_t i = 0; i < count; ++i)
      elements.insert(elements.end(), raw.begin(), raw.begin() + width);
    raw = elements;
  }
  if (bits < 8)
    packBits(raw, bits, storage);
  else
    storage = std::move(elements);
  return storage;
}

FailureOr<ArrayRef<char>> bytesOf(ElementsAttr value, std::vector<char> &storage,
                                  function_ref<InFlightDiagnostic()> emitError) {
  auto type = cast<RankedTensorType>(value.getShapedType());
  std::optional<uint64_t> expected = staticBytes(type);
  if (!expected)
    return emitError() << "is a constant of type " << type << ", which no kernel can read";
  ArrayRef<char> bytes;
  if (isa<DenseStringElementsAttr>(value)) {
    return emitError() << "is a constant of strings, which only a program can hold";
  } else if (auto dense = dyn_cast<DenseElementsAttr>(value)) {
    bytes = bytesOfDense(dense, storage);
  } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return emitError() << "is a constant without data: resource '"
                         << resource.getRawHandle().getKey() << "' was left out of the text";
    bytes = blob->getData();
  } else {
    return emitError() << "is a constant of an unknown kind";
  }
  if (bytes.size() != *expected)
    return emitError() << "is a constant of type " << type << ", which takes " << *expected
                       << " bytes, but holds " << bytes.size();
  return bytes;
}

uint64_t WeightTable::handleOf(StringRef string) {
  if (string.empty())
    return 0;
  auto [place, isNew] = handles.try_emplace(string, uint64_t(1) << 48 | text.size());
  if (isNew) {
    uint8_t size[4];
    llvm::support::endian::write32le(size, string.size());
    text.insert(text.end(), size, size + 4);
    text.insert(text.end(), string.bytes_begin(), string.bytes_end());
  }
  return place->second;
}

FailureOr<uint32_t> WeightTable::add(ElementsAttr value, StringRef name,
                                     function_ref<InFlightDiagnostic()> emitError) {
  auto [place, isNew] = known.try_emplace(value, weights.size());
  if (!isNew)
    return place->second;
  std::vector<char> copy;
  FailureOr<ArrayRef<char>> bytes = ArrayRef<char>();
  if (auto strings = dyn_cast<DenseStringElementsAttr>(value)) {
    for (StringRef string : strings.getValues<StringRef>()) {
      uint64_t handle = handleOf(string);
      copy.insert(copy.end(), reinterpret_cast<char *>(&handle),
                  reinterpret_cast<char *>(&handle) + sizeof handle);
    }
    bytes = ArrayRef(copy);
  } else {
    bytes = bytesOf(value, copy, emitError);
  }
  if (failed(bytes))
    return failure();
  SmallVector<uint32_t, 1> &alike = byHash[llvm::xxh3_64bits(
      ArrayRef(reinterpret_cast<const uint8_t *>(bytes->data()), bytes->size()))];
  for (uint32_t number : alike)
    if (weights[number].size == bytes->size() &&
        std::memcmp(weights[number].data, bytes->data(), bytes->size()) == 0)
      return known[value] = number;
  alike.push_back(weights.size());
  container::Weight weight;
  weight.size = bytes->size();
  weight.data = bytes->data();
  weight.name = name.substr(0, 256).str();
  if (!copy.empty()) {
    storage.push_back(std::move(copy)); // moves the vector, not its elements
    weight.data = storage.back().data();
  }
  weights.push_back(std::move(weight));
  return place->second;
}

} // namespace longtail::plan
