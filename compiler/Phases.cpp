#include "compiler/Phases.h"
#include "llvm/ADT/STLExtras.h"

namespace longtail {

static constexpr Phase table[] = {
    {"import", "Read the model: one graph.node for each of its nodes", nullptr, false},
    {"graph", "Infer shapes and rewrite nodes", graphPipeline, false},
    {"expand", "Expand nodes into computation and accesses", expandPipeline, false},
    {"compose", "Compose accesses and fold them into their readers", composePipeline, false},
    {"fuse", "Form groups that become one loop nest each", fusePipeline, false},
    {"layout", "Choose memory layouts and pack weights", layoutPipeline, true},
    {"constants", "Compute what depends on constants only", constantsPipeline, true},
    {"schedule", "Choose how each group is tiled, and verify it", schedulePipeline, true},
    {"kernel", "Lower groups to kernels and dispatches", kernelPipeline, true},
    {"llvm", "Compile kernels to machine code", nullptr, true},
    {"artifact", "Plan memory and steps, and put the program together", nullptr, false},
};

llvm::ArrayRef<Phase> phases() { return table; }

std::vector<std::string> phasesWithNaiveForm() {
  std::vector<std::string> names;
  for (const Phase &phase : table)
    // The constants are computed at run time instead: the session leaves out the whole phase.
    if (phase.name == "constants" ||
        (phase.pipeline && phase.pipeline({/*naive=*/true}) != phase.pipeline({/*naive=*/false})))
      names.push_back(phase.name.str());
  return names;
}

std::optional<unsigned> findPhase(llvm::StringRef name) {
  const Phase *phase = llvm::find_if(table, [&](const Phase &each) { return each.name == name; });
  if (phase == std::end(table))
    return std::nullopt;
  return phase - table;
}

} // namespace longtail
