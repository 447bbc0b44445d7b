// Graphs in nodes as functions of their own.
#pragma once
#include "passes/Graph/FunctionInference.h"
#include "passes/Graph/SizeTranslation.h"

namespace longtail {

/// What graphs read of the graphs around them.
struct Captures {
  /// Nodes whose results are known from constants and sizes, constants and values that are left
  /// out: copied into the function, in this order.
  llvm::SmallVector<mlir::Operation *> copied;
  /// Everything else, of the kinds `kinds`.
  llvm::SmallVector<mlir::Value> values;
  llvm::SmallVector<ValueKind> kinds;
  /// Their parts: arguments.
  llvm::SmallVector<mlir::Value> passed;
};

/// What `bodies` read. Reports a value that cannot be passed; fails silently where an error said
/// why.
mlir::FailureOr<Captures> capturesOf(FunctionInference &inference, operators::InferContext &context,
                                     llvm::ArrayRef<mlir::Region *> bodies);

/// What stands for an argument of a graph: arguments of the function from `position` on, as many as
/// its kind has parts, or a constant.
struct BodyArgument {
  std::optional<unsigned> position;
  mlir::DenseElementsAttr constant;
  ValueKind kind = {};
};

/// A private function with a copy of `body`; the captured values are its last arguments. Its
/// arguments' types are not set yet. `wanted` has the kinds of its first results, where they are to
/// be others than come out.
mlir::func::FuncOp makeFunction(FunctionInference &caller, mlir::Region &body,
                                llvm::StringRef prefix, unsigned numArguments,
                                llvm::ArrayRef<BodyArgument> places, const Captures &captures,
                                llvm::ArrayRef<std::optional<WantedKind>> wanted = {});

/// Infers a function that makeFunction made, called with `arguments`, and tells what its results
/// are. Fails with a diagnostic.
mlir::FailureOr<llvm::SmallVector<ValueKind>> inferFunction(FunctionInference &caller,
                                                            mlir::func::FuncOp function,
                                                            llvm::ArrayRef<Argument> arguments,
                                                            graph::NodeOp node);

/// The argument that a value is.
Argument argumentOf(mlir::Value value);

/// The values that parts of these kinds are, before `builder`'s position: tensors themselves,
/// others assembled.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
assembleAll(FunctionInference &inference, mlir::OpBuilder &builder, mlir::Location loc,
            llvm::ArrayRef<ValueKind> kinds, mlir::ValueRange parts);

/// The element type of what has these parts, and the rank of its elements if that is known, for a
/// value of `kind` that is empty.
WantedKind wantedLike(const ValueKind &kind, const ValueKind &like, mlir::TypeRange parts);

/// Puts the operations of `body` in the node's place, with `arguments` for its arguments, and
/// infers them. What it yields stands for the node's results.
mlir::LogicalResult inlineBody(FunctionInference &inference, graph::NodeOp node, mlir::Region &body,
                               mlir::ValueRange arguments);

/// What body results become in the caller: sizes, with symbols where only the call tells them.
class ResultSizes {
public:
  explicit ResultSizes(extent::SymbolTable &symbols) : symbols(symbols) {}

  /// Adds a result; null sizes are to be measured.
  void add(mlir::Type elementType, llvm::ArrayRef<mlir::AffineExpr> sizes);
  mlir::TypeRange getTypes() const { return types; }
  /// Declares what is measured, behind the operation.
  void declare(mlir::Operation *op);

private:
  struct Measured {
    unsigned result, dim;
    mlir::AffineExpr symbol;
  };
  extent::SymbolTable &symbols;
  llvm::SmallVector<mlir::Type> types;
  llvm::SmallVector<Measured> measured;
};

} // namespace longtail
