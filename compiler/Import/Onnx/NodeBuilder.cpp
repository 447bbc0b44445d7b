// Nodes: operators, constants and calls of the model's functions.
#include "compiler/Import/Onnx/ModelBuilder.h"
#include "dialects/Graph/IR/Graph.h"

using namespace mlir;
using namespace longtail::onnx;
namespace graph = longtail::graph;

/// The elements that a Constant node's attribute `name` stands for; null for another attribute.
static ElementsAttr getConstantElements(OpBuilder &builder, llvm::StringRef name, Attribute value) {
  if (name == "value" || name == "sparse_value")
    return dyn_cast<ElementsAttr>(value);
  auto tensor = [](ArrayRef<int64_t> shape, Type element) {
    return RankedTensorType::get(shape, element);
  };
  Type string = graph::StringType::get(builder.getContext());
  if (auto number = dyn_cast<FloatAttr>(value); number && name == "value_float")
    return DenseElementsAttr::get(tensor({}, builder.getF32Type()), value);
  if (auto number = dyn_cast<IntegerAttr>(value); number && name == "value_int")
    return DenseElementsAttr::get(tensor({}, builder.getI64Type()), value);
  if (auto text = dyn_cast<StringAttr>(value); text && name == "value_string")
    return cast<ElementsAttr>(DenseStringElementsAttr::get(tensor({}, string), {text.getValue()}));
  if (auto floats = dyn_cast<DenseF32ArrayAttr>(value); floats && name == "value_floats")
    return DenseElementsAttr::get(tensor({floats.size()}, builder.getF32Type()),
                                  floats.asArrayRef());
  if (auto ints = dyn_cast<DenseI64ArrayAttr>(value); ints && name == "value_ints")
    return DenseElementsAttr::get(tensor({ints.size()}, builder.getI64Type()), ints.asArrayRef());
  auto array = dyn_cast<ArrayAttr>(value);
  if (!array || name != "value_strings")
    return nullptr;
  SmallVector<llvm::StringRef> strings;
  for (Attribute entry : array) {
    if (!isa<StringAttr>(entry))
      return nullptr;
    strings.push_back(cast<StringAttr>(entry).getValue());
  }
  int64_t size = static_cast<int64_t>(strings.size());
  return cast<ElementsAttr>(DenseStringElementsAttr::get(tensor({size}, string), strings));
}

void ModelBuilder::buildConstant(const ::onnx::NodeProto &node, const NodeAttributes &attributes,
                                 Location loc, const std::string &text, Scope &scope) {
  ElementsAttr elements;
  if (attributes.values.getAttrs().size() == 1 && attributes.graphs.empty())
    elements = getConstantElements(builder, attributes.values.begin()->getName(),
                                   attributes.values.begin()->getValue());
  bool hasOneOutput = node.output_size() == 1 && !node.output(0).empty() && node.input().empty();
  if (!hasOneOutput || !elements) {
    report.error(loc, text + (hasOneOutput ? " does not have exactly one value"
                                           : " does not have exactly one output and no inputs"));
    for (const std::string &output : node.output())
      if (!output.empty())
        define(scope, output, getNone(), loc);
    return;
  }
  auto name = builder.getStringAttr(getUniqueName(scope.frame, node.output(0)));
  define(scope, node.output(0),
         graph::ConstantOp::create(builder, loc, elements.getType(), elements, name), loc);
}

void ModelBuilder::buildNode(const ::onnx::NodeProto &node, unsigned index, Scope &scope) {
  Frame &frame = scope.frame;
  Location loc = report.getNodeLoc(node.name(), node.op_type(), index);
  std::string text = describeNode(node.name(), node.op_type(), index);
  if (frame.callLoc)
    loc = CallSiteLoc::get(loc, *frame.callLoc);
  if (++numNodes > options.maxNodes) {
    if (numNodes == options.maxNodes + 1)
      report.error(loc, "the model has more than " + llvm::Twine(options.maxNodes) + " nodes");
    isIncomplete = true;
    return;
  }
  llvm::StringRef domain = normalizeDomain(node.domain());
  int64_t version = frame.opsets.lookup(domain);
  for (Frame *caller = frame.caller; caller && version == 0; caller = caller->caller)
    version = caller->opsets.lookup(domain);
  if (const ::onnx::FunctionProto *function = findFunction(node, version))
    return inlineCall(*function, node, loc, text, scope);

  if (node.op_type().empty())
    report.error(loc, text + " has no operator");
  if (version == 0)
    report.error(loc, text + " belongs to domain '" + (domain.empty() ? "ai.onnx" : domain) +
                          "', which the model does not import");
  if (domain == "longtail.language" && !options.mayCarryCode)
    report.error(loc, text + " carries code, which no model may bring; operators of the language "
                             "are given when a model is compiled: compile(..., operators=...)");

  NodeAttributes attributes = readAttributes(node, loc, text, scope);
  if (domain.empty() && node.op_type() == "Constant")
    return buildConstant(node, attributes, loc, text, scope);

  SmallVector<Value> inputs;
  for (auto [position, name] : llvm::enumerate(node.input()))
    inputs.push_back(name.empty()
                         ? getNone()
                         : use(scope, name, loc, "input " + llvm::Twine(position) + " of " + text));
  SmallVector<Type> types;
  SmallVector<Attribute> names, declared;
  bool isDeclared = false;
  for (const std::string &name : node.output()) {
    bool isUsed = !name.empty();
    types.push_back(isUsed ? Type(graph::AnyType::get(builder.getContext()))
                           : Type(builder.getNoneType()));
    names.push_back(builder.getStringAttr(isUsed ? getUniqueName(frame, name) : std::string()));
    Type type = isUsed ? getDeclaredType(scope, name) : builder.getNoneType();
    isDeclared |= !isa<NoneType>(type);
    declared.push_back(TypeAttr::get(type));
  }

  // The regions are built before the operation, whose properties name their arguments.
  SmallVector<std::unique_ptr<Region>> regions;
  SmallVector<llvm::StringRef> regionNames;
  SmallVector<Attribute> argumentNames, argumentTypes;
  if (!attributes.graphs.empty() && depth + 1 >= options.maxDepth) {
    report.error(loc, text + " nests graphs and calls more than " + llvm::Twine(options.maxDepth) +
                          " deep");
    attributes.graphs.clear();
  }
  for (const NodeAttributes::Graph &graph : attributes.graphs) {
    regions.push_back(std::make_unique<Region>());
    regionNames.push_back(graph.name);
    auto [nameList, typeList] = buildRegion(*graph.graph, *regions.back(), *graph.scope, loc);
    argumentNames.push_back(nameList);
    argumentTypes.push_back(typeList);
  }

  std::string nodeName = node.name().empty() ? std::string() : frame.prefix + node.name();
  auto op = graph::NodeOp::create(
      builder, loc, types, node.op_type(), domain, version, nodeName, inputs,
      builder.getArrayAttr(names), attributes.values.getDictionary(builder.getContext()),
      isDeclared ? builder.getArrayAttr(declared) : ArrayAttr(),
      builder.getStrArrayAttr(regionNames), builder.getArrayAttr(argumentNames),
      regions.empty() ? ArrayAttr() : builder.getArrayAttr(argumentTypes), regions.size());
  for (auto [body, region] : llvm::zip_equal(op.getBodies(), regions))
    body.takeBody(*region);
  for (auto [name, result] : llvm::zip_equal(node.output(), op.getResults()))
    if (!name.empty())
      define(scope, name, result, loc);
}
