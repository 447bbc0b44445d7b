// kernel.permute as the instructions that a target has for it.
#include "codegen/Emit/KernelToLLVM.h"
#include "dialects/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;

namespace longtail::emit {

namespace {

/// Bytes that one instruction permutes.
constexpr int64_t kBytes = 16;

Value call(OpBuilder &b, Location loc, StringRef name, Type type, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, loc, type, b.getStringAttr(name), operands).getResults();
}

Value lower(kernel::PermuteOp op, const target::TargetDescription &target) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  Value vector = op.getVector(), positions = op.getPositions();
  auto type = cast<VectorType>(vector.getType());
  int64_t lanes = type.getNumElements();
  unsigned bits = type.getElementTypeBitWidth();
  if (llvm::Triple(target.triple).isX86() && bits == 32 && (lanes == 16 || lanes == 8)) {
    bool isFloat = isa<FloatType>(type.getElementType());
    if (lanes == 16 && target.hasFeature("avx512f"))
      return call(b, loc,
                  isFloat ? "llvm.x86.avx512.permvar.sf.512" : "llvm.x86.avx512.permvar.si.512",
                  type, {vector, positions});
    if (lanes == 8 && target.hasFeature("avx2"))
      return call(b, loc, isFloat ? "llvm.x86.avx2.permps" : "llvm.x86.avx2.permd", type,
                  {vector, positions});
  }
  if (llvm::Triple(target.triple).isX86() && type.getElementType().isInteger(8) &&
      lanes <= kBytes && target.hasFeature("ssse3")) {
    auto bytes = VectorType::get({kBytes}, b.getI8Type());
    Value numbers =
        arith::TruncIOp::create(b, loc, VectorType::get({lanes}, b.getI8Type()), positions);
    SmallVector<int64_t> wide, narrow;
    for (int64_t i = 0; i < kBytes; ++i)
      wide.push_back(std::min(i, lanes - 1));
    for (int64_t i = 0; i < lanes; ++i)
      narrow.push_back(i);
    auto widened = [&](Value each) -> Value {
      return lanes == kBytes ? each : vector::ShuffleOp::create(b, loc, each, each, wide);
    };
    Value result =
        call(b, loc, "llvm.x86.ssse3.pshuf.b.128", bytes, {widened(vector), widened(numbers)});
    return lanes == kBytes ? result : vector::ShuffleOp::create(b, loc, result, result, narrow);
  }
  Value result = vector;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value position = vector::ExtractOp::create(b, loc, positions, lane);
    position = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), position);
    Value element = vector::ExtractOp::create(b, loc, vector, OpFoldResult(position));
    result = vector::InsertOp::create(b, loc, element, result, lane);
  }
  return result;
}

} // namespace

void lowerPermutes(ModuleOp module, const target::TargetDescription &target) {
  SmallVector<kernel::PermuteOp> ops;
  module.walk([&](kernel::PermuteOp op) { ops.push_back(op); });
  for (kernel::PermuteOp op : ops) {
    op.replaceAllUsesWith(lower(op, target));
    op.erase();
  }
}

} // namespace longtail::emit
