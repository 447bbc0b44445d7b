#include "CompilerOptions.h"
#include <pybind11/stl.h>

namespace py = pybind11;

namespace longtail::python {

/// "a,b" as {"a", "b"}; a name that is missing becomes an empty one, which the compiler refuses.
static std::vector<std::string> splitNames(const std::string &text) {
  std::vector<std::string> names;
  size_t begin = 0, comma;
  while ((comma = text.find(',', begin)) != std::string::npos) {
    names.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  names.push_back(text.substr(begin));
  return names;
}

/// A list of (target, group, schedule).
static std::vector<TuningRecord> toRecords(const py::handle &list) {
  std::vector<TuningRecord> records;
  for (auto &[target, group, schedule] :
       py::cast<std::vector<std::tuple<std::string, std::string, std::string>>>(list))
    records.push_back({target, group, schedule});
  return records;
}

/// {"threads": int, "best": int, "shapes": [[int]]}; all may be missing.
static TuningRequest toTuning(const py::dict &dict) {
  TuningRequest request;
  request.enabled = true;
  if (dict.contains("threads"))
    request.threads = py::cast<unsigned>(dict["threads"]);
  if (dict.contains("best"))
    request.best = py::cast<unsigned>(dict["best"]);
  if (dict.contains("shapes"))
    request.shapes = py::cast<std::vector<std::vector<int64_t>>>(dict["shapes"]);
  return request;
}

Options toOptions(const py::dict &dict) {
  Options options;
  for (auto [key, value] : dict) {
    std::string name = py::cast<std::string>(key);
    if (value.is_none())
      continue;
    try {
      if (name == "target")
        options.targets = py::isinstance<py::str>(value)
                              ? splitNames(py::cast<std::string>(value))
                              : py::cast<std::vector<std::string>>(value);
      else if (name == "naive")
        options.naive = py::cast<bool>(value);
      else if (name == "winograd")
        options.winograd = py::cast<bool>(value);
      else if (name == "naive_phases")
        options.naivePhases = py::cast<std::vector<std::string>>(value);
      else if (name == "records")
        options.records = toRecords(value);
      else if (name == "tuning")
        options.tuning = toTuning(py::cast<py::dict>(value));
      else if (name == "explain")
        options.explain = py::cast<std::vector<std::vector<int64_t>>>(value);
      else if (name == "reproducer")
        options.reproducer = py::cast<std::string>(value);
      else if (name == "threads")
        options.threads = py::cast<unsigned>(value);
      else if (name == "keep_stages")
        options.keepStages = py::cast<bool>(value);
      else if (name == "keep_passes")
        options.keepPasses = py::cast<bool>(value);
      else if (name == "keep_places")
        options.keepPlaces = py::cast<bool>(value);
      else if (name == "keep_weights")
        options.keepWeights = py::cast<bool>(value);
      else if (name == "may_carry_code")
        options.limits.mayCarryCode = py::cast<bool>(value);
      else if (name == "keep_code")
        options.keepCode = py::cast<bool>(value);
      else if (name == "dump_phases")
        options.dumpDirectory = py::cast<std::string>(value);
      else if (name == "from")
        options.from = py::cast<std::string>(value);
      else if (name == "to")
        options.to = py::cast<std::string>(value);
      else
        throw py::value_error("there is no option '" + name + "'");
    } catch (const py::cast_error &) {
      throw py::type_error("option '" + name + "' cannot be " + std::string(py::repr(value)));
    }
  }
  return options;
}

} // namespace longtail::python
