// ScatterElements, ScatterND and the old Scatter: a copy of the data, some of it overwritten.
#include "compiler/Operators/GridBuilder.h"
#include "compiler/Operators/SizeProduct.h"

using namespace mlir;

namespace longtail::operators {
namespace {

using Exprs = SmallVector<AffineExpr>;

enum class Reduction { None, Add, Mul, Min, Max };

FailureOr<Reduction> reductionOf(InferContext &ctx) {
  StringRef name = ctx.getString("reduction", "none");
  std::optional<Reduction> reduction = llvm::StringSwitch<std::optional<Reduction>>(name)
                                           .Case("none", Reduction::None)
                                           .Case("add", Reduction::Add)
                                           .Case("mul", Reduction::Mul)
                                           .Case("min", Reduction::Min)
                                           .Case("max", Reduction::Max)
                                           .Default(std::nullopt);
  if (!reduction)
    return ctx.error() << "attribute 'reduction' is '" << name
                       << "', expected none, add, mul, min or max";
  if (*reduction != Reduction::None && failed(requireNumber(ctx, 0, "data", /*allowBool=*/true)))
    return failure();
  return *reduction;
}

/// What stands where `old` stood after `update`; both are elements of `elementType`.
Value reduced(const GridBuilder &b, Reduction reduction, Value old, Value update,
              Type elementType) {
  if (elementType.isInteger(1)) // a sum is "one of them", a product "both"
    return reduction == Reduction::Add || reduction == Reduction::Max ? b.either(old, update)
                                                                      : b.both(old, update);
  Value x = b.widen(old), y = b.widen(update), result;
  bool isUnsigned = elementType.isUnsignedInteger();
  switch (reduction) {
  case Reduction::None:
    return update;
  case Reduction::Add:
    result = b.add(x, y);
    break;
  case Reduction::Mul:
    result = b.mul(x, y);
    break;
  case Reduction::Min:
    result = b.minimum(x, y, isUnsigned);
    break;
  case Reduction::Max:
    result = b.maximum(x, y, isUnsigned);
    break;
  }
  return isFloat(elementType) ? b.narrow(result, elementType) : result;
}

/// Writes `update` at `indices` of `place`.
void write(const GridBuilder &b, Reduction reduction, Value update, Value place, ValueRange indices,
           Type elementType) {
  if (reduction != Reduction::None)
    update = reduced(b, reduction, b.fetch(place, indices), update, elementType);
  b.store(update, place, indices);
}

/// An index of a model in a dimension of `size`, and whether it is inside; negative ones count from
/// the end.
std::pair<Value, Value> positionIn(const GridBuilder &b, Value index, Value size) {
  Value at = b.toIndex(index);
  at = b.select(b.isBelow(at, b.index(0)), b.add(at, size), at);
  return {at, b.isInside(at, size)};
}

LogicalResult requireScatter(InferContext &ctx) {
  if (!ctx.elementType(1).isInteger(32) && !ctx.elementType(1).isInteger(64))
    return ctx.error() << "indices are " << ctx.elementType(1) << ", expected i32 or i64";
  if (failed(requireSameType(ctx, 2, 0, "updates", "data")))
    return failure();
  return failure(failed(reductionOf(ctx)));
}

//===-- ScatterElements -----------------------------------------------------------------------===//

LogicalResult inferScatterElements(InferContext &ctx) {
  if (failed(requireScatter(ctx)))
    return failure();
  int64_t rank = ctx.rank(0);
  if (ctx.rank(1) != rank || ctx.rank(2) != rank)
    return ctx.error() << "data, indices and updates have " << rank << ", " << ctx.rank(1)
                       << " and " << ctx.rank(2) << " dimensions, expected the same number";
  FailureOr<int64_t> axis = ctx.normalizeAxis(ctx.getInt("axis", 0), rank);
  if (failed(axis))
    return failure();
  Exprs data = ctx.sizes(0), indices = ctx.sizes(1), updates = ctx.sizes(2);
  for (int64_t dim = 0; dim < rank; ++dim) {
    if (failed(requireEqualSizes(ctx, indices[dim], updates[dim],
                                 "the sizes of indices and updates in dimension " + Twine(dim))))
      return failure();
    std::string message = (ctx.getNode().getOpType() + " '" + ctx.getNode().getNodeName() +
                           "': indices are larger than the data in dimension " + Twine(dim))
                              .str();
    if (dim != *axis && failed(ctx.getSymbols().requireAtMost(indices[dim], data[dim], message)))
      return ctx.error() << "indices are larger than the data in dimension " << dim << ": "
                         << describe(indices[dim]) << " and " << describe(data[dim]);
  }
  ctx.setResult(0, ctx.elementType(0), data);
  return success();
}

/// One point for each line along the axis: it copies the line, then applies its updates in order.
LogicalResult expandScatterElements(ExpandContext &ctx) {
  Reduction reduction = *reductionOf(ctx);
  int64_t axis = *ctx.normalizeAxis(ctx.getInt("axis", 0), ctx.rank(0));
  Value data = ctx.input(0), indices = ctx.input(1), updates = ctx.input(2);
  Type element = ctx.elementType(0);
  Exprs sizes = ctx.sizes(0), updated = ctx.sizes(1), extents = sizes;
  extents.erase(extents.begin() + axis);
  auto result = buildGrid(
      ctx, ctx.resultType(0), extents,
      [&](const GridBuilder &b, ValueRange points, ValueRange places) {
        auto along = [&](Value position) {
          SmallVector<Value> all(points);
          all.insert(all.begin() + axis, position);
          return all;
        };
        Value zero = b.index(0), size = b.size(sizes[axis]);
        b.loop(zero, size, [&](Value i) { b.store(b.load(data, along(i)), places[0], along(i)); });
        Value has;
        for (size_t dim = 0; dim < sizes.size(); ++dim)
          if (static_cast<int64_t>(dim) != axis && updated[dim] != sizes[dim]) {
            Value point = points[static_cast<int64_t>(dim) < axis ? dim : dim - 1];
            Value here = b.isBelow(point, b.size(updated[dim]));
            has = has ? b.both(has, here) : here;
          }
        Value count = b.size(updated[axis]);
        if (has)
          count = b.select(has, count, zero);
        b.loop(zero, count, [&](Value i) {
          auto [at, inside] = positionIn(b, b.load(indices, along(i)), size);
          b.require(inside, compute::Fault::Index);
          b.when(inside, [&, at = at] {
            write(b, reduction, b.load(updates, along(i)), places[0], along(at), element);
          });
        });
      });
  ctx.setValue(0, result[0]);
  return success();
}

//===-- ScatterND -----------------------------------------------------------------------------===//

/// The number of dimensions that an index names: the ranks tell it.
int64_t depthOf(const InferContext &ctx) { return ctx.rank(0) + ctx.rank(1) - 1 - ctx.rank(2); }

LogicalResult inferScatterND(InferContext &ctx) {
  if (failed(requireScatter(ctx)))
    return failure();
  int64_t rank = ctx.rank(0), count = ctx.rank(1), depth = depthOf(ctx);
  if (rank < 1 || count < 1)
    return ctx.error() << "data has " << rank << " dimensions and indices have " << count
                       << ", expected at least one of each";
  Exprs data = ctx.sizes(0), expected = ctx.sizes(1), updates = ctx.sizes(2);
  if (depth < 0 || depth > rank)
    return ctx.error() << "updates have " << updates.size() << " dimensions, expected " << count - 1
                       << " to " << count - 1 + rank;
  if (failed(requireEqualSizes(ctx, expected.pop_back_val(), ctx.constantExpr(depth),
                               "the last dimension of the indices and the number of dimensions "
                               "that the updates leave to them")))
    return failure();
  llvm::append_range(expected, ArrayRef(data).drop_front(depth));
  for (auto [dim, size] : llvm::enumerate(expected))
    if (failed(requireEqualSizes(ctx, updates[dim], size,
                                 "the sizes of the updates in dimension " + Twine(dim) +
                                     " and of what they update")))
      return failure();
  ctx.setResult(0, ctx.elementType(0), data);
  return success();
}

/// A slice is a run of elements in memory. Each point has a part of all slices: it copies that part
/// of the data, then applies the updates in order.
LogicalResult expandScatterND(ExpandContext &ctx) {
  constexpr int64_t part = 512; // elements
  Reduction reduction = *reductionOf(ctx);
  Type element = ctx.elementType(0);
  auto product = [&](ArrayRef<AffineExpr> sizes) {
    return SizeProduct(ctx.getContext(), sizes).expr();
  };
  Exprs sizes = ctx.sizes(0), outer = ctx.sizes(1);
  int64_t depth = depthOf(ctx);
  outer.pop_back();
  AffineExpr slices = product(ArrayRef(sizes).take_front(depth));
  AffineExpr length = product(ArrayRef(sizes).drop_front(depth)), count = product(outer);
  Exprs updateSizes = ctx.sizes(2);
  Value data = ctx.reshape(ctx.input(0), {slices, length});
  Value indices = ctx.reshape(ctx.input(1), {count, ctx.expr(depth)});
  Value updates =
      ctx.reshape(ctx.input(2), {product(ArrayRef(updateSizes).take_front(outer.size())),
                                 product(ArrayRef(updateSizes).drop_front(outer.size()))});
  AffineExpr parts = simplifyAffineExpr(length.ceilDiv(part), 0, ctx.getSymbols().size());
  auto result = buildGrid(
      ctx, extent::tensorType({slices, length}, element), parts,
      [&](const GridBuilder &b, ValueRange points, ValueRange places) {
        Value zero = b.index(0), low = b.mul(points[0], b.index(part));
        Value high = b.minimum(b.add(low, b.index(part)), b.size(length));
        b.loop(zero, b.size(slices), [&](Value slice) {
          b.loop(low, high,
                 [&](Value i) { b.store(b.load(data, {slice, i}), places[0], {slice, i}); });
        });
        b.loop(zero, b.size(count), [&](Value update) {
          Value slice = zero, inside = b.make<arith::ConstantOp>(b.builder().getBoolAttr(true));
          for (int64_t dim = 0; dim < depth; ++dim) {
            Value size = b.size(sizes[dim]);
            auto [at, ok] = positionIn(b, b.load(indices, {update, b.index(dim)}), size);
            slice = b.add(b.mul(slice, size), at);
            inside = b.both(inside, ok);
          }
          b.require(inside, compute::Fault::Index);
          b.when(inside, [&] {
            b.loop(low, high, [&](Value i) {
              write(b, reduction, b.load(updates, {update, i}), places[0], {slice, i}, element);
            });
          });
        });
      });
  ctx.setValue(0, ctx.reshape(result[0], sizes));
  return success();
}

} // namespace

void registerScatter(Registry &registry) {
  registry.add(
      {"", "Scatter", 9, inferScatterElements, expandScatterElements, 3, /*takesText=*/true});
  registry.add({"", "ScatterElements", 11, inferScatterElements, expandScatterElements, 3,
                /*takesText=*/true});
  registry.add({"", "ScatterND", 11, inferScatterND, expandScatterND, 3, /*takesText=*/true});
}

} // namespace longtail::operators
