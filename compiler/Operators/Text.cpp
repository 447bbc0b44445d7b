#include "compiler/Operators/Text.h"

using namespace mlir;

namespace longtail::operators {

using compute::TextFunction;

Value TextBuilder::text(TextFunction function, ValueRange operands) const {
  return make<compute::TextOp>(builder().getI64Type(), function, operands);
}

bool isText(Type elementType) { return isa<graph::StringType>(elementType); }

Type textType(const InferContext &ctx) { return graph::StringType::get(ctx.getContext()); }

static Value constantOfStrings(ExpandContext &ctx, ArrayRef<int64_t> shape,
                               ArrayRef<StringRef> strings) {
  auto type = RankedTensorType::get(shape, textType(ctx));
  return graph::ConstantOp::create(ctx.getBuilder(), ctx.getLoc(), type,
                                   DenseStringElementsAttr::get(type, strings), StringAttr());
}

Value textConstant(ExpandContext &ctx, StringRef string) {
  return constantOfStrings(ctx, {}, string);
}

Value textConstants(ExpandContext &ctx, ArrayRef<StringRef> strings) {
  return constantOfStrings(ctx, int64_t(strings.size()), strings);
}

Value mapText(ExpandContext &ctx, RankedTensorType result, ArrayRef<Value> operands,
              function_ref<Value(const TextBuilder &, ArrayRef<Value>)> body) {
  SmallVector<AffineExpr> sizes = extent::sizesOf(result);
  SmallVector<Value> sources;
  for (Value operand : operands) {
    SmallVector<AffineExpr> own = extent::sizesOf(operand);
    sources.push_back(own == sizes ? operand
                                   : ctx.read(operand, ctx.broadcastAccess(own, sizes), sizes));
  }
  return buildGrid(ctx, result, sizes,
                   [&](const GridBuilder &grid, ValueRange points, ValueRange places) {
                     TextBuilder b(grid);
                     SmallVector<Value> elements;
                     for (Value source : sources)
                       elements.push_back(b.load(source, points));
                     b.store(body(b, elements), places[0], points);
                   })
      .front();
}

//===-- Cast, Equal ---------------------------------------------------------------------------===//

/// A number of `type` as a new string: as NumPy writes it.
static Value formatNumber(const TextBuilder &b, Value element, Type type) {
  Type i64 = b.builder().getI64Type();
  if (auto integer = dyn_cast<IntegerType>(type)) {
    if (integer.getWidth() < 64)
      element = integer.isUnsigned() ? b.make<arith::ExtUIOp>(i64, element)
                                     : b.make<arith::ExtSIOp>(i64, element);
    return b.text(TextFunction::FromInt, {element, b.number64(integer.isUnsigned())});
  }
  // lt_text_float; the types of 8 bits and less are written as the f64 that they are.
  int64_t kind = type.isF32() ? 1 : type.isF16() ? 2 : type.isBF16() ? 3 : 0;
  Value wide = type.isF64() ? element : b.convert(element, type, b.builder().getF64Type());
  return b.text(TextFunction::FromFloat, {b.make<arith::BitcastOp>(i64, wide), b.number64(kind)});
}

static Value parseNumber(const TextBuilder &b, Value string, Type type) {
  Type f64 = b.builder().getF64Type();
  if (type.isInteger(1))
    return b.isTrue(b.text(TextFunction::ToBool, string));
  if (auto integer = dyn_cast<IntegerType>(type)) {
    Value value = b.text(TextFunction::ToInt, {string, b.number64(integer.getWidth()),
                                               b.number64(integer.isUnsigned())});
    return integer.getWidth() == 64 ? value
                                    : b.make<arith::TruncIOp>(access::computeType(type), value);
  }
  Value wide = b.make<arith::BitcastOp>(f64, b.text(TextFunction::ToFloat, string));
  return type.isF64() ? wide : b.convert(wide, f64, type);
}

Value castText(ExpandContext &ctx, Value source, Type to) {
  auto type = cast<RankedTensorType>(source.getType());
  Type from = type.getElementType();
  if (from == to)
    return source;
  RankedTensorType result = extent::tensorType(extent::sizesOf(type), to);
  if (from.isInteger(1)) { // one of two constants: movement, no new strings
    Value names = textConstants(ctx, {"False", "True"});
    access::MapAttr here = access::MapAttr::getIdentity(ctx.getContext(), type.getRank());
    return mapThrough(ctx, result, compute::Operand{source, here, {}},
                      [&](const RegionBuilder &b, ArrayRef<Value> v) {
                        Value which = b.select(v[0], b.index(1), b.index(0));
                        return b.make<access::LoadOp>(access::computeType(to), names,
                                                      ValueRange(which), /*checked=*/false);
                      });
  }
  return mapText(ctx, result, source, [&](const TextBuilder &b, ArrayRef<Value> x) {
    return isText(to) ? formatNumber(b, x[0], from) : parseNumber(b, x[0], to);
  });
}

Value equalText(ExpandContext &ctx, RankedTensorType result, Value a, Value b) {
  return mapText(ctx, result, {a, b}, [](const TextBuilder &inside, ArrayRef<Value> x) {
    return inside.isTrue(inside.text(TextFunction::Equal, x));
  });
}

//===-- Attributes ----------------------------------------------------------------------------===//

std::optional<SmallVector<StringRef>> stringsOf(const InferContext &ctx, StringRef name) {
  auto array = dyn_cast_or_null<ArrayAttr>(ctx.attribute(name));
  if (!array)
    return std::nullopt;
  SmallVector<StringRef> strings;
  for (Attribute entry : array) {
    auto string = dyn_cast<StringAttr>(entry);
    if (!string)
      return std::nullopt;
    strings.push_back(string.getValue());
  }
  return strings;
}

LogicalResult requireText(InferContext &ctx, unsigned input, StringRef name) {
  if (isText(ctx.elementType(input)))
    return success();
  return ctx.error() << "input " << input << " (" << name << ") has elements of "
                     << ctx.elementType(input) << ", expected strings";
}

} // namespace longtail::operators
