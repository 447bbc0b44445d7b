// kernel.dot as the instructions that a target has for it.
#include "codegen/Emit/KernelToLLVM.h"
#include "dialects/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;

namespace longtail::emit {

namespace {

class DotLowering {
public:
  DotLowering(kernel::DotOp op, const target::TargetDescription &target)
      : b(op), loc(op.getLoc()), target(target), lanes(getLanes(op.getType())) {}

  Value lower(Value left, Value right, Value sum) {
    if (llvm::Triple(target.triple).isAArch64() && target.hasFeature("dotprod") && lanes == 4)
      return signedDots(left, right, sum);
    if (!llvm::Triple(target.triple).isX86() || (lanes != 4 && lanes != 8 && lanes != 16))
      return byteByByte(left, right, sum);
    StringRef bits = lanes == 16 ? "512" : lanes == 8 ? "256" : "128";
    if (target.hasFeature("avx512vnni") || (lanes < 16 && target.hasFeature("avxvnni"))) {
      Type bytes = VectorType::get({4 * lanes}, b.getI8Type());
      return call(("llvm.x86.avx512.vpdpbusd." + bits).str(), sum.getType(),
                  {sum, bitcast(left, bytes), bitcast(right, bytes)});
    }
    StringRef name = lanes == 16  ? "llvm.x86.avx512.pmaddw.d.512"
                     : lanes == 8 ? "llvm.x86.avx2.pmadd.wd"
                                  : "llvm.x86.sse2.pmadd.wd";
    // There is no exact product of bytes: the one that there is saturates sums of two. So even and
    // odd bytes as halves, of which two products always fit.
    Type halves = VectorType::get({2 * lanes}, b.getI16Type());
    Value leftHalves = bitcast(left, halves), rightHalves = bitcast(right, halves);
    Value eight = splat(halves, 8);
    Value evenLeft = arith::AndIOp::create(b, loc, leftHalves, splat(halves, 255));
    Value oddLeft = arith::ShRUIOp::create(b, loc, leftHalves, eight);
    Value evenRight =
        arith::ShRSIOp::create(b, loc, arith::ShLIOp::create(b, loc, rightHalves, eight), eight);
    Value oddRight = arith::ShRSIOp::create(b, loc, rightHalves, eight);
    for (auto [x, y] : {std::pair(evenLeft, evenRight), std::pair(oddLeft, oddRight)})
      sum = arith::AddIOp::create(b, loc, sum, call(name, sum.getType(), {x, y}));
    return sum;
  }

private:
  static int64_t getLanes(Type type) {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? vector.getNumElements() : 1;
  }

  /// There are dot products of bytes that are both signed. The left ones less 128 are, and 128
  /// times the right ones is twice their product with 64: the same for all rows of a tile.
  Value signedDots(Value left, Value right, Value sum) {
    Type bytes = VectorType::get({4 * lanes}, b.getI8Type());
    constexpr StringLiteral name = "llvm.aarch64.neon.sdot.v4i32.v16i8";
    Value columns = bitcast(right, bytes), half = splat(bytes, 64);
    Value moved = splat(sum.getType(), 0);
    for (int i = 0; i < 2; ++i)
      moved = call(name, sum.getType(), {moved, columns, half});
    Value flipped = arith::XOrIOp::create(b, loc, left, splat(left.getType(), 0x80808080));
    sum = arith::AddIOp::create(b, loc, sum, moved);
    return call(name, sum.getType(), {sum, columns, bitcast(flipped, bytes)});
  }

  Value byteByByte(Value left, Value right, Value sum) {
    Type type = sum.getType();
    for (int byte = 0; byte < 4; ++byte) {
      Value x = arith::ShRUIOp::create(b, loc, left, splat(type, 8 * byte));
      x = arith::AndIOp::create(b, loc, x, splat(type, 255));
      Value y = arith::ShLIOp::create(b, loc, right, splat(type, 24 - 8 * byte));
      y = arith::ShRSIOp::create(b, loc, y, splat(type, 24));
      sum = arith::AddIOp::create(b, loc, sum, arith::MulIOp::create(b, loc, x, y));
    }
    return sum;
  }

  Value bitcast(Value value, Type type) {
    return vector::BitCastOp::create(b, loc, cast<VectorType>(type), value);
  }
  Value splat(Type type, int64_t value) {
    Type element = getElementTypeOrSelf(type);
    TypedAttr one = IntegerAttr::get(element, APInt(element.getIntOrFloatBitWidth(), value,
                                                    /*isSigned=*/true, /*implicitTrunc=*/true));
    if (auto vector = dyn_cast<VectorType>(type))
      one = DenseElementsAttr::get(vector, Attribute(one));
    return arith::ConstantOp::create(b, loc, one);
  }
  Value call(StringRef name, Type type, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(b, loc, type, b.getStringAttr(name), operands)
        .getResults();
  }

  OpBuilder b;
  Location loc;
  const target::TargetDescription &target;
  int64_t lanes;
};

} // namespace

void lowerDotProducts(ModuleOp module, const target::TargetDescription &target) {
  SmallVector<kernel::DotOp> ops;
  module.walk([&](kernel::DotOp op) { ops.push_back(op); });
  for (kernel::DotOp op : ops) {
    op.replaceAllUsesWith(DotLowering(op, target).lower(op.getA(), op.getB(), op.getSum()));
    op.erase();
  }
}

} // namespace longtail::emit
