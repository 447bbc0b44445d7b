#include "compiler/Operators/Recorded.h"
#include "compiler/Operators/Resize.h"
#include <cmath>
#include <limits>
#include <numeric>

using namespace mlir;
using longtail::extent::Function;

namespace longtail::operators {

static constexpr StringLiteral kSizes = "longtail.resize";
static constexpr int64_t kMaxSize = std::numeric_limits<int32_t>::max();

//===-- Attributes ----------------------------------------------------------------------------===//

/// The value that `name`'s string attribute stands for.
template <typename T>
static FailureOr<T> choose(InferContext &ctx, StringRef name, StringRef otherwise,
                           ArrayRef<std::pair<StringRef, T>> choices) {
  StringRef text = ctx.getString(name, otherwise);
  for (auto [key, value] : choices)
    if (key == text)
      return value;
  return ctx.error() << "attribute '" << name << "' is '" << text << "', which is not known";
}

static LogicalResult readModes(InferContext &ctx, ResizePlan &plan) {
  FailureOr<ResizeMode> mode = choose<ResizeMode>(ctx, "mode", "nearest",
                                                  {{"nearest", ResizeMode::Nearest},
                                                   {"linear", ResizeMode::Linear},
                                                   {"bilinear", ResizeMode::Linear},
                                                   {"cubic", ResizeMode::Cubic}});
  if (failed(mode))
    return failure();
  plan.mode = *mode;
  if (ctx.version() < 11 || ctx.getNode().getOpType() == "Upsample") {
    plan.coordinates = Coordinates::Asymmetric;
    plan.nearest = NearestMode::Simple;
    return success();
  }
  FailureOr<NearestMode> nearest =
      choose<NearestMode>(ctx, "nearest_mode", "round_prefer_floor",
                          {{"round_prefer_floor", NearestMode::RoundPreferFloor},
                           {"round_prefer_ceil", NearestMode::RoundPreferCeil},
                           {"floor", NearestMode::Floor},
                           {"ceil", NearestMode::Ceil}});
  FailureOr<Coordinates> coordinates =
      choose<Coordinates>(ctx, "coordinate_transformation_mode", "half_pixel",
                          {{"half_pixel", Coordinates::HalfPixel},
                           {"half_pixel_symmetric", Coordinates::HalfPixelSymmetric},
                           {"pytorch_half_pixel", Coordinates::PytorchHalfPixel},
                           {"align_corners", Coordinates::AlignCorners},
                           {"asymmetric", Coordinates::Asymmetric},
                           {"tf_half_pixel_for_nn", Coordinates::HalfPixelNearest},
                           {"tf_crop_and_resize", Coordinates::CropAndResize}});
  if (failed(nearest) || failed(coordinates))
    return failure();
  plan.nearest = *nearest;
  plan.coordinates = *coordinates;
  plan.cubicCoefficient = ctx.getFloat("cubic_coeff_a", -0.75f);
  plan.extrapolation = ctx.getFloat("extrapolation_value", 0);
  plan.excludeOutside = ctx.getInt("exclude_outside", 0) != 0;
  plan.antialias = ctx.version() >= 18 && ctx.getInt("antialias", 0) != 0;
  if (plan.antialias && plan.mode == ResizeMode::Nearest)
    return ctx.error() << "attribute 'antialias' needs mode 'linear' or 'cubic'";
  if (plan.coordinates == Coordinates::CropAndResize)
    plan.roi = 1;
  return success();
}

static LogicalResult readAxes(InferContext &ctx, ResizePlan &plan) {
  int64_t rank = ctx.rank(0);
  SmallVector<int64_t> dims(rank);
  std::iota(dims.begin(), dims.end(), 0);
  if (std::optional<SmallVector<int64_t>> axes = ctx.getInts("axes");
      axes && !axes->empty() && ctx.version() >= 18)
    dims = *axes;
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  for (auto [index, dim] : llvm::enumerate(dims)) {
    FailureOr<int64_t> normal = ctx.normalizeAxis(dim, rank);
    if (failed(normal))
      return failure();
    for (const ResizeAxis &other : plan.axes)
      if (other.dim == *normal)
        return ctx.error() << "attribute 'axes' has dimension " << *normal << " twice";
    ResizeAxis axis;
    axis.dim = *normal;
    axis.index = index;
    axis.input = sizes[*normal];
    plan.axes.push_back(axis);
  }
  plan.count = plan.axes.size();
  return success();
}

//===-- Scales --------------------------------------------------------------------------------===//

/// The quotient that a scale stands for: one of small numbers if it rounds to the scale, otherwise
/// the scale itself.
static std::pair<int64_t, int64_t> quotientOf(double scale) {
  for (int64_t denominator = 1; denominator <= 1024; ++denominator) {
    double numerator = std::round(scale * denominator);
    if (numerator > 0 && numerator < (1 << 24) &&
        static_cast<float>(numerator / denominator) == static_cast<float>(scale))
      return {static_cast<int64_t>(numerator), denominator};
  }
  int exponent = 0; // scale = fraction * 2^exponent, fraction in [0.5, 1) of 24 bits
  int64_t numerator = static_cast<int64_t>(std::ldexp(std::frexp(scale, &exponent), 24));
  int shift = std::clamp(24 - exponent, -30, 62);
  if (shift < 0)
    return {numerator << -shift, 1};
  return {numerator, int64_t(1) << shift};
}

/// A tensor of integers with one element for each axis: what `body` makes of its scale (f32) and
/// the size of its input (f32). It is computed when the model runs and defines symbols.
static Value integersOfScales(InferContext &ctx, const ResizePlan &plan,
                              function_ref<Value(const RegionBuilder &, Value, Value)> body) {
  OpBuilder builder(ctx.getNode());
  Location loc = ctx.getLoc();
  Value scales = ctx.inputValue(plan.scales);
  Type element = ctx.elementType(plan.scales), f32 = builder.getF32Type();
  auto type = RankedTensorType::get(plan.count, builder.getI64Type());
  return compute::buildMap(builder, loc, type, compute::Operand{scales, {}, {}},
                           [&](OpBuilder &inner, ValueRange v) -> SmallVector<Value> {
                             RegionBuilder b(inner, loc);
                             Value here = b.position(0), size;
                             for (const ResizeAxis &axis : plan.axes) {
                               Value own = sizeAsNumber(b, axis.input, f32);
                               Value isOwn = b.compare(arith::CmpIPredicate::eq, here,
                                                       b.indexConstant(axis.index));
                               size = size ? b.select(isOwn, own, size) : own;
                             }
                             Value scale = b.convert(v[0], element, f32);
                             Value number = body(b, scale, size);
                             return {b.convert(number, f32, b.builder().getI64Type())};
                           })
      .getResult(0);
}

/// Sizes from scales that are known only when the model runs.
static void bindScales(InferContext &ctx, ResizePlan &plan, int64_t radius) {
  OpBuilder builder(ctx.getNode());
  Value outputs = integersOfScales(ctx, plan, [](const RegionBuilder &b, Value scale, Value size) {
    return b.floor(b.mul(scale, size));
  });
  Value reaches;
  if (plan.antialias)
    reaches = integersOfScales(ctx, plan, [&](const RegionBuilder &b, Value scale, Value) {
      Value shrink = b.minimum(scale, b.number(scale.getType(), 1));
      Value reach = b.div(b.number(scale.getType(), radius), shrink);
      return b.make<math::CeilOp>(reach);
    });
  extent::SymbolTable &symbols = ctx.getSymbols();
  for (ResizeAxis &axis : plan.axes) {
    axis.output = symbols.bind(builder, ctx.getLoc(), outputs, axis.index, 0, kMaxSize);
    if (reaches)
      axis.reach = symbols.bind(builder, ctx.getLoc(), reaches, axis.index, 1, kMaxSize);
  }
}

/// How far a filter of `radius` reaches when it is stretched by the inverse of a scale below 1.
static AffineExpr reachOf(InferContext &ctx, const ResizeAxis &axis, int64_t radius) {
  if (axis.constant)
    return ctx.constantExpr(std::ceil(radius / std::min(*axis.constant, 1.0)));
  extent::SymbolTable &symbols = ctx.getSymbols();
  AffineExpr divisor = symbols.max(axis.numerator, ctx.constantExpr(1)); // an empty output
  return symbols.max(ctx.constantExpr(radius), symbols.ceilDiv(axis.denominator * radius, divisor));
}

static LogicalResult requireCount(InferContext &ctx, const ResizePlan &plan, unsigned input,
                                  StringRef name, int64_t count) {
  if (ctx.rank(input) != 1 || ctx.inputType(input).getDimSize(0) != count)
    return ctx.error() << "input '" << name << "' is " << describe(ctx.inputType(input))
                       << ", expected " << count << " elements for " << plan.count << " dimensions";
  return success();
}

/// Scales that are known now, into `plan`. False where they are not.
static FailureOr<bool> readScales(InferContext &ctx, ResizePlan &plan) {
  std::optional<SmallVector<double>> known;
  if (plan.scales < 0) {
    std::optional<SmallVector<float>> list = ctx.getFloats("scales");
    if (!list || static_cast<int64_t>(list->size()) != plan.count)
      return ctx.error() << "attribute 'scales' has " << (list ? list->size() : 0)
                         << " numbers, expected " << plan.count;
    known = SmallVector<double>(list->begin(), list->end());
  } else {
    if (failed(requireCount(ctx, plan, plan.scales, "scales", plan.count)))
      return failure();
    known = ctx.constantNumbers(plan.scales);
  }
  if (!known) {
    std::optional<SmallVector<Fraction>> fractions = ctx.fractions(plan.scales);
    if (!fractions)
      return false;
    for (ResizeAxis &axis : plan.axes) {
      Fraction scale = (*fractions)[axis.index];
      axis.numerator = scale.numerator;
      axis.denominator = ctx.constantExpr(scale.denominator);
      if (auto constant = dyn_cast<AffineConstantExpr>(scale.numerator))
        axis.constant = static_cast<double>(constant.getValue()) / scale.denominator;
    }
    return true;
  }
  for (ResizeAxis &axis : plan.axes) {
    double scale = (*known)[axis.index];
    if (!(scale > 0) || scale > kMaxSize)
      return ctx.error() << "scale " << scale << " of dimension " << axis.dim
                         << " is not a positive number";
    axis.constant = scale;
  }
  return true;
}

static LogicalResult inferFromScales(InferContext &ctx, ResizePlan &plan, int64_t radius) {
  FailureOr<bool> known = readScales(ctx, plan);
  if (failed(known))
    return failure();
  if (!*known) {
    bindScales(ctx, plan, radius);
    return success();
  }
  for (ResizeAxis &axis : plan.axes) {
    if (axis.constant) {
      auto [numerator, denominator] = quotientOf(*axis.constant);
      axis.output = (axis.input * numerator).floorDiv(denominator);
    } else {
      axis.output = ctx.getSymbols().floorDiv(axis.input * axis.numerator, axis.denominator);
    }
    axis.output = simplifyAffineExpr(axis.output, 0, ctx.getSymbols().size());
    if (plan.antialias)
      axis.reach = reachOf(ctx, axis, radius);
  }
  return success();
}

//===-- Sizes ---------------------------------------------------------------------------------===//

static LogicalResult inferFromSizes(InferContext &ctx, ResizePlan &plan, int64_t radius) {
  constexpr unsigned input = 3;
  if (failed(requireCount(ctx, plan, input, "sizes", plan.count)))
    return failure();
  FailureOr<SmallVector<AffineExpr>> wanted = ctx.contentsOrBind(input, 0, kMaxSize);
  if (failed(wanted))
    return failure();
  extent::SymbolTable &symbols = ctx.getSymbols();
  std::string message = (ctx.getNode().getOpType() + " '" + ctx.getNode().getNodeName() +
                         "': an empty input is resized to a size that is not 0")
                            .str();
  for (ResizeAxis &axis : plan.axes) {
    axis.output = axis.numerator = (*wanted)[axis.index];
    axis.denominator = axis.input;
    if (failed(symbols.requireAtMost(symbols.min(axis.output, ctx.constantExpr(1)), axis.input,
                                     message)))
      return ctx.error() << "dimension " << axis.dim << " of input 'X' is empty and resized to "
                         << describe(axis.output);
  }
  StringRef policy = ctx.getString("keep_aspect_ratio_policy", "stretch");
  if (ctx.version() >= 18 && policy != "stretch" && !plan.axes.empty()) {
    if (policy != "not_larger" && policy != "not_smaller")
      return ctx.error() << "attribute 'keep_aspect_ratio_policy' is '" << policy
                         << "', which is not known";
    // The least or greatest of the quotients, compared by cross-multiplication.
    AffineExpr numerator = plan.axes[0].numerator, denominator = plan.axes[0].denominator;
    for (const ResizeAxis &axis : llvm::drop_begin(plan.axes)) {
      AffineExpr own = axis.numerator * denominator, best = numerator * axis.denominator;
      AffineExpr isBetter = policy == "not_larger" ? symbols.derive(Function::Less, {own, best})
                                                   : symbols.derive(Function::Less, {best, own});
      numerator = symbols.derive(Function::Select, {isBetter, axis.numerator, numerator});
      denominator = symbols.derive(Function::Select, {isBetter, axis.denominator, denominator});
    }
    denominator = symbols.max(denominator, ctx.constantExpr(1)); // an empty input
    for (ResizeAxis &axis : plan.axes) {
      axis.numerator = numerator;
      axis.denominator = denominator;
      // Rounded half up.
      axis.output = symbols.floorDiv(numerator * axis.input * 2 + denominator, denominator * 2);
    }
  }
  if (plan.antialias)
    for (ResizeAxis &axis : plan.axes)
      axis.reach = reachOf(ctx, axis, radius);
  return success();
}

//===-- The plan ------------------------------------------------------------------------------===//

/// True where the model gives input `i` and it is not an empty tensor.
static bool isGiven(InferContext &ctx, unsigned i) {
  return ctx.hasInput(i) && !llvm::is_contained(ctx.inputType(i).getShape(), 0);
}

FailureOr<ResizePlan> planResize(InferContext &ctx, bool isInference) {
  ResizePlan plan;
  if (failed(readModes(ctx, plan)) || failed(readAxes(ctx, plan)))
    return failure();
  bool isUpsample = ctx.getNode().getOpType() == "Upsample";
  bool hasSizes = false;
  if (ctx.version() < 11 || isUpsample) {
    plan.scales = isUpsample && ctx.version() < 9 ? -1 : 1;
  } else {
    hasSizes = isGiven(ctx, 3);
    plan.scales = isGiven(ctx, 2) ? 2 : -1;
    if (hasSizes == (plan.scales == 2))
      return ctx.error() << (hasSizes ? "both" : "neither")
                         << " of inputs 'scales' and 'sizes' are given, expected one";
    if (plan.roi >= 0) {
      if (!isGiven(ctx, plan.roi))
        return ctx.error() << "input 'roi' is missing, which tf_crop_and_resize needs";
      if (failed(requireCount(ctx, plan, plan.roi, "roi", 2 * plan.count)))
        return failure();
    }
  }
  int64_t radius = plan.mode == ResizeMode::Cubic ? 2 : 1;
  AffineExpr none = ctx.constantExpr(0);
  if (isInference) {
    if (failed(hasSizes ? inferFromSizes(ctx, plan, radius) : inferFromScales(ctx, plan, radius)))
      return failure();
    SmallVector<AffineExpr> record;
    for (const ResizeAxis &axis : plan.axes)
      for (AffineExpr expr : {axis.output, axis.numerator, axis.denominator, axis.reach})
        record.push_back(expr ? expr : none);
    recordExprs(ctx, kSizes, record);
    return plan;
  }
  if (!hasSizes && failed(readScales(ctx, plan)))
    return failure();
  std::optional<SmallVector<AffineExpr>> record = recordedExprs(ctx, kSizes);
  if (!record || record->size() != 4 * plan.axes.size())
    return ctx.error() << "its sizes were not inferred";
  for (auto [index, axis] : llvm::enumerate(plan.axes)) {
    auto entry = ArrayRef(*record).slice(4 * index, 4);
    axis.output = entry[0];
    axis.numerator = entry[2] == none ? AffineExpr() : entry[1];
    axis.denominator = entry[2] == none ? AffineExpr() : entry[2];
    axis.reach = entry[3];
    // What defined the scales as quotients of constants may be gone by now.
    auto numerator = dyn_cast_or_null<AffineConstantExpr>(axis.numerator);
    auto denominator = dyn_cast_or_null<AffineConstantExpr>(axis.denominator);
    if (!hasSizes && !axis.constant && numerator && denominator)
      axis.constant = static_cast<double>(numerator.getValue()) / denominator.getValue();
  }
  return plan;
}

} // namespace longtail::operators
