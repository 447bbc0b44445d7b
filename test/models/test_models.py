"""Real networks against ONNX Runtime with its optimisations off, tuned and naive.

A model with dimensions that may vary is compared at three sizes with the same compiled code.
"""

from __future__ import annotations

import functools

import numpy as np
import onnxruntime
import pytest

import longtail as lt
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

# What does not work yet, and why. A model that begins to work must leave this list.
FAILING: dict[str, str] = {}


def parameters(names) -> list:
    """The names as parameters of a test; those that fail are expected to, and only they."""
    return [
        pytest.param(
            name,
            marks=pytest.mark.xfail(reason=FAILING[name], strict=True) if name in FAILING else (),
        )
        for name in names
    ]


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


@pytest.mark.parametrize("naive", [False, True], ids=["tuned", "naive"])
@pytest.mark.parametrize("name", parameters(CASES))
def test_agrees_with_onnx_runtime(name: str, naive: bool, tmp_path) -> None:
    lt.compile(model_zoo.path(name), naive=naive).save(tmp_path / "model.lt")
    model = lt.load(tmp_path / "model.lt")
    for inputs, expected in zip(inputs_of(name), reference(name), strict=True):
        outputs = model(**inputs)
        actual = list(outputs) if isinstance(outputs, lt.Outputs) else [outputs]
        times = WIDER.get(name, 1.0)
        found = [
            same_answers(info.name, a, e)
            if name in BY_ANSWER
            else difference(info.name, a, e, times * RTOL, times * ATOL)
            for info, a, e in zip(model.outputs, actual, expected, strict=True)
        ]
        sizes = [array.shape for array in inputs.values()]
        assert all(each.passed for each in found), (sizes, found)


@pytest.mark.parametrize("name", CASES)
def test_the_reference_is_worth_comparing_with(name: str) -> None:
    """Finite outputs that are not all alike: constant ones would hide mistakes."""
    for outputs in reference(name):
        floats = [o for o in outputs if o.dtype == np.float32]
        assert all(np.isfinite(o).all() and np.any(o) for o in floats)
        assert all(o.size == 1 or np.ptp(o) > 1e-4 * np.abs(o).max() > 0 for o in floats)
        assert floats or all(np.ptp(o) > 0 for o in outputs)


def test_answers_are_compared() -> None:
    scores = np.asarray([[[0.0, 1.0, 3.0], [2.0, 1.95, 0.0]]], np.float32)
    assert same_answers("y", scores + 0.1, scores).passed
    assert same_answers("y", scores[..., [0, 1, 2]] * [1, 1.1, 1], scores).reason  # f64
    assert not same_answers("y", scores[..., ::-1].copy(), scores).passed
    choices = np.arange(100)
    assert same_answers("y", np.where(choices < 2, 7, choices), choices).passed
    assert not same_answers("y", np.where(choices < 3, 7, choices), choices).passed


def test_every_model_of_the_zoo_is_tested() -> None:
    assert set(CASES) == set(model_zoo.NAMES)


@pytest.mark.parametrize("name", ["ppocr_det", "magika"])
def test_two_threads_give_the_same_bits(name: str) -> None:
    compiled = lt.compile(model_zoo.path(name)).to_bytes()
    one, two = (lt.load(compiled, threads=threads) for threads in (1, 2))
    for inputs in inputs_of(name):
        np.testing.assert_array_equal(one(**inputs), two(**inputs))
