#include "codegen/Leaf/WindowSums.h"
#include "llvm/ADT/bit.h"
#include <map>

using namespace mlir;

namespace longtail::leaf {

using Position = WindowSums::Position;

Value WindowSums::identity(const Frame &frame) {
  Type element = access::computeType(getElementTypeOrSelf(reduce.getOutput().getType()));
  return elements.splat(
      arith::ConstantOp::create(kernel.builder, kernel.loc,
                                compute::identityOf(reduce.getCombiner(), element)),
      frame);
}

Value WindowSums::elementAt(ArrayRef<AffineExpr> point, const Frame &frame, bool checked) {
  SmallVector<Value> arguments;
  for (auto [i, input] : llvm::enumerate(reduce.getInputs())) {
    auto access = cast<access::MapAttr>(reduce.getAccesses()[i]);
    if (!checked)
      access = access::MapAttr::get(kernel.context(), access.getMap(), {}, {});
    arguments.push_back(elements.operandAt(input, access, reduce.getFills()[i], point, frame));
  }
  return elements.splat(elements.evaluateBody(reduce.getBody().front(), arguments, point, frame)[0],
                        frame);
}

/// All positions of `some` reduction dimensions, in order.
static SmallVector<Position> enumerate(ArrayRef<AffineExpr> some) {
  SmallVector<Position> all(1);
  for (AffineExpr extent : some) {
    SmallVector<Position> next;
    for (const Position &prefix : all)
      for (int64_t i = 0; i < cast<AffineConstantExpr>(extent).getValue(); ++i) {
        next.push_back(prefix);
        next.back().push_back(getAffineConstantExpr(i, extent.getContext()));
      }
    all = std::move(next);
  }
  return all;
}

static Position join(ArrayRef<AffineExpr> pixel, ArrayRef<AffineExpr> position) {
  Position point(pixel);
  llvm::append_range(point, position);
  return point;
}

Value WindowSums::combine(Value sum, Value element) {
  return compute::combine(kernel.builder, kernel.loc, reduce.getCombiner(), sum, element);
}

SmallVector<Value> WindowSums::fold(ArrayRef<Position> pixels, ArrayRef<Position> positions,
                                    SmallVector<Value> sums, const Frame &frame, bool checked) {
  if (!checked && pixels.size() > 1 && positions.size() > 1 && foldsElementsAsTheyAre())
    return foldShared(pixels, positions, sums, frame);
  for (const Position &position : positions)
    for (auto [pixel, sum] : llvm::zip(pixels, sums)) {
      Elements::Mark mark = elements.mark();
      sum = combine(sum, elementAt(join(pixel, position), frame, checked));
      elements.forget(mark);
    }
  return sums;
}

bool WindowSums::foldsElementsAsTheyAre() {
  return reduce.getInputs().size() == 1 &&
         reduce.getBody().front().getTerminator()->getOperand(0) == reduce.getBody().getArgument(0);
}

SmallVector<Value> WindowSums::foldShared(ArrayRef<Position> pixels, ArrayRef<Position> positions,
                                          SmallVector<Value> sums, const Frame &frame) {
  compute::Combiner combiner = reduce.getCombiner();
  bool mayOverlap = combiner != compute::Combiner::Add && combiner != compute::Combiner::Mul;
  AffineMap map = cast<access::MapAttr>(reduce.getAccesses()[0]).getMap();
  // Columns by where their elements are; runs by the numbers of their columns.
  SmallVector<std::pair<SmallVector<AffineExpr>, Value>> columns;
  std::map<std::vector<unsigned>, Value> runs;
  auto columnOf = [&](const Position &pixel, AffineExpr last) -> unsigned {
    SmallVector<AffineExpr> places;
    SmallVector<Position> points;
    for (const Position &position : positions)
      if (position.back() == last) {
        points.push_back(join(pixel, position));
        for (AffineExpr index : applyMap(map, points.back()))
          places.push_back(kernel.simplify(index, frame.domain));
      }
    for (auto [number, column] : llvm::enumerate(columns))
      if (column.first == places)
        return number;
    Value sum;
    for (const Position &point : points) {
      Elements::Mark mark = elements.mark();
      Value element = elementAt(point, frame, false);
      sum = sum ? combine(sum, element) : element;
      elements.forget(mark);
    }
    columns.push_back({places, sum});
    return columns.size() - 1;
  };
  std::function<Value(ArrayRef<unsigned>)> runOf = [&](ArrayRef<unsigned> run) -> Value {
    if (run.size() == 1)
      return columns[run[0]].second;
    auto [known, isNew] = runs.try_emplace(run.vec());
    if (!isNew)
      return known->second;
    size_t half = llvm::bit_floor(run.size() - 1);
    Value rest = runOf(mayOverlap ? run.take_back(half) : run.drop_front(half));
    Value joined = combine(runOf(run.take_front(half)), rest);
    return runs[run.vec()] = joined;
  };
  llvm::SetVector<AffineExpr> lasts;
  for (const Position &position : positions)
    lasts.insert(position.back());
  for (auto [pixel, sum] : llvm::zip(pixels, sums)) {
    std::vector<unsigned> run;
    for (AffineExpr last : lasts)
      run.push_back(columnOf(pixel, last));
    sum = combine(sum, runOf(run));
  }
  return sums;
}

WindowSums::Conditions WindowSums::conditionsAt(const Position &point, const Frame &frame) {
  Conditions found;
  for (Attribute attribute : reduce.getAccesses()) {
    auto access = cast<access::MapAttr>(attribute);
    if (access.isTotal())
      continue;
    for (auto [value, below] :
         llvm::zip(applyMap(access.getValid(), point), applyMap(access.getBelow(), point))) {
      AffineExpr v = kernel.simplify(value, frame.domain);
      AffineExpr limit = kernel.simplify(below, frame.domain);
      auto constant = dyn_cast<AffineConstantExpr>(v), bound = dyn_cast<AffineConstantExpr>(limit);
      if (!constant || !bound || constant.getValue() < 0 || constant.getValue() >= bound.getValue())
        found.insert({v, limit});
    }
  }
  return found;
}

bool WindowSums::varyByLane(const Conditions &conditions, const Frame &frame) {
  return llvm::any_of(conditions, [&](const Condition &c) {
    return c.first.isFunctionOfDim(frame.lane) || c.second.isFunctionOfDim(frame.lane);
  });
}

SmallVector<Value> WindowSums::choose(Value condition, Fold whenTrue, Fold whenFalse,
                                      TypeRange types) {
  if (!condition)
    return whenTrue();
  auto branch = scf::IfOp::create(kernel.builder, kernel.loc, types, condition, true);
  Elements::Mark mark = elements.mark();
  for (auto [block, fold] :
       {std::pair(branch.thenBlock(), whenTrue), std::pair(branch.elseBlock(), whenFalse)}) {
    OpBuilder::InsertionGuard guard(kernel.builder);
    kernel.builder.setInsertionPointToStart(block);
    scf::YieldOp::create(kernel.builder, kernel.loc, fold());
    elements.forget(mark);
  }
  return SmallVector<Value>(branch.getResults());
}

SmallVector<Value> WindowSums::at(ArrayRef<Position> pixels, const Frame &frame) {
  if (!unrolled)
    return {loopAt(pixels.front(), frame)};
  SmallVector<Value> none(pixels.size(), identity(frame));
  SmallVector<Type> types(pixels.size(), none.front().getType());
  SmallVector<Position> positions = enumerate(extents);
  Conditions all;
  for (const Position &position : positions)
    for (const Position &pixel : pixels)
      for (const Condition &condition : conditionsAt(join(pixel, position), frame))
        all.insert(condition);
  if (all.empty())
    return fold(pixels, positions, none, frame, false);
  if (varyByLane(all, frame)) {
    auto checked = [&] { return fold(pixels, positions, none, frame, true); };
    Value whole = allInRange(kernel, all.getArrayRef(), frame);
    if (!whole)
      return checked();
    return choose(
        whole, [&] { return fold(pixels, positions, none, frame, false); }, checked, types);
  }
  return choose(
      allInRange(kernel, all.getArrayRef(), frame),
      [&] { return fold(pixels, positions, none, frame, false); },
      [&] { return foldRows(pixels, none, frame); }, types);
}

SmallVector<Value> WindowSums::foldRows(ArrayRef<Position> pixels, SmallVector<Value> sums,
                                        const Frame &frame) {
  SmallVector<Type> types(sums.size(), sums.front().getType());
  for (const Position &outer : enumerate(extents.drop_back())) {
    SmallVector<Position> row;
    for (const Position &inner : enumerate(extents.take_back()))
      row.push_back(join(outer, inner));
    Conditions any, everywhere;
    for (const Position &position : row)
      for (const Position &pixel : pixels) {
        Conditions here = conditionsAt(join(pixel, position), frame);
        if (any.empty() && position == row.front() && pixel == pixels.front())
          everywhere = here;
        everywhere.remove_if([&](const Condition &c) { return !here.contains(c); });
        for (const Condition &condition : here)
          any.insert(condition);
      }
    Conditions inner = any;
    inner.remove_if([&](const Condition &c) { return everywhere.contains(c); });
    sums = choose(
        allInRange(kernel, everywhere.getArrayRef(), frame),
        [&] {
          return choose(
              allInRange(kernel, inner.getArrayRef(), frame),
              [&] { return fold(pixels, row, sums, frame, false); },
              [&] { return fold(pixels, row, sums, frame, true); }, types);
        },
        [&] { return skip(pixels, row, sums, frame); }, types);
  }
  return sums;
}

SmallVector<Value> WindowSums::skip(ArrayRef<Position> pixels, ArrayRef<Position> row,
                                    SmallVector<Value> sums, const Frame &frame) {
  return fillsAreNeutral() ? sums : fold(pixels, row, sums, frame, true);
}

bool WindowSums::fillsAreNeutral() {
  Block &body = reduce.getBody().front();
  Value yielded = body.getTerminator()->getOperand(0);
  Type element = access::computeType(getElementTypeOrSelf(reduce.getOutput().getType()));
  TypedAttr neutral = compute::identityOf(reduce.getCombiner(), element);
  for (auto [i, attribute] : llvm::enumerate(reduce.getAccesses())) {
    if (cast<access::MapAttr>(attribute).isTotal())
      continue;
    Value argument = body.getArgument(i);
    auto product = yielded.getDefiningOp<arith::MulFOp>();
    auto scale = yielded.getDefiningOp<compute::ScaleOp>();
    bool factor = reduce.getCombiner() == compute::Combiner::Add &&
                  ((product && llvm::is_contained(product->getOperands(), argument)) ||
                   (scale && scale.getValue() == argument));
    if (reduce.getFills()[i] != Attribute(neutral) || (yielded != argument && !factor))
      return false;
  }
  return true;
}

Value WindowSums::loopAt(ArrayRef<AffineExpr> pixel, const Frame &frame) {
  std::function<Value(Frame, SmallVector<AffineExpr>, unsigned, Value)> nest =
      [&](Frame inner, SmallVector<AffineExpr> point, unsigned depth, Value sum) -> Value {
    if (depth == extents.size()) {
      Elements::Mark mark = elements.mark();
      Value next = combine(sum, elementAt(point, inner, true));
      elements.forget(mark);
      return next;
    }
    unsigned dim = inner.dims.size();
    point.push_back(getAffineDimExpr(dim, kernel.context()));
    inner.domain.extents.push_back(extents[depth]);
    inner.dims.emplace_back();
    return kernel.loop(kernel.index(0), kernel.size(extents[depth]), 1, sum,
                       [&](Value i, ValueRange carried) -> SmallVector<Value> {
                         inner.dims[dim] = i;
                         return {nest(inner, point, depth + 1, carried[0])};
                       })[0];
  };
  return nest(frame, llvm::to_vector(pixel), 0, identity(frame));
}

} // namespace longtail::leaf
