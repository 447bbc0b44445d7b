// Failures of files as Python raises them.
#pragma once
#include <pybind11/pybind11.h>
#include <string>

namespace longtail::python {

/// The path that a str or os.PathLike names, as the system takes it.
std::string toPath(const pybind11::object &path);

/// Raises the OSError of an errno; `text` names the file.
[[noreturn]] void raiseSystemError(int code, const std::string &text);

} // namespace longtail::python
