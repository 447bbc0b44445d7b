// Attention: two products of matrices with a masked softmax between them.
#include "compiler/Operators/Attention.h"
#include "compiler/Operators/RegionBuilder.h"
#include <cmath>

using namespace mlir;
using longtail::compute::Combiner;

namespace longtail::operators {
namespace {

enum Input { kQuery, kKey, kValue, kMask, kPastKey, kPastValue, kLengths };
constexpr StringLiteral kNames[] = {
    "Q", "K", "V", "attn_mask", "past_key", "past_value", "nonpad_kv_seqlen"};

/// Sizes in their roles. Each group of `groups` heads of the query shares a head of key and value.
struct Geometry {
  AffineExpr batch, queryHeads, heads, queries, keys, past, total, width, valueWidth;
  int64_t groups = 1;
};

/// Input `i` as (batch, heads, positions, width); of three dimensions the last holds all heads.
FailureOr<SmallVector<AffineExpr>> headSizes(InferContext &ctx, unsigned i) {
  SmallVector<AffineExpr> sizes = ctx.sizes(i);
  if (sizes.size() == 4)
    return sizes;
  StringRef attribute = i == kQuery ? "q_num_heads" : "kv_num_heads";
  int64_t heads = ctx.getInt(attribute, 0);
  if (sizes.size() != 3)
    return ctx.error() << "input '" << kNames[i] << "' has " << sizes.size()
                       << " dimensions, expected 3 or 4";
  if (heads < 1)
    return ctx.error() << "attribute '" << attribute << "' is " << heads
                       << ", inputs of 3 dimensions need at least 1";
  auto hidden = dyn_cast<AffineConstantExpr>(sizes[2]);
  if (hidden && hidden.getValue() % heads != 0)
    return ctx.error() << "the last dimension of input '" << kNames[i] << "' is "
                       << hidden.getValue() << ", not a multiple of " << heads << " heads";
  return SmallVector<AffineExpr>{sizes[0], ctx.constantExpr(heads), sizes[1],
                                 sizes[2].floorDiv(heads)};
}

FailureOr<Geometry> geometryOf(InferContext &ctx) {
  FailureOr<SmallVector<AffineExpr>> query = headSizes(ctx, kQuery), key, value;
  if (failed(query) || failed(key = headSizes(ctx, kKey)) || failed(value = headSizes(ctx, kValue)))
    return failure();
  Geometry g;
  g.batch = (*query)[0], g.queryHeads = (*query)[1], g.queries = (*query)[2];
  g.width = (*query)[3], g.heads = (*key)[1], g.keys = (*key)[2], g.valueWidth = (*value)[3];
  g.past = ctx.hasInput(kPastKey) ? ctx.sizes(kPastKey)[2] : ctx.constantExpr(0);
  g.total = g.past + g.keys;
  if (g.queryHeads != g.heads) {
    auto all = dyn_cast<AffineConstantExpr>(g.queryHeads),
         own = dyn_cast<AffineConstantExpr>(g.heads);
    if (!all || !own || own.getValue() < 1 || all.getValue() % own.getValue() != 0)
      return ctx.error() << "the query has " << describe(g.queryHeads) << " heads, the key has "
                         << describe(g.heads) << ": not a constant multiple";
    g.groups = all.getValue() / own.getValue();
  }
  return g;
}

LogicalResult checkSizes(InferContext &ctx, const Geometry &g) {
  auto require = [&](unsigned input, ArrayRef<AffineExpr> own, ArrayRef<AffineExpr> wanted) {
    for (auto [dim, size] : llvm::enumerate(wanted))
      if (failed(requireEqualSizes(ctx, own[dim], size,
                                   "dimension " + Twine(dim) +
                                       " (of batch, heads, positions, "
                                       "width) of input '" +
                                       kNames[input] + "' of attention")))
        return failure();
    return success();
  };
  auto key = headSizes(ctx, kKey), value = headSizes(ctx, kValue);
  if (failed(require(kKey, *key, {g.batch, g.heads, g.keys, g.width})) ||
      failed(require(kValue, *value, {g.batch, g.heads, g.keys, g.valueWidth})))
    return failure();
  if (ctx.hasInput(kPastKey) &&
      (failed(require(kPastKey, ctx.sizes(kPastKey), {g.batch, g.heads, g.past, g.width})) ||
       failed(
           require(kPastValue, ctx.sizes(kPastValue), {g.batch, g.heads, g.past, g.valueWidth}))))
    return failure();
  if (ctx.hasInput(kLengths) && failed(requireVector(ctx, kLengths, kNames[kLengths], g.batch)))
    return failure();
  if (!ctx.hasInput(kMask))
    return success();
  SmallVector<AffineExpr> mask = ctx.sizes(kMask);
  SmallVector<AffineExpr> scores{g.batch, g.queryHeads, g.queries, g.total};
  if (mask.empty() || mask.size() > 4)
    return ctx.error() << "input 'attn_mask' has " << mask.size() << " dimensions, expected 1 to 4";
  // The last dimension may be shorter: keys after its end are masked.
  if (failed(ctx.getSymbols().requireAtMost(mask.back(), g.total,
                                            "the attention mask is longer than the keys")))
    return ctx.error() << "input 'attn_mask' has " << describe(mask.back()) << " columns for "
                       << describe(g.total) << " keys";
  FailureOr<SmallVector<AffineExpr>> both =
      ctx.broadcast(ArrayRef(scores).drop_back(), ArrayRef(mask).drop_back());
  if (failed(both))
    return failure();
  for (auto [size, wanted] : llvm::zip(*both, scores))
    if (failed(requireEqualSizes(ctx, size, wanted, "the attention mask and the scores")))
      return failure();
  return success();
}

LogicalResult inferAttention(InferContext &ctx) {
  for (unsigned input : {kQuery, kKey, kValue})
    if (failed(requireFloat(ctx, input, kNames[input])))
      return failure();
  if (ctx.hasInput(kPastKey) != ctx.hasInput(kPastValue))
    return ctx.error() << "inputs 'past_key' and 'past_value' must be given together";
  for (unsigned input : {kPastKey, kPastValue})
    if (ctx.hasInput(input) && ctx.rank(input) != 4)
      return ctx.error() << "input '" << kNames[input] << "' has " << ctx.rank(input)
                         << " dimensions, expected 4";
  if (failed(requireSameType(ctx, kQuery, kKey, "Q", "K")) ||
      (ctx.hasInput(kPastKey) &&
       (failed(requireSameType(ctx, kKey, kPastKey, "K", "past_key")) ||
        failed(requireSameType(ctx, kValue, kPastValue, "V", "past_value")))))
    return failure();
  if (ctx.hasInput(kMask) && failed(requireNumber(ctx, kMask, "attn_mask", /*allowBool=*/true)))
    return failure();
  if (ctx.hasInput(kLengths) && !ctx.elementType(kLengths).isInteger(64))
    return ctx.error() << "input 'nonpad_kv_seqlen' has elements " << ctx.elementType(kLengths)
                       << ", expected i64";
  if (ctx.hasInput(kLengths) && ctx.hasInput(kPastKey))
    return ctx.error() << "inputs 'nonpad_kv_seqlen' and 'past_key' exclude each other";
  int64_t mode = ctx.getInt("qk_matmul_output_mode", 0);
  if (mode < 0 || mode > 3)
    return ctx.error() << "attribute 'qk_matmul_output_mode' is " << mode << ", expected 0 to 3";
  for (StringRef side : {"left_window_size", "right_window_size"})
    if (ctx.getInt(side, -1) < -1)
      return ctx.error() << "attribute '" << side << "' is " << ctx.getInt(side, -1)
                         << ", expected -1 or more";
  if (!(ctx.getFloat("softcap", 0) >= 0))
    return ctx.error() << "attribute 'softcap' is negative";
  FailureOr<Geometry> g = geometryOf(ctx);
  if (failed(g) || failed(checkSizes(ctx, *g)))
    return failure();
  Type element = ctx.elementType(kQuery);
  SmallVector<AffineExpr> result{g->batch, g->queryHeads, g->queries, g->valueWidth};
  if (ctx.rank(kQuery) == 3)
    result = {g->batch, g->queries, g->queryHeads * g->valueWidth};
  ctx.setResult(0, element, result);
  ctx.setResult(1, element, {g->batch, g->heads, g->total, g->width});
  ctx.setResult(2, ctx.elementType(kValue), {g->batch, g->heads, g->total, g->valueWidth});
  ctx.setResult(3, element, {g->batch, g->queryHeads, g->queries, g->total});
  return success();
}

class AttentionExpansion {
public:
  AttentionExpansion(ExpandContext &ctx, const Geometry &g)
      : ctx(ctx), g(g), element(ctx.elementType(kQuery)), work(accumulatorType(element)),
        scoreSizes{g.batch, g.queryHeads, g.queries, g.total} {
    int64_t precision = ctx.getInt("softmax_precision", 0);
    if (precision == 11)
      work = Float64Type::get(ctx.getContext());
    roundsScores = element != work && element.getIntOrFloatBitWidth() < 32;
    Type asked = precision ? elementTypeOf(ctx.getContext(), precision) : element;
    roundsSoftmax = roundsScores && asked == element;
  }

  void run() {
    Value query = withHeads(kQuery, g.queryHeads, g.queries, g.width);
    Value key = cached(withHeads(kKey, g.heads, g.keys, g.width), kPastKey, g.width);
    Value value =
        cached(withHeads(kValue, g.heads, g.keys, g.valueWidth), kPastValue, g.valueWidth);
    ctx.setValue(1, key);
    ctx.setValue(2, value);

    // Domain: batch, query head, query, key, then the width.
    AffineExpr batch = ctx.dim(0), head = ctx.dim(1), row = ctx.dim(2), column = ctx.dim(3),
               depth = ctx.dim(4), shared = head.floorDiv(g.groups);
    Value scaledKey = key;
    if (roundsScores) {
      query = scaleShort(query, {g.batch, g.queryHeads, g.queries, g.width});
      scaledKey = scaleShort(key, {g.batch, g.heads, g.total, g.width});
    }
    Value scores = contract(query, {batch, head, row, depth}, scaledKey,
                            {batch, shared, column, depth}, scoreSizes, g.width);
    bool hasCap = ctx.getFloat("softcap", 0) > 0;
    int64_t mode = ctx.getInt("qk_matmul_output_mode", 0);
    Value scaled = scale(scores), capped = hasCap ? cap(scaled) : scaled;
    Value masked = mask(capped), weights = softmax(masked);
    Value shown = mode == 0 ? scaled : mode == 1 ? capped : mode == 2 ? masked : weights;
    if (ctx.hasOutput(3))
      ctx.setValue(3, ctx.castTo(shown, element));

    Value result = contract(weights, {batch, head, row, depth}, ctx.castTo(value, element),
                            {batch, shared, depth, column},
                            {g.batch, g.queryHeads, g.queries, g.valueWidth}, g.total);
    if (ctx.rank(kQuery) == 3) {
      AffineExpr hidden = ctx.dim(2);
      result = ctx.read(result,
                        ctx.access(3, {ctx.dim(0), hidden.floorDiv(g.valueWidth), ctx.dim(1),
                                       hidden % g.valueWidth}),
                        {g.batch, g.queries, g.queryHeads * g.valueWidth});
    }
    ctx.setValue(0, ctx.castTo(result, element));
  }

private:
  Value withHeads(unsigned input, AffineExpr heads, AffineExpr positions, AffineExpr width) {
    SmallVector<AffineExpr> indices{ctx.dim(0), ctx.dim(1), ctx.dim(2), ctx.dim(3)};
    if (ctx.rank(input) == 3)
      indices = {ctx.dim(0), ctx.dim(2), ctx.dim(1) * width + ctx.dim(3)};
    return ctx.read(ctx.input(input), ctx.access(4, indices), {g.batch, heads, positions, width});
  }

  /// `now` after what input `past` holds.
  Value cached(Value now, unsigned past, AffineExpr width) {
    if (!ctx.hasInput(past) || g.past == ctx.constantExpr(0))
      return now;
    SmallVector<AffineExpr> sizes{g.batch, g.heads, g.past, width};
    SmallVector<Value> parts{
        ctx.read(ctx.input(past), ctx.access(4, {ctx.dim(0), ctx.dim(1), ctx.dim(2), ctx.dim(3)}),
                 sizes),
        now};
    sizes[2] = g.total;
    auto type = extent::tensorType(sizes, ctx.elementType(past));
    return access::ConcatOp::create(ctx.getBuilder(), ctx.getLoc(), type, parts, 2);
  }

  Value contract(Value lhs, ArrayRef<AffineExpr> lhsIndices, Value rhs,
                 ArrayRef<AffineExpr> rhsIndices, ArrayRef<AffineExpr> sizes, AffineExpr depth) {
    return compute::ContractOp::create(ctx.getBuilder(), ctx.getLoc(),
                                       extent::tensorType(sizes, accumulatorType(element)), lhs,
                                       rhs, ctx.access(5, lhsIndices), ctx.access(5, rhsIndices),
                                       extent::sizesMap(ctx.getContext(), depth));
  }

  /// `value` rounded to the element type, where that is what the steps are computed in.
  Value rounded(const RegionBuilder &b, Value value, bool rounds) const {
    return rounds ? b.narrow(b.narrow(value, element), work) : value;
  }

  /// The factor of the scores.
  Value factor(const RegionBuilder &b, Type type) const {
    if (ctx.attribute("scale"))
      return b.number(type, ctx.getFloat("scale", 1));
    if (auto width = dyn_cast<AffineConstantExpr>(g.width))
      return b.number(type, 1 / std::sqrt(double(width.getValue())));
    return b.div(b.number(type, 1), b.sqrt(sizeAsNumber(b, g.width, type)));
  }

  /// Queries or keys times the square root of the factor. In the short types the definition's way
  /// of scaling matters: products are rounded, and scores might not fit.
  Value scaleShort(Value tensor, ArrayRef<AffineExpr> sizes) {
    return mapOver(ctx, sizes, element, tensor, [&](const RegionBuilder &b, ArrayRef<Value> v) {
      Type f32 = b.builder().getF32Type();
      Value root = b.narrow(b.narrow(b.sqrt(factor(b, f32)), element), f32);
      return b.narrow(b.mul(b.narrow(v[0], f32), root), element);
    });
  }

  Value scale(Value scores) {
    return mapOver(ctx, scoreSizes, work, scores, [&](const RegionBuilder &b, ArrayRef<Value> v) {
      Value score = b.narrow(v[0], work);
      return roundsScores ? rounded(b, score, true) : b.mul(score, factor(b, work));
    });
  }

  Value cap(Value scores) {
    double limit = ctx.getFloat("softcap", 0);
    return mapOver(ctx, scoreSizes, work, scores, [&](const RegionBuilder &b, ArrayRef<Value> v) {
      Value bound = b.number(work, limit);
      auto round = [&](Value value) { return rounded(b, value, roundsScores); };
      return round(b.mul(round(b.make<math::TanhOp>(round(b.div(v[0], bound)))), bound));
    });
  }

  /// The scores where a query may see a key, else -infinity.
  Value mask(Value scores) {
    bool isCausal = ctx.getInt("is_causal", 0) != 0;
    int64_t left = ctx.getInt("left_window_size", -1), right = ctx.getInt("right_window_size", -1);
    bool hasMask = ctx.hasInput(kMask), hasLengths = ctx.hasInput(kLengths);
    if (!isCausal && left < 0 && right < 0 && !hasMask && !hasLengths)
      return scores;
    SmallVector<compute::Operand> operands{{scores, ctx.access(4, dims(4)), {}}};
    if (hasMask)
      operands.push_back(maskOperand());
    if (hasLengths)
      operands.push_back({ctx.input(kLengths), ctx.access(4, {ctx.dim(0)}), {}});
    auto body = [&](const RegionBuilder &b, ArrayRef<Value> v) -> Value {
      Type i64 = b.builder().getI64Type();
      using P = arith::CmpIPredicate;
      Value minusInfinity = b.number(work, -INFINITY), score = v[0], allowed;
      auto require = [&](Value condition) {
        allowed = allowed ? b.make<arith::AndIOp>(allowed, condition) : condition;
      };
      if (hasMask && ctx.elementType(kMask).isInteger(1)) {
        require(v[1]);
      } else if (hasMask) {
        Value bias = b.toFloat(v[1], ctx.elementType(kMask), work);
        require(b.compare(arith::CmpFPredicate::UNE, bias, minusInfinity));
        score = rounded(b, b.add(score, bias), roundsScores);
      }
      Value column = b.fromIndex(b.position(3), i64);
      if (hasLengths)
        require(b.compare(P::slt, column, v.back()));
      if (isCausal || left >= 0 || right >= 0) {
        // The query's position among all keys: those before the first query precede it.
        Value before = b.fromIndex(b.size(g.past), i64);
        if (hasLengths)
          before = b.sub(v.back(), b.fromIndex(b.size(g.queries), i64));
        Value row = b.add(b.fromIndex(b.position(2), i64), before);
        if (isCausal)
          require(b.compare(P::sle, column, row));
        if (left >= 0)
          require(b.compare(P::sge, column, b.sub(row, b.integer(i64, left))));
        if (right >= 0)
          require(b.compare(P::sle, column, b.add(row, b.integer(i64, right))));
      }
      return b.select(allowed, score, minusInfinity);
    };
    return mapThrough(ctx, extent::tensorType(scoreSizes, work), operands, body);
  }

  compute::Operand maskOperand() {
    SmallVector<AffineExpr> sizes = ctx.sizes(kMask);
    SmallVector<AffineExpr> indices = llvm::to_vector(
        ctx.broadcastAccess(ArrayRef(sizes).drop_back(), ArrayRef(scoreSizes).drop_back())
            .getMap()
            .getResults());
    indices.push_back(ctx.dim(3));
    if (sizes.back() == g.total)
      return {ctx.input(kMask), ctx.access(4, indices), {}};
    Type type = ctx.elementType(kMask);
    return {ctx.input(kMask), ctx.access(4, indices, {ctx.dim(3)}, {sizes.back()}),
            scalarAttr(type, isa<FloatType>(type) ? -INFINITY : 0)};
  }

  /// In the element type. A query that sees no key has zeros.
  Value softmax(Value scores) {
    Value maxima = foldAxes(ctx, scores, scoreSizes, {3}, /*keepDims=*/true, Combiner::Max, work,
                            [](const RegionBuilder &, ArrayRef<Value> v) { return v[0]; });
    Value powers = mapOver(
        ctx, scoreSizes, work, {scores, maxima}, [&](const RegionBuilder &b, ArrayRef<Value> v) {
          Value isEmpty = b.compare(arith::CmpFPredicate::OEQ, v[1], b.number(work, -INFINITY));
          Value less = b.sub(v[0], b.select(isEmpty, b.number(work, 0), v[1]));
          return rounded(b, b.exp(rounded(b, less, roundsSoftmax)), roundsSoftmax);
        });
    Value sums = foldAxes(ctx, powers, scoreSizes, {3}, /*keepDims=*/true, Combiner::Add, work,
                          [](const RegionBuilder &, ArrayRef<Value> v) { return v[0]; });
    return mapOver(ctx, scoreSizes, element, {powers, sums},
                   [&](const RegionBuilder &b, ArrayRef<Value> v) {
                     Value zero = b.number(work, 0);
                     Value isEmpty = b.compare(arith::CmpFPredicate::OEQ, v[1], zero);
                     Value sum = rounded(b, v[1], roundsSoftmax);
                     sum = b.select(isEmpty, b.number(work, 1), sum);
                     return b.narrow(b.div(v[0], sum), element);
                   });
  }

  SmallVector<AffineExpr> dims(unsigned count) {
    SmallVector<AffineExpr> result;
    for (unsigned dim = 0; dim < count; ++dim)
      result.push_back(ctx.dim(dim));
    return result;
  }

  ExpandContext &ctx;
  const Geometry &g;
  Type element, work;
  /// In f16 and bf16 each step up to the softmax has its result rounded, and so has each of the
  /// softmax itself unless attribute 'softmax_precision' asks for another type.
  bool roundsScores = false, roundsSoftmax = false;
  SmallVector<AffineExpr> scoreSizes;
};

LogicalResult expandAttention(ExpandContext &ctx) {
  FailureOr<Geometry> g = geometryOf(ctx);
  if (failed(g))
    return failure();
  AttentionExpansion(ctx, *g).run();
  return success();
}

} // namespace

void registerAttention(Registry &registry) {
  registry.add({"", "Attention", 23, inferAttention, expandAttention, 3});
  registerRotaryEmbedding(registry);
}

} // namespace longtail::operators
