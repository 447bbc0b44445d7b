// The extension module `longtail._runtime`: opens artifacts and runs them.
#include "Context.h"
#include "Errors.h"
#include "Files.h"
#include "codegen/Container/Sink.h"

namespace py = pybind11;

/// Writes bytes to a file as the compiler writes artifacts: whole or not at all.
static void writeFile(const py::object &path, const py::bytes &bytes) {
  std::string name = longtail::python::toPath(path);
  char *data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(bytes.ptr(), &data, &size))
    throw py::error_already_set();
  longtail::container::FileSink sink(name);
  bool written;
  {
    py::gil_scoped_release release;
    written = sink.open() && sink.write(data, static_cast<uint64_t>(size)) && sink.commit();
  }
  if (!written)
    longtail::python::raiseSystemError(sink.errorCode(), sink.error());
}

PYBIND11_MODULE(_runtime, module) {
  module.doc() = "Opens artifacts and runs them.";
  longtail::python::bindError(module);
  longtail::python::Module::bind(module);
  longtail::python::Context::bind(module);
  module.def("write_file", writeFile, py::arg("path"), py::arg("bytes"),
             "Writes a file; it appears whole or not at all. Raises OSError.");
  module.def("version", [] { return LONGTAIL_VERSION; }, "The runtime's version.");
}
