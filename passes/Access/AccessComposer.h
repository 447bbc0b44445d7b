// Composes reads into the accesses of their readers.
#pragma once
#include "dialects/Access/Algebra/Reads.h"
#include "dialects/Compute/IR/Compute.h"

namespace longtail {

/// The iteration domain of a map, reduce, contract or read.
access::Domain domainOf(mlir::Operation *op, const extent::SymbolTable &symbols);

/// A tensor and how it is read. `fill` is null where the access is total.
struct Reading {
  mlir::Value source;
  access::MapAttr access;
  mlir::TypedAttr fill;
};

class AccessComposer {
public:
  explicit AccessComposer(mlir::FunctionOpInterface function) : symbols(function) {}

  /// The same elements, read further up: through reads, and through concatenations of which it
  /// meets one piece. With `zeroFill` the result has no other fill than 0.
  Reading resolve(Reading reading, const access::Domain &domain, bool zeroFill = false) const;

  /// Resolves the operands of a map, reduce or contract.
  void composeOperands(mlir::Operation *op) const;
  /// Resolves a read; its uses get its source where it changes nothing.
  void composeRead(access::ReadOp read) const;
  /// Moves the indices of a load that are certain to be within a read to the read's source.
  void composeLoad(access::LoadOp load) const;

  const extent::SymbolTable &getSymbols() const { return symbols; }

private:
  bool throughRead(Reading &reading, access::ReadOp read, const access::Domain &domain,
                   bool zeroFill) const;
  bool intoPiece(Reading &reading, access::ConcatOp concat, const access::Domain &domain) const;

  extent::SymbolTable symbols;
};

} // namespace longtail
