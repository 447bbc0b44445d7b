// The order of symbols that artifacts want.
#pragma once
#include "codegen/Container/ContainerWriter.h"

namespace longtail::plan {

/// Sorts the symbols by region, those that a BIND step reads first, and renumbers all expressions.
/// Fills in which symbols each BIND step reads.
void sortSymbols(container::Function &function);

} // namespace longtail::plan
