#include "passes/Graph/SizeTranslation.h"

using namespace mlir;

namespace longtail {

namespace {

/// Replaces symbols by `lookup`; null where that gives null for any of them.
AffineExpr replaceSymbols(AffineExpr expr, function_ref<AffineExpr(unsigned)> lookup) {
  SmallVector<AffineExpr> replacements(extent::symbolCount(expr));
  bool isKnown = true;
  expr.walk([&](AffineExpr part) {
    auto symbol = dyn_cast<AffineSymbolExpr>(part);
    if (!symbol)
      return;
    AffineExpr &replacement = replacements[symbol.getPosition()];
    if (!replacement)
      replacement = lookup(symbol.getPosition());
    isKnown &= static_cast<bool>(replacement);
  });
  if (!isKnown)
    return {};
  for (AffineExpr &replacement : replacements)
    if (!replacement) // does not occur
      replacement = getAffineConstantExpr(0, expr.getContext());
  return expr.replaceSymbols(replacements);
}

} // namespace

void seedArguments(func::FuncOp function, ArrayRef<Argument> arguments,
                   const extent::SymbolTable &caller) {
  extent::SymbolTable symbols(function);
  llvm::DenseMap<AffineExpr, AffineExpr> known;
  auto declare = [&](unsigned input, unsigned dim, AffineExpr size) {
    std::optional<int64_t> low = size ? caller.range(size).low : std::nullopt;
    return symbols.declareInput("", input, dim, std::max<int64_t>(low.value_or(0), 0));
  };
  // Dimensions that are symbols of the caller come first: others may be computed from them.
  for (auto [input, argument] : llvm::enumerate(arguments))
    for (auto [dim, size] : llvm::enumerate(argument.sizes))
      if (size && isa<AffineSymbolExpr>(size) && !known.contains(size))
        known[size] = declare(input, dim, size);
  auto lookup = [&](unsigned id) {
    return known.lookup(getAffineSymbolExpr(id, function.getContext()));
  };
  for (auto [input, argument] : llvm::enumerate(arguments)) {
    SmallVector<AffineExpr> sizes;
    for (auto [dim, size] : llvm::enumerate(argument.sizes)) {
      AffineExpr own;
      if (size && isa<AffineConstantExpr>(size))
        own = size;
      else if (size)
        own = known.contains(size) ? known[size] : replaceSymbols(size, lookup);
      if (!own) {
        own = declare(input, dim, size);
        if (size)
          known[size] = own;
      }
      sizes.push_back(own);
    }
    function.getArgument(input).setType(extent::tensorType(sizes, argument.elementType));
  }
}

SizeTranslation::SizeTranslation(func::FuncOp callee, ArrayRef<Argument> arguments,
                                 extent::SymbolTable &caller)
    : arguments(arguments), caller(caller) {
  for (Operation &op : callee.front())
    if (isa<extent::SymbolOp, extent::DerivedOp>(op))
      declarations[op.getAttrOfType<IntegerAttr>("id").getInt()] = &op;
}

AffineExpr SizeTranslation::symbol(unsigned id) {
  if (auto found = known.find(id); found != known.end())
    return found->second;
  AffineExpr result;
  Operation *declaration = declarations.lookup(id);
  if (auto input = dyn_cast_or_null<extent::SymbolOp>(declaration)) {
    result = arguments[input.getInput()].sizes[input.getDim()];
  } else if (auto derived = dyn_cast_or_null<extent::DerivedOp>(declaration)) {
    SmallVector<AffineExpr> args;
    for (AffineExpr arg : derived.getArgs().getResults())
      args.push_back((*this)(arg));
    if (!llvm::is_contained(args, AffineExpr()))
      result = caller.derive(derived.getFunction(), args);
  }
  known[id] = result;
  return result;
}

AffineExpr SizeTranslation::operator()(AffineExpr size) {
  AffineExpr result = replaceSymbols(size, [&](unsigned id) { return symbol(id); });
  return result ? simplifyAffineExpr(result, 0, caller.size()) : AffineExpr();
}

} // namespace longtail
