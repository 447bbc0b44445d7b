// Runs a module before it is lowered to kernels: slow, and strict about what is undefined.
//
// The meaning of an operation is what its dialect's description says, whatever the compiler makes
// of it. So running a module after each phase tells which one changed the result. An element that
// nobody wrote is poison: it may be moved, but deciding on it, using it as an index or returning it
// is an error, as are reads and writes outside of a tensor and points of a grid that meet.
#pragma once
#include "compiler/Interpreter/Machine.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace longtail::interpreter {

using TensorRef = std::shared_ptr<Tensor>;

/// Runs function `name` of a module on `inputs`; the context's diagnostics say what went wrong, and
/// `refused` whether it was the sizes of the inputs.
mlir::FailureOr<std::vector<TensorRef>> run(mlir::ModuleOp module, llvm::StringRef name,
                                            llvm::ArrayRef<TensorRef> inputs,
                                            KeepGoing keepGoing = {}, bool *refused = nullptr);

/// Why a run ended, and the line of the source that it is about (0: not known). `isInput`: the
/// arrays do not fit the module.
class RunFault : public llvm::ErrorInfo<RunFault> {
public:
  static char ID;
  explicit RunFault(std::string message, bool isInput = false)
      : message(std::move(message)), isInput(isInput) {}
  void log(llvm::raw_ostream &stream) const override;
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

  std::string message, file;
  unsigned line = 0, column = 0;
  bool isInput;
};

/// A module of the text of a phase, in a context of its own.
class Program {
public:
  static llvm::Expected<Program> parse(llvm::StringRef text);
  ~Program();
  Program(Program &&) noexcept;

  /// An argument of the main function. Its name may be empty, a size may be -1: any.
  struct Input {
    std::string name;
    mlir::Type elementType;
    std::vector<int64_t> sizes;
  };
  std::vector<Input> getInputs() const;

  /// An array for argument `i` of the main function; a RunFault if there is no such argument, or it
  /// has another rank.
  llvm::Expected<TensorRef> makeInput(unsigned i, llvm::ArrayRef<int64_t> sizes);
  llvm::Expected<std::vector<TensorRef>> run(llvm::ArrayRef<TensorRef> inputs,
                                             KeepGoing keepGoing = {});

private:
  Program();
  llvm::Error takeError();
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace longtail::interpreter
