// What the importer's tests share: making models and looking at the result.
#pragma once
#include "compiler/Import/Onnx/Import.h"
#include "dialects/Graph/IR/Graph.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "onnx-ml.pb.h"
#include <gtest/gtest.h>

namespace longtail::onnx {

using Names = std::initializer_list<const char *>;

/// A model without nodes. Its last bytes are its opset import, so each part of them is no model.
inline ::onnx::ModelProto makeModel(int64_t opset = 17) {
  ::onnx::ModelProto model;
  model.set_ir_version(8);
  auto *import = model.add_opset_import();
  import->set_domain("");
  import->set_version(opset);
  model.mutable_graph()->set_name("net");
  return model;
}

inline void setTensorType(::onnx::TypeProto &type, int element, std::vector<int64_t> dims) {
  type.mutable_tensor_type()->set_elem_type(element);
  auto *shape = type.mutable_tensor_type()->mutable_shape();
  for (int64_t size : dims)
    shape->add_dim()->set_dim_value(size);
}

inline void addInput(::onnx::GraphProto &graph, const char *name, std::vector<int64_t> dims = {2},
                     int element = 1) {
  auto *input = graph.add_input();
  input->set_name(name);
  setTensorType(*input->mutable_type(), element, std::move(dims));
}

inline void addOutput(::onnx::GraphProto &graph, const char *name) {
  graph.add_output()->set_name(name);
}

template <typename Owner>
::onnx::NodeProto &addNode(Owner &owner, const char *opType, Names inputs, Names outputs,
                           const char *name = "") {
  ::onnx::NodeProto *node = owner.add_node();
  node->set_op_type(opType);
  node->set_name(name);
  for (const char *input : inputs)
    node->add_input(input);
  for (const char *output : outputs)
    node->add_output(output);
  return *node;
}

inline ::onnx::AttributeProto &addAttribute(::onnx::NodeProto &node, const char *name,
                                            ::onnx::AttributeProto::AttributeType type) {
  ::onnx::AttributeProto *attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(type);
  return *attribute;
}

inline ::onnx::TensorProto &addInitializer(::onnx::GraphProto &graph, const char *name, int element,
                                           std::vector<int64_t> dims) {
  ::onnx::TensorProto *tensor = graph.add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(element);
  for (int64_t size : dims)
    tensor->add_dims(size);
  return *tensor;
}

/// x -> Relu -> y
inline ::onnx::ModelProto makeRelu() {
  ::onnx::ModelProto model = makeModel();
  addInput(*model.mutable_graph(), "x");
  addNode(*model.mutable_graph(), "Relu", {"x"}, {"y"}, "relu");
  addOutput(*model.mutable_graph(), "y");
  return model;
}

class ImportTest : public ::testing::Test {
protected:
  ImportTest() : context(mlir::MLIRContext::Threading::DISABLED) {
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &diagnostic) {
      errors += diagnostic.str() + "\n";
      ++numErrors;
    });
  }

  /// Imports `bytes`; true if that succeeds, else the complaints are in `errors`.
  bool importBytes(llvm::StringRef bytes) {
    errors.clear();
    numErrors = 0;
    module = {};
    auto result = onnx::importBytes(bytes, "test.onnx", context, options);
    if (mlir::failed(result))
      return false;
    module = std::move(*result);
    return true;
  }
  bool import(const ::onnx::ModelProto &model) { return importBytes(model.SerializeAsString()); }

  mlir::func::FuncOp getMain() { return module->lookupSymbol<mlir::func::FuncOp>("main"); }

  /// Nodes of operator `opType`, also in regions, in their order.
  std::vector<graph::NodeOp> getNodes(llvm::StringRef opType) {
    std::vector<graph::NodeOp> nodes;
    module->walk<mlir::WalkOrder::PreOrder>([&](graph::NodeOp node) {
      if (node.getOpType() == opType)
        nodes.push_back(node);
    });
    return nodes;
  }

  /// The elements of constant `name`, or null.
  mlir::ElementsAttr getConstant(llvm::StringRef name) {
    mlir::ElementsAttr found;
    module->walk([&](graph::ConstantOp constant) {
      if (constant.getName() == name)
        found = constant.getValue();
    });
    return found;
  }

  mlir::MLIRContext context;
  ImportOptions options;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string errors;
  unsigned numErrors = 0;
};

/// Checks that importing `model` fails with a message that contains `message`.
#define EXPECT_IMPORT_ERROR(model, message)                                                        \
  do {                                                                                             \
    EXPECT_FALSE(import(model));                                                                   \
    EXPECT_NE(errors.find(message), std::string::npos) << errors;                                  \
  } while (false)

} // namespace longtail::onnx
