#include "compiler/Operators/Elements.h"
#include "dialects/Access/IR/Access.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <cstring>

using namespace mlir;

namespace longtail::operators {

/// The tensor that a Constant node's attribute stands for, or null.
static ElementsAttr elementsOfConstantNode(graph::NodeOp node) {
  if (auto value = node.getModelAttr<ElementsAttr>("value"))
    return value;
  Builder builder(node.getContext());
  auto tensor = [](ArrayRef<int64_t> shape, Type type) {
    return RankedTensorType::get(shape, type);
  };
  if (auto value = node.getModelAttr<FloatAttr>("value_float"))
    return DenseElementsAttr::get(tensor({}, builder.getF32Type()), Attribute(value));
  if (auto value = node.getModelAttr<IntegerAttr>("value_int"))
    return DenseElementsAttr::get(tensor({}, builder.getI64Type()), value.getInt());
  if (auto values = node.getModelAttr<DenseF32ArrayAttr>("value_floats"))
    return DenseElementsAttr::get(tensor({values.size()}, builder.getF32Type()),
                                  values.asArrayRef());
  if (auto values = node.getModelAttr<DenseI64ArrayAttr>("value_ints"))
    return DenseElementsAttr::get(tensor({values.size()}, builder.getI64Type()),
                                  values.asArrayRef());
  return nullptr;
}

ElementsAttr constantOf(Value value) {
  ElementsAttr elements;
  while (value && !elements) {
    if (auto constant = value.getDefiningOp<graph::ConstantOp>()) {
      elements = constant.getValue();
      break;
    }
    auto node = value.getDefiningOp<graph::NodeOp>();
    if (!node)
      return nullptr;
    if (node.isOp("Constant"))
      elements = elementsOfConstantNode(node);
    if (!node.isOp("Identity") || node.getInputs().size() != 1)
      break;
    value = node.getInputs().front();
  }
  return elements && elements.getElementType().isIntOrFloat() ? elements : nullptr;
}

/// Calls `read(bits)` for each element of a resource blob; false where its size is not right.
template <typename Read>
static bool forEachBlobElement(DenseResourceElementsAttr elements, Read read) {
  AsmResourceBlob *blob = elements.getRawHandle().getBlob();
  if (!blob)
    return false;
  ArrayRef<char> bytes = blob->getData();
  int64_t count = elements.getType().getNumElements();
  unsigned width = elements.getElementType().getIntOrFloatBitWidth();
  if (static_cast<int64_t>(bytes.size()) * 8 < count * width)
    return false;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t bits = 0;
    if (width >= 8) {
      std::memcpy(&bits, bytes.data() + i * (width / 8), width / 8);
    } else { // packed from the low bits up
      int64_t offset = i * width;
      bits = (static_cast<uint8_t>(bytes[offset / 8]) >> (offset % 8)) & ((1u << width) - 1);
    }
    read(APInt(width, bits));
  }
  return true;
}

/// Bools are 0 and 1 although i1 is signless.
static int64_t toInt(const APInt &bits, IntegerType type) {
  bool isSigned = !type.isUnsigned() && type.getWidth() > 1;
  return isSigned ? bits.getSExtValue() : static_cast<int64_t>(bits.getZExtValue());
}

std::optional<SmallVector<int64_t>> readInts(ElementsAttr elements) {
  auto type = elements ? dyn_cast<IntegerType>(elements.getElementType()) : IntegerType();
  if (!type || type.getWidth() > 64)
    return std::nullopt;
  SmallVector<int64_t> values;
  auto add = [&](const APInt &bits) { values.push_back(toInt(bits, type)); };
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
    if (!forEachBlobElement(resource, add))
      return std::nullopt;
    return values;
  }
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  if (!dense)
    return std::nullopt;
  for (const APInt &bits : dense.getValues<APInt>())
    add(bits);
  return values;
}

static double toDouble(APFloat value) {
  bool losesInfo;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  return value.convertToDouble();
}

std::optional<SmallVector<double>> readNumbers(ElementsAttr elements) {
  if (!elements)
    return std::nullopt;
  SmallVector<double> values;
  if (isa<IntegerType>(elements.getElementType())) {
    std::optional<SmallVector<int64_t>> ints = readInts(elements);
    if (!ints)
      return std::nullopt;
    bool isUnsigned64 = elements.getElementType().isUnsignedInteger(64);
    for (int64_t value : *ints)
      values.push_back(isUnsigned64 ? static_cast<double>(static_cast<uint64_t>(value)) : value);
    return values;
  }
  auto type = dyn_cast<FloatType>(elements.getElementType());
  if (!type)
    return std::nullopt;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
    auto add = [&](const APInt &bits) {
      values.push_back(toDouble(APFloat(type.getFloatSemantics(), bits)));
    };
    if (!forEachBlobElement(resource, add))
      return std::nullopt;
    return values;
  }
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  if (!dense)
    return std::nullopt;
  for (const APFloat &value : dense.getValues<APFloat>())
    values.push_back(toDouble(value));
  return values;
}

DenseElementsAttr denseInts(RankedTensorType type, ArrayRef<int64_t> values) {
  unsigned width = type.getElementTypeBitWidth();
  SmallVector<APInt> bits;
  for (int64_t value : values)
    bits.push_back(APInt(64, value).sextOrTrunc(width));
  return DenseElementsAttr::get(type, bits);
}

static APFloat roundTo(FloatType type, double value) {
  APFloat result(value);
  bool losesInfo;
  result.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
  return result;
}

DenseElementsAttr denseNumbers(RankedTensorType type, ArrayRef<double> values) {
  SmallVector<APFloat> rounded;
  for (double value : values)
    rounded.push_back(roundTo(cast<FloatType>(type.getElementType()), value));
  return DenseElementsAttr::get(type, rounded);
}

TypedAttr scalarAttr(Type elementType, double value) {
  Type type = access::computeType(elementType);
  if (auto floating = dyn_cast<FloatType>(type))
    return FloatAttr::get(type, roundTo(floating, value));
  unsigned width = cast<IntegerType>(type).getWidth();
  return IntegerAttr::get(type, APInt(64, static_cast<int64_t>(value)).sextOrTrunc(width));
}

Value addNode(OpBuilder &builder, Location loc, StringRef op, ValueRange inputs, Type type,
              ArrayRef<NamedAttribute> attributes) {
  auto node = graph::NodeOp::create(
      builder, loc, TypeRange(type), builder.getStringAttr(op),
      /*domain=*/builder.getStringAttr(""), builder.getI64IntegerAttr(13),
      /*node_name=*/builder.getStringAttr(""), inputs, builder.getStrArrayAttr({op}),
      builder.getDictionaryAttr(attributes),
      /*declared_types=*/ArrayAttr(), builder.getArrayAttr({}), builder.getArrayAttr({}),
      /*arg_declared_types=*/ArrayAttr(), /*bodiesCount=*/0);
  return node->getResult(0);
}

Type elementTypeOf(MLIRContext *context, int64_t dataType) {
  Builder builder(context);
  auto unsignedType = [&](unsigned width) {
    return IntegerType::get(context, width, IntegerType::Unsigned);
  };
  switch (dataType) {
  case 1:
    return builder.getF32Type();
  case 2:
    return unsignedType(8);
  case 3:
    return builder.getI8Type();
  case 4:
    return unsignedType(16);
  case 5:
    return builder.getI16Type();
  case 6:
    return builder.getI32Type();
  case 7:
    return builder.getI64Type();
  case 8:
    return graph::StringType::get(context);
  case 9:
    return builder.getI1Type();
  case 10:
    return builder.getF16Type();
  case 11:
    return builder.getF64Type();
  case 12:
    return unsignedType(32);
  case 13:
    return unsignedType(64);
  case 16:
    return builder.getBF16Type();
  case 17:
    return Float8E4M3FNType::get(context);
  case 18:
    return Float8E4M3FNUZType::get(context);
  case 19:
    return Float8E5M2Type::get(context);
  case 20:
    return Float8E5M2FNUZType::get(context);
  case 21:
    return unsignedType(4);
  case 22:
    return builder.getIntegerType(4);
  case 23:
    return Float4E2M1FNType::get(context);
  case 24:
    return Float8E8M0FNUType::get(context);
  case 25:
    return unsignedType(2);
  case 26:
    return builder.getIntegerType(2);
  default:
    return nullptr;
  }
}

int64_t elementTypeNumber(Type type) {
  constexpr int64_t kNewest = 26;
  int64_t number = 1;
  while (number < kNewest && elementTypeOf(type.getContext(), number) != type)
    ++number;
  return number;
}

} // namespace longtail::operators
