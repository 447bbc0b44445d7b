"""ConvTranspose by phases of its strides: kernels, pads and paddings that do not fit them."""

from __future__ import annotations

import numpy as np
import pytest

from one_node import compare

RNG = np.random.default_rng(5)
CASES = [  # input, kernel, stride, pads, output padding
    ((9,), (16,), (8,), (4, 4), (0,)),
    ((9,), (3,), (2,), (0, 0), (0,)),
    ((9,), (2,), (3,), (0, 0), (0,)),  # gaps between the windows
    ((5,), (7,), (3,), (4, 2), (1,)),  # pads of more than a stride
    ((1,), (5,), (4,), (0, 3), (0,)),
    ((6, 5), (3, 3), (2, 2), (1, 1, 1, 1), (1, 1)),
    ((6, 5), (2, 4), (1, 2), (0, 1, 0, 1), (0, 0)),
    ((6, 5), (2, 2), (2, 2), (0, 0, 0, 0), (0, 0)),
    ((4, 3), (5, 4), (3, 2), (2, 0, 1, 3), (2, 0)),
    ((3, 4, 2), (3, 2, 4), (2, 1, 2), (1, 0, 1, 0, 0, 2), (0, 0, 1)),
]


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("channels", [(1, 1), (3, 5), (4, 33)])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_strides(case, channels, static):
    sizes, kernel, strides, pads, padding = case
    inputs, outputs = channels

    def whole(*shape: int) -> np.ndarray:  # sums in any order are exact
        return RNG.integers(-4, 5, shape).astype(np.float32)

    w, b = whole(inputs, outputs, *kernel), whole(outputs)
    shapes = [(2, inputs, *sizes)]
    if not static:
        shapes.append((1, inputs, *(size + 3 for size in sizes)))
    compare(
        "ConvTranspose",
        [[whole(*shape), w, b] for shape in shapes],
        [("y", np.float32)],
        constants=(1, 2),
        static=static,
        opset=11,
        strides=strides,
        pads=pads,
        output_padding=padding,
    )
