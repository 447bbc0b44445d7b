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

  std::vector<std::string> takeErrors() { return std::move(errors); }
  const std::vector<std::string> &getWarnings() const { return warnings; }

private:
  void add(mlir::Diagnostic &diagnostic);

  std::mutex mutex;
  std::vector<std::string> errors, warnings;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace longtail
