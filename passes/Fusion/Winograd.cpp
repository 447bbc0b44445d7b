// Convolutions of 3x3 positions by the minimal filtering algorithm F(4x4, 3x3): Lavin and Gray,
// "Fast Algorithms for Convolutional Neural Networks", 2015 (arXiv 1509.09308), section 4.3.
//
// Four outputs of a row cost six products instead of twelve. In two dimensions an image becomes
// tiles of 4x4 outputs; each of the 36 points of a transformed tile is a matrix product of its own.
#include "dialects/Access/Algebra/Algebra.h"
#include "dialects/Compute/IR/Compute.h"
#include "dialects/Graph/IR/Graph.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Fusion/ConstantOps.h"
#include "passes/Fusion/Passes.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_WINOGRADPASS
#include "passes/Fusion/Passes.h.inc"

namespace {

constexpr int64_t kOutputs = 4; // of a tile, in each direction
constexpr int64_t kPoints = 6;  // of a transformed tile

// The paper's B^T, G and A^T.
constexpr float kInput[kPoints * kPoints] = {4, 0, -5, 0,  1, 0, 0, -4, -4, 1,  1, 0,
                                             0, 4, -4, -1, 1, 0, 0, -2, -1, 2,  1, 0,
                                             0, 2, -1, -2, 1, 0, 0, 4,  0,  -5, 0, 1};
constexpr float kFilter[kPoints * 3] = {1.f / 4,  0,         0,        -1.f / 6, -1.f / 6, -1.f / 6,
                                        -1.f / 6, 1.f / 6,   -1.f / 6, 1.f / 24, 1.f / 12, 1.f / 6,
                                        1.f / 24, -1.f / 12, 1.f / 6,  0,        0,        1};
constexpr float kResult[kOutputs * kPoints] = {1, 1, 1, 1, 1, 0, 0, 1, -1, 2, -2, 0,
                                               0, 1, 1, 4, 4, 0, 0, 1, -1, 8, -8, 1};

// The convolution's dimensions: those of the result, then those that are summed over.
enum Dim : unsigned { kImage, kColumn, kRowY, kRowX, kKernelY, kKernelX, kDepth, kRank };

std::optional<int64_t> constantOf(AffineExpr expr) {
  auto constant = dyn_cast<AffineConstantExpr>(expr);
  return constant ? std::optional(constant.getValue()) : std::nullopt;
}

/// A convolution that fits, and its rewriting.
class Convolution {
public:
  Convolution(compute::ContractOp contract, const llvm::DenseSet<Operation *> &constants)
      : contract(contract), constants(constants), context(contract.getContext()),
        sizes(extent::sizesOf(contract.getOutput())), builder(contract) {}

  bool fits() {
    auto type = cast<RankedTensorType>(contract.getOutput().getType());
    ArrayRef<AffineExpr> reduced = contract.getExtents().getResults();
    if (type.getRank() != 4 || reduced.size() != 3 || !type.getElementType().isF32() ||
        !cast<RankedTensorType>(contract.getLhs().getType()).getElementType().isF32() ||
        constantOf(reduced[0]) != 3 || constantOf(reduced[1]) != 3 || !constantOf(reduced[2]) ||
        !constantOf(sizes[kColumn]) || !constants.contains(contract.getRhs().getDefiningOp()))
      return false;
    depth = *constantOf(reduced[2]);
    columns = *constantOf(sizes[kColumn]);
    access::MapAttr lhs = contract.getLhsMap(), rhs = contract.getRhsMap();
    if (!rhs.isTotal())
      return false;
    for (AffineExpr index : rhs.getMap().getResults())
      for (unsigned dim : {kImage, kRowY, kRowX})
        if (index.isFunctionOfDim(dim))
          return false;
    domain = access::Domain(sizes);
    llvm::append_range(domain.extents, reduced);
    SmallVector<AffineExpr> all(lhs.getMap().getResults());
    if (!lhs.isTotal()) {
      llvm::append_range(all, lhs.getValid().getResults());
      llvm::append_range(all, lhs.getBelow().getResults());
    }
    return llvm::all_of(all, [&](AffineExpr expr) {
      return !expr.isFunctionOfDim(kColumn) && movesAsOne(expr, kRowY, kKernelY) &&
             movesAsOne(expr, kRowX, kKernelX);
    });
  }

  /// Whether the products that it saves are worth the four transformations, each of which reads and
  /// writes memory, and the weights, which grow by 36/9. Costs are in products.
  bool pays() const {
    // A side that is not known is most likely that of an image, not of a single tile.
    constexpr int64_t kUnknownSide = 28;
    int64_t y = constantOf(sizes[kRowY]).value_or(kUnknownSide);
    int64_t x = constantOf(sizes[kRowX]).value_or(kUnknownSide);
    double weights = double(depth) * columns;
    // The last row and column of tiles are partly for nothing.
    double tiles = double(llvm::divideCeil(y, kOutputs)) * double(llvm::divideCeil(x, kOutputs));
    constexpr int64_t kTilePoints = kPoints * kPoints;
    // What an element of a tile costs in the transformations; tiles stay in a core's cache, where a
    // chain of stripes keeps them if nothing else does (measured from 16 channels at 270x270 to 256
    // at 14x14: 9 to 12).
    constexpr double kTransform = 12;
    double direct = 9.0 * y * x * weights + streaming(9 * weights);
    double cost = kTilePoints * tiles * (weights + kTransform * (depth + columns)) +
                  streaming(kTilePoints * weights);
    return cost * 1.15 < direct;
  }

  void rewrite() {
    AffineExpr tilesY = (sizes[kRowY] + kOutputs - 1).floorDiv(kOutputs);
    AffineExpr tilesX = (sizes[kRowX] + kOutputs - 1).floorDiv(kOutputs);
    AffineExpr images = sizes[kImage], channels = constant(depth), results = sizes[kColumn];
    AffineExpr six = constant(kPoints), four = constant(kOutputs);
    auto input = matrix(kInput, {kPoints, kPoints}), filter = matrix(kFilter, {kPoints, 3});
    auto result = matrix(kResult, {kOutputs, kPoints});
    auto d = [&](unsigned dim) { return getAffineDimExpr(dim, context); };

    // weights[b, a, column, depth], one direction after the other
    Value rows = product({six, results, channels, constant(3)}, constant(3), filter, 0,
                         contract.getRhs(), substituted(contract.getRhsMap(), 5, weightsAt()));
    Value weights = product({six, six, results, channels}, constant(3), filter, 0, rows,
                            total(5, {d(1), d(2), d(3), d(4)}));
    // tall[b, image, y, x, a place in the tile's row, depth]
    Value tall = product({six, images, tilesY, tilesX, six, channels}, six, input, 0,
                         contract.getLhs(), imageAccess());
    // tiles[a, b, image, y, x, depth]
    Value tiles = product({six, six, images, tilesY, tilesX, channels}, six, input, 0, tall,
                          total(7, {d(1), d(2), d(3), d(4), d(6), d(5)}));
    // products[a, b, image, y, x, column]
    auto type =
        extent::tensorType({six, six, images, tilesY, tilesX, results}, builder.getF32Type());
    Value products = compute::ContractOp::create(builder, contract.getLoc(), type, tiles, weights,
                                                 total(7, {d(0), d(1), d(2), d(3), d(4), d(6)}),
                                                 total(7, {d(0), d(1), d(5), d(6)}),
                                                 extent::sizesMap(context, {channels}));
    // First what belongs to one row of results, then the results.
    Value lines = product({four, six, images, tilesY, tilesX, results}, six, result, 0, products,
                          total(7, {d(1), d(6), d(2), d(3), d(4), d(5)}));
    Value output =
        product(sizes, six, result, kRowX, lines,
                total(5, {d(kRowY) % kOutputs, d(4), d(kImage), d(kRowY).floorDiv(kOutputs),
                          d(kRowX).floorDiv(kOutputs), d(kColumn)}));
    contract.getOutput().replaceAllUsesWith(output);
    contract.erase();
  }

private:
  /// What it costs to bring `elements` of weights from where they lie, in products: nothing from
  /// the caches of a core, about as many for a byte from the shared cache and from memory as a core
  /// multiplies in that time.
  static double streaming(double elements) {
    constexpr double kCoreBytes = 1 << 20, kSharedBytes = 16 << 20;
    double bytes = elements * sizeof(float);
    return bytes <= kCoreBytes ? 0 : bytes * (bytes <= kSharedBytes ? 1 : 4);
  }

  AffineExpr constant(int64_t value) const { return getAffineConstantExpr(value, context); }

  /// True where one step along `dim` is one step along `other`.
  bool movesAsOne(AffineExpr expr, unsigned dim, unsigned other) const {
    AffineExpr a = getAffineDimExpr(dim, context), b = getAffineDimExpr(other, context);
    return access::isEqual(expr.replace(a, a + 1), expr.replace(b, b + 1), domain);
  }

  DenseElementsAttr matrix(ArrayRef<float> values, ArrayRef<int64_t> shape) {
    return DenseElementsAttr::get(RankedTensorType::get(shape, builder.getF32Type()), values);
  }

  access::MapAttr total(unsigned rank, ArrayRef<AffineExpr> indices) const {
    return access::makeMap(context, rank, indices);
  }

  /// `access` of the convolution at `dims`, expressions over `rank` dimensions.
  access::MapAttr substituted(access::MapAttr access, unsigned rank, ArrayRef<AffineExpr> dims,
                              ArrayRef<AffineExpr> bounds = {}) const {
    auto replaced = [&](AffineMap map) {
      return llvm::map_to_vector(map.getResults(),
                                 [&](AffineExpr expr) { return expr.replaceDims(dims); });
    };
    SmallVector<AffineExpr> indices = replaced(access.getMap()), valid, below;
    if (!access.isTotal()) {
      valid = replaced(access.getValid());
      below = replaced(access.getBelow());
    }
    // Tiles reach over the edge of what the convolution reads.
    for (auto [index, bound] : llvm::zip(indices, bounds))
      if (bound) {
        valid.push_back(index);
        below.push_back(bound);
      }
    return access::makeMap(context, rank, indices, valid, below);
  }

  /// Dimensions: point, column, depth, kernel x, kernel y.
  SmallVector<AffineExpr> weightsAt() const {
    SmallVector<AffineExpr> dims(kRank, constant(0));
    dims[kColumn] = getAffineDimExpr(1, context);
    dims[kDepth] = getAffineDimExpr(2, context);
    dims[kKernelX] = getAffineDimExpr(3, context);
    dims[kKernelY] = getAffineDimExpr(4, context);
    return dims;
  }

  /// Dimensions: point, image, tile y, tile x, place in its row, depth, place in its column.
  access::MapAttr imageAccess() {
    SmallVector<AffineExpr> dims(kRank, constant(0));
    dims[kImage] = getAffineDimExpr(1, context);
    dims[kRowY] = getAffineDimExpr(2, context) * kOutputs + getAffineDimExpr(6, context);
    dims[kRowX] = getAffineDimExpr(3, context) * kOutputs + getAffineDimExpr(4, context);
    dims[kDepth] = getAffineDimExpr(5, context);
    SmallVector<AffineExpr> bounds = extent::sizesOf(contract.getLhs());
    for (auto [index, bound] : llvm::zip(contract.getLhsMap().getMap().getResults(), bounds))
      if (!index.isFunctionOfDim(kRowY) && !index.isFunctionOfDim(kRowX))
        bound = {};
    access::MapAttr access = substituted(contract.getLhsMap(), 7, dims, bounds);
    AffineExpr width = (sizes[kRowX] + kOutputs - 1).floorDiv(kOutputs);
    AffineExpr height = (sizes[kRowY] + kOutputs - 1).floorDiv(kOutputs);
    return access::simplify(
        access, access::Domain({constant(kPoints), sizes[kImage], height, width, constant(kPoints),
                                constant(depth), constant(kPoints)}));
  }

  /// The sum over one dimension, the last of the domain, of `count` elements of data times
  /// coefficients, whose rows dimension `row` names.
  Value product(ArrayRef<AffineExpr> result, AffineExpr count, DenseElementsAttr coefficients,
                unsigned row, Value data, access::MapAttr dataAt) {
    compute::Operand operand{data, dataAt,
                             dataAt.isTotal() ? TypedAttr() : builder.getF32FloatAttr(0)};
    auto reduce = compute::buildReduce(
        builder, contract.getLoc(), extent::tensorType(result, builder.getF32Type()),
        compute::Combiner::Add, count, operand, [&](OpBuilder &b, ValueRange v) {
          Value scaled = compute::ScaleOp::create(b, contract.getLoc(), v[0].getType(), v[0],
                                                  coefficients, row, result.size());
          return SmallVector<Value>{scaled};
        });
    return reduce.getOutput();
  }

  compute::ContractOp contract;
  const llvm::DenseSet<Operation *> &constants;
  MLIRContext *context;
  SmallVector<AffineExpr> sizes;
  OpBuilder builder;
  access::Domain domain;
  int64_t depth = 0, columns = 0;
};

struct Winograd final : impl::WinogradPassBase<Winograd> {
  using WinogradPassBase::WinogradPassBase;

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    Block &body = getOperation().front();
    llvm::DenseSet<Operation *> constants = findConstantOps(body);
    for (auto contract : llvm::to_vector(body.getOps<compute::ContractOp>())) {
      Convolution convolution(contract, constants);
      if (convolution.fits() && convolution.pays())
        convolution.rewrite();
    }
  }
};

} // namespace
} // namespace longtail
