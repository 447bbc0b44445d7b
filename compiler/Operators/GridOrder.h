// Orders of elements and sorting, inside a grid.
#pragma once
#include "compiler/Operators/GridBuilder.h"

namespace longtail::operators {

/// Whether `x` comes before `y` in ascending order: by value, NaNs last and equal to one another.
/// Both are elements of `elementType`.
mlir::Value isLess(const GridBuilder &b, mlir::Value x, mlir::Value y, mlir::Type elementType);

/// The position of `wanted` in the first `count` elements of the vector `sorted`, or of the first
/// one that is larger, or `count`.
mlir::Value lowerBound(const GridBuilder &b, mlir::Value sorted, mlir::Value count,
                       mlir::Value wanted);

/// Sorts the first `count` numbers (i64) of the array `order` so that `isBefore(order[i + 1],
/// order[i])` never holds; equal ones keep their order. `isBefore` gets indices. `spare` is another
/// array of that size.
void sortStably(const GridBuilder &b, mlir::Value order, mlir::Value spare, mlir::Value count,
                llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> isBefore);

/// Elements whose order `sortKey` gives as a number: floating-point numbers and integers.
bool hasSortKey(mlir::Type elementType);

/// An integer of 32 or 64 bits that is lower, as an unsigned number, the earlier `x` comes; equal
/// elements have equal keys. `x` is an element of `elementType`.
mlir::Value sortKey(const GridBuilder &b, mlir::Value x, mlir::Type elementType, bool descending,
                    bool nanLast);
mlir::Type sortKeyType(const GridBuilder &b, mlir::Type elementType);

/// Keys and what comes with them, which is sorted like them.
struct KeyedArray {
  mlir::Value keys, numbers;
};
/// Two arrays of `size` elements: keys for elements of `elementType`, and i64.
KeyedArray keyedArray(const GridBuilder &b, mlir::Type elementType, mlir::AffineExpr size);

/// Sorts by keys without comparing them, in time that grows with the number of elements only.
class RadixSorter {
public:
  /// At the top of the region: has an array of its own.
  RadixSorter(const GridBuilder &b, mlir::Type keyType);

  /// Sorts the first `count` elements of `array`; equal ones keep their order.
  void sort(const KeyedArray &array, const KeyedArray &spare, mlir::Value count) const;

  /// A key such that the `wanted` lowest of the first `count` keys, and few others, are at most
  /// that. `wanted` is 1 to `count`.
  mlir::Value bound(mlir::Value keys, mlir::Value count, mlir::Value wanted) const;

  /// Moves the `wanted` lowest of the first `count` elements of `array`, and few others, to
  /// `lowest` and the others to the front; both keep their order. Returns how many were moved: at
  /// least 1.
  mlir::Value takeLowest(const KeyedArray &array, const KeyedArray &lowest, mlir::Value count,
                         mlir::Value wanted) const;

private:
  mlir::Value digit(mlir::Value key, mlir::Value shift, int64_t bits) const;
  void countDigits(mlir::Value keys, mlir::Value count, mlir::Value shift, int64_t bits) const;
  void pass(const KeyedArray &from, const KeyedArray &to, mlir::Value shift,
            mlir::Value count) const;

  const GridBuilder &b;
  mlir::Type keyType;
  mlir::Value counts;
};

} // namespace longtail::operators
