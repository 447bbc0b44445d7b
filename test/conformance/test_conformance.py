"""Tests that passed before must pass again, and the harness must notice every way to fail."""

from __future__ import annotations

import functools
import os
import time
import unittest

import onnx
import onnx.backend.base
import onnx.reference
import pytest

import page
import run


def reference_backend() -> type[onnx.backend.base.Backend]:
    """ONNX's reference, which misbehaves in every way for some operators."""

    class Prepared(onnx.backend.base.BackendRep):
        def __init__(self, model: onnx.ModelProto) -> None:
            self.evaluator = onnx.reference.ReferenceEvaluator(model)

        def run(self, inputs, **keywords):
            return self.evaluator.run(
                None, dict(zip(self.evaluator.input_names, inputs, strict=True))
            )

    class Misbehaving(onnx.backend.base.Backend):
        @classmethod
        def prepare(cls, model, device="CPU", **keywords):
            prepared = Prepared(model)
            match model.graph.node[0].op_type:
                case "Abs":
                    os.abort()
                case "Acos":
                    time.sleep(1000)
                case "Neg":
                    prepared.run = lambda inputs: [inputs[0]]
                case "Floor":
                    from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt

                    raise BackendIsNotSupposedToImplementIt("no")
                case "Ceil":
                    raise unittest.SkipTest("no")
            return prepared

        @classmethod
        def supports_device(cls, device):
            return device == "CPU"

    return Misbehaving


def test_the_harness_notices_every_kind_of_failure(monkeypatch):
    monkeypatch.setattr(run, "LIMIT_SECONDS", 3.0)
    wanted = {
        "test_abs": "crashed",
        "test_acos": "timeout",
        "test_neg": "failed",
        "test_floor": "failed",
        "test_ceil": "failed",
        "test_exp": "passed",
        "test_celu_expanded": "passed",
    }
    results = run.run_tests(list(wanted), dict.fromkeys(wanted, ""), reference_backend)
    assert {result.name: result.outcome for result in results} == wanted
    assert next(r.message for r in results if r.name == "test_floor") == "the model was not run"


def test_all_official_tests_are_found():
    names = run.functions()
    assert len(names) == 2033
    assert set(names) == set(run.models())


def test_registered_means_every_operator():
    models = run.models()
    assert run.is_registered(models["test_add"], {("", "Add")})
    assert not run.is_registered(models["test_add"], {("", "Sub")})
    # LeakyRelu is a function of these; without one of them it cannot be inlined.
    body = {n.op_type for n in onnx.defs.get_schema("LeakyRelu").function_body.node}
    assert run.is_registered(models["test_leakyrelu"], {("", name) for name in body})
    assert not run.is_registered(models["test_leakyrelu"], {("", n) for n in sorted(body)[1:]})


CHUNK = 100


@functools.cache
def outcomes(chunk: int) -> dict[str, run.Result]:
    """Results of `CHUNK` of the tests that must pass; several processes share the chunks."""
    names = run.expected()[chunk * CHUNK : (chunk + 1) * CHUNK]
    results = run.run_tests(names, dict.fromkeys(names, ""), run.longtail_backend)
    return {result.name: result for result in results}


def test_expected_tests_exist():
    names = run.expected()
    assert names == sorted(set(names))
    assert set(names) <= set(run.models())


@pytest.mark.parametrize(("position", "name"), list(enumerate(run.expected())), ids=run.expected())
def test_passes_as_before(position, name):
    result = outcomes(position // CHUNK)[name]
    assert result.outcome == "passed", result.message


def test_the_page_is_about_these_results():
    text = page.PAGE.read_text()
    assert page.passed_on(text) == len(run.expected())
    failing = {line.split("|")[1].strip() for line in text.splitlines() if "| test_" in line}
    assert failing == set(run.functions()) - set(run.expected())
