#include "codegen/Leaf/KernelBuilder.h"

using namespace mlir;

namespace longtail::leaf {

Layout layoutOf(Value tensor) {
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  auto result = dyn_cast<OpResult>(tensor);
  auto layouts = result ? result.getOwner()->getAttrOfType<ArrayAttr>("layouts") : ArrayAttr();
  if (layouts) {
    auto order = cast<DenseI64ArrayAttr>(layouts[result.getResultNumber()]);
    if (!order.empty())
      return Layout(order.asArrayRef());
  }
  return llvm::to_vector(llvm::seq<int64_t>(0, rank));
}

SmallVector<AffineExpr> stridesOf(RankedTensorType type, const Layout &layout) {
  SmallVector<AffineExpr> sizes = extent::sizesOf(type), strides(sizes.size());
  AffineExpr stride = getAffineConstantExpr(1, type.getContext());
  for (int64_t dim : llvm::reverse(layout)) {
    strides[dim] = stride;
    stride = stride * sizes[dim];
  }
  return strides;
}

KernelBuilder::KernelBuilder(compute::FusedOp group, kernel::ScheduleAttr schedule,
                             kernel::TargetAttr target, StringRef name)
    : group(group), schedule(schedule), target(target), builder(group.getContext()),
      loc(group.getLoc()), resultCount(group.getNumResults()),
      scratchBytes(getAffineConstantExpr(0, group.getContext())) {
  SmallVector<Type> types;
  for (ValueRange tensors : {ValueRange(group.getInputs()), ValueRange(group.getResults())})
    for (Value tensor : tensors) {
      auto type = cast<RankedTensorType>(tensor.getType());
      Layout layout = layoutOf(tensor);
      places.push_back({unsigned(types.size()), layout, stridesOf(type, layout)});
      types.push_back(kernel::BufferType::get(context(), type.getElementType()));
    }
  types.push_back(builder.getIndexType());
  function = func::FuncOp::create(loc, name, builder.getFunctionType(types, {}));
  function->setAttr("kernel.buffers", builder.getI64IntegerAttr(places.size()));
  builder.setInsertionPointToStart(function.addEntryBlock());
}

AffineExpr KernelBuilder::offsetAt(const Place &place, ArrayRef<AffineExpr> coordinates) {
  AffineExpr offset = getAffineConstantExpr(0, context());
  for (auto [coordinate, stride] : llvm::zip(coordinates, place.strides))
    offset = offset + coordinate * stride;
  return offset;
}

const KernelBuilder::Place &KernelBuilder::input(Value argument) const {
  return places[cast<BlockArgument>(argument).getArgNumber()];
}

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value KernelBuilder::size(AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return index(constant.getValue());
  auto *found = llvm::find(parameters, expr);
  unsigned position = found - parameters.begin();
  if (found == parameters.end()) {
    parameters.push_back(expr);
    (void)function.insertArgument(places.size() + position, builder.getIndexType(), {}, loc);
  }
  return function.getArgument(places.size() + position);
}

/// True where no subexpression can be negative, given dimensions and symbols that are not.
static bool isNonNegative(AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue() >= 0;
  if (auto binary = dyn_cast<AffineBinaryOpExpr>(expr))
    return expr.getKind() == AffineExprKind::Mod
               ? true
               : isNonNegative(binary.getLHS()) && isNonNegative(binary.getRHS());
  return true;
}

Value KernelBuilder::divisor(AffineExpr expr) {
  Value value = size(expr);
  if (isa<AffineConstantExpr>(expr))
    return value;
  return arith::MaxSIOp::create(builder, loc, value, index(1));
}

Value KernelBuilder::evaluate(AffineExpr expr, ArrayRef<Value> dims) {
  if (expr.isSymbolicOrConstant())
    return size(expr);
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  bool isDivision = expr.getKind() != AffineExprKind::Add && expr.getKind() != AffineExprKind::Mul;
  Value a = evaluate(binary.getLHS(), dims);
  Value b = isDivision ? divisor(binary.getRHS()) : evaluate(binary.getRHS(), dims);
  bool natural = isNonNegative(binary.getLHS());
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return add(a, b);
  case AffineExprKind::Mul:
    return mul(a, b);
  case AffineExprKind::FloorDiv:
    return natural ? div(a, b) : Value(arith::FloorDivSIOp::create(builder, loc, a, b));
  case AffineExprKind::CeilDiv:
    return natural ? div(add(a, sub(b, index(1))), b)
                   : Value(arith::CeilDivSIOp::create(builder, loc, a, b));
  case AffineExprKind::Mod: {
    if (natural)
      return rem(a, b);
    Value quotient = arith::FloorDivSIOp::create(builder, loc, a, b);
    return sub(a, mul(quotient, b));
  }
  default:
    llvm_unreachable("leaves are handled above");
  }
}

static std::optional<int64_t> constantOf(Value value) { return getConstantIntValue(value); }

Value KernelBuilder::add(Value a, Value b) {
  auto ca = constantOf(a), cb = constantOf(b);
  if (ca && cb)
    return index(*ca + *cb);
  if (ca == 0)
    return b;
  if (cb == 0)
    return a;
  return arith::AddIOp::create(builder, loc, a, b);
}

Value KernelBuilder::sub(Value a, Value b) {
  auto ca = constantOf(a), cb = constantOf(b);
  if (ca && cb)
    return index(*ca - *cb);
  return cb == 0 ? a : Value(arith::SubIOp::create(builder, loc, a, b));
}

Value KernelBuilder::mul(Value a, Value b) {
  auto ca = constantOf(a), cb = constantOf(b);
  if (ca && cb)
    return index(*ca * *cb);
  if (ca == 1)
    return b;
  if (cb == 1)
    return a;
  return arith::MulIOp::create(builder, loc, a, b);
}

Value KernelBuilder::min(Value a, Value b) {
  auto ca = constantOf(a), cb = constantOf(b);
  if (ca && cb)
    return index(std::min(*ca, *cb));
  return arith::MinSIOp::create(builder, loc, a, b);
}

Value KernelBuilder::div(Value a, Value b) {
  auto ca = constantOf(a), cb = constantOf(b);
  if (ca && cb && *cb)
    return index(*ca / *cb);
  return cb == 1 ? a : Value(arith::DivUIOp::create(builder, loc, a, b));
}

Value KernelBuilder::rem(Value a, Value b) {
  auto ca = constantOf(a), cb = constantOf(b);
  if (ca && cb && *cb)
    return index(*ca % *cb);
  return cb == 1 ? index(0) : Value(arith::RemUIOp::create(builder, loc, a, b));
}

Value KernelBuilder::inRange(Value value, Value bound) {
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, value, bound);
}

KernelBuilder::Answers &KernelBuilder::answersFor(const access::Domain &domain) {
  return answers[extent::sizesMap(context(), domain.extents)];
}

AffineExpr KernelBuilder::simplify(AffineExpr expr, const access::Domain &domain) {
  AffineExpr &known = answersFor(domain).simplified[expr];
  return known ? known : known = access::simplify(expr, domain);
}

AffineExpr KernelBuilder::strideAlong(AffineExpr expr, unsigned dim, const access::Domain &domain) {
  auto [known, isNew] = answersFor(domain).strides.try_emplace({expr, dim});
  if (isNew)
    known->second = access::strideAlong(expr, dim, domain);
  return known->second;
}

SmallVector<Value> KernelBuilder::delinearize(Value flat, ArrayRef<AffineExpr> extents) {
  SmallVector<Value> positions(extents.size());
  for (unsigned i = extents.size(); i-- > 0;) {
    Value extent = size(extents[i]);
    positions[i] = i == 0 ? flat : rem(flat, extent);
    if (i != 0)
      flat = div(flat, extent);
  }
  return positions;
}

void KernelBuilder::loop(Value low, Value high, int64_t step, function_ref<void(Value)> body) {
  loop(low, high, step, {}, [&](Value i, ValueRange) -> SmallVector<Value> {
    body(i);
    return {};
  });
}

SmallVector<Value> KernelBuilder::loop(Value low, Value high, int64_t step, ValueRange carried,
                                       function_ref<SmallVector<Value>(Value, ValueRange)> body,
                                       bool unroll) {
  auto cl = constantOf(low), ch = constantOf(high);
  if (cl && ch && *cl >= *ch)
    return llvm::to_vector(carried);
  OpBuilder::InsertionGuard guard(builder);
  if (cl && ch && *cl + step >= *ch) // one iteration
    return body(low, carried);
  auto op = scf::ForOp::create(builder, loc, low, high, index(step), carried);
  if (!unroll)
    op->setAttr("kernel.no_unroll", builder.getUnitAttr());
  if (!op.getBody()->empty())
    op.getBody()->getTerminator()->erase();
  builder.setInsertionPointToEnd(op.getBody());
  SmallVector<Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
  scf::YieldOp::create(builder, loc, next);
  return SmallVector<Value>(op.getResults());
}

void KernelBuilder::when(Value condition, function_ref<void()> then) {
  OpBuilder::InsertionGuard guard(builder);
  auto op = scf::IfOp::create(builder, loc, condition, /*withElseRegion=*/false);
  builder.setInsertionPointToStart(op.thenBlock());
  then();
}

AffineExpr KernelBuilder::reserve(AffineExpr bytes) {
  AffineExpr offset = scratchBytes;
  // Each reservation is a multiple of 64 bytes and has a vector's width of readable tail.
  scratchBytes = scratchBytes + bytes.ceilDiv(64) * 64 + 64;
  return offset;
}

Value KernelBuilder::scratchAt(AffineExpr offset, Type elementType) {
  auto type = kernel::BufferType::get(context(), elementType);
  Value base = kernel::ScratchOp::create(builder, loc, type, 0);
  int64_t elementBytes = llvm::divideCeil(access::bitWidth(elementType), 8);
  return kernel::AdvanceOp::create(builder, loc, type, base, size(offset.floorDiv(elementBytes)));
}

KernelBuilder::Handover KernelBuilder::handoverOf(const Stripe &stripe,
                                                  const Stripe::Between &between) {
  auto type = cast<RankedTensorType>(between.tensor.getType());
  SmallVector<AffineExpr> sizes = extent::sizesOf(type);
  Handover found;
  found.strides.resize(sizes.size());
  AffineExpr stride = getAffineConstantExpr(1, context());
  for (int64_t dim : llvm::reverse(layoutOf(between.tensor))) {
    found.strides[dim] = stride;
    if (dim == between.rows.back().dim)
      found.rowStride = stride;
    stride = stride * sizes[dim];
    // Behind all rows there are those of the stripe only.
    if (dim == between.rows.front().dim)
      stride = found.rowStride * stripe.rows;
  }
  found.bytes = stride * llvm::divideCeil(access::bitWidth(type.getElementType()), 8);
  return found;
}

void KernelBuilder::joinChain(const Stripe &stripe, ArrayRef<RowDim> rowDims) {
  rows.assign(rowDims.begin(), rowDims.end());
  Value count = size(stripe.rowCount), batch, number = tile(), before = index(0);
  if (stripe.batches) {
    SmallVector<Value> position =
        delinearize(number, {stripe.batches, stripe.rowCount.ceilDiv(stripe.rows)});
    batch = position[0], number = position[1], before = mul(batch, count);
  }
  Value first = mul(number, index(stripe.rows));
  Value latest = sub(count, index(stripe.block));
  if (!constantOf(latest) || *constantOf(latest) < 0)
    latest = arith::MaxSIOp::create(builder, loc, latest, index(0));
  range = {batch, before, min(first, latest), min(add(first, index(stripe.rows)), count),
           stripe.tiles()};

  // Each group needs what it reads and what it makes: two areas take turns. The larger size is
  // known where both are.
  SmallVector<Handover> handovers;
  SmallVector<AffineExpr> areas;
  for (auto [number, between] : llvm::enumerate(stripe.between)) {
    handovers.push_back(handoverOf(stripe, between));
    AffineExpr bytes = handovers.back().bytes;
    if (number < 2) {
      areas.push_back(bytes);
      continue;
    }
    auto known = dyn_cast<AffineConstantExpr>(bytes),
         other = dyn_cast<AffineConstantExpr>(areas[number % 2]);
    areas[number % 2] = known && other && known.getValue() <= other.getValue() ? other
                        : known && other ? bytes
                                         : areas[number % 2] + bytes;
  }
  for (AffineExpr &area : areas)
    area = reserve(area);
  Value firstRow = add(range->before, range->low);
  for (unsigned number = 0; number < handovers.size(); ++number) {
    Value tensor = stripe.between[number].tensor;
    Type element = cast<RankedTensorType>(tensor.getType()).getElementType();
    auto take = [&](unsigned argument) {
      // The groups count rows from the first of all.
      Value memory = scratchAt(areas[number % 2], element);
      Value back = sub(index(0), mul(firstRow, size(handovers[number].rowStride)));
      handedOver[argument] =
          kernel::AdvanceOp::create(builder, loc, memory.getType(), memory, back);
      places[argument].strides = handovers[number].strides;
    };
    for (auto [argument, input] : llvm::enumerate(group.getInputs()))
      if (input == tensor)
        take(argument);
    if (tensor == group.getResult(0))
      take(group.getInputs().size());
  }
}

} // namespace longtail::leaf
