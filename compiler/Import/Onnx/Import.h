// Reads an ONNX model into the graph dialect.
//
// The model's tensors are not copied: the attributes of the module refer to the mapped file, which
// stays mapped until the context is destroyed and must not change meanwhile. Every complaint is an
// error of the context's diagnostics; all that can be found are reported at once.
#pragma once
#include "compiler/Limits.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <functional>

namespace longtail::onnx {

// The versions of ONNX that are read.
inline constexpr int64_t kMinIrVersion = 3, kMaxIrVersion = 14;
inline constexpr int64_t kMinOpset = 1, kMaxOpset = 28;

/// What a model may cost at most.
struct ImportOptions {
  /// Nodes in all graphs, each function counted as often as it is called.
  uint64_t maxNodes = limits::kNodes;
  /// Graphs and function calls within each other.
  unsigned maxDepth = limits::kDepth;
  /// Bytes of the model's file without its tensors.
  uint64_t maxReducedBytes = limits::kReducedBytes;
  /// Bytes of all sparse tensors as dense ones.
  uint64_t maxSparseBytes = limits::kSparseBytes;
  /// Whether an operator (domain, name, version) is to stay a node. Others are replaced by the
  /// bodies that ONNX gives for them, where it does. Without it, all stay.
  std::function<bool(llvm::StringRef, llvm::StringRef, int64_t)> isOperator = {};
  /// Whether nodes may carry IR of the operator language (domain "longtail.language"). IR can do
  /// what code can, so this is for models whose nodes were just made of operators at hand, never
  /// for a model as it came.
  bool mayCarryCode = false;
};

/// Reads the model in file `path`. External data is found beneath the file's folder only, never
/// through links. Loads the dialects that it needs into `context`.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importFile(llvm::StringRef path, mlir::MLIRContext &context, const ImportOptions &options = {});

/// Reads the model in `bytes`, which are copied. `name` stands for the file's name. The model must
/// not have external data.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> importBytes(llvm::StringRef bytes,
                                                               llvm::StringRef name,
                                                               mlir::MLIRContext &context,
                                                               const ImportOptions &options = {});

} // namespace longtail::onnx
