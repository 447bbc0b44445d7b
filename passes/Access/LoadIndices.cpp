// Loads at computed indices through reads: the read's map becomes index arithmetic.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Access/AccessComposer.h"

using namespace mlir;

namespace longtail {

using access::Domain;

namespace {

/// Emits an expression over index values.
class IndexEmitter {
public:
  IndexEmitter(OpBuilder &builder, Location loc, ValueRange dims, const Domain &domain)
      : builder(builder), loc(loc), dims(dims), domain(domain) {}

  Value emit(AffineExpr expr) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      return dims[dim.getPosition()];
    if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      return arith::ConstantIndexOp::create(builder, loc, constant.getValue());
    if (expr.isSymbolicOrConstant())
      return extent::SizeOp::create(
          builder, loc, builder.getIndexType(),
          AffineMapAttr::get(extent::sizesMap(builder.getContext(), {expr})));
    auto binary = cast<AffineBinaryOpExpr>(expr);
    Value a = emit(binary.getLHS()), b = emit(binary.getRHS());
    // Signs are known almost always; the plain operations are several times cheaper.
    bool plain = access::isNonNegative(binary.getLHS(), domain);
    switch (expr.getKind()) {
    case AffineExprKind::Add:
      return arith::AddIOp::create(builder, loc, a, b);
    case AffineExprKind::Mul:
      return arith::MulIOp::create(builder, loc, a, b);
    case AffineExprKind::FloorDiv:
      return plain ? Value(arith::DivUIOp::create(builder, loc, a, b)) : floorDiv(a, b);
    case AffineExprKind::CeilDiv: {
      Value one = arith::ConstantIndexOp::create(builder, loc, 1);
      Value sum = arith::AddIOp::create(builder, loc, a, b);
      return floorDiv(arith::SubIOp::create(builder, loc, sum, one), b);
    }
    case AffineExprKind::Mod:
      if (plain)
        return arith::RemUIOp::create(builder, loc, a, b);
      return arith::SubIOp::create(builder, loc, a,
                                   arith::MulIOp::create(builder, loc, floorDiv(a, b), b));
    default:
      llvm_unreachable("all binary kinds are handled");
    }
  }

private:
  /// (a - (a < 0 ? b - 1 : 0)) / b, rounded towards zero, for b > 0.
  Value floorDiv(Value a, Value b) {
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    Value negative = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, a, zero);
    Value slack = arith::SubIOp::create(builder, loc, b, one);
    Value down = arith::SelectOp::create(builder, loc, negative, slack, zero);
    return arith::DivSIOp::create(builder, loc, arith::SubIOp::create(builder, loc, a, down), b);
  }

  OpBuilder &builder;
  Location loc;
  ValueRange dims;
  const Domain &domain;
};

/// True where an index is outside the read exactly if the composed one is outside the source: each
/// dimension of the read is an index of the source, of equal size; other indices are 0.
bool keepsBounds(access::ReadOp read, const Domain &domain) {
  SmallVector<AffineExpr> sizes = extent::sizesOf(read.getSource());
  unsigned moved = 0;
  for (auto [index, size] : llvm::zip(read.getMap().getMap().getResults(), sizes)) {
    if (index == getAffineConstantExpr(0, read.getContext()))
      continue;
    auto dim = dyn_cast<AffineDimExpr>(index);
    if (!dim || !size || !domain.extents[dim.getPosition()] ||
        !access::isEqual(size, domain.extents[dim.getPosition()], Domain()))
      return false;
    moved |= 1u << dim.getPosition();
  }
  return moved == (1u << domain.extents.size()) - 1;
}

bool divides(AffineMap map) {
  bool found = false;
  map.walkExprs([&](AffineExpr expr) {
    found |= expr.getKind() == AffineExprKind::FloorDiv || expr.getKind() == AffineExprKind::Mod;
  });
  return found;
}

} // namespace

void AccessComposer::composeLoad(access::LoadOp load) const {
  auto read = load.getSource().getDefiningOp<access::ReadOp>();
  if (!read || !read.getMap().isTotal())
    return;
  Domain domain = domainOf(read, symbols);
  // The same memory by other indices: divisions would take longer than nothing.
  if (divides(read.getMap().getMap()) && !read.getSource().getDefiningOp<access::ReadOp>() &&
      access::isRowMajorReshape(read, domain))
    return;
  if (load.getChecked() && !keepsBounds(read, domain))
    return;
  OpBuilder builder(load);
  IndexEmitter emitter(builder, load.getLoc(), load.getIndices(), domain);
  SmallVector<Value> indices;
  for (AffineExpr index : read.getMap().getMap().getResults())
    indices.push_back(emitter.emit(index));
  load.getSourceMutable().assign(read.getSource());
  load.getIndicesMutable().assign(indices);
}

} // namespace longtail
