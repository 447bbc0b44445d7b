// Independent check of a memory plan: does not share code with the planner.
#pragma once
#include "codegen/Container/ContainerWriter.h"

namespace longtail::container {

// True when buffers that share an arena slot are never live at the same time and every use of an
// arena buffer comes after a definition. A buffer is live from the first to the last step that
// names it. `isWrite(step, position)` tells whether a dispatch writes its binding `position`.
// Without it, the first step that names a buffer is taken as its definition.
// On failure `errorMessage` names the buffers and steps.
bool checkArena(const Function &function, std::string &errorMessage);

using WritePredicate = bool (*)(const void *context, uint32_t step, uint32_t position);
bool checkArena(const Function &function, std::string &errorMessage, WritePredicate isWrite,
                const void *context);

} // namespace longtail::container
