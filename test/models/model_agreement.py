"""Whether the outputs of a model of the zoo agree with ONNX Runtime's."""

from __future__ import annotations

import functools

import numpy as np
import onnxruntime

import model_zoo
from longtail.verification import Difference, difference
from model_inputs import CASES, Inputs

RTOL, ATOL = 1e-3, 1e-4  # of each element, and of the output's range

# Normalises by the least logarithm of a power, which rounding decides: ONNX Runtime with and
# without its optimisations is 2.4 times as far apart as the usual tolerance allows.
WIDER: dict[str, float] = {"basic_pitch": 4.0}

# Their recurrent layers round each activation to 8 bits: one next to a boundary falls to the other
# side, and the recurrence carries that on. So the answers are compared, not the numbers.
BY_ANSWER = {
    "tashkeel_bilstm",
    "tashkeel_rawi",
    "tashkeel_rawi_v2",
    "tashkeel_rawi_v3",
    "tashkeel_ensemble",
}


@functools.cache
def inputs_of(name: str) -> list[Inputs]:
    return CASES[name]()


@functools.cache
def reference(name: str) -> list[list[np.ndarray]]:
    """The outputs of ONNX Runtime for each case. With optimisations on it has errors of its own."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model_zoo.path(name), options, providers=["CPUExecutionProvider"]
    )
    return [session.run(None, inputs) for inputs in inputs_of(name)]


def same_answers(name: str, actual: np.ndarray, expected: np.ndarray) -> Difference:
    """Whether the same letters are chosen wherever the reference is not undecided: scores [...,
    classes], probabilities of one class [...] beyond 0.05 from even, or the choices themselves."""
    reason = ""
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        reason = f"should be {expected.dtype}{list(expected.shape)}"
        return Difference(name, actual.shape, np.inf, np.inf, reason)
    if expected.dtype.kind == "f" and expected.ndim == 3:
        best = np.sort(expected, axis=-1)
        decided = best[..., -1] - best[..., -2] > 0.05 * np.ptp(expected)
        wrong = (actual.argmax(-1) != expected.argmax(-1)) & decided
    elif expected.dtype.kind == "f":
        wrong = ((actual > 0) != (expected > 0)) & (np.abs(expected) > 0.05 * np.ptp(expected))
    else:
        wrong = actual != expected
    allowed = 0 if expected.dtype.kind == "f" else expected.size // 50
    if wrong.sum() > allowed:
        reason = f"{wrong.sum()} of {wrong.size} answers differ"
    return Difference(name, actual.shape, float(wrong.sum()), float(wrong.mean()), reason)


def differences(
    name: str, outputs: list[np.ndarray], expected: list[np.ndarray], names: list[str]
) -> list[Difference]:
    """How far each output, called `names`, of the model `name` is from what is expected."""
    times = WIDER.get(name, 1.0)
    return [
        same_answers(each, a, e)
        if name in BY_ANSWER
        else difference(each, a, e, times * RTOL, times * ATOL)
        for each, a, e in zip(names, outputs, expected, strict=True)
    ]
