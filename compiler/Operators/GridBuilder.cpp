#include "compiler/Operators/GridBuilder.h"
#include "compiler/Operators/SizeProduct.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace longtail::operators {

using Values = GridBuilder::Values;

void GridBuilder::loop(Value low, Value high, function_ref<void(Value)> body) const {
  loop(low, high, {}, [&](Value i, ValueRange) {
    body(i);
    return Values{};
  });
}

Values GridBuilder::loop(Value low, Value high, ValueRange carried,
                         function_ref<Values(Value, ValueRange)> body) const {
  OpBuilder::InsertionGuard guard(builder());
  auto op = scf::ForOp::create(builder(), location(), low, high, index(1), carried);
  if (!op.getBody()->empty())
    op.getBody()->getTerminator()->erase();
  builder().setInsertionPointToEnd(op.getBody());
  Values next = body(op.getInductionVar(), op.getRegionIterArgs());
  scf::YieldOp::create(builder(), location(), next);
  return Values(op.getResults());
}

Values GridBuilder::repeatWhile(ValueRange carried, function_ref<Value(ValueRange)> condition,
                                function_ref<Values(ValueRange)> body) const {
  auto op = scf::WhileOp::create(
      builder(), location(), carried.getTypes(), carried,
      [&](OpBuilder &inside, Location loc, ValueRange values) {
        OpBuilder::InsertionGuard guard(builder());
        builder().restoreInsertionPoint(inside.saveInsertionPoint());
        Value goOn = condition(values);
        scf::ConditionOp::create(builder(), loc, goOn, values);
      },
      [&](OpBuilder &inside, Location loc, ValueRange values) {
        OpBuilder::InsertionGuard guard(builder());
        builder().restoreInsertionPoint(inside.saveInsertionPoint());
        Values next = body(values);
        scf::YieldOp::create(builder(), loc, next);
      });
  return Values(op.getResults());
}

Value GridBuilder::maskOfBlock(Value first, function_ref<Value(Value)> holds) const {
  // Without branches, so that it may be done for many indices at a time.
  Type i32 = builder().getI32Type();
  return loop(index(0), index(kBlock), integer(i32, 0), [&](Value i, ValueRange before) {
    Value here = make<arith::ExtUIOp>(i32, holds(add(first, i)));
    Value bit = make<arith::ShLIOp>(here, fromIndex(i, i32));
    return Values{make<arith::OrIOp>(before[0], bit)};
  })[0];
}

Value GridBuilder::anyOf(Value count, function_ref<Value(Value)> holds) const {
  Value none = integer(builder().getI32Type(), 0);
  Value found = repeatWhile(
      {index(0), none},
      [&](ValueRange state) { return both(isBelow(state[0], count), isSame(state[1], none)); },
      [&](ValueRange state) {
        return Values{add(state[0], index(kBlock)), maskOfBlock(state[0], holds)};
      })[1];
  return isNot(isSame(found, none));
}

void GridBuilder::when(Value condition, function_ref<void()> then) const {
  auto op = scf::IfOp::create(builder(), location(), condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder());
  builder().setInsertionPointToStart(op.thenBlock());
  then();
}

Values GridBuilder::choose(Value condition, function_ref<Values()> then,
                           function_ref<Values()> otherwise) const {
  auto build = [this](function_ref<Values()> branch) {
    return [this, branch](OpBuilder &inside, Location loc) {
      OpBuilder::InsertionGuard guard(builder());
      builder().restoreInsertionPoint(inside.saveInsertionPoint());
      Values values = branch();
      scf::YieldOp::create(builder(), loc, values);
    };
  };
  auto op = scf::IfOp::create(builder(), location(), condition, build(then), build(otherwise));
  return Values(op.getResults());
}

Value GridBuilder::load(Value tensor, ValueRange indices, bool checked) const {
  Type element = cast<RankedTensorType>(tensor.getType()).getElementType();
  return make<access::LoadOp>(access::computeType(element), tensor, indices, checked);
}

void GridBuilder::store(Value value, Value place, ValueRange indices) const {
  access::StoreOp::create(builder(), location(), value, place, indices);
}

Value GridBuilder::fetch(Value place, ValueRange indices) const {
  Type element = cast<access::PlaceType>(place.getType()).getTensor().getElementType();
  return make<access::FetchOp>(access::computeType(element), place, indices);
}

Value GridBuilder::local(Type elementType, ArrayRef<AffineExpr> sizes) const {
  RankedTensorType tensor = extent::tensorType(sizes, elementType);
  return make<access::LocalOp>(access::PlaceType::get(builder().getContext(), tensor));
}

void GridBuilder::require(Value condition, compute::Fault fault) const {
  compute::RequireOp::create(builder(), location(), condition, fault);
}

AxisView axisView(const InferContext &ctx, ArrayRef<AffineExpr> sizes, int64_t axis) {
  return {SizeProduct(ctx.getContext(), sizes.take_front(axis)).expr(), sizes[axis],
          SizeProduct(ctx.getContext(), sizes.drop_front(axis + 1)).expr()};
}

SmallVector<Value> buildGrid(ExpandContext &ctx, ArrayRef<RankedTensorType> results,
                             ArrayRef<AffineExpr> extents,
                             function_ref<void(const GridBuilder &, ValueRange, ValueRange)> body) {
  SmallVector<Type> types(results.begin(), results.end());
  auto grid = compute::buildGrid(ctx.getBuilder(), ctx.getLoc(), types, extents,
                                 [&](OpBuilder &inside, ValueRange points, ValueRange places) {
                                   body(GridBuilder(inside, ctx.getLoc()), points, places);
                                 });
  return SmallVector<Value>(grid.getResults());
}

} // namespace longtail::operators
