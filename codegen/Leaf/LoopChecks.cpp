// What a loop need not test in every trip. Checks of indices stand where an element is read; those
// that are the same in all trips come before the loop, and a loop with a branch that goes one way
// in all its trips becomes two loops. What is left has no control flow and can become vectors.
#include "codegen/Leaf/Nest.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

using namespace mlir;

namespace longtail::leaf {

namespace {

/// Branches of one loop that are taken out of it: each doubles its code.
constexpr int kMaxUnswitched = 2;
/// Operations of a loop that is doubled.
constexpr int64_t kMaxOperations = 100;

/// The loop whose position `value` is.
scf::ForOp loopOf(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getArgNumber() != 0)
    return {};
  return dyn_cast_or_null<scf::ForOp>(argument.getOwner()->getParentOp());
}

/// Whether nothing below the end of a loop reaches `limit`: it is the end, or the end is a minimum
/// with it.
bool endsBelow(Value end, Value limit) {
  if (end == limit)
    return true;
  auto least = end.getDefiningOp<arith::MinSIOp>();
  return least && (endsBelow(least.getLhs(), limit) || endsBelow(least.getRhs(), limit));
}

/// The position of a loop is below its end, and not negative where it starts at no less than 0.
struct FoldPositionTest : OpRewritePattern<arith::CmpIOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::CmpIOp op, PatternRewriter &rewriter) const override {
    scf::ForOp loop = loopOf(op.getLhs());
    if (!loop || !endsBelow(loop.getUpperBound(), op.getRhs()))
      return failure();
    std::optional<int64_t> start = getConstantIntValue(loop.getLowerBound());
    bool isPositive = start && *start >= 0;
    using Predicate = arith::CmpIPredicate;
    Predicate predicate = op.getPredicate();
    bool isBelow = predicate == Predicate::slt || (predicate == Predicate::ult && isPositive);
    bool isAbove = predicate == Predicate::sge || (predicate == Predicate::uge && isPositive);
    if (!isBelow && !isAbove)
      return failure();
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, rewriter.getBoolAttr(isBelow));
    return success();
  }
};

/// Nothing is reported where the condition never holds.
struct EraseIdleRaise : OpRewritePattern<kernel::RaiseOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(kernel::RaiseOp op, PatternRewriter &rewriter) const override {
    if (getConstantIntValue(op.getCondition()) != 0)
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

/// A report that is the same in all trips is made once, if there is a trip.
void hoistRaises(scf::ForOp loop) {
  OpBuilder b(loop);
  Value hasTrip;
  for (auto raise : llvm::to_vector(loop.getOps<kernel::RaiseOp>())) {
    Value condition = raise.getCondition();
    if (!loop.isDefinedOutsideOfLoop(condition) || !condition.getType().isInteger(1))
      continue;
    if (!hasTrip)
      hasTrip = arith::CmpIOp::create(b, loop.getLoc(), arith::CmpIPredicate::slt,
                                      loop.getLowerBound(), loop.getUpperBound());
    raise->moveBefore(loop);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(raise);
    raise.getConditionMutable().assign(
        arith::AndIOp::create(b, raise.getLoc(), condition, hasTrip).getResult());
  }
}

/// Puts what a side of `branch` does in its place.
void inlineSide(IRRewriter &rewriter, scf::IfOp branch, bool isThen) {
  Region &region = isThen ? branch.getThenRegion() : branch.getElseRegion();
  if (region.empty())
    return rewriter.eraseOp(branch);
  Operation *yield = region.front().getTerminator();
  SmallVector<Value> values(yield->getOperands());
  rewriter.eraseOp(yield);
  rewriter.inlineBlockBefore(&region.front(), branch);
  rewriter.replaceOp(branch, values);
}

/// `loop` once for each way of `branch`. Returns the loops.
std::pair<scf::ForOp, scf::ForOp> unswitch(scf::ForOp loop, scf::IfOp branch) {
  IRRewriter rewriter(loop);
  auto ways = scf::IfOp::create(rewriter, loop.getLoc(), loop.getResultTypes(),
                                branch.getCondition(), /*withElseRegion=*/true);
  auto copy = [&](Block *block, bool isThen) {
    OpBuilder::InsertionGuard guard(rewriter);
    if (!block->empty())
      rewriter.eraseOp(block->getTerminator());
    rewriter.setInsertionPointToEnd(block);
    IRMapping mapping;
    auto made = cast<scf::ForOp>(rewriter.clone(*loop, mapping));
    scf::YieldOp::create(rewriter, loop.getLoc(), made.getResults());
    inlineSide(rewriter, cast<scf::IfOp>(mapping.lookup(branch.getOperation())), isThen);
    return made;
  };
  scf::ForOp first = copy(ways.thenBlock(), true), second = copy(ways.elseBlock(), false);
  rewriter.replaceOp(loop, ways.getResults());
  return {first, second};
}

bool isInnermost(scf::ForOp loop) {
  return !loop.getBody()
              ->walk([](LoopLikeOpInterface) { return WalkResult::interrupt(); })
              .wasInterrupted();
}

void unswitchAll(scf::ForOp loop, int left) {
  if (left == 0 || std::distance(loop.getBody()->begin(), loop.getBody()->end()) > kMaxOperations)
    return;
  for (auto branch : loop.getOps<scf::IfOp>())
    if (loop.isDefinedOutsideOfLoop(branch.getCondition())) {
      auto [first, second] = unswitch(loop, branch);
      unswitchAll(first, left - 1);
      return unswitchAll(second, left - 1);
    }
}

} // namespace

void hoistChecks(func::FuncOp function) {
  MLIRContext *context = function.getContext();
  RewritePatternSet patterns(context);
  patterns.add<FoldPositionTest, EraseIdleRaise>(context);
  for (StringRef name : {"arith", "scf"})
    if (Dialect *dialect = context->getLoadedDialect(name))
      dialect->getCanonicalizationPatterns(patterns);
  for (RegisteredOperationName name : context->getRegisteredOperations())
    if (name.getDialectNamespace() == "arith" || name.getDialectNamespace() == "scf")
      name.getCanonicalizationPatterns(patterns, context);
  (void)applyPatternsGreedily(function, std::move(patterns));
  SmallVector<scf::ForOp> innermost;
  function.walk([&](scf::ForOp loop) { // inner loops first
    moveLoopInvariantCode(loop);
    hoistRaises(loop);
    if (isInnermost(loop))
      innermost.push_back(loop);
  });
  for (scf::ForOp loop : innermost)
    unswitchAll(loop, kMaxUnswitched);
}

} // namespace longtail::leaf
