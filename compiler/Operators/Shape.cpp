#include "compiler/Operators/Shape.h"

using namespace mlir;

namespace longtail::operators {

using extent::Function;
using Exprs = SmallVector<AffineExpr>;

FailureOr<std::optional<Exprs>> intsOf(InferContext &context, StringRef name, unsigned input,
                                       int64_t min, int64_t max) {
  if (std::optional<SmallVector<int64_t>> values = context.getInts(name))
    return std::optional(
        llvm::map_to_vector(*values, [&](int64_t value) { return context.constantExpr(value); }));
  if (!context.hasInput(input))
    return std::optional<Exprs>();
  FailureOr<Exprs> elements = context.contentsOrBind(input, min, max);
  if (failed(elements))
    return failure();
  return std::optional(*elements);
}

FailureOr<std::optional<Exprs>> axesOf(InferContext &context, StringRef name, unsigned input,
                                       int64_t rank) {
  FailureOr<std::optional<Exprs>> axes = intsOf(context, name, input, -rank, rank - 1);
  if (failed(axes) || !*axes)
    return axes;
  extent::SymbolTable &symbols = context.getSymbols();
  for (AffineExpr &axis : **axes) {
    if (auto constant = dyn_cast<AffineConstantExpr>(axis)) {
      FailureOr<int64_t> normal = context.normalizeAxis(constant.getValue(), rank);
      if (failed(normal))
        return failure();
      axis = context.constantExpr(*normal);
    } else {
      AffineExpr isNegative = symbols.derive(Function::Less, {axis, context.constantExpr(0)});
      axis = symbols.derive(Function::Select, {isNegative, axis + rank, axis});
    }
  }
  for (auto [i, axis] : llvm::enumerate(**axes))
    if (isa<AffineConstantExpr>(axis) && llvm::is_contained(ArrayRef(**axes).take_front(i), axis))
      return context.error() << "axis " << describe(axis) << " is given twice";
  return axes;
}

AffineExpr isAxis(InferContext &context, ArrayRef<AffineExpr> axes, int64_t dim) {
  extent::SymbolTable &symbols = context.getSymbols();
  AffineExpr result = context.constantExpr(0);
  for (AffineExpr axis : axes) {
    AffineExpr equal = symbols.derive(Function::Equal, {axis, context.constantExpr(dim)});
    result = symbols.derive(Function::Or, {result, equal});
  }
  return result;
}

AffineExpr valueAt(InferContext &context, ArrayRef<AffineExpr> axes, ArrayRef<AffineExpr> values,
                   int64_t dim, AffineExpr otherwise) {
  extent::SymbolTable &symbols = context.getSymbols();
  AffineExpr result = otherwise;
  for (auto [axis, value] : llvm::zip(axes, values)) {
    AffineExpr equal = symbols.derive(Function::Equal, {axis, context.constantExpr(dim)});
    result = symbols.derive(Function::Select, {equal, value, result});
  }
  return result;
}

FailureOr<AffineExpr> integerOf(InferContext &context, unsigned input, StringRef name, int64_t min,
                                int64_t max) {
  RankedTensorType type = context.inputType(input);
  if (!isa<IntegerType>(type.getElementType()))
    return context.error() << "input '" << name << "' has elements of type "
                           << type.getElementType() << ", expected integers";
  if (auto known = context.contents(input); known && known->size() == 1)
    return known->front();
  for (AffineExpr size : context.sizes(input))
    if (failed(context.getSymbols().requireEqual(size, context.constantExpr(1),
                                                 ("input '" + name + "' of node '" +
                                                  context.getNode().getNodeName() +
                                                  "' does not hold one number")
                                                     .str())))
      return context.error() << "input '" << name << "' holds " << describe(size)
                             << " numbers, expected one";
  OpBuilder builder(context.getNode());
  return context.getSymbols().bind(builder, context.getLoc(), context.inputValue(input), 0, min,
                                   max);
}

AffineExpr bindNumber(InferContext &context, Value value, int64_t min, int64_t max) {
  OpBuilder builder(context.getNode());
  auto type = cast<RankedTensorType>(value.getType());
  if (!type.getElementType().isInteger(64))
    value = addNode(builder, context.getLoc(), "Cast", value, type.clone(builder.getI64Type()),
                    builder.getNamedAttr("to", builder.getI64IntegerAttr(7)));
  return context.getSymbols().bind(builder, context.getLoc(), value, 0, min, max);
}

SliceRange sliceRange(InferContext &context, AffineExpr size, AffineExpr start, AffineExpr end,
                      AffineExpr step) {
  extent::SymbolTable &symbols = context.getSymbols();
  AffineExpr zero = context.constantExpr(0), one = context.constantExpr(1);
  // A position counted from either end, then held within [low, high]. Constants that can only mean
  // "to the end" are the bounds themselves, which the runtime checks.
  constexpr int64_t toTheEnd = 100000000;
  auto place = [&](AffineExpr position, AffineExpr low, AffineExpr high) {
    if (auto constant = dyn_cast<AffineConstantExpr>(position)) {
      int64_t value = constant.getValue();
      bool isBound = std::abs(value) >= toTheEnd && !isa<AffineConstantExpr>(size);
      if (isBound && (std::abs(value) >= kMaxSize ||
                      succeeded(symbols.requireAtMost(size, context.constantExpr(std::abs(value)),
                                                      "a slice bound is below the size"))))
        return value > 0 ? high : low;
    }
    AffineExpr isNegative = symbols.derive(Function::Less, {position, zero});
    AffineExpr counted = symbols.derive(Function::Select, {isNegative, position + size, position});
    counted = simplifyAffineExpr(counted, 0, symbols.size());
    return counted == high ? high : symbols.max(symbols.min(counted, high), low);
  };
  auto forward = [&] {
    AffineExpr from = place(start, zero, size), to = place(end, zero, size);
    return std::pair(from, to);
  };
  auto backward = [&] {
    AffineExpr last = size - 1; // -1 where there are no elements, below the lowest start
    return std::pair(symbols.min(place(start, zero, last), last),
                     place(end, context.constantExpr(-1), last));
  };
  if (auto constant = dyn_cast<AffineConstantExpr>(step)) {
    int64_t by = constant.getValue();
    auto [from, to] = by > 0 ? forward() : backward();
    AffineExpr distance = simplifyAffineExpr(by > 0 ? to - from : from - to, 0, symbols.size());
    AffineExpr count = std::abs(by) == 1 ? distance : distance.ceilDiv(std::abs(by));
    return {from, step, symbols.max(simplifyAffineExpr(count, 0, symbols.size()), zero)};
  }
  AffineExpr isForward = symbols.derive(Function::LessEqual, {one, step});
  auto [from, to] = forward();
  auto [backFrom, backTo] = backward();
  from = symbols.derive(Function::Select, {isForward, from, backFrom});
  to = symbols.derive(Function::Select, {isForward, to, backTo});
  AffineExpr count = -symbols.derive(Function::FloorDiv, {from - to, step});
  return {from, step, symbols.max(count, zero)};
}

void registerShape(Registry &registry) {
  registerSources(registry);
  registerReshape(registry);
  registerPermute(registry);
  registerSlice(registry);
  registerPad(registry);
  registerTile(registry);
}

} // namespace longtail::operators
