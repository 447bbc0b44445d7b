// Internal to codegen/Emit: LLVM's part, from its IR to an object file, and from objects to an
// image.
#pragma once
#include "codegen/Emit/Emit.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

namespace longtail::emit {

/// Texts and bytes of one part of the kernels.
struct CompiledPart {
  std::string llvmText, optimizedText, assemblyText;
  std::string object; // bytes of an ELF file
};

/// Prepares LLVM's code generators; to be called before several threads compile.
void initializeLLVM();

/// Optimises `module` (functions of the kernel ABI and their bodies) and compiles it.
llvm::Expected<CompiledPart> compileModule(llvm::Module &module,
                                           const target::TargetDescription &target,
                                           const EmitOptions &options);

/// The object file of an assembly text.
llvm::Expected<std::string> assemble(llvm::StringRef text, const target::TargetDescription &target);

/// Fails where an object could not be part of a position-independent image that stands for itself:
/// writable data, references to what it does not define, absolute addresses. The message names the
/// symbol and the kernel.
llvm::Error checkObject(llvm::StringRef object);

/// Links objects to a flat image and finds `kernels` in it.
llvm::Expected<CodeImage> linkImage(llvm::ArrayRef<std::string> objects,
                                    llvm::ArrayRef<std::string> kernels);

/// An error with a message and no code of the system.
llvm::Error makeError(const llvm::Twine &message);

} // namespace longtail::emit
