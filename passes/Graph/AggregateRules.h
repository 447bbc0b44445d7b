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
  /// Internal operators: a value from its parts, and a value in another kind.
  static constexpr llvm::StringLiteral kAssemble = "Assemble", kConvert = "Convert";
  /// Null for an operator of another kind. Identity is one where its input is.
  static const Operator *find(graph::NodeOp node);

  AggregateRules(FunctionInference &inference, operators::InferContext &context)
      : inference(inference), context(context), node(context.getNode()), builder(node),
        known(inference.getAggregates()) {}

  mlir::LogicalResult run();

private:
  mlir::LogicalResult assemble();
  mlir::LogicalResult convert();
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
  mlir::LogicalResult splitEvenly(int64_t axis);
  mlir::LogicalResult map();
  mlir::LogicalResult mapAtRunTime();
  mlir::LogicalResult concatAtRunTime(mlir::Value sequence);
  mlir::LogicalResult optional();
  mlir::LogicalResult hasElement();
  mlir::LogicalResult getElement();

  /// A new node, inferred.
  mlir::FailureOr<mlir::Value> add(llvm::StringRef op, mlir::ValueRange inputs,
                                   llvm::ArrayRef<mlir::NamedAttribute> attributes = {});
  mlir::Value ints(llvm::ArrayRef<int64_t> values, bool scalar = false);
  mlir::Value boolean(bool value);
  mlir::NamedAttribute attribute(llvm::StringRef name, int64_t value) {
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
  }
  mlir::NamedAttribute attribute(llvm::StringRef name, llvm::ArrayRef<int64_t> values) {
    return builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(values));
  }
  mlir::FailureOr<Sequence> sequenceOf(unsigned input);
  mlir::FailureOr<Sequence> sequenceIn(mlir::Value value, unsigned input);
  /// What is in an optional of which the run tells whether it is; the run fails where it is not.
  mlir::LogicalResult requireContent(const Optional &optional);

  /// The sequence as a pair; fails where the elements differ in type. An empty one has elements of
  /// `elementType` and `rank`, if the list tells no type.
  mlir::FailureOr<Sequence> paired(const Sequence &sequence, mlir::Type elementType = {},
                                   int64_t rank = 0);
  mlir::FailureOr<Sequence> emptyPair(mlir::Type elementType, int64_t rank);
  /// Gives the shapes of two pairs the same number of columns.
  mlir::LogicalResult widen(Sequence &a, Sequence &b);
  mlir::FailureOr<mlir::Value> widened(mlir::Value shapes, mlir::Value columns);
  /// The elements' sizes in the flat data, i64 [count].
  mlir::FailureOr<mlir::Value> sizesOf(const Sequence &pair);
  /// Element `place` (an i64 vector of one).
  mlir::FailureOr<mlir::Value> elementAt(const Sequence &pair, mlir::Value place);
  /// Entry `dim` of a shape or the like, a vector of one.
  mlir::FailureOr<mlir::Value> entry(mlir::Value vector, int64_t dim);
  /// The results of a Loop with `trips` trips, inferred; `body` gets the number of the trip and
  /// what is carried, and gives what is carried next.
  using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::OpBuilder &, mlir::Value,
                                                                     mlir::ValueRange)>;
  mlir::FailureOr<llvm::SmallVector<mlir::Value>> loop(mlir::Value trips, mlir::ValueRange carried,
                                                       LoopBody body);
  /// A position given by input `i`: constant, counted from the front, and within [0, limit].
  std::optional<int64_t> constantPosition(unsigned i);
  mlir::FailureOr<int64_t> checked(int64_t position, int64_t count, int64_t limit);
  /// The place in the flat data at which element `position` (an i64 vector of one) begins.
  mlir::FailureOr<mlir::Value> offsetOf(const Sequence &pair, mlir::Value position);
  /// The position that an input gives, counted from the front: of an element, or behind the last.
  /// The run fails where it is another.
  mlir::FailureOr<mlir::Value> positionValue(unsigned input, const Sequence &pair,
                                             bool mayBeBehind);
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
