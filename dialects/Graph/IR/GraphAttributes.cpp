// Verification of the dialect's attributes on modules, functions, arguments and results.
#include "dialects/Graph/IR/Graph.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace longtail::graph;

static bool isStringArray(Attribute attribute) {
  auto array = dyn_cast<ArrayAttr>(attribute);
  return array && llvm::all_of(array, [](Attribute entry) { return isa<StringAttr>(entry); });
}

template <typename T> static bool isDictionaryOf(Attribute attribute) {
  auto dictionary = dyn_cast<DictionaryAttr>(attribute);
  return dictionary &&
         llvm::all_of(dictionary, [](NamedAttribute entry) { return isa<T>(entry.getValue()); });
}

LogicalResult GraphDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  StringRef name = attribute.getName().getValue();
  Attribute value = attribute.getValue();
  if (name == kOpsetsAttr && !isDictionaryOf<IntegerAttr>(value))
    return op->emitError() << "'" << name << "' is not a dictionary of versions (dialect_c1)";
  if (name == kMetadataAttr && !isDictionaryOf<StringAttr>(value))
    return op->emitError() << "'" << name << "' is not a dictionary of strings (dialect_c1)";
  if ((name == kProducerAttr || name == kSourceAttr || name == kNameAttr) &&
      !isa<StringAttr>(value))
    return op->emitError() << "'" << name << "' is not a string (dialect_c2)";
  if (name == kIrVersionAttr && !isa<IntegerAttr>(value))
    return op->emitError() << "'" << name << "' is not an integer (dialect_c3)";
  return success();
}

/// Checks an attribute of argument or result `what` whose type is `type`.
static LogicalResult verifyValueAttribute(Operation *op, StringRef what, unsigned index, Type type,
                                          NamedAttribute attribute) {
  StringRef name = attribute.getName().getValue();
  Attribute value = attribute.getValue();
  if (name == kNameAttr && !isa<StringAttr>(value))
    return op->emitError() << "'" << name << "' of " << what << " " << index
                           << " is not a string (dialect_c2)";
  if (name == kDeclaredTypeAttr && !isa<TypeAttr>(value))
    return op->emitError() << "'" << name << "' of " << what << " " << index
                           << " is not a type (dialect_c4)";
  if (name != kDimNamesAttr)
    return success();
  if (!isStringArray(value))
    return op->emitError() << "'" << name << "' of " << what << " " << index
                           << " is not an array of strings (dialect_c5)";
  auto ranked = dyn_cast<RankedTensorType>(type);
  if (ranked && ranked.getRank() != static_cast<int64_t>(cast<ArrayAttr>(value).size()))
    return op->emitError() << "'" << name << "' of " << what << " " << index << " has "
                           << cast<ArrayAttr>(value).size() << " names for " << ranked.getRank()
                           << " dimensions (dialect_c5)";
  return success();
}

LogicalResult GraphDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned index,
                                                     NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  Type type = function ? function.getArgumentTypes()[index] : Type();
  return verifyValueAttribute(op, "argument", index, type, attribute);
}

LogicalResult GraphDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned index,
                                                        NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  Type type = function ? function.getResultTypes()[index] : Type();
  return verifyValueAttribute(op, "result", index, type, attribute);
}
