// The constants of a program as bytes.
#pragma once
#include "codegen/Container/ContainerWriter.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include <deque>

namespace longtail::plan {

/// The bytes of a constant as kernels read them: row-major, a byte for an i1, packed below a byte.
/// Mostly the memory of the attribute itself, which lives as long as the context (a blob of the
/// model's file: as long as the module); otherwise `storage` receives a copy. Fails on strings and
/// on resources without data.
mlir::FailureOr<llvm::ArrayRef<char>>
bytesOf(mlir::ElementsAttr value, std::vector<char> &storage,
        llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

/// The weights of all variants of a program. Equal bytes are stored once: what the variants packed
/// alike lies in the file for all of them. A constant tensor of strings is a weight of handles, its
/// strings are in the program's text.
class WeightTable {
public:
  explicit WeightTable(container::Program &program)
      : weights(program.weights), text(program.text) {}

  /// The number of the weight that holds `value`.
  mlir::FailureOr<uint32_t> add(mlir::ElementsAttr value, llvm::StringRef name,
                                llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

  /// Copies that the weights point into; to be kept as long as they are.
  std::deque<std::vector<char>> takeStorage() { return std::move(storage); }

private:
  /// The handle of a string that is a constant; equal strings have one.
  uint64_t handleOf(llvm::StringRef string);

  std::vector<container::Weight> &weights;
  std::vector<uint8_t> &text;
  llvm::StringMap<uint64_t> handles;
  llvm::DenseMap<mlir::Attribute, uint32_t> known;
  llvm::DenseMap<uint64_t, llvm::SmallVector<uint32_t, 1>> byHash; // of the bytes
  std::deque<std::vector<char>> storage;
};

} // namespace longtail::plan
