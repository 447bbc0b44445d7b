// Resize and Upsample: what is resized by how much (ResizePlan.cpp), where each output lies in the
// input (ResizeTables.cpp) and what is read there (Resize.cpp).
#pragma once
#include "compiler/Operators/RegionBuilder.h"

namespace longtail::operators {

enum class ResizeMode { Nearest, Linear, Cubic };
/// `Simple` is what versions before 11 do: up when shrinking, down otherwise.
enum class NearestMode { RoundPreferFloor, RoundPreferCeil, Floor, Ceil, Simple };
enum class Coordinates {
  HalfPixel,
  HalfPixelSymmetric,
  PytorchHalfPixel,
  AlignCorners,
  Asymmetric,
  HalfPixelNearest, // tf_half_pixel_for_nn
  CropAndResize     // tf_crop_and_resize
};

/// One resized dimension. The scale is `constant`, or a quotient of sizes where `numerator` is
/// given, or else element `index` of the tensor of scales at run time.
struct ResizeAxis {
  int64_t dim = 0, index = 0;
  mlir::AffineExpr input, output;
  std::optional<double> constant;
  mlir::AffineExpr numerator, denominator;
  /// With antialiasing the filter reaches this many inputs to each side.
  mlir::AffineExpr reach;

  bool isFromSizes() const { return numerator == output && denominator == input; }
};

struct ResizePlan {
  ResizeMode mode = ResizeMode::Nearest;
  NearestMode nearest = NearestMode::RoundPreferFloor;
  Coordinates coordinates = Coordinates::HalfPixel;
  double cubicCoefficient = -0.75, extrapolation = 0;
  bool excludeOutside = false, antialias = false;
  /// Operand numbers; -1 where there is none.
  int64_t roi = -1, scales = -1;
  /// The number of dimensions that scales, sizes and regions of interest are given for.
  int64_t count = 0;
  /// All dimensions that are given a scale or a size.
  llvm::SmallVector<ResizeAxis> axes;
};

/// Reads the attributes and operands. With `isInference` sizes are computed, declared and recorded
/// on the node; without, the recorded ones are taken.
mlir::FailureOr<ResizePlan> planResize(InferContext &ctx, bool isInference);

/// For each output of a dimension, what it reads: tensors over that dimension.
struct ResizeTable {
  /// Input positions (i32), within the input, and their weights (none for the nearest input).
  llvm::SmallVector<mlir::Value> positions, weights;
  /// Whether the output lies outside the input (i1), for tf_crop_and_resize.
  mlir::Value outside;
};
ResizeTable tableOf(ExpandContext &ctx, const ResizePlan &plan, const ResizeAxis &axis,
                    mlir::Type work);

/// The same with antialiasing: tensors over the dimension and the `2 * reach` inputs of a filter.
ResizeTable antialiasTableOf(ExpandContext &ctx, const ResizePlan &plan, const ResizeAxis &axis,
                             mlir::Type work);

} // namespace longtail::operators
