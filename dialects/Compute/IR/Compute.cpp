#include "dialects/Compute/IR/Compute.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FoldInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialects/Compute/IR/ComputeDialect.cpp.inc"
#include "dialects/Compute/IR/ComputeEnums.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/Compute/IR/ComputeOps.cpp.inc"

namespace longtail::compute {

namespace {
/// Constants that folding makes stay in the regions that use them: a region must not depend on
/// values outside, as it is taken out of its place.
struct FoldInterface final : DialectFoldInterface {
  using DialectFoldInterface::DialectFoldInterface;
  bool shouldMaterializeInto(Region *) const override { return true; }
};
} // namespace

void ComputeDialect::initialize() {
  addInterfaces<FoldInterface>();
  addOperations<
#define GET_OP_LIST
#include "dialects/Compute/IR/ComputeOps.cpp.inc"
      >();
}

/// Labels c1 to c3: accesses, fills and block arguments fit the operands and the domain.
static LogicalResult verifyOperands(Operation *op, ValueRange inputs, ArrayAttr accesses,
                                    ArrayAttr fills, Block &body, unsigned domainRank) {
  if (accesses.size() != inputs.size() || fills.size() != inputs.size())
    return op->emitOpError() << "has " << inputs.size() << " inputs, " << accesses.size()
                             << " accesses and " << fills.size() << " fills"; // c1
  if (body.getNumArguments() != inputs.size())
    return op->emitOpError() << "has " << inputs.size() << " inputs and " << body.getNumArguments()
                             << " block arguments"; // c3
  for (auto [index, input] : llvm::enumerate(inputs)) {
    auto access = dyn_cast<access::MapAttr>(accesses[index]);
    auto type = cast<RankedTensorType>(input.getType());
    if (!access)
      return op->emitOpError() << "access " << index << " is not an #access.map"; // c1
    if (access.getMap().getNumDims() != domainRank ||
        access.getMap().getNumResults() != type.getRank()) // c2
      return op->emitOpError() << "access " << index << " maps " << access.getMap().getNumDims()
                               << " to " << access.getMap().getNumResults()
                               << " dimensions, expected " << domainRank << " to "
                               << type.getRank();
    Type element = access::computeType(type.getElementType());
    if (body.getArgument(index).getType() != element) // c3
      return op->emitOpError() << "block argument " << index << " is "
                               << body.getArgument(index).getType() << ", elements are " << element;
    auto fill = dyn_cast<TypedAttr>(fills[index]);
    if (!access.isTotal() && (!fill || fill.getType() != element)) // c1
      return op->emitOpError() << "access " << index << " has conditions but no fill of type "
                               << element;
  }
  return success();
}

/// Label c5: the region yields the compute types of the results.
static LogicalResult verifyYield(Operation *op, Block &body, TypeRange results) {
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getNumOperands() != results.size())
    return op->emitOpError() << "must yield " << results.size() << " values";
  for (auto [index, type] : llvm::enumerate(results)) {
    Type element = access::computeType(cast<RankedTensorType>(type).getElementType());
    if (yield.getOperand(index).getType() != element)
      return op->emitOpError() << "yields " << yield.getOperand(index).getType() << " for result "
                               << index << " of " << element;
  }
  return success();
}

LogicalResult MapOp::verify() {
  if (getNumResults() == 0)
    return emitOpError("needs a result");
  auto first = cast<RankedTensorType>(getResultTypes().front());
  for (Type type : getResultTypes()) {
    auto tensor = cast<RankedTensorType>(type);
    if (tensor.getShape() != first.getShape() ||
        tensor.getEncoding() != first.getEncoding()) // map_c4
      return emitOpError("results differ in shape");
  }
  if (failed(verifyOperands(*this, getInputs(), getAccesses(), getFills(), getBody().front(),
                            first.getRank())))
    return failure();
  return verifyYield(*this, getBody().front(), getResultTypes());
}

LogicalResult ReduceOp::verify() {
  unsigned rank =
      cast<RankedTensorType>(getOutput().getType()).getRank() + getExtents().getNumResults();
  if (failed(
          verifyOperands(*this, getInputs(), getAccesses(), getFills(), getBody().front(), rank)))
    return failure();
  return verifyYield(*this, getBody().front(), getOutput().getType());
}

LogicalResult ContractOp::verify() {
  auto lhs = cast<RankedTensorType>(getLhs().getType());
  auto rhs = cast<RankedTensorType>(getRhs().getType());
  if (access::computeType(lhs.getElementType()) !=
      access::computeType(rhs.getElementType())) // contract_c1
    return emitOpError("operands differ in element type");
  if (!isa<access::MapAttr>(getLhsAccess()) || !isa<access::MapAttr>(getRhsAccess()))
    return emitOpError("accesses must be #access.map");
  unsigned rank =
      cast<RankedTensorType>(getOutput().getType()).getRank() + getExtents().getNumResults();
  for (auto [name, map, type] : {std::tuple("lhs", getLhsMap(), lhs), {"rhs", getRhsMap(), rhs}})
    if (map.getMap().getNumDims() != rank ||
        map.getMap().getNumResults() != type.getRank()) // contract_c2
      return emitOpError() << name << " access maps " << map.getMap().getNumDims() << " to "
                           << map.getMap().getNumResults() << " dimensions, expected " << rank
                           << " to " << type.getRank();
  return success();
}

LogicalResult GridOp::verify() {
  Block &body = getBody().front();
  unsigned rank = getExtents().getNumResults();
  SmallVector<Type> expected(rank, IndexType::get(getContext()));
  for (Type type : getResultTypes())
    expected.push_back(access::PlaceType::get(getContext(), cast<RankedTensorType>(type)));
  if (getNumResults() == 0)
    return emitOpError("needs a result");
  if (!llvm::equal(body.getArgumentTypes(), expected)) // grid_c1
    return emitOpError() << "block arguments must be " << rank
                         << " indices and the places of the results";
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getNumOperands() != 0) // grid_c2
    return emitOpError("must yield nothing");
  return success();
}

bool makesText(TextFunction function) {
  return llvm::is_contained({TextFunction::Join, TextFunction::Slice, TextFunction::Replace,
                             TextFunction::FromInt, TextFunction::FromFloat},
                            function);
}

LogicalResult TextOp::verify() {
  if (getOperands().size() > 3) // text_c1
    return emitOpError() << "has " << getOperands().size() << " operands, at most 3 are possible";
  return success();
}

/// `dim` must be one of the domain that `op` stands in.
static LogicalResult verifyDim(Operation *op, int64_t dim) {
  Operation *parent = op->getParentOp();
  while (parent && !isa<MapOp, ReduceOp>(parent))
    parent = parent->getParentOp();
  if (!parent)
    return op->emitOpError("must be inside a compute operation");
  int64_t rank = cast<RankedTensorType>(parent->getResult(0).getType()).getRank();
  if (auto reduce = dyn_cast<ReduceOp>(parent))
    rank += reduce.getExtents().getNumResults();
  if (dim < 0 || dim >= rank)
    return op->emitOpError() << "dimension " << dim << " is not one of " << rank;
  return success();
}

LogicalResult IndexOp::verify() { return verifyDim(*this, getDim()); }

LogicalResult ScaleOp::verify() {
  auto type = cast<ShapedType>(getTable().getType());
  if (type.getRank() != 2 || type.getNumElements() == 0 || type.getElementType() != getType())
    return emitOpError() << "has a table " << type << ", not a matrix of " << getType();
  if (failed(verifyDim(*this, getRow())))
    return failure();
  return verifyDim(*this, getColumn());
}

FloatAttr ScaleOp::coefficientAt(int64_t row, int64_t column) {
  ArrayRef<int64_t> sizes = cast<ShapedType>(getTable().getType()).getShape();
  uint64_t position[] = {uint64_t(row % sizes[0]), uint64_t(column % sizes[1])};
  return FloatAttr::get(getType(), getTable().getValues<APFloat>()[position]);
}

LogicalResult FusedOp::verify() {
  Block &body = getBody().front();
  if (body.getArgumentTypes() != getInputs().getTypes()) // fused_c1
    return emitOpError("block arguments do not match the inputs");
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getOperandTypes() != getResultTypes()) // fused_c2
    return emitOpError("yielded values do not match the results");
  if (!getLayouts())
    return success();
  if (getLayouts()->size() != getNumResults()) // fused_c3
    return emitOpError("needs one layout for each result");
  for (auto [layout, type] : llvm::zip(*getLayouts(), getResultTypes())) {
    auto order = dyn_cast<DenseI64ArrayAttr>(layout);
    int64_t rank = cast<RankedTensorType>(type).getRank();
    if (!order)
      return emitOpError("a layout is a dense array of i64");
    SmallVector<int64_t> sorted(order.asArrayRef());
    llvm::sort(sorted);
    if (!sorted.empty() && !llvm::equal(sorted, llvm::seq<int64_t>(0, rank)))
      return emitOpError() << "layout " << order << " is not a permutation of " << rank
                           << " dimensions";
  }
  return success();
}

TypedAttr identityOf(Combiner combiner, Type type) {
  Builder builder(type.getContext());
  if (auto floating = dyn_cast<FloatType>(type)) {
    const llvm::fltSemantics &semantics = floating.getFloatSemantics();
    switch (combiner) {
    case Combiner::Max:
      return FloatAttr::get(type, APFloat::getInf(semantics, /*Negative=*/true));
    case Combiner::Min:
      return FloatAttr::get(type, APFloat::getInf(semantics));
    case Combiner::Mul:
      return FloatAttr::get(type, 1.0);
    default:
      return FloatAttr::get(type, 0.0);
    }
  }
  unsigned width = cast<IntegerType>(type).getWidth();
  switch (combiner) {
  case Combiner::Max:
    return builder.getIntegerAttr(type, APInt::getSignedMinValue(width));
  case Combiner::Min:
    return builder.getIntegerAttr(type, APInt::getSignedMaxValue(width));
  case Combiner::UMin:
  case Combiner::And:
    return builder.getIntegerAttr(type, APInt::getAllOnes(width));
  case Combiner::Mul:
    return builder.getIntegerAttr(type, APInt(width, 1));
  default:
    return builder.getIntegerAttr(type, APInt::getZero(width));
  }
}

Value combine(OpBuilder &builder, Location loc, Combiner combiner, Value a, Value b) {
  bool floating = isa<FloatType>(getElementTypeOrSelf(a.getType()));
  switch (combiner) {
  case Combiner::Add:
    // A sum of products may be one multiply-add: the order of the fold is free anyway.
    return floating
               ? Value(arith::AddFOp::create(builder, loc, a, b, arith::FastMathFlags::contract))
               : Value(arith::AddIOp::create(builder, loc, a, b));
  case Combiner::Mul:
    return floating ? Value(arith::MulFOp::create(builder, loc, a, b))
                    : Value(arith::MulIOp::create(builder, loc, a, b));
  case Combiner::Max:
    // Which zero is the larger one is nobody's question; machines would take long to answer it.
    return floating
               ? Value(arith::MaximumFOp::create(builder, loc, a, b, arith::FastMathFlags::nsz))
               : Value(arith::MaxSIOp::create(builder, loc, a, b));
  case Combiner::Min:
    return floating
               ? Value(arith::MinimumFOp::create(builder, loc, a, b, arith::FastMathFlags::nsz))
               : Value(arith::MinSIOp::create(builder, loc, a, b));
  case Combiner::UMax:
    return arith::MaxUIOp::create(builder, loc, a, b);
  case Combiner::UMin:
    return arith::MinUIOp::create(builder, loc, a, b);
  case Combiner::And:
    return arith::AndIOp::create(builder, loc, a, b);
  case Combiner::Or:
    return arith::OrIOp::create(builder, loc, a, b);
  }
  llvm_unreachable("all combiners are handled");
}

/// Fills the region of a map or reduce.
static void buildBody(OpBuilder &builder, Location loc, Region &region, ArrayRef<Operand> operands,
                      BodyBuilder body) {
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&region);
  for (const Operand &operand : operands)
    block->addArgument(access::computeType(getElementTypeOrSelf(operand.tensor.getType())), loc);
  SmallVector<Value> values = body(builder, block->getArguments());
  OperationState state(loc, YieldOp::getOperationName());
  state.addOperands(values);
  builder.create(state);
}

static void splitOperands(Builder &builder, ArrayRef<Operand> operands, unsigned rank,
                          SmallVector<Value> &tensors, SmallVector<Attribute> &accesses,
                          SmallVector<Attribute> &fills) {
  for (const Operand &operand : operands) {
    tensors.push_back(operand.tensor);
    accesses.push_back(operand.access ? operand.access
                                      : access::MapAttr::getIdentity(builder.getContext(), rank));
    fills.push_back(operand.fill ? Attribute(operand.fill) : builder.getUnitAttr());
  }
}

MapOp buildMap(OpBuilder &builder, Location loc, TypeRange results, ArrayRef<Operand> operands,
               BodyBuilder body) {
  SmallVector<Value> tensors;
  SmallVector<Attribute> accesses, fills;
  unsigned rank = cast<RankedTensorType>(results.front()).getRank();
  splitOperands(builder, operands, rank, tensors, accesses, fills);
  OperationState state(loc, MapOp::getOperationName());
  state.addTypes(results);
  state.addOperands(tensors);
  state.addAttribute("accesses", builder.getArrayAttr(accesses));
  state.addAttribute("fills", builder.getArrayAttr(fills));
  buildBody(builder, loc, *state.addRegion(), operands, body);
  return cast<MapOp>(builder.create(state));
}

ReduceOp buildReduce(OpBuilder &builder, Location loc, Type result, Combiner combiner,
                     ArrayRef<AffineExpr> extents, ArrayRef<Operand> operands, BodyBuilder body) {
  SmallVector<Value> tensors;
  SmallVector<Attribute> accesses, fills;
  unsigned rank = cast<RankedTensorType>(result).getRank() + extents.size();
  splitOperands(builder, operands, rank, tensors, accesses, fills);
  OperationState state(loc, ReduceOp::getOperationName());
  state.addTypes(result);
  state.addOperands(tensors);
  state.addAttribute("accesses", builder.getArrayAttr(accesses));
  state.addAttribute("fills", builder.getArrayAttr(fills));
  state.addAttribute("combiner", CombinerAttr::get(builder.getContext(), combiner));
  state.addAttribute("extents",
                     AffineMapAttr::get(extent::sizesMap(builder.getContext(), extents)));
  buildBody(builder, loc, *state.addRegion(), operands, body);
  return cast<ReduceOp>(builder.create(state));
}

GridOp buildGrid(OpBuilder &builder, Location loc, TypeRange results, ArrayRef<AffineExpr> extents,
                 function_ref<void(OpBuilder &, ValueRange, ValueRange)> body) {
  OperationState state(loc, GridOp::getOperationName());
  state.addTypes(results);
  state.addAttribute("extents",
                     AffineMapAttr::get(extent::sizesMap(builder.getContext(), extents)));
  Block *block = new Block;
  state.addRegion()->push_back(block);
  for (unsigned i = 0; i < extents.size(); ++i)
    block->addArgument(builder.getIndexType(), loc);
  for (Type type : results)
    block->addArgument(access::PlaceType::get(builder.getContext(), cast<RankedTensorType>(type)),
                       loc);
  // The region belongs to an operation before anything is built in it.
  auto grid = cast<GridOp>(builder.create(state));
  OpBuilder inside = OpBuilder::atBlockEnd(block);
  ValueRange arguments(block->getArguments());
  body(inside, arguments.take_front(extents.size()), arguments.drop_front(extents.size()));
  inside.setInsertionPointToEnd(block);
  YieldOp::create(inside, loc);
  return grid;
}

FusedOp buildCopyGroup(OpBuilder &builder, Location loc, Operand operand, RankedTensorType result) {
  OperationState state(loc, FusedOp::getOperationName());
  state.addTypes(result);
  state.addOperands(operand.tensor);
  state.addAttribute("strategy", GroupClassAttr::get(builder.getContext(), GroupClass::Pointwise));
  Region *region = state.addRegion();
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(region);
    operand.tensor = block->addArgument(operand.tensor.getType(), loc);
    auto copy = buildMap(builder, loc, result, operand, [](OpBuilder &, ValueRange values) {
      return SmallVector<Value>{values[0]};
    });
    OperationState yield(loc, YieldOp::getOperationName());
    yield.addOperands(copy.getResults());
    builder.create(yield);
  }
  return cast<FusedOp>(builder.create(state));
}

FusedOp buildCopyGroup(OpBuilder &builder, Location loc, Value source) {
  return buildCopyGroup(builder, loc, Operand{source, {}, {}},
                        cast<RankedTensorType>(source.getType()));
}

} // namespace longtail::compute
