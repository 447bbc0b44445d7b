"""Random models of one operator or a chain of them, with inputs: the same for a seed always."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnx.helper as oh

OPSET = 21
FLOATS = [np.float32, np.float32, np.float32, np.float64, np.float16]
INTS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
SIZES = [1, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 33]


@dataclass
class Value:
    """A tensor of the graph: its name, element type and sizes."""

    name: str
    dtype: Any
    shape: tuple[int, ...]


@dataclass
class Model:
    """A graph under construction; random decisions come from `rng` only."""

    rng: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    inputs: dict[str, np.ndarray] = field(default_factory=dict)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    outputs: list[Value] = field(default_factory=list)
    dynamic: float = 0.0  # chance of an input's dimension to be unknown
    fixed: set[str] = field(default_factory=set)  # inputs whose dimensions are known always
    special: float = 0.0  # chance of an element to be NaN, infinite, zero or huge

    # ---- choices
    def pick(self, options: Any) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def number(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def shape(self, low: int = 0, high: int = 5) -> tuple[int, ...]:
        """Sizes of low to high dimensions, now and then with a zero, at most 4,096 elements."""
        shape: list[int] = []
        for _ in range(self.number(low, high)):
            size = self.pick(SIZES)
            while size > 1 and int(np.prod(shape or [1])) * size > 4096:
                size //= 2
            shape.append(size)
        if shape and self.chance(0.04):
            shape[self.number(0, len(shape) - 1)] = 0
        return tuple(shape)

    # ---- values
    def array(self, dtype: Any, shape: tuple[int, ...]) -> np.ndarray:
        dtype = np.dtype(dtype)
        if dtype == np.bool_:
            return self.rng.random(shape) < 0.5
        if dtype.kind in "iu":
            info = np.iinfo(dtype)
            low, high = max(info.min, -20), min(info.max, 20)
            result = self.rng.integers(low, high, shape, endpoint=True).astype(dtype)
            mask = self.rng.random(shape) < self.special
            return np.where(mask, self.rng.choice([info.min, info.max], shape), result).astype(
                dtype
            )
        result = np.asarray(self.rng.standard_normal(shape) * self.pick([0.5, 1, 3, 20]))
        if self.special:
            with np.errstate(over="ignore"):
                odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-30, 6e4, -6e4, 0.5, 1.5])
                mask = self.rng.random(shape) < self.special
                result = np.where(mask, self.rng.choice(odd, shape), result)
        return result.astype(dtype)

    def give(self, array: np.ndarray, constant: float = 0.3) -> Value:
        """An input or, by that chance, a constant."""
        name = f"x{len(self.inputs) + len(self.constants)}"
        (self.constants if self.chance(constant) else self.inputs)[name] = array
        return Value(name, array.dtype, array.shape)

    def fresh(self, dtype: Any, shape: tuple[int, ...], constant: float = 0.3) -> Value:
        return self.give(self.array(dtype, shape), constant)

    def const(self, values: Any, dtype: Any = np.int64) -> Value:
        return self.give(np.asarray(values, dtype), 1.0)

    def node(
        self,
        kind: str,
        inputs: list[Value | None],
        dtype: Any,
        shape: tuple[int, ...],
        **attributes: Any,
    ) -> Value:
        out = Value(f"v{len(self.nodes)}", np.dtype(dtype), tuple(shape))
        names = [value.name if value else "" for value in inputs]
        while names and not names[-1]:
            names.pop()
        given = {key: value for key, value in attributes.items() if value is not None}
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(oh.make_node(kind, names, [out.name], name=name, **given))
        return out

    # ---- the model
    def proto(self) -> onnx.ModelProto:
        infos = []
        for name, array in self.inputs.items():
            dims = [
                f"{name}_{axis}" if name not in self.fixed and self.chance(self.dynamic) else size
                for axis, size in enumerate(array.shape)
            ]
            infos.append(
                oh.make_tensor_value_info(name, oh.np_dtype_to_tensor_dtype(array.dtype), dims)
            )
        outputs = [
            oh.make_tensor_value_info(v.name, oh.np_dtype_to_tensor_dtype(np.dtype(v.dtype)), None)
            for v in self.outputs
        ]
        constants = [onnx.numpy_helper.from_array(a, n) for n, a in self.constants.items()]
        graph = oh.make_graph(self.nodes, "random", infos, outputs, constants)
        opsets = [oh.make_opsetid("", OPSET)]
        return oh.make_model(graph, opset_imports=opsets, ir_version=10)


# An operator: takes a model and a value or None, gives the result. With a value it goes on a chain,
# and returns None where it cannot take it.
Build = Callable[[Model, "Value | None"], "Value | None"]
OPERATORS: dict[str, Build] = {}


def operator(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function (model, name, value) for the names, which spaces may separate."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in " ".join(names).split():
            OPERATORS[name] = lambda m, x, name=name: function(m, name, x)
        return function

    return register


def is_float(value: Value) -> bool:
    return np.dtype(value.dtype).kind == "f"


def start(
    m: Model, x: Value | None, dtypes: list[Any], low: int = 0, high: int = 5
) -> Value | None:
    """The value if it fits, or a new one."""
    if x is None:
        return m.fresh(m.pick(dtypes), m.shape(low, high), 0)
    fits = any(np.dtype(d) == np.dtype(x.dtype) for d in dtypes) and low <= len(x.shape) <= high
    return x if fits else None


@operator(
    "Abs Neg Ceil Floor Round Exp Log Sqrt Reciprocal Sigmoid Tanh Erf Sin Cos Tan",
    "Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Relu Softplus Softsign Sign HardSwish",
    "Mish",
)
def unary(m: Model, kind: str, x: Value | None) -> Value | None:
    dtypes = FLOATS
    if kind in ("Abs", "Neg", "Sign") and m.chance(0.4):
        dtypes = [np.int8, np.int32, np.int64]
    if kind in ("Erf", "Mish", "HardSwish", "Softsign", "Sinh", "Cosh", "Tan", "Asinh", "Acosh"):
        dtypes = [np.float32]
    if kind in ("Atanh", "Asin", "Acos", "Atan", "Sin", "Cos", "Softplus"):
        dtypes = [np.float32]
    x = start(m, x, dtypes)
    return x and m.node(kind, [x], x.dtype, x.shape)


@operator(
    "LeakyRelu Elu Celu Selu ThresholdedRelu HardSigmoid Gelu Shrink Clip",
)
def activation(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32])
    if x is None:
        return None
    a, b = float(m.rng.uniform(0.05, 2)), float(m.rng.uniform(0.05, 2))
    if kind == "Clip":
        low = m.const(-a, x.dtype) if m.chance(0.7) else None
        high = m.const(b, x.dtype) if m.chance(0.7) else None
        return m.node(kind, [x, low, high], x.dtype, x.shape)
    attributes: dict[str, Any] = {
        "Gelu": {"approximate": m.pick(["none", "tanh"])},
        "Shrink": {"lambd": a, "bias": b},
        "Selu": {"alpha": a, "gamma": b},
        "HardSigmoid": {"alpha": a, "beta": b},
    }.get(kind, {"alpha": a})
    if m.chance(0.3):
        attributes = {}
    return m.node(kind, [x], x.dtype, x.shape, **attributes)


def broadcastable(m: Model, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Sizes that broadcast with these to these or more."""
    other = [1 if m.chance(0.3) else size for size in shape]
    return tuple(other[m.number(0, len(other)) if m.chance(0.3) else 0 :])


@operator(
    "Add Sub Mul Div Pow Mod Min Max Mean Sum PRelu",
)
def binary(m: Model, kind: str, x: Value | None) -> Value | None:
    dtypes = FLOATS if m.chance(0.6) else [np.int32, np.int64]
    if kind in ("Mod",):
        dtypes = [np.int32, np.int64, np.uint8, np.int8]
    if kind in ("Pow", "Mean", "Sum", "PRelu"):
        dtypes = [np.float32]
    x = start(m, x, dtypes)
    if x is None:
        return None
    shape = broadcastable(m, x.shape)
    data = m.array(x.dtype, shape)
    if not is_float(x) and kind in ("Div", "Mod"):
        data = np.where((data == 0) | (data == -1 if data.dtype.kind == "i" else False), 3, data)
    second = m.give(data.astype(x.dtype))
    pair = [x, second] if kind == "PRelu" or m.chance(0.6) else [second, x]
    if not is_float(x) and kind in ("Div", "Mod"):
        pair = [x, second]
    fmod = m.pick([0, 1]) if kind == "Mod" else None
    return m.node(kind, pair, x.dtype, x.shape, fmod=fmod)


@operator(
    "Equal Less Greater LessOrEqual GreaterOrEqual",
)
def comparison(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32, np.float64, np.int32, np.int64])
    if x is None:
        return None
    second = m.fresh(x.dtype, broadcastable(m, x.shape))
    return m.node(kind, [x, second], np.bool_, x.shape)


@operator("And", "Or", "Xor")
def logical(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.bool_])
    return x and m.node(kind, [x, m.fresh(np.bool_, broadcastable(m, x.shape))], np.bool_, x.shape)


@operator("Not")
def negation(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.bool_])
    return x and m.node(kind, [x], np.bool_, x.shape)


@operator("BitwiseAnd", "BitwiseOr", "BitwiseXor")
def bitwise(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, INTS)
    return x and m.node(kind, [x, m.fresh(x.dtype, broadcastable(m, x.shape))], x.dtype, x.shape)


@operator("BitwiseNot")
def bitwise_not(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, INTS)
    return x and m.node(kind, [x], x.dtype, x.shape)


@operator("BitShift")
def bit_shift(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.uint8, np.uint32, np.uint64])
    if x is None:
        return None
    amount = m.rng.integers(0, 8, broadcastable(m, x.shape)).astype(x.dtype)
    direction = m.pick(["LEFT", "RIGHT"])
    return m.node(kind, [x, m.give(amount)], x.dtype, x.shape, direction=direction)


@operator("IsNaN", "IsInf")
def is_special(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32, np.float64])
    if x is None:
        return None
    sides = {}
    if kind == "IsInf":
        sides = {"detect_negative": m.pick([0, 1]), "detect_positive": m.pick([0, 1])}
    return m.node(kind, [x], np.bool_, x.shape, **sides)


@operator("Cast")
def cast(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32, np.int32, np.int64, np.uint8, np.bool_, np.float64])
    if x is None:
        return None
    targets = [np.float32, np.float64, np.float16, np.bool_]
    if not is_float(x):
        targets += [np.int8, np.int32, np.int64, np.uint8]
    to = m.pick(targets)
    return m.node(kind, [x], to, x.shape, to=oh.np_dtype_to_tensor_dtype(np.dtype(to)))


@operator("Where")
def where(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32, np.int64, np.uint8, np.int32])
    if x is None:
        return None
    condition = m.fresh(np.bool_, broadcastable(m, x.shape))
    other = m.fresh(x.dtype, broadcastable(m, x.shape))
    return m.node(
        kind, [condition, *([x, other] if m.chance(0.5) else [other, x])], x.dtype, x.shape
    )


@operator(
    "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2",
    "ReduceSumSquare ReduceLogSum ReduceLogSumExp",
)
def reduction(m: Model, kind: str, x: Value | None) -> Value | None:
    dtypes = [np.float32] if m.chance(0.7) else [np.int32, np.int64]
    if kind.startswith("ReduceLog") or kind in ("ReduceMean", "ReduceL2"):
        dtypes = [np.float32]
    x = start(m, x, dtypes)
    if x is None or 0 in x.shape:
        return None
    rank = len(x.shape)
    axes = [axis for axis in range(rank) if m.chance(0.5)]
    keep, noop = m.pick([0, 1]), m.pick([0, 1])
    reduced = axes if axes else [] if noop else list(range(rank))
    shape = [1 if k in reduced else s for k, s in enumerate(x.shape) if keep or k not in reduced]
    written = [axis - rank if m.chance(0.4) else axis for axis in axes]
    second = m.const(written) if axes else None
    return m.node(
        kind, [x, second], x.dtype, tuple(shape), keepdims=keep, noop_with_empty_axes=noop
    )


@operator("ArgMax", "ArgMin")
def arg_reduction(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32, np.int32], 1)
    if x is None or 0 in x.shape:
        return None
    axis, keep = m.number(0, len(x.shape) - 1), m.pick([0, 1])
    shape = [1 if k == axis else s for k, s in enumerate(x.shape) if keep or k != axis]
    return m.node(
        kind,
        [x],
        np.int64,
        tuple(shape),
        axis=axis - len(x.shape) if m.chance(0.3) else axis,
        keepdims=keep,
        select_last_index=m.pick([0, 1]),
    )


@operator("Softmax", "LogSoftmax", "Hardmax")
def softmax(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32], 1)
    if x is None:
        return None
    return m.node(kind, [x], x.dtype, x.shape, axis=m.number(-len(x.shape), len(x.shape) - 1))


@operator("CumSum")
def cumulative(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32, np.int32, np.int64], 1)
    if x is None:
        return None
    axis = m.const(m.number(-len(x.shape), len(x.shape) - 1))
    return m.node(
        kind, [x, axis], x.dtype, x.shape, exclusive=m.pick([0, 1]), reverse=m.pick([0, 1])
    )


ANY = [np.float32, np.float32, np.int64, np.int32, np.uint8, np.bool_, np.float64, np.float16]


@operator("Transpose")
def transpose(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, ANY)
    if x is None:
        return None
    if m.chance(0.2) or not x.shape:
        return m.node(kind, [x], x.dtype, x.shape[::-1])
    perm = [int(k) for k in m.rng.permutation(len(x.shape))]
    return m.node(kind, [x], x.dtype, tuple(x.shape[k] for k in perm), perm=perm)


@operator("Reshape")
def reshape(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, ANY, 1)
    if x is None or 0 in x.shape:
        return None
    left, shape = int(np.prod(x.shape)), []
    while left > 1 and len(shape) < 4:
        size = m.pick([d for d in range(1, left + 1) if left % d == 0])
        shape.append(size)
        left //= size
    shape.append(left)
    target = list(shape)
    if m.chance(0.5):
        target[m.number(0, len(target) - 1)] = -1
    return m.node(kind, [x, m.const(target)], x.dtype, tuple(shape))


@operator("Flatten")
def flatten(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, ANY)
    if x is None:
        return None
    axis = m.number(-len(x.shape), len(x.shape))
    at = axis % len(x.shape) if axis < 0 else axis
    shape = (int(np.prod(x.shape[:at])), int(np.prod(x.shape[at:])))
    return m.node(kind, [x], x.dtype, shape, axis=axis)


@operator("Squeeze")
def squeeze(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, ANY)
    if x is None:
        return None
    axes = [k for k, size in enumerate(x.shape) if size == 1 and m.chance(0.7)]
    if not axes:
        return None
    shape = tuple(size for k, size in enumerate(x.shape) if k not in axes)
    return m.node(kind, [x, m.const(axes)], x.dtype, shape)


@operator("Unsqueeze")
def unsqueeze(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, ANY, 0, 4)
    if x is None:
        return None
    rank = len(x.shape) + m.number(1, 2)
    axes = sorted(int(k) for k in m.rng.permutation(rank)[: rank - len(x.shape)])
    sizes = iter(x.shape)
    shape = tuple(1 if k in axes else next(sizes) for k in range(rank))
    written = [axis - rank if m.chance(0.3) else axis for axis in axes]
    return m.node(kind, [x, m.const(written)], x.dtype, shape)


@operator("Slice")
def slicing(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, ANY, 1)
    if x is None:
        return None
    axes = [k for k in range(len(x.shape)) if m.chance(0.6)] or [0]
    starts, ends, steps, shape = [], [], [], list(x.shape)
    for axis in axes:
        size = x.shape[axis]
        step = m.pick([1, 1, 2, 3, -1, -2])
        begin = m.pick([0, 1, -1, m.number(-size - 1, size + 1), 2**31])
        end = m.pick([size, m.number(-size - 1, size + 1), 2**31, -(2**31)])
        shape[axis] = len(range(size)[begin:end:step])
        starts.append(begin), ends.append(end), steps.append(step)
    lists = [m.const(starts), m.const(ends), m.const(axes), m.const(steps)]
    return m.node(kind, [x, *lists], x.dtype, tuple(shape))


@operator("Concat")
def concat(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, ANY, 1)
    if x is None:
        return None
    axis = m.number(0, len(x.shape) - 1)
    parts, total = [x], x.shape[axis]
    for _ in range(m.number(0, 3)):
        shape = list(x.shape)
        shape[axis] = m.pick([0, 1, 2, 3, 8])
        total += shape[axis]
        parts.append(m.fresh(x.dtype, tuple(shape)))
    m.rng.shuffle(parts)  # type: ignore[arg-type]
    shape = list(x.shape)
    shape[axis] = total
    written = axis - len(shape) if m.chance(0.3) else axis
    return m.node(kind, parts, x.dtype, tuple(shape), axis=written)


@operator("Pad")
def pad(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32, np.int64, np.int32, np.float64], 1)
    if x is None or 0 in x.shape:
        return None
    mode = m.pick(["constant", "constant", "edge", "reflect", "wrap"])
    most = {"constant": 4, "edge": 4, "reflect": min(x.shape) - 1, "wrap": min(x.shape)}[mode]
    pads = [m.number(0, min(most, 4)) for _ in range(2 * len(x.shape))]
    rank = len(x.shape)
    shape = tuple(s + pads[k] + pads[k + rank] for k, s in enumerate(x.shape))
    value = m.const(3, x.dtype) if mode == "constant" and m.chance(0.5) else None
    return m.node(kind, [x, m.const(pads), value], x.dtype, shape, mode=mode)


@operator("Tile")
def tile(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, ANY, 1, 4)
    if x is None or int(np.prod(x.shape)) > 2000:
        return None
    repeats = [m.pick([1, 1, 2, 3]) for _ in x.shape]
    shape = tuple(s * r for s, r in zip(x.shape, repeats, strict=True))
    return m.node(kind, [x, m.const(repeats)], x.dtype, shape)


@operator("Expand")
def expand(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, ANY, 0, 4)
    if x is None:
        return None
    target = [m.pick([1, 2, 3, 5]) if size == 1 else size for size in x.shape]
    shape = list(target)
    if m.chance(0.3) and len(shape) < 5:
        shape = target = [m.pick([1, 2]), *target]
    return m.node(kind, [x, m.const(target)], x.dtype, tuple(shape))


@operator("Gather")
def gather(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, ANY, 1, 4)
    if x is None or 0 in x.shape:
        return None
    axis = m.number(0, len(x.shape) - 1)
    size = x.shape[axis]
    indices = m.rng.integers(-size, size, m.shape(0, 2)).astype(m.pick([np.int32, np.int64]))
    shape = x.shape[:axis] + indices.shape + x.shape[axis + 1 :]
    return m.node(kind, [x, m.give(indices)], x.dtype, shape, axis=axis)


@operator("GatherElements")
def gather_elements(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, ANY, 1, 4)
    if x is None or 0 in x.shape:
        return None
    axis = m.number(0, len(x.shape) - 1)
    shape = tuple(
        m.number(1, s + 2) if k == axis else m.number(1, s) for k, s in enumerate(x.shape)
    )
    indices = m.rng.integers(-x.shape[axis], x.shape[axis], shape)
    return m.node(kind, [x, m.give(indices)], x.dtype, shape, axis=axis)


@operator("GatherND")
def gather_nd(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, ANY, 1, 4)
    if x is None or 0 in x.shape:
        return None
    depth = m.number(1, len(x.shape))
    outer = m.shape(1, 2)
    columns = [m.rng.integers(-size, size, outer) for size in x.shape[:depth]]
    indices = np.stack(columns, -1).astype(np.int64)
    given = m.give(indices)
    m.fixed.add(given.name)  # The rank of the result depends on their last dimension.
    return m.node(kind, [x, given], x.dtype, outer + x.shape[depth:])


@operator("ScatterElements")
def scatter_elements(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32, np.int64], 1, 4)
    if x is None or 0 in x.shape:
        return None
    axis = m.number(0, len(x.shape) - 1)
    order = np.argsort(m.rng.random(x.shape), axis=axis)  # no element is written twice
    kept = m.number(1, x.shape[axis])
    indices = np.take(order, range(kept), axis=axis).astype(np.int64)
    reduce = m.pick(["none", "add", "mul", "max", "min"])
    updates = m.fresh(x.dtype, indices.shape)
    return m.node(
        kind, [x, m.give(indices), updates], x.dtype, x.shape, axis=axis, reduction=reduce
    )


@operator("ScatterND")
def scatter_nd(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32, np.int64], 1, 4)
    if x is None or 0 in x.shape:
        return None
    rows = m.rng.permutation(x.shape[0])[: m.number(1, x.shape[0])].reshape(-1, 1)
    updates = m.fresh(x.dtype, (len(rows), *x.shape[1:]))
    reduce = m.pick(["none", "add", "mul", "max", "min"])
    indices = m.give(rows.astype(np.int64))
    return m.node(kind, [x, indices, updates], x.dtype, x.shape, reduction=reduce)


@operator("OneHot")
def one_hot(m: Model, kind: str, x: Value | None) -> Value | None:
    if x is not None:
        return None
    depth = m.number(1, 9)
    indices = m.rng.integers(-depth - 2, depth + 2, m.shape(0, 3)).astype(np.int64)
    axis = m.number(-indices.ndim - 1, indices.ndim)
    at = axis % (indices.ndim + 1)
    shape = (*indices.shape[:at], depth, *indices.shape[at:])
    values = m.fresh(np.float32, (2,))
    return m.node(kind, [m.give(indices), m.const(depth), values], np.float32, shape, axis=axis)


@operator("Trilu")
def trilu(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32, np.int64], 2, 4)
    if x is None:
        return None
    k = m.const(m.number(-5, 5)) if m.chance(0.7) else None
    return m.node(kind, [x, k], x.dtype, x.shape, upper=m.pick([0, 1]))


@operator("DepthToSpace", "SpaceToDepth")
def blocks(m: Model, kind: str, x: Value | None) -> Value | None:
    if x is not None:
        return None
    b, n, c, h, w = m.number(1, 3), m.number(1, 2), m.number(1, 3), m.number(1, 5), m.number(1, 5)
    if kind == "DepthToSpace":
        x = m.fresh(np.float32, (n, c * b * b, h, w), 0)
        mode = m.pick(["DCR", "CRD"])
        return m.node(kind, [x], x.dtype, (n, c, h * b, w * b), blocksize=b, mode=mode)
    x = m.fresh(np.float32, (n, c, h * b, w * b), 0)
    return m.node(kind, [x], x.dtype, (n, c * b * b, h, w), blocksize=b)


@operator("MatMul")
def matmul(m: Model, kind: str, x: Value | None) -> Value | None:
    dtype = m.pick([np.float32, np.float32, np.float64, np.int32])
    x = start(m, x, [dtype], 2, 4)
    if x is None:
        return None
    columns = m.pick(SIZES)
    batch = broadcastable(m, x.shape[:-2]) if m.chance(0.5) else ()
    second = m.fresh(x.dtype, (*batch, x.shape[-1], columns))
    return m.node(kind, [x, second], x.dtype, (*x.shape[:-1], columns))


@operator("Gemm")
def gemm(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32], 2, 2)
    if x is None or 0 in x.shape:
        return None
    left, right = m.pick([0, 1]), m.pick([0, 1])
    rows, inner = x.shape[::-1] if left else x.shape
    columns = m.pick(SIZES)
    b = m.fresh(np.float32, (columns, inner) if right else (inner, columns))
    bias = m.fresh(np.float32, broadcastable(m, (rows, columns))) if m.chance(0.6) else None
    return m.node(
        kind,
        [x, b, bias],
        np.float32,
        (rows, columns),
        transA=left,
        transB=right,
        alpha=m.pick([None, 0.5]),
        beta=m.pick([None, 2.0]),
    )


def windows(m: Model, rank: int) -> dict[str, list[int]]:
    kernel = [m.number(1, 4) for _ in range(rank)]
    return {
        "kernel_shape": kernel,
        "strides": [m.number(1, 3) for _ in range(rank)],
        "dilations": [m.number(1, 2) for _ in range(rank)],
        "pads": [m.number(0, k - 1) for k in kernel * 2],
    }


def window_sizes(sizes: tuple[int, ...], a: dict[str, Any], ceil: bool) -> list[int] | None:
    """How many windows there are, or None if one does not fit."""
    counts = []
    rank = len(sizes)
    for k, size in enumerate(sizes):
        reach = (a["kernel_shape"][k] - 1) * a["dilations"][k] + 1
        room = size + a["pads"][k] + a["pads"][k + rank] - reach
        if room < 0:
            return None
        counts.append((-(-room // a["strides"][k]) if ceil else room // a["strides"][k]) + 1)
    return counts


@operator("Conv", "ConvTranspose")
def convolution(m: Model, kind: str, x: Value | None) -> Value | None:
    if x is not None:
        return None
    rank, group = m.number(1, 3), m.pick([1, 1, 2, 3])
    channels, filters = group * m.number(1, 4), group * m.number(1, 5)
    sizes = tuple(m.number(4, 11) for _ in range(rank))
    a = windows(m, rank)
    x = m.fresh(np.float32, (m.number(1, 2), channels, *sizes), 0)
    if kind == "Conv":
        spatial = window_sizes(sizes, a, False)
        if spatial is None:
            return None
        weight = (filters, channels // group, *a["kernel_shape"])
    else:
        spatial = [1] * rank
        weight = (channels, filters // group, *a["kernel_shape"])
        a["pads"] = [0] * (2 * rank)
    bias = m.fresh(np.float32, (filters,)) if m.chance(0.5) else None
    w = m.fresh(np.float32, weight, 0.7)
    return m.node(kind, [x, w, bias], np.float32, (x.shape[0], filters, *spatial), group=group, **a)


@operator("MaxPool", "AveragePool", "LpPool")
def pooling(m: Model, kind: str, x: Value | None) -> Value | None:
    if x is not None or m.special:  # What the largest of NaN and a number is, ONNX does not say.
        return None
    rank = m.number(1, 3)
    sizes = tuple(m.number(4, 11) for _ in range(rank))
    a: dict[str, Any] = windows(m, rank)
    a["pads"] = [min(p, k // 2) for p, k in zip(a["pads"], a["kernel_shape"] * 2, strict=True)]
    ceil = m.chance(0.3) and kind != "LpPool"
    counts = window_sizes(sizes, a, ceil)
    if counts is None:
        return None
    a["ceil_mode"] = int(ceil)
    if kind == "AveragePool":
        a["count_include_pad"] = m.pick([0, 1])
    if kind == "LpPool":
        a["p"] = m.pick([1, 2, 3])
    x = m.fresh(np.float32, (m.number(1, 2), m.number(1, 5), *sizes), 0)
    return m.node(kind, [x], np.float32, (*x.shape[:2], *counts), **a)


@operator("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pooling(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32], 3, 5)
    if x is None or 0 in x.shape:
        return None
    return m.node(kind, [x], x.dtype, (*x.shape[:2], *[1] * (len(x.shape) - 2)))


@operator("LayerNormalization")
def layer_normalization(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32], 1, 4)
    if x is None or 0 in x.shape:
        return None
    axis = m.number(0, len(x.shape) - 1)
    scale = m.fresh(np.float32, x.shape[axis:])
    bias = m.fresh(np.float32, x.shape[axis:]) if m.chance(0.6) else None
    return m.node(kind, [x, scale, bias], x.dtype, x.shape, axis=axis, epsilon=m.pick([None, 1e-3]))


@operator("InstanceNormalization", "BatchNormalization")
def normalization(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32], 3, 4)
    if x is None or 0 in x.shape:
        return None
    count = 2 if kind[0] == "I" else 3
    lists = [m.fresh(np.float32, (x.shape[1],)) for _ in range(count)]
    if kind[0] == "B":
        lists.append(m.give(np.abs(m.rng.standard_normal(x.shape[1])).astype(np.float32) + 0.1))
    return m.node(kind, [x, *lists], x.dtype, x.shape, epsilon=m.pick([None, 1e-3]))


@operator("TopK")
def top_k(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32], 1, 4)
    if x is None or 0 in x.shape:
        return None
    axis = m.number(0, len(x.shape) - 1)
    k = m.number(1, x.shape[axis])
    shape = list(x.shape)
    shape[axis] = k
    largest = m.pick([0, 1])
    return m.node(kind, [x, m.const([k])], x.dtype, tuple(shape), axis=axis, largest=largest)


@operator("NonZero")
def non_zero(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32, np.int64, np.bool_], 1, 3)
    return x and m.node(kind, [x], np.int64, (len(x.shape), -1))


@operator("Resize")
def resize(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32], 4, 4)
    if x is None or 0 in x.shape:
        return None
    to = [*x.shape[:2], m.number(1, 9), m.number(1, 9)]
    mode = m.pick(["nearest", "linear", "cubic"])
    transform = m.pick(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
    rounding = m.pick(["round_prefer_floor", "floor", "ceil"]) if mode == "nearest" else None
    return m.node(
        kind,
        [x, None, None, m.const(to)],
        x.dtype,
        tuple(to),
        mode=mode,
        coordinate_transformation_mode=transform,
        nearest_mode=rounding,
    )


@operator("Shape", "Size")
def shape_of(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, ANY)
    return x and m.node(kind, [x], np.int64, (len(x.shape),) if kind == "Shape" else ())


@operator("DequantizeLinear")
def dequantize(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.uint8, np.int8], 1, 4)
    if x is None:
        return None
    axis = m.number(0, len(x.shape) - 1)
    shape = (x.shape[axis],) if m.chance(0.5) else ()
    scale = m.give((np.abs(m.rng.standard_normal(shape)) + 0.01).astype(np.float32), 0.7)
    zero = m.give(m.rng.integers(0, 20, shape).astype(x.dtype), 0.7) if m.chance(0.7) else None
    return m.node(kind, [x, scale, zero], np.float32, x.shape, axis=axis)


@operator("QuantizeLinear")
def quantize(m: Model, kind: str, x: Value | None) -> Value | None:
    x = start(m, x, [np.float32], 1, 4)
    if x is None or m.special:
        return None
    axis = m.number(0, len(x.shape) - 1)
    shape = (x.shape[axis],) if m.chance(0.5) else ()
    scale = m.give((np.abs(m.rng.standard_normal(shape)) + 0.01).astype(np.float32), 0.7)
    dtype = m.pick([np.uint8, np.int8])
    zero = m.give(m.rng.integers(0, 20, shape).astype(dtype), 0.7)
    return m.node(kind, [x, scale, zero], dtype, x.shape, axis=axis)


# What an operator on a chain may make of a value that cannot be compared any more.
UNBOUNDED = {"NonZero"}


def generate(seed: int, operators: list[str] | None = None) -> tuple[onnx.ModelProto, dict]:
    """The model of a seed, and its inputs by name."""
    rng = np.random.default_rng(seed)
    names = sorted(operators if operators is not None else OPERATORS)
    while True:
        model = Model(rng)
        model.dynamic = model.pick([0.0, 0.0, 0.5, 1.0])
        model.special = model.pick([0.0, 0.0, 0.0, 0.1])
        length = model.pick([1, 1, 1, 2, 3, 5])
        value: Value | None = None
        for _ in range(length * 8):
            step = OPERATORS[model.pick(names)](model, value)
            if step is None:
                if value is None:
                    model.inputs.clear()
                    model.constants.clear()
                continue
            value = step
            if len(model.nodes) == length or -1 in value.shape:
                break
        if value is None:
            continue
        model.outputs = [value]
        # TopK has two outputs; the second is not always the same where elements are equal.
        for each in model.nodes:
            if each.op_type == "TopK":
                each.output.append(each.output[0] + "_at")
        return model.proto(), model.inputs
