#include "compiler/Tools/Registration.h"
#include "dialects/Register.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Pipelines.h"

void longtail::registerForTools(mlir::DialectRegistry &registry) {
  registerDialects(registry);
  registerAllPasses();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::registerSymbolDCEPass();
}
