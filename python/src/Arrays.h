// NumPy arrays as tensors of the runtime.
#pragma once
#include "longtail/runtime.h"
#include <pybind11/numpy.h>
#include <string>
#include <vector>

namespace longtail::python {

/// A tensor that borrows an array's memory, or that of a packed copy of it.
struct Input {
  lt_tensor tensor;
  pybind11::object owner;
  std::vector<unsigned char> packed; // elements of less than a byte
  std::vector<lt_text> texts;        // strings, in memory of
  std::vector<pybind11::object> strings;
};

/// `value` for an input. TypeError where it is no array or has another element type, ValueError
/// where it is not C-contiguous or has too many dimensions; the text names the input. Strings are
/// an array of objects, each a str or bytes in UTF-8.
/// `plainType` is that of the input's type.
Input toInput(pybind11::handle value, const lt_io_info &info, const pybind11::object &plainType);

/// The NumPy type whose arrays the runtime can use as they are, for an input or output; null for
/// strings, elements of less than a byte, and where NumPy has no such type.
pybind11::object plainType(uint16_t dtype);

/// Whether `value` is an array of `plainType` that an input can borrow; then `tensor` is set. For
/// everything else toInput says what is wrong, or converts.
bool borrowPlain(pybind11::handle value, const lt_io_info &info, const pybind11::object &plainType,
                 lt_tensor &tensor);

/// Copies elements of less than a byte, and strings, again from the array, which may have changed.
/// `name` is that of the input.
void pack(Input &input, const char *name);

/// A tensor over the memory of an array that receives an output.
struct Output {
  lt_tensor tensor;
  pybind11::object owner;
  bool packed = false; // strings, elements of less than a byte: copied by fillArray, no `tensor`
};

/// `value` for an output. TypeError and ValueError as toInput; ValueError also where the array
/// cannot be written to.
Output toOutput(pybind11::handle value, const lt_io_info &info, const pybind11::object &plainType);

/// Writes the tensor's elements to an array of toOutput, whose shape must be the tensor's.
void fillArray(const Output &output, const lt_tensor &tensor, const char *name);

/// A new array with the tensor's elements; strings are an array of str. Bytes that are not UTF-8
/// become lone surrogates, as Python's "surrogateescape" has it, and give the same bytes as an
/// input.
pybind11::object toArray(const lt_tensor &tensor);
/// The same for an element type whose `plainType` is known.
pybind11::object toPlainArray(const lt_tensor &tensor, const pybind11::object &plainType);
/// A new array of the tensor's dims, whose elements are not set. The tensor gets its memory.
pybind11::object newPlainArray(lt_tensor &tensor, const pybind11::object &plainType);

} // namespace longtail::python
