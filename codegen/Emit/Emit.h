// Compiles kernels to one flat, position-independent code image.
#pragma once
#include "codegen/Target/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include <string>
#include <vector>

namespace longtail::emit {

struct Entry {
  std::string name;
  uint32_t offset; // into CodeImage::bytes
};

/// What the runtime maps (readable and executable) and calls into, by the kernel ABI of
/// longtail/artifact.h. It has no relocations and refers to nothing outside itself.
struct CodeImage {
  std::vector<uint8_t> bytes;
  std::vector<Entry> entries; // in the order of the functions of the module

  // Texts asked for in EmitOptions; one after another where the kernels were compiled in parts.
  std::string llvmText;
  std::string optimizedText;
  std::string assemblyText;
  std::vector<std::string> objects; // bytes of ELF files
};

struct EmitOptions {
  unsigned threads = 2; // has no influence on the result
  bool keepLLVM = false;
  bool keepOptimized = false;
  bool keepAssembly = false; // costs a second code generation
  bool keepObjects = false;
};

/// Compiles every function of `module` that has a body. They take buffers, then sizes (index), then
/// the number of a tile (index), and return nothing; their bodies are made of scf, arith, math,
/// vector, index and kernel operations. `module` is not changed. The same module gives the same
/// bytes. Fails with a diagnostic that names the kernel or the symbol.
mlir::FailureOr<CodeImage> emitCode(mlir::ModuleOp module, const target::TargetDescription &target,
                                    const EmitOptions &options = {});

/// The dialects and translations that `emitCode` needs; a context must have them before it is used
/// by several threads. `emitCode` calls it itself.
void registerEmitDialects(mlir::DialectRegistry &registry);

/// The first step by itself: kernels to the LLVM dialect, with the functions of the kernel ABI.
std::unique_ptr<mlir::Pass> createKernelToLLVMPass(const target::TargetDescription &target);

/// Registers `lt-kernel-to-llvm{target=<name>}` for tools.
void registerEmitPasses();

} // namespace longtail::emit
