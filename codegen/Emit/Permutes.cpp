// kernel.permute as the instructions that a target has for it.
#include "codegen/Emit/KernelToLLVM.h"
#include "dialects/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;

namespace longtail::emit {

namespace {

/// Bytes that one instruction permutes everywhere on x86.
constexpr int64_t kBytes = 16;

class PermuteLowering {
public:
  PermuteLowering(kernel::PermuteOp op, const target::TargetDescription &target)
      : b(op), loc(op.getLoc()), target(target), vector(op.getVector()),
        positions(op.getPositions()), source(cast<VectorType>(vector.getType())),
        result(cast<VectorType>(op.getType())), lanes(result.getNumElements()) {}

  Value lower() {
    int64_t count = source.getNumElements();
    bool isX86 = llvm::Triple(target.triple).isX86();
    if (isX86 && result.getElementTypeBitWidth() == 32) {
      bool isFloat = isa<FloatType>(result.getElementType());
      bool isWide = lanes == 16 && target.hasFeature("avx512f");
      if (isWide && count == 2 * lanes)
        return call(isFloat ? "llvm.x86.avx512.vpermi2var.ps.512"
                            : "llvm.x86.avx512.vpermi2var.d.512",
                    result, {part(0, lanes), positions, part(lanes, lanes)});
      if (isWide && count == lanes)
        return call(isFloat ? "llvm.x86.avx512.permvar.sf.512" : "llvm.x86.avx512.permvar.si.512",
                    result, {vector, positions});
      if (lanes == 8 && count == lanes && target.hasFeature("avx2"))
        return call(isFloat ? "llvm.x86.avx2.permps" : "llvm.x86.avx2.permd", result,
                    {vector, positions});
    }
    if (isX86 && result.getElementType().isInteger(8) && lanes <= kBytes &&
        target.hasFeature("ssse3"))
      return bytes(count);
    return oneByOne();
  }

private:
  /// Sixteen bytes of the source at a time, of which those count that a position is among.
  Value bytes(int64_t count) {
    auto type = VectorType::get({kBytes}, b.getI8Type());
    Value numbers =
        arith::TruncIOp::create(b, loc, VectorType::get({lanes}, b.getI8Type()), positions);
    numbers = widened(numbers, lanes);
    Value found;
    for (int64_t first = 0; first < count; first += kBytes) {
      int64_t size = std::min(kBytes, count - first);
      Value here = widened(part(first, size), size);
      // Of positions behind these sixteen the low bits are taken; a later part replaces them.
      Value taken = call("llvm.x86.ssse3.pshuf.b.128", type,
                         {here, arith::AndIOp::create(b, loc, numbers, splat(type, kBytes - 1))});
      if (!found) {
        found = taken;
        continue;
      }
      Value isHere =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, numbers, splat(type, first));
      found = arith::SelectOp::create(b, loc, isHere, taken, found);
    }
    if (lanes == kBytes)
      return found;
    return vector::ShuffleOp::create(b, loc, found, found, numbersFrom(0, lanes));
  }

  Value oneByOne() {
    Value found = arith::ConstantOp::create(b, loc, b.getZeroAttr(result));
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Value position = vector::ExtractOp::create(b, loc, positions, lane);
      position = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), position);
      Value element = vector::ExtractOp::create(b, loc, vector, OpFoldResult(position));
      found = vector::InsertOp::create(b, loc, element, found, lane);
    }
    return found;
  }

  static SmallVector<int64_t> numbersFrom(int64_t first, int64_t count) {
    return llvm::to_vector(llvm::seq<int64_t>(first, first + count));
  }
  Value part(int64_t first, int64_t count) {
    if (count == source.getNumElements())
      return vector;
    return vector::ShuffleOp::create(b, loc, vector, vector, numbersFrom(first, count));
  }
  Value widened(Value each, int64_t count) {
    if (count == kBytes)
      return each;
    SmallVector<int64_t> mask = numbersFrom(0, count);
    mask.resize(kBytes, count - 1);
    return vector::ShuffleOp::create(b, loc, each, each, mask);
  }
  Value splat(VectorType type, int64_t value) {
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(type, b.getI8IntegerAttr(int8_t(value)).getValue()));
  }
  Value call(StringRef name, Type type, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(b, loc, type, b.getStringAttr(name), operands)
        .getResults();
  }

  OpBuilder b;
  Location loc;
  const target::TargetDescription &target;
  Value vector, positions;
  VectorType source, result;
  int64_t lanes;
};

} // namespace

void lowerPermutes(ModuleOp module, const target::TargetDescription &target) {
  SmallVector<kernel::PermuteOp> ops;
  module.walk([&](kernel::PermuteOp op) { ops.push_back(op); });
  for (kernel::PermuteOp op : ops) {
    op.replaceAllUsesWith(PermuteLowering(op, target).lower());
    op.erase();
  }
}

} // namespace longtail::emit
