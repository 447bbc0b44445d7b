// Scalar regions as code for a vector of lanes.
#include "codegen/Leaf/Elements.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace longtail::leaf {

/// A point read at indices that the region computed.
Value Elements::loadPoint(access::LoadOp load, ValueRange indices, const Frame &frame) {
  OpBuilder &b = kernel.builder;
  Value source = load.getSource();
  auto type = cast<RankedTensorType>(source.getType());
  Type element = access::computeType(type.getElementType());
  SmallVector<AffineExpr> sizes = extent::sizesOf(type);
  ArrayRef<AffineExpr> strides = kernel.input(source).strides;
  bool varies = llvm::any_of(indices, [](Value v) { return isa<VectorType>(v.getType()); });

  // A checked index outside the tensor reads nothing and is reported.
  Value inside;
  if (load.getChecked()) {
    for (auto [index, size] : llvm::zip(indices, sizes)) {
      Value bound = kernel.size(size), here;
      if (isa<VectorType>(index.getType()))
        here = arith::CmpIOp::create(b, kernel.loc, arith::CmpIPredicate::ult, index,
                                     splat(bound, frame));
      else
        here = varies ? splat(kernel.inRange(index, bound), frame) : kernel.inRange(index, bound);
      inside = inside ? Value(arith::AndIOp::create(b, kernel.loc, inside, here)) : here;
    }
    if (inside) {
      Value ones = arith::ConstantOp::create(b, kernel.loc, b.getOneAttr(inside.getType()));
      Value outside = arith::XOrIOp::create(b, kernel.loc, inside, ones);
      if (frame.mask)
        outside = arith::AndIOp::create(b, kernel.loc, splat(outside, frame), frame.mask);
      kernel::RaiseOp::create(b, kernel.loc, 1, outside);
    }
  }

  Value base = kernel.index(0), lanes, first;
  for (auto [index, stride] : llvm::zip(indices, strides)) {
    Value step = kernel.size(stride);
    if (!isa<VectorType>(index.getType())) {
      base = kernel.add(base, kernel.mul(index, step));
      continue;
    }
    auto start = consecutive.find(index);
    first = start != consecutive.end() && !lanes && getConstantIntValue(step) == 1 ? start->second
                                                                                   : Value();
    Value scaled = getConstantIntValue(step) == 1
                       ? index
                       : Value(arith::MulIOp::create(b, kernel.loc, index, splat(step, frame)));
    lanes = lanes ? Value(arith::AddIOp::create(b, kernel.loc, lanes, scaled)) : scaled;
  }
  Value buffer = kernel.buffer(kernel.input(source));
  if (!varies) {
    bool maskMayBeEmpty = frame.mask && !frame.laneZeroExists;
    if (!inside && !maskMayBeEmpty)
      return kernel::LoadOp::create(b, kernel.loc, element, buffer, base, Value());
    if (!maskMayBeEmpty) {
      auto branch = scf::IfOp::create(b, kernel.loc, TypeRange{element}, inside, /*withElse=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      Value value = kernel::LoadOp::create(b, kernel.loc, element, buffer, base, Value());
      scf::YieldOp::create(b, kernel.loc, value);
      b.setInsertionPointToStart(branch.elseBlock());
      Value zero = arith::ConstantOp::create(b, kernel.loc, b.getZeroAttr(element));
      scf::YieldOp::create(b, kernel.loc, zero);
      return branch.getResult(0);
    }
    lanes = arith::ConstantOp::create(
        b, kernel.loc, b.getZeroAttr(VectorType::get({frame.lanes}, b.getIndexType())));
  }
  Value mask = frame.mask;
  if (inside)
    mask = mask ? Value(arith::AndIOp::create(b, kernel.loc, mask, splat(inside, frame)))
                : splat(inside, frame);
  auto result = VectorType::get({frame.lanes}, element);
  if (first)
    return kernel::LoadOp::create(b, kernel.loc, result, buffer, kernel.add(base, first), mask);
  Value offsets = arith::AddIOp::create(b, kernel.loc, lanes, splat(base, frame));
  return kernel::GatherOp::create(b, kernel.loc, result, buffer, offsets, mask);
}

Value Elements::operandOf(Value value, const IRMapping &mapping) {
  if (Value mapped = mapping.lookupOrNull(value))
    return mapped;
  // Constants may stand outside the region that uses them.
  Operation *op = value.getDefiningOp();
  if (auto size = dyn_cast<extent::SizeOp>(op))
    return kernel.size(size.getSize().getResult(0));
  return kernel.builder.clone(*op)->getResult(cast<OpResult>(value).getResultNumber());
}

Value Elements::emit(Operation &op, IRMapping &mapping, ArrayRef<AffineExpr> coordinates,
                     const Frame &frame) {
  OpBuilder &b = kernel.builder;
  if (auto index = dyn_cast<compute::IndexOp>(op)) {
    AffineExpr expr = kernel.simplify(coordinates[index.getDim()], frame.domain);
    return frame.lanes > 1 && expr.isFunctionOfDim(frame.lane) ? lanesOf(expr, frame)
                                                               : kernel.evaluate(expr, frame.dims);
  }
  if (auto size = dyn_cast<extent::SizeOp>(op))
    return kernel.size(size.getSize().getResult(0));
  if (auto load = dyn_cast<access::LoadOp>(op)) {
    SmallVector<Value> indices =
        llvm::map_to_vector(load.getIndices(), [&](Value v) { return operandOf(v, mapping); });
    return loadPoint(load, indices, frame);
  }
  SmallVector<Value> operands =
      llvm::map_to_vector(op.getOperands(), [&](Value v) { return operandOf(v, mapping); });
  SmallVector<Value> scalars = operands;
  bool vector = llvm::any_of(operands, [](Value v) { return isa<VectorType>(v.getType()); });
  if (vector) {
    for (auto [position, operand] : llvm::enumerate(operands)) {
      // A condition that is the same for all lanes stays a bit.
      if (isa<arith::SelectOp>(op) && position == 0)
        continue;
      operand = splat(operand, frame);
    }
  }
  OperationState state(kernel.loc, op.getName());
  state.addOperands(operands);
  for (Type type : op.getResultTypes())
    state.addTypes(vector ? Type(VectorType::get({frame.lanes}, type)) : type);
  state.addAttributes(op.getAttrs());
  Operation *made = b.create(state);
  Value result = made->getResult(0);
  // Consecutive lanes stay consecutive under a shift and a change of integer type.
  auto startOf = [&](Value v) {
    auto found = consecutive.find(v);
    return found == consecutive.end() ? Value() : found->second;
  };
  if (vector && isa<arith::IndexCastOp>(op)) {
    if (Value start = startOf(operands[0]))
      consecutive[result] =
          arith::IndexCastOp::create(b, kernel.loc, op.getResult(0).getType(), start);
  } else if (vector && isa<arith::AddIOp, arith::SubIOp>(op)) {
    Value a = scalars[0], c = scalars[1];
    Value start = startOf(a);
    if (start && !isa<VectorType>(c.getType())) {
      consecutive[result] = isa<arith::AddIOp>(op)
                                ? Value(arith::AddIOp::create(b, kernel.loc, start, c))
                                : Value(arith::SubIOp::create(b, kernel.loc, start, c));
    } else if (isa<arith::AddIOp>(op) && startOf(c) && !isa<VectorType>(a.getType())) {
      consecutive[result] = arith::AddIOp::create(b, kernel.loc, startOf(c), a);
    }
  }
  return result;
}

SmallVector<Value> Elements::evaluateBody(Block &body, ArrayRef<Value> arguments,
                                          ArrayRef<AffineExpr> coordinates, const Frame &frame) {
  IRMapping mapping;
  for (auto [argument, value] : llvm::zip(body.getArguments(), arguments))
    mapping.map(argument, value);
  OpBuilder &b = kernel.builder;
  std::function<void(Block &)> emitBlock = [&](Block &block) {
    for (Operation &op : block.without_terminator()) {
      auto branch = dyn_cast<scf::IfOp>(op);
      if (!branch) {
        mapping.map(op.getResult(0), emit(op, mapping, coordinates, frame));
        continue;
      }
      // Only scalar code branches on data: the schedule of such a group has one lane.
      Value condition = operandOf(branch.getCondition(), mapping);
      auto made = scf::IfOp::create(b, kernel.loc, branch.getResultTypes(), condition, true);
      for (auto [from, to] : {std::pair(branch.thenBlock(), made.thenBlock()),
                              std::pair(branch.elseBlock(), made.elseBlock())}) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(to);
        emitBlock(*from);
        SmallVector<Value> results = llvm::map_to_vector(
            from->getTerminator()->getOperands(), [&](Value v) { return operandOf(v, mapping); });
        scf::YieldOp::create(b, kernel.loc, results);
      }
      for (auto [result, value] : llvm::zip(branch.getResults(), made.getResults()))
        mapping.map(result, value);
    }
  };
  emitBlock(body);
  return llvm::map_to_vector(body.getTerminator()->getOperands(),
                             [&](Value v) { return operandOf(v, mapping); });
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
