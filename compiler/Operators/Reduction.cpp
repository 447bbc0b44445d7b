// Reduce*: folds over axes that are known or that a tensor holds at run time.
#include "compiler/Operators/ArgReduction.h"
#include "compiler/Operators/Recorded.h"
#include "compiler/Operators/RegionBuilder.h"
#include <numeric>

using namespace mlir;
using longtail::compute::Combiner;
using longtail::extent::Function;

namespace longtail::operators {
namespace {

enum class Kind { Sum, Mean, Max, Min, Prod, L1, L2, SumSquare, LogSum, LogSumExp };

/// Where a reduction reads: for each dimension of the source its index in the domain of the
/// result's dimensions and then the folded ones.
struct Plan {
  SmallVector<AffineExpr> sizes, extents, indices;
};

constexpr StringLiteral kAxes = "longtail.axes";

/// The axes as expressions, constants where they are known, each in [-rank, rank). Nothing means
/// all dimensions.
FailureOr<std::optional<SmallVector<AffineExpr>>> inferAxes(InferContext &ctx, bool fromInput) {
  std::optional<SmallVector<AffineExpr>> axes;
  int64_t rank = ctx.rank(0);
  if (!fromInput) {
    if (std::optional<SmallVector<int64_t>> ints = ctx.getInts("axes"))
      axes = llvm::map_to_vector(*ints, [&](int64_t axis) { return ctx.constantExpr(axis); });
  } else if (ctx.hasInput(1)) {
    if (ctx.rank(1) != 1)
      return ctx.error() << "input 'axes' has " << ctx.rank(1) << " dimensions, expected 1";
    if (std::optional<SmallVector<int64_t>> ints = ctx.constantInts(1)) {
      axes = llvm::map_to_vector(*ints, [&](int64_t axis) { return ctx.constantExpr(axis); });
    } else {
      FailureOr<SmallVector<AffineExpr>> bound =
          ctx.contentsOrBind(1, -rank, std::max<int64_t>(rank - 1, -rank));
      if (failed(bound))
        return failure();
      axes = *bound;
    }
  }
  if (axes && axes->empty())
    axes.reset();
  if (!axes && fromInput && ctx.getInt("noop_with_empty_axes", 0) != 0)
    return std::optional(SmallVector<AffineExpr>());
  if (!axes)
    return axes;
  for (AffineExpr &axis : *axes)
    if (auto constant = dyn_cast<AffineConstantExpr>(axis)) {
      FailureOr<int64_t> normal = ctx.normalizeAxis(constant.getValue(), rank);
      if (failed(normal))
        return failure();
      axis = ctx.constantExpr(*normal);
    }
  return axes;
}

/// Sizes and accesses for axes that are all known.
FailureOr<Plan> planKnown(InferContext &ctx, ArrayRef<int64_t> axes, bool keepDims) {
  Plan plan;
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  SmallVector<bool> folded(sizes.size(), false);
  for (int64_t axis : axes) {
    if (folded[axis])
      return ctx.error() << "axis " << axis << " is given twice";
    folded[axis] = true;
  }
  unsigned resultRank = keepDims ? sizes.size() : sizes.size() - axes.size();
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    if (folded[dim]) {
      plan.indices.push_back(getAffineDimExpr(resultRank + plan.extents.size(), ctx.getContext()));
      plan.extents.push_back(size);
      if (keepDims)
        plan.sizes.push_back(ctx.constantExpr(1));
    } else {
      plan.indices.push_back(getAffineDimExpr(plan.sizes.size(), ctx.getContext()));
      plan.sizes.push_back(size);
    }
  }
  return plan;
}

/// Sizes and accesses for axes bound to symbols: each dimension has an extent of 1 either in the
/// result or among the folded ones. Axes are distinct, so the rank of the result is known.
FailureOr<Plan> planBound(InferContext &ctx, ArrayRef<AffineExpr> axes, bool keepDims) {
  extent::SymbolTable &symbols = ctx.getSymbols();
  SmallVector<AffineExpr> sizes = ctx.sizes(0), folded;
  AffineExpr zero = ctx.constantExpr(0), one = ctx.constantExpr(1);
  int64_t rank = sizes.size();
  int64_t resultRank = keepDims ? rank : rank - static_cast<int64_t>(axes.size());
  if (resultRank < 0)
    return ctx.error() << "there are " << axes.size() << " axes for " << rank << " dimensions";
  for (int64_t dim = 0; dim < rank; ++dim) {
    AffineExpr flag = zero;
    for (AffineExpr axis : axes) {
      AffineExpr front = symbols.derive(Function::Equal, {axis, ctx.constantExpr(dim)});
      AffineExpr back = symbols.derive(Function::Equal, {axis, ctx.constantExpr(dim - rank)});
      flag = symbols.derive(Function::Or, {flag, symbols.derive(Function::Or, {front, back})});
    }
    folded.push_back(flag);
  }
  Plan plan;
  MLIRContext *context = ctx.getContext();
  AffineExpr before = zero; // kept dimensions before this one
  if (!keepDims)
    plan.sizes.assign(resultRank, zero);
  for (int64_t dim = 0; dim < rank; ++dim) {
    plan.extents.push_back(symbols.derive(Function::Select, {folded[dim], sizes[dim], one}));
    AffineExpr index = getAffineDimExpr(resultRank + dim, context);
    if (keepDims) {
      plan.sizes.push_back(symbols.derive(Function::Select, {folded[dim], one, sizes[dim]}));
      plan.indices.push_back(index + getAffineDimExpr(dim, context));
      continue;
    }
    for (int64_t to = 0; to < resultRank; ++to) {
      AffineExpr here = symbols.derive(Function::Equal, {before, ctx.constantExpr(to)});
      AffineExpr weight = symbols.derive(Function::Select, {folded[dim], zero, here});
      plan.sizes[to] = plan.sizes[to] + weight * sizes[dim];
      index = index + getAffineDimExpr(to, context) * weight;
    }
    plan.indices.push_back(index);
    before = before + (one - folded[dim]);
  }
  return plan;
}

FailureOr<Plan> makePlan(InferContext &ctx, std::optional<ArrayRef<AffineExpr>> axes) {
  bool keepDims = ctx.getInt("keepdims", 1) != 0;
  SmallVector<int64_t> known;
  if (!axes) {
    known.resize(ctx.rank(0));
    std::iota(known.begin(), known.end(), 0);
    return planKnown(ctx, known, keepDims);
  }
  for (AffineExpr axis : *axes) {
    auto constant = dyn_cast<AffineConstantExpr>(axis);
    if (!constant)
      return planBound(ctx, *axes, keepDims);
    known.push_back(constant.getValue());
  }
  return planKnown(ctx, known, keepDims);
}

template <bool FromInput> LogicalResult inferReduce(InferContext &ctx) {
  StringRef op = ctx.getNode().getOpType();
  bool allowBool = op == "ReduceMax" || op == "ReduceMin";
  if (failed(requireNumber(ctx, 0, "data", allowBool)))
    return failure();
  FailureOr<std::optional<SmallVector<AffineExpr>>> axes = inferAxes(ctx, FromInput);
  if (failed(axes))
    return failure();
  FailureOr<Plan> plan =
      makePlan(ctx, *axes ? std::optional<ArrayRef<AffineExpr>>(**axes) : std::nullopt);
  if (failed(plan))
    return failure();
  if (*axes)
    recordExprs(ctx, kAxes, **axes);
  ctx.setResult(0, ctx.elementType(0), plan->sizes);
  return success();
}

/// Builds the folds of one node.
struct Folder {
  ExpandContext &ctx;
  Plan plan;

  /// Folds `body` of the source's element and those of `others`, which have the result's shape.
  Value fold(Combiner combiner, Type elementType, ArrayRef<Value> others, ScalarBody body) {
    unsigned rank = plan.sizes.size(), domain = rank + plan.extents.size();
    SmallVector<AffineExpr> prefix;
    for (unsigned dim = 0; dim < rank; ++dim)
      prefix.push_back(ctx.dim(dim));
    SmallVector<compute::Operand> operands{{ctx.input(0), ctx.access(domain, plan.indices), {}}};
    for (Value other : others)
      operands.push_back({other, ctx.access(domain, prefix), {}});
    RankedTensorType type = extent::tensorType(plan.sizes, elementType);
    if (plan.extents.empty())
      return mapThrough(ctx, type, operands, body);
    Location loc = ctx.getLoc();
    return compute::buildReduce(
               ctx.getBuilder(), loc, type, combiner, plan.extents, operands,
               [&](OpBuilder &builder, ValueRange elements) -> SmallVector<Value> {
                 return {body(RegionBuilder(builder, loc), SmallVector<Value>(elements))};
               })
        .getOutput();
  }

  Value finish(ArrayRef<Value> operands, ScalarBody body) {
    return mapOver(ctx, plan.sizes, ctx.resultType(0).getElementType(), operands, body);
  }
};

/// `value` where it is finite, else 0: the number to subtract before exponentials.
Value finiteOrZero(const RegionBuilder &b, Value value) {
  Type type = value.getType();
  Value magnitude = b.abs(value, type);
  Value infinity = b.number(type, std::numeric_limits<double>::infinity());
  return b.select(b.compare(arith::CmpFPredicate::OLT, magnitude, infinity), value,
                  b.number(type, 0));
}

Value expandLogSumExp(Folder &folder, Type element, Type work) {
  Value max = folder.fold(Combiner::Max, work, {}, [&](const RegionBuilder &b, ArrayRef<Value> v) {
    return b.toFloat(v[0], element, work);
  });
  Value sum = folder.fold(Combiner::Add, work, max, [&](const RegionBuilder &b, ArrayRef<Value> v) {
    return b.exp(b.sub(b.toFloat(v[0], element, work), finiteOrZero(b, v[1])));
  });
  return folder.finish({sum, max}, [&](const RegionBuilder &b, ArrayRef<Value> v) {
    return b.fromFloat(b.add(b.log(v[0]), finiteOrZero(b, v[1])), element);
  });
}

Combiner combinerFor(Kind kind, Type element) {
  bool isBool = element.isInteger(1), isUnsigned = element.isUnsignedInteger();
  if (kind == Kind::Prod)
    return Combiner::Mul;
  if (kind == Kind::Max)
    return isBool ? Combiner::Or : isUnsigned ? Combiner::UMax : Combiner::Max;
  if (kind == Kind::Min)
    return isBool ? Combiner::And : isUnsigned ? Combiner::UMin : Combiner::Min;
  return Combiner::Add;
}

Value numberOfFolded(const RegionBuilder &b, const Plan &plan, Type type) {
  AffineExpr count = getAffineConstantExpr(1, type.getContext());
  for (AffineExpr size : plan.extents)
    count = count * size;
  return sizeAsNumber(b, count, type);
}

template <Kind kind> LogicalResult expandReduce(ExpandContext &ctx) {
  std::optional<SmallVector<AffineExpr>> axes = recordedExprs(ctx, kAxes);
  FailureOr<Plan> plan =
      makePlan(ctx, axes ? std::optional<ArrayRef<AffineExpr>>(*axes) : std::nullopt);
  if (failed(plan))
    return failure();
  Folder folder{ctx, *plan};
  Type element = ctx.elementType(0);
  bool isInteger = isa<IntegerType>(element);
  Type work = isInteger ? element : accumulatorType(element);
  Type wide = isInteger ? Type(Float64Type::get(ctx.getContext())) : work;
  if (kind == Kind::LogSumExp) {
    ctx.setValue(0, expandLogSumExp(folder, element, wide));
    return success();
  }
  Value folded = folder.fold(combinerFor(kind, element), work, {},
                             [&](const RegionBuilder &b, ArrayRef<Value> v) {
                               Value x = b.widen(v[0]);
                               if (kind == Kind::L1)
                                 return b.abs(x, element);
                               if (kind == Kind::L2 || kind == Kind::SumSquare)
                                 return b.mul(x, x);
                               return x;
                             });
  bool isDone = work == element && kind != Kind::Mean && kind != Kind::L2 && kind != Kind::LogSum;
  if (isDone) {
    ctx.setValue(0, folded);
    return success();
  }
  ctx.setValue(0, folder.finish(folded, [&](const RegionBuilder &b, ArrayRef<Value> v) -> Value {
    Value x = v[0];
    if (kind == Kind::L2)
      return b.fromFloat(b.sqrt(b.toFloat(x, work, wide)), element);
    if (kind == Kind::LogSum)
      return b.fromFloat(b.log(b.toFloat(x, work, wide)), element);
    if (kind == Kind::Mean) {
      Value count = numberOfFolded(b, *plan, x.getType());
      if (isInteger) // the mean of no integers is their sum, 0
        count = b.maximum(count, b.number(count.getType(), 1));
      x = b.div(x, count, element);
    }
    return isInteger ? x : b.narrow(x, element);
  }));
  return success();
}

template <Kind kind> void add(Registry &registry, StringRef name, int64_t inputSince) {
  registry.add({"", name.str(), 1, inferReduce<false>, expandReduce<kind>});
  registry.add({"", name.str(), inputSince, inferReduce<true>, expandReduce<kind>});
}

} // namespace

void registerReduction(Registry &registry) {
  add<Kind::Sum>(registry, "ReduceSum", 13);
  add<Kind::Mean>(registry, "ReduceMean", 18);
  add<Kind::Max>(registry, "ReduceMax", 18);
  add<Kind::Min>(registry, "ReduceMin", 18);
  add<Kind::Prod>(registry, "ReduceProd", 18);
  add<Kind::L1>(registry, "ReduceL1", 18);
  add<Kind::L2>(registry, "ReduceL2", 18);
  add<Kind::SumSquare>(registry, "ReduceSumSquare", 18);
  add<Kind::LogSum>(registry, "ReduceLogSum", 18);
  add<Kind::LogSumExp>(registry, "ReduceLogSumExp", 18);
  registerArgReduction(registry);
}

} // namespace longtail::operators
