// Artifacts as parts of programs: an object file or a shared library, and a C header.
#pragma once
#include "llvm/Support/Error.h"
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace longtail {

/// Sizes of inputs by their names, where the model leaves them open: the largest there will be.
using InputSizes = std::map<std::string, std::vector<int64_t>>;

struct EmbedOptions {
  std::string name; // of the model: a C identifier
  bool shared = false;
  InputSizes sizes;
};

struct Embedded {
  std::string binary; // an ELF object, or a shared library
  std::string header; // C11
};

/// Makes the artifact `bytes`, which must have one variant, a part of programs: its only symbol is
/// `longtail_<name>`, an lt_embedded. The header says how much memory a program must have for it;
/// a shared library's, which is opened by name, has that and the signature only.
/// Fails where sizes are missing or depend on data, unless `shared`: then they are left out.
llvm::Expected<Embedded> embed(const std::vector<uint8_t> &bytes, const EmbedOptions &options);

} // namespace longtail
