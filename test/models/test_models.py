"""Seven real networks against ONNX Runtime with its optimisations off, tuned and naive.

A model with dimensions that may vary is compared at three sizes with the same compiled code.
"""

from __future__ import annotations

import functools

import numpy as np
import onnxruntime
import pytest

import longtail as lt
import model_zoo
import ocr
import sample
from longtail.verification import difference

RTOL, ATOL = 1e-3, 1e-4  # of each element, and of the output's range

Inputs = dict[str, np.ndarray]


def picture(name: str, *shape: int) -> Inputs:
    """A normalised picture: smooth light with some noise, as a photograph has."""
    rng = np.random.default_rng(sum(shape))
    light = np.linspace(-1, 1, shape[-1]) * np.linspace(1, -1, shape[-2])[:, None]
    values = light + 0.3 * rng.standard_normal(shape)
    return {name: np.clip(values, -1, 1).astype(np.float32)}


def page(height: int, width: int) -> Inputs:
    """The top left of a page with text, for the detector."""
    whole, _ = sample.draw()
    return {"x": ocr.to_tensor(whole.crop((0, 0, width, height)))}


def some_bytes(count: int) -> Inputs:
    """What magika reads of `count` files: 2,048 bytes each, 256 stands for none."""
    rng = np.random.default_rng(count)
    values = rng.integers(0, 257, (count, 2048), dtype=np.int32)
    values[:, 1500:1600] = 256
    return {"bytes": values}


def tokens(count: int, length: int) -> Inputs:
    """Sentences as token numbers; in all but the first the end is padding."""
    rng = np.random.default_rng(length)
    mask = np.ones((count, length), np.int64)
    mask[1:, length // 2 :] = 0
    return {"input_ids": rng.integers(0, 30000, mask.shape) * mask, "attention_mask": mask}


CASES: dict[str, list[Inputs]] = {
    "ppocr_det": [page(*size) for size in ((96, 224), (192, 128), (224, 320))],
    "ppocr_cls": [picture("x", n, 3, 48, 192) for n in (1, 2, 3)],
    "ppocr_rec": [picture("x", 1, 3, 48, width) for width in (320, 96, 401)],
    "magika": [some_bytes(count) for count in (1, 2, 5)],
    "minilm": [tokens(*size) for size in ((1, 16), (3, 7), (2, 128))],
    "light_resnet50": [picture("gpu_0/data_0", 1, 3, 224, 224)],
    "light_squeezenet": [picture("data_0", 1, 3, 224, 224)],
}


@functools.cache
def reference(name: str) -> list[list[np.ndarray]]:
    """The outputs of ONNX Runtime for each case. With optimisations on it has errors of its own."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model_zoo.path(name), options, providers=["CPUExecutionProvider"]
    )
    return [session.run(None, inputs) for inputs in CASES[name]]


@pytest.mark.parametrize("naive", [False, True], ids=["tuned", "naive"])
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_onnx_runtime(name: str, naive: bool, tmp_path) -> None:
    lt.compile(model_zoo.path(name), naive=naive).save(tmp_path / "model.lt")
    model = lt.load(tmp_path / "model.lt")
    for inputs, expected in zip(CASES[name], reference(name), strict=True):
        outputs = model(**inputs)
        actual = list(outputs) if isinstance(outputs, lt.Outputs) else [outputs]
        found = [
            difference(info.name, a, e, RTOL, ATOL)
            for info, a, e in zip(model.outputs, actual, expected, strict=True)
        ]
        sizes = [array.shape for array in inputs.values()]
        assert all(each.passed for each in found), (sizes, found)


@pytest.mark.parametrize("name", CASES)
def test_the_reference_is_worth_comparing_with(name: str) -> None:
    """Finite outputs that are not all alike: constant ones would hide mistakes."""
    for outputs in reference(name):
        floats = [o for o in outputs if o.dtype == np.float32]
        assert floats and all(np.isfinite(o).all() for o in floats)
        assert all(np.ptp(o) > 1e-4 * np.abs(o).max() > 0 for o in floats)


@pytest.mark.parametrize("name", ["ppocr_det", "magika"])
def test_two_threads_give_the_same_bits(name: str) -> None:
    compiled = lt.compile(model_zoo.path(name)).to_bytes()
    one, two = (lt.load(compiled, threads=threads) for threads in (1, 2))
    for inputs in CASES[name]:
        np.testing.assert_array_equal(one(**inputs), two(**inputs))
