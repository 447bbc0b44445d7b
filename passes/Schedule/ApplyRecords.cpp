#include "mlir/AsmParser/AsmParser.h"
#include "passes/Schedule/Passes.h"
#include "passes/Schedule/Records.h"
#include "passes/Schedule/RegisterTile.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_APPLYRECORDSPASS
#include "passes/Schedule/Passes.h.inc"

namespace {

/// Parses without complaints: a record of another version is no error of the model.
kernel::ScheduleAttr parseSchedule(StringRef text, MLIRContext *context) {
  ScopedDiagnosticHandler silent(context, [](Diagnostic &) { return success(); });
  return dyn_cast_or_null<kernel::ScheduleAttr>(parseAttribute(text, context));
}

struct ApplyRecords final : impl::ApplyRecordsPassBase<ApplyRecords> {
  using ApplyRecordsPassBase::ApplyRecordsPassBase;

  void runOnOperation() override {
    auto records =
        getOperation()->getParentOfType<ModuleOp>()->getAttrOfType<DictionaryAttr>(kRecordsAttr);
    kernel::TargetAttr target = targetOf(getOperation());
    if (!records || !target)
      return;
    unsigned ignored = 0;
    std::string first;
    getOperation().walk([&](compute::FusedOp group) {
      if (group.getScheduleAttr())
        return;
      auto record = records.getAs<StringAttr>(keyOf(group).text());
      if (!record)
        return;
      kernel::ScheduleAttr schedule = parseSchedule(record.getValue(), &getContext());
      std::string problem =
          schedule ? whyNot(group, schedule, target) : "is no #kernel.schedule of this version";
      if (!problem.empty()) {
        if (ignored++ == 0)
          first = (record.getValue() + " " + problem).str();
        return;
      }
      group.setScheduleAttr(schedule);
      group->setDiscardableAttr(kTunedAttr, UnitAttr::get(&getContext()));
    });
    if (ignored != 0)
      mlir::emitWarning(UnknownLoc::get(&getContext()))
          << ignored << " tuning record" << (ignored == 1 ? " is" : "s are")
          << " ignored: " << first;
  }
};

} // namespace
} // namespace longtail
