#include "passes/Schedule/RowChain.h"
#include "codegen/Leaf/KernelBuilder.h"
#include "dialects/Compute/Analysis/ContractionShape.h"
#include "passes/Schedule/Passes.h"
#include "passes/Schedule/RegisterTile.h"
#include <numeric>

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_CHAINROWSPASS
#include "passes/Schedule/Passes.h.inc"

namespace {

/// A stripe of what is handed over takes this part of the second cache level: operands of the
/// products want to stay there, too.
constexpr int64_t partOfCache = 4;
/// Rows of a stripe: more would gain nothing.
constexpr int64_t mostRows = 64;
/// Fewer stripes would keep threads waiting.
constexpr int64_t fewestStripes = 8;
/// The same for rows that are products' tiles of transformed points, of which each has a matrix of
/// its own on the right. All of these pass once for each stripe: a few register tiles at a time
/// make that worth while, unless they have to come from far away.
constexpr int64_t mostScaledRows = 24, fewestBlocks = 2, mostOfCache = 4;

using Sizes = ArrayRef<AffineExpr>;

bool isUnit(AffineExpr size) { return size == 1; }

/// The same in row-major order.
compute::FusedOp rowMajorMaker(Value tensor, compute::GroupClass kind) {
  return llvm::is_sorted(leaf::layoutOf(tensor)) ? soleMaker(tensor, kind) : compute::FusedOp();
}

/// True where `access` reads a tensor of `sizes` in the row that the first dimensions of the
/// reader's domain name, along dimension `column` of that.
bool isOfOwnRow(access::MapAttr access, Sizes sizes, unsigned column) {
  if (!access.isTotal())
    return false;
  for (auto [i, index] : llvm::enumerate(access.getMap().getResults())) {
    unsigned dim = i + 1 < sizes.size() ? i : column;
    if (index != getAffineDimExpr(dim, access.getContext()) && !(isUnit(sizes[i]) && index == 0))
      return false;
  }
  return true;
}

/// True where all tensors of `sizes` in `group` are read by whole rows, each for the same row.
bool worksByRows(compute::FusedOp group, Sizes sizes) {
  unsigned rank = sizes.size();
  for (Operation &op : group.getBody().front().without_terminator()) {
    auto readsOwnRows = [&](auto reader, unsigned column, bool mayRead) {
      for (auto [input, access] : llvm::zip(reader.getInputs(), reader.getAccesses()))
        if (Sizes(extent::sizesOf(input)) == sizes &&
            !(mayRead && isOfOwnRow(cast<access::MapAttr>(access), sizes, column)))
          return false;
      return true;
    };
    SmallVector<AffineExpr> own = extent::sizesOf(op.getResult(0));
    if (auto map = dyn_cast<compute::MapOp>(op)) {
      if (!readsOwnRows(map, rank - 1, Sizes(own) == sizes))
        return false;
      continue;
    }
    auto reduce = dyn_cast<compute::ReduceOp>(op);
    if (!reduce || own.size() + 1 < rank || own.size() > rank ||
        Sizes(own).take_front(rank - 1) != sizes.drop_back() ||
        (own.size() == rank && !isUnit(own.back())) || reduce.getExtents().getNumResults() != 1 ||
        reduce.getExtents().getResult(0) != sizes.back() || !readsOwnRows(reduce, own.size(), true))
      return false;
  }
  return true;
}

/// The dimensions among `dims` that are loops.
SmallVector<unsigned> loopsAmong(ArrayRef<unsigned> dims, Sizes extents) {
  SmallVector<unsigned> loops;
  for (unsigned dim : dims)
    if (!isUnit(extents[dim]))
      loops.push_back(dim);
  return loops;
}

/// True where a product walks `dims` (of its domain; one for each dimension of a tensor that is no
/// column, null for those of size 1) in their order: the last one as its rows, the others as its
/// batch.
bool walksInOrder(const compute::ContractionShape &shape, Sizes dims) {
  SmallVector<unsigned> batch, rows;
  for (auto [i, dim] : llvm::enumerate(dims))
    if (dim)
      (i + 1 < dims.size() ? batch : rows).push_back(cast<AffineDimExpr>(dim).getPosition());
  return shape.groupSize == 0 && rows.size() == 1 &&
         loopsAmong(shape.batch, shape.extents) == batch &&
         loopsAmong(shape.rows, shape.extents) == rows;
}

std::optional<compute::ContractionShape> shapeOf(compute::FusedOp group,
                                                 compute::ContractOp &contract) {
  contract = *group.getBody().front().getOps<compute::ContractOp>().begin();
  return compute::matchContraction(contract);
}

bool isProduct(compute::FusedOp group) {
  return group.getStrategy() == compute::GroupClass::Contraction;
}

} // namespace

compute::FusedOp soleMaker(Value tensor, compute::GroupClass kind) {
  auto group = tensor.getDefiningOp<compute::FusedOp>();
  if (!group || group.getStrategy() != kind || group.getNumResults() != 1 || !tensor.hasOneUse() ||
      access::bitWidth(getElementTypeOrSelf(tensor.getType())) % 8 != 0)
    return {};
  return group;
}

std::optional<RowChain> matchRowChain(compute::FusedOp last) {
  if (!isProduct(last))
    return matchScaledChain(last);
  compute::ContractOp second;
  auto shape = shapeOf(last, second);
  auto left = shape ? dyn_cast<BlockArgument>(second.getLhs()) : BlockArgument();
  if (!left || !left.hasOneUse() || !second.getLhsMap().isTotal())
    return {};
  Value weights = last.getInputs()[left.getArgNumber()];
  compute::FusedOp rows = rowMajorMaker(weights, compute::GroupClass::Rows);
  if (!rows || rows->getBlock() != last->getBlock())
    return {};

  // The second product reads whole rows, in their order.
  SmallVector<AffineExpr> sizes = extent::sizesOf(weights), dims;
  if (sizes.size() < 2)
    return {};
  for (auto [size, index] : llvm::zip(sizes, second.getLhsMap().getMap().getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(index);
    if (!isUnit(size) && (!dim || shape->extents[dim.getPosition()] != size))
      return {};
    dims.push_back(isUnit(size) ? AffineExpr() : AffineExpr(dim));
  }
  AffineExpr column = dims.pop_back_val();
  if (!column || shape->reduced.size() != 1 ||
      cast<AffineDimExpr>(column).getPosition() != shape->reduced[0] || !walksInOrder(*shape, dims))
    return {};

  // The rows are those of a product that they alone read.
  compute::FusedOp first;
  for (auto [number, input] : llvm::enumerate(rows.getInputs())) {
    compute::FusedOp maker = rowMajorMaker(input, compute::GroupClass::Contraction);
    if (!maker || extent::sizesOf(input) != sizes || maker->getBlock() != last->getBlock() ||
        llvm::any_of(rows.getBody().getArgument(number).getUsers(),
                     [&](Operation *user) { return user->getParentOp() != rows; }))
      continue;
    first = maker;
    break;
  }
  if (!first || !worksByRows(rows, sizes))
    return {};
  compute::ContractOp contract;
  auto made = shapeOf(first, contract);
  for (auto [i, dim] : llvm::enumerate(dims))
    if (dim)
      dim = getAffineDimExpr(i, last.getContext());
  if (!made || extent::sizesOf(contract.getOutput()) != sizes || made->column != sizes.size() - 1 ||
      !walksInOrder(*made, dims))
    return {};

  AffineExpr batches = getAffineConstantExpr(1, last.getContext());
  for (AffineExpr size : ArrayRef(sizes).drop_back(2))
    batches = batches * size;
  SmallVector<leaf::RowDim> names;
  for (unsigned dim = 0; dim + 1 < sizes.size(); ++dim)
    names.push_back({dim});
  return RowChain{{{first, names}, {rows, names}, {last, names}}, batches, sizes[sizes.size() - 2]};
}

namespace {

struct ChainRows final : impl::ChainRowsPassBase<ChainRows> {
  using ChainRowsPassBase::ChainRowsPassBase;

  void runOnOperation() override {
    kernel::TargetAttr target = targetOf(getOperation());
    // From the end, so that chains are found whole.
    SmallVector<compute::FusedOp> groups(getOperation().getOps<compute::FusedOp>());
    for (compute::FusedOp group : llvm::reverse(groups))
      if (!group->hasAttr(kInStripeAttr))
        if (auto chain = matchRowChain(group))
          if (int64_t rows = rowsOfStripe(*chain, target))
            mark(*chain, rows);
  }

private:
  /// The rows that a group takes at once, as its schedule says.
  static int64_t rowsAtOnce(compute::FusedOp group) {
    return isProduct(group) ? cast<kernel::ScheduleAttr>(group.getScheduleAttr()).getRows() : 1;
  }

  /// The bytes of a row of a tensor in which `rows` name it, or -1.
  static int64_t bytesOfRow(Value tensor, ArrayRef<leaf::RowDim> rows) {
    int64_t bytes = access::bitWidth(getElementTypeOrSelf(tensor.getType())) / 8;
    SmallVector<AffineExpr> sizes = extent::sizesOf(tensor);
    for (const leaf::RowDim &row : rows)
      sizes[row.dim] = getAffineConstantExpr(1, tensor.getContext());
    for (AffineExpr size : sizes) {
      int64_t known = staticSize(size);
      if (known < 0)
        return -1;
      bytes *= known;
    }
    return bytes;
  }

  /// The bytes of what is handed over for each row, in two areas that take turns
  /// (KernelBuilder::joinChain); -1 where a size is not known.
  static int64_t bytesBetween(const RowChain &chain) {
    int64_t areas[] = {0, 0};
    for (auto [number, member] : llvm::enumerate(ArrayRef(chain.members).drop_back())) {
      Value tensor = compute::FusedOp(member.group).getResult(0);
      int64_t bytes = bytesOfRow(tensor, member.rows);
      if (bytes < 0)
        return -1;
      areas[number % 2] = std::max(areas[number % 2], bytes);
    }
    return areas[0] + areas[1];
  }

  /// The bytes of the right operands of a chain's products, as far as they are known.
  static int64_t bytesOfOperands(const RowChain &chain) {
    int64_t bytes = 0;
    for (compute::FusedOp group : chain.groups())
      if (isProduct(group)) {
        auto contract = *group.getBody().front().getOps<compute::ContractOp>().begin();
        bytes += std::max<int64_t>(0, bytesOfRow(contract.getRhs(), {}));
      }
    return bytes;
  }

  /// How many rows make a stripe; 0 where the groups better stay on their own.
  static int64_t rowsOfStripe(const RowChain &chain, kernel::TargetAttr target) {
    bool isScaled = !chain.batches;
    int64_t step = 1, block = 1, bytes = bytesBetween(chain);
    for (compute::FusedOp group : chain.groups()) {
      step = std::lcm(step, rowsAtOnce(group));
      block = std::max(block, rowsAtOnce(group));
    }
    if (step > mostRows)
      step = block;
    if (bytes == 0)
      return 0;
    int64_t rows = bytes < 0 ? 4 * step : target.getL2() / partOfCache / bytes;
    rows = std::min(rows, isScaled ? mostScaledRows : mostRows);
    if (isScaled) {
      rows = std::max(rows, fewestBlocks * step);
      if (rows * bytes > target.getL2() || bytesOfOperands(chain) > mostOfCache * target.getL2())
        return 0;
    }
    rows = rows / step * step;
    if (rows < block)
      return 0;
    int64_t batches = chain.batches ? staticSize(chain.batches) : 1,
            count = staticSize(chain.rowCount);
    if (batches < 0 || count < 0)
      return rows;
    auto stripes = [&] { return batches * llvm::divideCeil(count, rows); };
    while (stripes() < fewestStripes && rows - step >= block)
      rows -= step;
    return stripes() < fewestStripes ? 0 : rows;
  }

  void mark(const RowChain &chain, int64_t rows) {
    Builder b(&getContext());
    for (compute::FusedOp group : chain.groups())
      group->setAttr(kInStripeAttr, b.getUnitAttr());
    chain.last()->removeAttr(kInStripeAttr);
    chain.last()->setAttr(kStripeAttr, b.getI64IntegerAttr(rows));
  }
};

} // namespace
} // namespace longtail
