#include "compiler/Options.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

namespace longtail {

std::string Options::describe() const {
  return "targets=" + llvm::join(targets, ",") + ";naive=" + (naive ? "1" : "0") +
         ";winograd=" + (winograd ? "1" : "0") + ";from=" + from +
         (naivePhases.empty() ? "" : ";naive_phases=" + llvm::join(naivePhases, ","));
}

PipelineOptions Options::pipeline(llvm::StringRef phase) const {
  return {naive || llvm::is_contained(naivePhases, phase), winograd};
}

std::string Options::hash() const { return sha256(describe()); }

std::string sha256(llvm::StringRef bytes) {
  llvm::SHA256 hash;
  hash.update(bytes);
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

} // namespace longtail
