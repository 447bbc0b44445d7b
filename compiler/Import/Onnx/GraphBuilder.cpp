// Graphs: the model's own and those in attributes.
#include "compiler/Import/Onnx/ModelBuilder.h"
#include "dialects/Graph/IR/Graph.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace longtail::onnx;
namespace graph = longtail::graph;

/// A longer cycle is told by its first nodes.
static constexpr size_t kMaxCycleNames = 16;

Value Scope::lookup(llvm::StringRef name) const {
  for (const Scope *scope = this; scope; scope = scope->parent)
    if (Value value = scope->values.lookup(name))
      return value;
  return Value();
}

Value ModelBuilder::getNone() {
  if (!none) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(entry);
    none = graph::NoneOp::create(builder, report.getFileLoc());
  }
  return none;
}

void ModelBuilder::define(Scope &scope, llvm::StringRef name, Value value, Location loc) {
  if (!scope.values.try_emplace(name, value).second)
    report.error(loc, "value '" + name + "' is defined twice");
}

Value ModelBuilder::use(const Scope &scope, llvm::StringRef name, Location loc,
                        const llvm::Twine &reader) {
  if (Value value = scope.lookup(name))
    return value;
  if (!isIncomplete)
    report.error(loc, reader + " '" + name + "' is not defined in the graph");
  return getNone();
}

Type ModelBuilder::getDeclaredType(const Scope &scope, llvm::StringRef name) {
  const ::onnx::TypeProto *declared = scope.declaredTypes.lookup(name);
  if (!declared)
    return builder.getNoneType();
  llvm::Expected<Type> type = convertType(*declared, builder.getContext());
  if (type)
    return *type;
  // Nobody relies on it: a type that cannot be read is as good as none.
  llvm::consumeError(type.takeError());
  return builder.getNoneType();
}

void ModelBuilder::addDeclaredTypes(const ::onnx::GraphProto &graph, Scope &scope) {
  for (const auto *list : {&graph.value_info(), &graph.output(), &graph.input()})
    for (const ::onnx::ValueInfoProto &info : *list)
      if (info.has_type())
        scope.declaredTypes.try_emplace(info.name(), &info.type());
}

void ModelBuilder::addInitializers(const ::onnx::GraphProto &graph, Scope &scope) {
  auto add = [&](const auto &tensor, const std::string &name) {
    Location loc = report.getValueLoc(name);
    if (name.empty()) {
      report.error(loc, "an initializer has no name");
      return;
    }
    std::string unique = getUniqueName(scope.frame, name);
    llvm::Expected<ElementsAttr> elements = tensors.read(tensor, unique);
    if (!elements) {
      report.error(loc, "initializer '" + name + "' ", elements.takeError());
      define(scope, name, getNone(), loc);
      return;
    }
    define(scope, name,
           graph::ConstantOp::create(builder, loc, elements->getType(), *elements,
                                     builder.getStringAttr(unique)),
           loc);
  };
  for (const ::onnx::TensorProto &tensor : graph.initializer())
    add(tensor, tensor.name());
  for (const ::onnx::SparseTensorProto &tensor : graph.sparse_initializer())
    add(tensor, tensor.values().name());
}

void ModelBuilder::buildNodes(const NodeList &nodes, Scope &scope) {
  NodeOrder order = orderNodes(nodes);
  if (!order.cycle.empty()) {
    std::string text = "the graph has a cycle: ";
    for (size_t i = 0, n = std::min(order.cycle.size(), kMaxCycleNames); i < n; ++i) {
      const ::onnx::NodeProto &node = nodes[order.cycle[i]];
      text += describeNode(node.name(), node.op_type(), order.cycle[i]) + " reads ";
    }
    const ::onnx::NodeProto &first = nodes[order.cycle.front()];
    text += order.cycle.size() > kMaxCycleNames
                ? "others"
                : describeNode(first.name(), first.op_type(), order.cycle.front());
    report.error(report.getNodeLoc(first.name(), first.op_type(), order.cycle.front()), text);
    isIncomplete = true;
  }
  for (unsigned index : order.order)
    buildNode(nodes[index], index, scope);
}

std::pair<ArrayAttr, ArrayAttr> ModelBuilder::buildRegion(const ::onnx::GraphProto &graph,
                                                          Region &region, Scope &outer,
                                                          Location loc) {
  llvm::SaveAndRestore nesting(depth, depth + 1);
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&region);
  Scope scope{outer.frame, &outer};
  addDeclaredTypes(graph, scope);
  addInitializers(graph, scope);

  SmallVector<Attribute> argumentNames, argumentTypes;
  for (const ::onnx::ValueInfoProto &input : graph.input()) {
    if (scope.values.contains(input.name()) &&
        !isa<BlockArgument>(scope.values.lookup(input.name())))
      continue; // An initializer, which older models list as an input too.
    std::string name = getUniqueName(scope.frame, input.name());
    argumentNames.push_back(builder.getStringAttr(name));
    argumentTypes.push_back(TypeAttr::get(getDeclaredType(scope, input.name())));
    Value argument = block->addArgument(graph::AnyType::get(builder.getContext()), loc);
    if (!input.name().empty()) // Without a name nothing can read it.
      define(scope, input.name(), argument, loc);
  }

  buildNodes(graph.node(), scope);

  SmallVector<Value> results;
  SmallVector<Attribute> resultTypes;
  SmallVector<llvm::StringRef> resultNames;
  for (const ::onnx::ValueInfoProto &output : graph.output()) {
    results.push_back(
        use(scope, output.name(), loc, "the output of graph '" + graph.name() + "',"));
    resultNames.push_back(output.name());
    resultTypes.push_back(TypeAttr::get(getDeclaredType(scope, output.name())));
  }
  graph::YieldOp::create(builder, loc, results, builder.getStrArrayAttr(resultNames),
                         builder.getArrayAttr(resultTypes));
  return {builder.getArrayAttr(argumentNames), builder.getArrayAttr(argumentTypes)};
}
