// One stream of runs of a function.
#pragma once
#include "Module.h"

namespace longtail::python {

class Context {
public:
  Context(std::shared_ptr<Module> module, const std::string &function, unsigned threads);
  ~Context() { lt_context_destroy(handle); }
  Context(const Context &) = delete;
  Context &operator=(const Context &) = delete;

  /// Runs with these arrays, without the GIL; the results are arrays of their own.
  pybind11::list run(const pybind11::sequence &arrays);
  void trace(bool enable);
  pybind11::list steps() const;
  uint64_t arenaBytes() const;

  static void bind(pybind11::module_ &module);

private:
  void create();

  std::shared_ptr<Module> module;
  Signature signature;
  unsigned threads;
  bool tracing = false;
  lt_context *handle = nullptr;
  std::vector<lt_tensor> shapes; // of the last run's inputs; their data is not used
};

} // namespace longtail::python
