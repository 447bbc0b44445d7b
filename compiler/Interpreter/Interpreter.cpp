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
                                      KeepGoing keepGoing, bool *refused) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function || function.isDeclaration())
    return module.emitError("there is no function '" + name + "'");
  Machine machine(std::move(keepGoing));
  auto results = Activation(machine, function).run(inputs);
  if (refused)
    *refused = machine.refusesInputs;
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
    fault = std::make_unique<RunFault>(diagnostic.str());
    if (auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>()) {
      fault->file = place.getFilename().str();
      fault->line = place.getLine();
      fault->column = place.getColumn();
    }
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
  RunFault fault = impl->fault ? *impl->fault : RunFault("the run failed");
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
    return llvm::make_error<RunFault>("the module has no function 'main'");
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
  if (i >= impl->main.getNumArguments())
    return llvm::make_error<RunFault>("input " + std::to_string(i) +
                                          " is one too many: there are " +
                                          std::to_string(impl->main.getNumArguments()),
                                      true);
  Input input = getInputs()[i];
  std::string name = input.name.empty() ? std::to_string(i) : "'" + input.name + "'";
  auto refuse = [&](const llvm::Twine &what) {
    return llvm::make_error<RunFault>(("input " + name + " " + what).str(), true);
  };
  if (!isa<RankedTensorType>(impl->main.getArgument(i).getType()) ||
      widthOf(access::computeType(input.elementType)) == 0)
    return refuse("has a type that is not interpreted");
  if (input.sizes.size() != sizes.size())
    return refuse("has rank " + llvm::Twine(sizes.size()) + ", expected " +
                  llvm::Twine(input.sizes.size()));
  int64_t count = 1;
  for (auto [dim, size, known] : llvm::enumerate(sizes, input.sizes)) {
    if (known >= 0 && known != size)
      return refuse("dimension " + llvm::Twine(dim) + " is " + llvm::Twine(size) + ", expected " +
                    llvm::Twine(known));
    if (size < 0 || llvm::MulOverflow(count, size, count) || count > Tensor::kMaxCount)
      return refuse("is too large to be interpreted");
  }
  return std::make_shared<Tensor>(input.elementType, sizes);
}

llvm::Expected<std::vector<TensorRef>> Program::run(ArrayRef<TensorRef> inputs,
                                                    KeepGoing keepGoing) {
  bool refused = false;
  auto results = interpreter::run(*impl->module, "main", inputs, std::move(keepGoing), &refused);
  if (failed(results)) {
    if (impl->fault)
      impl->fault->isInput = refused;
    return takeError();
  }
  return std::move(*results);
}

} // namespace longtail::interpreter
