// Fuzz target: the importer of ONNX models, and the graph phase on what it accepts. Each refusal
// must say why.
#include "compiler/Import/Onnx/Import.h"
#include "compiler/Operators/Registry.h"
#include "compiler/RunPipeline.h"
#include "dialects/Graph/IR/Graph.h"
#include "dialects/Register.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "onnx-ml.pb.h"
#include "passes/Pipelines.h"
#include <cstdlib>
#include <random>

using namespace longtail;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maximum);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // Types and attributes stay in the context: a new one now and then keeps the memory bounded.
  static std::unique_ptr<mlir::MLIRContext> context;
  static unsigned uses = 0;
  static unsigned complaints = 0;
  if (!context || ++uses == 200) {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    context = std::make_unique<mlir::MLIRContext>(registry, mlir::MLIRContext::Threading::DISABLED);
    context->loadAllAvailableDialects();
    context->getDiagEngine().registerHandler([](mlir::Diagnostic &diagnostic) {
      if (diagnostic.str().empty())
        abort();
      complaints += diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
    });
    uses = 0;
  }
  longtail::onnx::ImportOptions limits;
  limits.maxNodes = 2000;
  limits.maxReducedBytes = 1 << 20;
  limits.maxSparseBytes = 1 << 20;
  limits.isOperator = [](llvm::StringRef domain, llvm::StringRef name, int64_t version) {
    return operators::Registry::builtin().lookup(domain, name, version) != nullptr;
  };
  complaints = 0;
  auto module = longtail::onnx::importBytes(
      llvm::StringRef(reinterpret_cast<const char *>(data), size), "fuzz", *context, limits);
  if (mlir::failed(module)) {
    if (complaints == 0)
      abort();
    return 0;
  }
  if (mlir::failed(runPipeline(**module, graphPipeline(PipelineOptions())))) {
    if (complaints == 0)
      abort();
  } else if (mlir::failed(mlir::verify(**module))) {
    abort();
  }
  return 0;
}

// Half of the mutations keep the encoding intact: a number, a name or a node of the parsed model
// changes. The other half are of bytes.
namespace {

class ModelMutator {
public:
  explicit ModelMutator(unsigned seed) : random(seed) {}

  void mutate(::onnx::ModelProto &model) {
    if (pick(20) == 0 && model.opset_import_size() > 0)
      return model.mutable_opset_import(0)->set_version(number());
    mutate(*model.mutable_graph(), 0);
  }

private:
  size_t pick(size_t count) { return random() % count; }

  int64_t number() {
    static constexpr int64_t values[] = {0,         1,         2,         3,        4,  8,
                                         64,        -1,        -2,        -3,       17, 1ll << 31,
                                         1ll << 32, INT64_MIN, INT64_MAX, 1ll << 62};
    return values[pick(std::size(values))];
  }

  template <typename List> auto *any(List *list) {
    return list->empty() ? nullptr : list->Mutable(static_cast<int>(pick(list->size())));
  }

  void mutate(::onnx::GraphProto &graph, int depth) {
    switch (pick(6)) {
    case 0:
      if (auto *tensor = any(graph.mutable_initializer()))
        return mutate(*tensor);
      [[fallthrough]];
    case 1:
      if (auto *input = any(graph.mutable_input()))
        return mutate(*input->mutable_type());
      [[fallthrough]];
    case 2:
      if (auto *node = any(graph.mutable_node()))
        return rewire(graph, *node);
      return;
    case 3:
      if (graph.node_size() > 1 && pick(2)) {
        graph.mutable_node()->DeleteSubrange(static_cast<int>(pick(graph.node_size())), 1);
        return;
      }
      if (graph.node_size() > 0 && graph.node_size() < 50) {
        ::onnx::NodeProto copy = graph.node(static_cast<int>(pick(graph.node_size())));
        for (std::string &output : *copy.mutable_output())
          output += "'";
        *graph.add_node() = copy;
      }
      return;
    default:
      if (auto *node = any(graph.mutable_node()))
        mutate(*node, depth);
    }
  }

  void rewire(::onnx::GraphProto &graph, ::onnx::NodeProto &node) {
    std::string source = "nowhere";
    if (auto *other = any(graph.mutable_node()); other && other->output_size() && pick(2))
      source = other->output(0);
    else if (auto *input = any(graph.mutable_input()); input && pick(2))
      source = input->name();
    else if (auto *tensor = any(graph.mutable_initializer()))
      source = tensor->name();
    if (node.input_size() == 0 || pick(4) == 0)
      node.add_input(source);
    else
      *any(node.mutable_input()) = pick(5) ? source : "";
  }

  void mutate(::onnx::NodeProto &node, int depth) {
    ::onnx::AttributeProto *attribute = any(node.mutable_attribute());
    if (!attribute || pick(8) == 0) {
      if (node.output_size() && pick(2))
        node.add_output(node.output(0) + "+");
      else if (node.input_size())
        node.mutable_input()->RemoveLast();
      return;
    }
    if (attribute->has_g() && depth < 4)
      return mutate(*attribute->mutable_g(), depth + 1);
    if (attribute->has_t())
      return mutate(*attribute->mutable_t());
    if (attribute->has_i())
      return attribute->set_i(number());
    if (attribute->ints_size() > 0) {
      if (pick(5) == 0)
        attribute->add_ints(number());
      else
        attribute->set_ints(static_cast<int>(pick(attribute->ints_size())), number());
      return;
    }
    if (pick(2))
      attribute->set_type(static_cast<::onnx::AttributeProto::AttributeType>(pick(15)));
    else
      node.mutable_attribute()->RemoveLast();
  }

  void mutate(::onnx::TensorProto &tensor) {
    if (tensor.dims_size() > 0 && pick(2))
      return tensor.set_dims(static_cast<int>(pick(tensor.dims_size())), number());
    if (pick(4) == 0)
      return tensor.add_dims(number());
    if (pick(4) == 0)
      return tensor.set_data_type(static_cast<int>(pick(26)));
    if (tensor.int64_data_size() > 0)
      return tensor.set_int64_data(static_cast<int>(pick(tensor.int64_data_size())), number());
    if (std::string *raw = tensor.mutable_raw_data(); raw->size() >= 8) {
      int64_t value = number();
      memcpy(raw->data() + pick(raw->size() / 8) * 8, &value, 8);
    }
  }

  void mutate(::onnx::TypeProto &type) {
    auto *tensor = type.mutable_tensor_type();
    auto *shape = tensor->mutable_shape();
    if (pick(4) == 0)
      return tensor->set_elem_type(static_cast<int>(pick(26)));
    if (shape->dim_size() == 0 || pick(5) == 0)
      return shape->add_dim()->set_dim_value(number());
    auto *dim = any(shape->mutable_dim());
    if (pick(2))
      dim->set_dim_param("N");
    else
      dim->set_dim_value(number());
  }

  std::minstd_rand random;
};

} // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maximum,
                                          unsigned int seed) {
  ::onnx::ModelProto model;
  if (seed % 4 != 0 && model.ParseFromArray(data, static_cast<int>(size))) {
    ModelMutator mutator(seed / 4);
    for (unsigned n = 1 + seed / 4 % 3; n > 0; --n)
      mutator.mutate(model);
    if (std::string bytes = model.SerializeAsString(); bytes.size() <= maximum) {
      memcpy(data, bytes.data(), bytes.size());
      return bytes.size();
    }
  }
  return LLVMFuzzerMutate(data, size, maximum);
}
