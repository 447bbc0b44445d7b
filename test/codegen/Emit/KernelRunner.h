// Compiles kernels given as MLIR text and calls them as the runtime would.
#pragma once
#include "codegen/Emit/Emit.h"
#include "longtail/artifact.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"
#include <cstring>
#include <map>
#include <sys/mman.h>

namespace longtail::test {

/// The diagnostics that come while it lives, as text.
class Diagnostics {
public:
  explicit Diagnostics(mlir::MLIRContext &context)
      : handler(&context, [this](mlir::Diagnostic &d) {
          llvm::raw_string_ostream(text) << d << "\n";
          return mlir::success();
        }) {}
  std::string text;

private:
  mlir::ScopedDiagnosticHandler handler;
};

/// Kernels in executable memory. Empty with `error` where compiling failed.
class KernelRunner {
public:
  KernelRunner(const std::string &source, const target::TargetDescription &target,
               emit::EmitOptions options = {}) {
    mlir::DialectRegistry registry;
    emit::registerEmitDialects(registry);
    mlir::MLIRContext context(registry);
    Diagnostics diagnostics(context);
    auto module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
    if (module) {
      auto compiled = emit::emitCode(*module, target, options);
      if (mlir::succeeded(compiled))
        image = std::move(*compiled);
    }
    error = diagnostics.text;
    if (image.bytes.empty())
      return;
    memory = mmap(nullptr, image.bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                  -1, 0);
    std::memcpy(memory, image.bytes.data(), image.bytes.size());
    mprotect(memory, image.bytes.size(), PROT_READ | PROT_EXEC);
    for (const emit::Entry &entry : image.entries)
      kernels[entry.name] = reinterpret_cast<lt_kernel>(static_cast<char *>(memory) + entry.offset);
  }
  ~KernelRunner() {
    if (memory)
      munmap(memory, image.bytes.size());
  }
  KernelRunner(const KernelRunner &) = delete;

  explicit operator bool() const { return memory != nullptr; }

  int32_t run(const std::string &name, std::vector<void *> buffers, std::vector<int64_t> params,
              int64_t begin = 0, int64_t end = 1, void *scratch = nullptr) {
    lt_kernel_frame frame{sizeof(frame), 0, buffers.data(), params.data(), scratch, nullptr};
    return kernels.at(name)(&frame, begin, end);
  }

  emit::CodeImage image;
  std::string error;

private:
  void *memory = nullptr;
  std::map<std::string, lt_kernel> kernels;
};

} // namespace longtail::test
