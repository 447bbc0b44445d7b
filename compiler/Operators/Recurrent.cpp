#include "compiler/Operators/Recurrent.h"
#include "dialects/Compute/IR/Stored.h"

using namespace mlir;

namespace longtail::operators {

using Predicate = arith::CmpIPredicate;

RecurrentExpansion::RecurrentExpansion(ExpandContext &ctx, const RecurrentForm &form,
                                       const RecurrentLayer &layer)
    : ctx(ctx), form(form), layer(layer), element(ctx.elementType(0)),
      work(accumulatorType(element)), rows(kRecurrentRows) {
  if (auto batch = dyn_cast<AffineConstantExpr>(layer.batch))
    rows = std::clamp<int64_t>(batch.getValue(), 1, kRecurrentRows);
}

void RecurrentExpansion::run() {
  projected = projectInputs();
  prepare();
  SmallVector<RankedTensorType> types;
  for (unsigned output = 0; output < ctx.numOutputs(); ++output)
    if (ctx.hasOutput(output)) {
      results.push_back({output, Value()});
      types.push_back(ctx.resultType(output));
    }
  SmallVector<Value> values =
      buildGrid(ctx, types, {ctx.expr(layer.directions), layer.batch.ceilDiv(rows)},
                [&](const GridBuilder &b, ValueRange points, ValueRange places) {
                  for (auto [result, place] : llvm::zip(results, places))
                    result.place = place;
                  emitPoint(b, points);
                });
  for (auto [result, value] : llvm::zip(results, values))
    ctx.setValue(result.output, value);
}

//===-- Tensors outside the grid --------------------------------------------------------------===//

Value RecurrentExpansion::inputBias() {
  if (!ctx.hasInput(form.inputs.bias))
    return Value();
  // Those of W and of R.
  AffineExpr columns = layer.columns(), direction = ctx.dim(0), column = ctx.dim(1);
  SmallVector<AffineExpr> sizes{ctx.expr(layer.directions), columns};
  Value bias = ctx.input(form.inputs.bias);
  SmallVector<compute::Operand> operands{{bias, ctx.access(2, {direction, column}), {}},
                                         {bias, ctx.access(2, {direction, column + columns}), {}}};
  Value sum = mapThrough(ctx, extent::tensorType(sizes, work), operands,
                         [&](const RegionBuilder &b, ArrayRef<Value> v) {
                           return addBiases(b, b.narrow(v[0], work), b.narrow(v[1], work));
                         });
  return ctx.reshape(sum, {columns * layer.directions});
}

Value RecurrentExpansion::projectInputs() {
  AffineExpr columns = layer.columns() * layer.directions;
  AffineExpr step = ctx.dim(0), row = ctx.dim(1), column = ctx.dim(2), depth = ctx.dim(3);
  SmallVector<AffineExpr> data{step, row, depth}, sizes{layer.steps, layer.batch, columns};
  if (layer.isBatchFirst)
    std::swap(data[0], data[1]);
  Value weights = ctx.reshape(ctx.input(1), {columns, layer.width});
  Value sum = compute::ContractOp::create(ctx.getBuilder(), ctx.getLoc(),
                                          extent::tensorType(sizes, work), ctx.input(0), weights,
                                          ctx.access(4, data), ctx.access(4, {column, depth}),
                                          extent::sizesMap(ctx.getContext(), layer.width));
  Value bias = inputBias();
  if (!bias)
    return sum;
  return mapOver(ctx, sizes, work, {sum, bias},
                 [](const RegionBuilder &b, ArrayRef<Value> v) { return b.add(v[0], v[1]); });
}

void RecurrentExpansion::prepare() {
  // Neighbouring columns become neighbours in memory.
  AffineExpr direction = ctx.dim(0), depth = ctx.dim(1), column = ctx.dim(2);
  SmallVector<AffineExpr> sizes{ctx.expr(layer.directions), layer.hidden, layer.columns()};
  recurrent =
      mapThrough(ctx, extent::tensorType(sizes, work),
                 {{ctx.input(2), ctx.access(3, {direction, column, depth}), {}}},
                 [&](const RegionBuilder &b, ArrayRef<Value> v) { return b.narrow(v[0], work); });
  recurrent.getDefiningOp()->setAttr(compute::kStoredAttr, UnitAttr::get(ctx.getContext()));
}

//===-- One point -----------------------------------------------------------------------------===//

void RecurrentExpansion::emitPoint(const GridBuilder &b, ValueRange points) {
  SmallVector<AffineExpr> state{ctx.expr(rows), layer.hidden};
  Value hidden = b.local(work, state);
  Value cell = form.inputs.cell < 0 ? Value() : b.local(work, state);
  Value gates = b.local(work, {ctx.expr(rows), layer.columns()});
  lengths = ctx.hasInput(form.inputs.lengths) ? b.local(b.builder().getI64Type(), {ctx.expr(rows)})
                                              : Value();
  allocate(b);
  Value first = b.mul(points[1], b.index(rows));
  Value count =
      rows == 1 ? b.index(1) : b.minimum(b.index(rows), b.sub(b.size(layer.batch), first));
  RecurrentPoint point{b, points[0], first, count, hidden, cell, gates};
  initialize(point);
  walkSteps(point);
  finish(point);
}

void RecurrentExpansion::forRows(const RecurrentPoint &point, function_ref<void(Value)> body) {
  if (rows == 1)
    return body(point.b.index(0));
  point.b.loop(point.b.index(0), point.count, body);
}

void RecurrentExpansion::forElements(const RecurrentPoint &point,
                                     function_ref<void(Value, const RecurrentActivations &)> body) {
  const GridBuilder &b = point.b;
  auto emit = [&](const RecurrentActivations &functions) {
    b.loop(b.index(0), b.size(layer.hidden), [&](Value j) { body(j, functions); });
  };
  if (llvm::all_equal(layer.activations))
    return emit(layer.activations[0]);
  for (auto [number, functions] : llvm::enumerate(layer.activations))
    b.when(b.compare(Predicate::eq, point.direction, b.index(number)),
           [&, &own = functions] { emit(own); });
}

Value RecurrentExpansion::load(const GridBuilder &b, Value tensor, ValueRange indices) const {
  return b.narrow(b.load(tensor, indices), work);
}

SmallVector<Value> RecurrentExpansion::stateIndices(const RecurrentPoint &point, Value row,
                                                    Value j) const {
  Value batch = point.b.add(point.first, row);
  if (layer.isBatchFirst)
    return {batch, point.direction, j};
  return {point.direction, batch, j};
}

void RecurrentExpansion::storeStep(const RecurrentPoint &point, Value value, Value position,
                                   Value row, Value j) const {
  const Result *output = llvm::find_if(results, [](const Result &r) { return r.output == 0; });
  if (output == results.end())
    return;
  const GridBuilder &b = point.b;
  Value batch = b.add(point.first, row), narrow = b.narrow(value, element);
  if (layer.isBatchFirst)
    b.store(narrow, output->place, {batch, position, point.direction, j});
  else
    b.store(narrow, output->place, {position, point.direction, batch, j});
}

void RecurrentExpansion::initialize(const RecurrentPoint &point) {
  const GridBuilder &b = point.b;
  const RecurrentInputs &inputs = form.inputs;
  forRows(point, [&](Value row) {
    b.loop(b.index(0), b.size(layer.hidden), [&](Value j) {
      auto set = [&](Value state, int input) {
        Value value = input >= 0 && ctx.hasInput(input)
                          ? load(b, ctx.input(input), stateIndices(point, row, j))
                          : b.number(work, 0);
        b.store(value, state, {row, j});
      };
      set(point.hidden, inputs.hidden);
      if (point.cell)
        set(point.cell, inputs.cell);
    });
    if (!lengths)
      return;
    Type i64 = b.builder().getI64Type();
    Value asked = b.load(ctx.input(inputs.lengths), {b.add(point.first, row)});
    Value length = b.make<arith::ExtSIOp>(i64, asked), zero = b.integer(i64, 0);
    Value steps = b.fromIndex(b.size(layer.steps), i64);
    b.require(b.make<arith::AndIOp>(b.compare(Predicate::sge, length, zero),
                                    b.compare(Predicate::sle, length, steps)),
              compute::Fault::Value);
    b.store(b.minimum(b.maximum(length, zero), steps), lengths, {row});
  });
}

Value RecurrentExpansion::lengthOf(const RecurrentPoint &point, Value row) const {
  const GridBuilder &b = point.b;
  return lengths ? b.toIndex(b.fetch(lengths, {row})) : b.size(layer.steps);
}

Value RecurrentExpansion::positionAt(const RecurrentPoint &point, Value row, Value step) const {
  if (!layer.isReverse && layer.directions == 1)
    return step;
  // Past the row's own length there is nothing to read; any position will do.
  const GridBuilder &b = point.b;
  Value last = b.sub(lengthOf(point, row), b.index(1));
  Value back = b.maximum(b.sub(last, step), b.index(0));
  if (layer.directions == 1)
    return back;
  return b.select(b.compare(Predicate::eq, point.direction, b.index(0)), step, back);
}

void RecurrentExpansion::walkSteps(const RecurrentPoint &point) {
  const GridBuilder &b = point.b;
  Value longest = b.size(layer.steps);
  if (lengths)
    longest = b.loop(b.index(0), point.count, {b.index(0)}, [&](Value row, ValueRange carried) {
      return GridBuilder::Values{b.maximum(carried[0], lengthOf(point, row))};
    })[0];
  b.loop(b.index(0), longest, [&](Value step) {
    Value base = b.mul(point.direction, b.size(layer.columns()));
    forRows(point, [&](Value row) {
      Value position = positionAt(point, row, step), batch = b.add(point.first, row);
      b.loop(b.index(0), b.size(layer.columns()), [&](Value j) {
        Value sum = b.load(projected, {position, batch, b.add(base, j)});
        b.store(sum, point.gates, {row, j});
      });
    });
    combine(point);
    forRows(point, [&](Value row) {
      auto advance = [&] {
        Value position = positionAt(point, row, step);
        forElements(point, [&](Value j, const RecurrentActivations &functions) {
          Value state = update(point, row, j, functions);
          b.store(state, point.hidden, {row, j});
          storeStep(point, state, position, row, j);
        });
      };
      if (lengths)
        b.when(b.compare(Predicate::slt, step, lengthOf(point, row)), advance);
      else
        advance();
    });
  });
}

void RecurrentExpansion::finish(const RecurrentPoint &point) {
  const GridBuilder &b = point.b;
  if (lengths)
    forRows(point, [&](Value row) {
      b.loop(lengthOf(point, row), b.size(layer.steps), [&](Value position) {
        b.loop(b.index(0), b.size(layer.hidden),
               [&](Value j) { storeStep(point, b.number(work, 0), position, row, j); });
      });
    });
  for (const Result &result : results) {
    if (result.output == 0)
      continue;
    Value state = result.output == 1 ? point.hidden : point.cell;
    forRows(point, [&](Value row) {
      b.loop(b.index(0), b.size(layer.hidden), [&](Value j) {
        Value value = b.narrow(b.fetch(state, {row, j}), element);
        b.store(value, result.place, stateIndices(point, row, j));
      });
    });
  }
}

//===-- What cells are written with -----------------------------------------------------------===//

Value RecurrentExpansion::clipped(const RegionBuilder &b, Value value) const {
  if (!layer.clip)
    return value;
  Value bound = b.number(work, *layer.clip);
  return b.minimum(b.maximum(value, b.negate(bound)), bound);
}

Value RecurrentExpansion::gate(const RecurrentPoint &point, Value row, int64_t number,
                               Value j) const {
  const GridBuilder &b = point.b;
  return b.fetch(point.gates, {row, b.add(b.size(layer.hidden * number), j)});
}

void RecurrentExpansion::combine(const RecurrentPoint &point) {
  AffineExpr zero = ctx.expr(0);
  multiply(point, point.gates, zero, point.hidden, zero, layer.columns());
}

void RecurrentExpansion::multiply(const RecurrentPoint &point, Value target, AffineExpr first,
                                  Value vector, AffineExpr column, AffineExpr width) {
  const GridBuilder &b = point.b;
  // Adds the products of `depths` neighbours of `k` to all columns of these rows at once: an
  // element of the sum is loaded and stored once for all of them, and one of R once for all rows.
  auto accumulate = [&](ArrayRef<Value> rows, Value k, int64_t depths) {
    SmallVector<Value> at, factors;
    for (int64_t depth = 0; depth < depths; ++depth)
      at.push_back(b.add(k, b.index(depth)));
    for (Value row : rows)
      for (Value depth : at)
        factors.push_back(b.fetch(vector, {row, depth}));
    b.loop(b.index(0), b.size(width), [&](Value j) {
      Value source = b.add(b.size(column), j), place = b.add(b.size(first), j);
      SmallVector<Value> weights;
      for (Value depth : at)
        weights.push_back(b.load(recurrent, {point.direction, depth, source}));
      const Value *factor = factors.begin();
      for (Value row : rows) {
        Value sum = b.fetch(target, {row, place});
        for (Value weight : weights)
          sum = b.make<math::FmaOp>(*factor++, weight, sum);
        b.store(sum, target, {row, place});
      }
    });
  };
  auto accumulateAll = [&](Value k, int64_t depths) {
    if (rows == 1)
      return accumulate({b.index(0)}, k, depths);
    Value two = b.index(2), pairs = b.make<arith::DivUIOp>(point.count, two);
    b.loop(b.index(0), pairs, [&](Value pair) {
      Value row = b.mul(pair, two);
      accumulate({row, b.add(row, b.index(1))}, k, depths);
    });
    b.loop(b.mul(pairs, two), point.count, [&](Value row) { accumulate({row}, k, depths); });
  };
  int64_t depths = rows == 1 ? 8 : 4;
  AffineExpr whole = layer.hidden.floorDiv(depths);
  b.loop(b.index(0), b.size(whole),
         [&](Value block) { accumulateAll(b.mul(block, b.index(depths)), depths); });
  if (whole * depths != layer.hidden)
    b.loop(b.size(whole * depths), b.size(layer.hidden), [&](Value k) { accumulateAll(k, 1); });
}

} // namespace longtail::operators
