"""ScatterElements, Scatter, ScatterND and TensorScatter."""

from __future__ import annotations

import numpy as np
import pytest

import longtail as lt
from one_node import compare, feed, model_of, onnxruntime_outputs, reference_outputs, same

RNG = np.random.default_rng(3)
DTYPES = [np.float32, np.float64, np.float16, np.int8, np.uint8, np.int32, np.int64, np.uint64]


def values(shape, dtype=np.float32) -> np.ndarray:
    """Small whole numbers, so that sums and products in any order are exact."""
    low = 0 if np.dtype(dtype).kind == "u" else -3
    return RNG.integers(low, 4, shape).astype(dtype)


def elements(data, updates, axis, dtype=np.float32, kind=np.int64):
    size = data[axis]
    indices = RNG.integers(-size, size, updates).astype(kind) if size else np.zeros(updates, kind)
    return [values(data, dtype), indices, values(updates, dtype)]


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "min", "max"])
@pytest.mark.parametrize(("axis", "rank"), [(0, 1), (-1, 2), (1, 3), (-3, 3)])
def test_scatter_elements(reduction, axis, rank):
    shapes = [
        ((5, 4, 3)[:rank], (2, 4, 3)[:rank]),
        ((3, 3, 3)[:rank], (1, 1, 1)[:rank]),
        ((7, 2, 6)[:rank], (5, 2, 1)[:rank]),
        ((4, 4, 4)[:rank], (0, 4, 4)[:rank]),
    ]
    cases = [elements(data, updates, axis) for data, updates in shapes]
    if reduction == "none":  # an element that is written twice may have either value
        for case in cases:
            size = case[1].shape[axis]
            line = np.arange(size) - case[0].shape[axis] * (np.arange(size) % 2)
            case[1] = np.broadcast_to(
                line.reshape([-1 if d == axis % rank else 1 for d in range(rank)]), case[1].shape
            ).copy()
    cases = [c for c in cases if c[1].shape[axis] <= c[0].shape[axis] or reduction != "none"]
    # ONNX Runtime refuses no updates, the reference computes them.
    compare(
        "ScatterElements",
        cases,
        [("y", np.float32)],
        oracle=reference_outputs,
        axis=axis,
        reduction=reduction,
        opset=18,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_scatter_elements_types(dtype, kind):
    for reduction in ("add", "mul", "min", "max"):
        case = elements((4, 5), (3, 5), 1, dtype, kind)
        compare(
            "ScatterElements",
            [case],
            [("y", dtype)],
            axis=1,
            reduction=reduction,
            static=True,
            oracle=reference_outputs if dtype == np.float16 else onnxruntime_outputs,
        )


def test_scatter_elements_bool():
    case = [RNG.random((3, 4)) < 0.5, RNG.integers(0, 3, (3, 4)), RNG.random((3, 4)) < 0.5]
    for reduction in ("add", "mul"):
        compare("ScatterElements", [case], [("y", bool)], reduction=reduction)


def test_scatter_elements_nan_wins():
    data = np.array([1, np.nan, 3], np.float32)
    case = [data, np.array([0, 1, 2]), np.array([np.nan, 0, 5], np.float32)]
    for reduction, function in (("min", np.minimum), ("max", np.maximum)):
        model = model_of("ScatterElements", case, [("y", np.float32)], reduction=reduction)
        same([lt.compile(model)(**feed(model, case))], [function(data, case[2])])


def test_scatter_9():
    case = elements((5, 4), (1, 4), 0)
    compare("Scatter", [case], [("y", np.float32)], opset=9)


@pytest.mark.parametrize("index", [5, -6, 2**40])
def test_scatter_elements_refuses(index):
    data, indices, updates = elements((5, 4), (2, 4), 0)
    model = model_of("ScatterElements", [data, indices, updates], [("y", np.float32)])
    compiled = lt.compile(model)
    indices[1, 2] = index
    with pytest.raises(lt.RunError, match="index"):
        compiled(**feed(model, [data, indices, updates]))


def pairs(data, outer, depth, dtype=np.float32, unique=False):
    count = int(np.prod(outer))
    if unique:
        flat = RNG.permutation(int(np.prod(data[:depth])))[:count]
        indices = np.stack(np.unravel_index(flat, data[:depth]), -1).reshape(*outer, depth)
    else:
        indices = np.stack([RNG.integers(-n, n, outer) for n in data[:depth]], -1)
    return [values(data, dtype), indices.astype(np.int64), values((*outer, *data[depth:]), dtype)]


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "min", "max"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_scatter_nd(reduction, depth):
    cases = [
        pairs(data, outer, depth, unique=reduction == "none")
        for data, outer in [
            ((5, 4, 3), (2, 2)),
            ((6, 2, 1200), (3, 1)),
            ((4, 4, 0), (1, 2) if depth < 3 else (0, 2)),
            ((4, 4, 3), (0, 2)),
        ]
        if not (depth == 3 and data[2] == 0)
    ]
    # No size is known when the model is compiled; the ranks tell how deep an index goes.
    model = model_of("ScatterND", cases[0], [("y", np.float32)], reduction=reduction, opset=18)
    compiled = lt.compile(model)
    for case in cases:
        inputs = feed(model, case)
        same([compiled(**inputs)], reference_outputs(model, inputs))


@pytest.mark.parametrize("dtype", DTYPES)
def test_scatter_nd_types(dtype):
    for reduction in ("none", "add", "mul", "min", "max"):
        case = pairs((4, 3, 5), (4,), 2, dtype, unique=reduction == "none")
        compare(
            "ScatterND",
            [case],
            [("y", dtype)],
            reduction=reduction,
            static=True,
            oracle=reference_outputs,
        )


def test_scatter_nd_refuses():
    case = pairs((4, 3), (2,), 2)
    model = model_of("ScatterND", case, [("y", np.float32)], static=True)
    compiled = lt.compile(model)
    case[1][0, 1] = 3
    with pytest.raises(lt.RunError, match="index"):
        compiled(**feed(model, case))
    with pytest.raises(lt.CompileError, match="'reduction' is 'mean'"):
        lt.compile(model_of("ScatterND", case, [("y", np.float32)], reduction="mean"))
    deep = [case[0], np.zeros((2, 2, 2), np.int64), case[2]]
    with pytest.raises(lt.CompileError, match="updates have 1 dimensions, expected 2 to 4"):
        lt.compile(model_of("ScatterND", deep, [("y", np.float32)]))
    open_depth = lt.compile(model_of("ScatterND", pairs((4, 3), (2,), 2), [("y", np.float32)]))
    with pytest.raises(lt.ShapeError, match="last dimension of the indices"):
        open_depth(i0=case[0], i1=np.zeros((2, 1), np.int64), i2=case[2])


@pytest.mark.parametrize("mode", ["linear", "circular"])
@pytest.mark.parametrize(("axis", "rank"), [(-2, 4), (1, 2), (1, 3), (-1, 3)])
def test_tensor_scatter(mode, axis, rank):
    cases = []
    for batch, length, count, width in [(3, 6, 2, 5), (2, 4, 4, 1), (1, 3, 0, 2), (0, 3, 1, 2)]:
        shape = [batch, 2, 3, width][:rank]
        shape[axis] = length
        update = list(shape)
        update[axis] = count
        starts = RNG.integers(0, length if mode == "circular" else length - count + 1, batch)
        cases.append([values(shape), values(update), starts])
    compare(
        "TensorScatter",
        cases,
        [("y", np.float32)],
        mode=mode,
        axis=axis,
        opset=24,
        oracle=tensor_scatter(mode, axis),
    )


def tensor_scatter(mode, axis):
    """The loop of ONNX's description; its reference cannot do without a batch or an update."""

    def run(_, inputs):
        past, update, starts = inputs.values()
        result = past.copy()
        new, old = np.moveaxis(update, axis, 1), np.moveaxis(result, axis, 1)
        for batch, start in enumerate(starts):
            for row in range(new.shape[1]):
                at = start + row
                old[batch, at % old.shape[1] if mode == "circular" else at] = new[batch, row]
        return [result]

    return run


def test_tensor_scatter_without_indices():
    case = [values((2, 3, 5, 4), np.float16), values((2, 3, 2, 4), np.float16)]
    compare(
        "TensorScatter",
        [case],
        [("y", np.float16)],
        opset=24,
        oracle=reference_outputs,
        static=True,
    )


@pytest.mark.parametrize("start", [-1, 3])
def test_tensor_scatter_refuses(start):
    case = [values((1, 4, 2)), values((1, 2, 2)), np.array([start])]
    model = model_of("TensorScatter", case, [("y", np.float32)], opset=24)
    with pytest.raises(lt.RunError, match="index"):
        lt.compile(model)(**feed(model, case))


def test_scatter_agrees_with_onnxruntime():
    case = elements((30, 40), (20, 40), 0)
    compare(
        "ScatterElements", [case], [("y", np.float32)], oracle=onnxruntime_outputs, reduction="add"
    )
