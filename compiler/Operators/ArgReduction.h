// ArgMax and ArgMin, part of the reductions.
#pragma once
#include "compiler/Operators/Registry.h"

namespace longtail::operators {

void registerArgReduction(Registry &registry);

} // namespace longtail::operators
