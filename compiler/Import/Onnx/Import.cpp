#include "compiler/Import/Onnx/Import.h"
#include "compiler/Import/Onnx/ModelBuilder.h"
#include "compiler/Import/Onnx/Reduce.h"
#include "dialects/Graph/IR/Graph.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/Path.h"
#include <google/protobuf/io/coded_stream.h>

using namespace mlir;
using namespace longtail::onnx;
namespace graph = longtail::graph;

/// Messages within each other that the deepest model has: three for each graph, and a type's.
static constexpr int kMessagesPerGraph = 3, kOtherMessages = 64;

static FailureOr<OwningOpRef<ModuleOp>> import(std::shared_ptr<const Storage> storage,
                                               std::optional<std::string> folder,
                                               llvm::StringRef fileName, MLIRContext &context,
                                               const ImportOptions &options, Report &report) {
  context.loadDialect<graph::GraphDialect, func::FuncDialect>();
  llvm::Expected<std::string> reduced = reduceModel(storage->bytes(), options);
  if (!reduced) {
    report.error(report.getFileLoc(), "the file ", reduced.takeError());
    return failure();
  }
  ::onnx::ModelProto model;
  {
    google::protobuf::io::CodedInputStream stream(
        reinterpret_cast<const uint8_t *>(reduced->data()), static_cast<int>(reduced->size()));
    stream.SetRecursionLimit(static_cast<int>(options.maxDepth) * kMessagesPerGraph +
                             kOtherMessages);
    if (reduced->size() > INT_MAX || !model.ParseFromCodedStream(&stream) ||
        !stream.ConsumedEntireMessage()) {
      report.error(report.getFileLoc(), "the file is not an ONNX model or is truncated");
      return failure();
    }
    std::string().swap(*reduced);
  }
  TensorReader tensors(&context, TensorDataSource(std::move(storage), std::move(folder)), options);
  ModelBuilder builder(&context, model, tensors, report, options);
  OwningOpRef<ModuleOp> module = builder.build(fileName);
  if (!module || failed(verify(*module)))
    return failure();
  return module;
}

FailureOr<OwningOpRef<ModuleOp>> longtail::onnx::importFile(llvm::StringRef path,
                                                            MLIRContext &context,
                                                            const ImportOptions &options) {
  llvm::StringRef fileName = llvm::sys::path::filename(path);
  Report report(context, fileName);
  llvm::Expected<std::shared_ptr<const Storage>> storage = Storage::map(path);
  if (!storage) {
    report.error(report.getFileLoc(), "'" + path + "' ", storage.takeError());
    return failure();
  }
  return import(*storage, llvm::sys::path::parent_path(path).str(), fileName, context, options,
                report);
}

FailureOr<OwningOpRef<ModuleOp>> longtail::onnx::importBytes(llvm::StringRef bytes,
                                                             llvm::StringRef name,
                                                             MLIRContext &context,
                                                             const ImportOptions &options) {
  Report report(context, name);
  return import(Storage::copy(bytes), std::nullopt, name, context, options, report);
}
