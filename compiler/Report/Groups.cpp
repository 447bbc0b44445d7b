#include "compiler/Plan/Text.h"
#include "compiler/Plan/Valuation.h"
#include "compiler/Report/Report.h"
#include "dialects/Kernel/IR/Kernel.h"

using namespace mlir;
namespace json = llvm::json;

namespace longtail::report {

/// Operations of a region's scalar code that compute on elements.
static int64_t countOperations(Region &region) {
  int64_t count = 0;
  region.walk([&](Operation *op) {
    StringRef dialect = op->getName().getDialectNamespace();
    bool counts = (dialect == "arith" || dialect == "math") && !isa<arith::ConstantOp>(op) &&
                  op->getNumResults() == 1 && !op->getResult(0).getType().isIndex();
    count += counts;
  });
  return count;
}

/// Operations at one point of an operation's domain, and the domain's points.
static double countOf(Operation *op, const plan::Valuation &valuation) {
  auto points = [&](Value result, AffineMap extents) {
    SmallVector<AffineExpr> sizes = extent::sizesOf(result);
    llvm::append_range(sizes, extents.getResults());
    return double(valuation.product(sizes));
  };
  AffineMap none = AffineMap::get(op->getContext());
  if (auto map = dyn_cast<compute::MapOp>(op))
    return points(map.getResult(0), none) * countOperations(map.getBody());
  if (auto reduce = dyn_cast<compute::ReduceOp>(op))
    return points(reduce.getOutput(), reduce.getExtents()) *
           (countOperations(reduce.getBody()) + 1);
  if (auto contract = dyn_cast<compute::ContractOp>(op))
    return points(contract.getOutput(), contract.getExtents()) * 2;
  return 0;
}

static double bytesOf(ValueRange values, const plan::Valuation &valuation) {
  double total = 0;
  for (Value value : values)
    total += double(valuation.bytes(cast<RankedTensorType>(value.getType())));
  return total;
}

static std::string textOf(Attribute attribute) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (attribute)
    attribute.print(stream);
  return text;
}

json::Array describeGroups(func::FuncOp function, ExampleSizes example) {
  plan::Valuation valuation(function, example.outer, example.inner);
  json::Array groups;
  for (auto group : function.getOps<compute::FusedOp>()) {
    double operations = 0;
    for (Operation &op : group.getBody().front())
      operations += countOf(&op, valuation);
    auto strategy = group.getStrategy().value_or(compute::GroupClass::Pointwise);
    std::string label =
        group.getLabel() ? group.getLabel()->str() : plan::locationText(group.getLoc());
    groups.push_back(json::Object{
        {"name", json::fixUTF8(plan::shortText(label))},
        {"class", compute::stringifyGroupClass(strategy)},
        {"schedule", textOf(group.getScheduleAttr())},
        {"flops", operations},
        {"bytes", bytesOf(group.getInputs(), valuation) + bytesOf(group.getResults(), valuation)}});
  }
  return groups;
}

} // namespace longtail::report
