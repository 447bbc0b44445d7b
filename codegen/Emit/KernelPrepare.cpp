// The part of the lowering that changes a kernel's signature or needs control flow, done on the
// original dialects before types are converted.
#include "codegen/Emit/KernelToLLVM.h"
#include "dialects/Kernel/IR/Kernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace longtail::emit {

static constexpr llvm::StringLiteral kZeros = "lt.zeros";

std::string bodyName(StringRef kernel) { return (kernel + ".body").str(); }

unsigned bitsInMemory(Type elementType) {
  if (elementType.isIndex())
    return 64;
  unsigned width = access::bitWidth(elementType);
  return width == 1 ? 8 : width;
}

/// A pointer as a buffer until types are converted.
static Value asBuffer(OpBuilder &b, Location loc, Value pointer, Type buffer) {
  return UnrealizedConversionCastOp::create(b, loc, buffer, pointer).getResult(0);
}

/// One constant for all zeros of the module, as long as the longest.
static void replaceZeros(kernel::ZerosOp op, ModuleOp module) {
  unsigned bits = bitsInMemory(op.getResult().getType().getElementType());
  int64_t bytes = llvm::divideCeil(op.getCount() * bits, 8);
  OpBuilder b(op);
  auto global = module.lookupSymbol<LLVM::GlobalOp>(kZeros);
  if (!global) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), 1);
    global = LLVM::GlobalOp::create(b, module.getLoc(), type, /*isConstant=*/true,
                                    LLVM::Linkage::Internal, kZeros, Attribute(), 64);
    Block *block = b.createBlock(&global.getInitializerRegion());
    b.setInsertionPointToStart(block);
    LLVM::ReturnOp::create(b, module.getLoc(), LLVM::ZeroOp::create(b, module.getLoc(), type));
  }
  auto type = cast<LLVM::LLVMArrayType>(global.getType());
  if (int64_t(type.getNumElements()) < bytes) {
    type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes);
    global.setGlobalType(type);
    global.getInitializerBlock()->front().getResult(0).setType(type);
  }
  Value address = LLVM::AddressOfOp::create(b, op.getLoc(), global);
  op.replaceAllUsesWith(asBuffer(b, op.getLoc(), address, op.getResult().getType()));
  op.erase();
}

/// Scratch buffers at different offsets do not overlap, so each is a pointer argument of its own,
/// which alias analysis can tell apart.
static void replaceScratch(func::FuncOp function, KernelSignature &signature) {
  SmallVector<kernel::ScratchOp> ops;
  function.walk([&](kernel::ScratchOp op) { ops.push_back(op); });
  OpBuilder b(function.getContext());
  auto pointer = LLVM::LLVMPointerType::get(function.getContext());
  unsigned first = function.getNumArguments();
  for (kernel::ScratchOp op : ops) {
    auto *found = llvm::find(signature.scratchOffsets, op.getOffset());
    unsigned position = found - signature.scratchOffsets.begin();
    if (found == signature.scratchOffsets.end()) {
      signature.scratchOffsets.push_back(op.getOffset());
      (void)function.insertArgument(first + position, pointer, {}, op.getLoc());
    }
    b.setInsertionPoint(op);
    op.replaceAllUsesWith(
        asBuffer(b, op.getLoc(), function.getArgument(first + position), op.getResult().getType()));
    op.erase();
  }
}

/// Strings are used by calls of the function that the kernel's frame names; the frame is one more
/// argument, the last.
static void replaceTexts(func::FuncOp function, KernelSignature &signature) {
  SmallVector<kernel::TextOp> ops;
  function.walk([&](kernel::TextOp op) { ops.push_back(op); });
  if (ops.empty())
    return;
  signature.takesFrame = true;
  OpBuilder b(function.getContext());
  Type pointer = LLVM::LLVMPointerType::get(function.getContext());
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  unsigned position = function.getNumArguments();
  (void)function.insertArgument(position, pointer, {}, function.getLoc());
  Value frame = function.getArgument(position);
  auto type = LLVM::LLVMFunctionType::get(i64, {pointer, i32, i64, i64, i64});
  for (kernel::TextOp op : ops) {
    b.setInsertionPoint(op);
    Location loc = op.getLoc();
    Value place = LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), frame,
                                      LLVM::GEPArg(int32_t(kFrameText)));
    SmallVector<Value> operands{LLVM::LoadOp::create(b, loc, pointer, place, 8), frame,
                                LLVM::ConstantOp::create(b, loc, i32, op.getFunctionAttr())};
    llvm::append_range(operands, op.getOperands());
    while (operands.size() < 6)
      operands.push_back(LLVM::ConstantOp::create(b, loc, i64, b.getI64IntegerAttr(0)));
    auto call = LLVM::CallOp::create(b, loc, type, operands);
    op.replaceAllUsesWith(call.getResult());
    op.erase();
  }
}

/// The return code lives in a variable that LLVM turns into values; it keeps the highest code.
static void replaceRaises(func::FuncOp function) {
  SmallVector<kernel::RaiseOp> ops;
  function.walk([&](kernel::RaiseOp op) { ops.push_back(op); });
  Location loc = function.getLoc();
  OpBuilder b = OpBuilder::atBlockBegin(&function.getBody().front());
  Type i32 = b.getI32Type();
  Value variable;
  if (!ops.empty()) {
    Value one = LLVM::ConstantOp::create(b, loc, i32, b.getI32IntegerAttr(1));
    Value zero = LLVM::ConstantOp::create(b, loc, i32, b.getI32IntegerAttr(0));
    variable = LLVM::AllocaOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()), i32, one);
    LLVM::StoreOp::create(b, loc, zero, variable);
  }
  for (kernel::RaiseOp op : ops) {
    b.setInsertionPoint(op);
    Value condition = op.getCondition();
    if (isa<VectorType>(condition.getType()))
      condition = vector::ReductionOp::create(b, op.getLoc(), vector::CombiningKind::OR, condition);
    Value code = arith::ConstantOp::create(b, op.getLoc(), b.getI32IntegerAttr(op.getCode()));
    Value before = LLVM::LoadOp::create(b, op.getLoc(), i32, variable);
    Value raised = arith::MaxSIOp::create(b, op.getLoc(), before, code);
    Value after = arith::SelectOp::create(b, op.getLoc(), condition, raised, before);
    LLVM::StoreOp::create(b, op.getLoc(), after, variable);
    op.erase();
  }
  function.walk([&](func::ReturnOp op) {
    b.setInsertionPoint(op);
    Value code = variable ? Value(LLVM::LoadOp::create(b, loc, i32, variable))
                          : Value(arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0)));
    op.getOperandsMutable().assign(code);
  });
  function.setType(b.getFunctionType(function.getFunctionType().getInputs(), {i32}));
}

/// A vector stored to elements of less than a byte is one read-modify-write per lane that exists.
static void scalarizePackedStore(kernel::StoreOp op) {
  auto vector = dyn_cast<VectorType>(op.getValue().getType());
  if (!vector || bitsInMemory(op.getBuffer().getType().getElementType()) >= 8)
    return;
  OpBuilder b(op);
  Location loc = op.getLoc();
  for (int64_t lane = 0; lane < vector.getNumElements(); ++lane) {
    OpBuilder::InsertionGuard guard(b);
    if (op.getMask()) {
      Value exists = vector::ExtractOp::create(b, loc, op.getMask(), lane);
      auto branch = scf::IfOp::create(b, loc, exists, /*withElseRegion=*/false);
      b.setInsertionPointToStart(branch.thenBlock());
    }
    Value value = vector::ExtractOp::create(b, loc, op.getValue(), lane);
    Value distance = arith::ConstantIndexOp::create(b, loc, lane);
    Value offset = arith::AddIOp::create(b, loc, op.getOffset(), distance);
    kernel::StoreOp::create(b, loc, value, op.getBuffer(), offset, Value());
  }
  op.erase();
}

LLVM::LoopAnnotationAttr noUnroll(MLIRContext *context) {
  auto yes = BoolAttr::get(context, true);
  auto unroll = LLVM::LoopUnrollAttr::get(context, yes, {}, {}, {}, {}, {}, {});
  return LLVM::LoopAnnotationAttr::get(context, {}, {}, {}, unroll, {}, {}, {}, {}, {}, {}, {}, {},
                                       {}, {}, {});
}

LLVM::LoopAnnotationAttr vectorize(MLIRContext *context) {
  auto no = BoolAttr::get(context, false);
  auto vectorize = LLVM::LoopVectorizeAttr::get(context, /*disable=*/no, {}, {}, {}, {}, {}, {});
  return LLVM::LoopAnnotationAttr::get(context, {}, vectorize, {}, {}, {}, {}, {}, {}, {}, {}, {},
                                       {}, {}, {}, {});
}

FailureOr<KernelSignature> prepareKernel(func::FuncOp function, ModuleOp module) {
  KernelSignature signature;
  signature.name = function.getName().str();
  auto notAKernel = [&](StringRef why) {
    return function.emitError() << "'" << signature.name << "' is not a kernel: " << why;
  };
  ArrayRef<Type> types = function.getFunctionType().getInputs();
  auto isBuffer = [](Type type) { return isa<kernel::BufferType>(type); };
  signature.buffers = llvm::find_if_not(types, isBuffer) - types.begin();
  ArrayRef<Type> sizes = types.drop_front(signature.buffers);
  if (sizes.empty() || !llvm::all_of(sizes, [](Type type) { return type.isIndex(); }))
    return notAKernel("its arguments must be buffers, then sizes and a tile number of type index");
  if (function.getNumResults() != 0)
    return notAKernel("it has results");
  signature.params = sizes.size() - 1;

  SmallVector<kernel::ZerosOp> zeros;
  SmallVector<kernel::StoreOp> stores;
  function.walk([&](Operation *op) {
    if (auto zero = dyn_cast<kernel::ZerosOp>(op))
      zeros.push_back(zero);
    else if (auto store = dyn_cast<kernel::StoreOp>(op))
      stores.push_back(store);
  });
  llvm::for_each(zeros, [&](kernel::ZerosOp op) { replaceZeros(op, module); });
  llvm::for_each(stores, scalarizePackedStore);
  replaceScratch(function, signature);
  replaceTexts(function, signature);
  replaceRaises(function);

  // Reads may overlap reads: noalias speaks of memory that somebody writes.
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (!function.getArgument(i).getType().isIndex())
      function.setArgAttr(i, "llvm.noalias", UnitAttr::get(function.getContext()));
  function.setName(bodyName(signature.name));
  function.setPrivate();
  return signature;
}

} // namespace longtail::emit
