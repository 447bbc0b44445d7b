// Positions of neighbouring lanes that follow each other in memory, or do so inside a border.
#include "codegen/Leaf/Elements.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace longtail::leaf {

static bool isSignedOrder(arith::CmpIPredicate predicate) {
  using Predicate = arith::CmpIPredicate;
  return predicate == Predicate::slt || predicate == Predicate::sle ||
         predicate == Predicate::sgt || predicate == Predicate::sge;
}

void Elements::followRun(Operation &op, Value result, ValueRange operands, const Frame &frame) {
  auto compare = dyn_cast<arith::CmpIOp>(op);
  if (!isa<arith::IndexCastOp, arith::AddIOp, arith::SubIOp, arith::MinSIOp, arith::MaxSIOp,
           math::AbsIOp, arith::SelectOp>(op) &&
      !(compare && isSignedOrder(compare.getPredicate())))
    return;
  OpBuilder &b = kernel.builder;
  SmallVector<Run> ends;
  unsigned exact = 0, inexact = 0;
  for (Value operand : operands) {
    if (!isa<VectorType>(operand.getType())) {
      ends.push_back({operand, operand});
      continue;
    }
    auto run = runs.find(operand);
    if (run == runs.end())
      return;
    ends.push_back(run->second);
    ++(run->second.last ? inexact : exact);
  }
  bool isShift = isa<arith::AddIOp, arith::SubIOp>(op);
  if (isShift && exact + inexact != 1) // the sum of two may grow by 2
    return;
  if (compare && (exact != 1 || inexact != 0)) // holds for the first lanes or for the last ones
    return;
  bool goesOn = isa<arith::IndexCastOp, arith::AddIOp>(op) ||
                (isa<arith::SubIOp>(op) && isa<VectorType>(operands[0].getType()));
  auto end = [&](bool isLast) -> Value {
    SmallVector<Value> scalars;
    for (Run &run : ends) {
      if (isLast && !run.last) {
        Type type = run.first.getType();
        Value distance =
            arith::ConstantOp::create(b, kernel.loc, b.getIntegerAttr(type, frame.lanes - 1));
        run.last = arith::AddIOp::create(b, kernel.loc, run.first, distance);
      }
      scalars.push_back(isLast ? run.last : run.first);
    }
    OperationState state(op.getLoc(), op.getName(), scalars, op.getResultTypes(), op.getAttrs());
    return b.create(state)->getResult(0);
  };
  Value first = end(/*isLast=*/false);
  if (isa<arith::SelectOp>(op)) {
    // Of lanes that take different ways nothing is known: no distance of theirs is that of a run.
    Value last = end(/*isLast=*/true);
    Value condition = ends[0].first, other = ends[0].last ? ends[0].last : condition;
    Value isSame = arith::CmpIOp::create(b, kernel.loc, arith::CmpIPredicate::eq, condition, other);
    runs[result] = {first, arith::SelectOp::create(b, kernel.loc, isSame, last, first)};
    return;
  }
  runs[result] = {first, goesOn && inexact == 0 ? Value() : end(/*isLast=*/true)};
}

/// The lengths of vectors of which a target permutes elements to one of `type` by few instructions:
/// those that a load near to each other is tried with, the shortest first.
static SmallVector<int64_t> lengthsToPermute(VectorType type, kernel::TargetAttr target) {
  constexpr int64_t kNarrow = 16, kWide = 64, kFewBytes = 16, kManyBytes = 64;
  unsigned bits = type.getElementTypeBitWidth();
  int64_t lanes = type.getNumElements(), bytes = lanes * bits / 8;
  if (target.getScalarFactors() || target.getVectorBytes() <= kNarrow)
    return {};
  if (type.getElementType().isInteger(8) && bytes <= kFewBytes)
    return {kFewBytes, kManyBytes};
  if (bits == 32 && bytes == kWide && target.getVectorBytes() == kWide)
    return {lanes, 2 * lanes};
  if (bits == 32 && bytes == 2 * kNarrow)
    return {lanes};
  return {};
}

Value Elements::loadNear(VectorType type, Value buffer, const Positions &at, Value mask,
                         const Frame &frame, ArrayRef<int64_t> lengths) {
  OpBuilder &b = kernel.builder;
  Location loc = kernel.loc;
  Value first = vector::ExtractOp::create(b, loc, at.lanes, 0);
  Value start = kernel.add(at.base, first);
  Value distance = arith::SubIOp::create(b, loc, at.lanes, splat(first, frame));
  if (mask) {
    // Lanes that do not exist are at the first one's place.
    Value none = splat(kernel.index(0), frame);
    distance = arith::SelectOp::create(b, loc, mask, distance, none);
  }
  std::function<Value(ArrayRef<int64_t>)> attempt = [&](ArrayRef<int64_t> rest) -> Value {
    if (rest.empty())
      return kernel::GatherOp::create(b, loc, type, buffer, offsetsOf(at, frame), mask);
    Value length = kernel.index(rest.front());
    Value isNear =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, distance, splat(length, frame));
    Value all = vector::ReductionOp::create(b, loc, vector::CombiningKind::AND, isNear);
    // The whole vector must be in the buffer. Where no lane exists the first may be anywhere.
    auto isInside = [&](arith::CmpIPredicate predicate, Value bound) {
      all = arith::AndIOp::create(b, loc, all,
                                  arith::CmpIOp::create(b, loc, predicate, start, bound));
    };
    isInside(arith::CmpIPredicate::sge, kernel.index(0));
    isInside(arith::CmpIPredicate::sle, kernel.sub(at.nearIn, length));
    auto branch = scf::IfOp::create(b, loc, TypeRange{type}, all, /*withElse=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    auto whole = VectorType::get({rest.front()}, type.getElementType());
    Value loaded = kernel::LoadOp::create(b, loc, whole, buffer, start, Value());
    auto numberType = VectorType::get({frame.lanes}, b.getI32Type());
    Value numbers = arith::IndexCastOp::create(b, loc, numberType, distance);
    Value permuted = kernel::PermuteOp::create(b, loc, type, loaded, numbers);
    scf::YieldOp::create(b, loc, permuted);
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, loc, attempt(rest.drop_front()));
    return branch.getResult(0);
  };
  return attempt(lengths);
}

Value Elements::loadLanes(Type type, Value buffer, const Positions &at, Value mask,
                          const Frame &frame) {
  OpBuilder &b = kernel.builder;
  auto together = [&](Value first) -> Value {
    return kernel::LoadOp::create(b, kernel.loc, type, buffer, kernel.add(at.base, first), mask);
  };
  auto apart = [&]() -> Value {
    return kernel::GatherOp::create(b, kernel.loc, type, buffer, offsetsOf(at, frame), mask);
  };
  if (at.areNeighbours())
    return together(at.first);
  if (at.nearIn)
    if (auto lengths = lengthsToPermute(cast<VectorType>(type), kernel.target); !lengths.empty())
      return loadNear(cast<VectorType>(type), buffer, at, mask, frame, lengths);
  if (!at.from)
    return apart();
  Value distance = arith::SubIOp::create(b, kernel.loc, at.to, at.from);
  Value areNeighbours = arith::CmpIOp::create(b, kernel.loc, arith::CmpIPredicate::eq, distance,
                                              kernel.index(frame.lanes - 1));
  auto branch = scf::IfOp::create(b, kernel.loc, type, areNeighbours, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, kernel.loc, together(at.from));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, kernel.loc, apart());
  return branch.getResult(0);
}

} // namespace longtail::leaf
