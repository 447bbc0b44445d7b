#include "Files.h"

namespace py = pybind11;

namespace longtail::python {

std::string toPath(const py::object &path) {
  return py::cast<std::string>(py::module_::import("os").attr("fsencode")(path));
}

void raiseSystemError(int code, const std::string &text) {
  py::object message = py::reinterpret_steal<py::object>(
      PyUnicode_DecodeFSDefaultAndSize(text.data(), static_cast<Py_ssize_t>(text.size())));
  // The constructor chooses the kind, such as FileNotFoundError.
  py::object value = py::reinterpret_borrow<py::object>(PyExc_OSError)(code, message);
  PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(value.ptr())), value.ptr());
  throw py::error_already_set();
}

} // namespace longtail::python
