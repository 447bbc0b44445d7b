// LLVM IR to an object file.
#include "codegen/Emit/Compile.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;

namespace longtail::emit {

llvm::Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

void initializeLLVM() {
  static const bool once = [] {
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmPrinters();
    InitializeAllAsmParsers();
    InitializeAllDisassemblers();
    return true;
  }();
  (void)once;
}

static Expected<std::unique_ptr<TargetMachine>>
createMachine(const target::TargetDescription &target) {
  std::string message;
  Triple triple(target.triple);
  const Target *backend = TargetRegistry::lookupTarget(triple, message);
  if (!backend)
    return makeError("target '" + target.name + "': " + message);
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Standard; // where `contract` allows it
  options.FunctionSections = false;
  options.DataSections = false;
  std::unique_ptr<TargetMachine> machine(
      backend->createTargetMachine(triple, target.cpu, target.features, options, Reloc::PIC_,
                                   CodeModel::Small, CodeGenOptLevel::Default));
  if (!machine)
    return makeError("target '" + target.name + "' has no code generator");
  return machine;
}

/// Only kernels can be seen from outside. There is no C library, no unwinding and no other code.
static void setAttributes(Module &module, const target::TargetDescription &target) {
  std::string width = std::to_string(target.vectorBytes * 8);
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.setDoesNotThrow();
    function.setMustProgress();
    function.addFnAttr("target-cpu", target.cpu);
    if (!target.features.empty())
      function.addFnAttr("target-features", target.features);
    function.addFnAttr("prefer-vector-width", width);
    function.addFnAttr("min-legal-vector-width", width);
    function.addFnAttr("no-builtins"); // no loop becomes a call of memset or memcpy
    function.addFnAttr("frame-pointer", "none");
    if (!function.hasLocalLinkage()) {
      function.setVisibility(GlobalValue::HiddenVisibility);
      function.setDSOLocal(true);
    }
  }
}

static void optimize(Module &module, TargetMachine &machine) {
  PipelineTuningOptions tuning;
  // Kernels come as vectors and unrolled; what is left as loops of scalars is short or rare.
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopInterleaving = false;
  PassBuilder builder(&machine, tuning);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager sccs;
  ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2).run(module, modules);
}

static Error generate(Module &module, TargetMachine &machine, CodeGenFileType type,
                      std::string &output) {
  SmallString<0> bytes;
  raw_svector_ostream stream(bytes);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, type))
    return makeError("the target cannot write this kind of file");
  passes.run(module);
  output = std::string(bytes);
  return Error::success();
}

Expected<std::string> assemble(StringRef text, const target::TargetDescription &target) {
  initializeLLVM();
  Expected<std::unique_ptr<TargetMachine>> machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  std::string diagnostic;
  context.setDiagnosticHandlerCallBack(
      [](const DiagnosticInfo *info, void *into) {
        raw_string_ostream stream(*static_cast<std::string *>(into));
        DiagnosticPrinterRawOStream printer(stream);
        info->print(printer);
      },
      &diagnostic);
  Module module("assembly", context);
  module.setTargetTriple((*machine)->getTargetTriple());
  module.setDataLayout((*machine)->createDataLayout());
  module.setModuleInlineAsm(text);
  std::string object;
  if (Error error = generate(module, **machine, CodeGenFileType::ObjectFile, object))
    return error;
  if (!diagnostic.empty())
    return makeError("assembling failed: " + diagnostic);
  return object;
}

static std::string print(const Module &module) {
  std::string text;
  raw_string_ostream(text) << module;
  return text;
}

Expected<CompiledPart> compileModule(Module &module, const target::TargetDescription &target,
                                     const EmitOptions &options) {
  Expected<std::unique_ptr<TargetMachine>> machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  module.setTargetTriple((*machine)->getTargetTriple());
  module.setDataLayout((*machine)->createDataLayout());
  module.setPICLevel(PICLevel::BigPIC);
  setAttributes(module, target);
  std::string message;
  raw_string_ostream stream(message);
  if (verifyModule(module, &stream))
    return makeError("invalid LLVM IR: " + message);

  CompiledPart part;
  if (options.keepLLVM)
    part.llvmText = print(module);
  optimize(module, **machine);
  if (options.keepOptimized)
    part.optimizedText = print(module);
  // Code generation changes the module, so each kind of file has a copy or the last use of it.
  if (options.keepAssembly) {
    std::unique_ptr<Module> copy = CloneModule(module);
    if (Error error = generate(*copy, **machine, CodeGenFileType::AssemblyFile, part.assemblyText))
      return error;
  }
  if (Error error = generate(module, **machine, CodeGenFileType::ObjectFile, part.object))
    return error;
  return part;
}

} // namespace longtail::emit
