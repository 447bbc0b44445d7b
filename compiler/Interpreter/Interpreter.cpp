#include "compiler/Interpreter/Interpreter.h"
#include "codegen/Emit/Emit.h"
#include "compiler/Interpreter/Activation.h"
#include "dialects/Register.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;

namespace longtail::interpreter {

char RunFault::ID;
void RunFault::log(llvm::raw_ostream &stream) const {
  if (line != 0)
    stream << file << ":" << line << ":" << column << ": ";
  stream << message;
}

FailureOr<std::vector<TensorRef>> run(ModuleOp module, StringRef name, ArrayRef<TensorRef> inputs,
                                      KeepGoing keepGoing) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function || function.isDeclaration())
    return module.emitError("there is no function '" + name + "'");
  Machine machine(std::move(keepGoing));
  auto results = Activation(machine, function).run(inputs);
  if (!results)
    return failure();
  Operation *end = function.getBody().front().getTerminator();
  for (auto [i, result] : llvm::enumerate(*results))
    if (std::optional<int64_t> at = result->firstUndefined()) {
      machine.fail(end->getOperand(i).getLoc(), "element " + textOf(result->indicesOf(*at)) +
                                                    " of result " + llvm::Twine(i) +
                                                    " is never written");
      return failure();
    }
  return std::move(*results);
}

struct Program::Impl {
  std::unique_ptr<MLIRContext> context;
  OwningOpRef<ModuleOp> module;
  func::FuncOp main;
  std::unique_ptr<RunFault> fault; // the first one
  std::unique_ptr<ScopedDiagnosticHandler> handler;

  void note(Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != DiagnosticSeverity::Error || fault)
      return;
    auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>();
    fault = place ? std::make_unique<RunFault>(diagnostic.str(), place.getFilename().str(),
                                               place.getLine(), place.getColumn())
                  : std::make_unique<RunFault>(diagnostic.str(), "", 0, 0);
  }
};

Program::Program() : impl(std::make_unique<Impl>()) {
  DialectRegistry registry;
  registerDialects(registry);
  emit::registerEmitDialects(registry);
  impl->context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  impl->context->loadAllAvailableDialects();
  impl->handler = std::make_unique<ScopedDiagnosticHandler>(
      impl->context.get(), [impl = impl.get()](Diagnostic &each) { impl->note(each); });
}

Program::~Program() = default;
Program::Program(Program &&) noexcept = default;

llvm::Error Program::takeError() {
  RunFault fault = impl->fault ? *impl->fault : RunFault("the run failed", "", 0, 0);
  impl->fault.reset();
  return llvm::make_error<RunFault>(std::move(fault));
}

llvm::Expected<Program> Program::parse(StringRef text) {
  Program program;
  program.impl->module =
      parseSourceString<ModuleOp>(text, program.impl->context.get(), "module.mlir");
  if (!program.impl->module)
    return program.takeError();
  program.impl->main = program.impl->module->lookupSymbol<func::FuncOp>("main");
  if (!program.impl->main || program.impl->main.isDeclaration())
    return llvm::make_error<RunFault>("the module has no function 'main'", "", 0, 0);
  return std::move(program);
}

std::vector<Program::Input> Program::getInputs() const {
  std::vector<Input> inputs;
  for (BlockArgument argument : impl->main.getArguments()) {
    auto name = impl->main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "graph.name");
    Input input{name ? name.str() : std::string(), argument.getType(), {}};
    if (auto type = dyn_cast<RankedTensorType>(argument.getType())) {
      input.elementType = type.getElementType();
      for (int64_t size : type.getShape())
        input.sizes.push_back(ShapedType::isDynamic(size) ? -1 : size);
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

llvm::Expected<TensorRef> Program::makeInput(unsigned i, ArrayRef<int64_t> sizes) {
  auto refuse = [&](const llvm::Twine &what) {
    return llvm::make_error<RunFault>(("argument " + llvm::Twine(i) + " " + what).str(), "", 0, 0);
  };
  if (i >= impl->main.getNumArguments())
    return refuse("is one too many: the module has " + llvm::Twine(impl->main.getNumArguments()));
  auto type = dyn_cast<RankedTensorType>(impl->main.getArgument(i).getType());
  if (!type || widthOf(access::computeType(type.getElementType())) == 0)
    return refuse("has a type that is not interpreted");
  if (type.getRank() != static_cast<int64_t>(sizes.size()))
    return refuse("has " + llvm::Twine(sizes.size()) + " dimensions, expected " +
                  llvm::Twine(type.getRank()));
  int64_t count = 1;
  for (auto [size, known] : llvm::zip_equal(sizes, type.getShape())) {
    if (!ShapedType::isDynamic(known) && known != size)
      return refuse("has a dimension of " + llvm::Twine(size) + ", expected " + llvm::Twine(known));
    if (size < 0 || llvm::MulOverflow(count, size, count) || count > Tensor::kMaxCount)
      return refuse("is too large to be interpreted");
  }
  return std::make_shared<Tensor>(type.getElementType(), sizes);
}

llvm::Expected<std::vector<TensorRef>> Program::run(ArrayRef<TensorRef> inputs,
                                                    KeepGoing keepGoing) {
  auto results = interpreter::run(*impl->module, "main", inputs, std::move(keepGoing));
  if (failed(results))
    return takeError();
  return std::move(*results);
}

} // namespace longtail::interpreter
