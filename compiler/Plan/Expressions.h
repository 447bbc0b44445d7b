// Sizes as the postfix programs of artifacts.
#pragma once
#include "codegen/Container/ContainerWriter.h"
#include "dialects/Extent/IR/Extent.h"
#include <map>

namespace longtail::plan {

/// The expressions of one function; equal ones are one. Expressions that are too long for an
/// artifact are cut at derived symbols.
class ExpressionTable {
public:
  explicit ExpressionTable(container::Function &function) : function(function) {}

  /// Makes `id` of the IR known as the symbol that is added next; it is added by the caller.
  void defineSymbol(int64_t id);

  uint32_t constant(int64_t value) { return intern({{LT_OP_CONST, value}}); }
  uint32_t add(mlir::AffineExpr expr) { return intern(shortened(lower(expr))); }
  /// `function` of the results of `args`.
  uint32_t add(extent::Function function, mlir::AffineMap args);
  /// The bytes of a tensor of elements of `bits` bits.
  uint32_t bytes(llvm::ArrayRef<mlir::AffineExpr> sizes, unsigned bits);
  /// Whether a symbol of the function has the value of `expr`.
  uint32_t symbolEquals(uint32_t symbol, mlir::AffineExpr expr);

  /// The region in which all symbols of an expression are known.
  uint32_t regionOf(uint32_t expression) const;

private:
  container::Expression lower(mlir::AffineExpr expr);
  container::Expression lowerDivisor(mlir::AffineExpr expr);
  container::Expression join(container::Expression a, container::Expression b, lt_opcode opcode);
  container::Expression shortened(container::Expression expression);
  uint32_t intern(container::Expression expression);

  container::Function &function;
  std::map<std::vector<std::pair<int, int64_t>>, uint32_t> known;
  std::vector<uint32_t> symbols; // of the IR: the function's
};

} // namespace longtail::plan
