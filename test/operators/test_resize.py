"""Resize: which inputs a result depends on, told by NaN."""

from __future__ import annotations

import numpy as np
import onnx.helper as oh
import onnx.numpy_helper as onh
import onnxruntime
import pytest

import longtail as lt
from one_node import feed, model_of, onnxruntime_outputs, same


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("sizes", [1, 2])
def test_an_element_that_is_not_a_number_spreads_no_further_than_its_taps(mode, sizes):
    data = np.ones((1, 1, 2, 13), np.float32)
    target = np.array([1, 1, 2, sizes], np.int64)
    for column in range(13):
        case = [data.copy(), None, None, target]
        case[0][..., column] = np.nan
        model = model_of(
            "Resize",
            case,
            [("y", np.float32)],
            constants=[3],
            mode=mode,
            coordinate_transformation_mode="half_pixel",
        )
        inputs = feed(model, case)
        same([lt.compile(model)(**inputs)], onnxruntime_outputs(model, inputs), rtol=1e-5)


@pytest.mark.parametrize("channels", [(16, 32), (20, 12), (3, 45), (40, 1)])
def test_a_resized_image_joins_another(channels):
    """Between products the channels lie innermost, so one vector may have those of both parts."""
    rng = np.random.default_rng(1)
    first, second = channels
    shapes = {"a": (first, 8, 1, 1), "b": (second, 8, 1, 1), "c": (24, first + second, 1, 1)}
    weights = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    x, y = (rng.standard_normal((2, 8, *size), np.float32) for size in ((5, 7), (10, 14)))
    scales = np.array([1, 1, 2, 2], np.float32)
    graph = oh.make_graph(
        [
            oh.make_node("Conv", ["x", "a"], ["s"]),
            oh.make_node("Resize", ["s", "", "scales"], ["t"], mode="linear"),
            oh.make_node("Conv", ["y", "b"], ["u"]),
            oh.make_node("Concat", ["t", "u"], ["v"], axis=1),
            oh.make_node("Conv", ["v", "c"], ["z"]),
        ],
        "joined",
        [oh.make_tensor_value_info(n, 1, v.shape) for n, v in (("x", x), ("y", y))],
        [oh.make_tensor_value_info("z", 1, None)],
        [onh.from_array(v, n) for n, v in (*weights.items(), ("scales", scales))],
    )
    model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=8)
    expected = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x, "y": y})
    found = lt.load(lt.compile(model).to_bytes())(x=x, y=y)
    np.testing.assert_allclose(found, expected[0], rtol=1e-4, atol=1e-4)
