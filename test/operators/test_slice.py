"""Slice: bounds beyond the ends, negative steps, dimensions of size 0."""

from __future__ import annotations

import numpy as np
import pytest

import longtail as lt
from one_node import feed, model_of, onnxruntime_outputs, same

FAR = 2**31
BOUNDS = [-FAR, -6, -5, -4, -1, 0, 1, 4, 5, 6, FAR, 2**63 - 1]


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@pytest.mark.parametrize("step", [-FAR, -2, -1, 1, 3, FAR])
@pytest.mark.parametrize("known", [True, False])
def test_bounds(step, known):
    """With bounds that are constants, and with bounds that only the run tells."""
    outputs = [("y", np.float32)]
    anything = [np.zeros(3, np.float32), ints(0), ints(1), ints(0), ints(step)]
    whole = (
        None
        if known
        else lt.compile(model_of("Slice", anything, outputs, constants=[3], fixed=[1, 2, 4]))
    )
    # ONNX Runtime takes the largest end for the smallest where the step is negative.
    bounds = BOUNDS if step > 0 else BOUNDS[:-1]
    for start in bounds[:: 2 if known else 1]:
        for end in bounds[1 :: 2 if known else 1]:
            case = [None, ints(start), ints(end), ints(0), ints(step)]
            case[0] = anything[0]
            model = model_of("Slice", case, outputs, constants=[1, 2, 3, 4] if known else [3])
            compiled = lt.compile(model) if known else whole
            for size in (5, 1, 0):
                case[0] = np.arange(size, dtype=np.float32)
                inputs = feed(model, case)
                same([compiled(**inputs)], onnxruntime_outputs(model, inputs))
