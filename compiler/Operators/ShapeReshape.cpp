// Operators that keep the elements and change the dimensions.
#include "compiler/Operators/Shape.h"
#include "compiler/Operators/SizeProduct.h"

using namespace mlir;

namespace longtail::operators {
namespace {

using extent::Function;
using Exprs = SmallVector<AffineExpr>;

/// All reshapes: the elements in row-major order in the result's sizes.
LogicalResult expandReshape(ExpandContext &context) {
  context.setValue(0, context.reshape(context.input(0), extent::sizesOf(context.resultType(0))));
  return success();
}

//===-- Reshape -------------------------------------------------------------------------------===//

/// What stands for the size that -1 asks for: the elements that the other sizes leave.
AffineExpr remaining(InferContext &context, ArrayRef<AffineExpr> from,
                     ArrayRef<AffineExpr> others) {
  SizeProduct total(context.getContext(), from), known(context.getContext(), others);
  if (known.isZero()) // 0 elements in any case; -1 counts none of them
    return context.constantExpr(0);
  SizeProduct::cancel(total, known);
  if (known.isOne())
    return total.expr();
  // Sizes that are 0 leave nothing open, but are only known at run time: no division by them.
  extent::SymbolTable &symbols = context.getSymbols();
  return symbols.derive(Function::FloorDiv,
                        {total.expr(), symbols.max(known.expr(), context.constantExpr(1))});
}

/// True for a size that is read at run time, which may be negative.
bool isReadSize(InferContext &context, AffineExpr value) {
  if (!isa<AffineSymbolExpr>(value))
    return false;
  std::optional<int64_t> low = context.getSymbols().range(value).low;
  return !low || *low < 0;
}

LogicalResult inferReshape(InferContext &context) {
  FailureOr<std::optional<Exprs>> shape = intsOf(context, "shape", 1, -1, kMaxSize);
  if (failed(shape))
    return failure();
  extent::SymbolTable &symbols = context.getSymbols();
  bool zeroIsZero = context.getInt("allowzero", 0) != 0;
  Exprs from = context.sizes(0), sizes, others;
  AffineExpr zero = context.constantExpr(0), one = context.constantExpr(1),
             minusOne = context.constantExpr(-1);
  int inferred = 0;
  for (auto [i, value] : llvm::enumerate(**shape)) {
    AffineExpr size = value;
    bool isRead = isReadSize(context, value);
    auto constant = dyn_cast<AffineConstantExpr>(value);
    if (constant && constant.getValue() < -1)
      return context.error() << "the shape asks for size " << constant.getValue()
                             << " in dimension " << i;
    // A size that is an expression means itself; only constants and values read at run time may ask
    // for the source's size (0) or for the rest (-1).
    if (!zeroIsZero && (isRead || value == zero)) {
      if (i < from.size()) {
        AffineExpr isZero = symbols.derive(Function::Equal, {value, zero});
        size = symbols.derive(Function::Select, {isZero, from[i], value});
      } else if (value == zero) {
        return context.error() << "the shape copies dimension " << i << " of an input of rank "
                               << from.size();
      }
    }
    inferred += value == minusOne;
    AffineExpr isRest =
        isRead || value == minusOne ? symbols.derive(Function::Equal, {value, minusOne}) : zero;
    if (!constant && !isRead &&
        failed(symbols.requireAtMost(zero, value, "a reshape to a negative size")))
      return context.error() << "the shape asks for size " << describe(value) << " in dimension "
                             << i << ", which is negative";
    others.push_back(symbols.derive(Function::Select, {isRest, one, size}));
    sizes.push_back(size);
  }
  if (inferred > 1)
    return context.error() << "the shape leaves " << inferred
                           << " dimensions open, at most 1 can be";
  AffineExpr rest;
  for (auto [value, size] : llvm::zip(**shape, sizes)) {
    if (value != minusOne && !isReadSize(context, value))
      continue;
    if (!rest)
      rest = remaining(context, from, others);
    AffineExpr isRest = symbols.derive(Function::Equal, {value, minusOne});
    size = symbols.derive(Function::Select, {isRest, rest, size});
  }
  SizeProduct before(context.getContext(), from), after(context.getContext(), sizes);
  if (!(before == after) &&
      failed(symbols.requireEqual(before.expr(), after.expr(),
                                  "a reshape to another number of elements, in node '" +
                                      context.getNode().getNodeName().str() + "'")))
    return context.error() << "the input has " << describe(before.expr())
                           << " elements, the shape has " << describe(after.expr());
  context.setResult(0, context.elementType(0), sizes);
  return success();
}

//===-- Flatten, Squeeze, Unsqueeze -----------------------------------------------------------===//

LogicalResult inferFlatten(InferContext &context) {
  int64_t rank = context.rank(0), axis = context.getInt("axis", 1);
  if (axis < -rank || axis > rank)
    return context.error() << "attribute 'axis' is " << axis << ", the input has rank " << rank;
  axis += axis < 0 ? rank : 0;
  Exprs sizes = context.sizes(0);
  auto product = [&](ArrayRef<AffineExpr> part) {
    return SizeProduct(context.getContext(), part).expr();
  };
  context.setResult(
      0, context.elementType(0),
      {product(ArrayRef(sizes).take_front(axis)), product(ArrayRef(sizes).drop_front(axis))});
  return success();
}

/// The `i`-th of the entries of `sizes` whose flag is 0, where the flags may be symbols;
/// `otherwise` if there are fewer.
AffineExpr unflagged(InferContext &context, ArrayRef<AffineExpr> sizes, ArrayRef<AffineExpr> flags,
                     int64_t i, AffineExpr otherwise) {
  extent::SymbolTable &symbols = context.getSymbols();
  AffineExpr result = otherwise, before = context.constantExpr(0);
  for (auto [size, flag] : llvm::zip(sizes, flags)) {
    AffineExpr isHere = symbols.derive(
        Function::And, {symbols.derive(Function::Equal, {before, context.constantExpr(i)}),
                        symbols.derive(Function::Equal, {flag, context.constantExpr(0)})});
    result = symbols.derive(Function::Select, {isHere, size, result});
    before = simplifyAffineExpr(before + 1 - flag, 0, symbols.size());
  }
  return result;
}

LogicalResult inferSqueeze(InferContext &context) {
  Exprs from = context.sizes(0), sizes;
  int64_t rank = from.size();
  AffineExpr one = context.constantExpr(1);
  FailureOr<std::optional<Exprs>> axes = axesOf(context, "axes", 1, rank);
  if (failed(axes))
    return failure();
  if (!*axes || static_cast<int64_t>((*axes)->size()) == llvm::count(from, one)) {
    // All dimensions of size 1. A size that is only known at run time counts as another.
    bool takesOnes = !*axes || llvm::any_of(**axes, [](AffineExpr axis) {
      return !isa<AffineConstantExpr>(axis);
    });
    if (takesOnes) {
      llvm::copy_if(from, std::back_inserter(sizes), [&](AffineExpr size) { return size != one; });
      context.setResult(0, context.elementType(0), sizes);
      return success();
    }
  }
  extent::SymbolTable &symbols = context.getSymbols();
  Exprs flags;
  for (int64_t dim = 0; dim < rank; ++dim) {
    flags.push_back(isAxis(context, **axes, dim));
    AffineExpr squeezed = symbols.derive(Function::Select, {flags.back(), from[dim], one});
    if (failed(symbols.requireEqual(squeezed, one,
                                    "a squeezed dimension is not 1, in node '" +
                                        context.getNode().getNodeName().str() + "'")))
      return context.error() << "dimension " << dim << " has size " << describe(from[dim])
                             << " and cannot be squeezed";
  }
  for (int64_t i = 0; i < rank - static_cast<int64_t>((*axes)->size()); ++i)
    sizes.push_back(unflagged(context, from, flags, i, one));
  context.setResult(0, context.elementType(0), sizes);
  return success();
}

/// Reads around the given axes where they are constants, which keeps every index a dimension.
LogicalResult expandAxes(ExpandContext &context, bool removes) {
  int64_t longer = std::max<int64_t>(context.rank(0), context.resultType(0).getRank());
  FailureOr<std::optional<Exprs>> axes = axesOf(context, "axes", 1, longer);
  if (failed(axes) || !*axes || !llvm::all_of(**axes, llvm::IsaPred<AffineConstantExpr>))
    return expandReshape(context);
  Exprs indices;
  unsigned next = 0;
  for (int64_t dim = 0; dim < longer; ++dim) {
    bool isAxis = llvm::is_contained(**axes, context.constantExpr(dim));
    if (removes)
      indices.push_back(isAxis ? context.constantExpr(0) : context.dim(next++));
    else if (!isAxis)
      indices.push_back(context.dim(dim));
  }
  Exprs sizes = extent::sizesOf(context.resultType(0));
  context.setValue(0, context.read(context.input(0), context.access(sizes.size(), indices), sizes));
  return success();
}

LogicalResult expandSqueeze(ExpandContext &context) {
  return expandAxes(context, /*removes=*/true);
}
LogicalResult expandUnsqueeze(ExpandContext &context) {
  return expandAxes(context, /*removes=*/false);
}

LogicalResult inferUnsqueeze(InferContext &context) {
  Exprs from = context.sizes(0), sizes;
  std::optional<SmallVector<int64_t>> attribute = context.getInts("axes");
  if (!attribute && !context.hasInput(1))
    return context.error() << "the axes are missing";
  if (!attribute && !context.inputType(1).hasStaticShape())
    return context.error() << "the number of axes must be known when the model is compiled";
  int64_t count = attribute ? attribute->size() : context.inputType(1).getNumElements();
  int64_t rank = from.size() + count;
  FailureOr<std::optional<Exprs>> axes = axesOf(context, "axes", 1, rank);
  if (failed(axes))
    return failure();
  extent::SymbolTable &symbols = context.getSymbols();
  AffineExpr zero = context.constantExpr(0), one = context.constantExpr(1), taken = zero;
  for (int64_t dim = 0; dim < rank; ++dim) {
    AffineExpr isNew = isAxis(context, **axes, dim), size = one;
    // The source's dimension is the number of dimensions before that are not new.
    for (auto [i, own] : llvm::enumerate(from)) {
      AffineExpr isHere = symbols.derive(Function::Equal, {taken, context.constantExpr(i)});
      size = symbols.derive(Function::Select, {isHere, own, size});
    }
    sizes.push_back(symbols.derive(Function::Select, {isNew, one, size}));
    taken = simplifyAffineExpr(taken + 1 - isNew, 0, symbols.size());
  }
  context.setResult(0, context.elementType(0), sizes);
  return success();
}

} // namespace

void registerReshape(Registry &registry) {
  registry.add({"", "Reshape", 1, inferReshape, expandReshape, 2, /*takesText=*/true});
  registry.add({"", "Flatten", 1, inferFlatten, expandReshape, 1, /*takesText=*/true});
  registry.add({"", "Squeeze", 1, inferSqueeze, expandSqueeze, 1, /*takesText=*/true});
  registry.add({"", "Unsqueeze", 1, inferUnsqueeze, expandUnsqueeze, 1, /*takesText=*/true});
  registry.add({"", "Unsqueeze", 13, inferUnsqueeze, expandUnsqueeze, 2, /*takesText=*/true});
}

} // namespace longtail::operators
