// DFT and STFT, computed in f64 whatever the element type is.
#include "compiler/Operators/Elements.h"
#include "compiler/Operators/Fourier.h"
#include "compiler/Operators/GridBuilder.h"
#include "compiler/Operators/Recorded.h"
#include "compiler/Operators/Shape.h"

using namespace mlir;

namespace longtail::operators {
namespace {

using Exprs = SmallVector<AffineExpr>;
using extent::Function;

constexpr StringLiteral kRecord = "longtail.fourier";

/// Requires `low <= value`, now or at run time.
LogicalResult requireAtLeast(InferContext &ctx, AffineExpr value, int64_t low, const Twine &what) {
  std::string message = (Twine("'") + ctx.getNode().getNodeName() + "' (" +
                         ctx.getNode().getOpType() + "): " + what + " is below " + Twine(low))
                            .str();
  if (succeeded(ctx.getSymbols().requireAtMost(ctx.constantExpr(low), value, message)))
    return success();
  return ctx.error() << what.str() << " is " << describe(value) << ", expected at least " << low;
}

/// The last dimension holds one part or two.
LogicalResult requireParts(InferContext &ctx, StringRef name) {
  AffineExpr parts = ctx.sizes(0).back();
  std::string what = ("the last dimension of input '" + name + "'").str();
  if (failed(requireAtLeast(ctx, parts, 1, what)))
    return failure();
  std::string message =
      (Twine("'") + ctx.getNode().getNodeName() + "': " + what + " is neither 1 nor 2").str();
  if (failed(ctx.getSymbols().requireAtMost(parts, ctx.constantExpr(2), message)))
    return ctx.error() << what << " is " << describe(parts) << ", expected 1 or 2";
  return success();
}

/// How many parts are read: 2 where only the run tells, and then the second may be 0.
int64_t partsRead(InferContext &ctx) { return ctx.sizes(0).back() == ctx.constantExpr(1) ? 1 : 2; }

/// Conditions of an access: 0 <= valid < below.
struct Conditions {
  Exprs valid, below;
  void add(AffineExpr index, AffineExpr bound) {
    valid.push_back(index);
    below.push_back(bound);
  }
};

/// Adds the condition that part `part` is there.
void addPart(ExpandContext &ctx, AffineExpr part, Conditions &conditions) {
  if (!isa<AffineConstantExpr>(ctx.sizes(0).back()))
    conditions.add(part, ctx.sizes(0).back());
}

//===-- DFT -----------------------------------------------------------------------------------===//

/// The axis, counted from the front; a symbol where only the run tells.
FailureOr<AffineExpr> transformAxis(InferContext &ctx) {
  int64_t rank = ctx.rank(0);
  AffineExpr axis;
  if (ctx.version() < 20 || !ctx.hasInput(2)) {
    FailureOr<int64_t> given =
        ctx.normalizeAxis(ctx.version() < 20 ? ctx.getInt("axis", 1) : -2, rank);
    if (failed(given))
      return failure();
    axis = ctx.constantExpr(*given);
  } else {
    FailureOr<std::optional<Exprs>> axes = axesOf(ctx, /*name=*/"", /*input=*/2, rank);
    if (failed(axes))
      return failure();
    if ((*axes)->size() != 1)
      return ctx.error() << "input 'axis' holds " << (*axes)->size() << " numbers, expected one";
    axis = (*axes)->front();
  }
  std::string message =
      (Twine("'") + ctx.getNode().getNodeName() + "' (DFT): the axis is the last dimension").str();
  if (failed(ctx.getSymbols().requireAtMost(axis, ctx.constantExpr(rank - 2), message)))
    return ctx.error() << "the axis is the last dimension, which holds the parts of numbers";
  return axis;
}

LogicalResult inferDft(InferContext &ctx) {
  if (failed(requireFloat(ctx, 0, "input")))
    return failure();
  if (ctx.rank(0) < 2)
    return ctx.error() << "input 'input' has " << ctx.rank(0) << " dimensions, expected at least 2";
  if (failed(requireParts(ctx, "input")))
    return failure();
  FailureOr<AffineExpr> axis = transformAxis(ctx);
  if (failed(axis))
    return failure();
  bool inverse = ctx.getInt("inverse", 0) != 0, oneSided = ctx.getInt("onesided", 0) != 0;
  Exprs sizes = ctx.sizes(0);
  AffineExpr size = sizes.front(), length;
  for (int64_t dim = 1; dim < ctx.rank(0) - 1; ++dim)
    size = valueAt(ctx, *axis, sizes[dim], dim, size);
  if (ctx.hasInput(1)) {
    FailureOr<AffineExpr> given = integerOf(ctx, 1, "dft_length", 1, kMaxSize);
    if (failed(given))
      return failure();
    length = *given;
  } else {
    length = inverse && oneSided ? (size - 1) * 2 : size;
  }
  if (failed(requireAtLeast(ctx, length, 1, "the length of the transform")))
    return failure();
  AffineExpr count = !inverse && oneSided ? length.floorDiv(2) + 1 : length;
  for (auto [dim, own] : llvm::enumerate(sizes))
    own = valueAt(ctx, *axis, count, dim, own);
  sizes.back() = ctx.constantExpr(inverse && oneSided ? 1 : 2);
  recordExprs(ctx, kRecord, {*axis, length});
  ctx.setResult(0, ctx.elementType(0), sizes);
  return success();
}

/// The input around the axis: [outer, axis, inner, parts].
AxisView viewAround(ExpandContext &ctx, AffineExpr axis) {
  Exprs sizes = ctx.sizes(0);
  sizes.pop_back();
  if (auto constant = dyn_cast<AffineConstantExpr>(axis))
    return axisView(ctx, sizes, constant.getValue());
  extent::SymbolTable &symbols = ctx.getSymbols();
  AffineExpr one = ctx.expr(1);
  AxisView view{one, one, one};
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    AffineExpr here = ctx.expr(dim), own = size;
    auto factor = [&](Function relation, AffineExpr a, AffineExpr b) {
      return symbols.derive(Function::Select, {symbols.derive(relation, {a, b}), own, one});
    };
    view.outer = view.outer * factor(Function::Less, here, axis);
    view.axis = view.axis * factor(Function::Equal, here, axis);
    view.inner = view.inner * factor(Function::Less, axis, here);
  }
  return view;
}

/// The signal as [outer, inner, length, parts] in f64, cut or continued with zeros. Half of a
/// spectrum (`isHalf`) is continued with the conjugates of its first half.
Value signalOf(ExpandContext &ctx, const AxisView &view, AffineExpr length, bool isHalf) {
  int64_t parts = partsRead(ctx);
  Exprs from{view.outer, view.axis, view.inner, ctx.sizes(0).back()};
  Value source = ctx.reshape(ctx.input(0), from);
  Type f64 = Float64Type::get(ctx.getContext()), element = ctx.elementType(0);
  AffineExpr position = ctx.dim(2), part = ctx.dim(3);
  bool isInside = ctx.getSymbols().isProvably(Function::LessEqual, length, view.axis) && !isHalf;
  SmallVector<compute::Operand> operands;
  auto add = [&](AffineExpr index, Conditions conditions) {
    addPart(ctx, part, conditions);
    access::MapAttr map =
        ctx.access(4, {ctx.dim(0), index, ctx.dim(1), part}, conditions.valid, conditions.below);
    operands.push_back({source, map, map.isTotal() ? TypedAttr() : scalarAttr(element, 0)});
  };
  Conditions own, mirrored;
  AffineExpr half = length.floorDiv(2) + 1;
  if (!isInside)
    own.add(position, view.axis);
  if (isHalf) {
    own.add(position, half);
    mirrored.add(length - position, view.axis);
    mirrored.add(position - half, length);
  }
  add(position, own);
  if (isHalf)
    add(length - position, mirrored);
  RankedTensorType type =
      extent::tensorType({view.outer, view.inner, length, ctx.expr(parts)}, f64);
  return mapThrough(ctx, type, operands, [&](const RegionBuilder &b, ArrayRef<Value> v) {
    Value value = b.narrow(v[0], f64);
    if (!isHalf)
      return value;
    Value other = b.narrow(v[1], f64);
    Value isReal = b.compare(arith::CmpIPredicate::eq, b.position(3), b.indexConstant(0));
    return b.add(value, b.select(isReal, other, b.negate(other)));
  });
}

LogicalResult expandDft(ExpandContext &ctx) {
  std::optional<Exprs> record = recordedExprs(ctx, kRecord);
  AffineExpr axis = (*record)[0], length = (*record)[1];
  bool inverse = ctx.getInt("inverse", 0) != 0, oneSided = ctx.getInt("onesided", 0) != 0;
  AxisView view = viewAround(ctx, axis);
  Fourier transform{length, inverse, length, inverse && oneSided};
  if (!inverse && oneSided)
    transform.wanted = length.floorDiv(2) + 1;
  Value result = fourierTransform(ctx, signalOf(ctx, view, length, transform.realOnly),
                                  transform); // [outer, inner, k, part]
  RankedTensorType type = ctx.resultType(0);
  Type element = type.getElementType(), f64 = Float64Type::get(ctx.getContext());
  Exprs sizes{view.outer, transform.wanted, view.inner, ctx.expr(transform.realOnly ? 1 : 2)};
  access::MapAttr map = ctx.access(4, {ctx.dim(0), ctx.dim(2), ctx.dim(1), ctx.dim(3)});
  result = mapThrough(ctx, extent::tensorType(sizes, element), compute::Operand{result, map, {}},
                      [&](const RegionBuilder &b, ArrayRef<Value> v) {
                        Value value = v[0];
                        if (inverse)
                          value = b.div(value, sizeAsNumber(b, length, f64));
                        return b.narrow(value, element);
                      });
  ctx.setValue(0, ctx.reshape(result, extent::sizesOf(type)));
  return success();
}

//===-- STFT ----------------------------------------------------------------------------------===//

enum Input { kSignal, kStep, kWindow, kLength };

LogicalResult inferStft(InferContext &ctx) {
  if (failed(requireFloat(ctx, kSignal, "signal")))
    return failure();
  if (ctx.rank(kSignal) != 3)
    return ctx.error() << "input 'signal' has " << ctx.rank(kSignal) << " dimensions, expected 3";
  if (failed(requireParts(ctx, "signal")))
    return failure();
  Exprs signal = ctx.sizes(kSignal);
  FailureOr<AffineExpr> step = integerOf(ctx, kStep, "frame_step", 1, kMaxSize);
  if (failed(step) || failed(requireAtLeast(ctx, *step, 1, "input 'frame_step'")))
    return failure();
  AffineExpr length = signal[1];
  if (ctx.hasInput(kLength)) {
    FailureOr<AffineExpr> given = integerOf(ctx, kLength, "frame_length", 1, kMaxSize);
    if (failed(given))
      return failure();
    length = *given;
  }
  if (ctx.hasInput(kWindow)) {
    if (failed(requireSameType(ctx, kSignal, kWindow, "signal", "window")))
      return failure();
    if (ctx.rank(kWindow) != 1)
      return ctx.error() << "input 'window' has " << ctx.rank(kWindow) << " dimensions, expected 1";
    AffineExpr window = ctx.sizes(kWindow)[0];
    if (ctx.hasInput(kLength) &&
        failed(requireEqualSizes(ctx, window, length, "the window and 'frame_length'")))
      return failure();
    length = ctx.hasInput(kLength) ? simpler(window, length) : window;
  }
  if (failed(requireAtLeast(ctx, length, 1, "the length of a frame")) ||
      failed(requireAtLeast(ctx, signal[1] - length, 0, "the signal less the length of a frame")))
    return failure();
  extent::SymbolTable &symbols = ctx.getSymbols();
  AffineExpr frames =
      symbols.floorDiv(simplifyAffineExpr(signal[1] - length, 0, symbols.size()), *step) + 1;
  AffineExpr count = ctx.getInt("onesided", 1) != 0 ? length.floorDiv(2) + 1 : length;
  recordExprs(ctx, kRecord, {*step, length});
  ctx.setResult(0, ctx.elementType(kSignal), {signal[0], frames, count, ctx.constantExpr(2)});
  return success();
}

LogicalResult expandStft(ExpandContext &ctx) {
  std::optional<Exprs> record = recordedExprs(ctx, kRecord);
  AffineExpr step = (*record)[0], length = (*record)[1];
  RankedTensorType type = ctx.resultType(0);
  Exprs sizes = extent::sizesOf(type);
  Type f64 = Float64Type::get(ctx.getContext()), element = type.getElementType();
  Conditions conditions;
  addPart(ctx, ctx.dim(3), conditions);
  access::MapAttr map = ctx.access(4, {ctx.dim(0), ctx.dim(1) * step + ctx.dim(2), ctx.dim(3)},
                                   conditions.valid, conditions.below);
  SmallVector<compute::Operand> operands{
      {ctx.input(kSignal), map, map.isTotal() ? TypedAttr() : scalarAttr(element, 0)}};
  if (ctx.hasInput(kWindow))
    operands.push_back({ctx.input(kWindow), ctx.access(4, ctx.dim(2)), {}});
  RankedTensorType frames =
      extent::tensorType({sizes[0], sizes[1], length, ctx.expr(partsRead(ctx))}, f64);
  Value signal = mapThrough(ctx, frames, operands, [&](const RegionBuilder &b, ArrayRef<Value> v) {
    Value value = b.narrow(v[0], f64);
    return v.size() > 1 ? b.mul(value, b.narrow(v[1], f64)) : value;
  });
  ctx.setValue(
      0, ctx.castTo(fourierTransform(ctx, signal, {length, false, sizes[2], false}), element));
  return success();
}

} // namespace

void registerSignal(Registry &registry) {
  registry.add({"", "DFT", 17, inferDft, expandDft});
  registry.add({"", "STFT", 17, inferStft, expandStft, 2});
}

} // namespace longtail::operators
