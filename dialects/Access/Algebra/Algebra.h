// The algebra of access maps: simplification with ranges, composition, strides, collapsing of
// dimensions. A pure library over affine expressions; nothing here touches the IR.
//
// Expressions are semi-affine: sums of products of dimensions, symbols, quotients and remainders,
// whose divisors may be symbolic. Divisors are sizes and taken to be positive. All statements hold
// at the points of a domain; a domain with an extent of 0 has none, so extents are taken to be
// >= 1.
#pragma once
#include "dialects/Access/IR/Access.h"
#include "dialects/Extent/IR/SymbolTable.h"
#include <functional>
#include <optional>

namespace longtail::access {

/// The points over which a statement must hold: dimension `i` is in `[0, extents[i])`.
struct Domain {
  /// Expressions over symbols. A null extent is unknown.
  llvm::SmallVector<mlir::AffineExpr> extents;
  /// What is known about a symbol; without it every symbol is in [0, infinity).
  std::function<extent::Interval(mlir::AffineExpr symbol)> symbolRange;
  /// Expressions over dimensions and symbols that are >= 0 at every point that matters.
  llvm::SmallVector<mlir::AffineExpr> nonNegative;

  Domain() = default;
  explicit Domain(llvm::ArrayRef<mlir::AffineExpr> extents,
                  std::function<extent::Interval(mlir::AffineExpr)> symbolRange = nullptr)
      : extents(extents), symbolRange(std::move(symbolRange)) {}
  /// With the ranges that `symbols` declares; the table must outlive the domain.
  Domain(llvm::ArrayRef<mlir::AffineExpr> extents, const extent::SymbolTable &symbols)
      : extents(extents),
        symbolRange([&symbols](mlir::AffineExpr symbol) { return symbols.range(symbol); }) {}
};

// ---- expressions

/// An expression of equal value at every point of the domain, in a normal form: sums are expanded,
/// quotients and remainders are gone where ranges allow it. Equal normal forms are equal
/// expressions.
mlir::AffineExpr simplify(mlir::AffineExpr expr, const Domain &domain);

/// True where `expr >= 0` is proven for every point. False means unknown.
bool isNonNegative(mlir::AffineExpr expr, const Domain &domain);
/// True where `a < b` is proven for every point.
bool isLess(mlir::AffineExpr a, mlir::AffineExpr b, const Domain &domain);
/// True where `a == b` is proven for every point.
bool isEqual(mlir::AffineExpr a, mlir::AffineExpr b, const Domain &domain);

/// True where `expr` contains dimension `dim`.
bool dependsOn(mlir::AffineExpr expr, unsigned dim);

/// `expr` at `dim + 1` minus `expr` at `dim`, an expression of symbols, if it is the same at every
/// point; null otherwise. 0 where `expr` does not depend on `dim`.
mlir::AffineExpr strideAlong(mlir::AffineExpr expr, unsigned dim, const Domain &domain);
/// True where the stride along `dim` is 1.
bool isContiguousAlong(mlir::AffineExpr expr, unsigned dim, const Domain &domain);

/// The row-major offset of `indices` in a tensor of `sizes`: the last index has stride 1.
mlir::AffineExpr linearize(llvm::ArrayRef<mlir::AffineExpr> indices,
                           llvm::ArrayRef<mlir::AffineExpr> sizes, mlir::MLIRContext *context);
/// The row-major indices of `offset`, which is within the tensor of `sizes`.
llvm::SmallVector<mlir::AffineExpr> delinearize(mlir::AffineExpr offset,
                                                llvm::ArrayRef<mlir::AffineExpr> sizes);

// ---- maps

/// A map from `domainRank` dimensions with as many symbols as its expressions need. Empty `valid`:
/// a total map.
MapAttr makeMap(mlir::MLIRContext *context, unsigned domainRank,
                llvm::ArrayRef<mlir::AffineExpr> indices,
                llvm::ArrayRef<mlir::AffineExpr> valid = {},
                llvm::ArrayRef<mlir::AffineExpr> below = {});

/// The map with simplified expressions (the indices under the conditions), and without conditions
/// that always hold or follow from others.
MapAttr simplify(MapAttr map, const Domain &domain);

/// The map of `read(read(x, inner), outer)`: `inner . outer`, conditions of both, simplified.
/// `domain` is that of `outer`. It describes the read only if at most one of the maps has
/// conditions, or the fills of both are equal.
MapAttr compose(MapAttr outer, MapAttr inner, const Domain &domain);

/// True where a total map reads each element of a tensor of `sizes` at its own position. In a
/// dimension of size 1 that is position 0, however it is written.
bool isIdentityOn(MapAttr map, llvm::ArrayRef<mlir::AffineExpr> sizes);

/// The order `p` for which index `i` of a total map is dimension `p[i]`, all dimensions once.
std::optional<llvm::SmallVector<unsigned>> isPermutation(MapAttr map);

/// True where a total map enumerates a source of `sourceSizes` in row-major order, all of it: the
/// read is the same memory with another shape.
bool isRowMajorReshape(MapAttr map, llvm::ArrayRef<mlir::AffineExpr> sourceSizes,
                       const Domain &domain);

/// True where no two points of the domain read one element, as far as that is proven: permutations,
/// reshapes, slices, flips. Conditions are ignored.
bool isInjective(MapAttr map, const Domain &domain);

/// The runs of dimensions, adjacent in `order` (outermost first), that every expression of
/// `offsets` treats as one: stride(i) == extent(i + 1) * stride(i + 1). No expression of
/// `conditions` may contain a dimension of a run of more than one. Every dimension of `order` is in
/// exactly one run.
llvm::SmallVector<llvm::SmallVector<unsigned>>
collapse(llvm::ArrayRef<mlir::AffineExpr> offsets, llvm::ArrayRef<unsigned> order,
         const Domain &domain, llvm::ArrayRef<mlir::AffineExpr> conditions = {});

} // namespace longtail::access
