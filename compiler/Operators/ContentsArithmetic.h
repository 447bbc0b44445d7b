// Arithmetic on known elements.
#pragma once
#include "compiler/Operators/Registry.h"

namespace longtail::operators {

/// The element that the node's pointwise operator gives for these elements of its operands; nothing
/// where the operator has no rule or the result is no expression.
std::optional<Fraction> evaluateElement(InferContext &context, llvm::ArrayRef<Fraction> args);

/// Two elements of a reduction (ReduceSum, ReduceProd, ReduceMax, ReduceMin).
std::optional<Fraction> combineElements(InferContext &context, llvm::StringRef op,
                                        const Fraction &a, const Fraction &b);

} // namespace longtail::operators
