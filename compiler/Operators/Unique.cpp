// Unique: a node of its own sorts and finds the groups of equal elements, then their number is
// read as a size.
#include "compiler/Operators/GridOrder.h"
#include "compiler/Operators/InternalNode.h"
#include "compiler/Operators/SizeProduct.h"

using namespace mlir;

namespace longtail::operators {
namespace {

// The results of the internal node: the number of groups; then for each group the position of its
// first element and how many there are; for each element its group. The arrays of groups are as
// long as there may be groups.
enum Groups : unsigned { kCount, kFirst, kMembers, kGroupOf };

/// Subtensors along an axis, or single elements: those of an input seen as (1, size, 1).
struct Items {
  std::optional<int64_t> axis;
  AxisView view;
};

FailureOr<Items> itemsOf(InferContext &ctx) {
  if (!ctx.attribute("axis")) {
    AffineExpr one = ctx.constantExpr(1);
    return Items{{}, {one, SizeProduct(ctx.getContext(), ctx.sizes(0)).expr(), one}};
  }
  FailureOr<int64_t> axis = ctx.normalizeAxis(ctx.getInt("axis", 0), ctx.rank(0));
  if (failed(axis))
    return failure();
  return Items{*axis, axisView(ctx, ctx.sizes(0), *axis)};
}

SmallVector<RankedTensorType> groupTypes(InferContext &ctx, const Items &items) {
  Type i64 = IntegerType::get(ctx.getContext(), 64);
  RankedTensorType each = extent::tensorType(items.view.axis, i64);
  return {extent::tensorType(ctx.constantExpr(1), i64), each, each, each};
}

LogicalResult inferGroups(InferContext &ctx) {
  FailureOr<Items> items = failure();
  if (failed(requireInternal(ctx)) || failed(items = itemsOf(ctx)))
    return failure();
  for (auto [i, type] : llvm::enumerate(groupTypes(ctx, *items)))
    ctx.setResult(i, type.getElementType(), extent::sizesOf(type));
  return success();
}

/// Whether item `x` comes before item `y`: the first elements that differ decide.
Value isItemLess(const GridBuilder &b, const Items &items, Value source, Type element, Value x,
                 Value y) {
  Value zero = b.index(0), one = b.index(1);
  auto load = [&](Value outer, Value item, Value inner) {
    return b.load(source, {outer, item, inner});
  };
  if (!items.axis)
    return isLess(b, load(zero, x, zero), load(zero, y, zero), element);
  Value inner = b.size(items.view.inner), total = b.mul(b.size(items.view.outer), inner);
  Value no = b.make<arith::ConstantOp>(b.builder().getBoolAttr(false));
  // Position, whether the elements before it differ, and whether x is the less.
  auto end = b.repeatWhile(
      {zero, no, no},
      [&](ValueRange state) { return b.both(b.isBelow(state[0], total), b.isNot(state[1])); },
      [&](ValueRange state) {
        Value o = b.make<arith::DivUIOp>(state[0], inner);
        Value i = b.make<arith::RemUIOp>(state[0], inner);
        Value left = load(o, x, i), right = load(o, y, i);
        Value less = isLess(b, left, right, element), more = isLess(b, right, left, element);
        return GridBuilder::Values{b.add(state[0], one), b.either(less, more), less};
      });
  return end[2];
}

LogicalResult expandGroups(ExpandContext &ctx) {
  Items items = *itemsOf(ctx);
  Type element = ctx.elementType(0);
  bool sorted = ctx.getInt("sorted", 1) != 0;
  Value source = ctx.reshape(ctx.input(0), items.view.sizes());
  auto body = [&](const GridBuilder &b, ValueRange, ValueRange places) {
    Type i64 = b.builder().getI64Type();
    bool hasKeys = !items.axis && hasSortKey(element);
    std::optional<RadixSorter> sorter;
    KeyedArray sortedItems{{}, {}}, spareItems{{}, {}};
    if (hasKeys) {
      sorter.emplace(b, sortKeyType(b, element));
      sortedItems = keyedArray(b, element, items.view.axis);
      spareItems = keyedArray(b, element, items.view.axis);
    } else {
      sortedItems.numbers = b.local(i64, items.view.axis);
      spareItems.numbers = b.local(i64, items.view.axis);
    }
    Value order = sortedItems.numbers, spare = spareItems.numbers;
    Value zero = b.index(0), one = b.index(1), size = b.size(items.view.axis);
    auto less = [&](Value x, Value y) { return isItemLess(b, items, source, element, x, y); };
    auto at = [&](Value array, Value position) { return b.toIndex(b.fetch(array, position)); };
    auto begin = [&](Value group, Value item) {
      b.store(b.toInt64(item), places[kFirst], group);
      b.store(b.number(i64, 0), places[kMembers], group);
    };
    auto addTo = [&](Value group) {
      b.store(b.add(b.fetch(places[kMembers], group), b.number(i64, 1)), places[kMembers], group);
    };
    b.loop(zero, size, [&](Value i) { b.store(b.toInt64(i), order, i); });
    if (hasKeys) {
      b.loop(zero, size, [&](Value i) {
        Value key = sortKey(b, b.load(source, {zero, i, zero}), element, /*descending=*/false,
                            /*nanLast=*/true);
        b.store(key, sortedItems.keys, i);
      });
      sorter->sort(sortedItems, spareItems, size);
    } else {
      sortStably(b, order, spare, size, less);
    }
    // Equal items are neighbours now, the first of the input first. Carried: the number of groups
    // and the first item of the last one.
    auto end = b.loop(zero, size, {zero, zero}, [&](Value i, ValueRange state) {
      Value item = at(order, i);
      Value isNew = b.choose(
          b.isSame(i, zero),
          [&] {
            return GridBuilder::Values{b.make<arith::ConstantOp>(b.builder().getBoolAttr(true))};
          },
          [&] { return GridBuilder::Values{less(state[1], item)}; })[0];
      Value groups = b.select(isNew, b.add(state[0], one), state[0]);
      Value first = b.select(isNew, item, state[1]), group = b.sub(groups, one);
      if (sorted) {
        b.when(isNew, [&] { begin(group, item); });
        addTo(group);
      }
      b.store(b.toInt64(sorted ? group : first), places[kGroupOf], item);
      return GridBuilder::Values{groups, first};
    });
    b.store(b.toInt64(end[0]), places[kCount], zero);
    if (sorted)
      return;
    // Groups are numbered as their first items come; `spare` has the number at the first item.
    b.loop(zero, size, zero, [&](Value item, ValueRange groups) {
      Value first = at(places[kGroupOf], item), isNew = b.isSame(first, item);
      b.when(isNew, [&] {
        begin(groups[0], item);
        b.store(b.toInt64(groups[0]), spare, item);
      });
      Value group = at(spare, first);
      addTo(group);
      b.store(b.toInt64(group), places[kGroupOf], item);
      return GridBuilder::Values{b.select(isNew, b.add(groups[0], one), groups[0])};
    });
  };
  for (auto [i, value] : llvm::enumerate(buildGrid(ctx, groupTypes(ctx, items), {}, body)))
    ctx.setValue(i, value);
  return success();
}

LogicalResult inferUnique(InferContext &ctx) {
  if (!access::isHandle(ctx.elementType(0)) &&
      failed(requireNumber(ctx, 0, "X", /*allowBool=*/true)))
    return failure();
  FailureOr<Items> items = itemsOf(ctx);
  if (failed(items))
    return failure();
  auto groups = addInternalNode(ctx, "UniqueGroups", 1, groupTypes(ctx, *items));
  if (failed(groups))
    return failure();
  AffineExpr count = bindSize(ctx, (*groups)[kCount], items->view.axis);
  SmallVector<AffineExpr> sizes{count};
  if (items->axis) {
    sizes = ctx.sizes(0);
    sizes[*items->axis] = count;
  }
  Type i64 = IntegerType::get(ctx.getContext(), 64);
  ctx.setResult(0, ctx.elementType(0), sizes);
  ctx.setResult(1, i64, count);
  ctx.setResult(2, i64, items->view.axis);
  ctx.setResult(3, i64, count);
  return success();
}

LogicalResult expandUnique(ExpandContext &ctx) {
  Items items = *itemsOf(ctx);
  int64_t axis = items.axis.value_or(0);
  auto groups = [&](Groups which) { return ctx.input(1 + which); };
  RankedTensorType result = ctx.resultType(0);
  AffineExpr count = extent::sizesOf(result)[axis];
  Value source = items.axis ? ctx.input(0) : ctx.reshape(ctx.input(0), items.view.axis);
  access::MapAttr where = ctx.access(result.getRank(), ctx.dim(axis));
  ctx.setValue(0, mapThrough(ctx, result, compute::Operand{groups(kFirst), where, {}},
                             [&](const RegionBuilder &b, ArrayRef<Value> v) {
                               SmallVector<Value> indices;
                               for (int64_t dim = 0; dim < result.getRank(); ++dim)
                                 indices.push_back(dim == axis ? b.toIndex(v[0]) : b.position(dim));
                               return b.make<access::LoadOp>(
                                   access::computeType(result.getElementType()), source, indices,
                                   /*checked=*/false);
                             }));
  access::MapAttr used = ctx.access(1, ctx.dim(0));
  if (ctx.hasOutput(1))
    ctx.setValue(1, ctx.read(groups(kFirst), used, count));
  if (ctx.hasOutput(2))
    ctx.setValue(2, groups(kGroupOf));
  if (ctx.hasOutput(3))
    ctx.setValue(3, ctx.read(groups(kMembers), used, count));
  return success();
}

} // namespace

void registerUnique(Registry &registry) {
  registry.add({kInternalDomain.str(), "UniqueGroups", 1, inferGroups, expandGroups});
  registry.add({"", "Unique", 11, inferUnique, expandUnique, 1, /*takesText=*/true});
}

} // namespace longtail::operators
