// Contractions that multiply matrices, and the others.
#include "dialects/Compute/Analysis/ContractionShape.h"
#include "passes/Fusion/ConstantOps.h"
#include "passes/Fusion/GroupTable.h"

using namespace mlir;

namespace longtail {

using access::MapAttr;

/// Vectors times matrices whose rows are contiguous in memory: a reduction along these reads each
/// element once, where it is; panels would be read and written besides. Those of constants are made
/// when the model is compiled.
static bool isRowsTimesVector(compute::ContractOp contract,
                              const compute::ContractionShape &shape) {
  if (!shape.rows.empty() || shape.groupSize != 0)
    return false;
  AffineMap map = contract.getRhsMap().getMap();
  return map.getNumResults() != 0 && llvm::any_of(shape.reduced, [&](unsigned dim) {
           return map.getResults().back() == getAffineDimExpr(dim, map.getContext());
         });
}

static bool isMatrixProduct(compute::ContractOp contract,
                            const llvm::DenseSet<Operation *> &constants) {
  auto isFloat = [](Value tensor) {
    return isa<FloatType>(getElementTypeOrSelf(tensor.getType()));
  };
  if (isFloat(contract.getOutput()) != isFloat(contract.getLhs()) ||
      isFloat(contract.getOutput()) != isFloat(contract.getRhs()))
    return false;
  std::optional<compute::ContractionShape> shape = compute::matchContraction(contract);
  return shape && (constants.contains(contract.getRhs().getDefiningOp()) ||
                   !isRowsTimesVector(contract, *shape));
}

static void exchange(compute::ContractOp contract) {
  Value lhs = contract.getLhs();
  Attribute access = contract.getLhsAccess();
  contract.getLhsMutable().assign(contract.getRhs());
  contract.setLhsAccessAttr(contract.getRhsAccess());
  contract.getRhsMutable().assign(lhs);
  contract.setRhsAccessAttr(access);
}

/// A product of a matrix and a vector has its columns in the left operand. Its rows are contiguous
/// in memory as a rule, and then a reduction along them is better. Windows of an image are no
/// matrix: packed into panels they would be many times as large.
static bool exchangeOperands(compute::ContractOp contract,
                             const llvm::DenseSet<Operation *> &constants) {
  auto isPlain = [](AffineExpr e) { return isa<AffineDimExpr, AffineConstantExpr>(e); };
  if (!llvm::all_of(contract.getLhsMap().getMap().getResults(), isPlain))
    return false;
  unsigned rank = cast<RankedTensorType>(contract.getOutput().getType()).getRank();
  exchange(contract);
  AffineMap map = contract.getRhsMap().getMap();
  bool columnsTogether = false;
  for (unsigned dim = 0; dim < rank && map.getNumResults() != 0; ++dim)
    columnsTogether |= map.getResults().back().isFunctionOfDim(dim);
  if (columnsTogether && isMatrixProduct(contract, constants))
    return true;
  exchange(contract);
  return false;
}

static Value convert(OpBuilder &builder, Location loc, Value value, Type from, Type to) {
  if (value.getType() == to)
    return value;
  unsigned width = value.getType().getIntOrFloatBitWidth();
  bool wider = to.getIntOrFloatBitWidth() > width;
  if (isa<FloatType>(to))
    return wider ? Value(arith::ExtFOp::create(builder, loc, to, value))
                 : Value(arith::TruncFOp::create(builder, loc, to, value));
  if (!wider)
    return arith::TruncIOp::create(builder, loc, to, value);
  if (from.isUnsignedInteger() || from.isInteger(1))
    return arith::ExtUIOp::create(builder, loc, to, value);
  return arith::ExtSIOp::create(builder, loc, to, value);
}

static void replaceByReduce(compute::ContractOp contract) {
  OpBuilder builder(contract);
  Location loc = contract.getLoc();
  auto operand = [&](Value tensor, MapAttr map) {
    Type element = access::computeType(getElementTypeOrSelf(tensor.getType()));
    TypedAttr fill = map.isTotal() ? TypedAttr() : builder.getZeroAttr(element);
    return compute::Operand{tensor, map, fill};
  };
  Type storage = getElementTypeOrSelf(contract.getOutput().getType());
  Type sum = access::computeType(storage);
  auto reduce = compute::buildReduce(
      builder, loc, contract.getOutput().getType(), compute::Combiner::Add,
      contract.getExtents().getResults(),
      {operand(contract.getLhs(), contract.getLhsMap()),
       operand(contract.getRhs(), contract.getRhsMap())},
      [&](OpBuilder &body, ValueRange values) -> SmallVector<Value> {
        Value a =
            convert(body, loc, values[0], getElementTypeOrSelf(contract.getLhs().getType()), sum);
        Value b =
            convert(body, loc, values[1], getElementTypeOrSelf(contract.getRhs().getType()), sum);
        if (isa<FloatType>(sum))
          return {arith::MulFOp::create(body, loc, a, b, arith::FastMathFlags::contract)};
        return {arith::MulIOp::create(body, loc, a, b)};
      });
  contract.getOutput().replaceAllUsesWith(reduce.getOutput());
  contract.erase();
}

void normalizeContractions(Operation *root, bool keepProducts) {
  SmallVector<compute::ContractOp> contracts;
  root->walk([&](compute::ContractOp op) { contracts.push_back(op); });
  DenseMap<Block *, llvm::DenseSet<Operation *>> found;
  for (compute::ContractOp contract : contracts) {
    auto [constants, isNew] = found.try_emplace(contract->getBlock());
    if (isNew)
      constants->second = findConstantOps(*contract->getBlock());
    if (!keepProducts || (!isMatrixProduct(contract, constants->second) &&
                          !exchangeOperands(contract, constants->second)))
      replaceByReduce(contract);
    else
      putPixelsIntoColumns(contract, constants->second);
  }
}

} // namespace longtail
