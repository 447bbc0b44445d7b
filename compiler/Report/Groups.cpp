#include "compiler/Plan/Text.h"
#include "compiler/Plan/Valuation.h"
#include "compiler/Report/Cost.h"
#include "compiler/Report/Report.h"
#include "mlir/Support/DebugStringHelper.h"
#include "passes/Schedule/Records.h"

using namespace mlir;
namespace json = llvm::json;

namespace longtail::report {

double total(ArrayRef<Term> terms, const plan::Valuation &valuation) {
  double sum = 0;
  for (const Term &term : terms)
    sum += double(term.factor) / double(term.divisor) * double(valuation.product(term.sizes));
  return sum;
}

json::Array describeGroups(func::FuncOp function, ExampleSizes example) {
  plan::Valuation valuation(function, example.outer, example.inner);
  json::Array groups;
  for (auto group : function.getOps<compute::FusedOp>()) {
    Cost cost = costOf(group);
    std::string label =
        group.getLabel() ? group.getLabel()->str() : plan::locationText(group.getLoc());
    Attribute schedule = group.getScheduleAttr();
    groups.push_back(json::Object{{"name", json::fixUTF8(plan::shortText(label))},
                                  {"class", className(group)},
                                  {"schedule", schedule ? debugString(schedule) : std::string()},
                                  {"source", group->hasAttr(kTunedAttr) ? "tuned" : "model"},
                                  {"flops", total(cost.operations, valuation)},
                                  {"bytes", total(cost.bytes, valuation)}});
  }
  return groups;
}

} // namespace longtail::report
