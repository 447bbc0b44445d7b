#include "Interpreter.h"
#include "compiler/Interpreter/Interpreter.h"
#include <optional>
#include <pybind11/stl.h>

namespace py = pybind11;
using namespace longtail::interpreter;

namespace longtail::python {

static PyObject *faultType = nullptr; // lives as long as the process

/// An array: the name of its element type, its sizes and its elements in row-major order.
using Array = std::tuple<std::string, std::vector<int64_t>, py::bytes>;

static std::string nameOf(mlir::Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

[[noreturn]] static void raise(const RunFault &fault) {
  py::object value = py::reinterpret_borrow<py::object>(faultType)(fault.message);
  value.attr("file") = fault.file;
  value.attr("line") = fault.line;
  value.attr("column") = fault.column;
  value.attr("is_input") = fault.isInput;
  PyErr_SetObject(faultType, value.ptr());
  throw py::error_already_set();
}

[[noreturn]] static void raise(llvm::Error error) {
  std::optional<RunFault> fault;
  llvm::handleAllErrors(std::move(error), [&](const RunFault &each) { fault = each; });
  raise(*fault);
}

static TensorRef toTensor(Program &program, unsigned number, const Array &array) {
  const auto &[type, sizes, bytes] = array;
  llvm::Expected<TensorRef> tensor = program.makeInput(number, sizes);
  if (!tensor)
    raise(tensor.takeError());
  std::string expected = nameOf((*tensor)->getElementType());
  std::string_view data = bytes;
  if (type != expected)
    raise(RunFault("input " + std::to_string(number) + " has elements of type " + type +
                       ", expected " + expected,
                   true));
  if (static_cast<int64_t>(data.size()) != (*tensor)->getCount() * (*tensor)->getElementBytes())
    raise(RunFault("input " + std::to_string(number) + " has " + std::to_string(data.size()) +
                       " bytes",
                   true));
  (*tensor)->setData({data.data(), data.size()});
  return *tensor;
}

static std::vector<Array> interpret(const py::bytes &text, const std::vector<Array> &inputs) {
  std::string_view view = text;
  llvm::Expected<Program> program = Program::parse(std::string(view));
  if (!program)
    raise(program.takeError());
  std::vector<TensorRef> tensors;
  for (const Array &input : inputs)
    tensors.push_back(toTensor(*program, tensors.size(), input));
  // An exception must not pass through the interpreter: it ends the run and is raised after it.
  std::optional<py::error_already_set> raised;
  auto keepGoing = [&] {
    py::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals())
      raised.emplace();
    return !raised;
  };
  std::optional<llvm::Expected<std::vector<TensorRef>>> results;
  {
    py::gil_scoped_release release;
    results.emplace(program->run(tensors, keepGoing));
  }
  if (raised) {
    llvm::consumeError(results->takeError());
    throw py::error_already_set(*raised);
  }
  if (!*results)
    raise(results->takeError());
  std::vector<Array> arrays;
  for (const TensorRef &result : **results)
    arrays.emplace_back(nameOf(result->getElementType()), result->getSizes().vec(),
                        py::bytes(result->getData().data(), result->getData().size()));
  return arrays;
}

static py::list moduleInputs(const py::bytes &text) {
  std::string_view view = text;
  llvm::Expected<Program> program = Program::parse(std::string(view));
  if (!program)
    raise(program.takeError());
  py::list inputs;
  for (const Program::Input &input : program->getInputs())
    inputs.append(py::make_tuple(input.name, nameOf(input.elementType), input.sizes));
  return inputs;
}

void bindInterpreter(py::module_ &module) {
  faultType = PyErr_NewExceptionWithDoc(
      "longtail._compiler.RunFault",
      "A module did something that is not defined; `file`, `line` and `column` (0: not known) say "
      "where; `is_input`: the arrays do not fit.",
      PyExc_Exception, nullptr);
  if (!faultType)
    throw py::error_already_set();
  module.add_object("RunFault", py::handle(faultType));
  module.def(
      "interpret", interpret, py::arg("text"), py::arg("inputs"),
      "Runs the function 'main' of a module's text before it is lowered to kernels. Arrays are "
      "(element type, sizes, bytes of all elements in row-major order).");
  module.def(
      "module_inputs", moduleInputs, py::arg("text"),
      "(name or \"\", element type, sizes) of each argument of a module's function 'main'; a "
      "size of -1 may vary.");
}

} // namespace longtail::python
