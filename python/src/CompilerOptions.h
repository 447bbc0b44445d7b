// The compiler's options as a Python dictionary.
#pragma once
#include "compiler/Options.h"
#include <pybind11/pybind11.h>

namespace longtail::python {

/// TypeError and ValueError name the option that is wrong.
Options toOptions(const pybind11::dict &dict);

} // namespace longtail::python
