#include "compiler/Import/Onnx/Types.h"
#include "dialects/Graph/IR/Graph.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace longtail::onnx;
namespace graph = longtail::graph;

/// Nobody means more dimensions.
static constexpr int kMaxRank = 64;
/// Of sequences, maps and optionals within each other.
static constexpr unsigned kMaxTypeDepth = 16;

// By number: an older schema lacks the names of the newer types.
static constexpr ElementKind kElementKinds[] = {
    {1, "float", 32, DataField::Float},         {2, "uint8", 8, DataField::Int32},
    {3, "int8", 8, DataField::Int32},           {4, "uint16", 16, DataField::Int32},
    {5, "int16", 16, DataField::Int32},         {6, "int32", 32, DataField::Int32},
    {7, "int64", 64, DataField::Int64},         {8, "string", 0, DataField::String},
    {9, "bool", 8, DataField::Int32},           {10, "float16", 16, DataField::Int32},
    {11, "double", 64, DataField::Double},      {12, "uint32", 32, DataField::UInt64},
    {13, "uint64", 64, DataField::UInt64},      {14, "complex64", 64, DataField::Float},
    {15, "complex128", 128, DataField::Double}, {16, "bfloat16", 16, DataField::Int32},
    {17, "float8e4m3fn", 8, DataField::Int32},  {18, "float8e4m3fnuz", 8, DataField::Int32},
    {19, "float8e5m2", 8, DataField::Int32},    {20, "float8e5m2fnuz", 8, DataField::Int32},
    {21, "uint4", 4, DataField::Int32},         {22, "int4", 4, DataField::Int32},
    {23, "float4e2m1", 4, DataField::Int32},    {24, "float8e8m0", 8, DataField::Int32},
    {25, "uint2", 2, DataField::Int32},         {26, "int2", 2, DataField::Int32},
    {27, "float6e2m3", 6, DataField::Int32},    {28, "float6e3m2", 6, DataField::Int32},
};

const ElementKind *longtail::onnx::getElementKind(int code) {
  for (const ElementKind &kind : kElementKinds)
    if (kind.code == code)
      return &kind;
  return nullptr;
}

Type longtail::onnx::getElementType(const ElementKind &kind, MLIRContext *context) {
  auto unsignedType = [&](unsigned bits) {
    return IntegerType::get(context, bits, IntegerType::Unsigned);
  };
  switch (kind.code) {
  case 1:
    return Float32Type::get(context);
  case 3:
  case 5:
  case 6:
  case 7:
  case 22:
  case 26:
    return IntegerType::get(context, kind.bits);
  case 2:
  case 4:
  case 12:
  case 13:
  case 21:
  case 25:
    return unsignedType(kind.bits);
  case 8:
    return graph::StringType::get(context);
  case 9:
    return IntegerType::get(context, 1);
  case 10:
    return Float16Type::get(context);
  case 11:
    return Float64Type::get(context);
  case 14:
    return ComplexType::get(Float32Type::get(context));
  case 15:
    return ComplexType::get(Float64Type::get(context));
  case 16:
    return BFloat16Type::get(context);
  case 17:
    return Float8E4M3FNType::get(context);
  case 18:
    return Float8E4M3FNUZType::get(context);
  case 19:
    return Float8E5M2Type::get(context);
  case 20:
    return Float8E5M2FNUZType::get(context);
  case 23:
    return Float4E2M1FNType::get(context);
  case 24:
    return Float8E8M0FNUType::get(context);
  case 27:
    return Float6E2M3FNType::get(context);
  case 28:
    return Float6E3M2FNType::get(context);
  default:
    llvm_unreachable("every element kind has a type");
  }
}

llvm::Expected<int64_t> longtail::onnx::countElements(ArrayRef<int64_t> dims, unsigned bits) {
  if (dims.size() > kMaxRank)
    return llvm::createStringError("has " + llvm::Twine(dims.size()) + " dimensions");
  int64_t count = 1, product = std::max(bits, 1u);
  for (auto [index, size] : llvm::enumerate(dims)) {
    if (size < 0)
      return llvm::createStringError("has size " + llvm::Twine(size) + " in dimension " +
                                     llvm::Twine(index));
    // Sizes of 0 must not hide an overflow of the others.
    if (llvm::MulOverflow(product, std::max<int64_t>(size, 1), product))
      return llvm::createStringError("has more elements than can be counted");
    count *= size;
  }
  return count;
}

static llvm::Expected<Type> convertTensor(int code, const ::onnx::TensorShapeProto *shape,
                                          MLIRContext *context,
                                          SmallVectorImpl<StringRef> *dimNames) {
  const ElementKind *kind = getElementKind(code);
  if (!kind)
    return llvm::createStringError("has element type " + llvm::Twine(code) +
                                   ", which is not one of ONNX's");
  Type element = getElementType(*kind, context);
  if (!shape)
    return UnrankedTensorType::get(element);
  SmallVector<int64_t> dims, known;
  for (const ::onnx::TensorShapeProto::Dimension &dim : shape->dim()) {
    // Some exporters write -1 for a size that they do not know.
    bool isKnown = dim.has_dim_value() && dim.dim_value() != -1;
    dims.push_back(isKnown ? dim.dim_value() : ShapedType::kDynamic);
    known.push_back(isKnown ? dim.dim_value() : 1);
    if (dimNames)
      dimNames->push_back(dim.has_dim_param() ? StringRef(dim.dim_param()) : StringRef());
  }
  if (llvm::Expected<int64_t> count = countElements(known, kind->bits); !count)
    return count.takeError();
  return RankedTensorType::get(dims, element);
}

static llvm::Expected<Type> convert(const ::onnx::TypeProto &type, MLIRContext *context,
                                    SmallVectorImpl<StringRef> *dimNames, unsigned depth) {
  if (depth > kMaxTypeDepth)
    return llvm::createStringError("has a type that is nested too deep");
  if (type.has_tensor_type())
    return convertTensor(type.tensor_type().elem_type(),
                         type.tensor_type().has_shape() ? &type.tensor_type().shape() : nullptr,
                         context, dimNames);
  if (type.has_sequence_type()) {
    auto element = convert(type.sequence_type().elem_type(), context, nullptr, depth + 1);
    if (!element)
      return element;
    return graph::SequenceType::get(context, *element);
  }
  if (type.has_optional_type()) {
    auto element = convert(type.optional_type().elem_type(), context, nullptr, depth + 1);
    if (!element)
      return element;
    return graph::OptionalType::get(context, *element);
  }
  if (type.has_map_type()) {
    const ElementKind *kind = getElementKind(type.map_type().key_type());
    Type key = kind ? getElementType(*kind, context) : Type();
    if (!isa_and_nonnull<IntegerType, graph::StringType>(key))
      return llvm::createStringError("is a map with keys that are no integers or strings");
    auto value = convert(type.map_type().value_type(), context, nullptr, depth + 1);
    if (!value)
      return value;
    return graph::MapType::get(context, key, *value);
  }
  if (type.has_sparse_tensor_type())
    return llvm::createStringError("is a sparse tensor, which is supported as a constant only");
  return llvm::createStringError("has no type, or an opaque one");
}

llvm::Expected<Type> longtail::onnx::convertType(const ::onnx::TypeProto &type,
                                                 MLIRContext *context,
                                                 SmallVectorImpl<StringRef> *dimNames) {
  return convert(type, context, dimNames, 0);
}
