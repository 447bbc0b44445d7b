#include "compiler/Import/Onnx/StandardFunctions.h"
#include "compiler/Import/Onnx/ModelBuilder.h"
#include "llvm/Support/ErrorHandling.h"

using namespace longtail::onnx;

/// A ModelProto that standard_functions.py wrote; a zero byte at the end keeps it from being empty.
static const unsigned char kBytes[] = {
#include "StandardFunctions.inc"
    0};

static const ::onnx::ModelProto &getModel() {
  static const ::onnx::ModelProto *model = [] {
    auto *parsed = new ::onnx::ModelProto;
    if (!parsed->ParseFromArray(kBytes, sizeof(kBytes) - 1))
      llvm::report_fatal_error("the bodies of ONNX's functions were built wrongly");
    return parsed;
  }();
  return *model;
}

const ::onnx::FunctionProto *longtail::onnx::findStandardFunction(llvm::StringRef domain,
                                                                  llvm::StringRef name,
                                                                  int64_t version) {
  // The newest definition of the operator that is not newer than the call; it may have several
  // bodies, of which those written for later versions say the same.
  const ::onnx::FunctionProto *found = nullptr;
  int64_t newest = 0;
  for (const ::onnx::FunctionProto &function : getModel().functions()) {
    int64_t since = 0;
    if (function.name() != name || normalizeDomain(function.domain()) != normalizeDomain(domain) ||
        llvm::StringRef(function.doc_string()).getAsInteger(10, since))
      continue;
    if (since <= version && since > newest) {
      newest = since;
      found = &function;
    }
  }
  return found;
}

unsigned longtail::onnx::getRequiredInputs(const ::onnx::FunctionProto &function) {
  unsigned count = 0;
  for (const ::onnx::StringStringEntryProto &entry : function.metadata_props())
    if (entry.key() == "required_inputs")
      llvm::StringRef(entry.value()).getAsInteger(10, count);
  return count;
}
