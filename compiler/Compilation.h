// One run of the compiler: walks the phase table. The interface is Session.h.
#pragma once
#include "codegen/Emit/Emit.h"
#include "compiler/Diagnostics.h"
#include "compiler/Phases.h"
#include "compiler/Plan/WeightTable.h"
#include "compiler/Session.h"

namespace longtail {

class Compilation {
public:
  Compilation(const Source &source, const Options &options, const Progress &progress)
      : source(source), options(options), progress(progress) {}

  llvm::Expected<Artifact> run();
  llvm::Expected<llvm::json::Object> inspect();

private:
  /// The module on its way to one target.
  struct Branch {
    const target::TargetDescription *target;
    mlir::OwningOpRef<mlir::ModuleOp> module;
    emit::CodeImage image;
  };

  bool checkOptions();
  void makeContext();
  bool readSource();
  void branch(); // the module, once for each target
  bool runPhase(const Phase &phase, Branch *branch);
  bool transform(const Phase &phase, Branch *branch);
  bool compileKernels(Branch &branch);
  bool assemble();
  void describe();
  void describeGroups(mlir::func::FuncOp main);
  void attachRecords(mlir::ModuleOp subject, const std::string &target);
  void noteRecords(mlir::ModuleOp subject);
  void keepPass(const Phase &phase, llvm::StringRef pass, const Branch *branch);
  bool keepText(const Phase &phase, const Branch *branch);
  std::string textOf(const Phase &phase, const Branch *branch);
  bool fail(const llvm::Twine &message);
  llvm::Error takeErrors();

  const Source &source;
  const Options &options;
  const Progress &progress;

  Artifact artifact;
  std::unique_ptr<DiagnosticCollector> diagnostics;
  std::vector<std::string> errors; // besides the diagnostics
  std::vector<target::TargetDescription> targets;
  unsigned first = 0, last = 0; // phases
  unsigned done = 0, total = 0; // runs of phases
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<Branch> branches;
  std::string sourceDigest;
  std::string groupCosts;               // JSON of report::describeCosts
  unsigned groups = 0, tunedGroups = 0; // of all targets
  std::string obeyed;                   // the schedules of tuned groups
  uint64_t sourceBytes = 0;
  std::vector<double> seconds; // by phase, over all targets
};

} // namespace longtail
