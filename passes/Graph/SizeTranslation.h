// Sizes of a called function in terms of its caller.
#pragma once
#include "dialects/Extent/IR/SymbolTable.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace longtail {

/// What a body is called with: an element type and sizes over the caller's symbols. A null size is
/// any: it may differ from call to call.
struct Argument {
  mlir::Type elementType;
  llvm::SmallVector<mlir::AffineExpr> sizes;
};

/// Gives the function's arguments types with symbols of its own. Equal sizes of the caller are one
/// symbol, and sums and quotients of sizes that are known stay such.
void seedArguments(mlir::func::FuncOp function, llvm::ArrayRef<Argument> arguments,
                   const extent::SymbolTable &caller);

/// Translates sizes of `callee` back.
class SizeTranslation {
public:
  SizeTranslation(mlir::func::FuncOp callee, llvm::ArrayRef<Argument> arguments,
                  extent::SymbolTable &caller);

  /// `size` over the caller's symbols, or null where only the call itself tells it.
  mlir::AffineExpr operator()(mlir::AffineExpr size);

private:
  mlir::AffineExpr symbol(unsigned id);

  llvm::ArrayRef<Argument> arguments;
  extent::SymbolTable &caller;
  llvm::DenseMap<unsigned, mlir::Operation *> declarations;
  llvm::DenseMap<unsigned, mlir::AffineExpr> known;
};

} // namespace longtail
