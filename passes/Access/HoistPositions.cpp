// What a map computes of the position in its last dimension alone is the same in every line: where
// an image is read that is resized, with which weights. It is computed once, as a tensor of one
// dimension that the map reads.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Access/AccessComposer.h"
#include "passes/Access/Passes.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_HOISTPOSITIONSPASS
#include "passes/Access/Passes.h.inc"

namespace {

/// Fewer lines do not pay for another tensor, nor do longer ones: it is to stay in cache.
constexpr int64_t kFewestLines = 4, kLongestLine = 1 << 16;
/// What a value has to save, in additions: it is stored and loaded.
constexpr unsigned kCostOfValue = 3, kCostOfTensor = 4;

/// What a value of a region depends on: nothing but sizes, the position along the lines, or more.
enum class Dependence { Sizes, Position, More };

class Hoisting {
public:
  Hoisting(compute::MapOp map, unsigned dim) : map(map), body(map.getBody().front()), dim(dim) {
    for (Operation &op : body.without_terminator())
      kinds[&op] = kindOf(op);
  }

  /// Whether there is something to hoist that is worth it.
  bool pays() {
    collect();
    // Sums and clamps of positions that follow each other are loads of neighbours as they are.
    bool isExpensive = false;
    unsigned cost = 0;
    for (Operation *op : slice) {
      isExpensive |= isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp, arith::SIToFPOp,
                         arith::UIToFPOp>(op) ||
                     isa<math::MathDialect>(op->getDialect());
      cost += costOf(op);
    }
    return !values.empty() && isExpensive && cost >= kCostOfTensor + kCostOfValue * values.size();
  }

  void rewrite() {
    OpBuilder builder(map);
    Location loc = map.getLoc();
    AffineExpr size = extent::sizesOf(map.getResult(0))[dim];
    SmallVector<Type> types;
    for (Value value : values)
      types.push_back(extent::tensorType({size}, storedType(value)));
    auto table = compute::buildMap(builder, loc, types, {}, [&](OpBuilder &b, ValueRange) {
      IRMapping mapping;
      for (Operation *op : slice)
        if (auto index = dyn_cast<compute::IndexOp>(b.clone(*op, mapping)))
          index.setDim(0);
      return llvm::map_to_vector(values, [&](Value value) -> Value {
        Value result = mapping.lookup(value);
        if (isa<IndexType>(result.getType()))
          result = arith::IndexCastOp::create(b, loc, b.getI64Type(), result);
        return result;
      });
    });

    SmallVector<Value> inputs(map.getInputs());
    SmallVector<Attribute> accesses(map.getAccesses().getValue()), fills(map.getFills().getValue());
    unsigned rank = cast<RankedTensorType>(map.getResult(0).getType()).getRank();
    for (auto [number, tensor] : llvm::enumerate(table.getResults())) {
      Value value = values[number];
      inputs.push_back(tensor);
      accesses.push_back(access::makeMap(builder.getContext(), rank,
                                         {getAffineDimExpr(dim, builder.getContext())}));
      fills.push_back(builder.getUnitAttr());
      Value read = body.addArgument(storedType(value), loc);
      if (isa<IndexType>(value.getType())) {
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPointToStart(&body);
        read = arith::IndexCastOp::create(builder, loc, value.getType(), read);
      }
      value.replaceAllUsesWith(read);
      // Positions that neighbours compute in the same way will most likely be near one another.
      for (Operation *user : read.getUsers())
        if (auto load = dyn_cast<access::LoadOp>(user); load && load.getIndices().back() == read)
          load->setAttr(access::kNearAttr, builder.getUnitAttr());
    }
    auto made = compute::MapOp::create(builder, loc, map->getResultTypes(), inputs,
                                       builder.getArrayAttr(accesses), builder.getArrayAttr(fills));
    made->setDiscardableAttrs(map->getDiscardableAttrDictionary());
    made.getBody().takeBody(map.getBody());
    map.replaceAllUsesWith(made.getResults());
    map.erase();
  }

private:
  static unsigned costOf(Operation *op) {
    if (isa<arith::ConstantOp, extent::SizeOp, compute::IndexOp, arith::IndexCastOp>(op))
      return 0;
    if (isa<math::MathDialect>(op->getDialect()))
      return isa<math::FloorOp, math::CeilOp, math::AbsFOp, math::FmaOp>(op) ? 1 : 12;
    return isa<arith::DivFOp, arith::RemFOp, arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp,
               arith::RemSIOp, arith::RemUIOp>(op)
               ? 6
               : 1;
  }

  static Type storedType(Value value) {
    return isa<IndexType>(value.getType()) ? IntegerType::get(value.getContext(), 64)
                                           : value.getType();
  }
  static bool canBeStored(Value value) {
    Type type = storedType(value);
    return type.isF32() || type.isF64() || type.isInteger(32) || type.isInteger(64);
  }

  Dependence kindOf(Operation &op) {
    if (auto index = dyn_cast<compute::IndexOp>(op))
      return index.getDim() == dim ? Dependence::Position : Dependence::More;
    bool isNumber =
        isa<arith::ArithDialect, math::MathDialect>(op.getDialect()) || isa<extent::SizeOp>(op);
    if (!isNumber || op.getNumRegions() != 0 || op.getNumResults() != 1)
      return Dependence::More;
    auto kind = Dependence::Sizes;
    for (Value operand : op.getOperands()) {
      Operation *from = operand.getDefiningOp();
      // A constant may stand outside.
      bool isOutside = from && from->getBlock() != &body;
      kind = std::max(kind, isOutside ? Dependence::Sizes
                            : from    ? kinds.lookup(from)
                                      : Dependence::More);
    }
    return kind;
  }

  bool isPosition(Value value) {
    Operation *op = value.getDefiningOp();
    auto found = op ? kinds.find(op) : kinds.end();
    return found != kinds.end() && found->second == Dependence::Position;
  }

  /// The values that something reads that depends on more, and what computes them.
  void collect() {
    bool changed = true;
    while (changed) {
      changed = false;
      values.clear();
      for (Operation &op : body.without_terminator()) {
        if (kinds[&op] != Dependence::Position || isa<compute::IndexOp>(op))
          continue;
        bool leaves = llvm::any_of(op.getUsers(), [&](Operation *user) {
          auto kind = kinds.find(user);
          return kind == kinds.end() || kind->second != Dependence::Position;
        });
        if (!leaves)
          continue;
        if (canBeStored(op.getResult(0))) {
          values.insert(op.getResult(0));
        } else { // stays where it is
          kinds[&op] = Dependence::More;
          changed = true;
        }
      }
    }
    llvm::SetVector<Operation *> needed;
    for (Value value : values)
      needed.insert(value.getDefiningOp());
    for (unsigned i = 0; i < needed.size(); ++i)
      for (Value operand : needed[i]->getOperands())
        if (Operation *from = operand.getDefiningOp(); from && from->getBlock() == &body)
          needed.insert(from);
    slice = needed.takeVector();
    llvm::sort(slice, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  }

  compute::MapOp map;
  Block &body;
  unsigned dim;
  DenseMap<Operation *, Dependence> kinds;
  llvm::SetVector<Value> values;
  SmallVector<Operation *> slice;
};

struct HoistPositions final : impl::HoistPositionsPassBase<HoistPositions> {
  using HoistPositionsPassBase::HoistPositionsPassBase;

  void runOnOperation() override {
    SmallVector<compute::MapOp> maps;
    getOperation().walk([&](compute::MapOp map) { maps.push_back(map); });
    for (compute::MapOp map : maps) {
      SmallVector<AffineExpr> sizes = extent::sizesOf(map.getResult(0));
      unsigned dim = sizes.size();
      while (dim > 0 && sizes[dim - 1] == 1)
        --dim;
      if (dim < 2)
        continue;
      int64_t lines = 1;
      for (AffineExpr size : ArrayRef(sizes).take_front(dim - 1)) {
        auto constant = dyn_cast<AffineConstantExpr>(size);
        lines *= constant ? constant.getValue() : kFewestLines;
      }
      auto length = dyn_cast<AffineConstantExpr>(sizes[dim - 1]);
      if (lines < kFewestLines || (length && length.getValue() > kLongestLine))
        continue;
      Hoisting hoisting(map, dim - 1);
      if (hoisting.pays())
        hoisting.rewrite();
    }
  }
};

} // namespace
} // namespace longtail
