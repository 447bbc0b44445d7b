// Functions that the model defines, and operators that ONNX defines by functions: each call is
// replaced by the function's body.
#include "compiler/Import/Onnx/Compatibility.h"
#include "compiler/Import/Onnx/ModelBuilder.h"
#include "compiler/Import/Onnx/StandardFunctions.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace longtail::onnx;

static std::string getKey(llvm::StringRef domain, llvm::StringRef name, llvm::StringRef overload) {
  // No name contains a zero byte by accident.
  return (normalizeDomain(domain) + llvm::Twine('\0') + name + llvm::Twine('\0') + overload).str();
}

static std::string describeFunction(const ::onnx::FunctionProto &function) {
  return "function '" + function.domain() + (function.domain().empty() ? "" : "::") +
         function.name() + "'";
}

void ModelBuilder::collectNames(const ::onnx::GraphProto &graph) {
  for (const ::onnx::ValueInfoProto &input : graph.input())
    usedNames.try_emplace(input.name(), 1);
  for (const ::onnx::TensorProto &tensor : graph.initializer())
    usedNames.try_emplace(tensor.name(), 1);
  for (const ::onnx::NodeProto &node : graph.node()) {
    for (const std::string &output : node.output())
      usedNames.try_emplace(output, 1);
    for (const ::onnx::AttributeProto &attribute : node.attribute()) {
      if (attribute.has_g())
        collectNames(attribute.g());
      for (const ::onnx::GraphProto &inner : attribute.graphs())
        collectNames(inner);
    }
  }
}

std::string ModelBuilder::getUniqueName(const Frame &frame, llvm::StringRef name) {
  if (!frame.function || name.empty())
    return name.str();
  if (auto output = frame.outputNames.find(name); output != frame.outputNames.end())
    return output->second.str();
  std::string wanted = frame.prefix + name.str();
  auto [known, isNew] = usedNames.try_emplace(wanted, 1);
  if (isNew)
    return wanted;
  // Where the last search for this name ended: a function may be called very often.
  for (unsigned suffix = known->second;; ++suffix) {
    std::string unique = wanted + "_" + std::to_string(suffix);
    if (usedNames.try_emplace(unique, 1).second) {
      usedNames[wanted] = suffix + 1;
      return unique;
    }
  }
}

void ModelBuilder::readFunctions() {
  for (const ::onnx::FunctionProto &function : model.functions()) {
    std::string key = getKey(function.domain(), function.name(), getOverload(function, 0));
    if (function.name().empty())
      report.error(report.getFileLoc(), "a function has no name");
    else if (!functions.try_emplace(key, &function).second)
      report.error(report.getFileLoc(), describeFunction(function) + " is defined twice");
    llvm::StringMap<int64_t> opsets;
    readOpsets(function.opset_import(), report.getFileLoc(), describeFunction(function), opsets);
  }
  if (!functions.empty() || options.isOperator)
    collectNames(model.graph());
}

const ::onnx::FunctionProto *ModelBuilder::findFunction(const ::onnx::NodeProto &node,
                                                        int64_t version) const {
  if (!functions.empty())
    if (const ::onnx::FunctionProto *own =
            functions.lookup(getKey(node.domain(), node.op_type(), getOverload(node, 0))))
      return own;
  llvm::StringRef domain = normalizeDomain(node.domain());
  if (!options.isOperator || version < 1 || options.isOperator(domain, node.op_type(), version))
    return nullptr;
  return findStandardFunction(domain, node.op_type(), version);
}

void ModelBuilder::inlineCall(const ::onnx::FunctionProto &function, const ::onnx::NodeProto &node,
                              Location loc, const std::string &text, Scope &scope) {
  auto fail = [&](const llvm::Twine &message) {
    report.error(loc, text + message);
    for (const std::string &output : node.output())
      if (!output.empty())
        scope.values.try_emplace(output, getNone());
  };
  for (Frame *caller = &scope.frame; caller; caller = caller->caller)
    if (caller->function == &function)
      return fail(": " + describeFunction(function) + " calls itself");
  if (depth + 1 >= options.maxDepth)
    return fail(" nests graphs and calls more than " + llvm::Twine(options.maxDepth) + " deep");
  if (node.input_size() > function.input_size() || node.output_size() > function.output_size())
    return fail(" has more inputs or outputs than " + describeFunction(function));
  for (int index = 0, required = getRequiredInputs(function); index < required; ++index)
    if (index >= node.input_size() || node.input(index).empty())
      return fail(": input " + llvm::Twine(index) + " is missing");

  llvm::SaveAndRestore nesting(depth, depth + 1);
  Frame frame;
  frame.function = &function;
  frame.caller = &scope.frame;
  frame.callLoc = loc;
  for (const ::onnx::OperatorSetIdProto &opset : function.opset_import())
    frame.opsets.try_emplace(normalizeDomain(opset.domain()), opset.version());
  frame.prefix = scope.frame.prefix + (node.name().empty() ? node.op_type() : node.name()) + "/";
  for (const ::onnx::AttributeProto &written : node.attribute()) {
    // A reference stands for what this function itself was called with.
    Frame::Argument argument{&written, &scope};
    if (!written.ref_attr_name().empty()) {
      auto found = scope.frame.arguments.find(written.ref_attr_name());
      if (found == scope.frame.arguments.end())
        continue;
      argument = found->second;
    }
    if (!frame.arguments.try_emplace(written.name(), argument).second)
      return fail(" has attribute '" + written.name() + "' twice");
  }

  Scope body{frame};
  const auto &defaults = getDefaults(function, 0);
  for (const ::onnx::AttributeProto &attribute : defaults)
    frame.arguments.try_emplace(attribute.name(), Frame::Argument{&attribute, &body});
  for (auto [index, name] : llvm::enumerate(function.input())) {
    bool isGiven = index < static_cast<size_t>(node.input_size()) && !node.input(index).empty();
    Value value =
        isGiven ? use(scope, node.input(index), loc, "input " + llvm::Twine(index) + " of " + text)
                : getNone();
    define(body, name, value, loc);
  }
  const auto &infos = getValueInfo(function, 0);
  for (const ::onnx::ValueInfoProto &info : infos)
    if (info.has_type())
      body.declaredTypes.try_emplace(info.name(), &info.type());
  for (auto [formal, actual] : llvm::zip_first(node.output(), function.output()))
    if (!formal.empty()) {
      frame.outputNames.try_emplace(actual, formal);
      if (const ::onnx::TypeProto *type = scope.declaredTypes.lookup(formal))
        body.declaredTypes.try_emplace(actual, type);
    }

  buildNodes(function.node(), body);

  for (auto [index, name] : llvm::enumerate(node.output()))
    if (!name.empty())
      define(scope, name,
             use(body, function.output(index), loc, "the output of " + describeFunction(function)),
             loc);
}
