#include "compiler/Operators/Registry.h"
#include <cmath>

using namespace mlir;

namespace longtail::operators {

//===-- the node ------------------------------------------------------------------------------===//

int64_t InferContext::version() const { return node.getVersion(); }
Location InferContext::getLoc() const { return node.getLoc(); }
MLIRContext *InferContext::getContext() const { return node->getContext(); }

InFlightDiagnostic InferContext::error() const {
  reported = true;
  InFlightDiagnostic diagnostic = emitError(node.getLoc());
  diagnostic << "cannot compile operator '" << node.getOpType() << "' (domain '"
             << (node.getDomain().empty() ? StringRef("ai.onnx") : node.getDomain())
             << "', version " << static_cast<int64_t>(node.getVersion()) << ")";
  if (!node.getNodeName().empty())
    diagnostic << " of node '" << node.getNodeName() << "'";
  diagnostic << " with inputs (";
  llvm::interleave(
      node.getInputs(), [&](Value input) { diagnostic << describe(input.getType()); },
      [&] { diagnostic << ", "; });
  diagnostic << "): ";
  return diagnostic;
}

//===-- operands ------------------------------------------------------------------------------===//

unsigned InferContext::numInputs() const { return node.getInputs().size(); }
unsigned InferContext::numOutputs() const { return node->getNumResults(); }
bool InferContext::hasInput(unsigned i) const { return static_cast<bool>(inputValue(i)); }
bool InferContext::hasOutput(unsigned i) const {
  return i < numOutputs() && !isa<NoneType>(node->getResult(i).getType());
}
Value InferContext::inputValue(unsigned i) const { return node.getInputOrNull(i); }
RankedTensorType InferContext::inputType(unsigned i) const {
  Value value = inputValue(i);
  return value ? dyn_cast<RankedTensorType>(value.getType()) : RankedTensorType();
}
SmallVector<AffineExpr> InferContext::sizes(unsigned i) const {
  return extent::sizesOf(inputType(i));
}
ElementsAttr InferContext::constant(unsigned i) const { return constantOf(inputValue(i)); }

/// What inference recorded about `value`, numerators and denominators.
static std::optional<SmallVector<Fraction>> recorded(Value value) {
  auto result = dyn_cast<OpResult>(value);
  auto contents = result ? result.getOwner()->getAttrOfType<ArrayAttr>(kContentsAttr) : ArrayAttr();
  if (!contents || result.getResultNumber() >= contents.size())
    return std::nullopt;
  auto map = dyn_cast<AffineMapAttr>(contents[result.getResultNumber()]);
  if (!map)
    return std::nullopt;
  SmallVector<Fraction> fractions;
  for (AffineExpr element : map.getValue().getResults())
    fractions.push_back({element, 1});
  if (auto all = result.getOwner()->getAttrOfType<ArrayAttr>(kDenominatorsAttr))
    if (auto own = dyn_cast<DenseI64ArrayAttr>(all[result.getResultNumber()]))
      for (auto [fraction, denominator] : llvm::zip(fractions, own.asArrayRef()))
        fraction.denominator = denominator;
  return fractions;
}

/// `value` as a quotient whose multiples by sizes floating-point arithmetic computes exactly: up to
/// ten bits before and after the point.
static std::optional<std::pair<int64_t, int64_t>> smallQuotient(double value) {
  constexpr double limit = int64_t(1) << 53;
  if (value == std::floor(value) && std::abs(value) < limit)
    return std::pair(static_cast<int64_t>(value), int64_t(1));
  for (int64_t denominator = 2; denominator <= 1024; denominator *= 2)
    if (double scaled = value * denominator;
        scaled == std::floor(scaled) && std::abs(scaled) <= (1 << 20))
      return std::pair(static_cast<int64_t>(scaled), denominator);
  return std::nullopt;
}

std::optional<SmallVector<Fraction>> InferContext::fractions(unsigned i) const {
  Value value = inputValue(i);
  if (!value)
    return std::nullopt;
  ElementsAttr elements = constantOf(value);
  if (!elements)
    return recorded(value);
  if (cast<ShapedType>(elements.getType()).getNumElements() > kMaxContents)
    return std::nullopt;
  SmallVector<Fraction> result;
  if (std::optional<SmallVector<int64_t>> ints = readInts(elements)) {
    for (int64_t element : *ints)
      result.push_back({constantExpr(element), 1});
    return result;
  }
  std::optional<SmallVector<double>> numbers = readNumbers(elements);
  if (!numbers)
    return std::nullopt;
  for (double element : *numbers) {
    auto quotient = smallQuotient(element);
    if (!quotient)
      return std::nullopt;
    result.push_back({constantExpr(quotient->first), quotient->second});
  }
  return result;
}

std::optional<SmallVector<AffineExpr>> InferContext::contents(unsigned i) const {
  RankedTensorType type = inputType(i);
  if (!type || !isa<IntegerType>(type.getElementType()))
    return std::nullopt;
  std::optional<SmallVector<Fraction>> known = fractions(i);
  if (!known)
    return std::nullopt;
  return llvm::map_to_vector(*known, [](const Fraction &element) { return element.numerator; });
}

FailureOr<SmallVector<AffineExpr>> InferContext::contentsOrBind(unsigned i, int64_t min,
                                                                int64_t max) {
  if (std::optional<SmallVector<AffineExpr>> known = contents(i))
    return *known;
  RankedTensorType type = inputType(i);
  if (!type || !isa<IntegerType>(type.getElementType()))
    return error() << "input " << i << " must be a tensor of integers";
  if (!type.hasStaticShape())
    return error() << "input " << i << " has elements that are only known when the model runs, and "
                   << "so is their number";
  if (type.getNumElements() > kMaxContents)
    return error() << "input " << i << " holds " << type.getNumElements()
                   << " sizes or axes, at most " << kMaxContents
                   << " can be read when the model runs";
  // An existing declaration is found by its use: values are replaced during expansion.
  Value source = inputValue(i);
  SmallVector<AffineExpr> elements(type.getNumElements());
  for (Operation *user : source.getUsers())
    if (auto bind = dyn_cast<extent::BindOp>(user))
      if (int64_t index = bind.getIndex(); index < type.getNumElements())
        elements[index] = getAffineSymbolExpr(bind.getId(), getContext());
  OpBuilder builder(node);
  for (auto [index, element] : llvm::enumerate(elements))
    if (!element)
      element = symbols.bind(builder, getLoc(), source, index, min, max);
  return elements;
}

std::optional<SmallVector<int64_t>> InferContext::constantInts(unsigned i) const {
  if (ElementsAttr elements = constant(i))
    return readInts(elements);
  std::optional<SmallVector<AffineExpr>> known = contents(i);
  if (!known)
    return std::nullopt;
  SmallVector<int64_t> values;
  for (AffineExpr element : *known) {
    auto value = dyn_cast<AffineConstantExpr>(element);
    if (!value)
      return std::nullopt;
    values.push_back(value.getValue());
  }
  return values;
}

std::optional<SmallVector<double>> InferContext::constantNumbers(unsigned i) const {
  if (ElementsAttr elements = constant(i))
    return readNumbers(elements);
  if (std::optional<SmallVector<int64_t>> ints = constantInts(i))
    return SmallVector<double>(ints->begin(), ints->end());
  return std::nullopt;
}

//===-- attributes ----------------------------------------------------------------------------===//

Attribute InferContext::attribute(StringRef name) const {
  return node.getNodeAttributes().get(name);
}
/// Complains of an attribute of another kind than `Kind`.
template <typename Kind>
static void checkKind(const InferContext &context, StringRef name, StringRef what) {
  if (Attribute value = context.attribute(name); value && !isa<Kind>(value))
    context.error() << "attribute '" << name << "' is not " << what;
}
int64_t InferContext::getInt(StringRef name, int64_t otherwise) const {
  checkKind<IntegerAttr>(*this, name, "a whole number");
  return node.getInt(name, otherwise);
}
float InferContext::getFloat(StringRef name, float otherwise) const {
  checkKind<FloatAttr>(*this, name, "a number of kind FLOAT");
  return node.getFloat(name, otherwise);
}
StringRef InferContext::getString(StringRef name, StringRef otherwise) const {
  checkKind<StringAttr>(*this, name, "a text");
  return node.getString(name, otherwise);
}
std::optional<SmallVector<int64_t>> InferContext::getInts(StringRef name) const {
  Attribute value = attribute(name);
  if (auto array = dyn_cast_or_null<DenseI64ArrayAttr>(value))
    return SmallVector<int64_t>(array.asArrayRef());
  // An empty list has no kind in the model.
  if (auto array = dyn_cast_or_null<ArrayAttr>(value); array && array.empty())
    return SmallVector<int64_t>();
  if (value)
    error() << "attribute '" << name << "' is not a list of whole numbers";
  return std::nullopt;
}
std::optional<SmallVector<float>> InferContext::getFloats(StringRef name) const {
  Attribute value = attribute(name);
  if (auto array = dyn_cast_or_null<DenseF32ArrayAttr>(value))
    return SmallVector<float>(array.asArrayRef());
  if (auto array = dyn_cast_or_null<ArrayAttr>(value); array && array.empty())
    return SmallVector<float>();
  if (value)
    error() << "attribute '" << name << "' is not a list of numbers of kind FLOAT";
  return std::nullopt;
}

//===-- sizes ---------------------------------------------------------------------------------===//

AffineExpr InferContext::constantExpr(int64_t value) const {
  return getAffineConstantExpr(value, getContext());
}

FailureOr<int64_t> InferContext::normalizeAxis(int64_t axis, int64_t rank) const {
  if (axis < -rank || axis >= rank)
    return error() << "axis " << axis << " is not a dimension of a tensor of rank " << rank;
  return axis < 0 ? axis + rank : axis;
}

//===-- results -------------------------------------------------------------------------------===//

/// More than any memory holds.
static constexpr int64_t kLargestSize = int64_t(1) << 48;

void InferContext::setResult(unsigned i, Type elementType, ArrayRef<AffineExpr> sizes) {
  if (!hasOutput(i))
    return;
  SmallVector<AffineExpr> simplified;
  for (AffineExpr size : sizes) {
    simplified.push_back(simplifyAffineExpr(size, 0, symbols.size()));
    AffineExpr last = simplified.back();
    auto constant = dyn_cast<AffineConstantExpr>(last);
    // Sums and products beyond 63 bits stay expressions without symbols.
    bool isImpossible = constant ? constant.getValue() < 0 || constant.getValue() > kLargestSize
                                 : extent::symbolCount(last) == 0;
    if (isImpossible) { // leaves the result without a type: a failure
      error() << "dimension " << simplified.size() - 1 << " of result " << i << " would be "
              << describe(last);
      return;
    }
  }
  node->getResult(i).setType(extent::tensorType(simplified, elementType));
}

void InferContext::setFractions(unsigned i, ArrayRef<Fraction> elements) {
  if (!hasOutput(i) || elements.size() > static_cast<size_t>(kMaxContents))
    return;
  Builder builder(getContext());
  auto store = [&](StringRef name, Attribute entry) {
    auto old = node->getAttrOfType<ArrayAttr>(name);
    SmallVector<Attribute> entries =
        old ? llvm::to_vector(old.getValue())
            : SmallVector<Attribute>(numOutputs(), builder.getUnitAttr());
    entries[i] = entry;
    node->setAttr(name, builder.getArrayAttr(entries));
  };
  SmallVector<AffineExpr> numerators;
  SmallVector<int64_t> denominators;
  for (const Fraction &element : elements) {
    numerators.push_back(simplifyAffineExpr(element.numerator, 0, symbols.size()));
    denominators.push_back(element.denominator);
  }
  store(kContentsAttr, AffineMapAttr::get(extent::sizesMap(getContext(), numerators)));
  if (llvm::any_of(denominators, [](int64_t value) { return value != 1; }))
    store(kDenominatorsAttr, builder.getDenseI64ArrayAttr(denominators));
}

void InferContext::setContents(unsigned i, ArrayRef<AffineExpr> elements) {
  setFractions(
      i, llvm::map_to_vector(elements, [](AffineExpr element) { return Fraction{element, 1}; }));
}

} // namespace longtail::operators
