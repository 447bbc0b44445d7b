"""The operators of examples/ops: machine code, the function and an independent reference agree."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "ops"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda p: p.stem)
def test_operator(path):
    module = importlib.import_module(path.stem)
    assert module.OPERATORS
    for operator, reference, cases in module.OPERATORS:
        assert len(inspect.getsource(operator.function).splitlines()) <= 40
        compared = operator.check(
            cases(np.random.default_rng(3)), ref=reference, rtol=1e-4, atol=1e-5
        )
        assert compared > 0
