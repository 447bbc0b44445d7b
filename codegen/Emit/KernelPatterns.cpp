// Memory operations of the kernel dialect as LLVM's.
#include "codegen/Emit/KernelToLLVM.h"
#include "dialects/Kernel/IR/Kernel.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace longtail;

namespace {

/// How elements of a buffer lie in memory, and code to get there. Elements are moved as integers of
/// their width where LLVM's support for the type itself is thin (f16, bf16, f8, i1).
class Memory {
public:
  Memory(ConversionPatternRewriter &b, Location loc, Type elementType)
      : b(b), loc(loc), elementType(elementType), bits(emit::bitsInMemory(elementType)) {
    bool natural = elementType.isF32() || elementType.isF64();
    type = natural ? elementType : Type(b.getIntegerType(std::max(bits, 8u)));
  }

  bool isPacked() const { return bits < 8; }
  unsigned alignment() const { return std::max(bits, 8u) / 8; }
  Type memoryType(Type value) const {
    auto vector = dyn_cast<VectorType>(value);
    return vector ? Type(VectorType::get(vector.getShape(), type)) : type;
  }

  Value address(Value base, Value offset) {
    Type result = LLVM::LLVMPointerType::get(b.getContext());
    if (auto vector = dyn_cast<VectorType>(offset.getType()))
      result = VectorType::get(vector.getShape(), result);
    return LLVM::GEPOp::create(b, loc, result, type, base, LLVM::GEPArg(offset));
  }

  /// From what was loaded to the value that the kernel computes with, of (LLVM) type `to`.
  Value toValue(Value loaded, Type to) {
    if (elementType.isInteger(1)) {
      Value zero = LLVM::ZeroOp::create(b, loc, loaded.getType());
      return LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ne, loaded, zero);
    }
    return loaded.getType() == to ? loaded : Value(LLVM::BitcastOp::create(b, loc, to, loaded));
  }

  Value toMemory(Value value) {
    Type to = memoryType(value.getType());
    if (elementType.isInteger(1))
      return LLVM::ZExtOp::create(b, loc, to, value);
    return value.getType() == to ? value : Value(LLVM::BitcastOp::create(b, loc, to, value));
  }

  Value splat(int64_t value, Type type) {
    Attribute attribute = b.getIntegerAttr(getElementTypeOrSelf(type), value);
    if (auto vector = dyn_cast<VectorType>(type))
      attribute = DenseElementsAttr::get(vector, attribute);
    return LLVM::ConstantOp::create(b, loc, type, attribute);
  }

  /// For packed elements: the position of the byte, and of the element in it in bits.
  std::pair<Value, Value> split(Value offset) {
    unsigned perByte = 8 / bits;
    Type type = offset.getType();
    Value byte = LLVM::LShrOp::create(b, loc, offset, splat(llvm::Log2_32(perByte), type));
    Value position = LLVM::AndOp::create(b, loc, offset, splat(perByte - 1, type));
    position = LLVM::MulOp::create(b, loc, position, splat(bits, type));
    return {byte, LLVM::TruncOp::create(b, loc, memoryType(type), position)};
  }

  /// The packed element at bit `position` of `byte`, as (LLVM) type `to`.
  Value unpack(Value byte, Value position, Type to) {
    Type narrow = b.getIntegerType(bits);
    if (auto vector = dyn_cast<VectorType>(to))
      narrow = VectorType::get(vector.getShape(), narrow);
    Value shifted = LLVM::LShrOp::create(b, loc, byte, position);
    Value value = LLVM::TruncOp::create(b, loc, narrow, shifted);
    return narrow == to ? value : Value(LLVM::BitcastOp::create(b, loc, to, value));
  }

  ConversionPatternRewriter &b;
  Location loc;
  Type elementType;
  unsigned bits;
  Type type; // of one element in memory; a byte for packed elements
};

Value gather(Memory &memory, Value base, Value offsets, Value mask, Type result) {
  Type type = memory.memoryType(result);
  Value pointers = memory.address(base, offsets);
  if (!mask)
    mask =
        memory.splat(1, VectorType::get(cast<VectorType>(type).getShape(), memory.b.getI1Type()));
  Value zero = LLVM::ZeroOp::create(memory.b, memory.loc, type);
  return LLVM::masked_gather::create(memory.b, memory.loc, type, pointers, mask, zero,
                                     memory.b.getI32IntegerAttr(memory.alignment()));
}

/// Packed elements at `offsets` (one or a vector).
Value loadPacked(Memory &memory, Value base, Value offsets, Value mask, Type to) {
  auto [bytes, positions] = memory.split(offsets);
  Value loaded;
  if (isa<VectorType>(to))
    loaded = gather(memory, base, bytes, mask, to);
  else
    loaded =
        LLVM::LoadOp::create(memory.b, memory.loc, memory.type, memory.address(base, bytes), 1);
  Value value = memory.unpack(loaded, positions, to);
  if (!mask)
    return value;
  Value zero = LLVM::ZeroOp::create(memory.b, memory.loc, to);
  return LLVM::SelectOp::create(memory.b, memory.loc, mask, value, zero);
}

/// The offsets of the lanes of a vector of consecutive elements.
Value consecutive(Memory &memory, Value first, VectorType shape) {
  OpBuilder &b = memory.b;
  auto type = VectorType::get(shape.getShape(), b.getI64Type());
  SmallVector<int64_t> lanes = llvm::to_vector(llvm::seq<int64_t>(0, shape.getNumElements()));
  Value steps =
      LLVM::ConstantOp::create(b, memory.loc, type, DenseElementsAttr::get(type, ArrayRef(lanes)));
  Value zero = LLVM::ConstantOp::create(b, memory.loc, b.getI32Type(), b.getI32IntegerAttr(0));
  Value poison = LLVM::PoisonOp::create(b, memory.loc, type);
  Value one = LLVM::InsertElementOp::create(b, memory.loc, type, poison, first, zero);
  SmallVector<int32_t> splat(shape.getNumElements(), 0);
  Value firsts = LLVM::ShuffleVectorOp::create(b, memory.loc, one, poison, splat);
  return LLVM::AddOp::create(b, memory.loc, firsts, steps);
}

bool isFlat(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return !vector || (vector.getRank() == 1 && !vector.isScalable());
}

struct ConvertLoad : ConvertOpToLLVMPattern<kernel::LoadOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(kernel::LoadOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Type to = getTypeConverter()->convertType(op.getResult().getType());
    if (!to || !isFlat(to))
      return b.notifyMatchFailure(op, "vectors have one dimension");
    Memory memory(b, op.getLoc(), op.getBuffer().getType().getElementType());
    Value base = adaptor.getBuffer(), offset = adaptor.getOffset(), mask = adaptor.getMask();
    if (memory.isPacked()) {
      if (auto vector = dyn_cast<VectorType>(to))
        offset = consecutive(memory, offset, vector);
      b.replaceOp(op, loadPacked(memory, base, offset, mask, to));
      return success();
    }
    Type type = memory.memoryType(to);
    Value address = memory.address(base, offset), loaded;
    if (mask)
      loaded = LLVM::MaskedLoadOp::create(b, op.getLoc(), type, address, mask,
                                          LLVM::ZeroOp::create(b, op.getLoc(), type),
                                          b.getI32IntegerAttr(memory.alignment()),
                                          /*nontemporal=*/UnitAttr());
    else
      loaded = LLVM::LoadOp::create(b, op.getLoc(), type, address, memory.alignment());
    b.replaceOp(op, memory.toValue(loaded, to));
    return success();
  }
};

struct ConvertStore : ConvertOpToLLVMPattern<kernel::StoreOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(kernel::StoreOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Value value = adaptor.getValue(), base = adaptor.getBuffer(), offset = adaptor.getOffset();
    if (!isFlat(value.getType()))
      return b.notifyMatchFailure(op, "vectors have one dimension");
    Location loc = op.getLoc();
    Memory memory(b, loc, op.getBuffer().getType().getElementType());
    if (memory.isPacked()) { // scalar: vectors were taken apart before
      auto [byte, position] = memory.split(offset);
      Value address = memory.address(base, byte);
      Value old = LLVM::LoadOp::create(b, loc, memory.type, address, 1);
      Type narrow = b.getIntegerType(memory.bits);
      if (value.getType() != narrow)
        value = LLVM::BitcastOp::create(b, loc, narrow, value);
      Value bits =
          LLVM::ShlOp::create(b, loc, LLVM::ZExtOp::create(b, loc, memory.type, value), position);
      Value field =
          LLVM::ShlOp::create(b, loc, memory.splat((1 << memory.bits) - 1, memory.type), position);
      Value others = LLVM::XOrOp::create(b, loc, field, memory.splat(-1, memory.type));
      Value kept = LLVM::AndOp::create(b, loc, old, others);
      LLVM::StoreOp::create(b, loc, LLVM::OrOp::create(b, loc, kept, bits), address, 1);
      b.eraseOp(op);
      return success();
    }
    Value address = memory.address(base, offset), stored = memory.toMemory(value);
    if (Value mask = adaptor.getMask())
      LLVM::MaskedStoreOp::create(b, loc, stored, address, mask,
                                  b.getI32IntegerAttr(memory.alignment()));
    else
      LLVM::StoreOp::create(b, loc, stored, address, memory.alignment());
    b.eraseOp(op);
    return success();
  }
};

struct ConvertGather : ConvertOpToLLVMPattern<kernel::GatherOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(kernel::GatherOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Type to = getTypeConverter()->convertType(op.getResult().getType());
    if (!to || !isFlat(to))
      return b.notifyMatchFailure(op, "vectors have one dimension");
    Memory memory(b, op.getLoc(), op.getBuffer().getType().getElementType());
    Value base = adaptor.getBuffer(), offsets = adaptor.getOffsets(), mask = adaptor.getMask();
    if (memory.isPacked())
      b.replaceOp(op, loadPacked(memory, base, offsets, mask, to));
    else
      b.replaceOp(op, memory.toValue(gather(memory, base, offsets, mask, to), to));
    return success();
  }
};

struct ConvertAdvance : ConvertOpToLLVMPattern<kernel::AdvanceOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(kernel::AdvanceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Memory memory(b, op.getLoc(), op.getBuffer().getType().getElementType());
    Value offset = adaptor.getOffset();
    if (memory.isPacked())
      return op.emitOpError("cannot begin a buffer inside a byte of packed elements");
    b.replaceOp(op, memory.address(adaptor.getBuffer(), offset));
    return success();
  }
};

struct ConvertSelect : ConvertOpToLLVMPattern<kernel::SelectOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(kernel::SelectOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    b.replaceOpWithNewOp<LLVM::SelectOp>(op, adaptor.getCondition(), adaptor.getA(),
                                         adaptor.getB());
    return success();
  }
};

struct ConvertPrefetch : ConvertOpToLLVMPattern<kernel::PrefetchOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(kernel::PrefetchOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Memory memory(b, op.getLoc(), op.getBuffer().getType().getElementType());
    Value offset = adaptor.getOffset();
    if (memory.isPacked())
      offset = memory.split(offset).first;
    b.replaceOpWithNewOp<LLVM::Prefetch>(op, memory.address(adaptor.getBuffer(), offset),
                                         /*rw=*/0, /*hint=*/3, /*cache=*/1);
    return success();
  }
};

/// A pointer that was made a buffer by prepareKernel is a pointer again.
struct ConvertCast : ConvertOpToLLVMPattern<UnrealizedConversionCastOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(UnrealizedConversionCastOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    if (!isa<kernel::BufferType>(op.getResult(0).getType()))
      return failure();
    b.replaceOp(op, adaptor.getInputs());
    return success();
  }
};

} // namespace

void emit::populateKernelToLLVMPatterns(LLVMTypeConverter &converter, RewritePatternSet &patterns) {
  converter.addConversion([](kernel::BufferType type) -> Type {
    return LLVM::LLVMPointerType::get(type.getContext());
  });
  patterns.add<ConvertLoad, ConvertStore, ConvertGather, ConvertAdvance, ConvertSelect,
               ConvertPrefetch, ConvertCast>(converter);
}
