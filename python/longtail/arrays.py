"""Arrays in and out: element types by their ONNX numbers, and anything array-like as NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DTypeError

_NUMPY_NAMES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "object",  # strings
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
}
# Types that NumPy itself does not have; they need the package ml_dtypes.
_ML_DTYPES_NAMES = {
    16: "bfloat16",
    17: "float8_e4m3fn",
    18: "float8_e4m3fnuz",
    19: "float8_e5m2",
    20: "float8_e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4_e2m1fn",
    24: "float8_e8m0fnu",
    25: "uint2",
    26: "int2",
}


def dtype_name(number: int) -> str:
    """The name of an ONNX element type, for messages and tables."""
    return (_NUMPY_NAMES | _ML_DTYPES_NAMES).get(number, f"type {number}")


def number_of(name: str) -> int:
    """The ONNX element type that `dtype_name` calls so. Raises KeyError if there is none."""
    return {name: number for number, name in (_NUMPY_NAMES | _ML_DTYPES_NAMES).items()}[name]


def dtype_of(number: int) -> np.dtype:
    """The NumPy type of an ONNX element type.

    Raises DTypeError if it is unknown, or needs ml_dtypes and that package is not installed.
    """
    if number in _NUMPY_NAMES:
        return np.dtype(_NUMPY_NAMES[number])
    if number not in _ML_DTYPES_NAMES:
        raise DTypeError(f"element type {number} is unknown")
    try:
        import ml_dtypes
    except ImportError:
        name = _ML_DTYPES_NAMES[number]
        raise DTypeError(f"element type {name} needs the Python package ml_dtypes") from None
    return np.dtype(getattr(ml_dtypes, _ML_DTYPES_NAMES[number]))


def to_output(value: Any, name: str) -> np.ndarray:
    """`value` as the array that receives the output `name`, never a copy. The runtime checks its
    type, shape, contiguity, and that it can be written to."""
    if isinstance(value, np.ndarray):
        return value
    if not hasattr(value, "__dlpack__"):
        raise DTypeError(f"output '{name}' is a {type(value).__name__}, expected an array")
    return _from_dlpack(value, f"output '{name}'")


def _from_dlpack(value: Any, name: str) -> np.ndarray:
    try:
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise DTypeError(f"{name}: the array cannot be shared: {error}") from None


def to_numpy(value: Any, name: str, dtype: np.dtype | None) -> np.ndarray | None:
    """`value` as a C-contiguous array for the input `name`; without a copy where that is possible.

    Accepts arrays, anything with `__dlpack__` (on the CPU), and Python numbers and lists, which
    take the wanted type. An array of another type is refused: silence would hide a mistake.
    None stands for an optional input that is left out.
    """
    if value is None:
        return None
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
    elif hasattr(value, "__dlpack__"):
        array = _from_dlpack(value, f"input '{name}'")
    else:
        try:
            array = np.asarray(value)
            if dtype is not None and not (array.dtype.kind == "f" and dtype.kind in "biu"):
                array = np.asarray(value, dtype)
        except (OverflowError, TypeError, ValueError) as error:
            raise DTypeError(f"input '{name}': {error}") from None
    if dtype is not None and array.dtype != dtype:
        # NumPy's own text types hold strings as well as an array of objects does.
        if dtype.kind != "O" or array.dtype.kind not in "UST":
            raise DTypeError(f"input '{name}' is {array.dtype}, the model declares {dtype}")
        array = array.astype(object)
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)
