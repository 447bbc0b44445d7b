"""TopK, Unique, NonZero, Compress and NonMaxSuppression: sorting, and sizes that depend on data."""

from __future__ import annotations

import numpy as np
import pytest

import longtail as lt
from one_node import compare, feed, model_of, reference_outputs, same

RNG = np.random.default_rng(5)
DTYPES = [np.float32, np.float64, np.float16, np.int8, np.uint8, np.int32, np.int64, np.uint64]
I64 = np.int64


def values(shape, dtype=np.float32, high=9) -> np.ndarray:
    """Few different numbers, so that there are ties."""
    low = 0 if np.dtype(dtype).kind in "ub" else -high
    return RNG.integers(low, high, shape).astype(dtype)


def both(kind):
    return [("values", kind), ("indices", I64)]


# ---- TopK ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize(("axis", "rank"), [(-1, 1), (0, 2), (1, 3), (-3, 3)])
def test_topk(largest, axis, rank):
    cases = []
    for shape, k in [
        ((7, 5, 9), 3),
        ((40, 33, 50), 20),
        ((4, 4, 4), 4),
        ((5, 6, 7), 0),
        ((6, 6, 6), 1),
    ]:
        cases.append([values(shape[:rank]), np.array([k], I64)])
    cases.append([values((0, 3, 3)[:rank]), np.array([0], I64)])
    compare(
        "TopK",
        cases,
        both(np.float32),
        largest=largest,
        axis=axis,
        opset=11,
        oracle=reference_outputs,
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_topk_types(dtype):
    case = [values((3, 50), dtype, 100), np.array([17], I64)]
    for largest in (0, 1):
        compare(
            "TopK",
            [case],
            both(dtype),
            largest=largest,
            constants=[1],
            static=True,
            oracle=reference_outputs,
            opset=24,
        )


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("dtype", [*DTYPES, np.int16, np.uint32])
def test_topk_of_many(dtype, static):
    """So many that their range is found first; with few different numbers it holds most of them."""
    for high in (5, 120):
        for count, k in [(700, 100), (300, 300)]:
            x = values((2, count, 3), dtype, high)
            for largest in (0, 1):
                compare(
                    "TopK",
                    [[x, np.array([k], I64)]],
                    both(dtype),
                    axis=1,
                    largest=largest,
                    constants=[1] if static else [],
                    static=static,
                    oracle=reference_outputs,
                    opset=24,
                )


def test_topk_of_many_floats():
    """All exponents, both zeros, infinities and NaN."""
    x = RNG.standard_normal(5000).astype(np.float32) ** 9
    x[::7], x[3::50], x[4::50] = 0.0, -0.0, np.inf
    x[5::60], x[6::60] = -np.inf, np.nan
    case = [x, np.array([2000], I64)]
    for largest in (0, 1):
        model = model_of("TopK", case, both(np.float32), largest=largest)
        result, positions = lt.compile(model)(**feed(model, case))
        # NaN is the largest, as everywhere; lexsort sorts by the last key first and stably.
        ascending = np.where(np.isnan(x), np.inf, x)
        keys = (-ascending, ~np.isnan(x)) if largest else (ascending, np.isnan(x))
        np.testing.assert_array_equal(positions, np.lexsort(keys)[:2000])
        np.testing.assert_array_equal(result, x[positions])


def test_topk_old_versions():
    case = [values((4, 30)), np.array([5], I64)]
    compare("TopK", [case], both(np.float32), opset=10, oracle=reference_outputs)
    compare("TopK", [case[:1]], both(np.float32), opset=9, k=5, oracle=reference_outputs)


def test_topk_nan_is_the_largest():
    x = np.array([3, np.nan, 7, np.nan, -np.inf, np.inf], np.float32)
    model = model_of("TopK", [x, np.array([6], I64)], both(np.float32))
    result, positions = lt.compile(model)(**feed(model, [x, np.array([6], I64)]))
    np.testing.assert_array_equal(positions, [1, 3, 5, 2, 0, 4])
    np.testing.assert_array_equal(result, x[positions])


def test_topk_errors():
    case = [values((3, 4)), np.array([5], I64)]
    with pytest.raises(lt.CompileError, match="K is 5, but dimension 1 of input 'X' has size 4"):
        lt.compile(model_of("TopK", case, both(np.float32), constants=[1], static=True))
    model = model_of("TopK", case, both(np.float32))
    with pytest.raises(lt.Error, match="K is larger than the dimension"):
        lt.compile(model)(**feed(model, case))


# ---- Unique --------------------------------------------------------------------------------------

FOUR = [("indices", I64), ("inverse", I64), ("counts", I64)]


def unique(is_sorted, axis):
    """numpy.unique, and the order of first occurrence for what is not sorted."""

    def run(_, inputs):
        (x,) = inputs.values()
        y, first, inverse, counts = np.unique(x, True, True, True, axis=axis)
        inverse = inverse.reshape(-1)
        if not is_sorted:
            order = np.argsort(first)
            rank = np.argsort(order)
            first, counts, inverse = first[order], counts[order], rank[inverse]
            y = np.take(x.ravel() if axis is None else x, first, axis=axis or 0)
        return [y, first, inverse, counts]

    return run


@pytest.mark.parametrize("is_sorted", [0, 1])
@pytest.mark.parametrize(("axis", "rank"), [(None, 1), (None, 3), (0, 1), (0, 3), (1, 3), (-1, 3)])
def test_unique(is_sorted, axis, rank):
    cases = [
        [RNG.integers(0, high, shape[:rank]).astype(np.float32)]
        for shape, high in [((9, 5, 7), 2), ((30, 1, 2), 3), ((1, 1, 1), 2), ((500, 2, 1), 40)]
    ]
    if axis is None:
        cases.append([np.zeros((0, 2, 2)[:rank], np.float32)])
    settings = {} if axis is None else {"axis": axis}
    compare(
        "Unique",
        cases,
        [("y", np.float32), *FOUR],
        sorted=is_sorted,
        oracle=unique(is_sorted, axis),
        **settings,
    )


@pytest.mark.parametrize("dtype", [*DTYPES, bool])
def test_unique_types(dtype):
    case = [values((6, 7), dtype, 2 if dtype is bool else 9)]
    compare("Unique", [case], [("y", dtype), *FOUR], static=True, oracle=unique(1, None))


def test_unique_nan_and_zeros():
    x = np.array([np.nan, 0.0, 2, -0.0, np.nan, 1], np.float32)
    compare("Unique", [[x]], [("y", np.float32), *FOUR], oracle=unique(1, None))


@pytest.mark.parametrize("dtype", [*DTYPES, np.int16])
def test_unique_of_many(dtype):
    compare(
        "Unique",
        [[values(3000, dtype, 100)], [values(1, dtype)]],
        [("y", dtype), *FOUR],
        oracle=unique(1, None),
    )


def test_unique_one_output():
    compare("Unique", [[values((8, 3))]], [("y", np.float32)], axis=0)


# ---- NonZero and Compress ------------------------------------------------------------------------


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_nonzero(rank):
    cases = [
        [(RNG.random(shape[:rank]) < part).astype(np.float32)]
        for shape in [(5, 4, 3), (10000, 3, 2), (1, 1, 1), (0, 4, 4), (4096, 1, 1)]
        for part in (0.0, 0.5, 1.0)
    ]
    compare("NonZero", cases, [("y", I64)])


@pytest.mark.parametrize("dtype", [*DTYPES, bool])
def test_nonzero_types(dtype):
    compare("NonZero", [[values((9, 11), dtype, 2)]], [("y", I64)], oracle=reference_outputs)


def test_nonzero_scalar_and_nan():
    special = [np.array([np.nan, 0.0, -0.0, 1e-45], np.float32)]
    compare("NonZero", [special], [("y", I64)], oracle=reference_outputs)
    for value, count in ((0.0, 0), (2.0, 1)):  # no dimensions, so no rows
        x = np.array(value, np.float32)
        model = model_of("NonZero", [x], [("y", I64)])
        assert lt.compile(model)(**feed(model, [x])).shape == (0, count)


def test_nonzero_feeds_other_operators():
    """The size that was read is one symbol in all that follows."""
    import onnx
    import onnx.helper as oh

    nodes = [
        oh.make_node("NonZero", ["x"], ["at"]),
        oh.make_node("Transpose", ["at"], ["rows"]),
        oh.make_node("GatherND", ["x", "rows"], ["picked"]),
        oh.make_node("Add", ["picked", "picked"], ["y"]),
    ]
    graph = oh.make_graph(
        nodes,
        "g",
        [oh.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", "m"])],
        [oh.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["k"])],
    )
    model = oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 21)], ir_version=10)
    compiled = lt.compile(model)
    for shape in ((3, 4), (100, 90), (0, 2)):
        x = values(shape, high=3)
        same([compiled(x)], [2 * x[x != 0]])


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_compress(axis):
    cases = []
    for shape in [(5, 6), (3000, 4), (2, 5000), (1, 1)]:
        size = np.prod(shape) if axis is None else shape[axis]
        for length in sorted({0, int(size) // 2, int(size)}):
            cases.append([values(shape), RNG.random(length) < 0.4])
    settings = {} if axis is None else {"axis": axis}
    compare("Compress", cases[1:], [("y", np.float32)], **settings)


def test_compress_longer_condition_and_empty():
    model = model_of("Compress", [values((3,)), np.ones(3, bool)], [("y", np.float32)], axis=0)
    compiled = lt.compile(model)
    x = values((3,))
    same([compiled(x, np.array([True, False, True, True, True]))], [x[[0, 2]]])
    same([compiled(x[:0], np.ones(4, bool))], [x[:0]])
    same([compiled(x, np.ones(0, bool))], [x[:0]])


@pytest.mark.parametrize("dtype", [*DTYPES, bool])
def test_compress_types(dtype):
    case = [values((4, 6), dtype, 2), RNG.random(6) < 0.5]
    compare("Compress", [case], [("y", dtype)], axis=1, static=True, oracle=reference_outputs)


# ---- NonMaxSuppression ---------------------------------------------------------------------------


def boxes_of(batch, classes, count, flip=False):
    corner = RNG.random((batch, count, 2)).astype(np.float32)
    size = 0.3 * RNG.random((batch, count, 2)).astype(np.float32)
    boxes = np.concatenate([corner, corner + size], -1)
    if flip:
        boxes[:, ::2] = boxes[:, ::2][..., [2, 3, 0, 1]]
    scores = RNG.random((batch, classes, count)).astype(np.float32)
    return [boxes, np.round(scores, 2)]


def numbers(most, iou, score):
    return [
        None if most is None else np.array([most], I64),
        None if iou is None else np.array([iou], np.float32),
        None if score is None else np.array([score], np.float32),
    ]


@pytest.mark.parametrize(
    ("most", "iou", "score"),
    [
        (10, 0.3, 0.4),
        (1000, 0.5, None),
        (3, None, 0.1),
        (0, 0.5, 0.0),
        (-1, 0.5, 0.0),
        (5, 0.0, 2.0),
    ],
)
@pytest.mark.parametrize("center", [0, 1])
@pytest.mark.parametrize("constant", [False, True])
def test_nms(most, iou, score, center, constant):
    cases = [
        [*boxes_of(batch, classes, count, flip=not center), *numbers(most, iou, score)]
        for batch, classes, count in [(1, 1, 6), (2, 3, 80), (3, 1, 1)]
    ]
    compare(
        "NonMaxSuppression",
        cases,
        [("y", I64)],
        center_point_box=center,
        constants=[n for n in (2, 3, 4) if constant and cases[0][n] is not None],
    )


@pytest.mark.parametrize(("most", "iou"), [(40, 0.1), (5, 0.5), (2500, 0.01)])
def test_nms_of_many(most, iou):
    """Boxes that cover one another: many candidates are looked at for each that is taken."""
    boxes, scores = boxes_of(2, 2, 2500)
    boxes[1, :, :2] *= 0.1
    compare("NonMaxSuppression", [[boxes, scores, *numbers(most, iou, 0.05)]], [("y", I64)])


def test_nms_without_boxes_or_a_limit():
    model = model_of("NonMaxSuppression", [*boxes_of(1, 1, 4), np.array(9, I64)], [("y", I64)])
    compiled = lt.compile(model)
    for batch, classes, count in [(0, 2, 3), (2, 0, 3), (2, 2, 0)]:
        assert compiled(*boxes_of(batch, classes, count), np.array(9, I64)).shape == (0, 3)
    model = model_of("NonMaxSuppression", boxes_of(1, 1, 4), [("y", I64)])
    assert lt.compile(model)(*boxes_of(2, 2, 5)).shape == (0, 3)


def test_nms_nan():
    """A box with a NaN overlaps nothing, a score that is one comes last; nothing hangs."""
    boxes = np.array([[[0, 0, 1, 1], [0, 0, 1, np.nan], [0, 0, 1, 1], [2, 2, 3, 3]]], np.float32)
    scores = np.array([[[0.5, 0.9, np.nan, 0.8]]], np.float32)
    case = [boxes, scores, np.array(10, I64), np.array(0.5, np.float32)]
    model = model_of("NonMaxSuppression", case, [("y", I64)])
    chosen = lt.compile(model)(*case)
    np.testing.assert_array_equal(chosen[:, 2], [1, 3, 0])
    everything = np.full((1, 50, 4), np.nan, np.float32)
    chosen = lt.compile(model)(everything, np.full((1, 1, 50), np.nan, np.float32), *case[2:])
    np.testing.assert_array_equal(chosen[:, 2], np.arange(10))


def test_nms_errors():
    case = [*boxes_of(1, 1, 4), np.array(9, I64), np.array(1.5, np.float32)]
    model = model_of("NonMaxSuppression", case, [("y", I64)])
    with pytest.raises(lt.RunError):
        lt.compile(model)(*case)
    with pytest.raises(lt.CompileError, match="'center_point_box' is 2"):
        lt.compile(model_of("NonMaxSuppression", case, [("y", I64)], center_point_box=2))
