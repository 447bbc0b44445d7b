// What a tuner asks: the groups of a model, each alone, and the schedules they can have.
#include "compiler/Plan/ElementType.h"
#include "compiler/Plan/Text.h"
#include "compiler/Plan/Valuation.h"
#include "compiler/Report/Cost.h"
#include "compiler/Report/Report.h"
#include "dialects/Graph/IR/Graph.h"
#include "mlir/Support/DebugStringHelper.h"
#include "passes/Schedule/Candidates.h"
#include "passes/Schedule/GroupModule.h"
#include "passes/Schedule/Records.h"
#include "passes/Schedule/RegisterTile.h"

using namespace mlir;
namespace json = llvm::json;

namespace longtail::report {

static json::Array describeInputs(compute::FusedOp group, const plan::Valuation &valuation) {
  json::Array inputs;
  for (Value input : group.getInputs()) {
    auto type = cast<RankedTensorType>(input.getType());
    json::Array dims;
    for (AffineExpr size : extent::sizesOf(type))
      dims.push_back(valuation.evaluate(size));
    inputs.push_back(json::Object{{"dtype", int64_t(plan::dtypeOf(type.getElementType()))},
                                  {"dims", std::move(dims)},
                                  {"constant", bool(input.getDefiningOp<graph::ConstantOp>())}});
  }
  return inputs;
}

static json::Object describeSpace(compute::FusedOp group, const GroupKey &key,
                                  kernel::TargetAttr target, const plan::Valuation &valuation,
                                  const TuningRequest &request) {
  auto sizeOf = [&](AffineExpr size) { return valuation.evaluate(size); };
  SpaceRequest space{group, target, request.threads, sizeOf};
  std::vector<Candidate> candidates = candidatesOf(space);
  json::Array schedules;
  size_t count =
      request.best ? std::min<size_t>(request.best, candidates.size()) : candidates.size();
  for (const Candidate &candidate : ArrayRef(candidates).take_front(count))
    schedules.push_back(json::Array{debugString(candidate.schedule), candidate.cycles});

  SmallVector<unsigned> order;
  OwningOpRef<ModuleOp> alone = extractGroup(group, order);
  std::string text;
  llvm::raw_string_ostream stream(text);
  alone->print(stream);
  json::Array symbols;
  for (unsigned symbol : order)
    symbols.push_back(valuation.evaluate(getAffineSymbolExpr(symbol, group.getContext())));

  Cost cost = costOf(group);
  double operations = 0, bytes = 0, results = 0;
  for (auto [terms, sum] : {std::pair(&cost.operations, &operations), {&cost.bytes, &bytes}})
    for (const Term &term : *terms)
      *sum += double(term.factor) / double(term.divisor) * double(valuation.product(term.sizes));
  for (Value result : group.getResults())
    results += double(valuation.product(extent::sizesOf(result)));
  auto schedule = cast<kernel::ScheduleAttr>(group.getScheduleAttr());
  return json::Object{{"group", key.structure},
                      {"shapes", key.shapes},
                      {"types", key.types},
                      {"class", className(group)},
                      {"names", json::Array()},
                      {"count", 0},
                      {"schedule", debugString(schedule)},
                      {"cycles", estimate(space, schedule)},
                      {"space", int64_t(candidates.size())},
                      {"candidates", std::move(schedules)},
                      {"text", std::move(text)},
                      {"inputs", describeInputs(group, valuation)},
                      {"symbols", std::move(symbols)},
                      {"flops", operations},
                      {"bytes", bytes},
                      {"elements", results}};
}

json::Array describeSpaces(ModuleOp module, const TuningRequest &request) {
  std::vector<json::Object> spaces;
  std::map<std::string, size_t> known;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal())
      continue;
    bool isMain = function.getSymName() == "main";
    plan::Valuation valuation(function, 1, 64,
                              isMain ? request.shapes : std::vector<std::vector<int64_t>>());
    function.walk([&](compute::FusedOp group) {
      GroupKey key = keyOf(group);
      auto [found, isNew] = known.try_emplace(key.text(), spaces.size());
      if (isNew)
        spaces.push_back(describeSpace(group, key, targetOf(module), valuation, request));
      json::Object &space = spaces[found->second];
      space["count"] = *space.getInteger("count") + 1;
      std::string label =
          group.getLabel() ? group.getLabel()->str() : plan::locationText(group.getLoc());
      space.getArray("names")->push_back(json::fixUTF8(plan::shortText(label)));
    });
  }
  json::Array result;
  for (json::Object &space : spaces)
    result.push_back(std::move(space));
  return result;
}

} // namespace longtail::report
