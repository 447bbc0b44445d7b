#include "Errors.h"

namespace py = pybind11;

namespace longtail::python {

static PyObject *errorType = nullptr; // lives as long as the process

static const char *nameOf(lt_rc code) {
  switch (code) {
  case LT_ERR_ARG:
    return "ARG";
  case LT_ERR_FORMAT:
    return "FORMAT";
  case LT_ERR_VERSION:
    return "VERSION";
  case LT_ERR_LIMIT:
    return "LIMIT";
  case LT_ERR_INTEGRITY:
    return "INTEGRITY";
  case LT_ERR_TRUST:
    return "TRUST";
  case LT_ERR_ISA:
    return "ISA";
  case LT_ERR_SHAPE:
    return "SHAPE";
  case LT_ERR_MEMORY:
    return "MEMORY";
  case LT_ERR_IO:
    return "IO";
  case LT_ERR_STATE:
    return "STATE";
  case LT_ERR_CANCELLED:
    return "CANCELLED";
  case LT_ERR_TIMEOUT:
    return "TIMEOUT";
  case LT_ERR_KERNEL:
    return "KERNEL";
  default:
    return "UNKNOWN";
  }
}

void bindError(py::module_ &module) {
  errorType = PyErr_NewExceptionWithDoc(
      "longtail._runtime.Error", "An error of the runtime; `code` is its kind, such as 'SHAPE'.",
      PyExc_RuntimeError, nullptr);
  if (!errorType)
    throw py::error_already_set();
  module.add_object("Error", py::handle(errorType));
}

void check(lt_rc code, const lt_error &error) {
  if (code == LT_OK)
    return;
  const char *text = error.code != LT_OK && error.msg[0] ? error.msg : lt_strerror(code);
  py::object value = py::reinterpret_borrow<py::object>(errorType)(
      py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(text, strlen(text), "replace")));
  value.attr("code") = nameOf(code);
  PyErr_SetObject(errorType, value.ptr());
  throw py::error_already_set();
}

} // namespace longtail::python
