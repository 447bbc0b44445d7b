// A compiled model and how to get it.
#pragma once
#include "compiler/Session.h"
#include <pybind11/pybind11.h>

namespace longtail::python {

/// Adds `Artifact`, `CompileError`, `compile` and `inspect` to the module.
void bindCompile(pybind11::module_ &module);

} // namespace longtail::python
