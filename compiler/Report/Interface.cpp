#include "compiler/Report/Report.h"
#include "dialects/Graph/IR/Graph.h"

using namespace mlir;
namespace json = llvm::json;

namespace longtail::report {

static json::Value toJson(Attribute attribute) {
  if (auto text = dyn_cast<StringAttr>(attribute))
    return json::fixUTF8(text.getValue());
  if (auto flag = dyn_cast<BoolAttr>(attribute))
    return flag.getValue();
  if (auto number = dyn_cast<IntegerAttr>(attribute))
    return number.getInt();
  if (auto numbers = dyn_cast<DenseI64ArrayAttr>(attribute))
    return json::Array(numbers.asArrayRef());
  if (auto list = dyn_cast<ArrayAttr>(attribute)) {
    json::Array values;
    for (Attribute entry : list)
      values.push_back(toJson(entry));
    return values;
  }
  json::Object object;
  for (NamedAttribute entry : cast<DictionaryAttr>(attribute))
    object[entry.getName().getValue()] = toJson(entry.getValue());
  return object;
}

std::string describeInterface(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  auto interface = main ? main->getAttrOfType<DictionaryAttr>(graph::kInterfaceAttr) : nullptr;
  std::string text;
  if (interface)
    llvm::raw_string_ostream(text) << toJson(interface);
  return text;
}

} // namespace longtail::report
