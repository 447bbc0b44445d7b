// Slice, Split and Concat.
#include "compiler/Operators/Shape.h"

using namespace mlir;

namespace longtail::operators {
namespace {

using extent::Function;
using Exprs = SmallVector<AffineExpr>;

//===-- Slice ---------------------------------------------------------------------------------===//

constexpr int64_t kBound = int64_t(1) << 40; // beyond every size, and sums stay in range

/// Bounds that only the run tells may be anything, "to the end" is often the largest number: what
/// is beyond every size is brought to kBound before it is read.
void clampOperand(InferContext &context, unsigned input) {
  if (!context.hasInput(input) || context.contents(input))
    return;
  RankedTensorType type = context.inputType(input);
  bool isBound = llvm::any_of(context.inputValue(input).getUsers(), [](Operation *user) {
    return isa<extent::BindOp>(user); // by an earlier run of this rule
  });
  if (isBound || !type.getElementType().isSignlessInteger(64))
    return;
  OpBuilder builder(context.getNode());
  auto scalar = RankedTensorType::get({}, type.getElementType());
  auto constant = [&](int64_t value) -> Value {
    return graph::ConstantOp::create(builder, context.getLoc(), scalar, denseInts(scalar, {value}),
                                     StringAttr());
  };
  Value clamped =
      addNode(builder, context.getLoc(), "Clip",
              {context.inputValue(input), constant(-kBound), constant(kBound)}, type, {});
  context.getNode().getInputsMutable().slice(input, 1).assign(clamped);
}

/// The range of each dimension; attributes up to version 9, inputs from version 10.
FailureOr<SmallVector<SliceRange>> ranges(InferContext &context) {
  Exprs from = context.sizes(0);
  int64_t rank = from.size();
  bool byInputs = context.version() >= 10;
  auto get = [&](StringRef name, unsigned input, int64_t low, int64_t high) {
    return intsOf(context, name, byInputs ? input : ~0u, low, high);
  };
  for (unsigned input : {1, 2, 4})
    if (byInputs)
      clampOperand(context, input);
  FailureOr<std::optional<Exprs>> starts = get("starts", 1, -kBound, kBound);
  FailureOr<std::optional<Exprs>> ends = get("ends", 2, -kBound, kBound);
  FailureOr<std::optional<Exprs>> axes = axesOf(context, "axes", byInputs ? 3 : ~0u, rank);
  FailureOr<std::optional<Exprs>> steps = get("steps", 4, -kBound, kBound);
  if (failed(starts) || failed(ends) || failed(axes) || failed(steps))
    return failure();
  if (!*starts || !*ends)
    return context.error() << "starts or ends are missing";
  size_t count = (*starts)->size();
  if (!*axes) {
    axes = std::optional(Exprs());
    for (size_t i = 0; i < count; ++i)
      (*axes)->push_back(context.constantExpr(i));
  }
  if (!*steps)
    steps = std::optional(Exprs(count, context.constantExpr(1)));
  if ((*ends)->size() != count || (*axes)->size() != count || (*steps)->size() != count ||
      count > static_cast<size_t>(rank))
    return context.error() << "there are " << count << " starts, " << (*ends)->size() << " ends, "
                           << (*axes)->size() << " axes and " << (*steps)->size() << " steps for "
                           << rank << " dimensions";
  for (AffineExpr step : **steps)
    if (step == context.constantExpr(0))
      return context.error() << "a step is 0";
  for (Exprs *list : {&**starts, &**ends, &**steps})
    for (AffineExpr &value : *list)
      if (auto constant = dyn_cast<AffineConstantExpr>(value))
        value = context.constantExpr(std::clamp(constant.getValue(), -kBound, kBound));

  SmallVector<SliceRange> result;
  AffineExpr zero = context.constantExpr(0), one = context.constantExpr(1);
  for (int64_t dim = 0; dim < rank; ++dim) {
    AffineExpr given = isAxis(context, **axes, dim);
    if (given == zero) {
      result.push_back({zero, one, from[dim]});
      continue;
    }
    result.push_back(sliceRange(context, from[dim], valueAt(context, **axes, **starts, dim, zero),
                                valueAt(context, **axes, **ends, dim, from[dim]),
                                valueAt(context, **axes, **steps, dim, one)));
  }
  return result;
}

LogicalResult inferSlice(InferContext &context) {
  FailureOr<SmallVector<SliceRange>> all = ranges(context);
  if (failed(all))
    return failure();
  context.setResult(0, context.elementType(0),
                    llvm::map_to_vector(*all, [](const SliceRange &range) { return range.size; }));
  return success();
}

LogicalResult expandSlice(ExpandContext &context) {
  FailureOr<SmallVector<SliceRange>> all = ranges(context);
  if (failed(all))
    return failure();
  Exprs indices;
  for (auto [i, range] : llvm::enumerate(*all))
    indices.push_back(range.start + context.dim(i) * range.step);
  context.setValue(0, context.read(context.input(0), context.access(indices.size(), indices),
                                   extent::sizesOf(context.resultType(0))));
  return success();
}

//===-- Split ---------------------------------------------------------------------------------===//

FailureOr<Exprs> pieces(InferContext &context, int64_t axis) {
  extent::SymbolTable &symbols = context.getSymbols();
  AffineExpr size = context.sizes(0)[axis];
  int64_t count = context.numOutputs();
  if (count == 0)
    return context.error() << "there are no results";
  FailureOr<std::optional<Exprs>> given = intsOf(context, "split", 1, 0, kMaxSize);
  if (failed(given))
    return failure();
  std::string where = ", in node '" + context.getNode().getNodeName().str() + "'";
  if (*given) {
    if (static_cast<int64_t>((*given)->size()) != count)
      return context.error() << "there are " << (*given)->size() << " sizes for " << count
                             << " results";
    AffineExpr sum = context.constantExpr(0);
    for (AffineExpr piece : **given)
      sum = sum + piece;
    sum = simplifyAffineExpr(sum, 0, symbols.size());
    if (failed(symbols.requireEqual(sum, size, "the pieces of a split do not add up" + where)))
      return context.error() << "the sizes add up to " << describe(sum) << ", dimension " << axis
                             << " has " << describe(size);
    return **given;
  }
  if (context.version() < 18) { // equal pieces
    AffineExpr rest = simplifyAffineExpr(size % count, 0, symbols.size());
    if (failed(symbols.requireEqual(rest, context.constantExpr(0),
                                    "a dimension does not split evenly" + where)))
      return context.error() << "dimension " << axis << " of size " << describe(size)
                             << " does not split into " << count << " equal pieces";
    return Exprs(count, size.floorDiv(count));
  }
  int64_t wanted = context.getInt("num_outputs", count);
  if (wanted != count)
    return context.error() << "attribute 'num_outputs' is " << wanted << ", the node has " << count
                           << " results";
  AffineExpr piece = size.ceilDiv(count), zero = context.constantExpr(0);
  Exprs result;
  for (int64_t i = 0; i < count; ++i) { // the last ones may be smaller
    AffineExpr left = simplifyAffineExpr(size - piece * i, 0, symbols.size());
    result.push_back(symbols.max(symbols.min(piece, left), zero));
  }
  return result;
}

LogicalResult inferSplit(InferContext &context) {
  FailureOr<int64_t> axis = context.normalizeAxis(context.getInt("axis", 0), context.rank(0));
  if (failed(axis))
    return failure();
  FailureOr<Exprs> all = pieces(context, *axis);
  if (failed(all))
    return failure();
  for (auto [i, piece] : llvm::enumerate(*all)) {
    Exprs sizes = context.sizes(0);
    sizes[*axis] = piece;
    context.setResult(i, context.elementType(0), sizes);
  }
  return success();
}

LogicalResult expandSplit(ExpandContext &context) {
  int64_t axis = *context.normalizeAxis(context.getInt("axis", 0), context.rank(0));
  FailureOr<Exprs> all = pieces(context, axis);
  if (failed(all))
    return failure();
  AffineExpr start = context.constantExpr(0);
  for (auto [i, piece] : llvm::enumerate(*all)) {
    if (context.hasOutput(i)) {
      Exprs indices;
      for (int64_t dim = 0; dim < context.rank(0); ++dim)
        indices.push_back(dim == axis ? context.dim(dim) + start : context.dim(dim));
      context.setValue(i, context.read(context.input(0), context.access(indices.size(), indices),
                                       extent::sizesOf(context.resultType(i))));
    }
    start = start + piece;
  }
  return success();
}

//===-- Concat --------------------------------------------------------------------------------===//

LogicalResult inferConcat(InferContext &context) {
  if (context.numInputs() == 0)
    return context.error() << "there is nothing to concatenate";
  for (unsigned i = 0; i < context.numInputs(); ++i) {
    if (!context.hasInput(i))
      return context.error() << "input " << i << " is missing";
    if (context.elementType(i) != context.elementType(0) || context.rank(i) != context.rank(0))
      return context.error() << "input " << i << " differs from input 0 in type or rank";
  }
  FailureOr<int64_t> axis = context.normalizeAxis(context.getInt("axis", 1), context.rank(0));
  if (failed(axis))
    return failure();
  Exprs sizes = context.sizes(0);
  for (unsigned i = 1; i < context.numInputs(); ++i)
    for (auto [dim, size] : llvm::enumerate(context.sizes(i))) {
      if (static_cast<int64_t>(dim) == *axis) {
        sizes[dim] = sizes[dim] + size;
        continue;
      }
      std::string message = "inputs of a concatenation differ in dimension " + std::to_string(dim) +
                            ", in node '" + context.getNode().getNodeName().str() + "'";
      if (failed(context.getSymbols().requireEqual(sizes[dim], size, message)))
        return context.error() << "input " << i << " has size " << describe(size)
                               << " in dimension " << dim << ", input 0 has "
                               << describe(sizes[dim]);
      sizes[dim] = simpler(sizes[dim], size);
    }
  context.setResult(0, context.elementType(0), sizes);
  return success();
}

LogicalResult expandConcat(ExpandContext &context) {
  int64_t axis = *context.normalizeAxis(context.getInt("axis", 1), context.rank(0));
  RankedTensorType type = context.resultType(0);
  Exprs sizes = extent::sizesOf(type);
  SmallVector<Value> sources;
  for (unsigned i = 0; i < context.numInputs(); ++i) {
    // Sizes that are only equal at run time are written alike.
    Exprs own = context.sizes(i), wanted = sizes;
    wanted[axis] = own[axis];
    Exprs indices;
    for (size_t dim = 0; dim < own.size(); ++dim)
      indices.push_back(context.dim(dim));
    if (own[axis] != context.constantExpr(0))
      sources.push_back(
          context.read(context.input(i), context.access(own.size(), indices), wanted));
  }
  if (sources.empty())
    sources.push_back(context.input(0));
  Value result = sources.front();
  if (sources.size() > 1)
    result = access::ConcatOp::create(context.getBuilder(), context.getLoc(), type, sources, axis);
  context.setValue(0, result);
  return success();
}

} // namespace

void registerSlice(Registry &registry) {
  registry.add({"", "Slice", 1, inferSlice, expandSlice, 1, /*takesText=*/true});
  registry.add({"", "Slice", 10, inferSlice, expandSlice, 3, /*takesText=*/true});
  registry.add({"", "Split", 1, inferSplit, expandSplit, 1, /*takesText=*/true});
  registry.add({"", "Concat", 1, inferConcat, expandConcat, 1, /*takesText=*/true});
}

} // namespace longtail::operators
