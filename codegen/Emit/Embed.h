// A model as an object file or a shared library: sections of code and of constants and one symbol.
#pragma once
#include "codegen/Target/Target.h"
#include "llvm/Support/Error.h"
#include <string>

namespace longtail::emit {

/// The parts of an artifact with one variant.
struct EmbeddedParts {
  llvm::StringRef metadata; // the file up to the end of its last metadata section
  llvm::StringRef code;     // the CODE section
  llvm::StringRef weights;  // the WDATA section, or empty
};

/// An ELF object that defines the lt_embedded `symbol` (see longtail/embedded.h) and nothing else.
/// It needs no relocation when it is loaded and has no constructors.
llvm::Expected<std::string> embedObject(const EmbeddedParts &parts, llvm::StringRef symbol,
                                        const target::TargetDescription &target);

/// The same as a shared library that exports `symbol` only and needs no other.
llvm::Expected<std::string> linkSharedLibrary(llvm::StringRef object);

} // namespace longtail::emit
