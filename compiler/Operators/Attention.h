// The parts of attention layers that other files hold.
#pragma once
#include "compiler/Operators/Registry.h"

namespace longtail::operators {

void registerRotaryEmbedding(Registry &registry);

} // namespace longtail::operators
