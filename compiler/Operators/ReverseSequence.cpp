#include "compiler/Operators/RegionBuilder.h"

using namespace mlir;

namespace longtail::operators {
namespace {

struct SequenceAxes {
  int64_t batch, time;
};

FailureOr<SequenceAxes> sequenceAxes(InferContext &ctx) {
  if (ctx.rank(0) < 2)
    return ctx.error() << "input 'input' has " << ctx.rank(0) << " dimensions, expected at least 2";
  FailureOr<int64_t> batch = ctx.normalizeAxis(ctx.getInt("batch_axis", 1), ctx.rank(0));
  FailureOr<int64_t> time = ctx.normalizeAxis(ctx.getInt("time_axis", 0), ctx.rank(0));
  if (failed(batch) || failed(time))
    return failure();
  if (*batch == *time)
    return ctx.error() << "attributes 'batch_axis' and 'time_axis' are both " << *batch;
  return SequenceAxes{*batch, *time};
}

LogicalResult inferReverseSequence(InferContext &ctx) {
  FailureOr<SequenceAxes> axes = sequenceAxes(ctx);
  if (failed(axes))
    return failure();
  if (ctx.rank(1) != 1 || !ctx.elementType(1).isInteger(64))
    return ctx.error() << "input 'sequence_lens' must be a list of i64";
  if (failed(requireEqualSizes(ctx, ctx.sizes(1)[0], ctx.sizes(0)[axes->batch],
                               "the number of sequence lengths and the batch size")))
    return failure();
  ctx.setResult(0, ctx.elementType(0), ctx.sizes(0));
  return success();
}

LogicalResult expandReverseSequence(ExpandContext &ctx) {
  SequenceAxes axes = *sequenceAxes(ctx);
  RankedTensorType result = ctx.resultType(0);
  Value source = ctx.input(0);
  compute::Operand lengths{ctx.input(1), ctx.access(result.getRank(), ctx.dim(axes.batch)), {}};
  ctx.setValue(0, mapThrough(ctx, result, lengths, [&](const RegionBuilder &b, ArrayRef<Value> v) {
                 Value length = b.toIndex(v[0]), time = b.position(axes.time);
                 // A length beyond the sequence reads outside it, which the load reports.
                 Value mirrored = b.sub(b.sub(length, b.index(1)), time);
                 Value isReversed = b.compare(arith::CmpIPredicate::slt, time, length);
                 SmallVector<Value> indices;
                 for (int64_t dim = 0; dim < result.getRank(); ++dim)
                   indices.push_back(dim == axes.time ? b.select(isReversed, mirrored, time)
                                                      : b.position(dim));
                 return b.make<access::LoadOp>(access::computeType(result.getElementType()), source,
                                               indices, /*checked=*/true);
               }));
  return success();
}

} // namespace

void registerReverseSequence(Registry &registry) {
  registry.add({"", "ReverseSequence", 10, inferReverseSequence, expandReverseSequence, 2,
                /*takesText=*/true});
}

} // namespace longtail::operators
