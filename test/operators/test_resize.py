"""Resize: which inputs a result depends on, told by NaN."""

from __future__ import annotations

import numpy as np
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
