// ai.onnx.ml TreeEnsemble: for each row, every tree is walked from its root to a leaf.
#include "compiler/Operators/GridBuilder.h"
#include <cmath>

using namespace mlir;

namespace longtail::operators {
namespace {

using Values = GridBuilder::Values;

enum Aggregate : int64_t { Average, Sum, Min, Max };
enum PostTransform : int64_t { None, Softmax, Logistic, SoftmaxZero };
enum Mode : int64_t { LessOrEqual, Less, GreaterOrEqual, Greater, Equal, NotEqual, Member };

struct Ensemble {
  int64_t targets;
  Aggregate aggregate;
  PostTransform transform;
  // By node. A child that is not negative is a node, -1 - leaf a leaf. The members of a set are
  // `members` in [memberBegin, memberEnd).
  SmallVector<int64_t> features, modes, whenTrue, whenFalse, missing, memberBegin, memberEnd;
  SmallVector<double> splits, members;
  SmallVector<int64_t> leafTargets;
  SmallVector<double> leafWeights;
  SmallVector<int64_t> roots;
};

class Reader {
public:
  explicit Reader(InferContext &ctx) : ctx(ctx) {}

  FailureOr<Ensemble> read();

private:
  LogicalResult fail(const Twine &what) { return ctx.error() << what; }
  LogicalResult ints(StringRef name, SmallVector<int64_t> &out, std::optional<size_t> count);
  LogicalResult numbers(StringRef name, SmallVector<double> &out, std::optional<size_t> count,
                        bool isOptional = false);
  LogicalResult children(StringRef branch, SmallVector<int64_t> &out);
  LogicalResult sets(const SmallVector<double> &values);
  LogicalResult checkWalks();

  InferContext &ctx;
  Ensemble e;
};

LogicalResult Reader::ints(StringRef name, SmallVector<int64_t> &out, std::optional<size_t> count) {
  auto values = ctx.getInts(name);
  if (!values || values->empty() || (count && values->size() != *count))
    return fail("attribute '" + name + "' must hold " + (count ? std::to_string(*count) : "some") +
                " integers");
  out = std::move(*values);
  return success();
}

LogicalResult Reader::numbers(StringRef name, SmallVector<double> &out, std::optional<size_t> count,
                              bool isOptional) {
  auto tensor = dyn_cast_or_null<ElementsAttr>(ctx.attribute(name));
  if (!tensor && isOptional)
    return success();
  auto values = readNumbers(tensor);
  if (!values || (count && values->size() != *count))
    return fail("attribute '" + name + "' must be a tensor of " +
                (count ? std::to_string(*count) : "some") + " numbers");
  out = std::move(*values);
  return success();
}

LogicalResult Reader::children(StringRef branch, SmallVector<int64_t> &out) {
  SmallVector<int64_t> isLeaf;
  std::string name = ("nodes_" + branch).str();
  if (failed(ints(name + "nodeids", out, e.features.size())) ||
      failed(ints(name + "leafs", isLeaf, e.features.size())))
    return failure();
  for (auto [child, leaf] : llvm::zip(out, isLeaf)) {
    int64_t count = leaf ? e.leafTargets.size() : e.features.size();
    if (child < 0 || child >= count)
      return fail("attribute '" + name + "nodeids' names " + (leaf ? "leaf " : "node ") +
                  Twine(child) + " of " + Twine(count));
    if (leaf)
      child = -1 - child;
  }
  return success();
}

/// Cuts the values, of which each set ends at a NaN or at the end, into those of the nodes.
LogicalResult Reader::sets(const SmallVector<double> &values) {
  size_t at = 0;
  for (int64_t mode : e.modes) {
    e.memberBegin.push_back(e.members.size());
    if (mode == Member) {
      if (at >= values.size())
        return fail("attribute 'membership_values' has fewer sets than there are nodes for sets");
      for (; at < values.size() && !std::isnan(values[at]); ++at)
        e.members.push_back(values[at]);
      ++at;
    }
    e.memberEnd.push_back(e.members.size());
  }
  return success();
}

/// Every walk from a root must end.
LogicalResult Reader::checkWalks() {
  enum State : uint8_t { New, Open, Done };
  std::vector<State> state(e.features.size(), New);
  for (int64_t root : e.roots) {
    SmallVector<int64_t> path{root};
    while (!path.empty()) {
      int64_t node = path.back();
      if (state[node] == New) {
        state[node] = Open;
        for (int64_t child : {e.whenTrue[node], e.whenFalse[node]}) {
          if (child < 0 || state[child] == Done)
            continue;
          if (state[child] == Open)
            return fail("node " + Twine(child) + " leads back to itself");
          path.push_back(child);
        }
      } else {
        state[node] = Done;
        path.pop_back();
      }
    }
  }
  return success();
}

FailureOr<Ensemble> Reader::read() {
  e.targets = ctx.getInt("n_targets", 0);
  e.aggregate = static_cast<Aggregate>(ctx.getInt("aggregate_function", Sum));
  e.transform = static_cast<PostTransform>(ctx.getInt("post_transform", None));
  if (e.targets < 1 || e.targets > std::numeric_limits<int32_t>::max())
    return fail("attribute 'n_targets' must be positive");
  if (e.aggregate < Average || e.aggregate > Max)
    return fail("attribute 'aggregate_function' is " + Twine(e.aggregate) + ", expected 0 to 3");
  if (e.transform < None || e.transform > SoftmaxZero)
    return fail("attribute 'post_transform' is " + Twine(e.transform) +
                ", supported are 0 (none) to 3 (softmax of what is not 0)");
  SmallVector<double> modes, values;
  if (failed(ints("nodes_featureids", e.features, {})))
    return failure();
  size_t nodes = e.features.size();
  if (failed(ints("leaf_targetids", e.leafTargets, {})) ||
      failed(numbers("leaf_weights", e.leafWeights, e.leafTargets.size())) ||
      failed(numbers("nodes_modes", modes, nodes)) ||
      failed(numbers("nodes_splits", e.splits, nodes)) || failed(children("true", e.whenTrue)) ||
      failed(children("false", e.whenFalse)) || failed(ints("tree_roots", e.roots, {})) ||
      failed(numbers("membership_values", values, {}, /*isOptional=*/true)))
    return failure();
  e.missing.assign(nodes, 0);
  if (auto missing = ctx.getInts("nodes_missing_value_tracks_true"); missing && !missing->empty())
    if (failed(ints("nodes_missing_value_tracks_true", e.missing, nodes)))
      return failure();
  for (double mode : modes) {
    if (!(mode >= LessOrEqual && mode <= Member))
      return fail("attribute 'nodes_modes' has the mode " + Twine(int64_t(mode)) +
                  ", expected 0 to 6");
    e.modes.push_back(int64_t(mode));
  }
  for (int64_t target : e.leafTargets)
    if (target < 0 || target >= e.targets)
      return fail("attribute 'leaf_targetids' has the target " + Twine(target) + " of " +
                  Twine(e.targets));
  for (int64_t root : e.roots)
    if (root < 0 || root >= int64_t(nodes))
      return fail("attribute 'tree_roots' names node " + Twine(root) + " of " + Twine(nodes));
  AffineExpr width = ctx.sizes(0)[1];
  for (int64_t feature : e.features) {
    if (feature < 0)
      return fail("attribute 'nodes_featureids' has a negative feature");
    if (auto known = dyn_cast<AffineConstantExpr>(width); known && feature >= known.getValue())
      return fail("attribute 'nodes_featureids' names feature " + Twine(feature) + " of " +
                  Twine(known.getValue()));
  }
  if (failed(sets(values)) || failed(checkWalks()))
    return failure();
  return std::move(e);
}

LogicalResult infer(InferContext &ctx) {
  if (failed(requireFloat(ctx, 0, "X")))
    return failure();
  if (ctx.rank(0) != 2)
    return ctx.error() << "input 0 has rank " << ctx.rank(0) << ", expected 2";
  FailureOr<Ensemble> e = Reader(ctx).read();
  if (failed(e))
    return failure();
  ctx.setResult(0, ctx.elementType(0), {ctx.sizes(0)[0], ctx.constantExpr(e->targets)});
  return success();
}

/// The code of one row.
class RowEmitter {
public:
  RowEmitter(ExpandContext &ctx, const Ensemble &e)
      : e(e), input(ctx.input(0)), element(ctx.elementType(0)), work(accumulatorType(element)) {
    auto add = [&](Type type, size_t count) { return RankedTensorType::get(int64_t(count), type); };
    auto constant = [&](DenseElementsAttr value) -> Value {
      return graph::ConstantOp::create(ctx.getBuilder(), ctx.getLoc(), value.getType(), value,
                                       StringAttr());
    };
    auto ints = [&](ArrayRef<int64_t> values) {
      return constant(
          denseInts(add(IntegerType::get(ctx.getContext(), 64), values.size()), values));
    };
    auto floats = [&](ArrayRef<double> values) {
      return constant(denseNumbers(add(element, values.size()), values));
    };
    features = ints(e.features), modes = ints(e.modes), missing = ints(e.missing);
    whenTrue = ints(e.whenTrue), whenFalse = ints(e.whenFalse), roots = ints(e.roots);
    splits = floats(e.splits), leafTargets = ints(e.leafTargets);
    leafWeights = floats(e.leafWeights);
    if (!e.members.empty()) {
      memberBegin = ints(e.memberBegin), memberEnd = ints(e.memberEnd);
      members = floats(e.members);
    }
  }

  void emit(const GridBuilder &b, Value row, Value out) {
    Value zero = b.index(0), targets = b.index(e.targets);
    Value scores = b.local(work, getAffineConstantExpr(e.targets, input.getContext()));
    double start = e.aggregate == Min   ? std::numeric_limits<double>::infinity()
                   : e.aggregate == Max ? -std::numeric_limits<double>::infinity()
                                        : 0;
    b.loop(zero, targets, [&](Value t) { b.store(b.number(work, start), scores, t); });
    b.loop(zero, b.index(e.roots.size()), [&](Value tree) {
      Value leaf = walk(b, row, b.load(roots, tree));
      Value target = b.toIndex(b.load(leafTargets, leaf));
      Value weight = b.widen(b.load(leafWeights, leaf)), before = b.fetch(scores, target);
      Value after = e.aggregate == Min   ? b.minimum(before, weight)
                    : e.aggregate == Max ? b.maximum(before, weight)
                                         : b.add(before, weight);
      b.store(after, scores, target);
    });
    if (e.aggregate != Sum)
      b.loop(zero, targets, [&](Value t) {
        Value score = b.fetch(scores, t);
        if (e.aggregate == Average)
          score = b.div(score, b.number(work, double(e.roots.size())));
        else // a target without a leaf has no score
          score = b.select(b.equalOrNan(score, b.number(work, start)), b.number(work, 0), score);
        b.store(score, scores, t);
      });
    transform(b, scores);
    b.loop(zero, targets, [&](Value t) {
      b.store(b.narrow(b.fetch(scores, t), access::computeType(element)), out, {row, t});
    });
  }

private:
  /// The leaf that the row comes to from a root.
  Value walk(const GridBuilder &b, Value row, Value root) {
    Value zero = b.integer(b.builder().getI64Type(), 0);
    Value last = b.repeatWhile(
        root, [&](ValueRange node) { return b.cmpI(arith::CmpIPredicate::sge, node[0], zero); },
        [&](ValueRange state) {
          Value node = b.toIndex(state[0]);
          Value feature = b.toIndex(b.load(features, node));
          Value x = b.widen(b.load(input, {row, feature}, /*checked=*/true));
          Value isMissing = b.both(b.isNaN(x), notZero(b, b.load(missing, node)));
          Value isTrue = b.either(test(b, node, x), isMissing);
          return Values{b.select(isTrue, b.load(whenTrue, node), b.load(whenFalse, node))};
        })[0];
    return b.toIndex(b.sub(b.integer(last.getType(), -1), last));
  }

  static Value notZero(const GridBuilder &b, Value value) {
    return b.cmpI(arith::CmpIPredicate::ne, value, b.integer(value.getType(), 0));
  }

  Value test(const GridBuilder &b, Value node, Value x) {
    Value mode = b.load(modes, node), split = b.widen(b.load(splits, node));
    using P = arith::CmpFPredicate;
    static constexpr P kPredicates[] = {P::OLE, P::OLT, P::OGE, P::OGT, P::OEQ, P::UNE};
    Value result;
    for (int64_t kind = LessOrEqual; kind <= Member; ++kind) {
      if (!llvm::is_contained(e.modes, kind))
        continue;
      Value holds = kind == Member ? isMember(b, node, x) : b.cmpF(kPredicates[kind], x, split);
      Value isKind = b.cmpI(arith::CmpIPredicate::eq, mode, b.integer(mode.getType(), kind));
      result = result ? b.select(isKind, holds, result) : holds;
    }
    return result;
  }

  Value isMember(const GridBuilder &b, Value node, Value x) {
    Value no = b.make<arith::ConstantOp>(b.builder().getBoolAttr(false));
    if (!members)
      return no;
    return b.loop(b.toIndex(b.load(memberBegin, node)), b.toIndex(b.load(memberEnd, node)), no,
                  [&](Value i, ValueRange found) {
                    Value same = b.cmpF(arith::CmpFPredicate::OEQ, x, b.widen(b.load(members, i)));
                    return Values{b.either(found[0], same)};
                  })[0];
  }

  void transform(const GridBuilder &b, Value scores) {
    Value zero = b.index(0), targets = b.index(e.targets), one = b.number(work, 1);
    Value nothing = b.number(work, 0);
    if (e.transform == Logistic)
      b.loop(zero, targets, [&](Value t) {
        Value negative = b.sub(nothing, b.fetch(scores, t));
        b.store(b.div(one, b.add(one, b.exp(negative))), scores, t);
      });
    if (e.transform != Softmax && e.transform != SoftmaxZero)
      return;
    Value most = b.number(work, -std::numeric_limits<double>::infinity());
    most = b.loop(zero, targets, most, [&](Value t, ValueRange before) {
      return Values{b.maximum(before[0], b.fetch(scores, t))};
    })[0];
    Value sum = b.loop(zero, targets, nothing, [&](Value t, ValueRange before) {
      Value score = b.fetch(scores, t), power = b.exp(b.sub(score, most));
      if (e.transform == SoftmaxZero) // what is 0 stays 0
        power = b.select(b.cmpF(arith::CmpFPredicate::OEQ, score, nothing), nothing, power);
      b.store(power, scores, t);
      return Values{b.add(before[0], power)};
    })[0];
    sum = b.select(b.cmpF(arith::CmpFPredicate::OEQ, sum, nothing), one, sum);
    b.loop(zero, targets, [&](Value t) { b.store(b.div(b.fetch(scores, t), sum), scores, t); });
  }

  const Ensemble &e;
  Value input;
  Type element, work;
  Value features, modes, missing, whenTrue, whenFalse, roots, splits, leafTargets, leafWeights;
  Value memberBegin, memberEnd, members;
};

LogicalResult expand(ExpandContext &ctx) {
  FailureOr<Ensemble> e = Reader(ctx).read();
  if (failed(e))
    return failure();
  RowEmitter emitter(ctx, *e);
  ctx.setValue(0, buildGrid(ctx, ctx.resultType(0), ctx.sizes(0)[0],
                            [&](const GridBuilder &b, ValueRange points, ValueRange places) {
                              emitter.emit(b, points[0], places[0]);
                            })
                      .front());
  return success();
}

} // namespace

void registerTreeEnsemble(Registry &registry) {
  registry.add({"ai.onnx.ml", "TreeEnsemble", 5, infer, expand});
}

} // namespace longtail::operators
