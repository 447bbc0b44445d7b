"""The modes of operators: they agree, they find what is undefined, they tell who is at fault."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import longtail as lt
from longtail import f32, i64, idx
from longtail.language.checking import at_fault
from longtail.language.modes import MODES, PHASES


@lt.op
def gather_sum(x: f32["V D"], at: idx["V"]["N"], scale: float):
    N = at.shape[0]
    D = x.shape[1]
    assert x.max() < 100
    out = lt.zeros((N, D), f32)
    for n, d in lt.grid(N, D):
        out[n, d] = x[at[n], d] * scale
    return out, out.sum(axis=1)


X = np.arange(15, dtype=np.float32).reshape(5, 3)
AT = np.array([4, 0, 4])


def line_of(text: str) -> int:
    """The line of this file that begins with `text`."""
    lines = Path(__file__).read_text().split("\n")
    return next(k for k, line in enumerate(lines, 1) if line.strip().startswith(text))


@pytest.mark.parametrize("mode", MODES)
def test_modes_agree(mode):
    values, sums = gather_sum.run(X, AT, 2.0, mode=mode)
    np.testing.assert_array_equal(values, X[AT] * 2)
    np.testing.assert_array_equal(sums, (X[AT] * 2).sum(axis=1))
    assert values.dtype == np.float32


@pytest.mark.parametrize("phase", PHASES)
def test_interpreted_after_every_phase(phase):
    values, _ = gather_sum.run(X, AT, 2.0, mode="ir", after=phase)
    np.testing.assert_array_equal(values, X[AT] * 2)


def test_unknown_mode_and_phase():
    with pytest.raises(lt.InputError, match="no mode 'fast'; there is one of python, ir, checked"):
        gather_sum.run(X, AT, 2.0, mode="fast")
    with pytest.raises(
        lt.InputError, match="cannot be interpreted after 'llvm', only after expand"
    ):
        gather_sum.run(X, AT, 2.0, mode="ir", after="llvm")
    with pytest.raises(lt.InputError, match="there is no mode 'fast'"):
        gather_sum.check(modes=["fast"])


@pytest.mark.parametrize("mode", ["ir", "checked"])
def test_numbers_and_types_are_converted_as_in_calls(mode):
    with pytest.raises(lt.DTypeError, match="input 'x' is float64"):
        gather_sum.run(X.astype(np.float64), AT, 2.0, mode=mode)
    with pytest.raises(lt.InputError, match="input 'x' dimension 1 is 3, expected 4"):
        fixed.run(np.zeros((2, 3), np.float32), mode=mode)
    with pytest.raises(lt.InputError, match="input 'x' has rank 1, expected 2"):
        fixed.run(np.zeros(3, np.float32), mode=mode)
    with pytest.raises(
        lt.InputError, match="argument 'b' of operator 'equal': dimension 0 is not N"
    ):
        equal.run(np.zeros(3, np.float32), np.zeros(4, np.float32), mode=mode)


@lt.op
def fixed(x: f32["N 4"]):
    return x + 1


@lt.op
def equal(a: f32["N"], b: f32["N"]):
    return a + b


def test_index_outside_names_the_line():
    bad = np.array([0, 5])
    with pytest.raises(lt.RunError) as native:
        gather_sum(X, bad, 1.0)
    assert "out of range" in str(native.value)
    with pytest.raises(lt.RunError) as found:
        gather_sum.run(X, bad, 1.0, mode="ir")
    line = line_of("out[n, d] = x[at[n], d]")
    assert str(found.value).split("\n") == [
        f"{__file__}:{line}:9: the index 5 is outside of dimension 0 of 'x', which has size 5",
        f"{line:5} |         out[n, d] = x[at[n], d] * scale",
        "      |         " + "^" * len("out[n, d] = x[at[n], d] * scale"),
    ]


def test_checked_mode_checks_facts_about_data():
    # What an annotation says of indices.
    with pytest.raises(lt.RunError) as found:
        gather_sum.run(X, np.array([0, -1]), 1.0, mode="checked")
    line = line_of("def gather_sum")
    assert str(found.value).startswith(
        f"{__file__}:{line}:31: a value is outside of what is allowed"
    )
    # What an assertion says of elements: native code takes it as given.
    large = X + 100
    gather_sum(large, AT, 1.0)
    with pytest.raises(lt.RunError) as found:
        gather_sum.run(large, AT, 1.0, mode="checked")
    assert f"{__file__}:{line_of('assert x.max() < 100')}:5: " in str(found.value)
    with pytest.raises(AssertionError):
        gather_sum.run(large, AT, 1.0, mode="python")


def test_checked_mode_checks_proved_indices():
    """Every index is tested at run time, also those that native code does not test."""
    checked = gather_sum.instance({}, checked=True).text
    native = gather_sum.instance({}).text
    assert checked.count("compute.require") > native.count("compute.require")


def test_checked_mode_reports_points_that_meet(monkeypatch):
    """The front end proves that points do not meet; here it is made to believe it."""
    from longtail.language.grids import GridCode

    def scatter(x: f32["N"], at: i64["N"], out_size: lt.const):
        N = x.shape[0]
        out = lt.zeros((out_size,), f32)
        for n in lt.grid(N):
            out[at[n]] = x[n]
        return out

    with pytest.raises(lt.OperatorError, match="E0203"):
        lt.op(scatter)(X[:, 0].copy(), np.arange(5), out_size=5)
    monkeypatch.setattr(GridCode, "_is_injective", lambda *_: True)
    operator = lt.op(scatter)
    x = np.arange(3, dtype=np.float32)
    for at in ([2, 0, 1], [3, 1, 0]):
        found = operator.run(x, np.array(at), out_size=4, mode="checked")
        np.testing.assert_array_equal(found, operator.python(x, np.array(at), out_size=4))
    with pytest.raises(lt.RunError) as found:
        operator.run(x, np.array([1, 2, 1]), out_size=4, mode="checked")
    assert f":{line_of('out[at[n]] = x[n]')}:13: a value is outside of what is allowed" in str(
        found.value
    )


def test_bounded_count_that_overflows():
    @lt.op
    def collect(x: f32["N"]):
        N = x.shape[0]
        kept = lt.List(i64, max=2)
        for i in range(N):
            if x[i] > 0:
                kept.append(i)
        return kept.array()

    full = np.array([1, -1, 1], np.float32)
    for mode in MODES:
        np.testing.assert_array_equal(collect.run(full, mode=mode), [0, 2])
    for mode in ("ir", "checked"):
        with pytest.raises(lt.RunError, match=f":{line_of('kept.append(i)')}:17: an index is out"):
            collect.run(np.ones(3, np.float32), mode=mode)
    with pytest.raises(lt.RunError):
        collect(np.ones(3, np.float32))


# ---- check ---------------------------------------------------------------------------------------


def test_generated_cases():
    found = list(lt.cases(V=[4, 0, 1]).of(gather_sum))
    assert {case["x"].shape[0] for case in found} == {4, 0, 1}
    assert {case["at"].shape[0] for case in found} >= {0, 1, 5, 7}
    assert all(case["at"].max(initial=-1) < max(case["x"].shape[0], 1) for case in found)
    assert gather_sum.check() > 20
    assert gather_sum.check(lt.cases(scale=[1.0, 3.0], seed=4)) > 20


def test_generated_cases_of_constants_and_bounds():
    @lt.op
    def head(x: f32["N M"], k: i64["K<=N"], *, width: lt.const):
        assert x.shape[1] % width == 0
        return x[:, ::width], k + 1

    with pytest.raises(lt.InputError, match=r"the constant .*has no default.*lt.cases\("):
        head.check()
    with pytest.raises(lt.InputError, match="operator 'head' has no argument or dimension 'Q'"):
        head.check(lt.cases(width=[2], Q=[1]))
    # Sizes for which the assertion does not hold are no cases.
    assert head.check(lt.cases(width=[1, 2], M=[4, 6, 5])) > 8
    with pytest.raises(lt.InputError, match="refuses all generated cases"):
        head.check(lt.cases(width=[3], M=[4]))
    made = list(lt.cases(width=[1], k=lambda rng, sizes: np.full(sizes["K"], 7)).of(head))
    assert all((case["k"] == 7).all() for case in made)


def test_check_finds_a_wrong_reference():
    with pytest.raises(AssertionError, match="case 0: reference"):
        fixed.check([(np.zeros((2, 4), np.float32),)], ref=lambda x: x + 2)


def test_check_runs_other_strides(monkeypatch):
    seen = []
    native = type(fixed.instance({})).run

    def run(self, arguments):
        seen.append(tuple(np.sign(arguments[0].strides)))
        return native(self, arguments)

    monkeypatch.setattr(type(fixed.instance({})), "run", run)
    assert fixed.check([(np.ones((3, 4), np.float32),)], modes=["native"]) == 4
    assert (1, -1) in seen  # backwards
    assert (0, 1) in seen  # one row again and again


def test_first_phase_that_breaks_an_operator(monkeypatch):
    @lt.op
    def twice(x: f32["N"]):
        return x + x

    x = np.array([1, 2], np.float32)
    instance = twice.instance({})
    expected = twice.python(x)
    assert "lowering to kernels or to machine code" in at_fault(instance, [x], expected, 0, 0)
    modules = {phase: instance.module(phase) for phase in PHASES}
    for k, phase in enumerate(PHASES[1:], 1):
        broken = {p: t.replace("arith.addf", "arith.mulf") for p, t in modules.items()}
        mixed = {p: (broken if PHASES.index(p) >= k else modules)[p] for p in PHASES}
        monkeypatch.setattr(instance, "module", mixed.__getitem__)
        found = at_fault(instance, [x], expected, 0, 0)
        assert found == f"first phase after which the result differs: {phase}"
    monkeypatch.setattr(instance, "module", broken.__getitem__)
    assert "front end" in at_fault(instance, [x], expected, 0, 0)


def test_first_pass_that_breaks_an_operator(monkeypatch):
    @lt.op
    def shifted(x: f32["N"]):
        return lt.exp(x[::-1]) * 2

    x = np.array([1, 2, 4], np.float32)
    instance = shifted.instance({})
    passes = instance.passes("compose", "fuse")
    assert len(passes) > 1
    assert all(re.fullmatch(r"fuse( \d+ [a-z-]+)?", name) for name, _ in passes)
    monkeypatch.setattr(
        instance, "passes", lambda *_: [(n, t.replace("math.exp", "math.sin")) for n, t in passes]
    )
    modules = {phase: instance.module(phase) for phase in PHASES}
    late = {p: t.replace("math.exp", "math.sin") for p, t in modules.items() if p not in PHASES[:2]}
    monkeypatch.setattr(instance, "module", {**modules, **late}.__getitem__)
    found = at_fault(instance, [x], shifted.python(x), 1e-5, 1e-5).split("\n")
    assert found[0] == "first phase after which the result differs: fuse"
    assert found[1].startswith("first pass after which it differs: fuse 1 ")


def test_wrong_machine_code_is_blamed(monkeypatch):
    instance = fixed.instance({})
    monkeypatch.setattr(type(instance), "run", lambda self, arguments: arguments[0] + 2)
    with pytest.raises(AssertionError) as found:
        fixed.check([(np.zeros((2, 4), np.float32),)], modes=["native"])
    assert "case 0: native" in str(found.value)
    assert "lowering to kernels or to machine code is at fault" in str(found.value)


def test_an_operator_that_fails_leaves_others_unharmed():
    for _ in range(3):
        with pytest.raises(lt.RunError):
            gather_sum.run(X, np.array([9]), 1.0, mode="ir")
        values, _ = gather_sum(X, AT, 1.0)
        np.testing.assert_array_equal(values, X[AT])
