// Functions of the model, which are inlined.
#include "ImportTest.h"
#include "compiler/Import/Onnx/StandardFunctions.h"

using namespace mlir;
using namespace longtail::onnx;
namespace graph = longtail::graph;
using ::onnx::AttributeProto;

/// A new attribute of `function` that has a default; null where the schema is too old for them.
template <typename Function>
static auto addDefault(Function &function, int) -> decltype(function.add_attribute_proto()) {
  return function.add_attribute_proto();
}
template <typename Function> static AttributeProto *addDefault(Function &, long) { return nullptr; }

class FunctionTest : public ImportTest {
protected:
  FunctionTest() : model(makeModel()) {
    addInput(*model.mutable_graph(), "x");
    addOutput(*model.mutable_graph(), "y");
    auto *opset = model.add_opset_import();
    opset->set_domain("my");
    opset->set_version(1);
  }
  ::onnx::FunctionProto &addFunction(const char *name, Names inputs, Names outputs) {
    ::onnx::FunctionProto *function = model.add_functions();
    function->set_domain("my");
    function->set_name(name);
    for (const char *input : inputs)
      function->add_input(input);
    for (const char *output : outputs)
      function->add_output(output);
    auto *opset = function->add_opset_import();
    opset->set_domain("");
    opset->set_version(14);
    opset = function->add_opset_import();
    opset->set_domain("my");
    opset->set_version(1);
    return *function;
  }
  ::onnx::NodeProto &call(const char *name, Names inputs, Names outputs, const char *node) {
    ::onnx::NodeProto &result = addNode(*model.mutable_graph(), name, inputs, outputs, node);
    result.set_domain("my");
    return result;
  }
  ::onnx::ModelProto model;
};

TEST_F(FunctionTest, InlinesCalls) {
  ::onnx::FunctionProto &function = addFunction("f", {"a", "b"}, {"r"});
  addNode(function, "Add", {"a", "b"}, {"sum"}, "add");
  addNode(function, "Relu", {"sum"}, {"r"}, "relu");
  call("f", {"x", "x"}, {"t"}, "one");
  call("f", {"t", ""}, {"y"}, "two");
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_TRUE(getNodes("f").empty());
  std::vector<graph::NodeOp> adds = getNodes("Add"), relus = getNodes("Relu");
  ASSERT_EQ(adds.size(), 2u);
  ASSERT_EQ(relus.size(), 2u);
  EXPECT_EQ(adds[0].getVersion(), 14u); // the function's import, not the model's
  EXPECT_EQ(adds[0].getNodeName(), "one/add");
  EXPECT_EQ(adds[0].getOutputName(0), "one/sum");
  EXPECT_EQ(adds[1].getOutputName(0), "two/sum");
  EXPECT_EQ(relus[0].getOutputName(0), "t");
  EXPECT_EQ(relus[1].getOutputName(0), "y");
  EXPECT_EQ(adds[1].getInputs()[0], relus[0].getResult(0));
  EXPECT_FALSE(adds[1].getInputOrNull(1));
  EXPECT_TRUE(isa<CallSiteLoc>(adds[0].getLoc()));
}

TEST_F(FunctionTest, MakesNamesUnique) {
  ::onnx::FunctionProto &function = addFunction("f", {"a"}, {"r"});
  addNode(function, "Abs", {"a"}, {"t"});
  addNode(function, "Relu", {"t"}, {"r"});
  call("f", {"x"}, {"one/t"}, "one");
  call("f", {"one/t"}, {"y"}, "one");
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getNodes("Abs").at(0).getOutputName(0), "one/t_1");
  EXPECT_EQ(getNodes("Abs").at(1).getOutputName(0), "one/t_2");
}

TEST_F(FunctionTest, ResolvesAttributes) {
  ::onnx::FunctionProto &inner = addFunction("inner", {"a"}, {"r"});
  inner.add_attribute("axis");
  AttributeProto *standard = addDefault(inner, 0);
  if (standard) {
    standard->set_name("keep");
    standard->set_type(AttributeProto::INT);
    standard->set_i(1);
  }
  ::onnx::NodeProto &node = addNode(inner, "ReduceMax", {"a"}, {"r"});
  addAttribute(node, "axes", AttributeProto::INT).set_ref_attr_name("axis");
  addAttribute(node, "keepdims", AttributeProto::INT).set_ref_attr_name("keep");
  addAttribute(node, "absent", AttributeProto::INT).set_ref_attr_name("nobody gives it");
  ::onnx::FunctionProto &outer = addFunction("outer", {"a"}, {"r"});
  outer.add_attribute("outer_axis");
  ::onnx::NodeProto &nested = addNode(outer, "inner", {"a"}, {"r"});
  nested.set_domain("my");
  addAttribute(nested, "axis", AttributeProto::INT).set_ref_attr_name("outer_axis");
  addAttribute(call("outer", {"x"}, {"y"}, "call"), "outer_axis", AttributeProto::INT).set_i(3);
  ASSERT_TRUE(import(model)) << errors;
  graph::NodeOp reduce = getNodes("ReduceMax").at(0);
  EXPECT_EQ(reduce.getInt("axes", 0), 3);
  EXPECT_EQ(reduce.getInt("keepdims", 0), standard ? 1 : 0);
  EXPECT_FALSE(reduce.getModelAttr("absent"));
}

TEST_F(FunctionTest, ReadsGraphsOfCallsWhereTheyAreWritten) {
  ::onnx::FunctionProto &function = addFunction("f", {"c"}, {"r"});
  function.add_attribute("branch");
  addNode(function, "Abs", {"c"}, {"x"}); // not the x that the branch means
  ::onnx::NodeProto &node = addNode(function, "If", {"c"}, {"r"});
  addAttribute(node, "then_branch", AttributeProto::GRAPH).set_ref_attr_name("branch");
  auto *branch =
      addAttribute(call("f", {"x"}, {"y"}, "call"), "branch", AttributeProto::GRAPH).mutable_g();
  addNode(*branch, "Neg", {"x"}, {"n"});
  addOutput(*branch, "n");
  ASSERT_TRUE(import(model)) << errors;
  graph::NodeOp neg = getNodes("Neg").at(0);
  EXPECT_EQ(neg.getInputs()[0], getMain().getArgument(0));
  EXPECT_EQ(neg->getParentOp(), getNodes("If").at(0));
}

TEST_F(FunctionTest, RefusesRecursion) {
  ::onnx::FunctionProto &f = addFunction("f", {"a"}, {"r"});
  addNode(f, "g", {"a"}, {"r"}, "to_g").set_domain("my");
  ::onnx::FunctionProto &g = addFunction("g", {"a"}, {"r"});
  addNode(g, "f", {"a"}, {"r"}, "to_f").set_domain("my");
  call("f", {"x"}, {"y"}, "call");
  EXPECT_IMPORT_ERROR(model, "node 'to_f' (f): function 'my::f' calls itself");
  EXPECT_EQ(numErrors, 1u) << errors;
}

TEST_F(FunctionTest, RefusesBadCalls) {
  ::onnx::FunctionProto &function = addFunction("f", {"a"}, {"r"});
  addNode(function, "Relu", {"a"}, {"r"});
  ::onnx::NodeProto &node = call("f", {"x", "x"}, {"y"}, "call");
  EXPECT_IMPORT_ERROR(model, "node 'call' (f) has more inputs or outputs than function 'my::f'");
  node.mutable_input()->RemoveLast();
  ASSERT_TRUE(import(model)) << errors;
  // A function does not see the values around its call.
  function.mutable_node(0)->set_input(0, "x");
  EXPECT_IMPORT_ERROR(model, "input 0 of node #0 (Relu) 'x' is not defined");
  function.mutable_node(0)->set_input(0, "a");
  function.set_output(0, "nothing");
  EXPECT_IMPORT_ERROR(model, "the output of function 'my::f' 'nothing' is not defined");
  function.set_output(0, "r");
  function.mutable_opset_import(0)->set_version(99);
  EXPECT_IMPORT_ERROR(model, "function 'my::f' imports version 99 of domain 'ai.onnx'");
  function.mutable_opset_import(0)->set_version(14);
  *model.add_functions() = function;
  EXPECT_IMPORT_ERROR(model, "function 'my::f' is defined twice");
}

TEST_F(FunctionTest, StopsAtTheNumberOfNodes) {
  // Each function calls the one before twice: 2^30 calls of an empty function.
  addFunction("f0", {"a"}, {"a"});
  for (int i = 1; i <= 30; ++i) {
    std::string name = "f" + std::to_string(i), inner = "f" + std::to_string(i - 1);
    ::onnx::FunctionProto &function = addFunction(name.c_str(), {"a"}, {"r"});
    addNode(function, inner.c_str(), {"a"}, {"m"}).set_domain("my");
    addNode(function, inner.c_str(), {"m"}, {"r"}).set_domain("my");
  }
  call("f30", {"x"}, {"y"}, "call");
  options.maxNodes = 1000;
  EXPECT_IMPORT_ERROR(model, "the model has more than 1000 nodes");
  EXPECT_EQ(numErrors, 1u) << errors;
}

TEST_F(FunctionTest, CallsHaveALimitedDepth) {
  addFunction("f0", {"a"}, {"a"});
  for (int i = 1; i <= 40; ++i) {
    std::string name = "f" + std::to_string(i), inner = "f" + std::to_string(i - 1);
    ::onnx::FunctionProto &function = addFunction(name.c_str(), {"a"}, {"r"});
    addNode(function, inner.c_str(), {"a"}, {"r"}).set_domain("my");
  }
  call("f30", {"x"}, {"y"}, "call");
  EXPECT_TRUE(import(model)) << errors;
  model.mutable_graph()->mutable_node(0)->set_op_type("f40");
  EXPECT_IMPORT_ERROR(model, "nests graphs and calls more than 32 deep");
}

// ONNX defines some operators by functions of others. Without its Python package the build has
// none.
TEST_F(FunctionTest, InlinesOperatorsOfOnnxThatAreFunctions) {
  if (!findStandardFunction("", "Elu", 17))
    GTEST_SKIP() << "built without the bodies of ONNX's functions";
  addNode(*model.mutable_graph(), "Elu", {"x"}, {"t"}, "one");
  ::onnx::NodeProto &elu = addNode(*model.mutable_graph(), "Elu", {"t"}, {"y"}, "two");
  addAttribute(elu, "alpha", AttributeProto::FLOAT).set_f(3);
  std::string asked;
  options.isOperator = [&](llvm::StringRef domain, llvm::StringRef name, int64_t version) {
    if (name == "Elu")
      asked = (domain + ":" + name + ":" + llvm::Twine(version)).str();
    return name != "Elu";
  };
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(asked, ":Elu:17");
  EXPECT_TRUE(getNodes("Elu").empty());
  EXPECT_EQ(getNodes("Exp").size(), 2u);
  // The default of the schema, and what the call says instead.
  std::vector<float> alphas;
  module->walk([&](graph::ConstantOp constant) {
    if (constant.getName()->ends_with("/Alpha"))
      alphas.push_back(*constant.getValue().getValues<float>().begin());
  });
  EXPECT_EQ(alphas, (std::vector<float>{1, 3}));

  options.isOperator = [](llvm::StringRef, llvm::StringRef, int64_t) { return true; };
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getNodes("Elu").size(), 2u);
}

TEST_F(FunctionTest, OwnFunctionsComeBeforeThoseOfOnnx) {
  ::onnx::FunctionProto &function = addFunction("Elu", {"a"}, {"r"});
  function.set_domain("");
  addNode(function, "Neg", {"a"}, {"r"}, "neg");
  addNode(*model.mutable_graph(), "Elu", {"x"}, {"y"}, "one");
  options.isOperator = [](llvm::StringRef, llvm::StringRef, int64_t) { return false; };
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getNodes("Neg").size(), 1u);
}

TEST_F(FunctionTest, FindsTheVersionOfAnOperator) {
  if (!findStandardFunction("", "Elu", 17))
    GTEST_SKIP() << "built without the bodies of ONNX's functions";
  EXPECT_FALSE(findStandardFunction("", "Elu", 5)); // defined by a function since version 6
  EXPECT_FALSE(findStandardFunction("com.example", "Elu", 17));
  EXPECT_FALSE(findStandardFunction("", "Gemm", 17));
  EXPECT_EQ(findStandardFunction("", "HardSwish", 21)->doc_string(), "14");
  EXPECT_EQ(findStandardFunction("ai.onnx", "HardSwish", 22)->doc_string(), "22");
}
