"""Arrays of the caller that receive the outputs, in a call and bound for many runs."""

from __future__ import annotations

import threading

import numpy as np
import onnx
import onnx.helper as oh
import pytest

import longtail as lt
from longtail import _runtime

A = np.arange(6, dtype=np.float32).reshape(2, 3)
B = np.full((2, 3), 0.5, np.float32)


class Shared:
    """Something that is no array but shares its memory by DLPack."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


@pytest.fixture
def repeated() -> onnx.ModelProto:
    """An output whose size depends on data: x as often as n says."""
    graph = oh.make_graph(
        [oh.make_node("Expand", ["x", "n"], ["y"])],
        "repeated",
        [
            oh.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1]),
            oh.make_tensor_value_info("n", onnx.TensorProto.INT64, [1]),
        ],
        [oh.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["size"])],
    )
    return oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 17)], ir_version=8)


def test_the_output_lands_in_the_given_array(engine, scaled_sum):
    model = lt.compile(scaled_sum)
    out = np.empty((2, 3), np.float32)
    assert model(A, B, out=out) is out
    np.testing.assert_array_equal(out, 2 * A + B)
    # What was given for one call is left alone by the next.
    model(B, B)
    np.testing.assert_array_equal(out, 2 * A + B)
    for form in ([out], {"y": out}):
        out.fill(0)
        assert model(B, B, out=form) is out
        np.testing.assert_array_equal(out, 3 * B)


def test_a_dlpack_output(scaled_sum):
    out = np.empty((2, 3), np.float32)
    lt.compile(scaled_sum)(A, B, out=Shared(out))
    np.testing.assert_array_equal(out, 2 * A + B)


def test_some_of_several_outputs(engine, minmax):
    model = lt.compile(minmax)
    x, greatest = np.array([3, 1, 2]), np.zeros((), np.int64)
    for form in ([None, greatest], {"greatest": greatest}):
        result = model(x, out=form)
        assert result["least"] == 1 and result["greatest"] is greatest and greatest == 3


def frozen() -> np.ndarray:
    array = np.empty((2, 3), np.float32)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("out", "kind", "text"),
    [
        (np.empty((2, 3)), lt.DTypeError, "output 'y'.*float64.*float32"),
        (np.empty((2, 4), np.float32), lt.ShapeError, "output 'y'"),
        (np.empty(6, np.float32), lt.ShapeError, "output 'y' has rank 1, expected 2"),
        (np.empty((3, 2), np.float32).T, lt.InputError, "output 'y' is not C-contiguous"),
        (frozen(), lt.InputError, "output 'y' cannot be written to"),
        ("text", lt.DTypeError, "output 'y' is a str"),
        (7, lt.DTypeError, "output 'y' is a int"),
        ([], lt.InputError, "0 arrays given for outputs, the model has 1"),
        ({"z": None}, lt.InputError, "no output 'z'; its outputs: y"),
        (A, lt.InputError, "overlap"),
    ],
)
def test_what_does_not_fit_is_refused(scaled_sum, out, kind, text):
    model = lt.compile(scaled_sum)
    before = A.copy()
    with pytest.raises(kind, match=text):
        model(A, B, out=out)
    with pytest.raises(kind, match=text):
        model.bind(A, B, out=out).run()
    np.testing.assert_array_equal(A, before)
    np.testing.assert_array_equal(model(A, B), 2 * A + B)


def test_bound_arrays_are_read_at_each_run(scaled_sum):
    a = A.copy()
    bound = lt.compile(scaled_sum).bind(a, b=B)
    for k in range(3):
        a += k
        bound.run()
        np.testing.assert_array_equal(bound.outputs, 2 * a + B)


def test_bound_outputs(minmax):
    least = np.zeros((), np.int64)
    bound = lt.compile(minmax).bind(np.array([5, 4]), out={"least": least})
    bound.run()
    assert least == 4 and bound.outputs["least"] is least and bound.outputs["greatest"] == 5


def test_bound_arrays_stay_alive(scaled_sum):
    bound = lt.compile(scaled_sum).bind(np.full((2, 9), 1, np.float32), np.ones((2, 9), np.float32))
    others = [np.zeros((2, 9), np.float32) for _ in range(100)]
    bound.run()
    assert (bound.outputs == 3).all() and not any(each.any() for each in others)


def test_sizes_that_depend_on_data(repeated):
    model = lt.compile(repeated)
    x, n = np.ones(1, np.float32), np.array([2])
    with pytest.raises(lt.InputError, match="'y' depend on data"):
        model.bind(x, n)
    out = np.zeros(2, np.float32)
    bound = model.bind(x, n, out=out)
    bound.run()
    np.testing.assert_array_equal(out, [1, 1])
    n[0] = 3
    with pytest.raises(lt.Error, match="'y'"):
        bound.run()
    n[0] = 2
    bound.run()


@pytest.mark.parametrize("dtype", ["int4", "uint2"])
def test_elements_of_less_than_a_byte(dtype):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    number = {"int4": onnx.TensorProto.INT4, "uint2": onnx.TensorProto.UINT2}[dtype]
    graph = oh.make_graph(
        [oh.make_node("Identity", ["x"], ["y"])],
        "packed",
        [oh.make_tensor_value_info("x", number, [3])],
        [oh.make_tensor_value_info("y", number, [3])],
    )
    model = lt.compile(oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 25)]))
    x = np.array([1, 0, 2], getattr(ml_dtypes, dtype))
    out = np.zeros_like(x)
    model(x, out=out)
    np.testing.assert_array_equal(out, x)
    bound = model.bind(x)
    bound.run()
    np.testing.assert_array_equal(bound.outputs, x)
    x[1] = 1
    bound.run()
    np.testing.assert_array_equal(bound.outputs, x)
    with pytest.raises(lt.ShapeError, match="dimension 0 is 3, its array has 4"):
        model(x, out=np.zeros(4, x.dtype))


def test_an_input_called_out():
    graph = oh.make_graph(
        [oh.make_node("Neg", ["out"], ["y"])],
        "named",
        [oh.make_tensor_value_info("out", onnx.TensorProto.FLOAT, [2])],
        [oh.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [2])],
    )
    model = lt.compile(oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 17)]))
    x = np.array([1, -2], np.float32)
    np.testing.assert_array_equal(model(out=x), -x)
    bound = model.bind(x, out=np.empty(2, np.float32))
    bound.run()
    np.testing.assert_array_equal(bound.outputs, -x)


def test_a_context_is_for_one_thread_at_a_time(scaled_sum):
    model = lt.compile(scaled_sum)
    a = np.zeros((2, 1 << 20), np.float32)
    bound = model.bind(a, a)
    refused: list[str] = []

    def work() -> None:
        for _ in range(50):
            try:
                bound.run()
            except lt.Error as error:
                refused.append(str(error.code))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert set(refused) <= {"STATE"}
    bound.run()


def test_the_runtime_context_by_itself(scaled_sum):
    context = _runtime.Context(_runtime.Module(lt.compile(scaled_sum).to_bytes()))
    with pytest.raises(ValueError, match="no arrays are bound"):
        context.run_bound()
    assert context.output_dims([A, B]) == [[2, 3]]
    out = np.empty((2, 3), np.float32)
    with pytest.raises(ValueError, match="every output needs an array"):
        context.bind([A, B], [None])
    context.bind([A, B], [out])
    context.run_bound()
    np.testing.assert_array_equal(out, 2 * A + B)
    (fresh,) = context.run([B, B])
    np.testing.assert_array_equal(fresh, 3 * B)
    np.testing.assert_array_equal(out, 2 * A + B)
    with pytest.raises(ValueError, match="no arrays are bound"):
        context.run_bound()
    (same,) = context.run([B, B], [out])
    assert same is out
