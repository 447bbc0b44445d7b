// Shape inference of a function and of all bodies that it calls.
#pragma once
#include "compiler/Operators/Registry.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Graph/Sequences.h"

namespace longtail {

/// What the inferences of one module share.
struct ModuleInference {
  /// Null where only a function is there: bodies cannot become functions then.
  mlir::ModuleOp module;
  unsigned numBodies = 0; // made so far; also their names
  unsigned depth = 0;     // of the body that is being inferred
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

  mlir::func::FuncOp getFunction() const { return function; }
  extent::SymbolTable &getSymbols() { return symbols; }
  ModuleInference &getShared() const { return shared; }
  Aggregates &getAggregates() { return aggregates; }
  /// Puts a sequence of `elements` in the place of a node's result.
  void addSequence(mlir::OpResult result, mlir::ValueRange elements);
  /// The number of tensors that stand for each result of the model's graph: the elements of a
  /// sequence, one for a tensor, which is no sequence.
  struct ResultKind {
    bool isSequence = false;
    unsigned count = 1;
    bool operator==(const ResultKind &other) const {
      return isSequence == other.isSequence && count == other.count;
    }
  };
  llvm::ArrayRef<ResultKind> getResultKinds() const { return resultKinds; }

private:
  mlir::LogicalResult seedSymbols();
  /// Reports inputs that are missing or of a kind that no rule can take.
  mlir::LogicalResult checkInputs(operators::InferContext &context, unsigned required,
                                  bool allowAggregates, bool takesText);
  mlir::LogicalResult flattenResults();
  void eraseAggregates();

  mlir::func::FuncOp function;
  extent::SymbolTable symbols;
  ModuleInference &shared;
  Aggregates aggregates;
  llvm::SmallVector<mlir::Operation *> aggregateNodes; // to be erased
  llvm::SmallVector<ResultKind> resultKinds;
};

/// Whether a tensor of `type` can be used: numbers and strings.
bool isElement(mlir::Type type);

/// The rules of nodes with bodies. Each replaces the node.
mlir::LogicalResult inferIf(FunctionInference &inference, operators::InferContext &context);
mlir::LogicalResult inferLoop(FunctionInference &inference, operators::InferContext &context);
mlir::LogicalResult inferScan(FunctionInference &inference, operators::InferContext &context);
mlir::LogicalResult inferFlexAttention(FunctionInference &inference,
                                       operators::InferContext &context);

} // namespace longtail
