#include "passes/Schedule/Candidates.h"
#include "passes/Schedule/Records.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace longtail {

static bool isContraction(compute::FusedOp group) {
  return group.getStrategy() == compute::GroupClass::Contraction;
}

int64_t widestElement(compute::FusedOp group) {
  int64_t bytes = 4;
  group.getBody().walk([&](Operation *op) {
    for (Type type : op->getResultTypes()) {
      Type element = getElementTypeOrSelf(type);
      if (isa<FloatType, IntegerType>(element))
        bytes = std::max<int64_t>(bytes, element.getIntOrFloatBitWidth() / 8);
    }
  });
  return bytes;
}

SmallVector<int64_t> powersUpTo(int64_t limit) {
  SmallVector<int64_t> values;
  for (int64_t value = 1; value < limit; value *= 2)
    values.push_back(value);
  values.push_back(std::max<int64_t>(1, limit));
  return values;
}

double estimate(const SpaceRequest &request, kernel::ScheduleAttr schedule) {
  return isContraction(request.group) ? estimateContraction(request, schedule)
                                      : estimateLoops(request, schedule);
}

std::vector<Candidate> candidatesOf(const SpaceRequest &request) {
  std::vector<kernel::ScheduleAttr> space;
  if (isContraction(request.group))
    addContractionSpace(request, space);
  else
    addLoopSpace(request, space);
  std::vector<Candidate> candidates;
  llvm::DenseSet<Attribute> seen;
  for (kernel::ScheduleAttr schedule : space)
    if (seen.insert(schedule).second && whyNot(request.group, schedule, request.target).empty())
      candidates.push_back({schedule, estimate(request, schedule)});
  // Equal estimates have an order too: the list is the same every time.
  auto order = [](const Candidate &each) {
    kernel::ScheduleAttr s = each.schedule;
    return std::tuple(each.cycles, -s.getLanes(), -s.getRows(), -s.getVectors(), s.getUnroll(),
                      s.getGrain(), s.getPanels(), s.getDepth());
  };
  llvm::sort(candidates,
             [&](const Candidate &a, const Candidate &b) { return order(a) < order(b); });
  return candidates;
}

} // namespace longtail
