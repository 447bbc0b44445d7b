// The constants of a program as bytes.
#pragma once
#include "codegen/Container/ContainerWriter.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/DenseMap.h"
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
/// alike lies in the file for all of them.
class WeightTable {
public:
  explicit WeightTable(std::vector<container::Weight> &weights) : weights(weights) {}

  /// The number of the weight that holds `value`.
  mlir::FailureOr<uint32_t> add(mlir::ElementsAttr value, llvm::StringRef name,
                                llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

  /// Copies that the weights point into; to be kept as long as they are.
  std::deque<std::vector<char>> takeStorage() { return std::move(storage); }

private:
  std::vector<container::Weight> &weights;
  llvm::DenseMap<mlir::Attribute, uint32_t> known;
  llvm::DenseMap<uint64_t, llvm::SmallVector<uint32_t, 1>> byHash; // of the bytes
  std::deque<std::vector<char>> storage;
};

} // namespace longtail::plan
