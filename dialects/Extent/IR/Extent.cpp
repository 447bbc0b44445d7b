#include "dialects/Extent/IR/Extent.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialects/Extent/IR/ExtentDialect.cpp.inc"
#include "dialects/Extent/IR/ExtentEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Extent/IR/ExtentAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/Extent/IR/ExtentOps.cpp.inc"

namespace longtail::extent {

void ExtentDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Extent/IR/ExtentAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Extent/IR/ExtentOps.cpp.inc"
      >();
}

unsigned arity(Function function) { return function == Function::Select ? 3 : 2; }

static LogicalResult verifyArguments(Operation *op, Function function, AffineMap args) {
  if (args.getNumDims() != 0)
    return op->emitOpError("takes symbols only, got dimensions");
  if (args.getNumResults() != arity(function)) // derived_c1
    return op->emitOpError() << "'" << stringifyFunction(function) << "' takes " << arity(function)
                             << " arguments, got " << args.getNumResults();
  return success();
}

/// Symbols count up from 0 in the order of their declarations (symbol_c1): one more than the last.
static LogicalResult verifyId(Operation *op, int64_t id) {
  if (!isa_and_nonnull<FunctionOpInterface>(op->getParentOp()))
    return success();
  int64_t expected = 0;
  for (Operation *before = op->getPrevNode(); before; before = before->getPrevNode()) {
    if (!isa<SymbolOp, DerivedOp, BindOp, MeasureOp>(before))
      continue;
    expected = before->getAttrOfType<IntegerAttr>("id").getInt() + 1;
    break;
  }
  if (id != expected)
    return op->emitOpError() << "declares symbol " << id << ", expected " << expected;
  return success();
}

LogicalResult SymbolOp::verify() {
  if (failed(verifyId(*this, getId())))
    return failure();
  if (auto function = (*this)->getParentOfType<FunctionOpInterface>()) {
    if (getInput() >= function.getNumArguments()) // symbol_c2
      return emitOpError() << "names input " << getInput() << " of " << function.getNumArguments();
  }
  if (static_cast<int64_t>(getMin()) > static_cast<int64_t>(getMax()))
    return emitOpError("has an empty range");
  return success();
}

LogicalResult DerivedOp::verify() {
  if (failed(verifyId(*this, getId())) || failed(verifyArguments(*this, getFunction(), getArgs())))
    return failure();
  if (symbolCount(getArgs().getResults()) > getId()) // derived_c2
    return emitOpError() << "symbol " << getId() << " depends on a later one";
  return success();
}

LogicalResult BindOp::verify() {
  if (failed(verifyId(*this, getId())))
    return failure();
  if (!cast<RankedTensorType>(getSource().getType()).getElementType().isInteger())
    return emitOpError("binds an element of a tensor of integers");
  return success();
}

LogicalResult MeasureOp::verify() {
  if (failed(verifyId(*this, getId())))
    return failure();
  auto type = cast<RankedTensorType>(getSource().getType());
  if (static_cast<int64_t>(getDim()) < 0 || static_cast<int64_t>(getDim()) >= type.getRank())
    return emitOpError() << "names dimension " << getDim() << " of " << type.getRank();
  if (sizesOf(type)[getDim()] != getAffineSymbolExpr(getId(), getContext())) // measure_c2
    return emitOpError() << "declares symbol " << getId() << ", which is not the size of dimension "
                         << getDim() << " in " << type;
  return success();
}

LogicalResult CheckOp::verify() { return verifyArguments(*this, getFunction(), getArgs()); }

LogicalResult SizeOp::verify() {
  if (getSize().getNumDims() != 0 || getSize().getNumResults() != 1)
    return emitOpError("takes one expression of symbols");
  return success();
}

OpFoldResult SizeOp::fold(FoldAdaptor) {
  if (auto constant = dyn_cast<AffineConstantExpr>(getSize().getResult(0)))
    return IntegerAttr::get(IndexType::get(getContext()), constant.getValue());
  return {};
}

Operation *ExtentDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type,
                                              Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

} // namespace longtail::extent
