// The phases of compilation: one table for `from`, `to`, dumps, stages and help.
#pragma once
#include "passes/Pipelines.h"
#include "llvm/ADT/ArrayRef.h"

namespace longtail {

struct Phase {
  llvm::StringLiteral name;
  llvm::StringLiteral help; // one line
  /// The passes; null where the session does the work itself.
  std::string (*pipeline)(const PipelineOptions &);
  bool perTarget; // done once for each target
};

/// In the order in which they run.
llvm::ArrayRef<Phase> phases();

/// The phases that do less where they are asked to be naive.
std::vector<std::string> phasesWithNaiveForm();

/// The number of a phase, or nothing.
std::optional<unsigned> findPhase(llvm::StringRef name);

} // namespace longtail
