#include "dialects/Graph/IR/Graph.h"
#include "passes/Constants/Passes.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_OUTLINECONSTANTSPASS
#include "passes/Constants/Passes.h.inc"

namespace {

/// The runtime's limit of inputs and of outputs.
constexpr size_t maxSlots = 256;

/// Operations that become one function, in the order of the model.
struct Batch {
  llvm::SetVector<Operation *> ops;
  llvm::SetVector<Value> constants; // what they read
  llvm::SetVector<Value> results;   // what others read of them

  void append(const Batch &other) {
    ops.insert_range(other.ops);
    constants.insert_range(other.constants);
    results.insert_range(other.results);
  }
};

struct OutlineConstants final : impl::OutlineConstantsPassBase<OutlineConstants> {
  using OutlineConstantsPassBase::OutlineConstantsPassBase;

  void runOnOperation() override {
    unsigned count = 0;
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (!function.isDeclaration())
        for (Batch &batch : merge(collect(function)))
          outline(function, batch, count++);
  }

private:
  static bool usesSymbols(AffineMap map) {
    return llvm::any_of(map.getResults(), [&](AffineExpr expr) {
      for (unsigned i = 0; i < map.getNumSymbols(); ++i)
        if (expr.isFunctionOfSymbol(i))
          return true;
      return false;
    });
  }

  /// True where sizes that are known at run time only occur anywhere in `op`.
  static bool dependsOnSizes(Operation *op) {
    bool found = false;
    AttrTypeWalker walker;
    walker.addWalk([&](AffineMapAttr map) { found |= usesSymbols(map.getValue()); });
    walker.addWalk([&](extent::ShapeAttr shape) { found |= usesSymbols(shape.getMap()); });
    walker.addWalk([&](access::MapAttr map) {
      found |= usesSymbols(map.getMap()) ||
               (!map.isTotal() && (usesSymbols(map.getValid()) || usesSymbols(map.getBelow())));
    });
    walker.addWalk([&](RankedTensorType type) { found |= !type.hasStaticShape(); });
    op->walk([&](Operation *inner) {
      walker.walk(inner->getAttrDictionary());
      for (Value result : inner->getResults())
        walker.walk(result.getType());
    });
    return found;
  }

  /// True for what reads or gives strings: those that a run makes cannot become weights.
  static bool usesText(Operation *op) {
    auto isText = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && access::isHandle(tensor.getElementType());
    };
    return llvm::any_of(op->getOperandTypes(), isText) ||
           llvm::any_of(op->getResultTypes(), isText);
  }

  /// True where the function's results take over memory of `op`'s: it has to be written anew by
  /// every run.
  static bool givesResult(Operation *op) {
    return llvm::any_of(op->getUsers(), [](Operation *user) {
      return user->hasTrait<OpTrait::ReturnLike>() ||
             (isa<access::ReadOp>(user) && givesResult(user));
    });
  }

  /// The bytes of tensors, for the budget: a rough count will do.
  template <typename Values> static double bytesOf(const Values &values) {
    double total = 0;
    for (Value value : values) {
      auto type = cast<RankedTensorType>(value.getType());
      Type element = type.getElementType();
      unsigned bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 128;
      total += double(type.getNumElements()) * std::max(bits, 8u) / 8;
    }
    return total;
  }

  /// The connected pieces of what depends on constants only and is worth moving.
  SmallVector<Batch> collect(func::FuncOp function) {
    llvm::SetVector<Operation *> moved;
    for (Operation &op : function.front())
      if (isa<compute::FusedOp, access::ReadOp>(op) && !givesResult(&op) && !usesText(&op) &&
          !dependsOnSizes(&op) && llvm::all_of(op.getOperands(), [&](Value operand) {
            Operation *source = operand.getDefiningOp();
            return source && (isa<graph::ConstantOp>(source) || moved.contains(source));
          }))
        moved.insert(&op);
    // Views stay with those who look through them.
    SmallVector<Operation *> candidates = llvm::to_vector(moved);
    for (Operation *op : llvm::reverse(candidates))
      if (isa<access::ReadOp>(op) &&
          !llvm::all_of(op->getUsers(), [&](Operation *user) { return moved.contains(user); }))
        moved.remove(op);

    llvm::EquivalenceClasses<Operation *> pieces;
    for (Operation *op : moved) {
      pieces.insert(op);
      for (Value operand : op->getOperands())
        if (moved.contains(operand.getDefiningOp()))
          pieces.unionSets(op, operand.getDefiningOp());
    }
    llvm::MapVector<Operation *, Batch> batches;
    for (Operation *op : moved) {
      Batch &batch = batches[pieces.getLeaderValue(op)];
      batch.ops.insert(op);
      for (Value operand : op->getOperands())
        if (!moved.contains(operand.getDefiningOp()))
          batch.constants.insert(operand);
      for (Value result : op->getResults())
        if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !moved.contains(user); }))
          batch.results.insert(result);
    }
    SmallVector<Batch> kept;
    double remaining = double(total);
    for (auto &[leader, batch] : batches) {
      double size = bytesOf(batch.results), read = bytesOf(batch.constants);
      double added = std::max(size - read, 0.0);
      bool affordable = (size <= bytes || size <= double(growth) * read) && added <= remaining;
      if (affordable && !batch.results.empty() && batch.constants.size() <= maxSlots &&
          batch.results.size() <= maxSlots) {
        remaining -= added;
        kept.push_back(std::move(batch));
      }
    }
    return kept;
  }

  /// Small pieces share a function.
  SmallVector<Batch> merge(SmallVector<Batch> pieces) {
    SmallVector<Batch> merged;
    for (Batch &piece : pieces) {
      Batch *last = merged.empty() ? nullptr : &merged.back();
      bool fits = last && int64_t(last->constants.size() + piece.constants.size()) <= batch &&
                  int64_t(last->results.size() + piece.results.size()) <= batch &&
                  bytesOf(last->results) + bytesOf(piece.results) <= double(bytes);
      if (fits)
        last->append(piece);
      else
        merged.push_back(std::move(piece));
    }
    return merged;
  }

  /// The value of `result` in row-major order, which constants have.
  static Value rowMajor(Value result) {
    auto group = result.getDefiningOp<compute::FusedOp>();
    if (!group || !group.getLayouts())
      return result;
    unsigned number = cast<OpResult>(result).getResultNumber();
    auto layout = cast<DenseI64ArrayAttr>((*group.getLayouts())[number]);
    if (llvm::is_sorted(layout.asArrayRef()))
      return result;
    OpBuilder builder(group);
    builder.setInsertionPointAfter(group);
    auto copy = compute::buildCopyGroup(builder, group.getLoc(), result);
    copy.setLayoutsAttr(builder.getArrayAttr({builder.getDenseI64ArrayAttr({})}));
    return copy.getResult(0);
  }

  void outline(func::FuncOp model, Batch &batch, unsigned number) {
    SmallVector<Value> constants = batch.constants.takeVector();
    SmallVector<Value> results = batch.results.takeVector();
    OpBuilder builder(model->getContext());
    builder.setInsertionPointToEnd(getOperation().getBody());
    auto function = func::FuncOp::create(
        builder, model.getLoc(), ("constants_" + Twine(number)).str(),
        builder.getFunctionType(ValueRange(constants).getTypes(), ValueRange(results).getTypes()));
    function.setPrivate();
    Block *body = function.addEntryBlock();

    // The call stands where all constants are known: before the first user of any result.
    Operation *first = nullptr;
    for (Value result : results)
      for (Operation *user : result.getUsers())
        if (!batch.ops.contains(user) && (!first || user->isBeforeInBlock(first)))
          first = user;
    for (Value constant : constants)
      if (!constant.getDefiningOp()->isBeforeInBlock(first))
        constant.getDefiningOp()->moveBefore(first);
    builder.setInsertionPoint(first);
    auto call = func::CallOp::create(builder, model.getLoc(), function, constants);
    for (auto [result, value] : llvm::zip(results, call.getResults()))
      result.replaceUsesWithIf(value,
                               [&](OpOperand &use) { return !batch.ops.contains(use.getOwner()); });

    builder.setInsertionPointToEnd(body);
    auto end = func::ReturnOp::create(builder, model.getLoc(), results);
    for (Operation *op : batch.ops)
      op->moveBefore(end);
    for (auto [argument, constant] : llvm::zip(body->getArguments(), constants))
      constant.replaceUsesWithIf(
          argument, [&](OpOperand &use) { return batch.ops.contains(use.getOwner()); });
    for (OpOperand &operand : end->getOpOperands())
      operand.set(rowMajor(operand.get()));
  }
};

} // namespace
} // namespace longtail
