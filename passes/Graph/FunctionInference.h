// Shape inference of a function and of all bodies that it calls.
#pragma once
#include "compiler/Operators/Registry.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Graph/Sequences.h"
#include "llvm/ADT/SetVector.h"

namespace longtail {

/// What the inferences of one module share.
struct ModuleInference {
  /// Null where only a function is there: bodies cannot become functions then.
  mlir::ModuleOp module;
  unsigned numBodies = 0; // made so far; also their names
  unsigned depth = 0;     // of the body that is being inferred
  size_t numCopies = 0;   // of nodes after branches
};

class FunctionInference {
public:
  FunctionInference(mlir::func::FuncOp function, ModuleInference &shared)
      : function(function), symbols(function), shared(shared) {}

  /// Gives every value of the function a type. Arguments that have none with sizes get symbols.
  mlir::LogicalResult run();

  mlir::LogicalResult infer(graph::NodeOp node);
  /// Infers nodes that were just put in, in their order.
  mlir::LogicalResult infer(llvm::ArrayRef<mlir::Operation *> ops);

  /// Infers a node after all others of the function.
  void postpone(graph::NodeOp node) { postponed.push_back(node); }
  /// Leaves an operation that another one has replaced where it is, uninferred, until the end:
  /// lists of what is to be inferred may have it.
  void abandon(mlir::Operation *op) { abandoned.insert(op); }
  bool isAbandoned(mlir::Operation *op) const { return abandoned.contains(op); }

  mlir::func::FuncOp getFunction() const { return function; }
  extent::SymbolTable &getSymbols() { return symbols; }
  ModuleInference &getShared() const { return shared; }
  Aggregates &getAggregates() { return aggregates; }
  /// How each result of the graph is given as results of the function.
  llvm::ArrayRef<ValueKind> getResultKinds() const { return resultKinds; }

private:
  /// Splits arguments that are sequences and optionals into their parts.
  mlir::LogicalResult splitArguments();
  mlir::LogicalResult seedSymbols();
  /// Reports inputs that are missing or of a kind that no rule can take.
  mlir::LogicalResult checkInputs(operators::InferContext &context, unsigned required,
                                  bool takesText);
  mlir::LogicalResult flattenResults();
  /// A value that leaves the model, in a form that is not nothing.
  mlir::FailureOr<mlir::Value> withParts(mlir::Value value);
  void eraseReplaced();
  /// Names the results that are parts, and says in `graph.interface` of what.
  void describeInterface();

  mlir::func::FuncOp function;
  extent::SymbolTable symbols;
  ModuleInference &shared;
  Aggregates aggregates;
  llvm::SmallVector<mlir::Operation *> aggregateNodes; // to be erased
  llvm::SmallVector<ValueKind> resultKinds;
  std::vector<graph::NodeOp> postponed;
  llvm::SmallSetVector<mlir::Operation *, 4> abandoned;
};

/// Whether a tensor of `type` can be used: numbers and strings.
bool isElement(mlir::Type type);

/// The rules of nodes with bodies. Each replaces the node.
mlir::LogicalResult inferIf(FunctionInference &inference, operators::InferContext &context);
mlir::LogicalResult inferLoop(FunctionInference &inference, operators::InferContext &context);
mlir::LogicalResult inferScan(FunctionInference &inference, operators::InferContext &context);
mlir::LogicalResult inferFlexAttention(FunctionInference &inference,
                                       operators::InferContext &context);
mlir::LogicalResult inferLanguageCall(FunctionInference &inference,
                                      operators::InferContext &context);

} // namespace longtail
