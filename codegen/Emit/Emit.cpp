// Kernels to an image: parts of about equal work, compiled by several threads, linked in order.
#include "codegen/Emit/Emit.h"
#include "codegen/Emit/Compile.h"
#include "codegen/Emit/KernelToLLVM.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LLVMContext.h"
#include <atomic>
#include <mutex>
#include <thread>

using namespace mlir;

namespace longtail::emit {

/// More parts balance better over the threads, fewer share more work. Depends on the kernels alone,
/// as the image does.
static constexpr size_t kMaxParts = 16;

namespace {
struct Part {
  OwningOpRef<ModuleOp> module;
  std::optional<CompiledPart> result;
  std::string error; // empty where a diagnostic was emitted
};
} // namespace

/// Copies the kernels, in order, into modules of about the same number of operations.
static std::vector<Part> splitKernels(ModuleOp module, ArrayRef<func::FuncOp> kernels) {
  SmallVector<size_t> sizes;
  size_t total = 0;
  for (func::FuncOp kernel : kernels) {
    size_t size = 50; // of its wrapper
    kernel.walk([&](Operation *) { ++size; });
    sizes.push_back(size);
    total += size;
  }
  size_t count = std::min(kernels.size(), kMaxParts), done = 0;
  std::vector<Part> parts(count);
  for (auto [kernel, size] : llvm::zip(kernels, sizes)) {
    Part &part = parts[done * count / std::max<size_t>(total, 1)];
    done += size;
    if (!part.module)
      part.module = ModuleOp::create(module.getLoc());
    part.module->push_back(kernel->clone());
  }
  llvm::erase_if(parts, [](const Part &part) { return !part.module; });
  // What is only declared stays so, for the check of the objects to name it.
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isExternal())
      for (Part &part : parts)
        part.module->push_back(function->clone());
  return parts;
}

/// `contextLock` guards the MLIR context where it is not made for several threads.
static void compilePart(Part &part, const target::TargetDescription &target,
                        const EmitOptions &options, std::mutex *contextLock) {
  llvm::LLVMContext context;
  // Remarks and warnings of LLVM's passes, such as a loop that a hint could not vectorize, say
  // nothing about the user's program. Errors must not end the process, as they do by default.
  std::string failure;
  context.setDiagnosticHandlerCallBack(
      [](const llvm::DiagnosticInfo *info, void *into) {
        if (info->getSeverity() != llvm::DS_Error)
          return;
        llvm::raw_string_ostream stream(*static_cast<std::string *>(into));
        llvm::DiagnosticPrinterRawOStream printer(stream);
        info->print(printer);
      },
      &failure);
  std::unique_ptr<llvm::Module> llvmModule;
  {
    std::unique_lock<std::mutex> guard;
    if (contextLock)
      guard = std::unique_lock(*contextLock);
    if (failed(lowerKernels(*part.module, target)))
      return;
    llvmModule = translateModuleToLLVMIR(*part.module, context, "kernels");
    part.module = nullptr;
  }
  if (!llvmModule)
    return;
  llvm::Expected<CompiledPart> compiled = compileModule(*llvmModule, target, options);
  if (compiled && failure.empty())
    part.result = std::move(*compiled);
  else if (compiled)
    part.error = failure;
  else
    part.error = llvm::toString(compiled.takeError());
}

FailureOr<CodeImage> emitCode(ModuleOp module, const target::TargetDescription &target,
                              const EmitOptions &options) {
  MLIRContext *context = module.getContext();
  DialectRegistry registry;
  registerEmitDialects(registry);
  context->appendDialectRegistry(registry);
  for (StringRef name : registry.getDialectNames())
    context->getOrLoadDialect(name);
  initializeLLVM();

  SmallVector<func::FuncOp> kernels;
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isExternal())
      kernels.push_back(function);
  if (kernels.empty())
    return CodeImage();
  std::vector<Part> parts = splitKernels(module, kernels);

  std::mutex contextMutex;
  std::mutex *contextLock = context->isMultithreadingEnabled() ? nullptr : &contextMutex;
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i = next++; i < parts.size(); i = next++)
      compilePart(parts[i], target, options, contextLock);
  };
  std::vector<std::thread> helpers;
  for (size_t i = 1; i < std::min<size_t>(options.threads, parts.size()); ++i)
    helpers.emplace_back(work);
  work();
  for (std::thread &helper : helpers)
    helper.join();

  bool ok = true;
  std::vector<std::string> objects, names;
  for (Part &part : parts) {
    if (!part.error.empty())
      module.emitError() << part.error;
    ok &= part.result.has_value();
    if (part.result)
      objects.push_back(std::move(part.result->object));
  }
  if (!ok)
    return failure();
  for (func::FuncOp kernel : kernels)
    names.push_back(kernel.getName().str());
  llvm::Expected<CodeImage> image = linkImage(objects, names);
  if (!image)
    return module.emitError() << llvm::toString(image.takeError());
  for (Part &part : parts) {
    image->llvmText += part.result->llvmText;
    image->optimizedText += part.result->optimizedText;
    image->assemblyText += part.result->assemblyText;
  }
  if (options.keepObjects)
    image->objects = std::move(objects);
  return std::move(*image);
}

} // namespace longtail::emit
