#include "compiler/RunPipeline.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "passes/Pipelines.h"

using namespace mlir;

namespace {
class Observer : public PassInstrumentation {
public:
  Observer(ModuleOp module, longtail::AfterPass afterPass)
      : module(module), afterPass(std::move(afterPass)) {}

  void runAfterPass(Pass *pass, Operation *) override {
    if (!pass->getArgument().empty()) // pass managers have none
      afterPass(pass->getArgument(), module);
  }

private:
  ModuleOp module;
  longtail::AfterPass afterPass;
};
} // namespace

LogicalResult longtail::runPipeline(ModuleOp module, StringRef pipeline, StringRef reproducer,
                                    AfterPass afterPass) {
  registerAllPasses();
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (failed(parsePassPipeline(pipeline, manager, stream)))
    return module.emitError() << "pipeline '" << pipeline << "': " << message;
  if (!reproducer.empty())
    manager.enableCrashReproducerGeneration(reproducer);
  if (afterPass)
    manager.addInstrumentation(std::make_unique<Observer>(module, std::move(afterPass)));
  return manager.run(module);
}
