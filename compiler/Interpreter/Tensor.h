// Arrays of the interpreter: elements, and which of them are there.
#pragma once
#include "compiler/Interpreter/Scalars.h"
#include "mlir/IR/BuiltinTypes.h"
#include <optional>
#include <vector>

namespace longtail::interpreter {

/// An array in row-major order. Elements are undefined until they are set.
class Tensor {
public:
  /// The largest array that is interpreted, in elements.
  static constexpr int64_t kMaxCount = int64_t(1) << 28;

  Tensor(mlir::Type elementType, llvm::ArrayRef<int64_t> sizes);

  mlir::Type getElementType() const { return elementType; }
  llvm::ArrayRef<int64_t> getSizes() const { return sizes; }
  int64_t getCount() const { return count; }
  /// The width of an element as a number, and its bytes in memory.
  unsigned getWidth() const { return width; }
  unsigned getElementBytes() const { return bytes; }

  /// The place of an element, or nothing where an index is outside.
  std::optional<int64_t> offsetOf(llvm::ArrayRef<int64_t> indices) const;
  /// The indices of the element at a place.
  llvm::SmallVector<int64_t> indicesOf(int64_t offset) const;

  Scalar get(int64_t offset) const;
  void set(int64_t offset, Scalar value);
  /// The first element that is not defined, or nothing.
  std::optional<int64_t> firstUndefined() const;

  /// All elements, each in as many bytes as it has; setting them defines them.
  llvm::ArrayRef<char> getData() const { return data; }
  void setData(llvm::ArrayRef<char> elements);

  /// Which point of a grid has written each element, -1: none. Empty outside of grids.
  std::vector<int64_t> writers;

private:
  mlir::Type elementType;
  llvm::SmallVector<int64_t> sizes;
  int64_t count = 1;
  unsigned width, bytes;
  std::vector<char> data;
  std::vector<bool> defined;
};

/// "(1, 2)".
std::string textOf(llvm::ArrayRef<int64_t> indices);

/// Calls `visit` with each point of a box in row-major order, until it returns false.
bool forEachPoint(llvm::ArrayRef<int64_t> sizes,
                  llvm::function_ref<bool(llvm::ArrayRef<int64_t>)> visit);

} // namespace longtail::interpreter
