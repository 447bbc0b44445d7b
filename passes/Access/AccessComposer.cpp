#include "passes/Access/AccessComposer.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace longtail {

using access::Domain;
using access::MapAttr;

Domain domainOf(Operation *op, const extent::SymbolTable &symbols) {
  Domain domain(extent::sizesOf(op->getResult(0)), symbols);
  if (auto reduce = dyn_cast<compute::ReduceOp>(op))
    llvm::append_range(domain.extents, reduce.getExtents().getResults());
  if (auto contract = dyn_cast<compute::ContractOp>(op))
    llvm::append_range(domain.extents, contract.getExtents().getResults());
  return domain;
}

static MapAttr withoutConditions(MapAttr map) {
  return MapAttr::get(map.getContext(), map.getMap(), {}, {});
}

static bool isZero(TypedAttr fill) {
  return matchPattern(Attribute(fill), m_Zero()) || matchPattern(Attribute(fill), m_AnyZeroFloat());
}

/// True where `inner` has an element wherever `outer` has one.
static bool innerAlwaysThere(MapAttr outer, MapAttr inner, Domain domain) {
  if (inner.isTotal())
    return true;
  if (!outer.isTotal())
    for (auto [valid, below] :
         llvm::zip(outer.getValid().getResults(), outer.getBelow().getResults())) {
      domain.nonNegative.push_back(valid);
      domain.nonNegative.push_back(below - valid - 1);
    }
  return access::compose(withoutConditions(outer), inner, domain).isTotal();
}

bool AccessComposer::throughRead(Reading &reading, access::ReadOp read, const Domain &domain,
                                 bool zeroFill) const {
  TypedAttr fill = reading.fill;
  if (!innerAlwaysThere(reading.access, read.getMap(), domain)) {
    if (reading.access.isTotal())
      fill = read.getFillAttr();
    else if (reading.fill != read.getFillAttr())
      return false;
  }
  MapAttr composed = access::compose(reading.access, read.getMap(), domain);
  if (composed.isTotal())
    fill = {};
  else if (zeroFill && !isZero(fill))
    return false;
  reading = {read.getSource(), composed, fill};
  return true;
}

bool AccessComposer::intoPiece(Reading &reading, access::ConcatOp concat,
                               const Domain &domain) const {
  unsigned axis = concat.getAxis();
  AffineMap map = reading.access.getMap();
  AffineExpr position = map.getResult(axis);
  Domain within = domain;
  if (!reading.access.isTotal())
    for (auto [valid, below] : llvm::zip(reading.access.getValid().getResults(),
                                         reading.access.getBelow().getResults())) {
      within.nonNegative.push_back(valid);
      within.nonNegative.push_back(below - valid - 1);
    }
  AffineExpr offset = getAffineConstantExpr(0, concat.getContext());
  for (Value piece : concat.getSources()) {
    AffineExpr size = extent::sizesOf(piece)[axis];
    if (!size)
      return false;
    AffineExpr inPiece = position - offset;
    if (access::isNonNegative(inPiece, within) && access::isLess(inPiece, size, within)) {
      SmallVector<AffineExpr> indices(map.getResults());
      indices[axis] = inPiece;
      ArrayRef<AffineExpr> valid, below;
      if (!reading.access.isTotal()) {
        valid = reading.access.getValid().getResults();
        below = reading.access.getBelow().getResults();
      }
      reading.source = piece;
      reading.access = access::simplify(
          access::makeMap(concat.getContext(), map.getNumDims(), indices, valid, below), domain);
      return true;
    }
    offset = offset + size;
  }
  return false;
}

Reading AccessComposer::resolve(Reading reading, const Domain &domain, bool zeroFill) const {
  reading.access = access::simplify(reading.access, domain);
  for (bool moved = true; moved;) {
    moved = false;
    if (auto read = reading.source.getDefiningOp<access::ReadOp>())
      moved = throughRead(reading, read, domain, zeroFill);
    else if (auto concat = reading.source.getDefiningOp<access::ConcatOp>())
      moved = intoPiece(reading, concat, domain);
  }
  if (reading.access.isTotal())
    reading.fill = {};
  return reading;
}

void AccessComposer::composeOperands(Operation *op) const {
  Builder builder(op->getContext());
  Domain domain = domainOf(op, symbols);
  if (auto contract = dyn_cast<compute::ContractOp>(op)) {
    auto resolveSide = [&](Value source, MapAttr map) {
      Type element = access::computeType(getElementTypeOrSelf(source.getType()));
      return resolve({source, map, builder.getZeroAttr(element)}, domain, /*zeroFill=*/true);
    };
    Reading lhs = resolveSide(contract.getLhs(), contract.getLhsMap());
    Reading rhs = resolveSide(contract.getRhs(), contract.getRhsMap());
    contract.getLhsMutable().assign(lhs.source);
    contract.getRhsMutable().assign(rhs.source);
    contract.setLhsAccessAttr(lhs.access);
    contract.setRhsAccessAttr(rhs.access);
    return;
  }
  auto accesses = op->getAttrOfType<ArrayAttr>("accesses");
  auto fills = op->getAttrOfType<ArrayAttr>("fills");
  SmallVector<Attribute> newAccesses, newFills;
  for (OpOperand &operand : op->getOpOperands()) {
    unsigned i = operand.getOperandNumber();
    Reading reading =
        resolve({operand.get(), cast<MapAttr>(accesses[i]), dyn_cast<TypedAttr>(fills[i])}, domain);
    operand.set(reading.source);
    newAccesses.push_back(reading.access);
    newFills.push_back(reading.fill ? Attribute(reading.fill) : builder.getUnitAttr());
  }
  op->setAttr("accesses", builder.getArrayAttr(newAccesses));
  op->setAttr("fills", builder.getArrayAttr(newFills));
}

void AccessComposer::composeRead(access::ReadOp read) const {
  // A reshape of reshapes is one.
  SmallVector<Value> reshaped{read.getSource()};
  while (auto source = reshaped.back().getDefiningOp<access::ReadOp>()) {
    if (!access::isRowMajorReshape(source, domainOf(source, symbols)))
      break;
    reshaped.push_back(source.getSource());
  }
  Reading reading =
      resolve({read.getSource(), read.getMap(), read.getFillAttr()}, domainOf(read, symbols));
  if (!llvm::is_contained(reshaped, reading.source))
    read->removeAttr(access::kRowMajorAttr);
  read.getSourceMutable().assign(reading.source);
  read.setMapAttr(reading.access);
  if (reading.fill)
    read.setFillAttr(reading.fill);
  else
    read.removeFillAttr();
  if (reading.access.isIdentity() && read.getSource().getType() == read.getType())
    read.getResult().replaceAllUsesWith(read.getSource());
}

} // namespace longtail
