// Reductions that read a tensor as if it had other dimensions, of which one is made of several of
// the tensor's: a softmax over all places of a volume. Where the tensor's neighbours in memory will
// lie along another dimension than its last, each of these reads would be a division and a load far
// away. Then the tensor is put into row-major order once, and rows are rows.
#include "passes/Fusion/GroupTable.h"

using namespace mlir;

namespace longtail {

namespace {

/// How far results are followed.
constexpr unsigned kMostReaders = 16;

bool isProjection(access::MapAttr access) {
  return llvm::all_of(access.getMap().getResults(), [](AffineExpr index) {
    return isa<AffineDimExpr, AffineConstantExpr>(index);
  });
}

class FlatReads {
public:
  explicit FlatReads(const extent::SymbolTable &symbols) : symbols(symbols) {}

  void visit(Value tensor) {
    SmallVector<OpOperand *> flat;
    bool isFolded = false;
    for (OpOperand &use : tensor.getUses()) {
      Operation *user = use.getOwner();
      if (!isa<compute::MapOp, compute::ReduceOp>(user) || !isFlat(use))
        continue;
      flat.push_back(&use);
      if (auto reduce = dyn_cast<compute::ReduceOp>(user))
        isFolded |= foldsAcross(reduce, tensor, use.getOperandNumber());
      unsigned budget = kMostReaders;
      if (isa<compute::MapOp>(user) && goesBack(user, budget))
        return;
    }
    if (isFolded)
      for (OpOperand *use : flat)
        readFlat(*use);
  }

private:
  access::Domain domainOf(Operation *op) const {
    access::Domain domain(parallelSizes(op), symbols);
    if (auto reduce = dyn_cast<compute::ReduceOp>(op))
      llvm::append_range(domain.extents, reduce.getExtents().getResults());
    return domain;
  }
  static access::MapAttr accessOf(Operation *op, unsigned operand) {
    return cast<access::MapAttr>(op->getAttrOfType<ArrayAttr>("accesses")[operand]);
  }

  /// The sizes of a domain without dimensions of size 1, and which these are.
  struct Shape {
    explicit Shape(ArrayRef<AffineExpr> extents) {
      for (auto [number, extent] : llvm::enumerate(extents)) {
        MLIRContext *context = extent.getContext();
        bool isOne = extent == getAffineConstantExpr(1, context);
        own.push_back(isOne ? getAffineConstantExpr(0, context)
                            : getAffineDimExpr(sizes.size(), context));
        if (isOne)
          continue;
        sizes.push_back(extent);
        dims.push_back(getAffineDimExpr(number, context));
      }
    }
    SmallVector<AffineExpr> sizes;
    SmallVector<AffineExpr> dims; // of the domain, for each size
    SmallVector<AffineExpr> own;  // of the sizes, for each dimension of the domain
  };

  /// Whether all of the tensor is read in row-major order, by other dimensions.
  bool isFlat(OpOperand &use) const {
    Operation *user = use.getOwner();
    access::MapAttr access = accessOf(user, use.getOperandNumber());
    if (!access.isTotal() || isProjection(access))
      return false;
    Shape shape(domainOf(user).extents);
    auto indices = llvm::map_to_vector(access.getMap().getResults(), [&](AffineExpr index) {
      return index.replaceDims(shape.own);
    });
    return access::isRowMajorReshape(
        access::makeMap(user->getContext(), shape.sizes.size(), indices),
        extent::sizesOf(use.get()), access::Domain(shape.sizes, symbols));
  }

  /// Whether the reduction goes along a dimension that moves the index of the tensor's neighbours
  /// in memory, but not by itself.
  static bool foldsAcross(compute::ReduceOp reduce, Value tensor, unsigned operand) {
    AffineExpr index = accessOf(reduce, operand).getMap().getResult(contiguousDim(tensor));
    unsigned parallel = parallelSizes(reduce).size();
    if (isa<AffineDimExpr>(index))
      return false;
    for (unsigned dim = 0; dim < reduce.getExtents().getNumResults(); ++dim)
      if (index.isFunctionOfDim(parallel + dim))
        return true;
    return false;
  }

  /// Whether a map reads what comes of `map` by the tensor's own dimensions again, as in the
  /// normalisation of groups of channels. The order in memory serves that better as it is.
  static bool goesBack(Operation *map, unsigned &budget) {
    for (OpOperand &use : map->getUses()) {
      auto user = dyn_cast<compute::MapOp>(use.getOwner());
      if (!user)
        continue;
      if (budget-- == 0 || !isProjection(accessOf(user, use.getOperandNumber())) ||
          goesBack(user, budget))
        return true;
    }
    return false;
  }

  void readFlat(OpOperand &use) const {
    Operation *user = use.getOwner();
    MLIRContext *context = user->getContext();
    Value tensor = use.get();
    access::Domain domain = domainOf(user);
    Shape shape(domain.extents);
    ArrayRef<AffineExpr> sizes = shape.sizes;
    SmallVector<AffineExpr> own;
    for (unsigned dim = 0; dim < sizes.size(); ++dim)
      own.push_back(getAffineDimExpr(dim, context));
    AffineExpr offset = access::linearize(own, sizes, context);
    access::MapAttr at =
        access::simplify(access::makeMap(context, sizes.size(),
                                         access::delinearize(offset, extent::sizesOf(tensor))),
                         access::Domain(sizes, symbols));
    OpBuilder builder(context);
    builder.setInsertionPointAfterValue(tensor);
    Type element = getElementTypeOrSelf(tensor.getType());
    auto read = access::ReadOp::create(builder, user->getLoc(), extent::tensorType(sizes, element),
                                       tensor, at, TypedAttr());
    auto accesses = llvm::to_vector(user->getAttrOfType<ArrayAttr>("accesses"));
    accesses[use.getOperandNumber()] = access::makeMap(context, domain.extents.size(), shape.dims);
    user->setAttr("accesses", ArrayAttr::get(context, accesses));
    use.set(read);
  }

  const extent::SymbolTable &symbols;
};

} // namespace

void flattenReads(Operation *root, const extent::SymbolTable &symbols) {
  SmallVector<Value> tensors;
  root->walk([&](Operation *op) {
    if (isa<compute::MapOp, compute::ReduceOp, compute::ContractOp>(op))
      for (Value result : op->getResults())
        if (int64_t rank = cast<RankedTensorType>(result.getType()).getRank();
            rank > 1 && contiguousDim(result) + 1 != rank)
          tensors.push_back(result);
  });
  FlatReads reads(symbols);
  for (Value tensor : tensors)
    reads.visit(tensor);
}

} // namespace longtail
