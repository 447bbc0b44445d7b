"""QuantizeLinear and DequantizeLinear with parameters whose sizes only the run tells."""

from __future__ import annotations

import numpy as np
import pytest

import longtail as lt
from one_node import feed, model_of, onnxruntime_outputs, same


def test_a_zero_point_of_unknown_size_for_one_scale():
    case = [
        np.linspace(-3, 3, 12, dtype=np.float32).reshape(3, 4),
        np.array([0.05], np.float32),
        np.array([128], np.uint8),
    ]
    model = model_of("QuantizeLinear", case, [("y", np.uint8)], fixed=[1], opset=21)
    compiled = lt.compile(model)
    inputs = feed(model, case)
    same([compiled(**inputs)], onnxruntime_outputs(model, inputs))
    with pytest.raises(lt.ShapeError, match="which is one number"):
        compiled(**(inputs | {"i2": np.array([1, 2], np.uint8)}))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
def test_what_is_no_number(dtype):
    case = [
        np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 0.5, -0.0], np.float32),
        np.array(0.25, np.float32),
        np.array(10, dtype),
    ]
    model = model_of("QuantizeLinear", case, [("y", dtype)], opset=21)
    inputs = feed(model, case)
    same([lt.compile(model)(**inputs)], onnxruntime_outputs(model, inputs))
