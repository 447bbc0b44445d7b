// Internal to codegen/Emit: the steps from kernels to the LLVM dialect.
#pragma once
#include "codegen/Target/Target.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace longtail::emit {

/// What the kernel ABI's function has to pass to the body of a kernel.
struct KernelSignature {
  std::string name; // of the kernel; the body's is bodyName(name)
  unsigned buffers = 0;
  unsigned params = 0;
  llvm::SmallVector<int64_t> scratchOffsets; // bytes, one pointer argument each, after the tile
  bool takesFrame = false;                   // the lt_kernel_frame is the last argument
};

// Offsets in lt_kernel_frame, bytes.
inline constexpr int64_t kFrameBuffers = 8, kFrameParams = 16, kFrameScratch = 24, kFrameText = 32;

std::string bodyName(llvm::StringRef kernel);

/// Turns a kernel into its body: gives it a return code, pointer arguments for its scratch buffers,
/// a constant for its zeros; expands what has no counterpart in LLVM. Fails with a diagnostic where
/// the function is no kernel.
mlir::FailureOr<KernelSignature> prepareKernel(mlir::func::FuncOp function, mlir::ModuleOp module);

/// Loads, stores, gathers and pointer operations of the kernel dialect, and the type of buffers.
void populateKernelToLLVMPatterns(mlir::LLVMTypeConverter &converter,
                                  mlir::RewritePatternSet &patterns);

/// Adds the function that the runtime calls: `int32_t name(frame, begin, end)`. The body has been
/// converted to an llvm.func already.
void buildAbiWrapper(mlir::ModuleOp module, const KernelSignature &kernel);

/// Replaces sums of products of bytes by what the target has for them.
void lowerDotProducts(mlir::ModuleOp module, const target::TargetDescription &target);
/// The same for permutations of vectors.
void lowerPermutes(mlir::ModuleOp module, const target::TargetDescription &target);

/// All of the above on every function of `module`. Safe to run on different modules of one context
/// at once, once the dialects of registerEmitDialects are loaded.
mlir::LogicalResult lowerKernels(mlir::ModuleOp module, const target::TargetDescription &target);

/// Tells LLVM not to unroll a loop; set on the branch back to its head.
mlir::LLVM::LoopAnnotationAttr noUnroll(mlir::MLIRContext *context);
/// Tells LLVM to vectorize a loop of scalars; set likewise.
mlir::LLVM::LoopAnnotationAttr vectorize(mlir::MLIRContext *context);

/// The bits that an element takes in memory: 8 for i1, the width of the type otherwise.
unsigned bitsInMemory(mlir::Type elementType);

} // namespace longtail::emit
