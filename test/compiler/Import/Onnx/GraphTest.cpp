// Graphs, values and names.
#include "ImportTest.h"

using namespace mlir;
using namespace longtail::onnx;
namespace graph = longtail::graph;
using GraphTest = ImportTest;

TEST_F(GraphTest, KeepsWhatTheModelSaysOfItself) {
  ::onnx::ModelProto model = makeRelu();
  model.set_producer_name("maker");
  model.set_producer_version("1.0");
  auto *entry = model.add_metadata_props();
  entry->set_key("author");
  entry->set_value("somebody");
  auto *opset = model.add_opset_import();
  opset->set_domain("never.used");
  opset->set_version(3);
  ASSERT_TRUE(import(model)) << errors;
  auto opsets = (*module)->getAttrOfType<DictionaryAttr>(graph::kOpsetsAttr);
  EXPECT_EQ(opsets.getAs<IntegerAttr>("ai.onnx").getInt(), 17);
  EXPECT_EQ(opsets.getAs<IntegerAttr>("never.used").getInt(), 3);
  auto metadata = (*module)->getAttrOfType<DictionaryAttr>(graph::kMetadataAttr);
  EXPECT_EQ(metadata.getAs<StringAttr>("author"), "somebody");
  EXPECT_EQ((*module)->getAttrOfType<StringAttr>(graph::kProducerAttr), "maker 1.0");
  EXPECT_EQ((*module)->getAttrOfType<StringAttr>(graph::kSourceAttr), "test.onnx");
  EXPECT_EQ((*module)->getAttrOfType<IntegerAttr>(graph::kIrVersionAttr).getInt(), 8);
  EXPECT_EQ(getMain()->getAttrOfType<StringAttr>(graph::kNameAttr), "net");
}

TEST_F(GraphTest, KeepsNamesAndTypesOfInputsAndOutputs) {
  ::onnx::ModelProto model = makeModel();
  ::onnx::GraphProto &net = *model.mutable_graph();
  addInput(net, "x", {1, 8, -1});
  net.mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(0)
      ->set_dim_param("batch");
  net.add_input()->set_name("u");
  net.mutable_input(1)->mutable_type()->mutable_tensor_type()->set_elem_type(7);
  net.add_input()->set_name("s");
  net.mutable_input(2)
      ->mutable_type()
      ->mutable_sequence_type()
      ->mutable_elem_type()
      ->mutable_tensor_type()
      ->set_elem_type(8);
  addNode(net, "Relu", {"x"}, {"y"}, "relu");
  addOutput(net, "y");
  setTensorType(*net.mutable_output(0)->mutable_type(), 1, {3, 8, 4});
  addOutput(net, "x"); // an echo of an input
  ASSERT_TRUE(import(model)) << errors;

  func::FuncOp main = getMain();
  ASSERT_EQ(main.getNumArguments(), 3u);
  EXPECT_EQ(main.getArgumentTypes()[0],
            RankedTensorType::get({ShapedType::kDynamic, 8, ShapedType::kDynamic},
                                  Float32Type::get(&context)));
  EXPECT_EQ(main.getArgAttrOfType<StringAttr>(0, graph::kNameAttr), "x");
  auto dimNames = main.getArgAttrOfType<ArrayAttr>(0, graph::kDimNamesAttr);
  EXPECT_EQ(dimNames, Builder(&context).getStrArrayAttr({"batch", "", ""}));
  EXPECT_EQ(main.getArgumentTypes()[1], UnrankedTensorType::get(IntegerType::get(&context, 64)));
  EXPECT_FALSE(main.getArgAttr(1, graph::kDimNamesAttr));
  EXPECT_EQ(main.getArgumentTypes()[2],
            graph::SequenceType::get(&context,
                                     UnrankedTensorType::get(graph::StringType::get(&context))));
  EXPECT_TRUE(isa<graph::AnyType>(main.getResultTypes()[0]));
  EXPECT_EQ(main.getResultAttrOfType<TypeAttr>(0, graph::kDeclaredTypeAttr).getValue(),
            RankedTensorType::get({3, 8, 4}, Float32Type::get(&context)));
  EXPECT_EQ(main.getResultTypes()[1], main.getArgumentTypes()[0]);
  EXPECT_EQ(main.getResultAttrOfType<StringAttr>(1, graph::kNameAttr), "x");

  graph::NodeOp relu = getNodes("Relu").at(0);
  EXPECT_EQ(relu.getNodeName(), "relu");
  EXPECT_EQ(relu.getDomain(), "");
  EXPECT_EQ(relu.getVersion(), 17u);
  EXPECT_EQ(relu.getOutputName(0), "y");
  ASSERT_TRUE(relu.getDeclaredTypes());
  EXPECT_EQ(cast<TypeAttr>((*relu.getDeclaredTypes())[0]).getValue(),
            RankedTensorType::get({3, 8, 4}, Float32Type::get(&context)));
}

TEST_F(GraphTest, LeavesOutOptionalInputsAndOutputs) {
  ::onnx::ModelProto model = makeModel();
  ::onnx::GraphProto &net = *model.mutable_graph();
  addInput(net, "x");
  addNode(net, "LSTM", {"x", "", "x"}, {"", "h"});
  addOutput(net, "h");
  ASSERT_TRUE(import(model)) << errors;
  graph::NodeOp node = getNodes("LSTM").at(0);
  EXPECT_TRUE(node.getInputOrNull(0));
  EXPECT_FALSE(node.getInputOrNull(1));
  EXPECT_TRUE(node.getInputs()[1].getDefiningOp<graph::NoneOp>());
  EXPECT_FALSE(node.getInputOrNull(9));
  EXPECT_TRUE(isa<NoneType>(node.getResultTypes()[0]));
  EXPECT_TRUE(isa<graph::AnyType>(node.getResultTypes()[1]));
}

TEST_F(GraphTest, SortsNodes) {
  ::onnx::ModelProto model = makeModel();
  ::onnx::GraphProto &net = *model.mutable_graph();
  addInput(net, "x");
  addNode(net, "Third", {"b"}, {"c"});
  // Only its region reads `a`.
  ::onnx::NodeProto &second = addNode(net, "Second", {"x"}, {"b"});
  auto *body = addAttribute(second, "body", ::onnx::AttributeProto::GRAPH).mutable_g();
  addNode(*body, "Inner", {"a"}, {"i"});
  addOutput(*body, "i");
  addNode(net, "First", {"x"}, {"a"});
  addOutput(net, "c");
  ASSERT_TRUE(import(model)) << errors;
  std::vector<std::string> order;
  module->walk<WalkOrder::PreOrder>(
      [&](graph::NodeOp node) { order.push_back(node.getOpType().str()); });
  EXPECT_EQ(order, (std::vector<std::string>{"First", "Second", "Inner", "Third"}));
}

TEST_F(GraphTest, NamesTheNodesOfACycle) {
  ::onnx::ModelProto model = makeModel();
  ::onnx::GraphProto &net = *model.mutable_graph();
  addNode(net, "Relu", {"c"}, {"behind"}, "behind");
  addNode(net, "Add", {"c", "c"}, {"a"}, "one");
  addNode(net, "Neg", {"a"}, {"b"}, "two");
  addNode(net, "Abs", {"b"}, {"c"}, "three");
  addOutput(net, "behind");
  EXPECT_IMPORT_ERROR(model, "the graph has a cycle: ");
  for (const char *name : {"node 'one' (Add)", "node 'two' (Neg)", "node 'three' (Abs)"})
    EXPECT_NE(errors.find(name), std::string::npos) << errors;
  EXPECT_EQ(errors.find("behind"), std::string::npos) << errors;
  EXPECT_EQ(numErrors, 1u);
}

TEST_F(GraphTest, ReportsAllMistakesAtOnce) {
  ::onnx::ModelProto model = makeModel();
  ::onnx::GraphProto &net = *model.mutable_graph();
  addInput(net, "x");
  addNode(net, "Add", {"x", "nowhere"}, {"y"}, "sum");
  addNode(net, "Relu", {"x"}, {"y"}, "again");
  addNode(net, "Foreign", {"x"}, {"z"}).set_domain("not.imported");
  addOutput(net, "missing");
  addOutput(net, "y");
  addOutput(net, "y");
  EXPECT_FALSE(import(model));
  for (const char *message :
       {"input 1 of node 'sum' (Add) 'nowhere' is not defined", "value 'y' is defined twice",
        "node #2 (Foreign) belongs to domain 'not.imported', which the model does not import",
        "the graph's output 'missing' is not defined", "output 'y' is listed twice"})
    EXPECT_NE(errors.find(message), std::string::npos) << message << " in\n" << errors;
  EXPECT_EQ(numErrors, 5u) << errors;
}

TEST_F(GraphTest, LocatesErrorsInTheFile) {
  ::onnx::ModelProto model = makeRelu();
  addNode(*model.mutable_graph(), "Add", {"x", "nowhere"}, {"z"}, "sum");
  std::string location;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    llvm::raw_string_ostream(location) << diagnostic.getLocation();
  });
  EXPECT_FALSE(import(model));
  EXPECT_EQ(location, "loc(\"node 'sum' (Add)\"(\"test.onnx\":2:0))");
}

TEST_F(GraphTest, TurnsGraphsIntoRegions) {
  ::onnx::ModelProto model = makeModel();
  ::onnx::GraphProto &net = *model.mutable_graph();
  addInput(net, "x");
  addInput(net, "n", {}, 7);
  ::onnx::NodeProto &loop = addNode(net, "Loop", {"n", "", "x"}, {"y"});
  auto *body = addAttribute(loop, "body", ::onnx::AttributeProto::GRAPH).mutable_g();
  addInput(*body, "i", {}, 7);
  addInput(*body, "go", {}, 9);
  addInput(*body, "v");
  addInitializer(*body, "two", 1, {2}).set_raw_data(std::string(8, '\0'));
  addNode(*body, "Add", {"v", "x"}, {"sum"});
  addNode(*body, "Mul", {"sum", "two"}, {"w"});
  addOutput(*body, "go");
  addOutput(*body, "w");
  addOutput(net, "y");
  ASSERT_TRUE(import(model)) << errors;
  graph::NodeOp node = getNodes("Loop").at(0);
  Region *region = node.getNamedRegion("body");
  ASSERT_TRUE(region);
  EXPECT_FALSE(node.getNamedRegion("other"));
  Builder builder(&context);
  EXPECT_EQ(node.getArgNames()[0], builder.getStrArrayAttr({"i", "go", "v"}));
  auto declared = cast<ArrayAttr>((*node.getArgDeclaredTypes())[0]);
  EXPECT_EQ(cast<TypeAttr>(declared[1]).getValue(), RankedTensorType::get({}, builder.getI1Type()));
  EXPECT_TRUE(isa<graph::AnyType>(region->getArgument(2).getType()));
  graph::NodeOp sum = getNodes("Add").at(0);
  EXPECT_EQ(sum.getInputs()[0], region->getArgument(2));
  EXPECT_EQ(sum.getInputs()[1], getMain().getArgument(0)); // captured
  auto yield = cast<graph::YieldOp>(region->front().getTerminator());
  EXPECT_EQ(yield.getNames(), builder.getStrArrayAttr({"go", "w"}));
  EXPECT_EQ(yield.getValues()[0], region->getArgument(1));
}

TEST_F(GraphTest, ABranchMayReturnAnOuterValueAndHideNames) {
  ::onnx::ModelProto model = makeModel();
  ::onnx::GraphProto &net = *model.mutable_graph();
  addInput(net, "x");
  addInput(net, "c", {}, 9);
  ::onnx::NodeProto &node = addNode(net, "If", {"c"}, {"y"});
  auto *then = addAttribute(node, "then_branch", ::onnx::AttributeProto::GRAPH).mutable_g();
  addOutput(*then, "x");
  auto *otherwise = addAttribute(node, "else_branch", ::onnx::AttributeProto::GRAPH).mutable_g();
  addNode(*otherwise, "Constant", {}, {"x"}).add_attribute()->set_name("value_float");
  otherwise->mutable_node(0)->mutable_attribute(0)->set_f(2.0f);
  addOutput(*otherwise, "x");
  addOutput(net, "y");
  ASSERT_TRUE(import(model)) << errors;
  graph::NodeOp op = getNodes("If").at(0);
  auto thenYield = cast<graph::YieldOp>(op.getNamedRegion("then_branch")->front().getTerminator());
  EXPECT_EQ(thenYield.getValues()[0], getMain().getArgument(0));
  auto elseYield = cast<graph::YieldOp>(op.getNamedRegion("else_branch")->front().getTerminator());
  EXPECT_TRUE(elseYield.getValues()[0].getDefiningOp<graph::ConstantOp>());
}

TEST_F(GraphTest, AnInitializerIsNoInput) {
  ::onnx::ModelProto model = makeModel();
  ::onnx::GraphProto &net = *model.mutable_graph();
  addInput(net, "x");
  addInput(net, "w");
  addInitializer(net, "w", 1, {2}).set_raw_data(std::string(8, '\0'));
  addNode(net, "Add", {"x", "w"}, {"y"});
  addOutput(net, "y");
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getMain().getNumArguments(), 1u);
  EXPECT_TRUE(getNodes("Add").at(0).getInputs()[1].getDefiningOp<graph::ConstantOp>());
}

TEST_F(GraphTest, FindsConstantsThroughIdentity) {
  ::onnx::ModelProto model = makeModel();
  ::onnx::GraphProto &net = *model.mutable_graph();
  addInput(net, "x");
  addInitializer(net, "w", 1, {2}).set_raw_data(std::string(8, '\0'));
  addNode(net, "Identity", {"w"}, {"v"});
  addNode(net, "Add", {"x", "v"}, {"y"});
  addOutput(net, "y");
  ASSERT_TRUE(import(model)) << errors;
  graph::NodeOp add = getNodes("Add").at(0);
  EXPECT_EQ(graph::getConstant(add.getInputs()[1]), getConstant("w"));
  EXPECT_FALSE(graph::getConstant(add.getInputs()[0]));
  EXPECT_FALSE(graph::getConstant(add.getResult(0)));
}

TEST_F(GraphTest, RefusesVersionsItDoesNotKnow) {
  ::onnx::ModelProto model = makeRelu();
  model.mutable_opset_import(0)->set_version(kMinOpset - 1);
  EXPECT_IMPORT_ERROR(model, "of domain 'ai.onnx'; versions " + std::to_string(kMinOpset));
  model.mutable_opset_import(0)->set_version(kMaxOpset + 1);
  EXPECT_IMPORT_ERROR(model, "of domain 'ai.onnx'; versions");
  model.mutable_opset_import(0)->set_version(kMaxOpset);
  EXPECT_TRUE(import(model)) << errors;
  model.set_ir_version(kMaxIrVersion + 1);
  EXPECT_IMPORT_ERROR(model, "the model has version 15 of ONNX's format");
  model.set_ir_version(kMinIrVersion - 1);
  EXPECT_IMPORT_ERROR(model, "the model has version 2 of ONNX's format");
  model = makeRelu();
  *model.add_opset_import() = model.opset_import(0);
  model.mutable_opset_import(1)->set_domain("ai.onnx");
  EXPECT_TRUE(import(model)) << errors;
  model.mutable_opset_import(1)->set_version(16);
  EXPECT_IMPORT_ERROR(model, "the model imports versions 17 and 16 of domain 'ai.onnx'");
}

TEST_F(GraphTest, RefusesBadInputs) {
  ::onnx::ModelProto model = makeRelu();
  addInput(*model.mutable_graph(), "x");
  EXPECT_IMPORT_ERROR(model, "input 'x' is listed twice");
  model = makeRelu();
  addInput(*model.mutable_graph(), "negative", {2, -3});
  EXPECT_IMPORT_ERROR(model, "input 'negative' has size -3 in dimension 1");
  model = makeRelu();
  addInput(*model.mutable_graph(), "huge", {int64_t(1) << 40, int64_t(1) << 40});
  EXPECT_IMPORT_ERROR(model, "input 'huge' has more elements than can be counted");
  model = makeRelu();
  addInput(*model.mutable_graph(), "odd", {2}, 77);
  EXPECT_IMPORT_ERROR(model, "input 'odd' has element type 77, which is not one of ONNX's");
  model = makeRelu();
  model.mutable_graph()->add_input()->set_name("untyped");
  EXPECT_IMPORT_ERROR(model, "input 'untyped' has no type");
  model = makeRelu();
  addInput(*model.mutable_graph(), "");
  EXPECT_IMPORT_ERROR(model, "input 1 has no name");
}
