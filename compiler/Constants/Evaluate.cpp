#include "compiler/Constants/Evaluate.h"
#include "codegen/Container/ContainerWriter.h"
#include "compiler/Plan/ElementType.h"
#include "compiler/Plan/Variants.h"
#include "compiler/RunPipeline.h"
#include "dialects/Graph/IR/Graph.h"
#include "longtail/longtail.hpp"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <deque>

using namespace mlir;

namespace longtail {

namespace {

/// Elements up to this size become part of the IR itself, as the importer does it.
constexpr uint64_t maxInlineBytes = 1024;

class Evaluator {
public:
  Evaluator(ModuleOp module, const PipelineOptions &options, unsigned threads)
      : module(module), options(options), threads(threads) {}

  FailureOr<EvaluationSummary> run();

private:
  LogicalResult compile(ArrayRef<func::CallOp> calls);
  LogicalResult call(func::CallOp call);
  LogicalResult bindInputs(func::CallOp call, api::Context &context);
  lt_tensor describe(RankedTensorType type, ArrayRef<char> bytes);
  ElementsAttr attributeOf(RankedTensorType type, AsmResourceBlob blob, StringRef name);

  ModuleOp module;
  const PipelineOptions &options;
  unsigned threads;
  std::vector<uint8_t> artifact;
  api::Module program;
  std::deque<std::vector<char>> copies; // of inputs, for one call
  EvaluationSummary summary;
};

} // namespace

LogicalResult Evaluator::compile(ArrayRef<func::CallOp> calls) {
  OwningOpRef<ModuleOp> host = ModuleOp::create(module.getLoc());
  target::TargetDescription target = target::hostTarget();
  (*host)->setAttr("kernel.target", target::toAttribute(target, module.getContext()));
  for (func::CallOp call : calls) {
    auto function = module.lookupSymbol<func::FuncOp>(call.getCallee());
    function->remove();
    host->push_back(function);
  }
  if (failed(runPipeline(*host, schedulePipeline(options))) ||
      failed(runPipeline(*host, kernelPipeline(options))))
    return failure();
  OwningOpRef<ModuleOp> kernels = plan::takeKernels(*host);
  emit::EmitOptions emitOptions;
  emitOptions.threads = threads;
  FailureOr<emit::CodeImage> image = emit::emitCode(*kernels, target, emitOptions);
  if (failed(image))
    return failure();
  container::Program constants;
  plan::WeightTable weights(constants);
  FailureOr<container::Variant> variant =
      plan::buildVariant(*host, std::move(*image), target, weights);
  if (failed(variant))
    return failure();
  constants.variants.push_back(std::move(*variant));
  std::string message;
  if (!container::writeContainer(constants, message, artifact))
    return module.emitError() << "computing constants: " << message;
  auto opened = api::Module::openMemory(artifact.data(), artifact.size());
  if (!opened)
    return module.emitError() << "computing constants: " << opened.error().message();
  program = *opened;
  return success();
}

lt_tensor Evaluator::describe(RankedTensorType type, ArrayRef<char> bytes) {
  lt_tensor tensor = LT_INIT(lt_tensor);
  tensor.dtype = plan::dtypeOf(type.getElementType());
  tensor.rank = type.getRank();
  llvm::copy(type.getShape(), tensor.dims);
  tensor.bytes = bytes.size();
  tensor.data = const_cast<char *>(bytes.data());
  return tensor;
}

LogicalResult Evaluator::bindInputs(func::CallOp call, api::Context &context) {
  for (auto [number, operand] : llvm::enumerate(call.getOperands())) {
    auto constant = operand.getDefiningOp<graph::ConstantOp>();
    if (!constant)
      return call.emitError("computing constants: an argument is no constant");
    std::vector<char> copy;
    FailureOr<ArrayRef<char>> bytes =
        plan::bytesOf(constant.getValue(), copy, [&] { return constant.emitOpError(); });
    if (failed(bytes))
      return failure();
    // A model's file may hold elements at any address; the runtime wants them aligned.
    bool aligned = reinterpret_cast<uintptr_t>(bytes->data()) % 8 == 0;
    if (copy.empty() && !aligned)
      copy.assign(bytes->begin(), bytes->end());
    if (!copy.empty()) {
      copies.push_back(std::move(copy));
      bytes = ArrayRef<char>(copies.back());
    }
    auto type = cast<RankedTensorType>(constant.getType());
    if (api::Error error = context.bindInput(number, describe(type, *bytes)))
      return call.emitError() << "computing constants: " << error.message();
  }
  return success();
}

ElementsAttr Evaluator::attributeOf(RankedTensorType type, AsmResourceBlob blob, StringRef name) {
  ArrayRef<char> bytes = blob.getData();
  if (type.getElementType().isInteger(1)) {
    SmallVector<bool> values = llvm::map_to_vector(bytes, [](char c) { return c != 0; });
    return DenseElementsAttr::get(type, values);
  }
  if (bytes.size() <= maxInlineBytes && plan::storageBits(type.getElementType()) >= 8)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  return DenseResourceElementsAttr::get(type, name, std::move(blob));
}

LogicalResult Evaluator::call(func::CallOp call) {
  auto fail = [&](const api::Error &error) {
    return call.emitError() << "computing constants: " << error.message();
  };
  auto function = program.function(call.getCallee().str().c_str());
  if (!function)
    return fail(function.error());
  auto context = api::Context::create(program, function->ordinal, threads);
  if (!context)
    return fail(context.error());
  copies.clear();
  if (failed(bindInputs(call, *context)))
    return failure();
  SmallVector<AsmResourceBlob> blobs;
  for (auto [number, result] : llvm::enumerate(call.getResults())) {
    auto type = cast<RankedTensorType>(result.getType());
    uint64_t bytes = *plan::staticBytes(type);
    blobs.push_back(HeapAsmResourceBlob::allocate(bytes, 64));
    ArrayRef<char> memory = blobs.back().getData();
    if (api::Error error = context->bindOutput(number, describe(type, memory)))
      return fail(error);
    summary.bytes += bytes;
  }
  if (api::Error error = context->run())
    return fail(error);
  OpBuilder builder(call);
  for (auto [number, result] : llvm::enumerate(call.getResults())) {
    auto type = cast<RankedTensorType>(result.getType());
    std::string name = (call.getCallee() + "_" + Twine(number)).str();
    ElementsAttr value = attributeOf(type, std::move(blobs[number]), name);
    auto constant =
        graph::ConstantOp::create(builder, call.getLoc(), type, value, builder.getStringAttr(name));
    result.replaceAllUsesWith(constant.getResult());
  }
  return success();
}

FailureOr<EvaluationSummary> Evaluator::run() {
  SmallVector<func::CallOp> calls;
  module.walk([&](func::CallOp call) { calls.push_back(call); });
  if (calls.empty())
    return summary;
  if (failed(compile(calls)))
    return failure();
  for (func::CallOp each : calls) {
    if (failed(call(each)))
      return failure();
    SmallVector<Value> operands(each.getOperands());
    each.erase();
    for (Value operand : operands)
      if (Operation *op = operand.getDefiningOp(); op && op->use_empty())
        op->erase();
  }
  summary.functions = calls.size();
  return summary;
}

FailureOr<EvaluationSummary> evaluateConstants(ModuleOp module, const PipelineOptions &options,
                                               unsigned threads) {
  return Evaluator(module, options, threads).run();
}

} // namespace longtail
