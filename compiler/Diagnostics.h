// Collects a context's diagnostics as text.
#pragma once
#include "mlir/IR/Diagnostics.h"
#include <mutex>
#include <string>
#include <vector>

namespace longtail {

class DiagnosticCollector {
public:
  explicit DiagnosticCollector(mlir::MLIRContext &context);

  /// What is wrong, and the node (or line) that it is about; "unnamed" where that is not known.
  struct Finding {
    std::string place, message;
  };

  std::vector<std::string> takeErrors();
  std::vector<Finding> takeFindings() { return std::move(findings); }
  const std::vector<std::string> &getWarnings() const { return warnings; }

private:
  void add(mlir::Diagnostic &diagnostic);

  std::mutex mutex;
  std::vector<Finding> findings; // errors
  std::vector<std::string> warnings;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace longtail
