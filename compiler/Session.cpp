#include "compiler/Session.h"
#include "compiler/Compilation.h"
#include "llvm/ADT/StringExtras.h"

namespace longtail {

char CompileError::ID;

void CompileError::log(llvm::raw_ostream &stream) const { stream << llvm::join(diagnostics, "\n"); }

Artifact::Artifact() = default;
Artifact::~Artifact() = default;
Artifact::Artifact(Artifact &&) noexcept = default;
Artifact &Artifact::operator=(Artifact &&) noexcept = default;

static llvm::Error failWith(std::string message) {
  return llvm::make_error<CompileError>(std::vector<std::string>{std::move(message)});
}

llvm::Error Artifact::checkComplete() const {
  if (complete)
    return llvm::Error::success();
  return failWith("there is no artifact: compilation ended before its last phase");
}

llvm::Expected<std::vector<uint8_t>> Artifact::bytes() const {
  if (llvm::Error error = checkComplete())
    return std::move(error);
  std::string message;
  std::vector<uint8_t> result;
  if (!container::writeContainer(program, message, result))
    return failWith(message);
  return result;
}

llvm::Error Artifact::save(const std::string &path) const {
  if (llvm::Error error = checkComplete())
    return error;
  std::string message;
  int systemError = 0;
  if (container::writeContainer(program, message, path, &systemError))
    return llvm::Error::success();
  if (systemError == 0)
    return failWith(message);
  return llvm::createStringError(std::error_code(systemError, std::generic_category()), message);
}

llvm::Expected<Artifact> compile(const Source &source, const Options &options,
                                 const Progress &progress) {
  return Compilation(source, options, progress).run();
}

llvm::Expected<llvm::json::Object> inspect(const Source &source,
                                           const onnx::ImportOptions &limits) {
  Options options;
  options.limits = limits;
  return Compilation(source, options, {}).inspect();
}

} // namespace longtail
