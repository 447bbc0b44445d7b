// Pad.
#include "compiler/Operators/Scalar.h"
#include "compiler/Operators/Shape.h"

using namespace mlir;

namespace longtail::operators {
namespace {

using Exprs = SmallVector<AffineExpr>;

/// What is added before and after each dimension; negative numbers remove.
struct Pads {
  Exprs before, after;
};

FailureOr<Pads> padsOf(InferContext &context) {
  int64_t rank = context.rank(0);
  StringRef name = context.version() < 2 ? "paddings" : "pads";
  FailureOr<std::optional<Exprs>> values =
      intsOf(context, name, context.version() >= 11 ? 1 : ~0u, -kMaxSize, kMaxSize);
  if (failed(values))
    return failure();
  if (!*values)
    return context.error() << "the pads are missing";
  FailureOr<std::optional<Exprs>> axes =
      axesOf(context, "axes", context.version() >= 18 ? 3 : ~0u, rank);
  if (failed(axes))
    return failure();
  if (!*axes) {
    axes = std::optional(Exprs());
    for (int64_t dim = 0; dim < rank; ++dim)
      (*axes)->push_back(context.constantExpr(dim));
  }
  size_t count = (*axes)->size();
  if ((*values)->size() != 2 * count)
    return context.error() << "there are " << (*values)->size() << " pads for " << count
                           << " dimensions";
  Pads pads;
  AffineExpr zero = context.constantExpr(0);
  for (int64_t dim = 0; dim < rank; ++dim) {
    ArrayRef<AffineExpr> all(**values);
    pads.before.push_back(valueAt(context, **axes, all.take_front(count), dim, zero));
    pads.after.push_back(valueAt(context, **axes, all.drop_front(count), dim, zero));
  }
  return pads;
}

LogicalResult inferPad(InferContext &context) {
  StringRef mode = context.getString("mode", "constant");
  if (mode != "constant" && mode != "edge" && mode != "reflect" && mode != "wrap")
    return context.error() << "attribute 'mode' is '" << mode
                           << "', expected 'constant', 'edge', 'reflect' or 'wrap'";
  if (context.version() >= 11 && context.hasInput(2) &&
      context.elementType(2) != context.elementType(0))
    return context.error() << "input 2 holds " << context.elementType(2) << ", the data "
                           << context.elementType(0);
  FailureOr<Pads> pads = padsOf(context);
  if (failed(pads))
    return failure();
  extent::SymbolTable &symbols = context.getSymbols();
  Exprs sizes = context.sizes(0);
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    AffineExpr before = pads->before[dim], after = pads->after[dim];
    AffineExpr padded = simplifyAffineExpr(size + before + after, 0, symbols.size());
    std::string where = "dimension " + std::to_string(dim) + " in node '" +
                        context.getNode().getNodeName().str() + "'";
    if (failed(symbols.requireAtMost(context.constantExpr(0), padded,
                                     "a pad removes more than " + where)))
      return context.error() << "dimension " << dim << " of size " << describe(size)
                             << " is padded by " << describe(before) << " and " << describe(after);
    if (mode != "constant" && padded != size && size == context.constantExpr(0) &&
        padded != context.constantExpr(0))
      return context.error() << "dimension " << dim << " is empty and has no elements to repeat";
    size = padded;
  }
  context.setResult(0, context.elementType(0), sizes);
  return success();
}

/// Pads with a constant: a read that has elements only inside.
LogicalResult expandConstantPad(ExpandContext &context, const Pads &pads) {
  RankedTensorType result = context.resultType(0);
  Exprs from = context.sizes(0), indices, valid, below;
  extent::SymbolTable &symbols = context.getSymbols();
  AffineExpr zero = context.constantExpr(0);
  for (auto [dim, size] : llvm::enumerate(from)) {
    indices.push_back(context.dim(dim) - pads.before[dim]);
    if (symbols.isProvably(extent::Function::LessEqual, pads.before[dim], zero) &&
        symbols.isProvably(extent::Function::LessEqual, pads.after[dim], zero))
      continue;
    valid.push_back(indices.back());
    below.push_back(size);
  }
  access::MapAttr map = context.access(from.size(), indices, valid, below);
  Type elementType = result.getElementType();
  bool byInput = context.version() >= 11 && context.hasInput(2);
  ElementsAttr constant = byInput ? context.constant(2) : ElementsAttr();
  if (!byInput || constant) {
    double value = context.version() < 11 ? context.getFloat("value", 0) : 0;
    TypedAttr fill = scalarAttr(elementType, value);
    if (auto ints = readInts(constant); ints && ints->size() == 1) // beyond a double's precision
      fill = IntegerAttr::get(
          access::computeType(elementType),
          APInt(64, ints->front()).sextOrTrunc(elementType.getIntOrFloatBitWidth()));
    else if (auto numbers = readNumbers(constant); numbers && numbers->size() == 1)
      fill = scalarAttr(elementType, numbers->front());
    context.setValue(0, context.read(context.input(0), map, extent::sizesOf(result), fill));
    return success();
  }
  // The value comes at run time: chosen by position where the read has no element.
  Value one = context.reshape(context.input(2), {});
  compute::Operand operands[] = {
      {context.input(0), map, map.isTotal() ? TypedAttr() : scalarAttr(elementType, 0)},
      {one, context.access(from.size(), {}), {}}};
  auto body = [&](OpBuilder &b, ValueRange x) {
    Scalar s(b, context.getLoc());
    Type index = b.getIndexType();
    auto size = [&](AffineExpr expr) {
      return s.make<extent::SizeOp>(index, extent::sizesMap(context.getContext(), expr));
    };
    Value value = x[0];
    for (auto [dim, bound] : llvm::enumerate(from)) {
      if (pads.before[dim] == zero && pads.after[dim] == zero)
        continue;
      Value position = s.sub(s.make<compute::IndexOp>(index, dim), size(pads.before[dim]));
      // As unsigned numbers, negative positions are large.
      Value inside = s.cmpI(arith::CmpIPredicate::ult, position, size(bound));
      value = s.select(inside, value, x[1]);
    }
    return SmallVector<Value>{value};
  };
  context.setValue(0,
                   compute::buildMap(context.getBuilder(), context.getLoc(), result, operands, body)
                       .getResult(0));
  return success();
}

/// Pads with the edge or a reflection: loads at positions that are folded back into the source.
/// Those of neighbours differ by at most 1 unless a pad reflects more than once.
LogicalResult expandFoldedPad(ExpandContext &context, const Pads &pads, bool reflect) {
  Exprs from = context.sizes(0);
  Value source = context.input(0);
  AffineExpr zero = context.constantExpr(0);
  Type element = access::computeType(context.elementType(0));
  auto body = [&](OpBuilder &b, ValueRange) {
    Scalar s(b, context.getLoc());
    Type index = b.getIndexType();
    auto size = [&](AffineExpr expr) {
      return s.make<extent::SizeOp>(index, extent::sizesMap(context.getContext(), expr));
    };
    auto load = [&](bool foldsTwice) -> Value {
      SmallVector<Value> indices;
      for (auto [dim, bound] : llvm::enumerate(from)) {
        Value position = s.make<compute::IndexOp>(index, dim);
        if (pads.before[dim] == zero && pads.after[dim] == zero) {
          indices.push_back(position);
          continue;
        }
        position = s.sub(position, size(pads.before[dim]));
        Value last = size(bound - 1);
        if (reflect) {
          // A zigzag of period 2 * last; a single element repeats.
          if (foldsTwice) {
            Value period = s.maximum(s.add(last, last), s.index(1));
            Value rest = s.make<arith::RemSIOp>(position, period);
            position = s.select(s.cmpI(arith::CmpIPredicate::slt, rest, s.index(0)),
                                s.add(rest, period), rest);
          }
          position = s.make<math::AbsIOp>(position);
          position = s.sub(last, s.make<math::AbsIOp>(s.sub(last, position)));
        }
        indices.push_back(s.maximum(s.minimum(position, last), s.index(0)));
      }
      return s.make<access::LoadOp>(element, source, indices, /*checked=*/false);
    };
    // Whether some pad is larger than what it reflects.
    Value isLong;
    extent::SymbolTable &symbols = context.getSymbols();
    for (auto [dim, bound] : llvm::enumerate(from))
      for (AffineExpr pad : {pads.before[dim], pads.after[dim]})
        if (reflect && !symbols.isProvably(extent::Function::LessEqual, pad, bound - 1) &&
            !symbols.isProvably(extent::Function::LessEqual, pad, zero)) {
          Value exceeds = s.cmpI(arith::CmpIPredicate::sge, size(pad), size(bound));
          isLong = isLong ? s.make<arith::OrIOp>(isLong, exceeds) : exceeds;
        }
    if (!isLong)
      return SmallVector<Value>{load(false)};
    auto branch = scf::IfOp::create(b, context.getLoc(), element, isLong, /*withElseRegion=*/true);
    for (bool foldsTwice : {true, false}) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(foldsTwice ? branch.thenBlock() : branch.elseBlock());
      scf::YieldOp::create(b, context.getLoc(), load(foldsTwice));
    }
    return SmallVector<Value>{branch.getResult(0)};
  };
  context.setValue(
      0, compute::buildMap(context.getBuilder(), context.getLoc(), context.resultType(0), {}, body)
             .getResult(0));
  return success();
}

LogicalResult expandPad(ExpandContext &context) {
  FailureOr<Pads> pads = padsOf(context);
  if (failed(pads))
    return failure();
  StringRef mode = context.getString("mode", "constant");
  if (mode == "constant")
    return expandConstantPad(context, *pads);
  if (mode != "wrap")
    return expandFoldedPad(context, *pads, mode == "reflect");
  Exprs from = context.sizes(0), indices;
  for (auto [dim, size] : llvm::enumerate(from)) {
    AffineExpr position = context.dim(dim) - pads->before[dim];
    bool isPlain =
        pads->before[dim] == context.constantExpr(0) && pads->after[dim] == context.constantExpr(0);
    indices.push_back(isPlain || size == context.constantExpr(0) ? position : position % size);
  }
  context.setValue(0, context.read(context.input(0), context.access(indices.size(), indices),
                                   extent::sizesOf(context.resultType(0))));
  return success();
}

} // namespace

void registerPad(Registry &registry) {
  registry.add({"", "Pad", 1, inferPad, expandPad, 1, /*takesText=*/true});
  registry.add({"", "Pad", 11, inferPad, expandPad, 2, /*takesText=*/true});
}

} // namespace longtail::operators
