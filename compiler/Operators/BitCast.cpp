// BitCast: the same bits as elements of another type of the same width.
#include "compiler/Operators/Elements.h"
#include "compiler/Operators/RegionBuilder.h"

using namespace mlir;

namespace longtail::operators {
namespace {

/// A bool occupies a byte.
unsigned widthOf(Type type) { return type.isInteger(1) ? 8 : type.getIntOrFloatBitWidth(); }

LogicalResult inferBitCast(InferContext &ctx) {
  Type from = ctx.elementType(0), to = elementTypeOf(ctx.getContext(), ctx.getInt("to", 0));
  if (!to || !to.isIntOrFloat())
    return ctx.error() << "attribute 'to' names element type " << ctx.getInt("to", 0)
                       << ", which is not supported";
  if (widthOf(from) != widthOf(to))
    return ctx.error() << "elements have " << widthOf(from) << " bits, those of type " << to
                       << " have " << widthOf(to);
  ctx.setResult(0, to, ctx.sizes(0));
  return success();
}

LogicalResult expandBitCast(ExpandContext &ctx) {
  Type from = access::computeType(ctx.elementType(0));
  Type element = ctx.resultType(0).getElementType(), to = access::computeType(element);
  ctx.setValue(0, mapOver(ctx, ctx.sizes(0), element, ctx.input(0),
                          [&](const RegionBuilder &b, ArrayRef<Value> v) -> Value {
                            Type byte = b.builder().getIntegerType(8);
                            Value value = v[0];
                            if (from == to)
                              return value;
                            if (from.isInteger(1))
                              value = b.make<arith::ExtUIOp>(byte, value);
                            if (to.isInteger(1) && value.getType() != byte)
                              value = b.make<arith::BitcastOp>(byte, value);
                            if (to.isInteger(1))
                              return b.compare(arith::CmpIPredicate::ne, value, b.integer(byte, 0));
                            return value.getType() == to ? value
                                                         : b.make<arith::BitcastOp>(to, value);
                          }));
  return success();
}

} // namespace

void registerBitCast(Registry &registry) {
  registry.add({"", "BitCast", 26, inferBitCast, expandBitCast});
}

} // namespace longtail::operators
