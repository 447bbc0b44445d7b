// An opened artifact.
#pragma once
#include "longtail/runtime.h"
#include <memory>
#include <pybind11/pybind11.h>
#include <vector>

namespace longtail::python {

/// The descriptions of a function's inputs and outputs; their strings belong to the module.
struct Signature {
  uint32_t ordinal = 0;
  std::vector<lt_io_info> inputs, outputs;
};

class Module {
public:
  /// Opens the file at a path (str) or an artifact in memory (bytes).
  explicit Module(pybind11::object source);
  ~Module() { lt_module_release(handle); }
  Module(const Module &) = delete;
  Module &operator=(const Module &) = delete;

  lt_module *get() const { return handle; }
  Signature signature(const std::string &function) const;
  std::vector<std::string> functions() const;
  pybind11::dict table(lt_table table) const;

  static void bind(pybind11::module_ &module);

private:
  lt_module *handle = nullptr;
  pybind11::object memory; // the bytes that the module borrows
};

} // namespace longtail::python
