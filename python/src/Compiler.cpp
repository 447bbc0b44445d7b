// The extension module `longtail._compiler`: compiles models.
#include "CompiledArtifact.h"
#include "Interpreter.h"
#include "codegen/Emit/LeafVerifier.h"
#include "codegen/Target/Target.h"
#include "compiler/Embed/Embed.h"
#include "compiler/Operators/Registry.h"
#include "compiler/Phases.h"
#include "llvm/TargetParser/Host.h"
#include <pybind11/stl.h>

namespace py = pybind11;
using namespace longtail;

/// (domain, name, versions) of each operator.
static py::list listOperators() {
  py::list result, versions;
  const operators::Operator *previous = nullptr;
  for (const operators::Operator *op : operators::Registry::builtin().all()) {
    if (!previous || previous->domain != op->domain || previous->name != op->name) {
      versions = py::list();
      result.append(py::make_tuple(op->domain, op->name, versions));
    }
    versions.append(op->since);
    previous = op;
  }
  return result;
}

/// What the loops of kernels consist of; the shape of the result is in the docstring below.
static py::list inspectAssembly(const std::string &assembly, const std::string &targetName) {
  const target::TargetDescription *row = target::lookupTarget(targetName);
  if (!row)
    throw py::value_error("there is no target '" + targetName + "'");
  py::list result;
  for (const emit::LeafReport &leaf :
       emit::verifyLeaves(assembly, llvm::Triple(row->triple).getArch())) {
    py::list loops;
    for (const emit::LoopReport &loop : leaf.loops) {
      py::dict facts;
      facts["instructions"] = loop.instructions;
      facts["vectors"] = loop.vectors;
      facts["multiply_adds"] = loop.multiplyAdds;
      facts["scalar_floats"] = loop.scalarFloats;
      facts["configurations"] = loop.configurations;
      facts["stack_traffic"] = loop.stackTraffic;
      facts["is_scalar"] = loop.isScalar();
      loops.append(facts);
    }
    py::dict facts;
    facts["kernel"] = leaf.kernel;
    facts["undefined_calls"] = leaf.undefinedCalls;
    facts["loops"] = loops;
    result.append(facts);
  }
  return result;
}

/// (binary, header) of an artifact as part of programs.
static py::tuple embedArtifact(const py::bytes &artifact, const std::string &name, bool shared,
                               const InputSizes &sizes) {
  std::string_view view = artifact;
  std::vector<uint8_t> bytes(view.begin(), view.end());
  std::optional<llvm::Expected<Embedded>> result;
  {
    py::gil_scoped_release release;
    result.emplace(embed(bytes, {name, shared, sizes}));
  }
  if (!*result)
    throw py::value_error(llvm::toString(result->takeError()));
  return py::make_tuple(py::bytes((*result)->binary), (*result)->header);
}

PYBIND11_MODULE(_compiler, module) {
  module.doc() = "Compiles models.";
  longtail::python::bindCompile(module);
  longtail::python::bindInterpreter(module);
  module.def(
      "phases",
      [] {
        py::list result;
        for (const Phase &phase : phases())
          result.append(py::make_tuple(phase.name.str(), phase.help.str()));
        return result;
      },
      "(name, one line of help) of each phase, in order.");
  module.def("naive_phases", phasesWithNaiveForm,
             "The names of the phases that the option naive_phases may name.");
  module.def(
      "embed", embedArtifact, py::arg("artifact"), py::arg("name"), py::arg("shared"),
      py::arg("sizes"),
      "(object file or shared library, C header) of an artifact with one variant. ValueError "
      "says what is missing.");
  module.def("operators", listOperators, "(domain, name, versions) of each known operator.");
  module.def(
      "inspect_assembly", inspectAssembly, py::arg("assembly"), py::arg("target"),
      "A dict for each kernel in assembly text: its name, calls that nothing answers, and its "
      "innermost loops with their instructions and how many of each kind these are.");
  module.def(
      "host",
      [] {
        return py::make_tuple(target::hostTarget().name, llvm::sys::getHostCPUName().str(),
                              LONGTAIL_VERSION);
      },
      "(name of the target 'host', micro-architecture, version of the compiler): what schedules "
      "that were measured here depend on.");
  module.def(
      "host_targets",
      [] {
        py::list result;
        for (const target::TargetDescription &each : target::allTargets())
          if (target::runsOnHost(each))
            result.append(each.name);
        return result;
      },
      "The names of the targets whose code runs on this machine.");
  module.def(
      "targets",
      [] {
        py::list result;
        for (const target::TargetDescription &each : target::allTargets())
          result.append(each.name);
        return result;
      },
      "The names of the targets besides 'host'.");
}
