// RoiAlign and MaxRoiPool: boxes of an image, each pooled to one size. How many elements a box has
// depends on data, so each element of the result is a loop of its own.
#include "compiler/Operators/GridBuilder.h"
#include "compiler/Operators/Sampling.h"

using namespace mlir;
using arith::CmpFPredicate;

namespace longtail::operators {
namespace {

enum Input { kData, kBoxes, kBatch };

LogicalResult requireImages(InferContext &ctx, int64_t boxSize) {
  if (ctx.rank(kData) != 4)
    return ctx.error() << "input 'X' has " << ctx.rank(kData) << " dimensions, expected 4";
  if (ctx.rank(kBoxes) != 2)
    return ctx.error() << "input 'rois' has " << ctx.rank(kBoxes) << " dimensions, expected 2";
  if (failed(requireFloat(ctx, kData, "X")) ||
      failed(requireSameType(ctx, kData, kBoxes, "X", "rois")) ||
      failed(requireElements(ctx, kData, "X", 2)))
    return failure();
  return requireEqualSizes(ctx, ctx.sizes(kBoxes)[1], ctx.constantExpr(boxSize),
                           "dimension 1 of input 'rois' and the " + Twine(boxSize) +
                               " numbers of a box");
}

/// The code that both operators have in one point of their grid: the coordinates of a box, and the
/// image that it is a part of.
class BoxReader {
public:
  BoxReader(ExpandContext &ctx, const GridBuilder &b, Value box)
      : ctx(ctx), b(b), box(box), work(accumulatorType(ctx.elementType(kData))),
        scale(ctx.getFloat("spatial_scale", 1)) {}

  Value number(double value) const { return b.number(work, value); }
  Value entry(int64_t column) const {
    return b.narrow(b.load(ctx.input(kBoxes), {box, b.index(column)}), work);
  }
  Value scaled(int64_t column) const { return b.mul(entry(column), number(scale)); }
  /// A number as an index; far outside of any tensor it is clamped, NaN is 0.
  Value toIndex(Value value) const {
    return b.toIndex(b.convert(value, work, b.builder().getI64Type()));
  }
  Value fromIndex(Value index) const { return b.fromIndex(index, work); }
  /// Whether there is an image `batch`; if not, the run ends with an error.
  Value requireImage(Value batch) const {
    Value exists = b.isInside(batch, b.size(ctx.sizes(kData)[0]));
    b.require(exists, compute::Fault::Index);
    return exists;
  }
  Value element(Value batch, Value channel, Value row, Value column) const {
    return b.narrow(b.load(ctx.input(kData), {batch, channel, row, column}), work);
  }
  Type type() const { return work; }

private:
  ExpandContext &ctx;
  const GridBuilder &b;
  Value box;
  Type work;
  double scale;
};

//===-- RoiAlign ------------------------------------------------------------------------------===//

/// Boxes of more samples than this for one element are refused: they are not of this image.
constexpr int64_t kMaxSamples = 1 << 24;

struct AlignRules {
  bool isMax = false, isHalfPixel = false;
  int64_t height = 1, width = 1, samples = 0;
};

FailureOr<AlignRules> alignRules(InferContext &ctx) {
  AlignRules rules;
  std::string mode = ctx.getString("mode", "avg").lower();
  if (mode != "avg" && mode != "max")
    return ctx.error() << "attribute 'mode' is '" << mode << "', expected 'avg' or 'max'";
  rules.isMax = mode == "max";
  if (ctx.version() >= 16) {
    std::string coordinates = ctx.getString("coordinate_transformation_mode", "half_pixel").lower();
    if (coordinates != "half_pixel" && coordinates != "output_half_pixel")
      return ctx.error() << "attribute 'coordinate_transformation_mode' is '" << coordinates
                         << "', expected 'half_pixel' or 'output_half_pixel'";
    rules.isHalfPixel = coordinates == "half_pixel";
  }
  for (auto [name, value, otherwise] : {std::tuple("output_height", &rules.height, 1),
                                        {"output_width", &rules.width, 1},
                                        {"sampling_ratio", &rules.samples, 0}}) {
    *value = ctx.getInt(name, otherwise);
    int64_t most = otherwise ? std::numeric_limits<int32_t>::max() : int64_t(4096);
    if (*value < otherwise || *value > most)
      return ctx.error() << "attribute '" << name << "' is " << *value << ", expected " << otherwise
                         << " to " << most;
  }
  return rules;
}

LogicalResult inferRoiAlign(InferContext &ctx) {
  FailureOr<AlignRules> rules = alignRules(ctx);
  if (failed(rules) || failed(requireImages(ctx, 4)))
    return failure();
  if (ctx.rank(kBatch) != 1 || !ctx.elementType(kBatch).isInteger(64))
    return ctx.error() << "input 'batch_indices' must be a list of i64";
  AffineExpr boxes = ctx.sizes(kBoxes)[0];
  if (failed(requireEqualSizes(ctx, boxes, ctx.sizes(kBatch)[0],
                               "the number of 'rois' and that of 'batch_indices'")))
    return failure();
  ctx.setResult(0, ctx.elementType(kData),
                {boxes, ctx.sizes(kData)[1], ctx.constantExpr(rules->height),
                 ctx.constantExpr(rules->width)});
  return success();
}

/// Two neighbours in one dimension and their weights.
struct Neighbours {
  Value low, high, lowWeight, highWeight, inside;
};

/// One dimension of a box: where its bins begin and how many samples each has.
struct BoxAxis {
  Value start, bin, samples, samplesAsNumber;
};

BoxAxis boxAxis(const GridBuilder &b, const BoxReader &reader, const AlignRules &rules,
                int64_t first, int64_t pooled) {
  Value offset = reader.number(rules.isHalfPixel ? 0.5 : 0.0);
  Value start = b.sub(reader.scaled(first), offset);
  Value length = b.sub(b.sub(reader.scaled(first + 2), offset), start);
  if (!rules.isHalfPixel) // a malformed box has one element
    length = b.maximum(length, reader.number(1));
  BoxAxis axis{start, b.div(length, reader.number(pooled)), Value(), Value()};
  if (rules.samples > 0) {
    axis.samples = b.index(rules.samples);
  } else {
    axis.samples = reader.toIndex(b.make<math::CeilOp>(axis.bin));
    axis.samples = b.maximum(axis.samples, b.index(0));
    axis.samples = b.minimum(axis.samples, b.index(kMaxSamples)); // a product does not overflow
  }
  axis.samplesAsNumber = reader.fromIndex(axis.samples);
  return axis;
}

Neighbours neighbours(const GridBuilder &b, const BoxReader &reader, const BoxAxis &axis, Value bin,
                      Value sample, AffineExpr size) {
  Value one = reader.number(1), zero = reader.number(0), limit = b.size(size);
  Value within = b.add(reader.fromIndex(sample), reader.number(0.5));
  Value at = b.add(axis.start, b.mul(reader.fromIndex(bin), axis.bin));
  at = b.add(at, b.div(b.mul(within, axis.bin), axis.samplesAsNumber));
  Neighbours result;
  result.inside = b.both(b.compare(CmpFPredicate::OGE, at, reader.number(-1)),
                         b.compare(CmpFPredicate::OLE, at, reader.fromIndex(limit)));
  at = b.maximum(at, zero);
  Value last = b.sub(limit, b.index(1));
  Value low = reader.toIndex(at), isLast = b.compare(arith::CmpIPredicate::sge, low, last);
  result.low = b.select(isLast, last, low);
  result.high = b.select(isLast, last, b.add(low, b.index(1)));
  result.highWeight = b.select(isLast, zero, b.sub(at, reader.fromIndex(result.low)));
  result.lowWeight = b.sub(one, result.highWeight);
  return result;
}

LogicalResult expandRoiAlign(ExpandContext &ctx) {
  FailureOr<AlignRules> rules = alignRules(ctx);
  if (failed(rules))
    return failure();
  RankedTensorType type = ctx.resultType(0);
  SmallVector<AffineExpr> data = ctx.sizes(kData);
  auto body = [&](const GridBuilder &b, ValueRange points, ValueRange places) {
    BoxReader reader(ctx, b, points[0]);
    Value batch = b.toIndex(b.load(ctx.input(kBatch), points[0]));
    Value exists = reader.requireImage(batch), none = b.index(0);
    BoxAxis x = boxAxis(b, reader, *rules, 0, rules->width);
    BoxAxis y = boxAxis(b, reader, *rules, 1, rules->height);
    Value count = b.mul(x.samples, y.samples);
    Value isSmall = b.compare(arith::CmpIPredicate::sle, count, b.index(kMaxSamples));
    b.require(isSmall, compute::Fault::Value);
    Value rows = b.select(b.both(exists, isSmall), y.samples, none);

    Value first =
        rules->isMax ? b.identity(compute::Combiner::Max, reader.type()) : reader.number(0);
    Value total = b.loop(none, rows, first, [&](Value row, ValueRange outer) {
      Neighbours ny = neighbours(b, reader, y, points[2], row, data[2]);
      return b.loop(none, x.samples, outer, [&](Value column, ValueRange before) {
        Neighbours nx = neighbours(b, reader, x, points[3], column, data[3]);
        Value inside = b.both(ny.inside, nx.inside), sample;
        for (auto [r, wr] : {std::pair(ny.low, ny.lowWeight), {ny.high, ny.highWeight}})
          for (auto [c, wc] : {std::pair(nx.low, nx.lowWeight), {nx.high, nx.highWeight}}) {
            Value part = b.mul(b.mul(wr, wc), reader.element(batch, points[1], r, c));
            sample = !sample ? part : rules->isMax ? b.maximum(sample, part) : b.add(sample, part);
          }
        sample = b.select(inside, sample, reader.number(0));
        return GridBuilder::Values{rules->isMax ? b.maximum(before[0], sample)
                                                : b.add(before[0], sample)};
      });
    })[0];
    Value isEmpty = b.isSame(count, none);
    Value number = reader.fromIndex(b.maximum(count, b.index(1)));
    Value result = rules->isMax ? b.select(isEmpty, reader.number(0), total) : b.div(total, number);
    b.store(b.narrow(result, type.getElementType()), places[0], points);
  };
  ctx.setValue(0, buildGrid(ctx, type, extent::sizesOf(type), body)[0]);
  return success();
}

//===-- MaxRoiPool ----------------------------------------------------------------------------===//

FailureOr<SmallVector<int64_t>> pooledShape(InferContext &ctx) {
  std::optional<SmallVector<int64_t>> shape = ctx.getInts("pooled_shape");
  if (!shape || shape->size() != 2)
    return ctx.error() << "attribute 'pooled_shape' must have 2 numbers";
  for (int64_t size : *shape)
    if (size < 1 || size > std::numeric_limits<int32_t>::max())
      return ctx.error() << "attribute 'pooled_shape' has " << size << ", expected 1 to "
                         << std::numeric_limits<int32_t>::max();
  return *shape;
}

LogicalResult inferMaxRoiPool(InferContext &ctx) {
  FailureOr<SmallVector<int64_t>> shape = pooledShape(ctx);
  if (failed(shape) || failed(requireImages(ctx, 5)))
    return failure();
  ctx.setResult(0, ctx.elementType(kData),
                {ctx.sizes(kBoxes)[0], ctx.sizes(kData)[1], ctx.constantExpr((*shape)[0]),
                 ctx.constantExpr((*shape)[1])});
  return success();
}

LogicalResult expandMaxRoiPool(ExpandContext &ctx) {
  FailureOr<SmallVector<int64_t>> shape = pooledShape(ctx);
  if (failed(shape))
    return failure();
  RankedTensorType type = ctx.resultType(0);
  SmallVector<AffineExpr> data = ctx.sizes(kData);
  auto body = [&](const GridBuilder &b, ValueRange points, ValueRange places) {
    BoxReader reader(ctx, b, points[0]);
    Value batch = reader.toIndex(reader.entry(0));
    Value exists = reader.requireImage(batch);
    // The elements [low, high) of a bin in one dimension, within the image.
    auto range = [&](int64_t column, int64_t pooled, Value bin, AffineExpr size) {
      auto rounded = [&](int64_t at) { return b.make<math::RoundOp>(reader.scaled(at)); };
      Value start = rounded(column), one = reader.number(1);
      Value length = b.maximum(b.add(b.sub(rounded(column + 2), start), one), one);
      Value step = b.div(length, reader.number(pooled)), number = reader.fromIndex(bin);
      auto within = [&](Value at) {
        Value limit = b.size(size);
        return b.minimum(b.maximum(reader.toIndex(b.add(at, start)), b.index(0)), limit);
      };
      return std::pair(within(b.floor(b.mul(number, step))),
                       within(b.make<math::CeilOp>(b.mul(b.add(number, one), step))));
    };
    auto rows = range(2, (*shape)[0], points[2], data[2]);
    auto columns = range(1, (*shape)[1], points[3], data[3]);
    // Not structured bindings: lambdas of C++17 cannot capture them.
    Value top = rows.first, bottom = rows.second, left = columns.first, right = columns.second;
    bottom = b.select(exists, bottom, top);
    Value lowest = b.identity(compute::Combiner::Max, reader.type());
    Value most = b.loop(top, bottom, lowest, [&](Value row, ValueRange outer) {
      return b.loop(left, right, outer, [&](Value column, ValueRange before) {
        Value here = reader.element(batch, points[1], row, column);
        return GridBuilder::Values{b.maximum(before[0], here)};
      });
    })[0];
    Value isFull = b.both(b.isBelow(top, bottom), b.isBelow(left, right));
    Value result = b.select(isFull, most, reader.number(0));
    b.store(b.narrow(result, type.getElementType()), places[0], points);
  };
  ctx.setValue(0, buildGrid(ctx, type, extent::sizesOf(type), body)[0]);
  return success();
}

} // namespace

void registerRegionPooling(Registry &registry) {
  registry.add({"", "RoiAlign", 10, inferRoiAlign, expandRoiAlign, 3});
  registry.add({"", "MaxRoiPool", 1, inferMaxRoiPool, expandMaxRoiPool, 2});
}

} // namespace longtail::operators
