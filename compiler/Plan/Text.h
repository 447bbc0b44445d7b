// Names and messages as artifacts hold them.
#pragma once
#include "mlir/IR/Location.h"
#include <string>

namespace longtail::plan {

/// `text` without NUL bytes, cut at a whole UTF-8 character where it is longer than names may be.
std::string shortText(llvm::StringRef text);

/// The names in a location, such as those of a model's nodes; otherwise its file and line.
std::string locationText(mlir::Location location);

} // namespace longtail::plan
