// Loops of scalars as loops of vectors. LLVM does that for most loops of a grid, but has no vectors
// of what it does not know as scalars either.
#include "codegen/Leaf/Nest.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace longtail::leaf {

namespace {

class LoopVectorizer {
public:
  LoopVectorizer(scf::ForOp loop, int64_t lanes) : loop(loop), lanes(lanes), b(loop) {}

  /// Puts a loop of whole vectors before the loop, which then has what is left.
  void run();

private:
  bool isAddress(Operation &op) {
    return op.getNumResults() == 1 && strideIn(op.getResult(0), loop);
  }
  VectorType vectorOf(Type element) { return VectorType::get({lanes}, element); }
  Value spread(Value value);
  void emit(Operation &op);

  scf::ForOp loop;
  int64_t lanes;
  OpBuilder b;
  IRMapping scalars; // what is one number for all lanes: the first one's where it is an address
  IRMapping vectors;
};

} // namespace

Value LoopVectorizer::spread(Value value) {
  if (Value vector = vectors.lookupOrNull(value))
    return vector;
  Value scalar = scalars.lookupOrDefault(value);
  return vector::BroadcastOp::create(b, loop.getLoc(), vectorOf(scalar.getType()), scalar);
}

void LoopVectorizer::emit(Operation &op) {
  if (isAddress(op)) {
    b.clone(op, scalars);
    return;
  }
  if (auto load = dyn_cast<kernel::LoadOp>(op)) {
    if (strideIn(load.getOffset(), loop) == 0) {
      b.clone(op, scalars);
      return;
    }
    Value vector =
        kernel::LoadOp::create(b, op.getLoc(), vectorOf(load.getType()), load.getBuffer(),
                               scalars.lookupOrDefault(load.getOffset()), Value());
    vectors.map(load.getResult(), vector);
    return;
  }
  if (auto store = dyn_cast<kernel::StoreOp>(op)) {
    kernel::StoreOp::create(b, op.getLoc(), spread(store.getValue()), store.getBuffer(),
                            scalars.lookupOrDefault(store.getOffset()), Value());
    return;
  }
  if (llvm::none_of(op.getOperands(), [&](Value value) { return vectors.contains(value); })) {
    b.clone(op, scalars);
    return;
  }
  OperationState state(op.getLoc(), op.getName());
  for (Value operand : op.getOperands())
    state.addOperands(spread(operand));
  for (Type type : op.getResultTypes())
    state.addTypes(vectorOf(type));
  state.addAttributes(op.getAttrs());
  for (auto [from, to] : llvm::zip(op.getResults(), b.create(state)->getResults()))
    vectors.map(from, to);
}

void LoopVectorizer::run() {
  Location loc = loop.getLoc();
  Value low = loop.getLowerBound(), count = arith::ConstantIndexOp::create(b, loc, lanes);
  Value span = arith::SubIOp::create(b, loc, loop.getUpperBound(), low);
  Value rest = arith::RemSIOp::create(b, loc, span, count);
  Value end = arith::SubIOp::create(b, loc, loop.getUpperBound(), rest);
  auto whole = scf::ForOp::create(b, loc, low, end, count);
  scalars.map(loop.getInductionVar(), whole.getInductionVar());
  b.setInsertionPointToStart(whole.getBody());
  for (Operation &op : loop.getBody()->without_terminator())
    emit(op);
  loop.setLowerBound(end);
  loop->removeAttr("kernel.vectorize");
}

/// Whether the loop has products of bytes, and nothing that there are no vectors of: a position is
/// used for addresses only.
static bool wantsVectors(scf::ForOp loop) {
  if (!loop->hasAttr("kernel.vectorize") || loop.getNumResults() != 0)
    return false;
  bool hasDots = false;
  for (Operation &op : loop.getBody()->without_terminator()) {
    hasDots |= isa<kernel::DotOp>(op);
    if (isa<kernel::LoadOp, kernel::StoreOp, kernel::DotOp>(op))
      continue;
    bool isAddress = op.getNumResults() == 1 && strideIn(op.getResult(0), loop);
    bool readsPosition = llvm::any_of(
        op.getOperands(), [&](Value operand) { return strideIn(operand, loop).value_or(0) != 0; });
    if (!isAddress && (readsPosition || !OpTrait::hasElementwiseMappableTraits(&op)))
      return false;
  }
  return hasDots;
}

void vectorizeDotLoops(func::FuncOp function, int64_t lanes) {
  if (lanes < 2)
    return;
  SmallVector<scf::ForOp> loops;
  function.walk([&](scf::ForOp loop) {
    if (wantsVectors(loop))
      loops.push_back(loop);
  });
  for (scf::ForOp loop : loops)
    LoopVectorizer(loop, lanes).run();
}

} // namespace longtail::leaf
