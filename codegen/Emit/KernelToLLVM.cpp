// Kernels to the LLVM dialect: kernel operations by patterns of this folder, the rest by MLIR's.
#include "codegen/Emit/KernelToLLVM.h"
#include "codegen/Emit/Emit.h"
#include "codegen/Math/Math.h"
#include "dialects/Kernel/IR/Kernel.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace longtail;
using namespace longtail::emit;

namespace {

/// A mask of the first lanes: 32-bit lane numbers against the number clamped to what they can hold.
struct LowerCreateMask : OpRewritePattern<vector::CreateMaskOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(vector::CreateMaskOp op, PatternRewriter &b) const override {
    VectorType type = op.getType();
    if (type.getRank() != 1 || type.isScalable())
      return failure();
    Location loc = op.getLoc();
    int64_t lanes = type.getNumElements();
    Value count =
        arith::MaxSIOp::create(b, loc, op.getOperand(0), arith::ConstantIndexOp::create(b, loc, 0));
    count = arith::MinSIOp::create(b, loc, count, arith::ConstantIndexOp::create(b, loc, lanes));
    count = arith::IndexCastOp::create(b, loc, b.getI32Type(), count);
    auto numbers = VectorType::get({lanes}, b.getI32Type());
    SmallVector<int32_t> steps = llvm::to_vector(llvm::seq<int32_t>(0, lanes));
    Value step =
        arith::ConstantOp::create(b, loc, DenseElementsAttr::get(numbers, ArrayRef(steps)));
    Value limit = vector::BroadcastOp::create(b, loc, numbers, count);
    b.replaceOpWithNewOp<arith::CmpIOp>(op, arith::CmpIPredicate::slt, step, limit);
    return success();
  }
};

/// Divisions of data must not trap whatever the divisor: by zero they give any value (the kernel
/// raises an error of its own), and the lowest number by -1 wraps around.
void makeDivisionSafe(Operation *op) {
  bool isSigned = isa<arith::DivSIOp, arith::RemSIOp>(op);
  if (!isSigned && !isa<arith::DivUIOp, arith::RemUIOp>(op))
    return;
  Type type = op->getResult(0).getType();
  auto element = dyn_cast<IntegerType>(getElementTypeOrSelf(type));
  APInt divisor;
  if (!element)
    return;
  if (matchPattern(op->getOperand(1), m_ConstantInt(&divisor)) && !divisor.isZero() &&
      !divisor.isAllOnes())
    return;
  OpBuilder b(op);
  Location loc = op->getLoc();
  auto constant = [&](const APInt &value) -> Value {
    TypedAttr attribute = b.getIntegerAttr(element, value);
    if (auto shaped = dyn_cast<ShapedType>(type))
      attribute = DenseElementsAttr::get(shaped, cast<Attribute>(attribute));
    return arith::ConstantOp::create(b, loc, attribute);
  };
  unsigned width = element.getWidth();
  Value d = op->getOperand(1), one = constant(APInt(width, 1));
  auto equal = [&](Value value, const APInt &to) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, value, constant(to));
  };
  Value bad = equal(d, APInt::getZero(width));
  if (isSigned && width > 1) {
    Value lowest = equal(op->getOperand(0), APInt::getSignedMinValue(width));
    Value overflow = arith::AndIOp::create(b, loc, lowest, equal(d, APInt::getAllOnes(width)));
    bad = arith::OrIOp::create(b, loc, bad, overflow);
  }
  op->setOperand(1, arith::SelectOp::create(b, loc, bad, one, d));
}

/// The conversion of loops leaves it on the branch back to the head.
constexpr llvm::StringLiteral kAnnotation = "llvm.loop_annotation";

/// The conversion of branches keeps the annotation under the name that it has for loops; LLVM's
/// own attribute is another.
void annotateBranch(LLVM::BrOp branch) {
  auto annotation = branch->getAttrOfType<LLVM::LoopAnnotationAttr>(kAnnotation);
  if (annotation)
    branch.setLoopAnnotationAttr(annotation);
}

void annotateLoop(scf::ForOp loop) {
  if (loop->removeAttr("kernel.no_unroll"))
    loop->setAttr(kAnnotation, noUnroll(loop.getContext()));
  if (loop->removeAttr("kernel.vectorize"))
    loop->setAttr(kAnnotation, vectorize(loop.getContext()));
}

LogicalResult expand(ModuleOp module, const target::TargetDescription &target) {
  longtail::math::MathOptions math;
  math.fma = target.fma;
  math.halfConversion = target.halfConversion;
  math.scale = target.hasFeature("avx512f");
  if (failed(longtail::math::lowerMath(module, math)))
    return failure();
  lowerDotProducts(module, target);
  lowerPermutes(module, target);
  RewritePatternSet patterns(module.getContext());
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  patterns.add<LowerCreateMask>(module.getContext(), /*benefit=*/2);
  vector::populateVectorMaskOpLoweringPatterns(patterns);
  vector::populateVectorStepLoweringPatterns(patterns);
  vector::populateVectorShapeCastLoweringPatterns(patterns);
  vector::populateVectorInsertExtractStridedSliceTransforms(patterns);
  vector::populateVectorInterleaveToShufflePatterns(patterns);
  vector::populateVectorTransposeLoweringPatterns(patterns,
                                                  vector::VectorTransposeLowering::Shuffle1D);
  // No folding and no changes of regions: LLVM does it better, and the accumulators of register
  // tiles must stay the values that they are.
  GreedyRewriteConfig config;
  config.enableFolding(false).enableConstantCSE(false);
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  if (failed(applyPatternsGreedily(module, std::move(patterns), config)))
    return failure();
  module.walk(makeDivisionSafe);
  module.walk(annotateLoop);
  return success();
}

LogicalResult convert(ModuleOp module) {
  MLIRContext *context = module.getContext();
  LowerToLLVMOptions options(context);
  options.overrideIndexBitwidth(64);
  LLVMTypeConverter converter(context, options);
  RewritePatternSet patterns(context);
  populateKernelToLLVMPatterns(converter, patterns);
  populateSCFToControlFlowConversionPatterns(patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  populateMathToLLVMConversionPatterns(converter, patterns);
  index::populateIndexToLLVMConversionPatterns(converter, patterns);
  ub::populateUBToLLVMConversionPatterns(converter, patterns);
  populateVectorToLLVMConversionPatterns(converter, patterns, /*reassociateFPReductions=*/true);
  populateFuncToLLVMConversionPatterns(converter, patterns);
  ConversionTarget legality(*context);
  legality.addLegalDialect<LLVM::LLVMDialect>();
  legality.addLegalOp<ModuleOp>();
  legality.addDynamicallyLegalOp<UnrealizedConversionCastOp>([](UnrealizedConversionCastOp op) {
    return !isa<kernel::BufferType>(op.getResult(0).getType());
  });
  if (failed(applyFullConversion(module, legality, std::move(patterns))))
    return failure();
  module.walk(annotateBranch);
  return success();
}

struct KernelToLLVMPass : PassWrapper<KernelToLLVMPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(KernelToLLVMPass)
  KernelToLLVMPass() = default;
  explicit KernelToLLVMPass(const target::TargetDescription &target) { name = target.name; }
  KernelToLLVMPass(const KernelToLLVMPass &other) : PassWrapper(other) { name = other.name; }

  StringRef getArgument() const override { return "lt-kernel-to-llvm"; }
  StringRef getDescription() const override {
    return "Kernels to the LLVM dialect, with the functions that the runtime calls";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registerEmitDialects(registry);
  }
  void runOnOperation() override {
    const target::TargetDescription *row = target::lookupTarget(name);
    if (!row) {
      getOperation().emitError() << "there is no target '" << name << "'";
      return signalPassFailure();
    }
    if (failed(lowerKernels(getOperation(), *row)))
      signalPassFailure();
  }
  Option<std::string> name{*this, "target", llvm::cl::desc("Row of the table of targets"),
                           llvm::cl::init("x86-64-v3")};
};

} // namespace

LogicalResult emit::lowerKernels(ModuleOp module, const target::TargetDescription &target) {
  SmallVector<KernelSignature> kernels;
  for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>())) {
    if (function.isExternal())
      continue;
    FailureOr<KernelSignature> kernel = prepareKernel(function, module);
    if (failed(kernel))
      return failure();
    kernels.push_back(std::move(*kernel));
  }
  if (failed(expand(module, target)) || failed(convert(module)))
    return failure();
  for (const KernelSignature &kernel : kernels)
    buildAbiWrapper(module, kernel);
  return success();
}

void emit::registerEmitDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect,
                  mlir::index::IndexDialect, kernel::KernelDialect, LLVM::LLVMDialect,
                  mlir::math::MathDialect, scf::SCFDialect, ub::UBDialect, vector::VectorDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

std::unique_ptr<Pass> emit::createKernelToLLVMPass(const target::TargetDescription &target) {
  return std::make_unique<KernelToLLVMPass>(target);
}

void emit::registerEmitPasses() { PassRegistration<KernelToLLVMPass>(); }
