#include "Module.h"
#include "Errors.h"
#include "Files.h"
#include <cerrno>
#include <fcntl.h>
#include <pybind11/stl.h>
#include <unistd.h>

namespace py = pybind11;

namespace longtail::python {

Module::Module(py::object origin) {
  lt_source source = LT_INIT(lt_source);
  lt_error error = LT_INIT(lt_error);
  source.fd = -1;
  if (py::isinstance<py::bytes>(origin)) {
    memory = origin;
    char *data = nullptr;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(origin.ptr(), &data, &size))
      throw py::error_already_set();
    source.data = data;
    source.len = static_cast<uint64_t>(size);
  } else {
    source.fd = open(toPath(origin).c_str(), O_RDONLY | O_CLOEXEC);
    if (source.fd < 0) {
      PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, origin.ptr());
      throw py::error_already_set();
    }
  }
  lt_rc code;
  {
    py::gil_scoped_release release;
    code = lt_module_open(&source, nullptr, &handle, &error);
    if (source.fd >= 0)
      close(source.fd);
  }
  check(code, error);
}

std::vector<std::string> Module::functions() const {
  lt_error error = LT_INIT(lt_error);
  lt_info info = LT_INIT(lt_info);
  check(lt_module_info(handle, &info, &error), error);
  std::vector<std::string> names;
  for (uint32_t i = 0; i < info.function_count; ++i) {
    lt_func_info function = LT_INIT(lt_func_info);
    check(lt_module_function_at(handle, i, &function, &error), error);
    names.push_back(function.name);
  }
  return names;
}

Signature Module::signature(const std::string &name) const {
  lt_error error = LT_INIT(lt_error);
  lt_func_info function = LT_INIT(lt_func_info);
  check(lt_module_function(handle, name.c_str(), &function, &error), error);
  Signature signature;
  signature.ordinal = function.ordinal;
  for (uint32_t slot = 0; slot < function.input_count + function.output_count; ++slot) {
    lt_io_info info = LT_INIT(lt_io_info);
    check(lt_module_io(handle, function.ordinal, slot, &info, &error), error);
    (slot < function.input_count ? signature.inputs : signature.outputs).push_back(info);
  }
  return signature;
}

py::dict Module::table(lt_table table) const {
  lt_error error = LT_INIT(lt_error);
  lt_info info = LT_INIT(lt_info);
  check(lt_module_info(handle, &info, &error), error);
  uint32_t count = table == LT_TABLE_METADATA ? info.metadata_count : info.provenance_count;
  auto text = [](const char *bytes) {
    return py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(bytes, strlen(bytes), "replace"));
  };
  py::dict result;
  for (uint32_t i = 0; i < count; ++i) {
    const char *key = nullptr, *value = nullptr;
    check(lt_module_metadata(handle, table, i, &key, &value, &error), error);
    result[text(key)] = text(value);
  }
  return result;
}

static py::list describe(const std::vector<lt_io_info> &values) {
  py::list result;
  for (const lt_io_info &info : values)
    result.append(py::make_tuple(info.name, static_cast<int>(info.dtype),
                                 std::vector<int64_t>(info.dims, info.dims + info.rank)));
  return result;
}

void Module::bind(py::module_ &module) {
  py::class_<Module, std::shared_ptr<Module>>(module, "Module", "An opened artifact.")
      .def(py::init<py::object>(), py::arg("source"), "Opens a path, or an artifact in bytes.")
      .def("functions", &Module::functions, "The names of the functions.")
      .def(
          "inputs",
          [](const Module &self, const std::string &func) {
            return describe(self.signature(func).inputs);
          },
          py::arg("func") = "main", "(name, ONNX element type, dimensions) of each; -1 varies.")
      .def(
          "outputs",
          [](const Module &self, const std::string &func) {
            return describe(self.signature(func).outputs);
          },
          py::arg("func") = "main", "(name, ONNX element type, dimensions) of each; -1 varies.")
      .def(
          "dim_names",
          [](const Module &self, const std::string &func) {
            py::list result;
            for (const lt_io_info &info : self.signature(func).inputs)
              result.append(std::vector<std::string>(info.dim_names, info.dim_names + info.rank));
            return result;
          },
          py::arg("func") = "main", "The names of each input's dimensions, '' where it has none.")
      .def("metadata", [](const Module &self) { return self.table(LT_TABLE_METADATA); })
      .def("provenance", [](const Module &self) { return self.table(LT_TABLE_PROVENANCE); });
}

} // namespace longtail::python
