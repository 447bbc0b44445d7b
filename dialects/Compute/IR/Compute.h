// The compute dialect: what is computed on the elements.
#pragma once
#include "dialects/Access/IR/Access.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"

#include "dialects/Compute/IR/ComputeDialect.h.inc"
#include "dialects/Compute/IR/ComputeEnums.h.inc"

#define GET_OP_CLASSES
#include "dialects/Compute/IR/ComputeOps.h.inc"

namespace longtail::compute {

/// True for a result that the called function leaves in memory of its own: its sizes are known only
/// then, or it is carried from trip to trip. All other results of a branch or loop are written to
/// the caller's memory.
bool isHandedOver(mlir::OpResult result);

/// Whether a function makes a string, which must be done by one thread at a time.
bool makesText(TextFunction function);

/// The neutral element of `combiner` for scalars of `type`.
mlir::TypedAttr identityOf(Combiner combiner, mlir::Type type);

/// Emits `combiner` of two scalars or vectors of one type.
mlir::Value combine(mlir::OpBuilder &builder, mlir::Location loc, Combiner combiner, mlir::Value a,
                    mlir::Value b);

/// Builds the body of a map or reduce: block arguments of the compute types of `inputs`' elements,
/// then `body`, whose results are yielded.
using BodyBuilder =
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::OpBuilder &, mlir::ValueRange)>;

/// An operand of a map or reduce with its access. A null `access` is the identity on the domain.
/// `fill` stands where the access has no element.
struct Operand {
  mlir::Value tensor;
  access::MapAttr access;
  mlir::TypedAttr fill;
};

MapOp buildMap(mlir::OpBuilder &builder, mlir::Location loc, mlir::TypeRange results,
               llvm::ArrayRef<Operand> operands, BodyBuilder body);
ReduceOp buildReduce(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type result,
                     Combiner combiner, llvm::ArrayRef<mlir::AffineExpr> extents,
                     llvm::ArrayRef<Operand> operands, BodyBuilder body);

/// Builds a grid; `body` gets the coordinates of the point and the places of the results.
GridOp buildGrid(
    mlir::OpBuilder &builder, mlir::Location loc, mlir::TypeRange results,
    llvm::ArrayRef<mlir::AffineExpr> extents,
    llvm::function_ref<void(mlir::OpBuilder &, mlir::ValueRange points, mlir::ValueRange places)>
        body);

/// A pointwise group that copies what `operand` reads into a tensor of type `result`.
FusedOp buildCopyGroup(mlir::OpBuilder &builder, mlir::Location loc, Operand operand,
                       mlir::RankedTensorType result);
/// The same of a whole tensor.
FusedOp buildCopyGroup(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value source);

} // namespace longtail::compute
