// Builds the module of a parsed model.
#pragma once
#include "compiler/Import/Onnx/Import.h"
#include "compiler/Import/Onnx/Order.h"
#include "compiler/Import/Onnx/Report.h"
#include "compiler/Import/Onnx/Tensors.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"

namespace longtail::onnx {

struct Scope;

/// The body of the model or of a function at one of its calls.
struct Frame {
  /// Null for the model, as is `caller`.
  const ::onnx::FunctionProto *function = nullptr;
  Frame *caller = nullptr;
  std::optional<mlir::Location> callLoc;
  /// Versions of domains; ONNX's own is "".
  llvm::StringMap<int64_t> opsets;
  /// Before the names of a function's nodes and values; the outputs have those of the call.
  std::string prefix;
  llvm::StringMap<llvm::StringRef> outputNames;
  /// What the call passes, and the scope in which graphs of it are to be read.
  struct Argument {
    const ::onnx::AttributeProto *attribute;
    Scope *scope;
  };
  llvm::StringMap<Argument> arguments;
};

/// The values of one graph. A name hides those of the graphs around.
struct Scope {
  Frame &frame;
  Scope *parent = nullptr;
  llvm::StringMap<mlir::Value> values = {};
  llvm::StringMap<const ::onnx::TypeProto *> declaredTypes = {};

  mlir::Value lookup(llvm::StringRef name) const;
};

/// The attributes of a node, with the references of a function's body resolved.
struct NodeAttributes {
  mlir::NamedAttrList values;
  struct Graph {
    llvm::StringRef name;
    const ::onnx::GraphProto *graph;
    Scope *scope;
  };
  llvm::SmallVector<Graph> graphs;
};

class ModelBuilder {
public:
  ModelBuilder(mlir::MLIRContext *context, const ::onnx::ModelProto &model, TensorReader &tensors,
               Report &report, const ImportOptions &options)
      : builder(context), model(model), tensors(tensors), report(report), options(options) {}

  /// The module; null if errors were reported.
  mlir::OwningOpRef<mlir::ModuleOp> build(llvm::StringRef fileName);

private:
  using OpsetList = google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto>;

  // ModelBuilder.cpp
  void readOpsets(const OpsetList &imports, mlir::Location loc, const llvm::Twine &importer,
                  llvm::StringMap<int64_t> &opsets);
  void setModuleAttributes(mlir::ModuleOp module, const Frame &frame, llvm::StringRef fileName);
  void buildMain(mlir::func::FuncOp function, Scope &scope);

  // GraphBuilder.cpp
  void addInitializers(const ::onnx::GraphProto &graph, Scope &scope);
  void addDeclaredTypes(const ::onnx::GraphProto &graph, Scope &scope);
  void buildNodes(const NodeList &nodes, Scope &scope);
  /// Fills an empty region; returns the names and the declared types of its arguments.
  std::pair<mlir::ArrayAttr, mlir::ArrayAttr> buildRegion(const ::onnx::GraphProto &graph,
                                                          mlir::Region &region, Scope &outer,
                                                          mlir::Location loc);
  /// Names a value; complains if the name is taken.
  void define(Scope &scope, llvm::StringRef name, mlir::Value value, mlir::Location loc);
  /// The value of a name, or nothing and a complaint that `reader` reads it.
  mlir::Value use(const Scope &scope, llvm::StringRef name, mlir::Location loc,
                  const llvm::Twine &reader);
  /// What the model says of a value, `none` where it says nothing usable.
  mlir::Type getDeclaredType(const Scope &scope, llvm::StringRef name);
  /// The name of a value or node of `frame` in the module.
  std::string getUniqueName(const Frame &frame, llvm::StringRef name);
  mlir::Value getNone();

  // NodeBuilder.cpp
  void buildNode(const ::onnx::NodeProto &node, unsigned index, Scope &scope);
  void buildConstant(const ::onnx::NodeProto &node, const NodeAttributes &attributes,
                     mlir::Location loc, const std::string &text, Scope &scope);

  // Attributes.cpp
  NodeAttributes readAttributes(const ::onnx::NodeProto &node, mlir::Location loc,
                                const std::string &text, Scope &scope);
  llvm::Expected<mlir::Attribute> convertAttribute(const ::onnx::AttributeProto &attribute,
                                                   llvm::StringRef tensorName);

  // Functions.cpp
  void readFunctions();
  /// The function that a node calls, or null for an operator of `version`.
  const ::onnx::FunctionProto *findFunction(const ::onnx::NodeProto &node, int64_t version) const;
  void inlineCall(const ::onnx::FunctionProto &function, const ::onnx::NodeProto &node,
                  mlir::Location loc, const std::string &text, Scope &scope);
  void collectNames(const ::onnx::GraphProto &graph);

  mlir::OpBuilder builder;
  const ::onnx::ModelProto &model;
  TensorReader &tensors;
  Report &report;
  const ImportOptions &options;
  mlir::Block *entry = nullptr;
  mlir::Value none;
  uint64_t numNodes = 0;
  /// Graphs and calls around the one that is being built.
  unsigned depth = 0;
  /// Nodes were left out after a complaint, so names may be undefined for no other reason.
  bool isIncomplete = false;
  llvm::StringMap<const ::onnx::FunctionProto *> functions;
  /// Names of values, kept only where functions may add to them, and the number to be tried next
  /// where another value wants the same name.
  llvm::StringMap<unsigned> usedNames;
};

/// The name of a domain without its alias "ai.onnx".
llvm::StringRef normalizeDomain(llvm::StringRef domain);

} // namespace longtail::onnx
