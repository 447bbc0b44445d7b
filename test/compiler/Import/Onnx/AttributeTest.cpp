// Attributes of nodes.
#include "ImportTest.h"

using namespace mlir;
using namespace longtail::onnx;
namespace graph = longtail::graph;
using ::onnx::AttributeProto;

class AttributeTest : public ImportTest {
protected:
  AttributeTest() : model(makeRelu()), node(*model.mutable_graph()->mutable_node(0)) {}
  ::onnx::ModelProto model;
  ::onnx::NodeProto &node;
};

TEST_F(AttributeTest, ConvertsEachKind) {
  addAttribute(node, "f", AttributeProto::FLOAT).set_f(0.5f);
  addAttribute(node, "i", AttributeProto::INT).set_i(-7);
  addAttribute(node, "s", AttributeProto::STRING).set_s(std::string("a\0b", 3));
  auto &floats = addAttribute(node, "fs", AttributeProto::FLOATS);
  floats.add_floats(1.0f);
  floats.add_floats(2.0f);
  addAttribute(node, "is", AttributeProto::INTS).add_ints(int64_t(1) << 40);
  addAttribute(node, "none", AttributeProto::INTS);
  addAttribute(node, "ss", AttributeProto::STRINGS).add_strings("text");
  auto *tensor = addAttribute(node, "t", AttributeProto::TENSOR).mutable_t();
  tensor->set_data_type(6);
  tensor->add_int32_data(5);
  setTensorType(*addAttribute(node, "tp", AttributeProto::TYPE_PROTO).mutable_tp(), 11, {2, 3});
  ASSERT_TRUE(import(model)) << errors;
  graph::NodeOp op = getNodes("Relu").at(0);
  EXPECT_EQ(op.getFloat("f", 0), 0.5f);
  EXPECT_EQ(op.getInt("i", 0), -7);
  EXPECT_EQ(op.getString("s", ""), llvm::StringRef("a\0b", 3));
  EXPECT_EQ(op.getModelAttr<DenseF32ArrayAttr>("fs").asArrayRef(), (ArrayRef<float>{1.0f, 2.0f}));
  EXPECT_EQ(op.getInts("is"), ArrayRef<int64_t>{int64_t(1) << 40});
  EXPECT_TRUE(op.getModelAttr<DenseI64ArrayAttr>("none").empty());
  EXPECT_EQ(op.getModelAttr<ArrayAttr>("ss"), Builder(&context).getStrArrayAttr({"text"}));
  EXPECT_EQ(op.getModelAttr<DenseElementsAttr>("t").getSplatValue<int32_t>(), 5);
  EXPECT_EQ(op.getModelAttr<TypeAttr>("tp").getValue(),
            RankedTensorType::get({2, 3}, Float64Type::get(&context)));
  // Absent or of another kind.
  EXPECT_EQ(op.getInt("f", 3), 3);
  EXPECT_EQ(op.getInt("absent", 4), 4);
  EXPECT_EQ(op.getString("i", "x"), "x");
  EXPECT_EQ(op.getFloat("i", 9), 9);
}

TEST_F(AttributeTest, FindsTheTypeThatOldModelsLeaveOut) {
  AttributeProto *attribute = node.add_attribute();
  attribute->set_name("axis");
  attribute->set_i(2);
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getNodes("Relu").at(0).getInt("axis", 0), 2);
  attribute->set_f(1);
  EXPECT_IMPORT_ERROR(model, "attribute 'axis' of node 'relu' (Relu) has several values");
}

TEST_F(AttributeTest, RefusesWhatItsTypeDoesNotSay) {
  addAttribute(node, "axis", AttributeProto::INT).set_f(1);
  EXPECT_IMPORT_ERROR(model, "attribute 'axis' of node 'relu' (Relu) has a value of another type");
  node.clear_attribute();
  addAttribute(node, "body", AttributeProto::GRAPH);
  EXPECT_IMPORT_ERROR(model, "attribute 'body' of node 'relu' (Relu) has no value");
  node.clear_attribute();
  node.add_attribute()->set_name("empty");
  EXPECT_IMPORT_ERROR(model, "attribute 'empty' of node 'relu' (Relu) has no value");
  node.clear_attribute();
  addAttribute(node, "a", AttributeProto::INT).set_i(1);
  addAttribute(node, "a", AttributeProto::INT).set_i(2);
  EXPECT_IMPORT_ERROR(model, "attribute 'a' of node 'relu' (Relu) is given twice");
  node.clear_attribute();
  addAttribute(node, "", AttributeProto::INT).set_i(1);
  EXPECT_IMPORT_ERROR(model, "has no name");
  node.clear_attribute();
  auto *tensor = addAttribute(node, "t", AttributeProto::TENSOR).mutable_t();
  tensor->set_data_type(1);
  tensor->add_dims(3);
  EXPECT_IMPORT_ERROR(model, "attribute 't' of node 'relu' (Relu) has no data for its 3 elements");
  node.clear_attribute();
  addAttribute(node, "a", AttributeProto::INT).set_ref_attr_name("outer");
  EXPECT_IMPORT_ERROR(model, "refers to an attribute outside of a function");
}

TEST_F(AttributeTest, ConstantNodesAreConstants) {
  node.set_op_type("Constant");
  node.clear_input();
  AttributeProto &value = addAttribute(node, "value_ints", AttributeProto::INTS);
  value.add_ints(4);
  value.add_ints(5);
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_TRUE(getNodes("Constant").empty());
  auto ints = cast<DenseElementsAttr>(getConstant("y"));
  EXPECT_EQ(llvm::to_vector(ints.getValues<int64_t>()), (SmallVector<int64_t>{4, 5}));

  auto set = [&](const char *name, AttributeProto::AttributeType type) -> AttributeProto & {
    node.clear_attribute();
    return addAttribute(node, name, type);
  };
  set("value_float", AttributeProto::FLOAT).set_f(1.5f);
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(cast<DenseElementsAttr>(getConstant("y")).getSplatValue<float>(), 1.5f);
  set("value_int", AttributeProto::INT).set_i(-1);
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getConstant("y").getShapedType(),
            RankedTensorType::get({}, IntegerType::get(&context, 64)));
  set("value_floats", AttributeProto::FLOATS);
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getConstant("y").getNumElements(), 0);
  set("value_string", AttributeProto::STRING).set_s("text");
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(cast<DenseStringElementsAttr>(getConstant("y")).getSplatValue<llvm::StringRef>(),
            "text");
  AttributeProto &strings = set("value_strings", AttributeProto::STRINGS);
  strings.add_strings("a");
  strings.add_strings("b");
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getConstant("y").getShapedType(),
            RankedTensorType::get({2}, graph::StringType::get(&context)));

  set("value_float", AttributeProto::INT).set_i(1);
  EXPECT_IMPORT_ERROR(model, "node 'relu' (Constant) does not have exactly one value");
  node.clear_attribute();
  EXPECT_IMPORT_ERROR(model, "does not have exactly one value");
  set("value_int", AttributeProto::INT).set_i(1);
  node.add_input("x");
  EXPECT_IMPORT_ERROR(model, "does not have exactly one output and no inputs");
}
