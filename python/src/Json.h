// JSON as Python objects.
#pragma once
#include "llvm/Support/JSON.h"
#include <pybind11/pybind11.h>

namespace longtail::python {

pybind11::object toPython(const llvm::json::Value &value);
pybind11::dict toPython(const llvm::json::Object &object);

} // namespace longtail::python
