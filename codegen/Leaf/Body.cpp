// Regions of one point as code for a vector of lanes.
#include "codegen/Leaf/Elements.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace longtail::leaf {

static bool isVector(Value value) { return isa<VectorType>(value.getType()); }

Value Elements::operandOf(Value value, const IRMapping &mapping) {
  if (Value mapped = mapping.lookupOrNull(value))
    return mapped;
  // Constants may stand outside the region that uses them.
  Operation *op = value.getDefiningOp();
  if (auto size = dyn_cast<extent::SizeOp>(op))
    return kernel.size(size.getSize().getResult(0));
  return kernel.builder.clone(*op)->getResult(cast<OpResult>(value).getResultNumber());
}

SmallVector<Value> Elements::operandsOf(ValueRange values, const IRMapping &mapping) {
  return llvm::map_to_vector(values, [&](Value value) { return operandOf(value, mapping); });
}

SmallVector<Value> Elements::spread(SmallVector<Value> values, ValueRange like,
                                    const Frame &frame) {
  for (auto [value, original] : llvm::zip(values, like))
    if (frame.lanes > 1 && variance->varies(original))
      value = splat(value, frame);
  return values;
}

Value Elements::positionAt(AffineExpr coordinate, const Frame &frame) {
  AffineExpr expr = kernel.simplify(coordinate, frame.domain);
  return frame.lanes > 1 && expr.isFunctionOfDim(frame.lane) ? lanesOf(expr, frame)
                                                             : kernel.evaluate(expr, frame.dims);
}

Value Elements::scaleAt(compute::ScaleOp op, Value value, Coordinates coordinates,
                        const Frame &frame) {
  OpBuilder &b = kernel.builder;
  ArrayRef<int64_t> sizes = cast<ShapedType>(op.getTable().getType()).getShape();
  Value position = positionAt(coordinates[op.getRow()] % sizes[0] * sizes[1] +
                                  coordinates[op.getColumn()] % sizes[1],
                              frame);
  if (isVector(position))
    value = splat(value, frame);
  auto factor = [&](int64_t number) -> Value {
    FloatAttr coefficient = op.coefficientAt(number / sizes[1], number % sizes[1]);
    Value one = arith::ConstantOp::create(b, kernel.loc, coefficient);
    return isVector(value) ? splat(one, frame) : one;
  };
  auto times = [&](Value by) -> Value {
    return arith::MulFOp::create(b, kernel.loc, value, by, arith::FastMathFlags::contract);
  };
  Value zero = arith::ConstantOp::create(b, kernel.loc, b.getFloatAttr(op.getType(), -0.0));
  if (isVector(value))
    zero = splat(zero, frame);
  if (auto known = getConstantIntValue(position)) {
    double by = op.coefficientAt(*known / sizes[1], *known % sizes[1]).getValueAsDouble();
    return by == 0 ? zero : by == 1 ? value : times(factor(*known));
  }
  // Nothing is written out here.
  Value found = factor(0);
  for (int64_t number = 1; number < sizes[0] * sizes[1]; ++number) {
    Value other = kernel.index(number);
    Value is = arith::CmpIOp::create(b, kernel.loc, arith::CmpIPredicate::eq, position,
                                     isVector(position) ? splat(other, frame) : other);
    found = arith::SelectOp::create(b, kernel.loc, is, factor(number), found);
  }
  Value isNone = arith::CmpFOp::create(b, kernel.loc, arith::CmpFPredicate::OEQ, found, zero);
  return arith::SelectOp::create(b, kernel.loc, isNone, zero, times(found));
}

/// An operation without regions.
void Elements::emit(Operation &op, IRMapping &mapping, Coordinates coordinates,
                    const Frame &frame) {
  OpBuilder &b = kernel.builder;
  auto give = [&](Value value) { mapping.map(op.getResult(0), value); };
  if (auto index = dyn_cast<compute::IndexOp>(op))
    return give(positionAt(coordinates[index.getDim()], frame));
  if (auto scale = dyn_cast<compute::ScaleOp>(op))
    return give(scaleAt(scale, operandOf(scale.getValue(), mapping), coordinates, frame));
  if (auto size = dyn_cast<extent::SizeOp>(op))
    return give(kernel.size(size.getSize().getResult(0)));
  if (isa<access::LocalOp>(op)) // kept as a place
    return;
  if (auto load = dyn_cast<access::LoadOp>(op))
    return give(loadPoint(load, operandsOf(load.getIndices(), mapping), frame));
  if (auto fetch = dyn_cast<access::FetchOp>(op))
    return give(fetchPoint(fetch, operandsOf(fetch.getIndices(), mapping), frame));
  if (auto store = dyn_cast<access::StoreOp>(op))
    return storePoint(store.getPlace(), operandOf(store.getValue(), mapping),
                      operandsOf(store.getIndices(), mapping), frame);
  if (auto require = dyn_cast<compute::RequireOp>(op))
    return raiseUnless(operandOf(require.getCondition(), mapping), require.getFault(), frame);
  if (auto text = dyn_cast<compute::TextOp>(op)) {
    kernel.makesText |= compute::makesText(text.getFunction());
    return give(kernel::TextOp::create(b, kernel.loc, b.getI64Type(),
                                       static_cast<uint32_t>(text.getFunction()),
                                       operandsOf(text.getOperands(), mapping)));
  }
  SmallVector<Value> operands = operandsOf(op.getOperands(), mapping), scalars = operands;
  bool vector = llvm::any_of(operands, isVector);
  StringRef name =
      isa<compute::DotOp>(op) ? kernel::DotOp::getOperationName() : op.getName().getStringRef();
  if (vector) {
    for (auto [position, operand] : llvm::enumerate(operands)) {
      // A condition that is the same for all lanes stays a bit.
      if (isa<arith::SelectOp>(op) && position == 0)
        continue;
      operand = splat(operand, frame);
    }
  }
  OperationState state(op.getLoc(), name);
  state.addOperands(operands);
  for (Type type : op.getResultTypes())
    state.addTypes(vector ? Type(VectorType::get({frame.lanes}, type)) : type);
  state.addAttributes(op.getAttrs());
  Operation *made = b.create(state);
  for (auto [from, to] : llvm::zip(op.getResults(), made->getResults()))
    mapping.map(from, to);
  if (!vector || op.getNumResults() != 1)
    return;
  followRun(op, made->getResult(0), scalars, frame);
}

void Elements::emitBlock(Block &block, IRMapping &mapping, Coordinates at, const Frame &frame) {
  for (Operation &op : block.without_terminator()) {
    if (auto loop = dyn_cast<scf::ForOp>(op))
      emitFor(loop, mapping, at, frame);
    else if (auto loop = dyn_cast<scf::WhileOp>(op))
      emitWhile(loop, mapping, at, frame);
    else if (auto branch = dyn_cast<scf::IfOp>(op))
      emitIf(branch, mapping, at, frame);
    else
      emit(op, mapping, at, frame);
  }
}

SmallVector<Value> Elements::emitInto(Block &block, ValueRange results, IRMapping &mapping,
                                      Coordinates at, const Frame &frame) {
  emitBlock(block, mapping, at, frame);
  return spread(operandsOf(block.getTerminator()->getOperands(), mapping), results, frame);
}

void Elements::emitFor(scf::ForOp loop, IRMapping &mapping, Coordinates at, const Frame &frame) {
  if (emitInLanes(loop, mapping, at, frame))
    return;
  OpBuilder &b = kernel.builder;
  SmallVector<Value> first =
      spread(operandsOf(loop.getInitArgs(), mapping), loop.getRegionIterArgs(), frame);
  auto made = scf::ForOp::create(b, kernel.loc, operandOf(loop.getLowerBound(), mapping),
                                 operandOf(loop.getUpperBound(), mapping),
                                 operandOf(loop.getStep(), mapping), first);
  made->setAttrs(loop->getAttrs());
  if (!made.getBody()->empty())
    made.getBody()->getTerminator()->erase();
  for (auto [from, to] : llvm::zip(loop.getBody()->getArguments(), made.getBody()->getArguments()))
    mapping.map(from, to);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(made.getBody());
  scf::YieldOp::create(b, kernel.loc,
                       emitInto(*loop.getBody(), loop.getRegionIterArgs(), mapping, at, frame));
  for (auto [from, to] : llvm::zip(loop.getResults(), made.getResults()))
    mapping.map(from, to);
}

void Elements::emitWhile(scf::WhileOp loop, IRMapping &mapping, Coordinates at,
                         const Frame &frame) {
  OpBuilder &b = kernel.builder;
  auto typesOf = [&](ValueRange values) {
    return llvm::map_to_vector(values, [&](Value value) -> Type {
      return frame.lanes > 1 && variance->varies(value)
                 ? Type(VectorType::get({frame.lanes}, value.getType()))
                 : value.getType();
    });
  };
  SmallVector<Value> first =
      spread(operandsOf(loop.getInits(), mapping), loop.getBeforeArguments(), frame);
  auto made = scf::WhileOp::create(b, kernel.loc, typesOf(loop.getResults()), first);
  made->setAttrs(loop->getAttrs());
  auto open = [&](Region &region, Block &like) {
    SmallVector<Type> types = typesOf(like.getArguments());
    b.createBlock(&region, {}, types, SmallVector<Location>(types.size(), kernel.loc));
    for (auto [from, to] : llvm::zip(like.getArguments(), region.front().getArguments()))
      mapping.map(from, to);
  };
  {
    OpBuilder::InsertionGuard guard(b);
    open(made.getBefore(), *loop.getBeforeBody());
    emitBlock(*loop.getBeforeBody(), mapping, at, frame);
    scf::ConditionOp end = loop.getConditionOp();
    scf::ConditionOp::create(
        b, kernel.loc, operandOf(end.getCondition(), mapping),
        spread(operandsOf(end.getArgs(), mapping), loop.getAfterArguments(), frame));
    open(made.getAfter(), *loop.getAfterBody());
    scf::YieldOp::create(
        b, kernel.loc,
        emitInto(*loop.getAfterBody(), loop.getBeforeArguments(), mapping, at, frame));
  }
  for (auto [from, to] : llvm::zip(loop.getResults(), made.getResults()))
    mapping.map(from, to);
}

void Elements::emitIf(scf::IfOp branch, IRMapping &mapping, Coordinates at, const Frame &frame) {
  OpBuilder &b = kernel.builder;
  Value condition = operandOf(branch.getCondition(), mapping);
  if (isVector(condition))
    return emitMaskedIf(branch, condition, mapping, at, frame);
  SmallVector<Type> types = llvm::map_to_vector(branch.getResults(), [&](Value value) -> Type {
    return frame.lanes > 1 && variance->varies(value)
               ? Type(VectorType::get({frame.lanes}, value.getType()))
               : value.getType();
  });
  bool hasElse = !branch.getElseRegion().empty();
  auto made = scf::IfOp::create(b, kernel.loc, types, condition, hasElse);
  auto fill = [&](Block &from, Block &to) {
    OpBuilder::InsertionGuard guard(b);
    if (!to.empty())
      to.getTerminator()->erase();
    b.setInsertionPointToEnd(&to);
    scf::YieldOp::create(b, kernel.loc, emitInto(from, branch.getResults(), mapping, at, frame));
  };
  fill(*branch.thenBlock(), *made.thenBlock());
  if (hasElse)
    fill(*branch.elseBlock(), *made.elseBlock());
  for (auto [from, to] : llvm::zip(branch.getResults(), made.getResults()))
    mapping.map(from, to);
}

/// What is not worth doing where no lane takes this way: loops, and what must not be done then:
/// loads that are the same for all lanes.
static bool wantsGuard(Block &block, const LaneVariance &variance) {
  return block
      .walk([&](Operation *op) {
        auto load = dyn_cast<access::LoadOp>(op);
        bool isShared = load && llvm::none_of(load.getIndices(),
                                              [&](Value index) { return variance.varies(index); });
        return isShared || isa<LoopLikeOpInterface>(op) ? WalkResult::interrupt()
                                                        : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Lanes take different ways: each side is run for the lanes that take it.
void Elements::emitMaskedIf(scf::IfOp branch, Value condition, IRMapping &mapping, Coordinates at,
                            const Frame &frame) {
  OpBuilder &b = kernel.builder;
  auto side = [&](Region &region, Value lanes) -> SmallVector<Value> {
    if (region.empty())
      return {};
    Frame masked = frame;
    masked.tail = Value();
    masked.mask =
        frame.mask ? Value(arith::AndIOp::create(b, kernel.loc, frame.mask, lanes)) : lanes;
    masked.someLaneExists = false;
    if (!wantsGuard(region.front(), *variance))
      return emitInto(region.front(), branch.getResults(), mapping, at, masked);
    Value any = vector::ReductionOp::create(b, kernel.loc, vector::CombiningKind::OR, masked.mask);
    masked.someLaneExists = true;
    SmallVector<Type> types = llvm::map_to_vector(branch.getResultTypes(), [&](Type type) {
      return Type(VectorType::get({frame.lanes}, type));
    });
    auto guarded = scf::IfOp::create(b, kernel.loc, types, any, /*withElse=*/!types.empty());
    OpBuilder::InsertionGuard guard(b);
    auto fill = [&](Block &block, function_ref<SmallVector<Value>()> values) {
      if (!block.empty())
        block.getTerminator()->erase();
      b.setInsertionPointToEnd(&block);
      scf::YieldOp::create(b, kernel.loc, values());
    };
    fill(*guarded.thenBlock(),
         [&] { return emitInto(region.front(), branch.getResults(), mapping, at, masked); });
    if (!types.empty())
      fill(*guarded.elseBlock(), [&] {
        return llvm::map_to_vector(types, [&](Type type) -> Value {
          return arith::ConstantOp::create(b, kernel.loc, b.getZeroAttr(type));
        });
      });
    return SmallVector<Value>(guarded.getResults());
  };
  SmallVector<Value> then = side(branch.getThenRegion(), condition);
  Value ones = arith::ConstantOp::create(b, kernel.loc, b.getOneAttr(condition.getType()));
  SmallVector<Value> otherwise =
      side(branch.getElseRegion(), arith::XOrIOp::create(b, kernel.loc, condition, ones));
  for (auto [result, x, y] : llvm::zip(branch.getResults(), then, otherwise))
    mapping.map(result, arith::SelectOp::create(b, kernel.loc, condition, x, y));
}

SmallVector<Value> Elements::evaluateBody(Block &body, ArrayRef<Value> arguments,
                                          ArrayRef<AffineExpr> coordinates, const Frame &frame) {
  IRMapping mapping;
  for (auto [argument, value] : llvm::zip(body.getArguments(), arguments))
    mapping.map(argument, value);
  bool hasRegions = llvm::any_of(body, [](Operation &op) { return op.getNumRegions() != 0; });
  if (frame.lanes > 1 && hasRegions)
    variance.emplace(body, [&](Value value) {
      if (auto index = value.getDefiningOp<compute::IndexOp>())
        return coordinates[index.getDim()].isFunctionOfDim(frame.lane);
      auto scale = value.getDefiningOp<compute::ScaleOp>();
      if (scale && (coordinates[scale.getRow()].isFunctionOfDim(frame.lane) ||
                    coordinates[scale.getColumn()].isFunctionOfDim(frame.lane)))
        return true;
      Value mapped = mapping.lookupOrNull(value);
      return mapped && isVector(mapped);
    });
  emitBlock(body, mapping, coordinates, frame);
  return operandsOf(body.getTerminator()->getOperands(), mapping);
}

using VisitLeaf = function_ref<void(Value, ArrayRef<AffineExpr>)>;
using VisitIndex = function_ref<void(AffineExpr)>;

static void visitOperand(Value source, access::MapAttr access, ArrayRef<AffineExpr> coordinates,
                         VisitLeaf visit, VisitIndex visitIndex) {
  if (!access.isTotal())
    for (AffineExpr expr : applyMap(access.getValid(), coordinates))
      visitIndex(expr);
  visitLeaves(source, applyMap(access.getMap(), coordinates), visit, visitIndex);
}

static void visitBody(ValueRange inputs, ArrayAttr accesses, Region &body,
                      ArrayRef<AffineExpr> coordinates, VisitLeaf visit, VisitIndex visitIndex) {
  for (auto [input, access] : llvm::zip(inputs, accesses))
    visitOperand(input, cast<access::MapAttr>(access), coordinates, visit, visitIndex);
  body.walk([&](compute::IndexOp index) { visitIndex(coordinates[index.getDim()]); });
  body.walk([&](compute::ScaleOp scale) {
    ArrayRef<int64_t> sizes = cast<ShapedType>(scale.getTable().getType()).getShape();
    visitIndex(coordinates[scale.getRow()] % sizes[0]);
    visitIndex(coordinates[scale.getColumn()] % sizes[1]);
  });
}

void visitLeaves(Value tensor, ArrayRef<AffineExpr> coordinates, VisitLeaf visit,
                 VisitIndex visitIndex) {
  Operation *op = tensor.getDefiningOp();
  if (auto read = dyn_cast_or_null<access::ReadOp>(op))
    return visitOperand(read.getSource(), read.getMap(), coordinates, visit, visitIndex);
  if (auto map = dyn_cast_or_null<compute::MapOp>(op))
    return visitBody(map.getInputs(), map.getAccesses(), map.getBody(), coordinates, visit,
                     visitIndex);
  visit(tensor, coordinates); // an input, or a reduction's result that the strategy keeps
}

void visitReduction(compute::ReduceOp reduce, ArrayRef<AffineExpr> coordinates, VisitLeaf visit,
                    VisitIndex visitIndex) {
  visitBody(reduce.getInputs(), reduce.getAccesses(), reduce.getBody(), coordinates, visit,
            visitIndex);
}

} // namespace longtail::leaf
