// Branches and loops of the compute dialect.
#include "dialects/Compute/IR/Compute.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace longtail::compute {

static LogicalResult verifyNumber(Operation *op, AffineMap map, StringRef what) {
  if (map.getNumDims() != 0 || map.getNumResults() != 1)
    return op->emitOpError() << "takes one expression of symbols as its " << what;
  return success();
}

/// The function that `op` calls, or null after an error.
static FunctionOpInterface lookUp(Operation *op, FlatSymbolRefAttr name,
                                  SymbolTableCollection &symbols) {
  auto function = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(op, name);
  if (!function || function.isExternal()) {
    op->emitOpError() << "calls " << name << ", which is no function with a body";
    return {};
  }
  return function;
}

/// Sizes belong to different functions: only element types and ranks can be compared.
static LogicalResult verifySame(Operation *op, FlatSymbolRefAttr name, StringRef what,
                                TypeRange given, TypeRange expected) {
  if (given.size() != expected.size())
    return op->emitOpError() << "has " << given.size() << " " << what << "s, " << name << " has "
                             << expected.size();
  for (auto [i, pair] : llvm::enumerate(llvm::zip(given, expected))) {
    auto type = dyn_cast<RankedTensorType>(std::get<0>(pair));
    auto other = dyn_cast<RankedTensorType>(std::get<1>(pair));
    if (!type || !other || type.getElementType() != other.getElementType() ||
        type.getRank() != other.getRank())
      return op->emitOpError() << what << " " << i << " is " << std::get<0>(pair) << ", that of "
                               << name << " is " << std::get<1>(pair);
  }
  return success();
}

LogicalResult BranchOp::verify() { return verifyNumber(*this, getCondition(), "condition"); }

LogicalResult BranchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  for (FlatSymbolRefAttr name : {getThenAttr(), getOtherwiseAttr()}) {
    FunctionOpInterface function = lookUp(*this, name, symbols);
    if (!function ||
        failed(verifySame(*this, name, "input", getInputs().getTypes(),
                          function.getArgumentTypes())) ||
        failed(verifySame(*this, name, "result", getResultTypes(), function.getResultTypes())))
      return failure();
  }
  return success();
}

LogicalResult RepeatOp::verify() {
  if (getNumResults() < getCarried().size())
    return emitOpError() << "carries " << getCarried().size() << " values and has "
                         << getNumResults() << " results";
  return verifyNumber(*this, getTrips(), "number of trips");
}

/// A tensor with one dimension less, at the front.
static RankedTensorType sliceOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get(tensor.getShape().drop_front(), tensor.getElementType());
}

LogicalResult RepeatOp::verifySymbolUses(SymbolTableCollection &symbols) {
  FunctionOpInterface function = lookUp(*this, getBodyAttr(), symbols);
  if (!function)
    return failure();
  for (Value value : getSliced())
    if (cast<RankedTensorType>(value.getType()).getRank() == 0)
      return emitOpError("slices a tensor without dimensions");
  SmallVector<Type> arguments(getCarried().getTypes()), results;
  for (Value value : getSliced())
    arguments.push_back(sliceOf(value.getType()));
  llvm::append_range(arguments, getInvariant().getTypes());
  auto isOne = [](Type type, unsigned width) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape() && tensor.getNumElements() == 1 &&
           tensor.getElementType().isInteger(width);
  };
  if (function.getNumArguments() == 0 || !isOne(function.getArgumentTypes()[0], 64))
    return emitOpError() << getBodyAttr() << " does not take the number of the trip first";
  TypeRange given = function.getResultTypes();
  if (getConditional()) {
    if (given.empty() || !isOne(given[0], 1))
      return emitOpError() << getBodyAttr() << " does not give a condition first";
    given = given.drop_front();
  }
  for (auto [i, type] : llvm::enumerate(getResultTypes())) {
    bool isAccumulated = i >= getCarried().size();
    if (isAccumulated && cast<RankedTensorType>(type).getRank() == 0)
      return emitOpError() << "accumulates a result without dimensions";
    results.push_back(isAccumulated ? sliceOf(type) : type);
  }
  return failure(failed(verifySame(*this, getBodyAttr(), "argument", arguments,
                                   function.getArgumentTypes().drop_front())) ||
                 failed(verifySame(*this, getBodyAttr(), "result", results, given)));
}

bool isHandedOver(OpResult result) {
  if (auto repeat = dyn_cast<RepeatOp>(result.getOwner()))
    if (result.getResultNumber() < repeat.getCarried().size())
      return true;
  return llvm::any_of(result.getUsers(),
                      [](Operation *user) { return isa<extent::MeasureOp>(user); });
}

} // namespace longtail::compute
