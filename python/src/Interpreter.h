// The interpreter of the dialects.
#pragma once
#include <pybind11/pybind11.h>

namespace longtail::python {

/// Adds `RunFault` and `interpret` to the module.
void bindInterpreter(pybind11::module_ &module);

} // namespace longtail::python
