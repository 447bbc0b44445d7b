#include "compiler/Import/Onnx/Report.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/MLIRContext.h"

using namespace mlir;
using namespace longtail::onnx;

/// More would not help anyone to repair the model.
static constexpr unsigned kMaxErrors = 100;

// Column 0 tells MLIR's printers that the model's file has no text to show.
Report::Report(MLIRContext &context, llvm::StringRef file)
    : file(StringAttr::get(&context, file)), fileLoc(FileLineColLoc::get(this->file, 0, 0)) {}

std::string longtail::onnx::describeNode(llvm::StringRef name, llvm::StringRef opType,
                                         unsigned index) {
  std::string quoted = name.empty() ? "#" + std::to_string(index) : "'" + name.str() + "'";
  return "node " + quoted + " (" + opType.str() + ")";
}

Location Report::getNodeLoc(llvm::StringRef name, llvm::StringRef opType, unsigned index) const {
  return NameLoc::get(StringAttr::get(file.getContext(), describeNode(name, opType, index)),
                      FileLineColLoc::get(file, index + 1, 0));
}

Location Report::getValueLoc(llvm::StringRef name) const {
  return name.empty() ? fileLoc : NameLoc::get(StringAttr::get(file.getContext(), name), fileLoc);
}

void Report::error(Location loc, const llvm::Twine &message) {
  if (++numErrors <= kMaxErrors)
    emitError(loc) << message;
  else if (numErrors == kMaxErrors + 1)
    emitError(fileLoc) << "more errors are not shown";
}

void Report::error(Location loc, const llvm::Twine &context, llvm::Error error) {
  this->error(loc, context + llvm::toString(std::move(error)));
}
