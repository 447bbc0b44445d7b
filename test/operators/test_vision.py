"""GridSample, RoiAlign, MaxRoiPool and DeformConv, with open and empty sizes."""

from __future__ import annotations

import numpy as np
import pytest

import longtail as lt
from one_node import compare, feed, model_of, onnxruntime_outputs, reference_outputs

RNG = np.random.default_rng(7)
OUT = [("y", np.float32)]


def numbers(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("align_corners", [0, 1])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_grid_sample(mode, padding, align_corners):
    cases = [
        [numbers(n, c, 5, 6), RNG.uniform(-1.6, 1.6, (n, 4, 3, 2)).astype(np.float32)]
        for n, c in [(2, 3), (1, 1), (2, 0)]
    ]
    # ONNX Runtime moves the whole window inside before a cubic interpolation; the definition takes
    # each of its points from the border.
    by_definition = mode == "cubic" and padding == "border"
    compare(
        "GridSample",
        cases[:2],
        OUT,
        rtol=1e-4,
        opset=20,
        oracle=reference_outputs if by_definition else onnxruntime_outputs,
        mode=mode,
        padding_mode=padding,
        align_corners=align_corners,
    )
    model = model_of("GridSample", cases[2], OUT, opset=20, mode=mode)
    assert lt.compile(model)(**feed(model, cases[2])).shape == (2, 0, 4, 3)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("spatial", [1, 3, 4])
def test_grid_sample_dimensions(spatial, mode):
    size, out = (3, 4, 2, 3)[:spatial], (2,) * spatial
    grid = RNG.uniform(-0.9, 0.9, (1, *out, spatial)).astype(np.float32)
    compare(
        "GridSample",
        [[numbers(1, 2, *size), grid]],
        OUT,
        oracle=reference_outputs,
        rtol=1e-4,
        opset=20,
        mode=mode,
    )


@pytest.mark.parametrize("samples", [0, 2])
@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("coordinates", ["half_pixel", "output_half_pixel"])
def test_roi_align(coordinates, mode, samples):
    def case(count):
        low = RNG.uniform(-2, 6, (count, 2))
        boxes = np.concatenate([low, low + RNG.uniform(0.5, 8, (count, 2))], 1)
        return [numbers(2, 3, 9, 8), boxes.astype(np.float32), RNG.integers(0, 2, count)]

    settings = {
        "coordinate_transformation_mode": coordinates,
        "mode": mode,
        "sampling_ratio": samples,
        "output_height": 3,
        "output_width": 2,
        "opset": 16,
    }
    compare("RoiAlign", [case(4), case(1)], OUT, oracle=reference_outputs, rtol=1e-4, **settings)
    empty = case(0)
    model = model_of("RoiAlign", empty, OUT, **settings)
    assert lt.compile(model)(**feed(model, empty)).shape == (0, 3, 3, 2)


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("channels", [5, 33, 130])
def test_many_channels(channels, static):
    """Which lie side by side in vectors: full ones and the rest."""
    x, boxes = numbers(2, channels, 9, 8), np.array([[0, 1, 5, 6], [2, -1, 9.5, 3]], np.float32)
    grid = RNG.uniform(-1.2, 1.2, (2, 5, 7, 2)).astype(np.float32)
    settings = {"static": static, "rtol": 1e-4}
    compare("GridSample", [[x, grid]], OUT, opset=20, **settings)
    for samples in (0, 2):
        compare(
            "RoiAlign",
            [[x, boxes, np.array([1, 0])]],
            OUT,
            opset=16,
            sampling_ratio=samples,
            output_height=3,
            output_width=2,
            **settings,
        )


def test_roi_align_refuses_an_image_that_is_not_there():
    case = [numbers(2, 1, 4, 4), np.array([[0, 0, 2, 2]], np.float32), np.array([2])]
    model = model_of("RoiAlign", case, OUT, opset=16)
    with pytest.raises(lt.RunError, match="index"):
        lt.compile(model)(**feed(model, case))


def test_max_roi_pool():
    boxes = np.array([[0, 0, 0, 5, 6], [1, 2, 1, 4, 3], [1, 6, 6, 20, 20]], np.float32)
    case = [numbers(2, 3, 8, 7), boxes]
    compare("MaxRoiPool", [case], OUT, opset=13, pooled_shape=[2, 3], spatial_scale=0.7)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("group", "offset_group"), [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_deform_conv(group, offset_group, masked):
    x, w = numbers(2, 4, 7, 6), numbers(6, 4 // group, 3, 2)
    offset = numbers(2, offset_group * 12, 4, 3)
    mask = RNG.random((2, offset_group * 6, 4, 3)).astype(np.float32) if masked else None
    compare(
        "DeformConv",
        [[x, w, offset, numbers(6), mask]],
        OUT,
        oracle=reference_outputs,
        rtol=1e-3,
        opset=19,
        group=group,
        offset_group=offset_group,
        pads=[1, 1, 1, 0],
        strides=[2, 2],
        kernel_shape=[3, 2],
    )
