// Types of the graph dialect and its registration.
#include "dialects/Graph/IR/Graph.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace longtail::graph;

#define GET_TYPEDEF_CLASSES
#include "dialects/Graph/IR/GraphTypes.cpp.inc"

void GraphDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Graph/IR/GraphTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Graph/IR/GraphOps.cpp.inc"
      >();
}

/// True for what a value of the graph can be: a string is only ever an element of a tensor.
static bool isValueType(Type type) {
  return isa<TensorType, AnyType, SequenceType, OptionalType, MapType>(type);
}

LogicalResult SequenceType::verify(function_ref<InFlightDiagnostic()> emitError, Type element) {
  if (!isValueType(element))
    return emitError() << "a sequence cannot hold " << element << " (sequence_c1)";
  return success();
}

LogicalResult OptionalType::verify(function_ref<InFlightDiagnostic()> emitError, Type element) {
  if (!isValueType(element))
    return emitError() << "an optional cannot hold " << element << " (optional_c1)";
  return success();
}

LogicalResult MapType::verify(function_ref<InFlightDiagnostic()> emitError, Type key, Type value) {
  if (!isa<IntegerType, StringType>(key))
    return emitError() << "the key of a map cannot be " << key << " (map_c1)";
  if (!isValueType(value))
    return emitError() << "a map cannot hold " << value << " (map_c2)";
  return success();
}
