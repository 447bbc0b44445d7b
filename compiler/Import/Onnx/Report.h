// Collects the importer's complaints and says where in the model they arise.
#pragma once
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "llvm/Support/Error.h"

namespace longtail::onnx {

class Report {
public:
  /// `file` is the model's file name without folders.
  Report(mlir::MLIRContext &context, llvm::StringRef file);

  /// The model as a whole.
  mlir::Location getFileLoc() const { return fileLoc; }
  /// The node `index` of its graph, as `node 'name' (Type)`. The line is the index, counted from 1.
  mlir::Location getNodeLoc(llvm::StringRef name, llvm::StringRef opType, unsigned index) const;
  /// The input, output or initializer `name`.
  mlir::Location getValueLoc(llvm::StringRef name) const;

  void error(mlir::Location loc, const llvm::Twine &message);
  void error(mlir::Location loc, const llvm::Twine &context, llvm::Error error);
  bool hasErrors() const { return numErrors != 0; }

private:
  mlir::StringAttr file;
  mlir::Location fileLoc;
  unsigned numErrors = 0;
};

/// How messages name a node.
std::string describeNode(llvm::StringRef name, llvm::StringRef opType, unsigned index);

} // namespace longtail::onnx
