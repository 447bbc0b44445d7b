#include "compiler/Diagnostics.h"
#include "compiler/Plan/Text.h"

using namespace mlir;

namespace longtail {

DiagnosticCollector::DiagnosticCollector(MLIRContext &context)
    : handler(&context, [this](Diagnostic &diagnostic) { add(diagnostic); }) {}

/// The message, after the place that it is about unless the message names it.
static std::string textOf(Diagnostic &diagnostic) {
  std::string message = diagnostic.str();
  std::string place = plan::locationText(diagnostic.getLocation());
  if (place == "unnamed" || StringRef(message).contains(place))
    return message;
  return place + ": " + message;
}

void DiagnosticCollector::add(Diagnostic &diagnostic) {
  std::string text = textOf(diagnostic);
  for (Diagnostic &note : diagnostic.getNotes())
    text += "\n  note: " + textOf(note);
  std::lock_guard<std::mutex> lock(mutex);
  if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
    findings.push_back({plan::locationText(diagnostic.getLocation()), std::move(text)});
  else if (diagnostic.getSeverity() == DiagnosticSeverity::Warning)
    warnings.push_back(std::move(text));
}

std::vector<std::string> DiagnosticCollector::takeErrors() {
  std::vector<std::string> errors;
  for (Finding &finding : takeFindings())
    errors.push_back(std::move(finding.message));
  return errors;
}

} // namespace longtail
