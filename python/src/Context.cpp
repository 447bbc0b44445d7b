#include "Context.h"
#include "Arrays.h"
#include "Errors.h"

namespace py = pybind11;

namespace longtail::python {

Context::Context(std::shared_ptr<Module> source, const std::string &function, unsigned threads)
    : module(std::move(source)), signature(module->signature(function)), threads(threads) {
  create();
}

void Context::create() {
  lt_context_opts opts = LT_INIT(lt_context_opts);
  lt_error error = LT_INIT(lt_error);
  opts.threads = threads;
  opts.flags = tracing ? LT_CONTEXT_TRACE : 0;
  lt_context *fresh = nullptr;
  check(lt_context_create(module->get(), signature.ordinal, &opts, &fresh, &error), error);
  lt_context_destroy(handle);
  handle = fresh;
}

py::list Context::run(const py::sequence &arrays) {
  size_t count = signature.inputs.size();
  if (arrays.size() != count)
    throw py::value_error(std::to_string(arrays.size()) + " arrays given, expected " +
                          std::to_string(count));
  std::vector<Input> inputs;
  inputs.reserve(count);
  lt_error error = LT_INIT(lt_error);
  shapes.clear();
  for (size_t i = 0; i < count; ++i) {
    inputs.push_back(toInput(arrays[i], signature.inputs[i]));
    check(lt_bind(handle, static_cast<uint32_t>(i), &inputs.back().tensor, &error), error);
    shapes.push_back(inputs.back().tensor);
  }
  lt_rc code;
  {
    py::gil_scoped_release release;
    code = lt_run(handle, &error);
  }
  check(code, error);
  py::list results;
  for (size_t i = 0; i < signature.outputs.size(); ++i) {
    lt_tensor output = LT_INIT(lt_tensor);
    check(lt_output(handle, static_cast<uint32_t>(count + i), &output, &error), error);
    results.append(toArray(output));
  }
  return results;
}

void Context::trace(bool enable) {
  if (enable == tracing)
    return;
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
                                 record.duration_ns));
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
      .def("run", &Context::run, py::arg("arrays"),
           "Runs with one C-contiguous array for each input; returns one for each output.")
      .def("trace", &Context::trace, py::arg("enable"), "Records the steps' times from now on.")
      .def("steps", &Context::steps, "(name, nanoseconds) of each step of the last run.")
      .def("arena_bytes", &Context::arenaBytes, "Memory between the steps of the last run.");
}

} // namespace longtail::python
