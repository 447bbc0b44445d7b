// One stream of runs of a function.
#pragma once
#include "Arrays.h"
#include "Module.h"

namespace longtail::python {

class Context {
public:
  Context(std::shared_ptr<Module> module, const std::string &function, unsigned threads);
  ~Context() { lt_context_destroy(handle); }
  Context(const Context &) = delete;
  Context &operator=(const Context &) = delete;

  /// Runs with these arrays, without the GIL. `outputs` is None or has an array or None for each
  /// output: the array receives it, otherwise the result is a new array.
  pybind11::list run(const pybind11::sequence &arrays, const pybind11::object &outputs);
  /// The same for arrays that can be used as they are, and results that are new plain arrays: the
  /// result, or a list of several. NotImplemented where something else is needed.
  pybind11::object call(const pybind11::tuple &arrays);
  /// Keeps the arrays for runBound, which then costs nothing but the run. Each output needs one.
  void bindArrays(const pybind11::sequence &arrays, const pybind11::sequence &outputs);
  void runBound();
  /// The dimensions of each output for inputs like these arrays; -1 where data decides.
  pybind11::list outputDims(const pybind11::sequence &arrays);
  void trace(bool enable);
  pybind11::list steps() const;
  uint64_t arenaBytes() const;

  static void bind(pybind11::module_ &module);

private:
  class Use;
  void create();
  void checkIdle() const;
  void bindInputs(const pybind11::sequence &arrays);
  void bindOutputs(const pybind11::object &arrays);
  void execute();
  void fillPacked();
  void forget();
  void planOutputs();
  std::vector<pybind11::object> bindNewOutputs();
  lt_tensor result(size_t output) const;

  std::shared_ptr<Module> module;
  Signature signature;
  unsigned threads;
  bool tracing = false;
  lt_context *handle = nullptr;
  bool busy = false;           // a call uses it, perhaps without the GIL
  bool bound = false;          // by `bind`
  std::vector<Input> inputs;   // what is bound
  std::vector<Output> outputs; // without an owner where the context's memory is bound
  std::vector<pybind11::object> inputTypes, outputTypes; // plainType of each
  std::vector<lt_tensor> shapes; // of the last run's inputs; their data is not used
  // Of `call`: the dims of outputs for inputs of some dims, -1 or none where they are not known.
  std::vector<lt_tensor> plannedInputs, planned;
};

} // namespace longtail::python
