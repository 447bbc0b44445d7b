"""Element types and NumPy's rules for what an operation gives (NEP 50), asked of NumPy itself."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np


class Annotation:
    """`f32["N C"]`: the element type and the named dimensions of an argument."""

    def __init__(self, dtype: DType, dims: str, below: str | None = None) -> None:
        self.dtype, self.dims, self.below = dtype, dims.split(), below

    def __repr__(self) -> str:
        return f'{self.dtype.name}["{" ".join(self.dims)}"]'


class DType:
    """An element type. `f32["N C"]` annotates an array, `f32(0)` is a number of the type."""

    def __init__(self, name: str, numpy_name: str, storage: str, kind: str, bits: int) -> None:
        self.name, self.storage, self.kind, self.bits = name, storage, kind, bits
        if numpy_name == "bfloat16":
            import ml_dtypes

            self.dtype = np.dtype(ml_dtypes.bfloat16)
        else:
            self.dtype = np.dtype(numpy_name)

    @property
    def compute(self) -> str:
        """The type of an element inside a region: integers carry no sign."""
        return f"i{self.bits}" if self.kind in "iu" else self.storage

    def __call__(self, value: Any) -> Any:
        return self.dtype.type(value)

    def __getitem__(self, dims: str) -> Annotation:
        return Annotation(self, dims)

    def __repr__(self) -> str:
        return self.name

    @property
    def is_float(self) -> bool:
        return self.kind == "f"

    @property
    def is_int(self) -> bool:
        return self.kind in "iu"


class _IndexType:
    """`idx["V"]["B L"]`: elements of i64 that name an element of a dimension `V`."""

    def __getitem__(self, below: str) -> _Below:
        return _Below(below)


class _Below:
    def __init__(self, below: str) -> None:
        self.below = below

    def __getitem__(self, dims: str) -> Annotation:
        return Annotation(i64, dims, self.below)


f16 = DType("f16", "float16", "f16", "f", 16)
bf16 = DType("bf16", "bfloat16", "bf16", "f", 16)
f32 = DType("f32", "float32", "f32", "f", 32)
f64 = DType("f64", "float64", "f64", "f", 64)
i8 = DType("i8", "int8", "i8", "i", 8)
i16 = DType("i16", "int16", "i16", "i", 16)
i32 = DType("i32", "int32", "i32", "i", 32)
i64 = DType("i64", "int64", "i64", "i", 64)
u8 = DType("u8", "uint8", "ui8", "u", 8)
u16 = DType("u16", "uint16", "ui16", "u", 16)
u32 = DType("u32", "uint32", "ui32", "u", 32)
u64 = DType("u64", "uint64", "ui64", "u", 64)
bool_ = DType("bool_", "bool", "i1", "b", 1)
idx = _IndexType()

__all__ = ["bf16", "bool_", "f16", "f32", "f64", "i8", "i16", "i32", "i64", "idx"]
__all__ += ["u8", "u16", "u32", "u64"]

ALL = (f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, bool_)
_BY_NUMPY = {each.dtype: each for each in ALL}


def from_numpy(value: Any) -> DType | None:
    """The element type that a DType, NumPy type or Python type means, or None."""
    if isinstance(value, DType):
        return value
    for kind, dtype in ((int, i64), (float, f64), (bool, bool_)):
        if value is kind:
            return dtype
    try:
        return _BY_NUMPY.get(np.dtype(value))
    except TypeError:
        return None


def _sample(dtype: DType, weak: bool) -> Any:
    if weak:
        return {"b": True, "i": 1, "f": 1.0}[dtype.kind]
    return np.ones(1, dtype.dtype)


@cache
def result_of(function: Any, operands: tuple[tuple[DType, bool], ...]) -> tuple[DType, bool]:
    """The (type, weakness) that NumPy gives for `function` of such operands.

    Raises TypeError where NumPy does.
    """
    if all(weak for _, weak in operands):
        value = function(*(_sample(*each) for each in operands))
        return from_numpy(np.asarray(value).dtype), True
    with np.errstate(all="ignore"):
        value = function(*(_sample(*each) for each in operands))
    found = _BY_NUMPY.get(np.asarray(value).dtype)
    if found is None:
        raise TypeError(f"gives {np.asarray(value).dtype}, which is no element type")
    return found, False


@cache
def common(operands: tuple[tuple[DType, bool], ...]) -> tuple[DType, bool]:
    """The type in which operands meet: for comparisons, `where` and variables after branches."""
    if len(set(operands)) == 1:
        return operands[0]
    if all(weak for _, weak in operands):
        order = [bool_, i64, f64]
        return max((each for each, _ in operands), key=order.index), True
    strong = [dtype.dtype for dtype, weak in operands if not weak]
    weak = [_sample(dtype, True) for dtype, is_weak in operands if is_weak]
    return _BY_NUMPY[np.result_type(*strong, *weak)], False
