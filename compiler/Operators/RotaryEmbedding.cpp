// RotaryEmbedding: turns pairs of each head's elements by angles of the position.
#include "compiler/Operators/Attention.h"
#include "compiler/Operators/RegionBuilder.h"

using namespace mlir;

namespace longtail::operators {
namespace {

/// What the attributes say: heads, elements of a head, and how many of them are turned.
struct Geometry {
  AffineExpr batch, heads, positions;
  int64_t width = 0, turned = 0;
};

FailureOr<Geometry> geometryOf(InferContext &ctx) {
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  if (sizes.size() != 3 && sizes.size() != 4)
    return ctx.error() << "input 'X' has " << sizes.size() << " dimensions, expected 3 or 4";
  auto last = dyn_cast<AffineConstantExpr>(sizes.back());
  if (!last)
    return ctx.error() << "the last dimension of input 'X' must have a constant size";
  Geometry g;
  g.batch = sizes[0];
  g.width = last.getValue();
  if (sizes.size() == 4) {
    g.heads = sizes[1], g.positions = sizes[2];
  } else {
    int64_t heads = ctx.getInt("num_heads", 0);
    if (heads < 1 || g.width % heads != 0)
      return ctx.error() << "attribute 'num_heads' is " << heads << ", which does not divide the "
                         << g.width << " elements of a position";
    g.width /= heads;
    g.heads = ctx.constantExpr(heads), g.positions = sizes[1];
  }
  g.turned = ctx.getInt("rotary_embedding_dim", 0);
  if (g.turned == 0)
    g.turned = g.width;
  if (g.turned < 0 || g.turned > g.width || g.turned % 2 != 0)
    return ctx.error() << "attribute 'rotary_embedding_dim' is " << g.turned
                       << ", expected an even number up to " << g.width;
  return g;
}

LogicalResult inferRotaryEmbedding(InferContext &ctx) {
  constexpr StringLiteral names[] = {"X", "cos_cache", "sin_cache"};
  for (auto [input, name] : llvm::enumerate(names))
    if (failed(requireFloat(ctx, input, name)))
      return failure();
  FailureOr<Geometry> g = geometryOf(ctx);
  if (failed(g))
    return failure();
  bool hasIds = ctx.hasInput(3);
  if (hasIds) {
    if (!ctx.elementType(3).isInteger(64) || ctx.rank(3) != 2)
      return ctx.error() << "input 'position_ids' must be an i64 tensor of 2 dimensions";
    SmallVector<AffineExpr> ids = ctx.sizes(3);
    if (failed(requireEqualSizes(ctx, ids[0], g->batch, "the batches of 'position_ids' and 'X'")) ||
        failed(requireEqualSizes(ctx, ids[1], g->positions,
                                 "the positions of 'position_ids' and 'X'")))
      return failure();
  }
  for (unsigned input : {1, 2}) {
    SmallVector<AffineExpr> sizes = ctx.sizes(input), wanted{ctx.constantExpr(g->turned / 2)};
    if (!hasIds)
      wanted = {g->batch, g->positions, wanted[0]};
    size_t rank = hasIds ? 2 : 3;
    if (sizes.size() != rank)
      return ctx.error() << "input '" << names[input] << "' has " << sizes.size()
                         << " dimensions, expected " << rank;
    for (auto [size, expected] : llvm::zip(ArrayRef(sizes).take_back(wanted.size()), wanted))
      if (failed(requireEqualSizes(ctx, size, expected,
                                   "a dimension of input '" + names[input] + "' and of 'X'")))
        return failure();
  }
  ctx.setResult(0, ctx.elementType(0), ctx.sizes(0));
  return success();
}

LogicalResult expandRotaryEmbedding(ExpandContext &ctx) {
  FailureOr<Geometry> g = geometryOf(ctx);
  if (failed(g))
    return failure();
  Type element = ctx.elementType(0);
  bool interleaved = ctx.getInt("interleaved", 0) != 0, hasIds = ctx.hasInput(3);
  int64_t half = g->turned / 2;
  AffineExpr batch = ctx.dim(0), head = ctx.dim(1), position = ctx.dim(2), at = ctx.dim(3);
  // Batch, head, position, element: the view that all of it works on.
  auto source = [&](AffineExpr where) {
    SmallVector<AffineExpr> indices{batch, head, position, where};
    if (ctx.rank(0) == 3)
      indices = {batch, position, head * g->width + where};
    return ctx.access(4, indices);
  };
  // The other element of a pair, and the number of the pair.
  AffineExpr other = interleaved ? at + 1 - (at % 2) * 2 : (at + half) % g->turned;
  AffineExpr pair = interleaved ? at.floorDiv(2) : at % half;
  SmallVector<compute::Operand> operands{{ctx.input(0), source(at), {}},
                                         {ctx.input(0), source(other), {}}};
  if (hasIds)
    operands.push_back({ctx.input(3), ctx.access(4, {batch, position}), {}});
  else
    for (unsigned cache : {1, 2})
      operands.push_back({ctx.input(cache), ctx.access(4, {batch, position, pair}), {}});
  auto body = [&](const RegionBuilder &b, ArrayRef<Value> v) -> Value {
    Value where = b.position(3), isFirst;
    if (interleaved)
      isFirst = b.compare(arith::CmpIPredicate::eq,
                          b.make<arith::RemUIOp>(where, b.indexConstant(2)), b.indexConstant(0));
    else
      isFirst = b.compare(arith::CmpIPredicate::ult, where, b.indexConstant(half));
    auto angle = [&](unsigned cache) {
      if (!hasIds)
        return b.widen(v[1 + cache]);
      Value number = interleaved ? b.make<arith::DivUIOp>(where, b.indexConstant(2))
                                 : b.make<arith::RemUIOp>(where, b.indexConstant(half));
      Type type = access::computeType(ctx.elementType(cache));
      return b.widen(b.make<access::LoadOp>(type, ctx.input(cache),
                                            ValueRange{b.toIndex(v[2]), number}, /*checked=*/true));
    };
    Value own = b.mul(b.widen(v[0]), angle(1)), turned = b.mul(b.widen(v[1]), angle(2));
    return b.narrow(b.select(isFirst, b.sub(own, turned), b.add(own, turned)), element);
  };
  SmallVector<AffineExpr> sizes{g->batch, g->heads, g->positions, ctx.constantExpr(g->turned)};
  Value result = mapThrough(ctx, extent::tensorType(sizes, element), operands, body);
  if (g->turned < g->width) {
    sizes[3] = ctx.constantExpr(g->width - g->turned);
    Value rest = ctx.read(ctx.input(0), source(at + g->turned), sizes);
    sizes[3] = ctx.constantExpr(g->width);
    result =
        access::ConcatOp::create(ctx.getBuilder(), ctx.getLoc(), extent::tensorType(sizes, element),
                                 ValueRange{result, rest}, 3);
  }
  if (ctx.rank(0) == 3) {
    AffineExpr hidden = ctx.dim(2);
    result = ctx.read(
        result,
        ctx.access(3, {ctx.dim(0), hidden.floorDiv(g->width), ctx.dim(1), hidden % g->width}),
        ctx.sizes(0));
  }
  ctx.setValue(0, result);
  return success();
}

} // namespace

void registerRotaryEmbedding(Registry &registry) {
  registry.add({"", "RotaryEmbedding", 23, inferRotaryEmbedding, expandRotaryEmbedding, 3});
}

} // namespace longtail::operators
