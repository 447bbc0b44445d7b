#include "Context.h"
#include "Errors.h"

namespace py = pybind11;

namespace longtail::python {

Context::Context(std::shared_ptr<Module> source, const std::string &function, unsigned threads)
    : module(std::move(source)), signature(module->signature(function)), threads(threads) {
  for (const lt_io_info &info : signature.inputs)
    inputTypes.push_back(plainType(info.dtype));
  for (const lt_io_info &info : signature.outputs)
    outputTypes.push_back(plainType(info.dtype));
  create();
}

void Context::create() {
  checkIdle();
  lt_context_opts opts = LT_INIT(lt_context_opts);
  lt_error error = LT_INIT(lt_error);
  opts.threads = threads;
  opts.flags = tracing ? LT_CONTEXT_TRACE : 0;
  lt_context *fresh = nullptr;
  check(lt_context_create(module->get(), signature.ordinal, &opts, &fresh, &error), error);
  lt_context_destroy(handle);
  handle = fresh;
  bound = false;
  inputs.clear();
  outputs.assign(signature.outputs.size(), Output());
}

/// While one thread of Python is in a call, which may let go of the GIL, what is bound must stay.
class Context::Use {
public:
  explicit Use(Context &context) : context(context) {
    context.checkIdle();
    context.busy = true;
  }
  ~Use() { context.busy = false; }
  Use(const Use &) = delete;

private:
  Context &context;
};

void Context::checkIdle() const {
  if (!busy)
    return;
  lt_error error = LT_INIT(lt_error);
  error.code = LT_ERR_STATE;
  std::string("another call is using this context").copy(error.msg, sizeof error.msg - 1);
  check(error.code, error);
}

static void checkCount(size_t given, size_t expected, const char *what) {
  if (given != expected)
    throw py::value_error(std::to_string(given) + " arrays given" + what + ", expected " +
                          std::to_string(expected));
}

void Context::bindInputs(const py::sequence &arrays) {
  size_t count = signature.inputs.size();
  checkCount(arrays.size(), count, "");
  std::vector<Input> given;
  given.reserve(count);
  lt_error error = LT_INIT(lt_error);
  shapes.clear();
  inputs.clear();
  bound = false;
  for (size_t i = 0; i < count; ++i) {
    given.push_back(toInput(arrays[i], signature.inputs[i], inputTypes[i]));
    check(lt_bind(handle, static_cast<uint32_t>(i), &given.back().tensor, &error), error);
    shapes.push_back(given.back().tensor);
  }
  inputs = std::move(given); // only now: a run needs all of them
}

void Context::bindOutputs(const py::object &arrays) {
  size_t count = signature.outputs.size();
  py::sequence given;
  if (!arrays.is_none()) {
    given = py::cast<py::sequence>(arrays);
    checkCount(given.size(), count, " for outputs");
  }
  lt_error error = LT_INIT(lt_error);
  for (size_t i = 0; i < count; ++i) {
    py::object value = arrays.is_none() ? py::none() : py::object(given[i]);
    auto slot = static_cast<uint32_t>(signature.inputs.size() + i);
    Output output;
    if (!value.is_none())
      output = toOutput(value, signature.outputs[i], outputTypes[i]);
    bool direct = output.owner && !output.packed;
    if (direct)
      check(lt_bind(handle, slot, &output.tensor, &error), error);
    else if (outputs[i].owner && !outputs[i].packed)
      check(lt_bind(handle, slot, nullptr, &error), error);
    outputs[i] = std::move(output);
  }
}

/// Unbinds the outputs, whose arrays may go away.
void Context::forget() {
  inputs.clear();
  bindOutputs(py::none());
}

void Context::execute() {
  lt_error error = LT_INIT(lt_error);
  lt_rc code;
  {
    py::gil_scoped_release release;
    code = lt_run(handle, &error);
  }
  check(code, error);
}

lt_tensor Context::result(size_t output) const {
  lt_error error = LT_INIT(lt_error);
  lt_tensor tensor = LT_INIT(lt_tensor);
  auto slot = static_cast<uint32_t>(signature.inputs.size() + output);
  check(lt_output(handle, slot, &tensor, &error), error);
  return tensor;
}

void Context::fillPacked() {
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].packed)
      fillArray(outputs[i], result(i), signature.outputs[i].name);
}

py::list Context::run(const py::sequence &arrays, const py::object &outputArrays) {
  Use use(*this);
  bindInputs(arrays);
  bindOutputs(outputArrays);
  execute();
  fillPacked();
  py::list results;
  for (size_t i = 0; i < outputs.size(); ++i)
    results.append(outputs[i].owner ? outputs[i].owner : toArray(result(i)));
  forget();
  return results;
}

static bool haveSameDims(const lt_tensor &a, const lt_tensor &b) {
  return a.rank == b.rank && std::equal(a.dims, a.dims + a.rank, b.dims);
}

/// The dims of the outputs for the inputs of `shapes`.
void Context::planOutputs() {
  if (plannedInputs.size() == shapes.size() &&
      std::equal(shapes.begin(), shapes.end(), plannedInputs.begin(), haveSameDims))
    return;
  plannedInputs = shapes;
  planned.assign(outputs.size(), LT_INIT(lt_tensor));
  lt_error error = LT_INIT(lt_error);
  // What is wrong with the inputs is told by the run.
  if (lt_plan(module->get(), signature.ordinal, shapes.data(), static_cast<uint32_t>(shapes.size()),
              nullptr, planned.data(), static_cast<uint32_t>(planned.size()), &error) != LT_OK)
    planned.clear();
}

/// Binds outputs that are large to new arrays: copying them would take as long as much of a run.
std::vector<py::object> Context::bindNewOutputs() {
  constexpr uint64_t kLarge = 16384; // bytes
  std::vector<py::object> arrays(outputs.size());
  planOutputs();
  for (size_t i = 0; i < planned.size(); ++i) {
    if (planned[i].bytes < kLarge)
      continue;
    lt_tensor tensor = planned[i];
    py::object array = newPlainArray(tensor, outputTypes[i]);
    lt_error error = LT_INIT(lt_error);
    auto slot = static_cast<uint32_t>(signature.inputs.size() + i);
    if (lt_bind(handle, slot, &tensor, &error) == LT_OK)
      arrays[i] = std::move(array);
  }
  return arrays;
}

py::object Context::call(const py::tuple &arrays) {
  auto no = [] { return py::reinterpret_borrow<py::object>(Py_NotImplemented); };
  size_t count = signature.inputs.size();
  if (arrays.size() != count || busy || bound)
    return no();
  shapes.resize(count);
  for (size_t i = 0; i < count; ++i)
    if (!borrowPlain(PyTuple_GET_ITEM(arrays.ptr(), i), signature.inputs[i], inputTypes[i],
                     shapes[i]))
      return no();
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].owner || !outputTypes[i])
      return no();
  Use use(*this);
  lt_error error = LT_INIT(lt_error);
  for (size_t i = 0; i < count; ++i)
    check(lt_bind(handle, static_cast<uint32_t>(i), &shapes[i], &error), error);
  // The arrays are the caller's after the run.
  struct Unbind {
    Context &context;
    std::vector<py::object> arrays;
    ~Unbind() {
      lt_error error = LT_INIT(lt_error);
      for (size_t i = 0; i < arrays.size(); ++i)
        if (arrays[i])
          lt_bind(context.handle, static_cast<uint32_t>(context.signature.inputs.size() + i),
                  nullptr, &error);
    }
  } made{*this, bindNewOutputs()};
  execute();
  auto output = [&](size_t i) {
    return made.arrays[i] ? made.arrays[i] : toPlainArray(result(i), outputTypes[i]);
  };
  if (outputs.size() == 1)
    return output(0);
  py::list results;
  for (size_t i = 0; i < outputs.size(); ++i)
    results.append(output(i));
  return results;
}

void Context::bindArrays(const py::sequence &arrays, const py::sequence &outputArrays) {
  Use use(*this);
  for (const py::handle &each : outputArrays)
    if (each.is_none())
      throw py::value_error("every output needs an array to be bound");
  bindInputs(arrays);
  bindOutputs(outputArrays);
  bound = true;
}

void Context::runBound() {
  Use use(*this);
  if (!bound)
    throw py::value_error("no arrays are bound");
  for (size_t i = 0; i < inputs.size(); ++i)
    pack(inputs[i], signature.inputs[i].name);
  execute();
  fillPacked();
}

py::list Context::outputDims(const py::sequence &arrays) {
  Use use(*this);
  bindInputs(arrays);
  std::vector<lt_tensor> found(signature.outputs.size(), LT_INIT(lt_tensor));
  lt_error error = LT_INIT(lt_error);
  check(lt_plan(module->get(), signature.ordinal, shapes.data(),
                static_cast<uint32_t>(shapes.size()), nullptr, found.data(),
                static_cast<uint32_t>(found.size()), &error),
        error);
  py::list result;
  for (const lt_tensor &tensor : found) {
    py::list dims;
    for (uint16_t i = 0; i < tensor.rank; ++i)
      dims.append(tensor.dims[i]);
    result.append(dims);
  }
  return result;
}

void Context::trace(bool enable) {
  if (enable == tracing)
    return;
  checkIdle();
  tracing = enable; // a property of a context from its creation on
  create();
}

py::list Context::steps() const {
  lt_error error = LT_INIT(lt_error);
  uint32_t count = 0;
  check(lt_trace(handle, nullptr, 0, &count, &error), error);
  std::vector<lt_trace_record> records(count, LT_INIT(lt_trace_record));
  check(lt_trace(handle, records.data(), count, &count, &error), error);
  py::list result;
  for (const lt_trace_record &record : records)
    result.append(py::make_tuple(py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
                                     record.name, strlen(record.name), "replace")),
                                 record.duration_ns, record.kernel[0] != '\0'));
  return result;
}

uint64_t Context::arenaBytes() const {
  if (shapes.size() != signature.inputs.size())
    throw py::value_error("the arena's size is known after the first run");
  lt_error error = LT_INIT(lt_error);
  lt_plan_info info = LT_INIT(lt_plan_info);
  check(lt_plan(module->get(), signature.ordinal, shapes.data(),
                static_cast<uint32_t>(shapes.size()), &info, nullptr, 0, &error),
        error);
  return info.arena_bytes;
}

void Context::bind(py::module_ &module) {
  py::class_<Context>(module, "Context", "One stream of runs; not for two threads at once.")
      .def(py::init<std::shared_ptr<Module>, const std::string &, unsigned>(), py::arg("module"),
           py::arg("func") = "main", py::arg("threads") = 1)
      .def("run", &Context::run, py::arg("arrays"), py::arg("outputs") = py::none(),
           "Runs with one C-contiguous array for each input; returns one for each output: that of "
           "`outputs`, which is written to, or a new one where there is None.")
      .def("call", &Context::call, py::arg("arrays"),
           "Runs with a tuple of arrays that need no conversion and gives the result, or a list of "
           "several; NotImplemented where `run` is needed.")
      .def("bind", &Context::bindArrays, py::arg("arrays"), py::arg("outputs"),
           "Keeps arrays for all inputs and outputs for `run_bound`.")
      .def("run_bound", &Context::runBound, "Runs with the arrays of `bind`.")
      .def("output_dims", &Context::outputDims, py::arg("arrays"),
           "The dimensions of each output for such inputs; -1 is known only after a run.")
      .def("trace", &Context::trace, py::arg("enable"), "Records the steps' times from now on.")
      .def("steps", &Context::steps,
           "(name, nanoseconds, whether a kernel) of each step of the last run.")
      .def("arena_bytes", &Context::arenaBytes, "Memory between the steps of the last run.");
}

} // namespace longtail::python
