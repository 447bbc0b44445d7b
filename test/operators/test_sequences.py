"""CumSum, CumProd, ReverseSequence, MaxUnpool and Col2Im."""

from __future__ import annotations

import numpy as np
import pytest

import longtail as lt
from one_node import compare, feed, model_of, reference_outputs, same

RNG = np.random.default_rng(7)


def values(shape, dtype=np.float32) -> np.ndarray:
    low = 0 if np.dtype(dtype).kind == "u" else -3
    return RNG.integers(low, 4, shape).astype(dtype)


@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("known", [False, True])
def test_cumsum(exclusive, reverse, known):
    """One model for all axes where the axis is an input."""
    shapes = [(4, 5, 6), (1, 7, 2), (3, 0, 2), (0, 1, 1)]
    for axis in range(-3, 3):
        cases = [[values(shape), np.array(axis, np.int32)] for shape in shapes]
        compare(
            "CumSum",
            cases,
            [("y", np.float32)],
            exclusive=exclusive,
            reverse=reverse,
            constants=[1] if known else [],
            oracle=reference_outputs,
        )


def test_cumsum_axis_is_read_on_every_run():
    model = model_of("CumSum", [values((2, 3)), np.array(0)], [("y", np.float32)])
    compiled = lt.compile(model)
    x = values((20, 30))
    for axis in (0, 1, -1, -2):
        same([compiled(x, np.array(axis))], [np.cumsum(x, axis, np.float32)])
    with pytest.raises(lt.Error):
        compiled(x, np.array(2))


@pytest.mark.parametrize("op", ["CumSum", "CumProd"])
@pytest.mark.parametrize(
    "dtype", [np.float64, np.float16, np.int32, np.uint32, np.int64, np.uint64]
)
def test_cumulative_types(op, dtype):
    case = [values((3, 7), dtype), np.array(1)]
    compare(op, [case], [("y", dtype)], static=True, oracle=reference_outputs, constants=[1])


@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
def test_cumprod(exclusive, reverse):
    cases = [[values(shape), np.array(-2)] for shape in [(4, 5), (1, 7), (9, 1)]]
    compare(
        "CumProd",
        cases,
        [("y", np.float32)],
        exclusive=exclusive,
        reverse=reverse,
        oracle=reference_outputs,
    )


def test_cumsum_errors():
    with pytest.raises(lt.CompileError, match="axis 2 is not a dimension"):
        lt.compile(
            model_of("CumSum", [values((2, 3)), np.array(2)], [("y", np.float32)], constants=[1])
        )


@pytest.mark.parametrize(("batch", "time"), [(0, 1), (1, 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.float64])
def test_reverse_sequence(batch, time, dtype):
    cases = []
    for shape in [(4, 5, 3), (1, 6, 40), (3, 1, 1)]:
        lengths = RNG.integers(1, shape[time] + 1, shape[batch])
        cases.append([values(shape, dtype), lengths])
    compare("ReverseSequence", cases, [("y", dtype)], batch_axis=batch, time_axis=time)


def test_reverse_sequence_edges():
    case = [values((3, 2)), np.array([0, 3])]
    model = model_of("ReverseSequence", case, [("y", np.float32)])
    compiled = lt.compile(model)
    expected = case[0].copy()
    expected[:, 1] = expected[::-1, 1]
    same([compiled(*case)], [expected])
    same([compiled(case[0][:0], np.zeros(2, np.int64))], [case[0][:0]])
    with pytest.raises(lt.RunError, match="index"):
        compiled(case[0], np.array([4, 1]))
    with pytest.raises(lt.CompileError, match="are both 1"):
        lt.compile(model_of("ReverseSequence", case, [("y", np.float32)], time_axis=1))


def pooled(shape, kernel, stride):
    """What MaxPool without pads gives of windows that do not overlap, and where it was."""
    whole = [(n - 1) * s + k for n, s, k in zip(shape[2:], stride, kernel, strict=True)]
    flat = np.arange(np.prod([*shape[:2], *whole])).reshape(*shape[:2], *whole)
    steps = tuple(slice(None, None, s) for s in stride)
    return [values(shape), flat[(slice(None), slice(None), *steps)].copy()]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_max_unpool(dtype):
    cases = [pooled(shape, (2, 3), (2, 3)) for shape in [(2, 3, 4, 5), (1, 1, 1, 1), (3, 2, 5, 1)]]
    cases = [[x.astype(dtype), i] for x, i in cases]
    compare(
        "MaxUnpool",
        cases,
        [("y", dtype)],
        kernel_shape=[2, 3],
        strides=[2, 3],
        oracle=reference_outputs,
    )


@pytest.mark.parametrize("known", [False, True])
def test_max_unpool_output_shape(known):
    x, indices = pooled((2, 1, 3), (2,), (2,))
    case = [x, indices, np.array([2, 1, 9])]
    compare(
        "MaxUnpool",
        [case],
        [("y", np.float32)],
        kernel_shape=[2],
        strides=[2],
        constants=[2] if known else [],
        fixed=[2],
        oracle=reference_outputs,
    )


def test_max_unpool_errors():
    x, indices = pooled((1, 1, 3), (2,), (2,))
    model = model_of("MaxUnpool", [x, indices], [("y", np.float32)], kernel_shape=[2], strides=[2])
    indices[0, 0, 1] = 6
    with pytest.raises(lt.RunError, match="index"):
        lt.compile(model)(**feed(model, [x, indices]))
    case = [x, indices, np.array([1, 1, 5])]
    settings = {"kernel_shape": [2], "strides": [2], "constants": [2], "static": True}
    with pytest.raises(lt.CompileError, match="'output_shape' has 5 in dimension 2"):
        lt.compile(model_of("MaxUnpool", case, [("y", np.float32)], **settings))


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(
    ("image", "block", "attributes"),
    [
        ((5, 6), (2, 3), {}),
        ((7, 8), (3, 2), {"strides": [2, 3], "pads": [1, 0, 1, 1]}),
        ((9, 8), (2, 2), {"dilations": [3, 2], "strides": [2, 1]}),
        ((4, 5, 6), (2, 1, 3), {"strides": [1, 2, 2]}),
        ((5, 5), (1, 1), {"strides": [2, 2]}),
    ],
)
def test_col2im(image, block, attributes, known):
    rank = len(image)
    strides, dilations = (attributes.get(n, [1] * rank) for n in ("strides", "dilations"))
    pads = attributes.get("pads", [0] * 2 * rank)
    blocks = [
        (image[d] + pads[d] + pads[rank + d] - dilations[d] * (block[d] - 1) - 1) // strides[d] + 1
        for d in range(rank)
    ]
    cases = [
        [
            values((batch, channels * np.prod(block), np.prod(blocks))),
            np.array(image),
            np.array(block),
        ]
        for batch, channels in [(2, 3), (1, 1), (0, 2)]
    ]
    compare(
        "Col2Im",
        cases[: 3 if known else 2],
        [("y", np.float32)],
        constants=[1, 2] if known else [],
        fixed=[1, 2],
        **attributes,
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.uint8])
def test_col2im_types(dtype):
    case = [values((1, 8, 12), dtype), np.array([4, 5]), np.array([2, 2])]
    compare(
        "Col2Im", [case], [("y", dtype)], constants=[1, 2], static=True, oracle=reference_outputs
    )


def test_col2im_errors():
    case = [values((1, 8, 11)), np.array([4, 5]), np.array([2, 2])]
    with pytest.raises(lt.CompileError, match="number of blocks"):
        lt.compile(model_of("Col2Im", case, [("y", np.float32)], constants=[1, 2], static=True))
