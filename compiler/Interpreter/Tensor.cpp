#include "compiler/Interpreter/Tensor.h"
#include "dialects/Access/IR/Access.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <cstring>

using namespace mlir;

namespace longtail::interpreter {

Tensor::Tensor(Type elementType, ArrayRef<int64_t> sizes)
    : elementType(elementType), sizes(sizes), width(widthOf(access::computeType(elementType))),
      bytes(llvm::PowerOf2Ceil(llvm::divideCeil(width, 8))) {
  for (int64_t size : sizes)
    count *= size;
  data.resize(count * bytes);
  defined.resize(count);
}

std::optional<int64_t> Tensor::offsetOf(ArrayRef<int64_t> indices) const {
  int64_t offset = 0;
  for (auto [index, size] : llvm::zip_equal(indices, sizes)) {
    if (index < 0 || index >= size)
      return std::nullopt;
    offset = offset * size + index;
  }
  return offset;
}

SmallVector<int64_t> Tensor::indicesOf(int64_t offset) const {
  SmallVector<int64_t> indices(sizes.size());
  for (size_t dim = sizes.size(); dim-- > 0; offset /= sizes[dim])
    indices[dim] = offset % sizes[dim];
  return indices;
}

Scalar Tensor::get(int64_t offset) const {
  if (!defined[offset])
    return {};
  uint64_t bits = 0;
  std::memcpy(&bits, data.data() + offset * bytes, bytes);
  return fromInteger(static_cast<int64_t>(bits), width);
}

void Tensor::set(int64_t offset, Scalar value) {
  defined[offset] = value.defined;
  std::memcpy(data.data() + offset * bytes, &value.bits, bytes);
}

std::optional<int64_t> Tensor::firstUndefined() const {
  auto found = llvm::find(defined, false);
  return found == defined.end() ? std::nullopt : std::optional<int64_t>(found - defined.begin());
}

void Tensor::setData(ArrayRef<char> elements) {
  data.assign(elements.begin(), elements.end());
  defined.assign(count, true);
}

std::string textOf(ArrayRef<int64_t> indices) {
  auto texts = llvm::map_range(indices, [](int64_t index) { return llvm::itostr(index); });
  return "(" + llvm::join(texts, ", ") + ")";
}

bool forEachPoint(ArrayRef<int64_t> sizes, llvm::function_ref<bool(ArrayRef<int64_t>)> visit) {
  if (llvm::is_contained(sizes, 0))
    return true;
  SmallVector<int64_t> point(sizes.size(), 0);
  while (true) {
    if (!visit(point))
      return false;
    size_t dim = sizes.size();
    while (dim > 0 && ++point[dim - 1] == sizes[dim - 1])
      point[--dim] = 0;
    if (dim == 0)
      return true;
  }
}

} // namespace longtail::interpreter
