// The bodies that ONNX gives for some of its own operators.
#pragma once
#include "onnx-ml.pb.h"
#include "llvm/ADT/StringRef.h"

namespace longtail::onnx {

/// The body for an operator of `version`, or null. It lives as long as the process.
const ::onnx::FunctionProto *findStandardFunction(llvm::StringRef domain, llvm::StringRef name,
                                                  int64_t version);

/// How many of the first inputs a call must give: 0 for a function of a model, which cannot say.
unsigned getRequiredInputs(const ::onnx::FunctionProto &function);

} // namespace longtail::onnx
