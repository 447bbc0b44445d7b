#include "compiler/Operators/Registry.h"
#include "compiler/Plan/ElementType.h"
#include "compiler/Report/Report.h"
#include "mlir/Support/DebugStringHelper.h"
#include <set>

using namespace mlir;
namespace json = llvm::json;

namespace longtail::report {

static json::Object describeValue(Type type, DictionaryAttr attributes, Type declared) {
  json::Object value;
  if (auto name = attributes ? attributes.getAs<StringAttr>(graph::kNameAttr) : StringAttr())
    value["name"] = json::fixUTF8(name.getValue());
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor && declared)
    tensor = dyn_cast<RankedTensorType>(declared);
  if (!tensor) {
    value["type"] = debugString(type);
    return value;
  }
  value["dtype"] = int64_t(plan::dtypeOf(tensor.getElementType()));
  json::Array dims;
  auto names = attributes ? attributes.getAs<ArrayAttr>(graph::kDimNamesAttr) : ArrayAttr();
  for (int64_t dim = 0; dim < tensor.getRank(); ++dim) {
    StringRef name = names ? cast<StringAttr>(names[dim]).getValue() : StringRef();
    if (!tensor.isDynamicDim(dim))
      dims.push_back(tensor.getDimSize(dim));
    else if (!name.empty())
      dims.push_back(json::fixUTF8(name));
    else
      dims.push_back(-1);
  }
  value["dims"] = std::move(dims);
  return value;
}

static std::string operatorName(graph::NodeOp node) {
  return node.getDomain().empty() ? node.getOpType().str()
                                  : (node.getDomain() + "::" + node.getOpType()).str();
}

json::Object describeModel(ModuleOp module) {
  json::Object result;
  if (auto opsets = module->getAttrOfType<DictionaryAttr>(graph::kOpsetsAttr)) {
    json::Object versions;
    for (NamedAttribute opset : opsets)
      versions[json::fixUTF8(opset.getName().getValue())] =
          cast<IntegerAttr>(opset.getValue()).getInt();
    result["opsets"] = std::move(versions);
  }
  if (auto metadata = module->getAttrOfType<DictionaryAttr>(graph::kMetadataAttr)) {
    json::Object pairs;
    for (NamedAttribute pair : metadata)
      pairs[json::fixUTF8(pair.getName().getValue())] =
          json::fixUTF8(cast<StringAttr>(pair.getValue()).getValue());
    result["metadata"] = std::move(pairs);
  }
  if (auto producer = module->getAttrOfType<StringAttr>(graph::kProducerAttr))
    result["producer"] = json::fixUTF8(producer.getValue());
  if (auto version = module->getAttrOfType<IntegerAttr>(graph::kIrVersionAttr))
    result["ir_version"] = version.getInt();

  auto main = module.lookupSymbol<func::FuncOp>("main");
  json::Array inputs, outputs;
  if (main) {
    for (BlockArgument argument : main.getArguments())
      inputs.push_back(
          describeValue(argument.getType(), main.getArgAttrDict(argument.getArgNumber()), {}));
    for (auto [number, type] : llvm::enumerate(main.getResultTypes())) {
      auto declared = main.getResultAttrOfType<TypeAttr>(number, graph::kDeclaredTypeAttr);
      outputs.push_back(describeValue(type, main.getResultAttrDict(number),
                                      declared ? declared.getValue() : Type()));
    }
  }
  std::map<std::string, int64_t> counts;
  std::set<std::string> missing;
  int64_t nodes = 0;
  module.walk([&](graph::NodeOp node) {
    std::string name = operatorName(node);
    ++nodes;
    ++counts[name];
    if (!operators::Registry::builtin().lookup(node.getDomain(), node.getOpType(),
                                               node.getVersion()))
      missing.insert(name + "-" + std::to_string(node.getVersion()));
  });
  double parameterBytes = 0;
  module.walk([&](graph::ConstantOp constant) {
    if (auto type = dyn_cast<RankedTensorType>(constant.getType()))
      parameterBytes += double(plan::staticBytes(type).value_or(0));
  });
  json::Object operatorCounts;
  for (auto &[name, count] : counts)
    operatorCounts[json::fixUTF8(name)] = count;
  json::Array unsupported;
  for (const std::string &name : missing)
    unsupported.push_back(json::fixUTF8(name));
  result["inputs"] = std::move(inputs);
  result["outputs"] = std::move(outputs);
  result["nodes"] = nodes;
  result["operators"] = std::move(operatorCounts);
  result["unsupported"] = std::move(unsupported);
  result["parameter_bytes"] = parameterBytes;
  return result;
}

} // namespace longtail::report
