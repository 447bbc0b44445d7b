// NonZero and Compress: a node of their own counts, the size is read, then the blocks write.
#include "compiler/Operators/Compaction.h"
#include "compiler/Operators/InternalNode.h"
#include "compiler/Operators/Shape.h"
#include "compiler/Operators/SizeProduct.h"

using namespace mlir;

namespace longtail::operators {

using Exprs = SmallVector<AffineExpr>;

static Type int64(const InferContext &ctx) { return IntegerType::get(ctx.getContext(), 64); }

RankedTensorType startsType(const InferContext &ctx, AffineExpr limit) {
  AffineExpr blocks = limit.ceilDiv(kCompactionBlock);
  return extent::tensorType(simplifyAffineExpr(blocks + 1, 0, ctx.getSymbols().size()), int64(ctx));
}

/// For each position of block `block`, in order, carrying values.
static GridBuilder::Values overBlock(const GridBuilder &b, Value block, AffineExpr limit,
                                     ValueRange carried,
                                     function_ref<GridBuilder::Values(Value, ValueRange)> body) {
  Value size = b.index(kCompactionBlock), low = b.mul(block, size);
  return b.loop(low, b.minimum(b.add(low, size), b.size(limit)), carried, body);
}

/// Whether an element counts.
static Value isSet(const GridBuilder &b, Value vector, Value position) {
  Type element = cast<RankedTensorType>(vector.getType()).getElementType();
  return b.convert(b.load(vector, position), element, b.builder().getI1Type());
}

Value prefixSums(ExpandContext &ctx, Value counts) {
  AffineExpr size = extent::sizesOf(counts)[0];
  AffineExpr all = simplifyAffineExpr(size + 1, 0, ctx.getSymbols().size());
  return buildGrid(ctx, extent::tensorType(all, int64(ctx)), {},
                   [&](const GridBuilder &b, ValueRange, ValueRange places) {
                     Value one = b.index(1), zero = b.number(b.builder().getI64Type(), 0);
                     auto sum =
                         b.loop(b.index(0), b.size(size), zero, [&](Value i, ValueRange sum) {
                           b.store(sum[0], places[0], b.add(i, one));
                           return GridBuilder::Values{b.add(sum[0], b.load(counts, i))};
                         });
                     b.store(sum[0], places[0], b.index(0));
                   })[0];
}

Value startsOf(ExpandContext &ctx, Value vector, AffineExpr limit) {
  AffineExpr blocks =
      simplifyAffineExpr(limit.ceilDiv(kCompactionBlock), 0, ctx.getSymbols().size());
  Value counts = buildGrid(
      ctx, extent::tensorType(blocks, int64(ctx)), blocks,
      [&](const GridBuilder &b, ValueRange points, ValueRange places) {
        Type i64 = b.builder().getI64Type();
        auto count = overBlock(b, points[0], limit, b.number(i64, 0), [&](Value i, ValueRange sum) {
          Value one = b.make<arith::ExtUIOp>(i64, isSet(b, vector, i));
          return GridBuilder::Values{b.add(sum[0], one)};
        });
        b.store(count[0], places[0], points[0]);
      })[0];
  return prefixSums(ctx, counts);
}

Value compact(ExpandContext &ctx, Value vector, AffineExpr limit, Value starts,
              RankedTensorType result,
              function_ref<void(const GridBuilder &, Value, Value, Value)> write) {
  AffineExpr blocks =
      simplifyAffineExpr(limit.ceilDiv(kCompactionBlock), 0, ctx.getSymbols().size());
  return buildGrid(
      ctx, result, blocks, [&](const GridBuilder &b, ValueRange points, ValueRange places) {
        Value one = b.index(1);
        Value first = b.toIndex(b.load(starts, b.add(points[0], one)));
        overBlock(b, points[0], limit, first, [&](Value i, ValueRange column) {
          Value found = isSet(b, vector, i);
          b.when(found, [&] { write(b, i, column[0], places[0]); });
          return GridBuilder::Values{b.select(found, b.add(column[0], one), column[0])};
        });
      })[0];
}

namespace {

AffineExpr productOf(const InferContext &ctx, ArrayRef<AffineExpr> sizes) {
  return SizeProduct(ctx.getContext(), sizes).expr();
}

Value flat(ExpandContext &ctx, Value tensor) {
  return ctx.reshape(tensor, productOf(ctx, extent::sizesOf(tensor)));
}

//===-- NonZero -------------------------------------------------------------------------------===//

LogicalResult inferNonZeroStarts(InferContext &ctx) {
  if (failed(requireInternal(ctx)))
    return failure();
  ctx.setResult(0, int64(ctx), extent::sizesOf(startsType(ctx, productOf(ctx, ctx.sizes(0)))));
  return success();
}

LogicalResult expandNonZeroStarts(ExpandContext &ctx) {
  ctx.setValue(0, startsOf(ctx, flat(ctx, ctx.input(0)), productOf(ctx, ctx.sizes(0))));
  return success();
}

/// One column for each element that is not 0, with its position in each dimension.
LogicalResult inferNonZero(InferContext &ctx) {
  AffineExpr count = productOf(ctx, ctx.sizes(0));
  auto starts = addInternalNode(ctx, "NonZeroStarts", 1, startsType(ctx, count));
  if (failed(starts))
    return failure();
  ctx.setResult(0, int64(ctx),
                {ctx.constantExpr(ctx.rank(0)), bindSize(ctx, starts->front(), count)});
  return success();
}

LogicalResult expandNonZero(ExpandContext &ctx) {
  Exprs sizes = ctx.sizes(0);
  ctx.setValue(0, compact(ctx, flat(ctx, ctx.input(0)), productOf(ctx, sizes), ctx.input(1),
                          ctx.resultType(0),
                          [&](const GridBuilder &b, Value position, Value column, Value place) {
                            for (size_t dim = sizes.size(); dim-- > 0;) {
                              Value size = b.size(sizes[dim]), digit = position;
                              if (dim != 0) {
                                digit = b.make<arith::RemUIOp>(position, size);
                                position = b.make<arith::DivUIOp>(position, size);
                              }
                              b.store(b.toInt64(digit), place, {b.index(dim), column});
                            }
                          }));
  return success();
}

//===-- Compress ------------------------------------------------------------------------------===//

/// The dimension that is compressed: of the flattened input where no axis is given.
struct Compressed {
  std::optional<int64_t> axis;
  AffineExpr size;
  /// A condition may be shorter or longer.
  AffineExpr limit;
};

FailureOr<Compressed> compressed(InferContext &ctx) {
  Compressed result;
  result.size = productOf(ctx, ctx.sizes(0));
  if (ctx.attribute("axis")) {
    FailureOr<int64_t> axis = ctx.normalizeAxis(ctx.getInt("axis", 0), ctx.rank(0));
    if (failed(axis))
      return failure();
    result.axis = *axis;
    result.size = ctx.sizes(0)[*axis];
  }
  result.limit = ctx.getSymbols().min(ctx.sizes(1)[0], result.size);
  return result;
}

LogicalResult inferCompressStarts(InferContext &ctx) {
  FailureOr<Compressed> plan = failure();
  if (failed(requireInternal(ctx)) || failed(plan = compressed(ctx)))
    return failure();
  ctx.setResult(0, int64(ctx), extent::sizesOf(startsType(ctx, plan->limit)));
  return success();
}

LogicalResult expandCompressStarts(ExpandContext &ctx) {
  ctx.setValue(0, startsOf(ctx, ctx.input(1), compressed(ctx)->limit));
  return success();
}

LogicalResult inferCompress(InferContext &ctx) {
  if (ctx.rank(1) != 1 || !ctx.elementType(1).isInteger(1))
    return ctx.error() << "input 'condition' must be a list of bools";
  FailureOr<Compressed> plan = compressed(ctx);
  if (failed(plan))
    return failure();
  auto starts = addInternalNode(ctx, "CompressStarts", 2, startsType(ctx, plan->limit));
  if (failed(starts))
    return failure();
  AffineExpr count = bindSize(ctx, starts->front(), plan->limit);
  Exprs sizes{count};
  if (plan->axis) {
    sizes = ctx.sizes(0);
    sizes[*plan->axis] = count;
  }
  ctx.setResult(0, ctx.elementType(0), sizes);
  return success();
}

LogicalResult expandCompress(ExpandContext &ctx) {
  Compressed plan = *compressed(ctx);
  RankedTensorType result = ctx.resultType(0);
  int64_t axis = plan.axis.value_or(0);
  Value positions = compact(ctx, ctx.input(1), plan.limit, ctx.input(2),
                            extent::tensorType(extent::sizesOf(result)[axis], int64(ctx)),
                            [](const GridBuilder &b, Value position, Value column, Value place) {
                              b.store(b.toInt64(position), place, column);
                            });
  Value source = plan.axis ? ctx.input(0) : flat(ctx, ctx.input(0));
  access::MapAttr where = ctx.access(result.getRank(), ctx.dim(axis));
  ctx.setValue(0, mapThrough(ctx, result, compute::Operand{positions, where, {}},
                             [&](const RegionBuilder &b, ArrayRef<Value> v) {
                               SmallVector<Value> indices;
                               for (int64_t dim = 0; dim < result.getRank(); ++dim)
                                 indices.push_back(dim == axis ? b.toIndex(v[0]) : b.position(dim));
                               return b.make<access::LoadOp>(
                                   access::computeType(result.getElementType()), source, indices,
                                   /*checked=*/false);
                             }));
  return success();
}

} // namespace

void registerCompaction(Registry &registry) {
  registry.add(
      {kInternalDomain.str(), "NonZeroStarts", 1, inferNonZeroStarts, expandNonZeroStarts});
  registry.add({"", "NonZero", 9, inferNonZero, expandNonZero});
  registry.add(
      {kInternalDomain.str(), "CompressStarts", 1, inferCompressStarts, expandCompressStarts});
  registry.add({"", "Compress", 9, inferCompress, expandCompress, 2, /*takesText=*/true});
}

} // namespace longtail::operators
