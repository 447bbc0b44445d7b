// Sequential code for each point of a grid: the region as it is, on buffers.
#include "codegen/Leaf/Nest.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace longtail::leaf {

namespace {

/// Turns the cloned region of a grid into code on buffers.
class GridEmitter {
public:
  GridEmitter(KernelBuilder &kernel, compute::GridOp grid) : kernel(kernel), grid(grid) {}

  /// Emits the region at the builder's place for the point `points`.
  void emit(ValueRange points) {
    OpBuilder &b = kernel.builder;
    Block &body = grid.getBody().front();
    IRMapping mapping;
    for (auto [argument, point] : llvm::zip(body.getArguments(), points))
      mapping.map(argument, point);
    SmallVector<Operation *> copies;
    for (Operation &op : body.without_terminator())
      copies.push_back(b.clone(op, mapping));
    SmallVector<Operation *> accesses;
    for (Operation *copy : copies)
      copy->walk([&](Operation *op) {
        if (isa<access::LoadOp, access::StoreOp, access::FetchOp, access::LocalOp, extent::SizeOp,
                compute::RequireOp, compute::TextOp>(op))
          accesses.push_back(op);
      });
    for (Operation *op : accesses) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(op);
      lower(op);
    }
    // Users before what they use.
    for (Operation *op : llvm::reverse(accesses))
      op->erase();
  }

private:
  struct Memory {
    Value buffer;
    SmallVector<AffineExpr> strides;
  };

  Memory memoryOf(Value place) {
    if (auto found = locals.find(place); found != locals.end())
      return found->second;
    unsigned number = cast<BlockArgument>(place).getArgNumber() - grid.getExtents().getNumResults();
    // The group yields all results of the grid, in an order of its own.
    OperandRange yielded = kernel.yielded();
    unsigned position = llvm::find(yielded, grid.getResult(number)) - yielded.begin();
    const KernelBuilder::Place &result = kernel.result(position);
    return {kernel.buffer(result), result.strides};
  }

  Value offset(ValueRange indices, ArrayRef<AffineExpr> strides) {
    Value sum = kernel.index(0);
    for (auto [index, stride] : llvm::zip(indices, strides))
      sum = kernel.add(sum, kernel.mul(index, kernel.size(stride)));
    return sum;
  }

  void replace(Operation *op, Value value) { op->getResult(0).replaceAllUsesWith(value); }

  void lower(Operation *op) {
    OpBuilder &b = kernel.builder;
    if (auto size = dyn_cast<extent::SizeOp>(op)) {
      replace(op, kernel.size(size.getSize().getResult(0)));
    } else if (auto require = dyn_cast<compute::RequireOp>(op)) {
      Value no = arith::ConstantOp::create(b, kernel.loc, b.getBoolAttr(true));
      Value wrong = arith::XOrIOp::create(b, kernel.loc, require.getCondition(), no);
      kernel::RaiseOp::create(b, kernel.loc, static_cast<uint32_t>(require.getFault()), wrong);
    } else if (auto text = dyn_cast<compute::TextOp>(op)) {
      replace(op, kernel::TextOp::create(b, kernel.loc, b.getI64Type(),
                                         static_cast<uint32_t>(text.getFunction()),
                                         text.getOperands()));
      kernel.makesText |= compute::makesText(text.getFunction());
    } else if (auto local = dyn_cast<access::LocalOp>(op)) {
      RankedTensorType type = local.getType().getTensor();
      AffineExpr bytes = getAffineConstantExpr(
          llvm::divideCeil(access::bitWidth(type.getElementType()), 8), kernel.context());
      for (AffineExpr size : extent::sizesOf(type))
        bytes = bytes * size;
      locals[local.getResult()] = {
          kernel.scratch(bytes, type.getElementType()),
          stridesOf(type, llvm::to_vector(llvm::seq<int64_t>(0, type.getRank())))};
    } else if (auto load = dyn_cast<access::LoadOp>(op)) {
      replace(op, lowerLoad(load));
    } else if (auto fetch = dyn_cast<access::FetchOp>(op)) {
      Memory memory = memoryOf(fetch.getPlace());
      Value at = offset(fetch.getIndices(), memory.strides);
      replace(op,
              kernel::LoadOp::create(b, kernel.loc, fetch.getType(), memory.buffer, at, Value()));
    } else {
      auto store = cast<access::StoreOp>(op);
      Memory memory = memoryOf(store.getPlace());
      kernel::StoreOp::create(b, kernel.loc, store.getValue(), memory.buffer,
                              offset(store.getIndices(), memory.strides), Value());
    }
  }

  Value lowerLoad(access::LoadOp load) {
    OpBuilder &b = kernel.builder;
    const KernelBuilder::Place &place = kernel.input(load.getSource());
    auto read = [&] {
      return Value(kernel::LoadOp::create(b, kernel.loc, load.getType(), kernel.buffer(place),
                                          offset(load.getIndices(), place.strides), Value()));
    };
    SmallVector<AffineExpr> sizes = extent::sizesOf(load.getSource());
    if (!load.getChecked() || sizes.empty())
      return read();
    Value inside;
    for (auto [index, size] : llvm::zip(load.getIndices(), sizes)) {
      Value here = kernel.inRange(index, kernel.size(size));
      inside = inside ? Value(arith::AndIOp::create(b, kernel.loc, inside, here)) : here;
    }
    Value yes = arith::ConstantOp::create(b, kernel.loc, b.getBoolAttr(true));
    Value outside = arith::XOrIOp::create(b, kernel.loc, inside, yes);
    kernel::RaiseOp::create(b, kernel.loc, static_cast<uint32_t>(compute::Fault::Index), outside);
    auto branch =
        scf::IfOp::create(b, kernel.loc, TypeRange{load.getType()}, inside, /*withElse=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, kernel.loc, read());
    b.setInsertionPointToStart(branch.elseBlock());
    Value zero = arith::ConstantOp::create(b, kernel.loc, b.getZeroAttr(load.getType()));
    scf::YieldOp::create(b, kernel.loc, zero);
    return branch.getResult(0);
  }

  KernelBuilder &kernel;
  compute::GridOp grid;
  llvm::DenseMap<Value, Memory> locals;
};

} // namespace

Kernel emitGrid(KernelBuilder &kernel) {
  compute::GridOp grid = *kernel.group.getBody().front().getOps<compute::GridOp>().begin();
  ArrayRef<AffineExpr> extents = grid.getExtents().getResults();
  AffineExpr total = getAffineConstantExpr(1, kernel.context());
  for (AffineExpr extent : extents)
    total = total * extent;
  int64_t grain = kernel.schedule.getGrain();
  // Elements that share a byte are written by one thread: a store reads and writes the whole byte.
  bool isSequential = llvm::any_of(grid.getResultTypes(), [](Type type) {
    unsigned bits = access::bitWidth(cast<RankedTensorType>(type).getElementType());
    return bits > 1 && bits < 8;
  });
  Value low = kernel.mul(kernel.tile(), kernel.index(isSequential ? 0 : grain));
  Value high = kernel.size(total);
  if (!isSequential)
    high = kernel.min(kernel.add(low, kernel.index(grain)), high);
  GridEmitter emitter(kernel, grid);
  kernel.loop(low, high, 1, [&](Value point) { emitter.emit(kernel.delinearize(point, extents)); });
  markVectorLoops(kernel.function);
  return finish(kernel,
                isSequential ? getAffineConstantExpr(1, kernel.context()) : total.ceilDiv(grain));
}

} // namespace longtail::leaf
