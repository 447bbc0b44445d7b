// Values of a tensor at positions between its elements: what GridSample and DeformConv read.
#pragma once
#include "compiler/Operators/RegionBuilder.h"

namespace longtail::operators {

enum class Interpolation { Nearest, Linear, Cubic };
enum class Padding { Zeros, Border, Reflection };

/// How a tensor is read around a position and outside of itself. With `alignCorners` the borders
/// are the centres of the outermost elements, otherwise half an element further out.
struct SamplingRules {
  Interpolation interpolation = Interpolation::Linear;
  Padding padding = Padding::Zeros;
  bool alignCorners = true;

  /// How many elements of one dimension have a part in a value.
  int64_t taps() const {
    return interpolation == Interpolation::Nearest  ? 1
           : interpolation == Interpolation::Linear ? 2
                                                    : 4;
  }
};

/// In how many dimensions all elements around a position are read by straight-line code; the taps
/// of the dimensions before them are the caller's to sum over.
inline constexpr unsigned kUnrolledDims = 3;

/// Reads `source` between its elements.
class Sampler {
public:
  /// The last dimensions of `source` are interpolated; each has at least one element. Values are
  /// computed in `work`; the nearest element is taken as it is.
  Sampler(const RegionBuilder &b, SamplingRules rules, mlir::Value source, mlir::Type work)
      : b(b), rules(rules), source(source), sizes(extent::sizesOf(source)), work(work) {}

  /// The value at `leading`, indices of the first dimensions, and `positions` in the others,
  /// counted in elements. For each of the first of these that `taps` has a number for, only that
  /// tap's part.
  mlir::Value at(mlir::ValueRange leading, mlir::ValueRange positions,
                 mlir::ValueRange taps = {}) const;

private:
  /// An element that has a part in a value. `inside` is null where there always is one, `weight`
  /// where it is 1.
  struct Tap {
    mlir::Value index, inside, weight;
  };

  mlir::SmallVector<Tap> tapsOf(mlir::Value position, mlir::AffineExpr size,
                                mlir::Value only) const;
  Tap tapAt(mlir::Value position, mlir::Value low, mlir::Value high, mlir::Value size) const;
  mlir::Value reflected(mlir::Value x, mlir::Value low, mlir::Value high) const;
  mlir::SmallVector<mlir::Value> weights(mlir::Value fraction) const;
  mlir::Value sum(llvm::ArrayRef<llvm::SmallVector<Tap>> taps,
                  llvm::SmallVector<mlir::Value> &indices, mlir::Value inside) const;

  const RegionBuilder &b;
  SamplingRules rules;
  mlir::Value source;
  llvm::SmallVector<mlir::AffineExpr> sizes;
  mlir::Type work;
};

/// Requires each dimension of input `input` from number `first` on to have an element.
mlir::LogicalResult requireElements(InferContext &ctx, unsigned input, llvm::StringRef name,
                                    unsigned first);

} // namespace longtail::operators
