"""Scalar code of regions: NumPy's arithmetic on single elements."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .diagnostics import Reject
from .dtypes import DType, bool_, common, f32, f64, from_numpy, i64, result_of
from .ir import Block, Builder, affine_map
from .sizes import Size
from .values import Scalar, SizeTest, ssa_type


class ScalarCode:
    """Emits at the place of `builder`."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.positions: dict[str, str] = {}  # names of positions: their SSA values
        self.on_integer_division: Callable[[], None] | None = None

    # ---- from known values -------------------------------------------------------------------

    def constant(self, value: Any, dtype: DType, weak: bool = False) -> Scalar:
        kind = ssa_type(dtype, weak)
        if kind == "i1":
            text = "true" if value else "false"
            return Scalar(self.builder.value(f"arith.constant {text}"), bool_, weak)
        if dtype.is_float:
            number = float(value)
            if math.isfinite(number):
                text = f"{float(dtype.dtype.type(number)):.17e}"
                if "inf" not in text and "nan" not in text:
                    return Scalar(
                        self.builder.value(f"arith.constant {text} : {kind}"), dtype, weak
                    )
                number = float(dtype.dtype.type(number))
            bits = np.array(number, dtype.dtype).view(f"uint{dtype.bits}")
            text = f"0x{int(bits):0{dtype.bits // 4}X}"
            return Scalar(self.builder.value(f"arith.constant {text} : {kind}"), dtype, weak)
        number = int(value)
        low, high = (
            (0, 2**dtype.bits)
            if dtype.kind == "u"
            else (-(2 ** (dtype.bits - 1)), 2 ** (dtype.bits - 1))
        )
        if not low <= number < high:
            raise Reject("E0501", f"the number {number} does not fit into {dtype.name}")
        known = number
        if number >= 2 ** (dtype.bits - 1):
            number -= 2**dtype.bits
        name = self.builder.value(f"arith.constant {number} : {kind}")
        return Scalar(name, dtype, weak, known)

    def of(self, value: Any) -> Scalar:
        """A number, size or comparison of sizes as an SSA value."""
        if isinstance(value, Scalar):
            return value
        if isinstance(value, Size):
            return self.size(value)
        if isinstance(value, SizeTest):
            return self.size_test(value)
        if isinstance(value, bool | np.bool_):
            return self.constant(value, bool_, isinstance(value, bool))
        if isinstance(value, np.generic):
            dtype = from_numpy(value.dtype)
            if dtype is not None:
                return self.constant(value, dtype)
        if isinstance(value, int):
            return self.constant(value, i64, True)
        if isinstance(value, float):
            return self.constant(value, f64, True)
        raise Reject(
            "E0102", f"a value of type {type(value).__name__} cannot be computed with here"
        )

    def size(self, size: Size) -> Scalar:
        """An index: positions are SSA values, symbols are read."""
        if not any(name in self.positions for name in size.names()):
            if size.constant is not None:
                return self.constant(size.constant, i64, True)
            return Scalar(self.builder.value(f"extent.size {affine_map([size])}"), i64, True)
        known = Size({m: c for m, c in size.terms.items() if not self._has_position(m)})
        total = None if known == 0 else self.size(known).name
        for monomial, coefficient in size.terms.items():
            if not self._has_position(monomial):
                continue
            fixed = Size({tuple(a for a in monomial if not self._has_position((a,))): coefficient})
            part = None if fixed == 1 else self.size(fixed).name
            for atom in monomial:
                if not self._has_position((atom,)):
                    continue
                if isinstance(atom, str):
                    value = self.positions[atom]
                else:
                    a, b = self.size(atom.numerator), self.size(atom.denominator)
                    value = (self.floordiv if atom.kind == "floordiv" else self.mod)(
                        a, b, i64, True
                    ).name
                part = (
                    value
                    if part is None
                    else self.builder.value(f"arith.muli {part}, {value} : index")
                )
            total = (
                part if total is None else self.builder.value(f"arith.addi {total}, {part} : index")
            )
        return Scalar(total, i64, True)

    def _has_position(self, monomial: tuple) -> bool:
        return any(name in self.positions for name in Size({monomial: 1}).names())

    def size_test(self, test: SizeTest) -> Scalar:
        a, b = self.size(test.left).name, self.size(test.right).name
        predicate = {"eq": "eq", "ne": "ne", "lt": "slt", "le": "sle"}[test.function]
        return Scalar(self.builder.value(f"arith.cmpi {predicate}, {a}, {b} : index"), bool_, True)

    # ---- conversions -------------------------------------------------------------------------

    def cast(self, value: Any, dtype: DType, weak: bool = False) -> Scalar:
        """`value` as a number of `dtype`, as `astype` converts."""
        if not isinstance(value, Scalar):
            if isinstance(value, bool | int | float | np.generic):
                if dtype.is_int and isinstance(value, float | np.floating):
                    value = int(value)
                if dtype.is_int and not isinstance(value, bool) and isinstance(value, np.generic):
                    value = int(np.asarray(value).astype(dtype.dtype))
                return self.constant(value, dtype, weak)
            value = self.of(value)
        source, target = value.type, ssa_type(dtype, weak)
        if source == target and value.dtype.kind == dtype.kind:
            return Scalar(value.name, dtype, weak, value.known)
        emit = self.builder.value
        if dtype.kind == "b":
            if value.dtype.is_float:
                zero = self.constant(0.0, value.dtype)
                return Scalar(
                    emit(f"arith.cmpf une, {value.name}, {zero.name} : {source}"), bool_, weak
                )
            zero = emit(f"arith.constant 0 : {source}")
            return Scalar(emit(f"arith.cmpi ne, {value.name}, {zero} : {source}"), bool_, weak)
        if value.dtype.is_float:
            if dtype.is_float:
                if dtype.bits == value.dtype.bits:  # f16 and bf16
                    value = self.cast(value, f32)
                op = "extf" if dtype.bits > value.dtype.bits else "truncf"
                return Scalar(
                    emit(f"arith.{op} {value.name} : {value.type} to {target}"), dtype, weak
                )
            return self._float_to_int(value, dtype, weak)
        if dtype.is_float:
            return self._int_to_float(value, dtype, weak)
        return self._int_to_int(value, dtype, weak)

    def _int_to_int(self, value: Scalar, dtype: DType, weak: bool) -> Scalar:
        emit, target = self.builder.value, ssa_type(dtype, weak)
        name, source = value.name, value.type
        unsigned = value.dtype.kind in "bu"
        if target == "index":
            if source == "i1" or (unsigned and value.dtype.bits < 64):
                return Scalar(emit(f"arith.index_castui {name} : {source} to index"), dtype, weak)
            return Scalar(emit(f"arith.index_cast {name} : {source} to index"), dtype, weak)
        if source == "index":
            return Scalar(emit(f"arith.index_cast {name} : index to {target}"), dtype, weak)
        if value.dtype.bits == dtype.bits:
            return Scalar(name, dtype, weak)
        if value.dtype.bits > dtype.bits:
            return Scalar(emit(f"arith.trunci {name} : {source} to {target}"), dtype, weak)
        op = "extui" if unsigned else "extsi"
        return Scalar(emit(f"arith.{op} {name} : {source} to {target}"), dtype, weak)

    def _int_to_float(self, value: Scalar, dtype: DType, weak: bool) -> Scalar:
        emit = self.builder.value
        if value.type == "index" or value.type == "i1":
            value = self.cast(value, i64 if value.type == "index" else _I32)
        elif value.dtype.bits < 32:
            value = self._int_to_int(value, _I32, False)
        op = "uitofp" if value.dtype.kind == "u" else "sitofp"
        wide = dtype if dtype.bits >= 32 else f32
        name = emit(f"arith.{op} {value.name} : {value.type} to {wide.compute}")
        return self.cast(Scalar(name, wide), dtype, weak)

    def _float_to_int(self, value: Scalar, dtype: DType, weak: bool) -> Scalar:
        """Truncated; what does not fit becomes the nearest number that does."""
        emit = self.builder.value
        if value.dtype.bits < 32:
            value = self.cast(value, f32)
        wide = dtype if dtype.bits >= 32 else _I32
        bits = wide.bits - (0 if wide.kind == "u" else 1)
        high = np.nextafter(value.dtype.dtype.type(2.0**bits), value.dtype.dtype.type(0))
        low = 0.0 if wide.kind == "u" else -(2.0**bits)
        limit, floor = self.constant(high, value.dtype), self.constant(low, value.dtype)
        kind = value.type
        name = emit(f"arith.maxnumf {value.name}, {floor.name} : {kind}")
        name = emit(f"arith.minnumf {name}, {limit.name} : {kind}")
        op = "fptoui" if wide.kind == "u" else "fptosi"
        name = emit(f"arith.{op} {name} : {kind} to {wide.compute}")
        return self._int_to_int(Scalar(name, wide), dtype, weak)

    # ---- operators ---------------------------------------------------------------------------

    def call(self, function: Any, *values: Any) -> Scalar:
        """A NumPy function of one element each, see `FUNCTIONS`."""
        name, family = FUNCTIONS[function]
        operands = tuple(self.kind_of(each) for each in values)
        try:
            result, weak = result_of(function, operands)
        except TypeError as error:
            types = " and ".join(("Python's " if w else "") + d.name for d, w in operands)
            reason = str(error).split(",")[0].split("\n")[0]
            raise Reject("E0501", f"`{name}` does not take {types}: {reason}") from None
        if family == "compare":
            inner, inner_weak = common(operands)
            a, b = (self.cast(each, inner, inner_weak) for each in values)
            return self.compare(name, a, b)
        if family == "test":
            return self._test(name, self.of(values[0]))
        if family == "shift" or family == "same":
            pass
        wide = f32 if result.is_float and result.bits < 32 else result
        exact = [self.cast(each, result, weak) for each in values]
        work = [self.cast(each, wide, weak) for each in exact]
        method: Callable[..., Scalar] = getattr(self, name, None) or self._unary_math(name)
        value = method(*work, wide, weak)
        return self.cast(value, result, weak)

    def kind_of(self, value: Any) -> tuple[DType, bool]:
        if isinstance(value, Scalar):
            return value.dtype, value.weak
        if isinstance(value, SizeTest | bool):
            return bool_, True
        if isinstance(value, np.generic):
            dtype = from_numpy(value.dtype)
            if dtype is not None:
                return dtype, False
        if isinstance(value, Size | int):
            return i64, True
        if isinstance(value, float):
            return f64, True
        return self.of(value).dtype, False

    def _op(self, text: str, dtype: DType, weak: bool, *values: Scalar) -> Scalar:
        names = ", ".join(each.name for each in values)
        return Scalar(self.builder.value(f"{text} {names} : {ssa_type(dtype, weak)}"), dtype, weak)

    def _arith(self, stem: str, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        suffix = "f" if dtype.is_float else "i"
        return self._op(f"arith.{stem}{suffix}", dtype, weak, a, b)

    def add(self, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        if dtype.kind == "b":
            return self._op("arith.ori", dtype, weak, a, b)
        return self._arith("add", a, b, dtype, weak)

    def subtract(self, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        return self._arith("sub", a, b, dtype, weak)

    def multiply(self, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        if dtype.kind == "b":
            return self._op("arith.andi", dtype, weak, a, b)
        return self._arith("mul", a, b, dtype, weak)

    def divide(self, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        return self._op("arith.divf", dtype, weak, a, b)

    def negative(self, a: Scalar, dtype: DType, weak: bool) -> Scalar:
        if dtype.is_float:
            return self._op("arith.negf", dtype, weak, a)
        return self.subtract(self.constant(0, dtype, weak), a, dtype, weak)

    def _guarded(
        self, a: Scalar, b: Scalar, dtype: DType, weak: bool
    ) -> tuple[Scalar, Scalar, Scalar]:
        """(b is 0, b is -1, a divisor for which the machine's division is defined)."""
        zero, one = self.constant(0, dtype, weak), self.constant(1, dtype, weak)
        is_zero = self.compare("eq", b, zero)
        if dtype.kind == "u":
            return is_zero, is_zero, self.select(is_zero, one, b)
        is_minus = self.compare("eq", b, self.constant(-1, dtype, weak))
        either = self._op("arith.ori", bool_, False, is_zero, is_minus)
        return is_zero, is_minus, self.select(either, one, b)

    def floordiv(self, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        """`//`: rounds down; NumPy gives 0 for a division of integers by 0."""
        if dtype.is_float:
            quotient = self.divide(
                self.subtract(a, self.mod(a, b, dtype, weak), dtype, weak), b, dtype, weak
            )
            return self.rint(quotient, dtype, weak)
        if _is_power_of_two(b):
            shift = self.constant(b.known.bit_length() - 1, dtype, weak)
            name = "arith.shrui" if dtype.kind == "u" else "arith.shrsi"  # rounds down
            return self._op(name, dtype, weak, a, shift)
        is_zero, is_minus, safe = self._guarded(a, b, dtype, weak)
        zero = self.constant(0, dtype, weak)
        if dtype.kind == "u":
            return self.select(is_zero, zero, self._op("arith.divui", dtype, weak, a, safe))
        quotient = self._op("arith.divsi", dtype, weak, a, safe)
        rest = self.subtract(a, self.multiply(quotient, safe, dtype, weak), dtype, weak)
        down = self._sign_differs(rest, safe, dtype, weak)
        lower = self.subtract(quotient, self.constant(1, dtype, weak), dtype, weak)
        quotient = self.select(down, lower, quotient)
        quotient = self.select(is_minus, self.negative(a, dtype, weak), quotient)
        return self.select(is_zero, zero, quotient)

    floor_divide = floordiv

    def _sign_differs(self, rest: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        """`rest` is not 0 and has another sign than `b`."""
        zero = self.constant(0, dtype, weak)
        below = self.compare("lt", rest, zero)
        differ = self._op("arith.xori", bool_, False, below, self.compare("lt", b, zero))
        return self._op("arith.andi", bool_, False, differ, self.compare("ne", rest, zero))

    def mod(self, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        """`%`: has the sign of the divisor."""
        zero = self.constant(0, dtype, weak)
        if dtype.is_float:
            rest = self._op("arith.remf", dtype, weak, a, b)
            differs = self._sign_differs(rest, b, dtype, weak)
            return self.select(differs, self.add(rest, b, dtype, weak), rest)
        if _is_power_of_two(b):
            return self._op("arith.andi", dtype, weak, a, self.constant(b.known - 1, dtype, weak))
        is_zero, is_minus, safe = self._guarded(a, b, dtype, weak)
        if dtype.kind == "u":
            return self.select(is_zero, zero, self._op("arith.remui", dtype, weak, a, safe))
        rest = self._op("arith.remsi", dtype, weak, a, safe)
        differs = self._sign_differs(rest, safe, dtype, weak)
        rest = self.select(differs, self.add(rest, safe, dtype, weak), rest)
        return self.select(self._op("arith.ori", bool_, False, is_zero, is_minus), zero, rest)

    remainder = mod

    def power(self, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        if dtype.is_float:
            return self._op("math.powf", dtype, weak, a, b)
        return self.cast(
            self._op("math.ipowi", i64, False, self.cast(a, i64), self.cast(b, i64)), dtype, weak
        )

    def maximum(self, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        return self._extreme("max", a, b, dtype, weak)

    def minimum(self, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        return self._extreme("min", a, b, dtype, weak)

    def _extreme(self, stem: str, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        if dtype.kind == "b":
            return self._op("arith.ori" if stem == "max" else "arith.andi", dtype, weak, a, b)
        suffix = "imumf" if dtype.is_float else "ui" if dtype.kind == "u" else "si"
        return self._op(f"arith.{stem}{suffix}", dtype, weak, a, b)

    def absolute(self, a: Scalar, dtype: DType, weak: bool) -> Scalar:
        if dtype.is_float:
            return self._op("math.absf", dtype, weak, a)
        if dtype.kind in "bu":
            return a
        return self.maximum(a, self.negative(a, dtype, weak), dtype, weak)

    def sign(self, a: Scalar, dtype: DType, weak: bool) -> Scalar:
        zero, one = self.constant(0, dtype, weak), self.constant(1, dtype, weak)
        positive = self.select(self.compare("lt", zero, a), one, a if dtype.is_float else zero)
        if dtype.kind == "u":
            return positive
        return self.select(self.compare("lt", a, zero), self.constant(-1, dtype, weak), positive)

    def square(self, a: Scalar, dtype: DType, weak: bool) -> Scalar:
        return self.multiply(a, a, dtype, weak)

    def reciprocal(self, a: Scalar, dtype: DType, weak: bool) -> Scalar:
        return self.divide(self.constant(1, dtype, weak), a, dtype, weak)

    def bitwise_and(self, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        return self._op("arith.andi", dtype, weak, a, b)

    def bitwise_or(self, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        return self._op("arith.ori", dtype, weak, a, b)

    def bitwise_xor(self, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        return self._op("arith.xori", dtype, weak, a, b)

    def invert(self, a: Scalar, dtype: DType, weak: bool) -> Scalar:
        ones = self.constant(1, bool_) if dtype.kind == "b" else self._ones(dtype, weak)
        return self._op("arith.xori", dtype, weak, a, ones)

    def _ones(self, dtype: DType, weak: bool) -> Scalar:
        return self.constant(-1 if dtype.kind == "i" else 2**dtype.bits - 1, dtype, weak)

    def left_shift(self, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        return self._shift("arith.shli", a, b, dtype, weak)

    def right_shift(self, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        return self._shift("arith.shrui" if dtype.kind == "u" else "arith.shrsi", a, b, dtype, weak)

    def _shift(self, op: str, a: Scalar, b: Scalar, dtype: DType, weak: bool) -> Scalar:
        """A shift by the width or more leaves nothing, or the sign."""
        last = self.constant(dtype.bits - 1, dtype, weak)
        least = self._op("arith.minui", dtype, weak, b, last)
        shifted = self._op(op, dtype, weak, a, least)
        if op == "arith.shrsi":
            return shifted
        name = self.builder.value(f"arith.cmpi ugt, {b.name}, {last.name} : {b.type}")
        return self.select(Scalar(name, bool_), self.constant(0, dtype, weak), shifted)

    def rint(self, a: Scalar, dtype: DType, weak: bool) -> Scalar:
        return self._op("math.roundeven", dtype, weak, a) if dtype.is_float else a

    def _unary_math(self, name: str) -> Callable[..., Scalar]:
        def emit(*values: Any) -> Scalar:
            *operands, dtype, weak = values
            if not dtype.is_float:
                return operands[0]  # floor, ceil and trunc of integers
            return self._op(f"math.{name}", dtype, weak, *operands)

        return emit

    def _test(self, name: str, value: Scalar) -> Scalar:
        if name == "logical_not":
            return self.logical_not(value)
        if not value.dtype.is_float:
            return self.constant(name == "isfinite", bool_)
        emit, kind = self.builder.value, value.type
        if name == "isnan":
            return Scalar(emit(f"arith.cmpf uno, {value.name}, {value.name} : {kind}"), bool_)
        size = self.absolute(value, value.dtype, False)
        limit = self.constant(float("inf"), value.dtype)
        predicate = "oeq" if name == "isinf" else "olt"
        return Scalar(emit(f"arith.cmpf {predicate}, {size.name}, {limit.name} : {kind}"), bool_)

    def logical_and(self, a: Scalar, b: Scalar, *_: Any) -> Scalar:
        return self._op("arith.andi", bool_, False, self.cast(a, bool_), self.cast(b, bool_))

    def logical_or(self, a: Scalar, b: Scalar, *_: Any) -> Scalar:
        return self._op("arith.ori", bool_, False, self.cast(a, bool_), self.cast(b, bool_))

    def logical_not(self, a: Scalar) -> Scalar:
        true = self.constant(True, bool_)
        return self._op("arith.xori", bool_, False, self.cast(a, bool_), true)

    def compare(self, predicate: str, a: Scalar, b: Scalar) -> Scalar:
        """Of two numbers of one type."""
        if a.dtype.is_float:
            text = "une" if predicate == "ne" else f"o{predicate}"
            return Scalar(
                self.builder.value(f"arith.cmpf {text}, {a.name}, {b.name} : {a.type}"), bool_
            )
        if predicate not in ("eq", "ne"):
            predicate = ("u" if a.dtype.kind in "ub" else "s") + predicate
        return Scalar(
            self.builder.value(f"arith.cmpi {predicate}, {a.name}, {b.name} : {a.type}"), bool_
        )

    def select(self, condition: Scalar, a: Scalar, b: Scalar) -> Scalar:
        text = f"arith.select {condition.name}, {a.name}, {b.name} : {a.type}"
        return Scalar(self.builder.value(text), a.dtype, a.weak)

    def where(self, condition: Any, a: Any, b: Any) -> Scalar:
        inner, weak = common((self.kind_of(a), self.kind_of(b)))
        truth = self.cast(condition, bool_)
        return self.select(truth, self.cast(a, inner, weak), self.cast(b, inner, weak))

    def python_extreme(self, name: str, a: Any, b: Any) -> Scalar:
        """The built-in `min` and `max`: the first one unless the second is beyond it."""
        inner, weak = common((self.kind_of(a), self.kind_of(b)))
        first, second = self.cast(a, inner, weak), self.cast(b, inner, weak)
        better = self.compare("lt" if name == "min" else "gt", second, first)
        return self.select(better, second, first)

    def is_zero_block(self) -> Block:
        return Block()


_I32 = from_numpy(np.int32)

# NumPy functions of single elements: (method of ScalarCode or operation of `math`, family).
FUNCTIONS: dict[Any, tuple[str, str]] = {
    np.add: ("add", "map"),
    np.subtract: ("subtract", "map"),
    np.multiply: ("multiply", "map"),
    np.divide: ("divide", "map"),
    np.floor_divide: ("floordiv", "map"),
    np.remainder: ("mod", "map"),
    np.power: ("power", "map"),
    np.negative: ("negative", "map"),
    np.absolute: ("absolute", "map"),
    np.sign: ("sign", "map"),
    np.square: ("square", "map"),
    np.reciprocal: ("reciprocal", "map"),
    np.maximum: ("maximum", "map"),
    np.minimum: ("minimum", "map"),
    np.bitwise_and: ("bitwise_and", "map"),
    np.bitwise_or: ("bitwise_or", "map"),
    np.bitwise_xor: ("bitwise_xor", "map"),
    np.invert: ("invert", "map"),
    np.left_shift: ("left_shift", "map"),
    np.right_shift: ("right_shift", "map"),
    np.rint: ("rint", "map"),
    np.arctan2: ("atan2", "map"),
    np.logical_and: ("logical_and", "logic"),
    np.logical_or: ("logical_or", "logic"),
    np.logical_not: ("logical_not", "test"),
    np.isnan: ("isnan", "test"),
    np.isinf: ("isinf", "test"),
    np.isfinite: ("isfinite", "test"),
    np.less: ("lt", "compare"),
    np.less_equal: ("le", "compare"),
    np.greater: ("gt", "compare"),
    np.greater_equal: ("ge", "compare"),
    np.equal: ("eq", "compare"),
    np.not_equal: ("ne", "compare"),
} | {
    getattr(np, name): (op, "map")
    for name, op in {
        "exp": "exp",
        "exp2": "exp2",
        "expm1": "expm1",
        "log": "log",
        "log2": "log2",
        "log10": "log10",
        "log1p": "log1p",
        "sqrt": "sqrt",
        "cbrt": "cbrt",
        "sin": "sin",
        "cos": "cos",
        "tan": "tan",
        "arcsin": "asin",
        "arccos": "acos",
        "arctan": "atan",
        "sinh": "sinh",
        "cosh": "cosh",
        "tanh": "tanh",
        "arcsinh": "asinh",
        "arccosh": "acosh",
        "arctanh": "atanh",
        "floor": "floor",
        "ceil": "ceil",
        "trunc": "trunc",
    }.items()
}

# Python's operators as NumPy functions.
OPERATORS: dict[str, tuple[Any, Callable[..., Any]]] = {
    "Add": (np.add, operator.add),
    "Sub": (np.subtract, operator.sub),
    "Mult": (np.multiply, operator.mul),
    "Div": (np.divide, operator.truediv),
    "FloorDiv": (np.floor_divide, operator.floordiv),
    "Mod": (np.remainder, operator.mod),
    "Pow": (np.power, operator.pow),
    "BitAnd": (np.bitwise_and, operator.and_),
    "BitOr": (np.bitwise_or, operator.or_),
    "BitXor": (np.bitwise_xor, operator.xor),
    "LShift": (np.left_shift, operator.lshift),
    "RShift": (np.right_shift, operator.rshift),
    "USub": (np.negative, operator.neg),
    "UAdd": (None, operator.pos),
    "Invert": (np.invert, operator.invert),
    "Not": (np.logical_not, operator.not_),
    "Lt": (np.less, operator.lt),
    "LtE": (np.less_equal, operator.le),
    "Gt": (np.greater, operator.gt),
    "GtE": (np.greater_equal, operator.ge),
    "Eq": (np.equal, operator.eq),
    "NotEq": (np.not_equal, operator.ne),
}


def _is_power_of_two(number: Scalar) -> bool:
    return number.known is not None and number.known > 0 and number.known.bit_count() == 1
