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
from longtail.verification import difference
from model_inputs import CASES, Inputs

RTOL, ATOL = 1e-3, 1e-4  # of each element, and of the output's range

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


@pytest.mark.parametrize("naive", [False, True], ids=["tuned", "naive"])
@pytest.mark.parametrize("name", parameters(CASES))
def test_agrees_with_onnx_runtime(name: str, naive: bool, tmp_path) -> None:
    lt.compile(model_zoo.path(name), naive=naive).save(tmp_path / "model.lt")
    model = lt.load(tmp_path / "model.lt")
    for inputs, expected in zip(inputs_of(name), reference(name), strict=True):
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
        assert all(o.size == 1 or np.ptp(o) > 1e-4 * np.abs(o).max() > 0 for o in floats)


def test_every_model_of_the_zoo_is_tested() -> None:
    assert set(CASES) == set(model_zoo.NAMES)


@pytest.mark.parametrize("name", ["ppocr_det", "magika"])
def test_two_threads_give_the_same_bits(name: str) -> None:
    compiled = lt.compile(model_zoo.path(name)).to_bytes()
    one, two = (lt.load(compiled, threads=threads) for threads in (1, 2))
    for inputs in inputs_of(name):
        np.testing.assert_array_equal(one(**inputs), two(**inputs))
