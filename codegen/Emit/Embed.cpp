#include "codegen/Emit/Embed.h"
#include "codegen/Emit/Compile.h"
#include "codegen/Emit/TemporaryFile.h"
#include "longtail/embedded.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace longtail::emit {

/// Each part lies in a section of its own, the struct names them by their distances, so that no
/// address is stored. The code is aligned to the pages that AArch64's addressing counts in.
static std::string assemblyOf(StringRef symbol, size_t metadataBytes, StringRef metadata,
                              StringRef code, StringRef weights) {
  std::string text;
  raw_string_ostream out(text);
  auto include = [&](StringRef path) { out << "\t.incbin \"" << path << "\"\n"; };
  out << "\t.section .rodata." << symbol << ",\"a\",@progbits\n"
      << "\t.p2align 6\n"
      << "\t.globl " << symbol << "\n\t.type " << symbol << ",@object\n"
      << symbol << ":\n.Lbase:\n"
      << "\t.long " << sizeof(lt_embedded) << ", 0\n"
      << "\t.quad " << metadataBytes << "\n"
      << "\t.quad .Lmetadata-.Lbase\n\t.quad .Lcode-.Lbase\n"
      << (weights.empty() ? "\t.quad 0\n" : "\t.quad .Lweights-.Lbase\n") << "\t.size " << symbol
      << ", " << sizeof(lt_embedded) << "\n\t.p2align 6\n.Lmetadata:\n";
  include(metadata);
  out << "\t.section .text." << symbol << ",\"ax\",@progbits\n\t.p2align 12\n.Lcode:\n";
  include(code);
  if (!weights.empty()) {
    out << "\t.section .rodata." << symbol
        << ".weights,\"a\",@progbits\n\t.p2align 6\n.Lweights:\n";
    include(weights);
  }
  out << "\t.section .note.GNU-stack,\"\",@progbits\n";
  return text;
}

Expected<std::string> embedObject(const EmbeddedParts &parts, StringRef symbol,
                                  const target::TargetDescription &target) {
  SmallVector<TemporaryFile> files;
  for (StringRef part : {parts.metadata, parts.code, parts.weights}) {
    Expected<TemporaryFile> file = TemporaryFile::create("bin", part);
    if (!file)
      return file.takeError();
    files.push_back(std::move(*file));
  }
  StringRef weights = parts.weights.empty() ? StringRef() : StringRef(files[2].path);
  return assemble(assemblyOf(symbol, parts.metadata.size(), files[0].path, files[1].path, weights),
                  target);
}

} // namespace longtail::emit
