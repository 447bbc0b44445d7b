// Chains of the second kind: transformations, a product of matrices, transformations.
#include "codegen/Leaf/Nest.h"
#include "dialects/Compute/Analysis/ContractionShape.h"
#include "passes/Schedule/RowChain.h"

using namespace mlir;

namespace longtail {

namespace {

using RowDims = SmallVector<leaf::RowDim>;

/// The reduction of a group that scales by a small matrix; null for others.
compute::ReduceOp scaledReduce(compute::FusedOp group) {
  if (group.getStrategy() != compute::GroupClass::Window || group.getNumResults() != 1)
    return {};
  auto reduces = group.getBody().front().getOps<compute::ReduceOp>();
  if (!llvm::hasSingleElement(reduces) || (*reduces.begin()).getInputs().size() != 1 ||
      !leaf::scaledDim(group, *reduces.begin()))
    return {};
  return *reduces.begin();
}

/// What a group of a chain reads of the one before it: `tensor`, at `access`.
struct Link {
  Value tensor;
  AffineMap access;
};

/// The one place where a group reads a tensor, if it is the operand `source` of its `reader`.
std::optional<Link> linkOf(compute::FusedOp group, Value source, access::MapAttr access) {
  auto argument = dyn_cast<BlockArgument>(source);
  if (!argument || argument.getOwner()->getParentOp() != group || !argument.hasOneUse())
    return {};
  return Link{group.getInputs()[argument.getArgNumber()], access.getMap()};
}

/// The dimensions of the tensor that `link` reads by which it names the reader's rows; nothing
/// where it may read other rows, too.
std::optional<RowDims> rowsRead(const Link &link, ArrayRef<leaf::RowDim> rows,
                                ArrayRef<AffineExpr> domain) {
  SmallVector<AffineExpr> sizes = extent::sizesOf(link.tensor);
  RowDims found;
  for (leaf::RowDim row : rows) {
    AffineExpr name = getAffineDimExpr(row.dim, link.access.getContext()).floorDiv(row.divisor);
    AffineExpr count = domain[row.dim].ceilDiv(row.divisor);
    auto at = llvm::find(link.access.getResults(), name);
    if (at == link.access.getResults().end())
      return {};
    unsigned dim = at - link.access.getResults().begin();
    if (!access::isEqual(sizes[dim], count, access::Domain(domain)))
      return {};
    found.push_back({dim});
  }
  return found;
}

/// The dimensions of the reader's domain by which `link` names the rows of the tensor that it
/// reads: as they are, or their quotients.
std::optional<RowDims> rowsMade(const Link &link, ArrayRef<leaf::RowDim> rows, unsigned rank,
                                ArrayRef<AffineExpr> domain) {
  RowDims found;
  for (leaf::RowDim row : rows) {
    AffineExpr index = link.access.getResult(row.dim);
    int64_t divisor = 1;
    auto quotient = dyn_cast<AffineBinaryOpExpr>(index);
    if (quotient && quotient.getKind() == AffineExprKind::FloorDiv)
      if (auto constant = dyn_cast<AffineConstantExpr>(quotient.getRHS())) {
        divisor = constant.getValue();
        index = quotient.getLHS();
      }
    auto dim = dyn_cast<AffineDimExpr>(index);
    auto isTaken = [&](leaf::RowDim other) { return other.dim == dim.getPosition(); };
    if (!dim || dim.getPosition() >= rank || llvm::any_of(found, isTaken) ||
        !access::isEqual(domain[dim.getPosition()].ceilDiv(divisor),
                         extent::sizesOf(link.tensor)[row.dim], access::Domain(domain)))
      return {};
    found.push_back({dim.getPosition(), divisor});
  }
  return found;
}

/// True where the dimensions are neighbours in memory, in their order.
bool areNeighbours(Value tensor, ArrayRef<leaf::RowDim> rows) {
  leaf::Layout layout = leaf::layoutOf(tensor);
  auto *place = llvm::find(layout, int64_t(rows.front().dim));
  for (leaf::RowDim row : rows)
    if (place == layout.end() || *place++ != int64_t(row.dim))
      return false;
  return true;
}

SmallVector<AffineExpr> domainOf(compute::ReduceOp reduce) {
  SmallVector<AffineExpr> domain = extent::sizesOf(reduce.getOutput());
  llvm::append_range(domain, reduce.getExtents().getResults());
  return domain;
}

std::optional<Link> linkOf(compute::FusedOp group, compute::ReduceOp reduce) {
  return linkOf(group, reduce.getInputs()[0], cast<access::MapAttr>(reduce.getAccesses()[0]));
}

} // namespace

std::optional<RowChain> matchScaledChain(compute::FusedOp last) {
  // Back to the product.
  SmallVector<compute::FusedOp> behind;
  SmallVector<Link> links;
  compute::FusedOp product = last;
  while (!product || product.getStrategy() != compute::GroupClass::Contraction) {
    compute::ReduceOp reduce = scaledReduce(product);
    std::optional<Link> link = reduce ? linkOf(product, reduce) : std::nullopt;
    if (!link)
      return {};
    behind.push_back(product);
    links.push_back(*link);
    compute::FusedOp maker = soleMaker(link->tensor, compute::GroupClass::Contraction);
    product = maker ? maker : soleMaker(link->tensor, compute::GroupClass::Window);
    if (!product || product->getBlock() != last->getBlock())
      return {};
  }
  if (behind.empty())
    return {};
  auto contract = *product.getBody().front().getOps<compute::ContractOp>().begin();
  auto shape = compute::matchContraction(contract);
  if (!shape || shape->groupSize != 0)
    return {};
  RowDims rows;
  AffineExpr count = getAffineConstantExpr(1, last.getContext());
  for (unsigned dim : shape->rows)
    if (shape->extents[dim] != 1) {
      rows.push_back({dim});
      count = count * shape->extents[dim];
    }
  if (rows.empty() || !areNeighbours(product.getResult(0), rows))
    return {};

  // What comes after it, in order.
  RowChain chain;
  chain.rowCount = count;
  chain.members.push_back({product, rows});
  for (auto [group, link] : llvm::zip(llvm::reverse(behind), llvm::reverse(links))) {
    compute::ReduceOp reduce = scaledReduce(group);
    auto made =
        rowsMade(link, chain.members.back().rows,
                 cast<RankedTensorType>(reduce.getOutput().getType()).getRank(), domainOf(reduce));
    if (!made || made->size() != rows.size() ||
        (group != last && !areNeighbours(group.getResult(0), *made)))
      return {};
    chain.members.push_back({group, *made});
  }
  // What comes before it, as far as it hands over nothing else.
  std::optional<Link> link = linkOf(product, contract.getLhs(), contract.getLhsMap());
  SmallVector<AffineExpr> domain = shape->extents;
  while (link) {
    compute::FusedOp maker = soleMaker(link->tensor, compute::GroupClass::Window);
    compute::ReduceOp reduce = maker ? scaledReduce(maker) : compute::ReduceOp();
    auto read = rowsRead(*link, chain.members.front().rows, domain);
    if (!reduce || maker->getBlock() != last->getBlock() || !read ||
        !areNeighbours(link->tensor, *read))
      break;
    chain.members.insert(chain.members.begin(), {maker, *read});
    link = linkOf(maker, reduce);
    domain = domainOf(reduce);
  }
  return chain;
}

} // namespace longtail
