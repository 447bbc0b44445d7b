// The function of the kernel ABI around a kernel's body.
#include "codegen/Emit/KernelToLLVM.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace longtail::emit {

void buildAbiWrapper(ModuleOp module, const KernelSignature &kernel) {
  auto body = module.lookupSymbol<LLVM::LLVMFuncOp>(bodyName(kernel.name));
  body.setLinkage(LLVM::Linkage::Internal);
  body.setAlwaysInline(true);
  Location loc = body.getLoc();

  OpBuilder b(module.getContext());
  b.setInsertionPointAfter(body);
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto type = LLVM::LLVMFunctionType::get(i32, {pointer, i64, i64});
  auto function = LLVM::LLVMFuncOp::create(b, loc, kernel.name, type);
  Block *entry = function.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  Value frame = entry->getArgument(0), begin = entry->getArgument(1), end = entry->getArgument(2);
  auto at = [&](Value base, int64_t bytes) -> Value {
    return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), base, LLVM::GEPArg(int32_t(bytes)),
                               LLVM::GEPNoWrapFlags::inbounds);
  };
  auto load = [&](Type what, Value base, int64_t bytes) -> Value {
    return LLVM::LoadOp::create(b, loc, what, at(base, bytes), 8);
  };

  // The frame does not change while the kernel runs: everything is loaded once.
  SmallVector<Value> arguments;
  if (kernel.buffers) {
    Value buffers = load(pointer, frame, kFrameBuffers);
    for (unsigned i = 0; i < kernel.buffers; ++i)
      arguments.push_back(load(pointer, buffers, i * 8));
  }
  if (kernel.params) {
    Value params = load(pointer, frame, kFrameParams);
    for (unsigned i = 0; i < kernel.params; ++i)
      arguments.push_back(load(i64, params, i * 8));
  }
  unsigned tilePosition = arguments.size();
  arguments.push_back(begin);
  if (!kernel.scratchOffsets.empty()) {
    Value scratch = load(pointer, frame, kFrameScratch);
    for (int64_t offset : kernel.scratchOffsets)
      arguments.push_back(at(scratch, offset));
  }
  if (kernel.takesFrame)
    arguments.push_back(frame);

  // for (tile = begin; tile < end; ++tile) code = max(code, body(..., tile, ...))
  Value zero = LLVM::ConstantOp::create(b, loc, i32, b.getI32IntegerAttr(0));
  Value one = LLVM::ConstantOp::create(b, loc, i64, b.getI64IntegerAttr(1));
  Region &region = function.getBody();
  Block *header = b.createBlock(&region, region.end(), {i64, i32}, {loc, loc});
  Block *tile = b.createBlock(&region, region.end());
  Block *exit = b.createBlock(&region, region.end());
  b.setInsertionPointToEnd(entry);
  LLVM::BrOp::create(b, loc, ValueRange{begin, zero}, header);
  b.setInsertionPointToEnd(header);
  Value number = header->getArgument(0), code = header->getArgument(1);
  Value more = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::slt, number, end);
  LLVM::CondBrOp::create(b, loc, more, tile, exit);
  b.setInsertionPointToEnd(tile);
  arguments[tilePosition] = number;
  Value result = LLVM::CallOp::create(b, loc, body, arguments).getResult();
  Value highest = LLVM::SMaxOp::create(b, loc, code, result);
  Value next = LLVM::AddOp::create(b, loc, number, one);
  auto back = LLVM::BrOp::create(b, loc, ValueRange{next, highest}, header);
  back.setLoopAnnotationAttr(noUnroll(b.getContext()));
  b.setInsertionPointToEnd(exit);
  LLVM::ReturnOp::create(b, loc, code);
}

} // namespace longtail::emit
