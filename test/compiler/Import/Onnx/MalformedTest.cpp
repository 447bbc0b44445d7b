// Bytes that are no model: an error, never a crash.
#include "ImportTest.h"
#include <random>

using namespace longtail::onnx;
using MalformedTest = ImportTest;

/// A model that has something of everything.
static ::onnx::ModelProto makeRich() {
  ::onnx::ModelProto model = makeModel();
  ::onnx::GraphProto &net = *model.mutable_graph();
  addInput(net, "x", {2, 3});
  addInput(net, "c", {}, 9);
  addInitializer(net, "w", 1, {2, 3}).set_raw_data(std::string(24, '\1'));
  addInitializer(net, "b", 1, {300}).set_raw_data(std::string(1200, '\1'));
  ::onnx::TensorProto &floats = addInitializer(net, "f", 1, {300});
  for (int i = 0; i < 300; ++i)
    floats.add_float_data(1.0f);
  addInitializer(net, "i", 7, {2}).add_int64_data(-1);
  net.mutable_initializer(3)->add_int64_data(1);
  addInitializer(net, "s", 8, {1}).add_string_data("text");
  ::onnx::NodeProto &node = addNode(net, "If", {"c"}, {"y"}, "if");
  for (const char *name : {"then_branch", "else_branch"}) {
    auto *branch = addAttribute(node, name, ::onnx::AttributeProto::GRAPH).mutable_g();
    addNode(*branch, "f", {"x"}, {"o"}, "call").set_domain("my");
    addOutput(*branch, "o");
  }
  addNode(net, "Add", {"y", "w"}, {"z"}, "add");
  addOutput(net, "z");
  setTensorType(*net.mutable_output(0)->mutable_type(), 1, {2, 3});
  ::onnx::FunctionProto *function = model.add_functions();
  function->set_name("f");
  function->set_domain("my");
  function->add_input("a");
  function->add_output("r");
  addNode(*function, "Relu", {"a"}, {"r"});
  auto *sparse = net.add_sparse_initializer();
  sparse->add_dims(4);
  sparse->mutable_values()->set_name("sp");
  sparse->mutable_values()->set_data_type(1);
  sparse->mutable_values()->add_dims(1);
  sparse->mutable_values()->add_float_data(1.0f);
  sparse->mutable_indices()->set_data_type(7);
  sparse->mutable_indices()->add_dims(1);
  sparse->mutable_indices()->add_int64_data(2);
  return model;
}

TEST_F(MalformedTest, RefusesEachPrefixOfAModel) {
  ::onnx::ModelProto model = makeRich();
  ASSERT_TRUE(import(model)) << errors;
  model.clear_functions(); // The format has them last, where a model may do without.
  for (auto &attribute : *model.mutable_graph()->mutable_node(0)->mutable_attribute())
    attribute.mutable_g()->mutable_node(0)->set_domain("");
  std::string bytes = model.SerializeAsString();
  ASSERT_TRUE(importBytes(bytes)) << errors;
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(importBytes(llvm::StringRef(bytes).take_front(size))) << size;
    EXPECT_NE(numErrors, 0u) << size;
  }
}

TEST_F(MalformedTest, SurvivesChangedBytes) {
  std::string bytes = makeRich().SerializeAsString();
  std::mt19937 random(20240607);
  unsigned numRefused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string changed = bytes;
    for (unsigned i = 0, n = 1 + random() % 3; i < n; ++i)
      changed[random() % changed.size()] = static_cast<char>(random());
    if (!importBytes(changed)) {
      ++numRefused;
      EXPECT_NE(numErrors, 0u) << round; // It says why.
    }
  }
  EXPECT_GT(numRefused, 300u); // Most bytes are data, where all values are good.
}

TEST_F(MalformedTest, NeverTrustsALength) {
  // field 7 (graph), 2^62 bytes long
  EXPECT_FALSE(importBytes(llvm::StringRef("\x3a\x80\x80\x80\x80\x80\x80\x80\x80\x40", 10)));
  EXPECT_NE(errors.find("is not an ONNX model or is truncated, at byte 0"), std::string::npos)
      << errors;
  EXPECT_FALSE(importBytes("this is text"));
  EXPECT_FALSE(importBytes(llvm::StringRef("\x3b\x3c", 2))); // a group
  EXPECT_FALSE(importBytes(std::string(20, '\xff')));
  EXPECT_FALSE(importBytes(""));
}

TEST_F(MalformedTest, RefusesTwoSetsOfRawData) {
  ::onnx::ModelProto model = makeRelu();
  addInitializer(*model.mutable_graph(), "w", 1, {1}).set_raw_data("1234");
  std::string bytes = model.SerializeAsString();
  size_t at = bytes.find("\x4a\x04"
                         "1234");
  ASSERT_NE(at, std::string::npos);
  // The tensor begins with its tag and length; both it and the graph grow by 6 bytes.
  ::onnx::TensorProto tensor = model.graph().initializer(0);
  std::string inner = tensor.SerializeAsString() + "\x4a\x04"
                                                   "5678";
  model.mutable_graph()->clear_initializer();
  std::string graph = model.graph().SerializeAsString();
  graph += std::string("\x2a") + static_cast<char>(inner.size()) + inner;
  model.clear_graph();
  std::string whole = model.SerializeAsString() + "\x3a" + static_cast<char>(graph.size()) + graph;
  ASSERT_LT(graph.size(), 128u);
  EXPECT_FALSE(importBytes(whole));
  EXPECT_NE(errors.find("has a tensor with two sets of data"), std::string::npos) << errors;
}

TEST_F(MalformedTest, LimitsDepth) {
  auto nest = [](int depth) {
    ::onnx::ModelProto model = makeRelu();
    ::onnx::GraphProto *graph = model.mutable_graph();
    for (int i = 1; i < depth; ++i) {
      ::onnx::NodeProto &node = addNode(*graph, "If", {"x"}, {("v" + std::to_string(i)).c_str()});
      graph = addAttribute(node, "then_branch", ::onnx::AttributeProto::GRAPH).mutable_g();
    }
    return model;
  };
  EXPECT_TRUE(import(nest(32))) << errors;
  EXPECT_IMPORT_ERROR(nest(33), "nests graphs more than 32 deep");
  EXPECT_IMPORT_ERROR(nest(90), "nests graphs more than 32 deep");

  ::onnx::ModelProto model = makeModel();
  addInput(*model.mutable_graph(), "x");
  ::onnx::TypeProto *type = model.mutable_graph()->mutable_input(0)->mutable_type();
  for (int i = 0; i < 20; ++i)
    type = type->mutable_sequence_type()->mutable_elem_type();
  EXPECT_IMPORT_ERROR(model, "input 'x' has a type that is nested too deep");
}

TEST_F(MalformedTest, LimitsSizes) {
  ::onnx::ModelProto model = makeRelu();
  addInitializer(*model.mutable_graph(), "w", 1, {25000}).set_raw_data(std::string(100000, '\0'));
  options.maxReducedBytes = 1000;
  EXPECT_TRUE(import(model)) << errors; // raw data does not count
  model.mutable_graph()->mutable_node(0)->set_name(std::string(1000, 'n'));
  EXPECT_IMPORT_ERROR(model, "has more than 1000 bytes besides its tensors' raw data");
  options = {};
  model = makeRelu();
  options.maxNodes = 0;
  EXPECT_IMPORT_ERROR(model, "the model has more than 0 nodes");
}

TEST_F(MalformedTest, IgnoresTraining) {
  ::onnx::ModelProto model = makeRelu();
  addNode(*model.add_training_info()->mutable_algorithm(), "Bad", {"nowhere"}, {"b"});
  EXPECT_TRUE(import(model)) << errors;
}
