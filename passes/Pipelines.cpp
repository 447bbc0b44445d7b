#include "passes/Pipelines.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Access/Passes.h"
#include "passes/Constants/Passes.h"
#include "passes/Expand/Passes.h"
#include "passes/Fusion/Passes.h"
#include "passes/Graph/Passes.h"
#include "passes/Kernel/Passes.h"
#include "passes/Layout/Passes.h"
#include "passes/Schedule/Passes.h"
#include <mutex>

using namespace mlir;

namespace longtail {

// In:  graph.
// Out: graph; every value is a tensor with known sizes; extent declarations; branches and loops are
//      compute.branch and compute.repeat, which stay until the plan, and their bodies functions.
std::string graphPipeline(const PipelineOptions &options) {
  return std::string("canonicalize,cse,") +
         (options.naive ? "" : "func.func(lt-fold-batch-normalization),") +
         "lt-infer-shapes,cse,symbol-dce";
}

// In:  graph, extent.
// Out: graph.constant, extent, access, compute with regions of arith, math and scf.
std::string expandPipeline(const PipelineOptions &) {
  return "func.func(lt-expand),canonicalize,cse";
}

// In:  as above.
// Out: no access.concat; access.read only where a map cannot take it over.
std::string composePipeline(const PipelineOptions &) {
  return "func.func(lt-compose-accesses,lt-lower-concat,lt-compose-accesses,lt-split-reductions),"
         "canonicalize,cse";
}

// In:  as above.
// Out: all computation is in compute.fused groups; what is left of access.read renames row-major
//      memory. Every result of the function has memory of its own.
std::string fusePipeline(const PipelineOptions &options) {
  return std::string(
             options.naive
                 ? ""
                 : "func.func(lt-drop-dead-fills,lt-hoist-positions,lt-mark-near-loads),cse,") +
         (options.winograd && !options.naive ? "func.func(lt-winograd)," : "") +
         "func.func(lt-form-groups{fuse=" + (options.naive ? "false" : "true") +
         "}),canonicalize,cse,func.func(lt-prepare-results)";
}

// In:  groups of compute.
// Out: the same with memory layouts; packing is computation like any other.
std::string layoutPipeline(const PipelineOptions &options) {
  return std::string("func.func(lt-choose-layouts") +
         (options.naive ? "" : ",lt-pack-weights,lt-transpose-constants") + "),canonicalize,cse";
}

// In:  as above.
// Out: what depends on constants only is in functions of its own, which @main calls.
std::string constantsPipeline(const PipelineOptions &) { return "lt-outline-constants"; }

// In:  groups of compute.
// Out: the same with #kernel.schedule.
std::string schedulePipeline(const PipelineOptions &options) {
  return options.naive
             ? "func.func(lt-select-schedules{naive=true},lt-verify-schedules)"
             : "func.func(lt-apply-records,lt-select-schedules,lt-verify-schedules,lt-chain-rows)";
}

// In:  groups of compute with schedules.
// Out: extent, graph.constant, kernel.dispatch and kernel.alias in @main; kernels are functions of
//      scf, arith, math, vector and kernel operations.
std::string kernelPipeline(const PipelineOptions &) { return "lt-lower-groups,canonicalize,cse"; }

/// The pipeline `text(default options)` under the name `lt-phase-<phase>`.
static void registerPipeline(StringRef phase, StringRef help,
                             std::string (*text)(const PipelineOptions &)) {
  registerPassPipeline(
      ("lt-phase-" + phase).str(), help,
      [text](OpPassManager &manager, StringRef, function_ref<LogicalResult(const Twine &)>) {
        return parsePassPipeline(text({}), manager);
      },
      [](function_ref<void(const detail::PassOptions &)>) {});
}

void registerAllPasses() {
  static std::once_flag once;
  std::call_once(once, [] {
    registerCanonicalizerPass();
    registerCSEPass();
    registerSymbolDCEPass();
    registerAccessPasses();
    registerConstantsPasses();
    registerExpandPasses();
    registerFusionPasses();
    registerGraphPasses();
    registerKernelPasses();
    registerLayoutPasses();
    registerSchedulePasses();
    registerPipeline("graph", "Infer shapes and rewrite the model's nodes", graphPipeline);
    registerPipeline("expand", "Expand nodes into computation", expandPipeline);
    registerPipeline("compose", "Compose accesses", composePipeline);
    registerPipeline("fuse", "Form groups", fusePipeline);
    registerPipeline("layout", "Choose memory layouts and pack", layoutPipeline);
    registerPipeline("constants", "Split off what depends on constants only", constantsPipeline);
    registerPipeline("schedule", "Choose schedules", schedulePipeline);
    registerPipeline("kernel", "Lower groups to kernels", kernelPipeline);
  });
}

} // namespace longtail
