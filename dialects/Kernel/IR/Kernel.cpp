#include "dialects/Kernel/IR/Kernel.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialects/Kernel/IR/KernelDialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Kernel/IR/KernelTypes.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Kernel/IR/KernelAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/Kernel/IR/KernelOps.cpp.inc"

namespace longtail::kernel {

void KernelDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Kernel/IR/KernelTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Kernel/IR/KernelAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Kernel/IR/KernelOps.cpp.inc"
      >();
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t lanes,
                                   int64_t rows, int64_t vectors, int64_t unroll, int64_t grain,
                                   int64_t panels, int64_t depth) {
  for (auto [name, value] : {std::pair("lanes", lanes),
                             {"rows", rows},
                             {"vectors", vectors},
                             {"unroll", unroll},
                             {"grain", grain},
                             {"panels", panels}})
    if (value <= 0) // schedule_c1
      return emitError() << "'" << name << "' must be positive, got " << value;
  if (depth < 0) // schedule_c2
    return emitError() << "'depth' must not be negative, got " << depth;
  return success();
}

/// The element of a load or store is the buffer's compute type, in a vector where there is a mask.
static LogicalResult verifyElement(Operation *op, Type value, BufferType buffer, Value mask) {
  Type element = access::computeType(buffer.getElementType());
  if (getElementTypeOrSelf(value) != element)
    return op->emitOpError() << "moves " << value << ", elements are " << element;
  if (!mask)
    return success();
  auto vector = dyn_cast<VectorType>(value);
  if (!vector || vector.getShape() != cast<VectorType>(mask.getType()).getShape())
    return op->emitOpError("a mask needs a vector of as many lanes");
  return success();
}

LogicalResult LoadOp::verify() {
  return verifyElement(*this, getResult().getType(), getBuffer().getType(), getMask());
}

LogicalResult StoreOp::verify() {
  return verifyElement(*this, getValue().getType(), getBuffer().getType(), getMask());
}

LogicalResult GatherOp::verify() {
  auto result = cast<VectorType>(getResult().getType());
  if (cast<VectorType>(getOffsets().getType()).getShape() != result.getShape()) // gather_c1
    return emitOpError("offsets and result differ in lanes");
  return verifyElement(*this, result, getBuffer().getType(), getMask());
}

LogicalResult PermuteOp::verify() {
  auto vector = cast<VectorType>(getVector().getType());
  auto positions = cast<VectorType>(getPositions().getType());
  auto result = VectorType::get(positions.getShape(), vector.getElementType());
  if (getType() != result || vector.getRank() != 1)
    return emitOpError() << "gives " << getType() << ", not the " << result << " of its positions";
  return success();
}

LogicalResult ScratchOp::verify() {
  int64_t offset = getOffset();
  if (offset < 0 || offset % 64 != 0) // scratch_c1
    return emitOpError() << "offset " << offset << " is not a multiple of 64";
  return success();
}

LogicalResult DispatchOp::verify() {
  for (auto [name, map] : {std::pair("tiles", getTiles()), {"scratch", getScratch()}})
    if (map.getNumDims() != 0 || map.getNumResults() != 1) // dispatch_c1
      return emitOpError() << "'" << name << "' is one expression of symbols";
  if (getParams().getNumDims() != 0)
    return emitOpError("'params' are expressions of symbols");
  return success();
}

} // namespace longtail::kernel
