// Runs passes on MLIR text: the tool behind the tests of dialects and passes.
#include "compiler/Tools/Registration.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  longtail::registerForTools(registry);
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Longtail's pass driver\n", registry));
}
