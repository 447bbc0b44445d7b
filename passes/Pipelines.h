// The order of the passes: one pipeline for each phase of compilation.
//
// A pipeline is text in the syntax of `lt-opt --pass-pipeline`, on a module. The target is the
// module's attribute `kernel.target`; only the phases from layout on look at it.
#pragma once
#include "mlir/Pass/PassManager.h"
#include <string>

namespace longtail {

/// What the pipelines depend on.
struct PipelineOptions {
  bool naive = false;   // no fusion, no packing, no vectors: what tests compare the rest with
  bool winograd = true; // 3x3 convolutions may be computed with fewer products and larger errors
};

std::string graphPipeline(const PipelineOptions &options);
std::string expandPipeline(const PipelineOptions &options);
std::string composePipeline(const PipelineOptions &options);
std::string fusePipeline(const PipelineOptions &options);
std::string layoutPipeline(const PipelineOptions &options);
std::string constantsPipeline(const PipelineOptions &options);
std::string schedulePipeline(const PipelineOptions &options);
std::string kernelPipeline(const PipelineOptions &options);

/// Registers all passes of this folder, and each pipeline with its default options as
/// `lt-phase-<name>`. May be called more than once.
void registerAllPasses();

} // namespace longtail
