#include "Arrays.h"
#include "Errors.h"
#include <algorithm>
#include <cstring>

namespace py = pybind11;

namespace longtail::python {

namespace {
struct ElementType {
  uint16_t dtype;
  const char *name; // NumPy's, or that of ml_dtypes
  bool builtin;     // NumPy's own
  unsigned bits;    // in memory of the runtime
};
} // namespace

static constexpr ElementType elementTypes[] = {
    {LT_DTYPE_F32, "float32", true, 32},
    {LT_DTYPE_U8, "uint8", true, 8},
    {LT_DTYPE_I8, "int8", true, 8},
    {LT_DTYPE_U16, "uint16", true, 16},
    {LT_DTYPE_I16, "int16", true, 16},
    {LT_DTYPE_I32, "int32", true, 32},
    {LT_DTYPE_I64, "int64", true, 64},
    {LT_DTYPE_STRING, "object", true, 64},
    {LT_DTYPE_BOOL, "bool", true, 8},
    {LT_DTYPE_F16, "float16", true, 16},
    {LT_DTYPE_F64, "float64", true, 64},
    {LT_DTYPE_U32, "uint32", true, 32},
    {LT_DTYPE_U64, "uint64", true, 64},
    {LT_DTYPE_C64, "complex64", true, 64},
    {LT_DTYPE_C128, "complex128", true, 128},
    {LT_DTYPE_BF16, "bfloat16", false, 16},
    {LT_DTYPE_F8E4M3FN, "float8_e4m3fn", false, 8},
    {LT_DTYPE_F8E4M3FNUZ, "float8_e4m3fnuz", false, 8},
    {LT_DTYPE_F8E5M2, "float8_e5m2", false, 8},
    {LT_DTYPE_F8E5M2FNUZ, "float8_e5m2fnuz", false, 8},
    {LT_DTYPE_U4, "uint4", false, 4},
    {LT_DTYPE_I4, "int4", false, 4},
    {LT_DTYPE_F4E2M1, "float4_e2m1fn", false, 4},
    {LT_DTYPE_F8E8M0, "float8_e8m0fnu", false, 8},
    {LT_DTYPE_U2, "uint2", false, 2},
    {LT_DTYPE_I2, "int2", false, 2},
};

static const ElementType &lookup(uint16_t dtype) {
  for (const ElementType &type : elementTypes)
    if (type.dtype == dtype)
      return type;
  throw py::type_error("element type " + std::to_string(dtype) + " has no NumPy type");
}

static py::dtype numpyType(const ElementType &type) {
  py::object source = type.builtin ? py::object(py::str(type.name))
                                   : py::module_::import("ml_dtypes").attr(type.name);
  return py::dtype::from_args(source);
}

[[noreturn]] static void failShape(const std::string &text) {
  lt_error error = LT_INIT(lt_error);
  error.code = LT_ERR_SHAPE;
  text.copy(error.msg, sizeof error.msg - 1); // the rest is zero
  check(error.code, error);
  abort(); // check has thrown
}

py::object plainType(uint16_t dtype) {
  for (const ElementType &type : elementTypes)
    if (type.dtype == dtype && type.builtin && dtype != LT_DTYPE_STRING && type.bits >= 8)
      return numpyType(type);
  return py::object();
}

bool borrowPlain(py::handle value, const lt_io_info &info, const py::object &plainType,
                 lt_tensor &tensor) {
  const auto &api = py::detail::npy_api::get();
  if (!plainType || Py_TYPE(value.ptr()) != api.PyArray_Type_)
    return false;
  const auto *array = py::detail::array_proxy(value.ptr());
  constexpr int flags =
      py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  if (array->descr != plainType.ptr() || (array->flags & flags) != flags ||
      array->nd != static_cast<int>(info.rank))
    return false;
  tensor = LT_INIT(lt_tensor);
  tensor.dtype = info.dtype;
  tensor.rank = info.rank;
  uint64_t elements = 1;
  for (int i = 0; i < array->nd; ++i) {
    tensor.dims[i] = array->dimensions[i];
    elements *= static_cast<uint64_t>(array->dimensions[i]);
  }
  tensor.data = array->data;
  tensor.bytes = elements * static_cast<uint64_t>(
                                py::dtype(py::reinterpret_borrow<py::dtype>(plainType)).itemsize());
  return true;
}

/// `value` as the array for an input or output, whose kind and name `name` is.
static py::array checkArray(py::handle value, const lt_io_info &info, const ElementType &type,
                            const py::object &plainType, const char *kind) {
  if (lt_tensor tensor; borrowPlain(value, info, plainType, tensor))
    return py::reinterpret_borrow<py::array>(value);
  std::string name = std::string(kind) + " '" + info.name + "'";
  if (value.is_none())
    throw py::type_error(name + " is missing");
  if (!py::isinstance<py::array>(value))
    throw py::type_error(name + " is a " + std::string(py::str(py::type::of(value))) +
                         ", expected a NumPy array");
  auto array = py::reinterpret_borrow<py::array>(value);
  std::string found = py::str(array.dtype().attr("name"));
  if (found != type.name || !array.dtype().attr("isnative").cast<bool>())
    throw py::type_error(name + " has elements of type " + std::string(py::str(array.dtype())) +
                         ", expected " + type.name);
  if (!(array.flags() & py::array::c_style))
    throw py::value_error(name + " is not C-contiguous");
  if (array.ndim() != info.rank)
    failShape(name + " has rank " + std::to_string(array.ndim()) + ", expected " +
              std::to_string(info.rank));
  return array;
}

static lt_tensor describe(const py::array &array, uint16_t dtype) {
  lt_tensor tensor = LT_INIT(lt_tensor);
  tensor.dtype = dtype;
  tensor.rank = static_cast<uint16_t>(array.ndim());
  for (py::ssize_t i = 0; i < array.ndim(); ++i)
    tensor.dims[i] = array.shape(i);
  tensor.data = const_cast<void *>(array.data());
  tensor.bytes = static_cast<uint64_t>(array.nbytes());
  return tensor;
}

py::object newPlainArray(lt_tensor &tensor, const py::object &plainType) {
  py::array array(py::reinterpret_borrow<py::dtype>(plainType),
                  py::array::ShapeContainer(tensor.dims, tensor.dims + tensor.rank));
  tensor = describe(array, tensor.dtype);
  return array;
}

py::object toPlainArray(const lt_tensor &tensor, const py::object &plainType) {
  py::array array(py::reinterpret_borrow<py::dtype>(plainType),
                  py::array::ShapeContainer(tensor.dims, tensor.dims + tensor.rank));
  if (array.size() != 0)
    std::memcpy(array.mutable_data(), tensor.data, static_cast<size_t>(array.nbytes()));
  return array;
}

Input toInput(py::handle value, const lt_io_info &info, const py::object &plainType) {
  const ElementType &type = lookup(info.dtype);
  py::array array = checkArray(value, info, type, plainType, "input");
  Input input;
  input.owner = array;
  input.tensor = describe(array, info.dtype);
  if (info.dtype == LT_DTYPE_STRING) {
    input.texts.resize(static_cast<size_t>(array.size()));
    input.strings.resize(input.texts.size());
    input.tensor.data = input.texts.data();
    input.tensor.bytes = input.texts.size() * sizeof(lt_text);
    pack(input, info.name);
  } else if (type.bits < 8) { // an array holds one element in a byte, the runtime several
    unsigned perByte = 8 / type.bits;
    input.packed.resize((array.size() + perByte - 1) / perByte);
    input.tensor.data = input.packed.data();
    input.tensor.bytes = input.packed.size();
    pack(input, info.name);
  }
  return input;
}

static constexpr const char *kEncodingErrors = "surrogateescape";

/// Points to the UTF-8 of a str or bytes; `owner` keeps it.
static lt_text toText(py::handle value, py::object &owner, size_t position, const char *name) {
  std::string place = "string " + std::to_string(position) + " of input '" + name + "'";
  owner = py::reinterpret_borrow<py::object>(value);
  Py_ssize_t size = 0;
  if (PyUnicode_Check(value.ptr())) {
    if (const char *bytes = PyUnicode_AsUTF8AndSize(value.ptr(), &size))
      return {bytes, static_cast<uint64_t>(size)};
    PyErr_Clear(); // halves of surrogate pairs: perhaps bytes that were not UTF-8
    owner = py::reinterpret_steal<py::object>(
        PyUnicode_AsEncodedString(value.ptr(), "utf-8", kEncodingErrors));
    if (!owner) {
      PyErr_Clear();
      throw py::value_error(place + " has half of a surrogate pair, which has no UTF-8");
    }
  } else if (!PyBytes_Check(value.ptr())) {
    throw py::type_error(place + " is a " + std::string(py::str(py::type::of(value))) +
                         ", expected str or bytes");
  }
  return {PyBytes_AS_STRING(owner.ptr()), static_cast<uint64_t>(PyBytes_GET_SIZE(owner.ptr()))};
}

void pack(Input &input, const char *name) {
  if (!input.texts.empty()) {
    auto array = py::reinterpret_borrow<py::array>(input.owner);
    auto *elements = static_cast<PyObject *const *>(array.data());
    for (size_t i = 0; i < input.texts.size(); ++i)
      input.texts[i] = toText(elements[i] ? elements[i] : Py_None, input.strings[i], i, name);
  }
  if (input.packed.empty())
    return;
  auto array = py::reinterpret_borrow<py::array>(input.owner);
  unsigned bits = lookup(input.tensor.dtype).bits, perByte = 8 / bits;
  auto *elements = static_cast<const unsigned char *>(array.data());
  std::fill(input.packed.begin(), input.packed.end(), 0);
  for (py::ssize_t i = 0; i < array.size(); ++i)
    input.packed[i / perByte] |= (elements[i] & ((1u << bits) - 1)) << (i % perByte * bits);
}

/// Elements of less than a byte, one in a byte; NumPy's signed ones are sign-extended.
static void unpack(const ElementType &type, const lt_tensor &tensor, unsigned char *out,
                   py::ssize_t count) {
  unsigned perByte = 8 / type.bits, mask = (1u << type.bits) - 1, sign = 1u << (type.bits - 1);
  bool isSigned = type.dtype == LT_DTYPE_I4 || type.dtype == LT_DTYPE_I2;
  auto *bytes = static_cast<const unsigned char *>(tensor.data);
  for (py::ssize_t i = 0; i < count; ++i) {
    unsigned element = bytes[i / perByte] >> (i % perByte * type.bits) & mask;
    out[i] = static_cast<unsigned char>(isSigned ? (element ^ sign) - sign : element);
  }
}

static void fillStrings(py::array &array, const lt_tensor &tensor) {
  auto *texts = static_cast<const lt_text *>(tensor.data);
  auto *elements = static_cast<PyObject **>(array.mutable_data());
  for (py::ssize_t i = 0; i < array.size(); ++i) {
    PyObject *string =
        PyUnicode_DecodeUTF8(texts[i].data ? texts[i].data : "",
                             static_cast<Py_ssize_t>(texts[i].bytes), kEncodingErrors);
    if (!string)
      throw py::error_already_set();
    PyObject *before = elements[i];
    elements[i] = string;
    Py_XDECREF(before);
  }
}

Output toOutput(py::handle value, const lt_io_info &info, const py::object &plainType) {
  const ElementType &type = lookup(info.dtype);
  py::array array = checkArray(value, info, type, plainType, "output");
  if (!array.writeable())
    throw py::value_error("output '" + std::string(info.name) +
                          "' cannot be written to: its array is read-only");
  Output output;
  output.owner = array;
  output.tensor = describe(array, info.dtype);
  output.packed = type.bits < 8 || info.dtype == LT_DTYPE_STRING;
  return output;
}

void fillArray(const Output &output, const lt_tensor &tensor, const char *name) {
  auto array = py::reinterpret_borrow<py::array>(output.owner);
  for (uint16_t i = 0; i < tensor.rank; ++i)
    if (array.shape(i) != tensor.dims[i])
      failShape("output '" + std::string(name) + "' dimension " + std::to_string(i) + " is " +
                std::to_string(tensor.dims[i]) + ", its array has " +
                std::to_string(array.shape(i)));
  if (tensor.dtype == LT_DTYPE_STRING)
    fillStrings(array, tensor);
  else if (array.size() != 0)
    unpack(lookup(tensor.dtype), tensor, static_cast<unsigned char *>(array.mutable_data()),
           array.size());
}

py::object toArray(const lt_tensor &tensor) {
  const ElementType &type = lookup(tensor.dtype);
  std::vector<py::ssize_t> shape(tensor.dims, tensor.dims + tensor.rank);
  py::array array(numpyType(type), shape);
  if (array.size() == 0)
    return array;
  if (tensor.dtype == LT_DTYPE_STRING)
    fillStrings(array, tensor);
  else if (type.bits < 8)
    unpack(type, tensor, static_cast<unsigned char *>(array.mutable_data()), array.size());
  else
    std::memcpy(array.mutable_data(), tensor.data, static_cast<size_t>(array.nbytes()));
  return array;
}

} // namespace longtail::python
