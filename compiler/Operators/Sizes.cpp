// Sizes in messages, and the broadcasting of sizes.
#include "compiler/Operators/Registry.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace longtail::operators {

std::string describe(Type type) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor) {
    stream << type;
    return text;
  }
  stream << tensor.getElementType() << "[";
  llvm::interleaveComma(extent::sizesOf(tensor), stream, [&](AffineExpr size) {
    if (size)
      stream << size;
    else
      stream << "?";
  });
  stream << "]";
  return text;
}

std::string describe(AffineExpr size) {
  std::string text;
  llvm::raw_string_ostream(text) << size;
  return text;
}

AffineExpr simpler(AffineExpr a, AffineExpr b) {
  auto weight = [](AffineExpr size) {
    unsigned parts = 0;
    size.walk([&](AffineExpr) { ++parts; });
    return isa<AffineConstantExpr>(size) ? std::pair(0u, 0u)
                                         : std::pair(parts, extent::symbolCount(size));
  };
  return weight(b) < weight(a) ? b : a;
}

namespace {

/// What a size is made of.
struct Origin {
  SmallVector<unsigned> inputs; // the symbols of input dimensions and bound values behind it
  bool isComputed = false;      // not just one of those
  bool isChoice = false;        // a choice among sizes, as broadcasting makes
};

} // namespace

static void findOrigin(Operation *function, AffineExpr size, Origin &origin) {
  origin.isComputed |= !isa<AffineSymbolExpr>(size);
  size.walk([&](AffineExpr part) {
    auto symbol = dyn_cast<AffineSymbolExpr>(part);
    if (!symbol)
      return;
    extent::DerivedOp definition;
    for (auto derived : function->getRegion(0).getOps<extent::DerivedOp>())
      if (derived.getId() == symbol.getPosition())
        definition = derived;
    if (!definition) {
      origin.inputs.push_back(symbol.getPosition());
      return;
    }
    origin.isComputed = true;
    origin.isChoice |= definition.getFunction() == extent::Function::Select ||
                       definition.getFunction() == extent::Function::Max;
    for (AffineExpr arg : definition.getArgs().getResults())
      findOrigin(function, arg, origin);
  });
}

bool InferContext::mustAgree(AffineExpr a, AffineExpr b) const {
  Operation *function = node->getParentOfType<FunctionOpInterface>();
  Origin left, right;
  findOrigin(function, a, left);
  findOrigin(function, b, right);
  if (left.isChoice || right.isChoice)
    return false;
  if (isa<AffineConstantExpr>(a))
    return right.isComputed;
  if (isa<AffineConstantExpr>(b))
    return left.isComputed;
  return llvm::any_of(left.inputs,
                      [&](unsigned input) { return llvm::is_contained(right.inputs, input); });
}

FailureOr<AffineExpr> InferContext::broadcast(AffineExpr a, AffineExpr b) {
  AffineExpr one = constantExpr(1);
  if (a == b || b == one || symbols.isProvably(extent::Function::Equal, a, b))
    return a;
  if (a == one)
    return b;
  using extent::Function;
  bool areConstant = isa<AffineConstantExpr>(a) && isa<AffineConstantExpr>(b);
  if (!areConstant && mustAgree(a, b)) {
    std::string message = "sizes " + describe(a) + " and " + describe(b) + " differ in operator '" +
                          node.getOpType().str() + "' of node '" + node.getNodeName().str() + "'";
    if (failed(symbols.requireEqual(a, b, message)))
      return error() << "sizes " << describe(a) << " and " << describe(b) << " do not broadcast";
    return simpler(a, b);
  }
  AffineExpr equal = symbols.derive(Function::Equal, {a, b});
  AffineExpr oneA = symbols.derive(Function::Equal, {a, one});
  AffineExpr oneB = symbols.derive(Function::Equal, {b, one});
  AffineExpr fits =
      symbols.derive(Function::Or, {equal, symbols.derive(Function::Or, {oneA, oneB})});
  std::string message = "sizes do not broadcast in operator '" + node.getOpType().str() +
                        "' of node '" + node.getNodeName().str() + "'";
  if (failed(symbols.requireEqual(fits, one, message)))
    return error() << "sizes " << describe(a) << " and " << describe(b) << " do not broadcast";
  // The factors that accesses use where a size may be 1 are declared here, before any reader.
  symbols.derive(Function::Less, {one, a});
  symbols.derive(Function::Less, {one, b});
  if (isa<AffineConstantExpr>(a))
    return a;
  if (isa<AffineConstantExpr>(b))
    return b;
  return symbols.derive(Function::Select, {oneA, b, a});
}

FailureOr<SmallVector<AffineExpr>> InferContext::broadcast(ArrayRef<AffineExpr> a,
                                                           ArrayRef<AffineExpr> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  SmallVector<AffineExpr> result(a);
  size_t offset = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    FailureOr<AffineExpr> size = broadcast(a[offset + i], b[i]);
    if (failed(size))
      return failure();
    result[offset + i] = *size;
  }
  return result;
}

} // namespace longtail::operators
