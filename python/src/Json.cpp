#include "Json.h"

namespace py = pybind11;
using llvm::json::Value;

namespace longtail::python {

static py::str toString(llvm::StringRef text) { return py::str(text.data(), text.size()); }

py::dict toPython(const llvm::json::Object &object) {
  std::vector<llvm::StringRef> keys; // the order of a hash table would differ from run to run
  for (const auto &entry : object)
    keys.push_back(llvm::StringRef(entry.first));
  llvm::sort(keys);
  py::dict result;
  for (llvm::StringRef key : keys)
    result[toString(key)] = toPython(*object.get(key));
  return result;
}

py::object toPython(const Value &value) {
  switch (value.kind()) {
  case Value::Null:
    return py::none();
  case Value::Boolean:
    return py::bool_(*value.getAsBoolean());
  case Value::Number:
    if (auto integer = value.getAsInteger())
      return py::int_(*integer);
    return py::float_(*value.getAsNumber());
  case Value::String:
    return toString(*value.getAsString());
  case Value::Array: {
    py::list list;
    for (const Value &element : *value.getAsArray())
      list.append(toPython(element));
    return list;
  }
  case Value::Object:
    return toPython(*value.getAsObject());
  }
  return py::none();
}

} // namespace longtail::python
