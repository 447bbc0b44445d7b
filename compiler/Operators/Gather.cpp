// Operators that read at positions from a tensor: Gather, GatherElements, GatherND, OneHot.
#include "compiler/Operators/Scalar.h"
#include "compiler/Operators/Shape.h"

using namespace mlir;

namespace longtail::operators {
namespace {

using extent::Function;
using Exprs = SmallVector<AffineExpr>;

Value sizeValue(const Scalar &s, AffineExpr size) {
  return s.make<extent::SizeOp>(s.builder().getIndexType(),
                                extent::sizesMap(s.builder().getContext(), size));
}

/// An element of an index tensor as a position in a dimension of `size`; negative ones count from
/// the end. The load that uses it checks it.
Value position(const Scalar &s, Value index, Type elementType, AffineExpr size) {
  Type indexType = s.builder().getIndexType();
  Value value = elementType.isUnsignedInteger() ? s.make<arith::IndexCastUIOp>(indexType, index)
                                                : s.make<arith::IndexCastOp>(indexType, index);
  Value isNegative = s.cmpI(arith::CmpIPredicate::slt, value, s.index(0));
  return s.select(isNegative, s.add(value, sizeValue(s, size)), value);
}

LogicalResult requireIndices(InferContext &context) {
  if (!context.elementType(1).isInteger(32) && !context.elementType(1).isInteger(64))
    return context.error() << "indices are " << context.elementType(1) << ", expected i32 or i64";
  return success();
}

void setMap(ExpandContext &context, ArrayRef<compute::Operand> operands,
            compute::BodyBuilder body) {
  context.setValue(0, compute::buildMap(context.getBuilder(), context.getLoc(),
                                        context.resultType(0), operands, body)
                          .getResult(0));
}

//===-- Gather --------------------------------------------------------------------------------===//

LogicalResult inferGather(InferContext &context) {
  if (failed(requireIndices(context)))
    return failure();
  FailureOr<int64_t> axis = context.normalizeAxis(context.getInt("axis", 0), context.rank(0));
  if (failed(axis))
    return failure();
  Exprs from = context.sizes(0), sizes(ArrayRef(from).take_front(*axis));
  llvm::append_range(sizes, context.sizes(1));
  llvm::append_range(sizes, ArrayRef(from).drop_front(*axis + 1));
  if (auto length = dyn_cast<AffineConstantExpr>(from[*axis]))
    if (std::optional<SmallVector<int64_t>> indices = context.constantInts(1))
      for (int64_t index : *indices)
        if (index < -length.getValue() || index >= length.getValue())
          return context.error() << "index " << index << " is outside dimension " << *axis
                                 << " of size " << length.getValue();
  context.setResult(0, context.elementType(0), sizes);
  return success();
}

/// The one index of a Gather as an expression, where it is known and provably inside.
std::optional<AffineExpr> knownIndex(ExpandContext &context, AffineExpr size) {
  auto contents = context.contents(1);
  if (!contents || contents->size() != 1)
    return std::nullopt;
  extent::SymbolTable &symbols = context.getSymbols();
  AffineExpr index = contents->front(), zero = context.constantExpr(0);
  if (symbols.isProvably(Function::Less, index, zero))
    index = index + size;
  if (symbols.isProvably(Function::LessEqual, zero, index) &&
      symbols.isProvably(Function::Less, index, size))
    return index;
  return std::nullopt;
}

LogicalResult expandGather(ExpandContext &context) {
  int64_t axis = *context.normalizeAxis(context.getInt("axis", 0), context.rank(0));
  int64_t count = context.rank(1), rank = context.resultType(0).getRank();
  Exprs from = context.sizes(0);
  auto sourceDim = [&](int64_t dim) { return dim < axis ? dim : dim - 1 + count; };
  if (std::optional<AffineExpr> index = knownIndex(context, from[axis])) {
    Exprs indices;
    for (int64_t dim = 0; dim < context.rank(0); ++dim)
      indices.push_back(dim == axis ? *index : context.dim(sourceDim(dim)));
    context.setValue(0, context.read(context.input(0), context.access(rank, indices),
                                     extent::sizesOf(context.resultType(0))));
    return success();
  }
  Exprs where;
  for (int64_t i = 0; i < count; ++i)
    where.push_back(context.dim(axis + i));
  Value source = context.input(0);
  Type indexElement = context.elementType(1);
  setMap(context, {{context.input(1), context.access(rank, where), {}}},
         [&](OpBuilder &b, ValueRange x) {
           Scalar s(b, context.getLoc());
           SmallVector<Value> indices;
           for (int64_t dim = 0; dim < context.rank(0); ++dim)
             indices.push_back(dim == axis
                                   ? position(s, x[0], indexElement, from[axis])
                                   : s.make<compute::IndexOp>(b.getIndexType(), sourceDim(dim)));
           Type element = access::computeType(context.elementType(0));
           return SmallVector<Value>{
               s.make<access::LoadOp>(element, source, indices, /*checked=*/true)};
         });
  return success();
}

//===-- GatherElements ------------------------------------------------------------------------===//

LogicalResult inferGatherElements(InferContext &context) {
  if (failed(requireIndices(context)))
    return failure();
  if (context.rank(0) != context.rank(1))
    return context.error() << "data has rank " << context.rank(0) << ", indices have "
                           << context.rank(1);
  FailureOr<int64_t> axis = context.normalizeAxis(context.getInt("axis", 0), context.rank(0));
  if (failed(axis))
    return failure();
  Exprs data = context.sizes(0), sizes = context.sizes(1);
  for (auto [dim, size] : llvm::enumerate(sizes))
    if (static_cast<int64_t>(dim) != *axis &&
        failed(context.getSymbols().requireAtMost(size, data[dim],
                                                  "indices are larger than the data, in node '" +
                                                      context.getNode().getNodeName().str() + "'")))
      return context.error() << "indices are larger than the data in dimension " << dim;
  context.setResult(0, context.elementType(0), sizes);
  return success();
}

LogicalResult expandGatherElements(ExpandContext &context) {
  int64_t axis = *context.normalizeAxis(context.getInt("axis", 0), context.rank(0));
  Value source = context.input(0);
  Exprs from = context.sizes(0);
  setMap(context, {{context.input(1), {}, {}}}, [&](OpBuilder &b, ValueRange x) {
    Scalar s(b, context.getLoc());
    SmallVector<Value> indices;
    for (int64_t dim = 0; dim < context.rank(0); ++dim)
      indices.push_back(dim == axis ? position(s, x[0], context.elementType(1), from[axis])
                                    : s.make<compute::IndexOp>(b.getIndexType(), dim));
    Type element = access::computeType(context.elementType(0));
    return SmallVector<Value>{s.make<access::LoadOp>(element, source, indices, /*checked=*/true)};
  });
  return success();
}

//===-- GatherND ------------------------------------------------------------------------------===//

LogicalResult inferGatherND(InferContext &context) {
  if (failed(requireIndices(context)))
    return failure();
  int64_t batch = context.getInt("batch_dims", 0), rank = context.rank(0), count = context.rank(1);
  if (rank < 1 || count < 1 || batch < 0 || batch >= rank || batch >= count)
    return context.error() << "data has rank " << rank << ", indices have rank " << count
                           << ", attribute 'batch_dims' is " << batch;
  Exprs data = context.sizes(0), sizes = context.sizes(1);
  auto last = dyn_cast<AffineConstantExpr>(sizes.pop_back_val());
  if (!last || last.getValue() < 1 || last.getValue() > rank - batch)
    return context.error()
           << "the last dimension of the indices must have a constant size from 1 to "
           << rank - batch;
  for (int64_t dim = 0; dim < batch; ++dim)
    if (failed(context.getSymbols().requireEqual(data[dim], sizes[dim],
                                                 "data and indices differ in a batch dimension")))
      return context.error() << "data and indices differ in batch dimension " << dim;
  llvm::append_range(sizes, ArrayRef(data).drop_front(batch + last.getValue()));
  context.setResult(0, context.elementType(0), sizes);
  return success();
}

LogicalResult expandGatherND(ExpandContext &context) {
  int64_t batch = context.getInt("batch_dims", 0), outer = context.rank(1) - 1;
  int64_t rank = context.resultType(0).getRank();
  Exprs from = context.sizes(0);
  int64_t length = cast<AffineConstantExpr>(context.sizes(1).back()).getValue();
  SmallVector<compute::Operand> operands; // one for each component of a position
  for (int64_t component = 0; component < length; ++component) {
    Exprs where;
    for (int64_t dim = 0; dim < outer; ++dim)
      where.push_back(context.dim(dim));
    where.push_back(context.constantExpr(component));
    operands.push_back({context.input(1), context.access(rank, where), {}});
  }
  Value source = context.input(0);
  setMap(context, operands, [&](OpBuilder &b, ValueRange x) {
    Scalar s(b, context.getLoc());
    SmallVector<Value> indices;
    for (int64_t dim = 0; dim < context.rank(0); ++dim) {
      if (dim >= batch && dim < batch + length)
        indices.push_back(position(s, x[dim - batch], context.elementType(1), from[dim]));
      else
        indices.push_back(s.make<compute::IndexOp>(
            b.getIndexType(), dim < batch ? dim : dim - batch - length + outer));
    }
    Type element = access::computeType(context.elementType(0));
    return SmallVector<Value>{s.make<access::LoadOp>(element, source, indices, /*checked=*/true)};
  });
  return success();
}

//===-- OneHot --------------------------------------------------------------------------------===//

/// The number of classes.
FailureOr<AffineExpr> depthOf(InferContext &context) {
  if (std::optional<SmallVector<double>> depth = context.constantNumbers(1)) {
    if (depth->size() != 1 || depth->front() < 0 || depth->front() > kMaxSize)
      return context.error() << "the depth must be one number that is not negative";
    return context.constantExpr(depth->front());
  }
  RankedTensorType type = context.inputType(1);
  if (!type.hasStaticShape() || type.getNumElements() != 1 || !isNumber(type.getElementType()))
    return context.error() << "the depth must be one number";
  if (auto depth = context.contents(1))
    return depth->front();
  return bindNumber(context, context.inputValue(1), 0, kMaxSize);
}

LogicalResult inferOneHot(InferContext &context) {
  if (!isNumber(context.elementType(0)))
    return context.error() << "indices are " << context.elementType(0) << ", expected numbers";
  if (context.rank(2) != 1 ||
      failed(context.getSymbols().requireEqual(context.sizes(2)[0], context.constantExpr(2),
                                               "a OneHot does not have two values")))
    return context.error() << "input 2 must hold two values";
  FailureOr<int64_t> axis = context.normalizeAxis(context.getInt("axis", -1), context.rank(0) + 1);
  FailureOr<AffineExpr> depth = depthOf(context);
  if (failed(axis) || failed(depth))
    return failure();
  Exprs sizes = context.sizes(0);
  sizes.insert(sizes.begin() + *axis, *depth);
  context.setResult(0, context.elementType(2), sizes);
  return success();
}

LogicalResult expandOneHot(ExpandContext &context) {
  int64_t rank = context.rank(0) + 1,
          axis = *context.normalizeAxis(context.getInt("axis", -1), rank);
  AffineExpr depth = extent::sizesOf(context.resultType(0))[axis];
  Exprs where;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (dim != axis)
      where.push_back(context.dim(dim));
  compute::Operand operands[] = {
      {context.input(0), context.access(rank, where), {}},
      {context.input(2), context.access(rank, {context.constantExpr(0)}), {}},
      {context.input(2), context.access(rank, {context.constantExpr(1)}), {}}};
  setMap(context, operands, [&](OpBuilder &b, ValueRange x) {
    Scalar s(b, context.getLoc());
    Type i64 = b.getI64Type();
    Value index = s.convert(x[0], context.elementType(0), i64);
    auto asInt = [&](Value value) { return s.make<arith::IndexCastOp>(i64, value); };
    Value isNegative = s.cmpI(arith::CmpIPredicate::slt, index, s.integer(i64, 0));
    index = s.select(isNegative, s.add(index, asInt(sizeValue(s, depth))), index);
    Value here = asInt(s.make<compute::IndexOp>(b.getIndexType(), axis));
    return SmallVector<Value>{s.select(s.cmpI(arith::CmpIPredicate::eq, index, here), x[2], x[1])};
  });
  return success();
}

} // namespace

void registerGather(Registry &registry) {
  registry.add({"", "Gather", 1, inferGather, expandGather, 2, /*takesText=*/true});
  registry.add(
      {"", "GatherElements", 11, inferGatherElements, expandGatherElements, 2, /*takesText=*/true});
  registry.add({"", "GatherND", 11, inferGatherND, expandGatherND, 2, /*takesText=*/true});
  registry.add({"", "OneHot", 9, inferOneHot, expandOneHot, 3});
}

} // namespace longtail::operators
