#include "CompiledArtifact.h"
#include "CompilerOptions.h"
#include "Files.h"
#include "Json.h"
#include <optional>

namespace py = pybind11;

namespace longtail::python {

static PyObject *compileErrorType = nullptr; // lives as long as the process

static py::object toText(llvm::StringRef text) {
  return py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(text.data(), text.size(), "replace"));
}

[[noreturn]] static void raise(llvm::Error error) {
  py::list diagnostics;
  llvm::handleAllErrors(
      std::move(error),
      [&](const CompileError &each) {
        for (const std::string &text : each.diagnostics)
          diagnostics.append(toText(text));
      },
      [&](const llvm::ErrorInfoBase &other) { diagnostics.append(toText(other.message())); });
  py::object value =
      py::reinterpret_borrow<py::object>(compileErrorType)(py::str("\n").attr("join")(diagnostics));
  value.attr("diagnostics") = diagnostics;
  PyErr_SetObject(compileErrorType, value.ptr());
  throw py::error_already_set();
}

/// The source borrows the memory of `origin`.
static Source toSource(const py::object &origin) {
  if (py::isinstance<py::bytes>(origin)) {
    char *data = nullptr;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(origin.ptr(), &data, &size))
      throw py::error_already_set();
    return Source::memory({data, static_cast<size_t>(size)}, "model");
  }
  return Source::file(toPath(origin));
}

static Artifact compileModel(const py::object &origin, const py::dict &dict,
                             const py::object &progress) {
  Options options = toOptions(dict);
  Source source = toSource(origin);
  // An exception must not pass through the compiler: it ends the compilation and is raised after
  // it.
  std::optional<py::error_already_set> raised;
  Progress report = [&](llvm::StringRef phase, unsigned index, unsigned total) {
    py::gil_scoped_acquire acquire;
    try {
      if (PyErr_CheckSignals()) // such as an interrupt from the keyboard
        throw py::error_already_set();
      if (!progress.is_none())
        progress(toText(phase), index, total);
      return true;
    } catch (py::error_already_set &error) {
      raised.emplace(error);
      return false;
    }
  };
  std::optional<llvm::Expected<Artifact>> result;
  {
    py::gil_scoped_release release;
    result.emplace(compile(source, options, report));
  }
  if (raised) {
    llvm::consumeError(result->takeError());
    throw py::error_already_set(*raised);
  }
  if (!*result)
    raise(result->takeError());
  return std::move(**result);
}

static py::bytes bytesOf(const Artifact &artifact) {
  std::optional<llvm::Expected<std::vector<uint8_t>>> bytes;
  {
    py::gil_scoped_release release;
    bytes.emplace(artifact.bytes());
  }
  if (!*bytes)
    raise(bytes->takeError());
  return py::bytes(reinterpret_cast<const char *>((*bytes)->data()), (*bytes)->size());
}

static void save(const Artifact &artifact, const py::object &path) {
  std::string name = toPath(path);
  std::optional<llvm::Error> error;
  {
    py::gil_scoped_release release;
    error.emplace(artifact.save(name));
  }
  int code = 0;
  std::string message;
  llvm::Error others = llvm::handleErrors(std::move(*error), [&](const llvm::StringError &failure) {
    code = failure.convertToErrorCode().value();
    message = failure.getMessage();
  });
  if (code != 0)
    raiseSystemError(code, message);
  if (others)
    raise(std::move(others));
}

static py::dict stagesOf(const Artifact &artifact) {
  py::dict stages;
  for (const auto &[phase, text] : artifact.getStages())
    stages[toText(phase)] = toText(text);
  return stages;
}

static py::dict inspectModel(const py::object &origin) {
  Source source = toSource(origin);
  std::optional<llvm::Expected<llvm::json::Object>> result;
  {
    py::gil_scoped_release release;
    result.emplace(inspect(source));
  }
  if (!*result)
    raise(result->takeError());
  return toPython(**result);
}

void bindCompile(py::module_ &module) {
  compileErrorType = PyErr_NewExceptionWithDoc(
      "longtail._compiler.CompileError",
      "A model cannot be compiled; `diagnostics` lists every finding.", PyExc_Exception, nullptr);
  if (!compileErrorType)
    throw py::error_already_set();
  module.add_object("CompileError", py::handle(compileErrorType));
  py::class_<Artifact>(module, "Artifact", "A compiled model.")
      .def("bytes", bytesOf, "The artifact's file.")
      .def("save", save, py::arg("path"),
           "Writes the file; it appears whole or not at all. Raises OSError.")
      .def("report", [](const Artifact &self) { return toPython(self.getReport()); })
      .def(
          "assembly", [](const Artifact &self) { return toText(self.getAssembly()); },
          "The first target's assembly text, with the option keep_code.")
      .def(
          "objects",
          [](const Artifact &self) {
            py::list files;
            for (const std::string &object : self.getObjects())
              files.append(py::bytes(object));
            return files;
          },
          "The first target's object files, with the option keep_code.")
      .def("stages", stagesOf, "The text after each phase, with the option keep_stages.");
  module.def("compile", compileModel, py::arg("source"), py::arg("options") = py::dict(),
             py::arg("progress") = py::none(),
             "Compiles a model: the path of a file or its bytes. `progress` is called with (phase, "
             "index, number of phases); an exception of it ends the compilation.");
  module.def("inspect", inspectModel, py::arg("source"), "What a model is, without compiling it.");
}

} // namespace longtail::python
