// Attributes of nodes.
#include "compiler/Import/Onnx/ModelBuilder.h"

using namespace mlir;
using namespace longtail::onnx;
using llvm::createStringError;
using ::onnx::AttributeProto;

/// The types whose fields `attribute` has set, as bits numbered by AttributeProto.AttributeType.
static unsigned getUsedTypes(const AttributeProto &attribute) {
  auto bit = [](bool isUsed, AttributeProto::AttributeType type) {
    return isUsed ? 1u << type : 0u;
  };
  return bit(attribute.has_f(), AttributeProto::FLOAT) |
         bit(attribute.has_i(), AttributeProto::INT) |
         bit(attribute.has_s(), AttributeProto::STRING) |
         bit(attribute.has_t(), AttributeProto::TENSOR) |
         bit(attribute.has_g(), AttributeProto::GRAPH) |
         bit(attribute.has_sparse_tensor(), AttributeProto::SPARSE_TENSOR) |
         bit(attribute.has_tp(), AttributeProto::TYPE_PROTO) |
         bit(attribute.floats_size(), AttributeProto::FLOATS) |
         bit(attribute.ints_size(), AttributeProto::INTS) |
         bit(attribute.strings_size(), AttributeProto::STRINGS) |
         bit(attribute.tensors_size(), AttributeProto::TENSORS) |
         bit(attribute.graphs_size(), AttributeProto::GRAPHS) |
         bit(attribute.sparse_tensors_size(), AttributeProto::SPARSE_TENSORS) |
         bit(attribute.type_protos_size(), AttributeProto::TYPE_PROTOS);
}

/// The attribute's type, which the oldest models leave to its fields.
static llvm::Expected<AttributeProto::AttributeType> getType(const AttributeProto &attribute) {
  unsigned used = getUsedTypes(attribute);
  AttributeProto::AttributeType type = attribute.type();
  if (type == AttributeProto::UNDEFINED) {
    if (!llvm::isPowerOf2_32(used))
      return createStringError(used ? "has several values and no type" : "has no value");
    return static_cast<AttributeProto::AttributeType>(llvm::Log2_32(used));
  }
  if (used & ~(1u << type))
    return createStringError("has a value of another type than its own, " +
                             llvm::Twine(AttributeProto::AttributeType_Name(type)));
  // A number or string that is left out is 0 or empty; these have no such meaning.
  bool needsValue = type == AttributeProto::TENSOR || type == AttributeProto::GRAPH ||
                    type == AttributeProto::SPARSE_TENSOR || type == AttributeProto::TYPE_PROTO;
  if (needsValue && !used)
    return createStringError("has no value");
  return type;
}

llvm::Expected<Attribute> ModelBuilder::convertAttribute(const AttributeProto &attribute,
                                                         llvm::StringRef tensorName) {
  auto type = getType(attribute);
  if (!type)
    return type.takeError();
  SmallVector<Attribute> array;
  switch (*type) {
  case AttributeProto::FLOAT:
    return builder.getF32FloatAttr(attribute.f());
  case AttributeProto::INT:
    return builder.getI64IntegerAttr(attribute.i());
  case AttributeProto::STRING:
    return builder.getStringAttr(attribute.s());
  case AttributeProto::TENSOR:
    return tensors.read(attribute.t(), tensorName);
  case AttributeProto::SPARSE_TENSOR:
    return tensors.read(attribute.sparse_tensor(), tensorName);
  case AttributeProto::TYPE_PROTO: {
    llvm::Expected<Type> converted = convertType(attribute.tp(), builder.getContext());
    if (!converted)
      return converted.takeError();
    return TypeAttr::get(*converted);
  }
  case AttributeProto::FLOATS:
    return builder.getDenseF32ArrayAttr(
        {attribute.floats().data(), static_cast<size_t>(attribute.floats_size())});
  case AttributeProto::INTS: {
    SmallVector<int64_t> ints(attribute.ints().begin(), attribute.ints().end());
    return builder.getDenseI64ArrayAttr(ints);
  }
  case AttributeProto::STRINGS:
    for (const std::string &string : attribute.strings())
      array.push_back(builder.getStringAttr(string));
    return builder.getArrayAttr(array);
  case AttributeProto::TENSORS:
    for (const ::onnx::TensorProto &tensor : attribute.tensors()) {
      llvm::Expected<ElementsAttr> elements = tensors.read(tensor, tensorName);
      if (!elements)
        return elements.takeError();
      array.push_back(*elements);
    }
    return builder.getArrayAttr(array);
  case AttributeProto::SPARSE_TENSORS:
    for (const ::onnx::SparseTensorProto &tensor : attribute.sparse_tensors()) {
      llvm::Expected<ElementsAttr> elements = tensors.read(tensor, tensorName);
      if (!elements)
        return elements.takeError();
      array.push_back(*elements);
    }
    return builder.getArrayAttr(array);
  case AttributeProto::TYPE_PROTOS:
    for (const ::onnx::TypeProto &entry : attribute.type_protos()) {
      llvm::Expected<Type> converted = convertType(entry, builder.getContext());
      if (!converted)
        return converted.takeError();
      array.push_back(TypeAttr::get(*converted));
    }
    return builder.getArrayAttr(array);
  case AttributeProto::GRAPH:
  case AttributeProto::GRAPHS:
  case AttributeProto::UNDEFINED:
    break;
  }
  return createStringError("has a type that ONNX does not define");
}

NodeAttributes ModelBuilder::readAttributes(const ::onnx::NodeProto &node, Location loc,
                                            const std::string &text, Scope &scope) {
  NodeAttributes result;
  llvm::StringSet<> names;
  for (const AttributeProto &written : node.attribute()) {
    std::string context = "attribute '" + written.name() + "' of " + text + " ";
    if (written.name().empty() || !names.insert(written.name()).second) {
      report.error(loc, context + (written.name().empty() ? "has no name" : "is given twice"));
      continue;
    }
    const AttributeProto *attribute = &written;
    Scope *origin = &scope;
    if (!written.ref_attr_name().empty()) {
      if (!scope.frame.function) {
        report.error(loc, context + "refers to an attribute outside of a function");
        continue;
      }
      auto argument = scope.frame.arguments.find(written.ref_attr_name());
      if (argument == scope.frame.arguments.end())
        continue; // The call leaves it out, so the node has its own default.
      attribute = argument->second.attribute;
      origin = argument->second.scope;
    }
    auto type = getType(*attribute);
    if (!type) {
      report.error(loc, context, type.takeError());
      continue;
    }
    if (*type == AttributeProto::GRAPH) {
      result.graphs.push_back({written.name(), &attribute->g(), origin});
      continue;
    }
    if (*type == AttributeProto::GRAPHS) {
      for (const ::onnx::GraphProto &graph : attribute->graphs())
        result.graphs.push_back({written.name(), &graph, origin});
      continue;
    }
    llvm::StringRef tensorName = node.output_size() ? node.output(0) : node.name();
    llvm::Expected<Attribute> value = convertAttribute(*attribute, tensorName);
    if (!value)
      report.error(loc, context, value.takeError());
    else
      result.values.set(written.name(), *value);
  }
  return result;
}
