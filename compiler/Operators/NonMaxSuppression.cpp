// NonMaxSuppression: a node of its own selects for each batch and class, then the number of all
// selected boxes is read as a size.
#include "compiler/Operators/Compaction.h"
#include "compiler/Operators/GridOrder.h"
#include "compiler/Operators/InternalNode.h"
#include "compiler/Operators/SizeProduct.h"

using namespace mlir;

namespace longtail::operators {
namespace {

enum Input : unsigned { kBoxes, kScores, kMaxOutput, kIou, kScore, kSelected, kStarts };

Type int64(const InferContext &ctx) { return IntegerType::get(ctx.getContext(), 64); }

/// True for an optional number that is given and not empty.
bool hasNumber(InferContext &ctx, unsigned i) {
  return ctx.hasInput(i) && !llvm::is_contained(ctx.sizes(i), ctx.constantExpr(0));
}

LogicalResult requireOneNumber(InferContext &ctx, unsigned i, StringRef name, Type type) {
  if (!hasNumber(ctx, i))
    return success();
  if (ctx.elementType(i) != type)
    return ctx.error() << "input '" << name << "' is " << ctx.elementType(i) << ", expected "
                       << type;
  for (AffineExpr size : ctx.sizes(i))
    if (failed(requireEqualSizes(ctx, size, ctx.constantExpr(1),
                                 "the size of input '" + name + "' and 1")))
      return failure();
  return success();
}

/// The selected boxes of each batch and class: at most as many as there are boxes, fewer where a
/// constant says so.
AffineExpr mostSelected(InferContext &ctx) {
  AffineExpr boxes = ctx.sizes(kBoxes)[1];
  if (!hasNumber(ctx, kMaxOutput))
    return ctx.constantExpr(0);
  if (auto most = ctx.constantInts(kMaxOutput); most && most->size() == 1) {
    auto count = dyn_cast<AffineConstantExpr>(boxes);
    int64_t limit = std::max<int64_t>(most->front(), 0);
    if (limit == 0 || (count && limit < count.getValue()))
      return ctx.constantExpr(limit);
  }
  return boxes;
}

/// The types of the selected boxes and of where each batch and class starts among all.
SmallVector<RankedTensorType> selectionTypes(InferContext &ctx) {
  SmallVector<AffineExpr> scores = ctx.sizes(kScores);
  AffineExpr pairs = SizeProduct(ctx.getContext(), {scores[0], scores[1]}).expr();
  return {
      extent::tensorType({pairs, mostSelected(ctx)}, int64(ctx)),
      extent::tensorType(simplifyAffineExpr(pairs + 1, 0, ctx.getSymbols().size()), int64(ctx))};
}

LogicalResult inferSelection(InferContext &ctx) {
  if (failed(requireInternal(ctx)))
    return failure();
  for (auto [i, type] : llvm::enumerate(selectionTypes(ctx)))
    ctx.setResult(i, type.getElementType(), extent::sizesOf(type));
  return success();
}

LogicalResult inferNonMaxSuppression(InferContext &ctx) {
  for (auto [i, name] : {std::pair(unsigned(kBoxes), "boxes"), {unsigned(kScores), "scores"}}) {
    if (ctx.rank(i) != 3)
      return ctx.error() << "input '" << name << "' has " << ctx.rank(i)
                         << " dimensions, expected 3";
    if (!ctx.elementType(i).isF32())
      return ctx.error() << "input '" << name << "' is " << ctx.elementType(i) << ", expected f32";
  }
  SmallVector<AffineExpr> boxes = ctx.sizes(kBoxes), scores = ctx.sizes(kScores);
  if (failed(requireEqualSizes(ctx, boxes[2], ctx.constantExpr(4), "the size of a box and 4")) ||
      failed(requireEqualSizes(ctx, boxes[0], scores[0], "the batch sizes of boxes and scores")) ||
      failed(requireEqualSizes(ctx, boxes[1], scores[2], "the numbers of boxes and scores")))
    return failure();
  int64_t format = ctx.getInt("center_point_box", 0);
  if (format != 0 && format != 1)
    return ctx.error() << "attribute 'center_point_box' is " << format << ", expected 0 or 1";
  Type f32 = Float32Type::get(ctx.getContext());
  if (failed(requireOneNumber(ctx, kMaxOutput, "max_output_boxes_per_class", int64(ctx))) ||
      failed(requireOneNumber(ctx, kIou, "iou_threshold", f32)) ||
      failed(requireOneNumber(ctx, kScore, "score_threshold", f32)))
    return failure();
  SmallVector<RankedTensorType> types = selectionTypes(ctx);
  auto selection = addInternalNode(ctx, "SelectedBoxes", kSelected, types);
  if (failed(selection))
    return failure();
  AffineExpr most = SizeProduct(ctx.getContext(), extent::sizesOf(types[0])).expr();
  ctx.setResult(0, int64(ctx), {bindSize(ctx, (*selection)[1], most), ctx.constantExpr(3)});
  return success();
}

/// Candidates that are sorted in no time.
constexpr int64_t kFewCandidates = 64;

/// The sides of a box and its area.
struct Box {
  Value top, left, bottom, right, area;
  SmallVector<Value, 5> all() const { return {top, left, bottom, right, area}; }
};

Box loadBox(const GridBuilder &b, Value boxes, Value batch, Value index, bool isCentered) {
  SmallVector<Value, 4> v;
  for (int64_t i = 0; i < 4; ++i)
    v.push_back(b.load(boxes, {batch, index, b.index(i)}));
  Box box;
  if (isCentered) { // x and y of the center, width, height
    Value half = b.like(v[0], 0.5);
    Value across = b.mul(v[2], half), down = b.mul(v[3], half);
    box = {b.sub(v[1], down), b.sub(v[0], across), b.add(v[1], down), b.add(v[0], across), {}};
  } else { // y and x of two opposite corners in any order
    auto sorted = [&](Value x, Value y) {
      Value swapped = b.cmpF(arith::CmpFPredicate::OGE, x, y);
      return std::pair(b.select(swapped, y, x), b.select(swapped, x, y));
    };
    auto [top, bottom] = sorted(v[0], v[2]);
    auto [left, right] = sorted(v[1], v[3]);
    box = {top, left, bottom, right, {}};
  }
  box.area = b.mul(b.sub(box.right, box.left), b.sub(box.bottom, box.top));
  return box;
}

/// Whether two boxes share more than `threshold` of what they cover. Boxes without an area, and
/// those with a NaN, share nothing.
Value overlaps(const GridBuilder &b, const Box &x, const Box &y, Value threshold) {
  auto more = [&](Value p, Value q) { return b.cmpF(arith::CmpFPredicate::OGT, p, q); };
  auto larger = [&](Value p, Value q) { return b.select(more(p, q), p, q); };
  auto smaller = [&](Value p, Value q) { return b.select(more(q, p), p, q); };
  Value height = b.sub(smaller(x.bottom, y.bottom), larger(x.top, y.top));
  Value width = b.sub(smaller(x.right, y.right), larger(x.left, y.left));
  Value zero = b.like(height, 0), shared = b.mul(width, height);
  Value all = b.sub(b.add(x.area, y.area), shared);
  Value result = more(b.divF(shared, all), threshold);
  for (Value positive : {height, width, shared, x.area, y.area, all})
    result = b.both(result, more(positive, zero));
  return result;
}

/// One point for each batch and class: its candidates by falling score, of which each is taken that
/// overlaps none taken before.
LogicalResult expandSelection(ExpandContext &ctx) {
  Value boxes = ctx.input(kBoxes), scores = ctx.input(kScores);
  bool isCentered = ctx.getInt("center_point_box", 0) != 0;
  SmallVector<AffineExpr> sizes = ctx.sizes(kScores);
  AffineExpr most = mostSelected(ctx), pairs = extent::sizesOf(selectionTypes(ctx)[0])[0];
  bool hasMost = hasNumber(ctx, kMaxOutput), hasIou = hasNumber(ctx, kIou);
  bool hasScore = hasNumber(ctx, kScore);
  auto body = [&](const GridBuilder &b, ValueRange points, ValueRange places) {
    Type f32 = b.builder().getF32Type();
    KeyedArray rest = keyedArray(b, f32, sizes[2]), spare = keyedArray(b, f32, sizes[2]);
    KeyedArray order = keyedArray(b, f32, sizes[2]);
    RadixSorter sorter(b, sortKeyType(b, f32));
    SmallVector<Value, 5> taken; // the sides and areas of the boxes that are taken
    for (int i = 0; i < 5; ++i)
      taken.push_back(b.local(f32, most + GridBuilder::kBlock));
    Value zero = b.index(0), one = b.index(1), classes = b.size(sizes[1]);
    Value batch = b.make<arith::DivUIOp>(points[0], classes);
    Value kind = b.make<arith::RemUIOp>(points[0], classes);
    auto number = [&](unsigned i) {
      return b.load(ctx.input(i), SmallVector<Value>(ctx.rank(i), zero));
    };
    auto at = [&](Value position) { return b.toIndex(b.fetch(order.numbers, position)); };
    Value limit = hasMost ? b.maximum(b.toIndex(number(kMaxOutput)), zero) : zero;
    limit = b.minimum(limit, b.size(most));
    Value threshold = hasIou ? number(kIou) : b.number(f32, 0);
    if (hasIou)
      b.require(b.both(b.cmpF(arith::CmpFPredicate::OGE, threshold, b.number(f32, 0)),
                       b.cmpF(arith::CmpFPredicate::OLE, threshold, b.number(f32, 1))),
                compute::Fault::Value);

    Value considered = b.select(b.isBelow(zero, limit), b.size(sizes[2]), zero);
    Value count = b.loop(zero, considered, zero, [&](Value i, ValueRange found) {
      Value score = b.load(scores, {batch, kind, i}), next = b.add(found[0], one);
      b.store(sortKey(b, score, f32, /*descending=*/true, /*nanLast=*/true), rest.keys, found[0]);
      b.store(b.toInt64(i), rest.numbers, found[0]);
      if (hasScore)
        next = b.select(b.cmpF(arith::CmpFPredicate::OGT, score, number(kScore)), next, found[0]);
      return GridBuilder::Values{next};
    })[0];
    // Places that are not taken hold boxes without an area.
    Value padded = b.size(most + GridBuilder::kBlock);
    for (Value side : taken)
      b.loop(zero, padded, [&](Value i) { b.store(b.number(f32, 0), side, i); });
    // Goes through the first `count` of `order`; returns how many boxes are taken then.
    auto takeFrom = [&](Value count, Value before) {
      return b.repeatWhile(
          {zero, before},
          [&](ValueRange state) {
            return b.both(b.isBelow(state[0], count), b.isBelow(state[1], limit));
          },
          [&](ValueRange state) {
            Value index = at(state[0]), found = state[1];
            Box box = loadBox(b, boxes, batch, index, isCentered);
            Value isCovered = b.anyOf(found, [&](Value i) {
              auto side = [&](unsigned number) { return b.fetch(taken[number], i); };
              Box other{side(0), side(1), side(2), side(3), side(4)};
              return overlaps(b, box, other, threshold);
            });
            b.when(b.isNot(isCovered), [&] {
              for (auto [place, value] : llvm::zip(taken, box.all()))
                b.store(value, place, found);
              b.store(b.toInt64(index), places[0], {points[0], found});
            });
            return GridBuilder::Values{b.add(state[0], one),
                                       b.select(isCovered, found, b.add(found, one))};
          })[1];
    };
    // Often few more candidates than boxes are wanted are ever looked at: only these are sorted.
    Value wanted = b.add(b.add(limit, limit), b.index(kFewCandidates));
    auto end = b.repeatWhile(
        {count, zero},
        [&](ValueRange state) {
          return b.both(b.isBelow(zero, state[0]), b.isBelow(state[1], limit));
        },
        [&](ValueRange state) {
          Value next = sorter.takeLowest(rest, order, state[0], wanted);
          sorter.sort(order, spare, next);
          return GridBuilder::Values{b.sub(state[0], next), takeFrom(next, state[1])};
        });
    b.store(b.toInt64(end[1]), places[1], points[0]);
  };
  auto results =
      buildGrid(ctx, {selectionTypes(ctx)[0], extent::tensorType(pairs, int64(ctx))}, pairs, body);
  ctx.setValue(0, results[0]);
  ctx.setValue(1, prefixSums(ctx, results[1]));
  return success();
}

/// Rows of batch, class and box, in the order of batches and classes.
LogicalResult expandNonMaxSuppression(ExpandContext &ctx) {
  Value selected = ctx.input(kSelected), starts = ctx.input(kStarts);
  AffineExpr pairs = extent::sizesOf(selected)[0], classes = ctx.sizes(kScores)[1];
  AffineExpr total = extent::sizesOf(ctx.resultType(0))[0];
  auto body = [&](const GridBuilder &b, ValueRange points, ValueRange places) {
    Value one = b.index(1), next = b.add(points[0], one);
    auto start = [&](Value pair) { return b.toIndex(b.load(starts, b.add(pair, one))); };
    Value batch = b.make<arith::DivUIOp>(points[0], b.size(classes));
    Value kind = b.make<arith::RemUIOp>(points[0], b.size(classes));
    Value low = start(points[0]);
    Value high = b.choose(
        b.isBelow(next, b.size(pairs)), [&] { return GridBuilder::Values{start(next)}; },
        [&] { return GridBuilder::Values{b.size(total)}; })[0];
    b.loop(low, high, [&](Value row) {
      Value box = b.load(selected, {points[0], b.sub(row, low)});
      b.store(b.toInt64(batch), places[0], {row, b.index(0)});
      b.store(b.toInt64(kind), places[0], {row, one});
      b.store(box, places[0], {row, b.index(2)});
    });
  };
  ctx.setValue(0, buildGrid(ctx, ctx.resultType(0), pairs, body)[0]);
  return success();
}

} // namespace

void registerNonMaxSuppression(Registry &registry) {
  registry.add({kInternalDomain.str(), "SelectedBoxes", 1, inferSelection, expandSelection});
  registry.add({"", "NonMaxSuppression", 10, inferNonMaxSuppression, expandNonMaxSuppression, 2});
}

} // namespace longtail::operators
