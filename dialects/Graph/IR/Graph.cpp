// Operations of the graph dialect.
#include "dialects/Graph/IR/Graph.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace longtail::graph;

#include "dialects/Graph/IR/GraphDialect.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/Graph/IR/GraphOps.cpp.inc"

Operation *GraphDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type,
                                             Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, type, elements, StringAttr());
}

//===-- graph.node ----------------------------------------------------------------------------===//

Value NodeOp::getInputOrNull(unsigned index) {
  if (index >= getInputs().size() || isa<NoneType>(getInputs()[index].getType()))
    return Value();
  return getInputs()[index];
}

int64_t NodeOp::getInt(StringRef name, int64_t otherwise) {
  auto attribute = getModelAttr<IntegerAttr>(name);
  return attribute ? attribute.getInt() : otherwise;
}

float NodeOp::getFloat(StringRef name, float otherwise) {
  auto attribute = getModelAttr<FloatAttr>(name);
  return attribute && attribute.getType().isF32() ? attribute.getValue().convertToFloat()
                                                  : otherwise;
}

StringRef NodeOp::getString(StringRef name, StringRef otherwise) {
  auto attribute = getModelAttr<StringAttr>(name);
  return attribute ? attribute.getValue() : otherwise;
}

ArrayRef<int64_t> NodeOp::getInts(StringRef name, ArrayRef<int64_t> otherwise) {
  auto attribute = getModelAttr<DenseI64ArrayAttr>(name);
  return attribute ? attribute.asArrayRef() : otherwise;
}

Region *NodeOp::getNamedRegion(StringRef name) {
  for (auto [index, entry] : llvm::enumerate(getRegionNames()))
    if (cast<StringAttr>(entry).getValue() == name)
      return &getBodies()[index];
  return nullptr;
}

void NodeOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  bool isRandom = llvm::StringSwitch<bool>(getOpType())
                      .Cases({"RandomNormal", "RandomNormalLike", "RandomUniform",
                              "RandomUniformLike", "Multinomial", "Bernoulli", "Dropout"},
                             true)
                      .Default(false);
  bool isKnown = llvm::StringSwitch<bool>(getDomain())
                     .Cases({"", "ai.onnx.ml", "com.microsoft"}, true)
                     .Default(false);
  if (isKnown && !isRandom && getBodies().empty())
    return;
  // An allocation keeps equal nodes apart and lets an unused one be erased.
  for (OpResult result : getResults())
    effects.emplace_back(MemoryEffects::Allocate::get(), result);
}

LogicalResult NodeOp::verify() {
  if (getOpType().empty())
    return emitOpError("has an empty op_type (node_c1)");
  if (static_cast<int64_t>(getVersion()) < 1)
    return emitOpError("has version ") << static_cast<int64_t>(getVersion()) << " (node_c1)";
  if (getOutputNames().size() != getNumResults())
    return emitOpError("has ") << getOutputNames().size() << " output_names for " << getNumResults()
                               << " results (node_c2)";
  for (auto [index, type] : llvm::enumerate(getResultTypes()))
    if (isa<NoneType>(type) && !getOutputName(index).empty())
      return emitOpError("names result ") << index << ", which is left out (node_c2)";
  if (getDeclaredTypes() && getDeclaredTypes()->size() != getNumResults())
    return emitOpError("has ") << getDeclaredTypes()->size() << " declared_types for "
                               << getNumResults() << " results (node_c3)";

  size_t numRegions = getBodies().size();
  std::optional<ArrayAttr> declared = getArgDeclaredTypes();
  if (getRegionNames().size() != numRegions || getArgNames().size() != numRegions ||
      (declared && declared->size() != numRegions))
    return emitOpError("has ") << numRegions
                               << " regions, but names or types for another number (node_c4)";
  for (auto [index, region] : llvm::enumerate(getBodies())) {
    if (!region.hasOneBlock() || region.front().empty() || !isa<YieldOp>(region.front().back()))
      return emitOpError("region ")
             << index << " is not one block that ends in graph.yield (node_c6)";
    size_t numArguments = region.getNumArguments();
    if (cast<ArrayAttr>(getArgNames()[index]).size() != numArguments ||
        (declared && cast<ArrayAttr>((*declared)[index]).size() != numArguments))
      return emitOpError("region ")
             << index << " has " << numArguments
             << " arguments, but names or types for another number (node_c5)";
  }
  return success();
}

//===-- Other operations ----------------------------------------------------------------------===//

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult YieldOp::verify() {
  if (getNames().size() != getNumOperands())
    return emitOpError("has ") << getNames().size() << " names for " << getNumOperands()
                               << " values (yield_c1)";
  if (getDeclaredTypes() && getDeclaredTypes()->size() != getNumOperands())
    return emitOpError("has ") << getDeclaredTypes()->size() << " declared_types for "
                               << getNumOperands() << " values (yield_c2)";
  return success();
}

ElementsAttr longtail::graph::getConstant(Value value) {
  while (value) {
    if (auto constant = value.getDefiningOp<ConstantOp>())
      return constant.getValue();
    auto node = value.getDefiningOp<NodeOp>();
    if (!node || !node.isOp("Identity") || node.getInputs().size() != 1)
      return nullptr;
    value = node.getInputs().front();
  }
  return nullptr;
}
