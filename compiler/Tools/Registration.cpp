#include "compiler/Tools/Registration.h"
#include "codegen/Emit/Emit.h"
#include "dialects/Register.h"
#include "passes/Pipelines.h"

void longtail::registerForTools(mlir::DialectRegistry &registry) {
  registerDialects(registry);
  emit::registerEmitDialects(registry);
  registerAllPasses();
  emit::registerEmitPasses();
}
