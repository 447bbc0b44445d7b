// The rules of sequences and optionals, see Sequences.h.
#pragma once
#include "passes/Graph/FunctionInference.h"

namespace longtail {

class AggregateRules {
public:
  /// An operator on sequences or optionals. Only the inputs that `takes` names may be some;
  /// indices, lengths and elements are tensors.
  struct Operator {
    enum Takes { Nothing, First, All };
    llvm::StringRef name;
    mlir::LogicalResult (AggregateRules::*rule)();
    Takes takes;
  };
  /// Null for an operator of another kind. Identity is one where its input is.
  static const Operator *find(graph::NodeOp node);

  AggregateRules(FunctionInference &inference, operators::InferContext &context)
      : inference(inference), context(context), node(context.getNode()), builder(node),
        known(inference.getAggregates()) {}

  mlir::LogicalResult run();

private:
  mlir::LogicalResult identity();
  mlir::LogicalResult construct();
  mlir::LogicalResult empty();
  mlir::LogicalResult insert();
  mlir::LogicalResult erase();
  mlir::LogicalResult at();
  mlir::LogicalResult length();
  mlir::LogicalResult concat();
  mlir::LogicalResult split();
  mlir::LogicalResult splitByData(int64_t axis);
  mlir::LogicalResult map();
  mlir::LogicalResult optional();
  mlir::LogicalResult hasElement();
  mlir::LogicalResult getElement();

  /// A new node, inferred.
  mlir::FailureOr<mlir::Value> add(llvm::StringRef op, mlir::ValueRange inputs,
                                   llvm::ArrayRef<mlir::NamedAttribute> attributes = {});
  mlir::Value ints(llvm::ArrayRef<int64_t> values, bool scalar = false);
  mlir::NamedAttribute attribute(llvm::StringRef name, int64_t value) {
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
  }
  mlir::NamedAttribute attribute(llvm::StringRef name, llvm::ArrayRef<int64_t> values) {
    return builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(values));
  }
  mlir::FailureOr<Sequence> sequenceOf(unsigned input);
  /// The same as two tensors; fails where elements differ in rank or type, or where there is none.
  mlir::FailureOr<Sequence> paired(const Sequence &sequence);
  /// A position given by input `i`: constant, counted from the front, and within [0, limit].
  std::optional<int64_t> constantPosition(unsigned i);
  mlir::FailureOr<int64_t> checked(int64_t position, int64_t count, int64_t limit);
  /// The place in the flat data at which element `position` (an i64 vector of one) begins.
  mlir::FailureOr<mlir::Value> offsetOf(const Sequence &pair, mlir::Value position);
  mlir::FailureOr<mlir::Value> positionValue(unsigned input, const Sequence &pair);
  mlir::FailureOr<mlir::Value> slice(mlir::Value value, mlir::Value begin, mlir::Value end);
  mlir::LogicalResult define(Sequence sequence);
  mlir::LogicalResult replace(mlir::FailureOr<mlir::Value> value);

  FunctionInference &inference;
  operators::InferContext &context;
  graph::NodeOp node;
  mlir::OpBuilder builder;
  Aggregates &known;
};

} // namespace longtail
