// The runtime's errors as Python exceptions.
#pragma once
#include "longtail/runtime.h"
#include <pybind11/pybind11.h>

namespace longtail::python {

/// Adds `Error` (a RuntimeError with `code`, such as "SHAPE") to the module.
void bindError(pybind11::module_ &module);

/// Raises `Error` where `code` is not LT_OK.
void check(lt_rc code, const lt_error &error);

} // namespace longtail::python
