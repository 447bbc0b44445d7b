// Convolutions of single positions whose image comes in and leaves with its channels outside.
//
// A contraction keeps its columns innermost, and those of a convolution are its channels: such a
// result would be copied. With the weights as left operand and all positions of the image as
// columns, lanes read and write memory as it is.
#include "dialects/Compute/Analysis/ContractionShape.h"
#include "passes/Fusion/ConstantOps.h"
#include "passes/Fusion/GroupTable.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace longtail {

namespace {

/// Of fewer positions the last vector leaves too many lanes idle.
constexpr int64_t kFewestPixels = 256;

bool isIdentity(access::MapAttr access) { return access.isTotal() && access.getMap().isIdentity(); }

/// True where `tensor` is an argument of the function, or made of such ones by maps.
bool comesInRowMajor(Value tensor) {
  if (isa<BlockArgument>(tensor))
    return true;
  auto map = tensor.getDefiningOp<compute::MapOp>();
  return map && llvm::all_of(map.getInputs(), comesInRowMajor);
}

class Pixels {
public:
  explicit Pixels(compute::ContractOp contract)
      : contract(contract), context(contract.getContext()),
        sizes(extent::sizesOf(contract.getOutput())) {}

  /// Whether it is such a convolution.
  bool match() {
    std::optional<compute::ContractionShape> shape = compute::matchContraction(contract);
    access::MapAttr lhs = contract.getLhsMap();
    // Bytes are multiplied four at a time, from packed weights.
    bool isFloat = isa<FloatType>(getElementTypeOrSelf(contract.getLhs().getType()));
    if (!isFloat || !shape || shape->groupSize || !lhs.isTotal() ||
        !contract.getRhsMap().isTotal() || !comesInRowMajor(contract.getLhs()))
      return false;
    // The last dimensions are the last indices of the image, and the weights know nothing of them.
    ArrayRef<AffineExpr> indices = lhs.getMap().getResults();
    first = sizes.size();
    while (first > 0 && !indices.empty() && indices.back() == dim(first - 1)) {
      indices = indices.drop_back();
      --first;
    }
    auto isPixel = [&](AffineExpr expr) {
      for (unsigned i = first; i < sizes.size(); ++i)
        if (expr.isFunctionOfDim(i))
          return true;
      return false;
    };
    int64_t count = 1;
    for (AffineExpr size : ArrayRef(sizes).drop_front(first)) {
      auto constant = dyn_cast<AffineConstantExpr>(size);
      count *= constant ? constant.getValue() : 0;
    }
    SmallVector<AffineExpr> imageSizes = extent::sizesOf(contract.getLhs());
    return first > 0 && first < sizes.size() && count >= kFewestPixels &&
           ArrayRef(imageSizes).drop_front(indices.size()) == ArrayRef(sizes).drop_front(first) &&
           llvm::none_of(indices, isPixel) &&
           llvm::none_of(contract.getRhsMap().getMap().getResults(), isPixel) &&
           follow(contract.getOutput());
  }

  void rewrite() {
    OpBuilder builder(contract);
    SmallVector<AffineExpr> flatSizes(ArrayRef(sizes).take_front(first));
    AffineExpr count = getAffineConstantExpr(1, context);
    for (AffineExpr size : ArrayRef(sizes).drop_front(first))
      count = count * size;
    flatSizes.push_back(count);
    auto typeOf = [&](Value tensor) {
      return extent::tensorType(flatSizes, getElementTypeOrSelf(tensor.getType()));
    };
    unsigned reduced = contract.getExtents().getNumResults();
    SmallVector<AffineExpr> domain = flatSizes;
    llvm::append_range(domain, contract.getExtents().getResults());
    // The image with one dimension for all positions is its memory as it is.
    Value image = contract.getLhs();
    SmallVector<AffineExpr> imageSizes = extent::sizesOf(image), indices;
    imageSizes.truncate(imageSizes.size() - (sizes.size() - first));
    for (unsigned i = 0; i < imageSizes.size(); ++i)
      indices.push_back(dim(i));
    llvm::append_range(
        indices, access::delinearize(dim(imageSizes.size()), ArrayRef(sizes).drop_front(first)));
    imageSizes.push_back(count);
    Value pixels = access::ReadOp::create(
        builder, contract.getLoc(),
        extent::tensorType(imageSizes, getElementTypeOrSelf(image.getType())), image,
        access::makeMap(context, imageSizes.size(), indices), TypedAttr());
    SmallVector<AffineExpr> before(contract.getLhsMap().getMap().getResults());
    before.truncate(imageSizes.size() - 1);
    access::MapAttr channels =
        flat(access::makeMap(context, sizes.size() + reduced, before), reduced, domain);
    SmallVector<AffineExpr> own(channels.getMap().getResults());
    own.push_back(dim(first));
    Value product = compute::ContractOp::create(
        builder, contract.getLoc(), typeOf(contract.getOutput()), contract.getRhs(), pixels,
        flat(contract.getRhsMap(), reduced, domain), access::makeMap(context, domain.size(), own),
        contract.getExtents());
    made[contract.getOutput()] = product;
    for (compute::MapOp map : maps) {
      builder.setInsertionPoint(map);
      Operation *clone = map->clone();
      builder.insert(clone);
      SmallVector<Attribute> accesses;
      for (auto [number, operand] : llvm::enumerate(map.getInputs())) {
        accesses.push_back(flat(cast<access::MapAttr>(map.getAccesses()[number]), 0, flatSizes));
        if (Value tensor = made.lookup(operand)) {
          clone->setOperand(number, tensor);
          accesses.back() = access::makeMap(context, first + 1, identity());
        }
      }
      clone->setAttr("accesses", ArrayAttr::get(context, accesses));
      clone->getResult(0).setType(typeOf(map.getResult(0)));
      made[map.getResult(0)] = clone->getResult(0);
    }
    for (OpOperand *use : leaving) {
      builder.setInsertionPointAfterValue(made.lookup(use->get()));
      use->set(asImage(builder, use->get()));
    }
    for (compute::MapOp map : llvm::reverse(maps))
      map.erase();
    contract.erase();
  }

private:
  AffineExpr dim(unsigned number) const { return getAffineDimExpr(number, context); }

  SmallVector<AffineExpr> identity() const {
    SmallVector<AffineExpr> dims;
    for (unsigned i = 0; i <= first; ++i)
      dims.push_back(dim(i));
    return dims;
  }

  /// Collects the maps on the way out and where they leave. False where something else is done with
  /// `tensor` than work on each point of its own.
  bool follow(Value tensor) {
    for (OpOperand &use : tensor.getUses()) {
      auto map = dyn_cast<compute::MapOp>(use.getOwner());
      if (isa<func::ReturnOp>(use.getOwner())) {
        leaving.push_back(&use);
        continue;
      }
      if (!map || map->getNumResults() != 1 || extent::sizesOf(map.getResult(0)) != sizes ||
          !isIdentity(cast<access::MapAttr>(map.getAccesses()[use.getOperandNumber()])))
        return false;
      bool knowsPositions = map.getBody()
                                .walk([](Operation *op) {
                                  return isa<compute::IndexOp, compute::ScaleOp>(op)
                                             ? WalkResult::interrupt()
                                             : WalkResult::advance();
                                })
                                .wasInterrupted();
      if (knowsPositions || map->getBlock() != contract->getBlock())
        return false;
      if (maps.insert(map) && !follow(map.getResult(0)))
        return false;
    }
    // In the order of the block, so that operands are made first.
    llvm::SmallVector<compute::MapOp> sorted(maps.begin(), maps.end());
    llvm::sort(sorted, [](compute::MapOp a, compute::MapOp b) { return a->isBeforeInBlock(b); });
    maps = {sorted.begin(), sorted.end()};
    return true;
  }

  /// `access` over the domain with one dimension for all pixels and `reduced` ones behind it.
  access::MapAttr flat(access::MapAttr access, unsigned reduced,
                       ArrayRef<AffineExpr> domain) const {
    SmallVector<AffineExpr> dims = identity();
    AffineExpr pixel = dims.pop_back_val();
    llvm::append_range(dims, access::delinearize(pixel, ArrayRef(sizes).drop_front(first)));
    for (unsigned i = 0; i < reduced; ++i)
      dims.push_back(dim(first + 1 + i));
    auto replaced = [&](AffineMap map) {
      return llvm::map_to_vector(map.getResults(),
                                 [&](AffineExpr expr) { return expr.replaceDims(dims); });
    };
    SmallVector<AffineExpr> indices = replaced(access.getMap()), valid, below;
    if (!access.isTotal()) {
      valid = replaced(access.getValid());
      below = replaced(access.getBelow());
    }
    return access::simplify(access::makeMap(context, domain.size(), indices, valid, below),
                            access::Domain(domain));
  }

  /// The new tensor with the dimensions that `tensor` had.
  Value asImage(OpBuilder &builder, Value tensor) {
    SmallVector<AffineExpr> indices, pixels;
    for (unsigned i = 0; i < sizes.size(); ++i)
      (i < first ? indices : pixels).push_back(dim(i));
    indices.push_back(access::linearize(pixels, ArrayRef(sizes).drop_front(first), context));
    return access::ReadOp::create(builder, tensor.getLoc(), tensor.getType(), made.lookup(tensor),
                                  access::makeMap(context, sizes.size(), indices), TypedAttr());
  }

  compute::ContractOp contract;
  MLIRContext *context;
  SmallVector<AffineExpr> sizes;
  unsigned first = 0; // of the dimensions of positions
  llvm::SetVector<compute::MapOp> maps;
  SmallVector<OpOperand *> leaving;
  DenseMap<Value, Value> made; // by what it takes the place of
};

} // namespace

void putPixelsIntoColumns(compute::ContractOp contract,
                          const llvm::DenseSet<Operation *> &constants) {
  Pixels pixels(contract);
  if (constants.contains(contract.getRhs().getDefiningOp()) && pixels.match())
    pixels.rewrite();
}

} // namespace longtail
