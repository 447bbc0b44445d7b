// Everything that a compilation depends on besides the model.
#pragma once
#include "compiler/Import/Onnx/Import.h"
#include "passes/Pipelines.h"
#include <optional>
#include <string>
#include <vector>

namespace longtail {

/// A schedule that a tuner has found for a group on a target.
struct TuningRecord {
  std::string target;   // a row of the table of targets
  std::string group;    // GroupKey::text()
  std::string schedule; // the text of a #kernel.schedule
};

/// What the report says about the schedules that every group could have.
struct TuningRequest {
  bool enabled = false;
  unsigned threads = 1; // of a run
  unsigned best = 0;    // how many schedules to list of each group, the best first; 0: all
  /// The sizes of the inputs to be fast at, -1 where any is as good; what is not given is 1 for an
  /// input's first dimension, 64 for others and for what depends on data.
  std::vector<std::vector<int64_t>> shapes;
};

struct Options {
  /// Rows of the table of targets; "host" is the best one of this machine. Each becomes a variant
  /// of the artifact.
  std::vector<std::string> targets = {"host"};
  /// No fusion, no packing, no vectors: slow code that is easy to believe.
  bool naive = false;
  /// 3x3 convolutions may be computed with fewer products, at the cost of larger rounding errors.
  bool winograd = true;
  /// Phases that do without what `naive` does without, to find out which of them goes wrong.
  std::vector<std::string> naivePhases;
  /// Schedules that groups get in place of the model's, if they fit. Of several for one group the
  /// last one counts.
  std::vector<TuningRecord> records;

  // ---- without influence on the artifact
  unsigned threads = 0;      // of the compiler; 0: as many as there are CPUs
  bool keepStages = false;   // keep the text after each phase
  bool keepPasses = false;   // keep it after each pass that changed something too
  bool keepPlaces = false;   // the texts hold where in the source each operation comes from
  bool keepWeights = false;  // the texts hold all weights, so that a later phase can begin there
  bool keepCode = false;     // keep the first target's assembly text and object files
  std::string dumpDirectory; // write the text after each phase there; empty: do not
  // Where a phase fails or crashes: receives its IR and its passes; empty: do not write any.
  std::string reproducer;
  std::string from = "import"; // first phase; after "import" the source is MLIR text
  std::string to = "artifact"; // last phase
  TuningRequest tuning;
  /// The report tells how memory is accessed; at these sizes of the inputs, -1: any.
  std::optional<std::vector<std::vector<int64_t>>> explain;
  onnx::ImportOptions limits;

  /// What the pipeline of `phase` depends on.
  PipelineOptions pipeline(llvm::StringRef phase) const;

  /// A text of what the artifact depends on besides the records that were obeyed, which its
  /// provenance names; equal for options that give equal artifacts.
  std::string describe() const;
  /// The SHA-256 of `describe()` in hexadecimal digits.
  std::string hash() const;
};

/// SHA-256 in hexadecimal digits.
std::string sha256(llvm::StringRef bytes);

} // namespace longtail
