// Sorts a function's tables by region, as the format wants them.
#pragma once
#include "codegen/Container/ContainerWriter.h"

namespace longtail::container {

// A copy of a checked function with symbols, checks, slots and buffers stably sorted by region,
// BOUND and MEASURED symbols first in theirs, and all ids renumbered.
Function sortByRegion(const Function &function);

} // namespace longtail::container
