// The functions of `math`, and the float operations of `arith`, as functions of real numbers.
#pragma once
#include "compiler/Interpreter/Scalars.h"

namespace longtail::interpreter {

/// A function of up to three numbers, in double.
using RealFunction = double (*)(const double *);

/// What an operation on floating-point numbers of one type computes; null for all others.
RealFunction realFunctionOf(mlir::Operation *op);

/// What an operation of `math` on integers, or one that tests a number, computes; null for others.
Evaluate integerFunctionOf(mlir::Operation *op);

} // namespace longtail::interpreter
