// The arithmetic of regions on single numbers: what each operation of `arith` and `math` means.
#pragma once
#include "mlir/IR/Operation.h"
#include <functional>

namespace longtail::interpreter {

/// A number as the bits of its type, above which all bits are 0. One that is not defined is poison:
/// nobody wrote it, or an operation has no result for its operands.
struct Scalar {
  uint64_t bits = 0;
  bool defined = false;

  static Scalar of(uint64_t bits) { return {bits, true}; }
};

/// The bits of a number of a type that regions compute with; 64 for an index, 0 for other types.
unsigned widthOf(mlir::Type type);

/// The bits of a constant number.
Scalar scalarOf(mlir::Attribute value);

/// A number as signed integer, and back, wrapped.
int64_t toInteger(Scalar value, unsigned width);
Scalar fromInteger(int64_t value, unsigned width);

/// A floating-point number of at most 64 bits, and back, rounded to nearest even.
double toDouble(Scalar value, const llvm::fltSemantics &semantics);
Scalar fromDouble(double value, const llvm::fltSemantics &semantics);

/// A number as text for messages. Integers are read as signed ones.
std::string textOf(Scalar value, mlir::Type type);

/// The result of an operation for its operands, of which any may be poison.
using Evaluate = std::function<Scalar(const Scalar *)>;

/// What an operation of `arith` or `math` with one result computes; null for all others.
Evaluate evaluatorOf(mlir::Operation *op);

} // namespace longtail::interpreter
