// The extension module `longtail._runtime`: opens artifacts and runs them.
#include "Context.h"
#include "Errors.h"

PYBIND11_MODULE(_runtime, module) {
  module.doc() = "Opens artifacts and runs them.";
  longtail::python::bindError(module);
  longtail::python::Module::bind(module);
  longtail::python::Context::bind(module);
  module.def("version", [] { return LONGTAIL_VERSION; }, "The runtime's version.");
}
