#include "compiler/Plan/ElementType.h"
#include "dialects/Access/IR/Access.h"
#include "dialects/Graph/IR/Graph.h"
#include "longtail/artifact.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace longtail::plan {

static uint32_t dtypeOfInteger(IntegerType type) {
  bool isUnsigned = type.isUnsigned();
  switch (type.getWidth()) {
  case 1:
    return LT_DTYPE_BOOL;
  case 2:
    return isUnsigned ? LT_DTYPE_U2 : LT_DTYPE_I2;
  case 4:
    return isUnsigned ? LT_DTYPE_U4 : LT_DTYPE_I4;
  case 8:
    return isUnsigned ? LT_DTYPE_U8 : LT_DTYPE_I8;
  case 16:
    return isUnsigned ? LT_DTYPE_U16 : LT_DTYPE_I16;
  case 32:
    return isUnsigned ? LT_DTYPE_U32 : LT_DTYPE_I32;
  case 64:
    return isUnsigned ? LT_DTYPE_U64 : LT_DTYPE_I64;
  default:
    return 0;
  }
}

uint32_t dtypeOf(Type elementType) {
  return llvm::TypeSwitch<Type, uint32_t>(elementType)
      .Case<IntegerType>(dtypeOfInteger)
      .Case<Float16Type>([](Type) { return LT_DTYPE_F16; })
      .Case<BFloat16Type>([](Type) { return LT_DTYPE_BF16; })
      .Case<Float32Type>([](Type) { return LT_DTYPE_F32; })
      .Case<Float64Type>([](Type) { return LT_DTYPE_F64; })
      .Case<Float8E4M3FNType>([](Type) { return LT_DTYPE_F8E4M3FN; })
      .Case<Float8E4M3FNUZType>([](Type) { return LT_DTYPE_F8E4M3FNUZ; })
      .Case<Float8E5M2Type>([](Type) { return LT_DTYPE_F8E5M2; })
      .Case<Float8E5M2FNUZType>([](Type) { return LT_DTYPE_F8E5M2FNUZ; })
      .Case<Float8E8M0FNUType>([](Type) { return LT_DTYPE_F8E8M0; })
      .Case<Float4E2M1FNType>([](Type) { return LT_DTYPE_F4E2M1; })
      .Case<ComplexType>([](ComplexType type) {
        return type.getElementType().isF32()   ? LT_DTYPE_C64
               : type.getElementType().isF64() ? LT_DTYPE_C128
                                               : 0;
      })
      .Case<graph::StringType>([](Type) { return LT_DTYPE_STRING; })
      .Default([](Type) { return 0; });
}

unsigned storageBits(Type elementType) {
  if (dtypeOf(elementType) == 0)
    return 0;
  if (elementType.isInteger(1))
    return 8;
  if (auto complex = dyn_cast<ComplexType>(elementType))
    return 2 * complex.getElementType().getIntOrFloatBitWidth();
  return access::bitWidth(elementType);
}

std::optional<uint64_t> staticBytes(RankedTensorType type) {
  uint64_t bits = storageBits(type.getElementType());
  if (bits == 0 || !type.hasStaticShape())
    return std::nullopt;
  bool overflow = false;
  for (int64_t size : type.getShape()) {
    bits = llvm::SaturatingMultiply<uint64_t>(bits, size, &overflow);
    if (overflow)
      return std::nullopt;
  }
  return llvm::divideCeil(bits, 8);
}

} // namespace longtail::plan
