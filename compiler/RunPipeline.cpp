#include "compiler/RunPipeline.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "passes/Pipelines.h"

using namespace mlir;

LogicalResult longtail::runPipeline(ModuleOp module, StringRef pipeline, StringRef reproducer) {
  registerAllPasses();
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (failed(parsePassPipeline(pipeline, manager, stream)))
    return module.emitError() << "pipeline '" << pipeline << "': " << message;
  if (!reproducer.empty())
    manager.enableCrashReproducerGeneration(reproducer);
  return manager.run(module);
}
