#include "compiler/Plan/Variants.h"
#include "compiler/Plan/PlanBuilder.h"

using namespace mlir;

namespace longtail::plan {

OwningOpRef<ModuleOp> takeKernels(ModuleOp module) {
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(module.getLoc());
  (*kernels)->setAttrs(module->getAttrDictionary());
  for (auto function : llvm::to_vector(module.getOps<func::FuncOp>()))
    if (function->hasAttr("kernel.buffers")) {
      function->remove();
      kernels->push_back(function);
    }
  return kernels;
}

FailureOr<container::Variant> buildVariant(ModuleOp module, emit::CodeImage image,
                                           const target::TargetDescription &target,
                                           WeightTable &weights) {
  container::Variant variant;
  variant.name = target.name;
  variant.arch = static_cast<lt_arch>(target.arch);
  variant.featureMask = target.featureMask;
  variant.priority = target.priority;
  variant.codeImage = std::move(image.bytes);
  if (variant.codeImage.empty())
    variant.codeImage.push_back(0); // a model without kernels has code all the same
  llvm::StringMap<uint32_t> numbers;
  for (const emit::Entry &entry : image.entries) {
    numbers[entry.name] = variant.kernels.size();
    variant.kernels.push_back({entry.name, entry.offset});
  }
  llvm::StringMap<uint32_t> functions;
  for (auto function : module.getOps<func::FuncOp>())
    functions.try_emplace(function.getSymName(), functions.size());
  for (auto function : module.getOps<func::FuncOp>()) {
    FailureOr<container::Function> plan = buildPlan(function, numbers, functions, weights);
    if (failed(plan))
      return failure();
    variant.functions.push_back(std::move(*plan));
  }
  return variant;
}

} // namespace longtail::plan
