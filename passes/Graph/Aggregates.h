// What inference knows of sequences and optionals, and the tensors that stand for them where they
// leave a function: they never become values at run time.
#pragma once
#include "dialects/Graph/IR/Graph.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace longtail {

/// A sequence. Where the number of its elements is known, the elements themselves; otherwise two
/// tensors, a "pair": the values of all elements one after another, and a row of their shape for
/// each, i64 [count, columns]. Rows of elements of lower rank end with `kNoDimension`.
struct Sequence {
  bool isList = true;
  llvm::SmallVector<mlir::Value> elements;
  mlir::Value data, shapes;
  /// Of an empty list, where its node tells one.
  mlir::Type elementType;
  /// Of a pair: no row has `kNoDimension`.
  bool isUniform = false;
};
inline constexpr int64_t kNoDimension = -2; // no dimension of a Reshape

/// An optional.
struct Optional {
  /// What is in it for certain: a tensor or a sequence. Null where nothing is.
  mlir::Value value;
  /// Where only the run tells: a bool, and what is there if it is true, a pair. That of a tensor
  /// has one element.
  mlir::Value has;
  Sequence content;
  bool ofSequence = false;
};

/// How a value is passed on as tensors, its parts: one, the elements of a list, or data and shapes.
/// The flag of an optional that only the run decides comes before.
struct ValueKind {
  enum Form { Tensor, List, Pair, Nothing };
  Form form = Tensor;
  unsigned count = 0; // of a list
  bool isOptional = false, hasFlag = false, ofSequence = false;

  bool isAggregate() const { return form != Tensor || isOptional; }
  /// No part tells the element type.
  bool isEmpty() const { return form == Nothing || (form == List && count == 0); }
  unsigned numParts() const;
  bool operator==(const ValueKind &other) const;
  bool operator!=(const ValueKind &other) const { return !(*this == other); }

  /// As an attribute of a node.
  mlir::Attribute encode(mlir::MLIRContext *context) const;
  static std::optional<ValueKind> decode(mlir::Attribute attribute);
};

/// A kind that a value is brought to, and what its elements are where that cannot be seen.
struct WantedKind {
  ValueKind kind;
  mlir::Type elementType;
  int64_t rank = 0;
};

struct Aggregates {
  llvm::DenseMap<mlir::Value, Sequence> sequences;
  llvm::DenseMap<mlir::Value, Optional> optionals;

  bool contains(mlir::Value value) const {
    return sequences.contains(value) || optionals.contains(value);
  }
  ValueKind kindOf(mlir::Value value) const;
  llvm::SmallVector<mlir::Value> partsOf(mlir::Value value) const;
};

/// The kind that can hold values of both kinds, where only the run tells which. Null where one is a
/// plain tensor and the other is not.
std::optional<ValueKind> unify(const ValueKind &a, const ValueKind &b);

} // namespace longtail
