"""The models that are timed, each with one set of inputs of its natural size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

import model_inputs
import model_zoo
from model_inputs import Inputs


@dataclass(frozen=True)
class Case:
    """A model and how its inputs are made. `model` is a name of the model zoo."""

    name: str
    model: str
    make_inputs: Callable[[], Inputs]

    @property
    def path(self) -> Path:
        """The ONNX file, fetched when needed."""
        return model_zoo.path(self.model)

    @cached_property
    def inputs(self) -> Inputs:
        """Kept, because an engine may read them where they are."""
        return self.make_inputs()


def _floats(name: str, *shape: int) -> Inputs:
    return {name: np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)}


def _tokens(length: int) -> Inputs:
    numbers = np.random.default_rng(1).integers(1000, 30000, (1, length))
    return {"input_ids": numbers, "attention_mask": np.ones_like(numbers)}


def _bytes() -> Inputs:
    return {"bytes": np.random.default_rng(1).integers(0, 256, (1, 2048), dtype=np.int32)}


HEADLINE = [
    Case("PP-OCR det 640x640", "ppocr_det", lambda: _floats("x", 1, 3, 640, 640)),
    Case("PP-OCR rec 48x320", "ppocr_rec", lambda: _floats("x", 1, 3, 48, 320)),
    Case("PP-OCR cls 48x192", "ppocr_cls", lambda: _floats("x", 1, 3, 48, 192)),
    Case("ResNet-50 224", "light_resnet50", lambda: _floats("gpu_0/data_0", 1, 3, 224, 224)),
    Case("SqueezeNet 224", "light_squeezenet", lambda: _floats("data_0", 1, 3, 224, 224)),
    Case("magika 2048", "magika", _bytes),
    Case("MiniLM-L3 128", "minilm", lambda: _tokens(128)),
]

# Where the first inputs of the tests are smaller than what one uses the model for.
_NATURAL: dict[str, Callable[[], Inputs]] = {
    "ppocrv6_det": lambda: _floats("x", 1, 3, 640, 640),
    "ecbsr_x2": lambda: _floats("y", 1, 1, 270, 480),
    "ecbsr_x4": lambda: _floats("y", 1, 1, 180, 320),
    "mobilenet_v2": lambda: _floats("image", 1, 3, 160, 160),
    "motion_detector": lambda: model_inputs.frames(1, 256, 256, moved=True),
    "oww_melspectrogram": lambda: {"input": 32768 * model_inputs.sound(17280, 1)},
    "pose_3d": lambda: _floats("image", 1, 3, 128, 128),
    "resnet18": lambda: _floats("image", 1, 3, 224, 224),
    "silero_16k_sequence": lambda: model_inputs.CASES["silero_16k_sequence"]()[2],
    "text_beam_search": lambda: model_inputs.picture("line", 1, 1, 32, 256),
    "transformer_block": lambda: model_inputs.continuation(1, 64, 16),
    "transformer_block_23": lambda: model_inputs.continuation(1, 64, 16),
}


def _first(name: str) -> Inputs:
    return model_inputs.CASES[name]()[0]


def _of_zoo(name: str) -> Case:
    return Case(name, name, _NATURAL.get(name) or (lambda: _first(name)))


_KNOWN = {case.model for case in HEADLINE}
ALL = HEADLINE + [_of_zoo(name) for name in model_zoo.NAMES if name not in _KNOWN]
