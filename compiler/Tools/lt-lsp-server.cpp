// Language server for files with Longtail's dialects.
#include "compiler/Tools/Registration.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  longtail::registerForTools(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
