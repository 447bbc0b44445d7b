// The compiler's C++ interface: a model in, an artifact out.
#pragma once
#include "codegen/Container/ContainerWriter.h"
#include "compiler/Options.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <deque>
#include <functional>
#include <memory>

namespace longtail {

/// A model, or with Options::from the MLIR text of a later stage.
struct Source {
  std::string path;      // of a file; empty: `bytes` holds the source
  llvm::StringRef bytes; // borrowed for the call
  std::string name;      // stands for the file's name in messages about `bytes`

  static Source file(std::string path) { return {std::move(path), {}, {}}; }
  static Source memory(llvm::StringRef bytes, std::string name) {
    return {{}, bytes, std::move(name)};
  }
};

/// Why a model was not compiled: all complaints at once, each names what it is about.
class CompileError : public llvm::ErrorInfo<CompileError> {
public:
  static char ID;
  explicit CompileError(std::vector<std::string> diagnostics)
      : diagnostics(std::move(diagnostics)) {}
  void log(llvm::raw_ostream &stream) const override;
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

  std::vector<std::string> diagnostics; // never empty
};

/// A compiled model. Its weights may lie in the model's mapped file, which must not change as long
/// as the artifact lives.
class Artifact {
public:
  Artifact();
  ~Artifact();
  Artifact(Artifact &&) noexcept;
  Artifact &operator=(Artifact &&) noexcept;

  /// False where compilation ended before the last phase.
  bool isComplete() const { return complete; }
  /// The file's bytes. Fails for an incomplete artifact or one that exceeds the format's limits.
  llvm::Expected<std::vector<uint8_t>> bytes() const;
  /// Writes the file; there is either the whole file or none. An error of the operating system is
  /// an llvm::StringError with its code, everything else a CompileError.
  llvm::Error save(const std::string &path) const;

  const llvm::json::Object &getReport() const { return report; }
  /// The text after each phase, as Options::keepStages asks for: (phase, text).
  const std::vector<std::pair<std::string, std::string>> &getStages() const { return stages; }
  /// With Options::keepCode: the first target's kernels as assembly text, and as ELF files.
  const std::string &getAssembly() const { return assembly; }
  const std::vector<std::string> &getObjects() const { return objects; }
  const container::Program &getProgram() const { return program; }

private:
  friend class Compilation;
  llvm::Error checkComplete() const;

  std::unique_ptr<mlir::MLIRContext> context; // owns what the weights point into
  std::deque<std::vector<char>> storage;      // weights that the context does not own
  container::Program program;
  llvm::json::Object report;
  std::vector<std::pair<std::string, std::string>> stages;
  std::string assembly;
  std::vector<std::string> objects;
  bool complete = false;
};

/// Called before each phase, by the thread that compiles; with several targets a phase may come
/// more than once. False ends the compilation with a CompileError.
using Progress = std::function<bool(llvm::StringRef phase, unsigned index, unsigned total)>;

/// Compiles a model. Equal sources and options give equal artifacts. Any thread may call it.
llvm::Expected<Artifact> compile(const Source &source, const Options &options,
                                 const Progress &progress = {});

/// What a model is: inputs, outputs, operators with their counts, those that are not supported, and
/// why single nodes are not ("findings").
llvm::Expected<llvm::json::Object> inspect(const Source &source,
                                           const onnx::ImportOptions &limits = {});

} // namespace longtail
