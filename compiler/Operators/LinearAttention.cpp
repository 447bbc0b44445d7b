// LinearAttention: a state for each head of the keys, updated and read step by step. All rules are
//   S = decay * S;  v' = beta * (v - S^T k) or v;  S += k v'^T;  output = scale * S^T q
// with what the rule leaves out left out.
#include "compiler/Operators/GridBuilder.h"
#include <cmath>

using namespace mlir;

namespace longtail::operators {
namespace {

enum Input { kQuery, kKey, kValue, kPast, kDecay, kBeta };
constexpr StringLiteral kNames[] = {"query", "key", "value", "past_state", "decay", "beta"};

struct Geometry {
  AffineExpr batch, steps, width, valueWidth; // of one head
  int64_t queryHeads, heads;
  bool decays, corrects;    // what the rule does
  bool decaysByKey = false; // a decay for each element of a key, not for each head
  bool hasOneBeta = false;  // for all heads
};

FailureOr<Geometry> geometryOf(InferContext &ctx) {
  Geometry g;
  StringRef rule = ctx.getString("update_rule", "gated_delta");
  if (!llvm::is_contained({"linear", "gated", "delta", "gated_delta"}, rule))
    return ctx.error() << "attribute 'update_rule' is '" << rule
                       << "', expected 'linear', 'gated', 'delta' or 'gated_delta'";
  g.decays = rule.starts_with("gated"), g.corrects = rule.ends_with("delta");
  for (auto [input, isUsed] : {std::pair(kDecay, g.decays), std::pair(kBeta, g.corrects)})
    if (ctx.hasInput(input) != isUsed)
      return ctx.error() << "update rule '" << rule << "' " << (isUsed ? "needs" : "has no")
                         << " input '" << kNames[input] << "'";
  for (unsigned input : {kQuery, kKey, kValue, kDecay, kBeta})
    if (ctx.hasInput(input) && ctx.rank(input) != 3)
      return ctx.error() << "input '" << kNames[input] << "' has " << ctx.rank(input)
                         << " dimensions, expected 3";
  g.queryHeads = ctx.getInt("q_num_heads", 0), g.heads = ctx.getInt("kv_num_heads", 0);
  if (g.heads < 1 || g.queryHeads < 1 || g.queryHeads % g.heads != 0)
    return ctx.error() << "attribute 'q_num_heads' is " << g.queryHeads
                       << ", expected a positive multiple of 'kv_num_heads', which is " << g.heads;
  SmallVector<AffineExpr> query = ctx.sizes(kQuery);
  g.batch = query[0], g.steps = query[1];
  g.width = query[2].floorDiv(g.queryHeads);
  g.valueWidth = ctx.sizes(kValue)[2].floorDiv(g.heads);
  if (g.decays)
    g.decaysByKey = ctx.sizes(kDecay)[2] != ctx.constantExpr(g.heads);
  if (g.corrects)
    g.hasOneBeta = ctx.sizes(kBeta)[2] == ctx.constantExpr(1);
  return g;
}

LogicalResult infer(InferContext &ctx) {
  if (failed(requireFloat(ctx, kQuery, kNames[kQuery])))
    return failure();
  for (unsigned input : {kKey, kValue, kDecay, kBeta})
    if (ctx.hasInput(input) &&
        failed(requireSameType(ctx, kQuery, input, kNames[kQuery], kNames[input])))
      return failure();
  if (ctx.hasInput(kPast) && failed(requireFloat(ctx, kPast, kNames[kPast])))
    return failure();
  FailureOr<Geometry> g = geometryOf(ctx);
  if (failed(g))
    return failure();
  auto require = [&](unsigned input, ArrayRef<AffineExpr> sizes) -> LogicalResult {
    SmallVector<AffineExpr> own = ctx.sizes(input);
    if (own.size() != sizes.size())
      return ctx.error() << "input '" << kNames[input] << "' has " << own.size()
                         << " dimensions, expected " << sizes.size();
    for (auto [dim, size] : llvm::enumerate(sizes))
      if (failed(requireEqualSizes(ctx, own[dim], size,
                                   "dimension " + Twine(dim) + " of input '" + kNames[input] +
                                       "' and the size that queries and heads give it")))
        return failure();
    return success();
  };
  SmallVector<AffineExpr> state{g->batch, ctx.constantExpr(g->heads), g->width, g->valueWidth};
  AffineExpr keys = g->width * g->heads;
  if (failed(require(kQuery, {g->batch, g->steps, g->width * g->queryHeads})) ||
      failed(require(kKey, {g->batch, g->steps, keys})) ||
      failed(require(kValue, {g->batch, g->steps, g->valueWidth * g->heads})) ||
      (ctx.hasInput(kPast) && failed(require(kPast, state))) ||
      (g->decays &&
       failed(require(kDecay,
                      {g->batch, g->steps, g->decaysByKey ? keys : ctx.constantExpr(g->heads)}))) ||
      (g->corrects && failed(require(kBeta, {g->batch, g->steps,
                                             ctx.constantExpr(g->hasOneBeta ? 1 : g->heads)}))))
    return failure();
  ctx.setResult(0, ctx.elementType(kQuery), {g->batch, g->steps, g->valueWidth * g->queryHeads});
  ctx.setResult(1, ctx.elementType(ctx.hasInput(kPast) ? kPast : kQuery), state);
  return success();
}

/// The code of one head of one batch.
class Head {
public:
  Head(ExpandContext &ctx, const Geometry &g, const GridBuilder &b, ValueRange points, Type work)
      : ctx(ctx), g(g), b(b), batch(points[0]), head(points[1]), work(work), zero(b.index(0)),
        width(b.size(g.width)), valueWidth(b.size(g.valueWidth)),
        state(b.local(work, {g.width, g.valueWidth})), change(b.local(work, {g.valueWidth})),
        sums(b.local(work, {ctx.expr(g.queryHeads / g.heads), g.valueWidth})) {}

  void run(Value output, Value present) {
    forState([&](Value k, Value v) {
      Value past = ctx.hasInput(kPast)
                       ? b.narrow(b.load(ctx.input(kPast), {batch, head, k, v}), work)
                       : b.number(work, 0);
      b.store(past, state, {k, v});
    });
    b.loop(zero, b.size(g.steps), [&](Value step) { advance(step, output); });
    if (present)
      forState([&](Value k, Value v) {
        Type type = cast<access::PlaceType>(present.getType()).getTensor().getElementType();
        b.store(b.narrow(b.fetch(state, {k, v}), type), present, {batch, head, k, v});
      });
  }

private:
  void forState(function_ref<void(Value, Value)> body) {
    b.loop(zero, width, [&](Value k) { b.loop(zero, valueWidth, [&](Value v) { body(k, v); }); });
  }

  /// Element `i` of head `number`, whose width is `size`, of an operand.
  Value load(Input input, Value step, Value number, Value size, Value i) {
    Value column = b.add(b.mul(number, size), i);
    return b.narrow(b.load(ctx.input(input), {batch, step, column}), work);
  }

  Value decayAt(Value step, Value k) {
    Value log = g.decaysByKey ? load(kDecay, step, head, width, k)
                              : load(kDecay, step, head, b.index(1), zero);
    return b.exp(log);
  }

  void advance(Value step, Value output) {
    int64_t groups = g.queryHeads / g.heads;
    b.loop(zero, valueWidth, [&](Value v) {
      b.store(g.corrects ? b.number(work, 0) : load(kValue, step, head, valueWidth, v), change,
              {v});
    });
    b.loop(zero, b.index(groups), [&](Value query) {
      b.loop(zero, valueWidth, [&](Value v) { b.store(b.number(work, 0), sums, {query, v}); });
    });
    if (g.corrects)
      correct(step);
    b.loop(zero, width, [&](Value k) {
      Value key = load(kKey, step, head, width, k);
      Value decay = g.decays && !g.corrects ? decayAt(step, k) : Value();
      b.loop(zero, valueWidth, [&](Value v) {
        Value old = b.fetch(state, {k, v});
        if (decay)
          old = b.mul(old, decay);
        b.store(b.add(old, b.mul(key, b.fetch(change, {v}))), state, {k, v});
      });
      b.loop(zero, b.index(groups), [&](Value query) {
        Value number = b.add(b.mul(head, b.index(groups)), query);
        Value factor = load(kQuery, step, number, width, k);
        b.loop(zero, valueWidth, [&](Value v) {
          Value sum = b.add(b.fetch(sums, {query, v}), b.mul(factor, b.fetch(state, {k, v})));
          b.store(sum, sums, {query, v});
        });
      });
    });
    if (!output)
      return;
    Value factor = scale();
    Type element = ctx.elementType(kQuery);
    b.loop(zero, b.index(groups), [&](Value query) {
      Value number = b.add(b.mul(head, b.index(groups)), query);
      b.loop(zero, valueWidth, [&](Value v) {
        Value result = b.narrow(b.mul(factor, b.fetch(sums, {query, v})), element);
        b.store(result, output, {batch, step, b.add(b.mul(number, valueWidth), v)});
      });
    });
  }

  /// Decays the state, and makes `change` what is added of it for each key.
  void correct(Value step) {
    b.loop(zero, width, [&](Value k) {
      Value key = load(kKey, step, head, width, k);
      Value decay = g.decays ? decayAt(step, k) : Value();
      b.loop(zero, valueWidth, [&](Value v) {
        Value old = b.fetch(state, {k, v});
        if (decay) {
          old = b.mul(old, decay);
          b.store(old, state, {k, v});
        }
        b.store(b.add(b.fetch(change, {v}), b.mul(old, key)), change, {v});
      });
    });
    Value beta = load(kBeta, step, g.hasOneBeta ? zero : head, b.index(1), zero);
    b.loop(zero, valueWidth, [&](Value v) {
      Value value = load(kValue, step, head, valueWidth, v);
      b.store(b.mul(beta, b.sub(value, b.fetch(change, {v}))), change, {v});
    });
  }

  Value scale() {
    if (double given = ctx.getFloat("scale", 0); given != 0)
      return b.number(work, given);
    if (auto known = dyn_cast<AffineConstantExpr>(g.width))
      return b.number(work, 1 / std::sqrt(double(known.getValue())));
    return b.div(b.number(work, 1), b.sqrt(sizeAsNumber(b, g.width, work)));
  }

  ExpandContext &ctx;
  const Geometry &g;
  const GridBuilder &b;
  Value batch, head;
  Type work;
  Value zero, width, valueWidth;
  Value state;  // [width, valueWidth]
  Value change; // [valueWidth]
  Value sums;   // [query heads of this head, valueWidth]
};

LogicalResult expand(ExpandContext &ctx) {
  FailureOr<Geometry> g = geometryOf(ctx);
  if (failed(g))
    return failure();
  SmallVector<unsigned> wanted;
  SmallVector<RankedTensorType> types;
  for (unsigned output : {0, 1})
    if (ctx.hasOutput(output)) {
      wanted.push_back(output);
      types.push_back(ctx.resultType(output));
    }
  SmallVector<Value> values =
      buildGrid(ctx, types, {g->batch, ctx.expr(g->heads)},
                [&](const GridBuilder &b, ValueRange points, ValueRange places) {
                  Value all[2];
                  for (auto [output, place] : llvm::zip(wanted, places))
                    all[output] = place;
                  Type work = accumulatorType(ctx.elementType(kQuery));
                  Head(ctx, *g, b, points, work).run(all[0], all[1]);
                });
  for (auto [output, value] : llvm::zip(wanted, values))
    ctx.setValue(output, value);
  return success();
}

} // namespace

void registerLinearAttention(Registry &registry) {
  registry.add({"", "LinearAttention", 27, infer, expand, 3});
}

} // namespace longtail::operators
