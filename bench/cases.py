"""The models that are timed, each with one set of inputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import model_zoo


@dataclass(frozen=True)
class Case:
    """A model and its inputs. `model` is a name of the model zoo."""

    name: str
    model: str
    inputs: dict[str, np.ndarray]

    @property
    def path(self) -> Path:
        """The ONNX file, fetched when needed."""
        return model_zoo.path(self.model)


def _floats(name: str, *shape: int) -> dict[str, np.ndarray]:
    return {name: np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)}


def _tokens(length: int) -> dict[str, np.ndarray]:
    numbers = np.random.default_rng(1).integers(1000, 30000, (1, length))
    return {"input_ids": numbers, "attention_mask": np.ones_like(numbers)}


def _bytes() -> dict[str, np.ndarray]:
    return {"bytes": np.random.default_rng(1).integers(0, 256, (1, 2048), dtype=np.int32)}


CASES = [
    Case("PP-OCR det 640x640", "ppocr_det", _floats("x", 1, 3, 640, 640)),
    Case("PP-OCR rec 48x320", "ppocr_rec", _floats("x", 1, 3, 48, 320)),
    Case("PP-OCR cls 48x192", "ppocr_cls", _floats("x", 1, 3, 48, 192)),
    Case("ResNet-50 224", "light_resnet50", _floats("gpu_0/data_0", 1, 3, 224, 224)),
    Case("SqueezeNet 224", "light_squeezenet", _floats("data_0", 1, 3, 224, 224)),
    Case("magika 2048", "magika", _bytes()),
    Case("MiniLM-L3 128", "minilm", _tokens(128)),
]
