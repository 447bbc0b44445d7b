"""Every error of the language: exact text, line and column."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

import longtail as lt
from longtail.language import CODES, OperatorError

HEAD = "import longtail as lt\nfrom longtail import f32, i64, u8\n\n\n@lt.op\n"

# (program, what is reported)
PROGRAMS = [
    (
        """\
def a1(x: f32["N"]):
    with x: pass
    return x
""",
        """\
op.py:7:5: error E0101: `with` is outside the language
    7 |     with x: pass
      |     ^^^^^^^^^^^^
   fix: an operator has assignments, if, for, while, break, continue, return, assert and def
""",
    ),
    (
        """\
def a2(x: f32["N"]):
    y = {1: x}
    return y
""",
        """\
op.py:7:9: error E0102: `{1: x}` is outside the language
    7 |     y = {1: x}
      |         ^^^^^^
""",
    ),
    (
        """\
def a3(x: f32["N"]):
    y = print(x)
    z = foo(x)
    return y + z
""",
        """\
op.py:7:9: error E0103: the function `print` is unknown to the language
    7 |     y = print(x)
      |         ^^^^^^^^
   fix: use functions of lt, NumPy's element functions, or write it with `def`
op.py:8:9: error E0111: the name `foo` is not defined
    8 |     z = foo(x)
      |         ^^^
""",
    ),
    (
        """\
def a4(x):
    return x
""",
        """\
op.py:6:8: error E0104: the argument `x` has no annotation of the language
    6 | def a4(x):
      |        ^
   fix: annotate it: `x: f32["N C"]`, `x: lt.const`, `x: float`
""",
    ),
    (
        """\
def a5(x: f32["N"]):
    x[0] = 1
    return x
""",
        """\
op.py:7:5: error E0109: the argument `x` is written
    7 |     x[0] = 1
      |     ^^^^^^^^
   fix: write to a copy: `y = x.copy()`
""",
    ),
    (
        """\
def a6(x: f32["N"]):
    out = lt.zeros(x.shape[0], f32)
    for i in lt.grid(x.shape[0]):
        if x[i] > 0:
            v = x[i]
        out[i] = v
    return out
""",
        """\
op.py:11:18: error E0110: `v` is assigned on only one path
   11 |         out[i] = v
      |                  ^
   fix: give `v` a value before the branch or loop
""",
    ),
    (
        """\
def a7(x: f32["N"]):
    out = lt.zeros(x.shape[0], f32)
    for i in lt.grid(x.shape[0]):
        out[i - i % 2] = x[i]
    return out
""",
        """\
op.py:9:9: error E0203: parallel write to `out[i - i % 2]` may hit the same element from different (i); (i=0) and (i=1) do: `out[0]`
    9 |         out[i - i % 2] = x[i]
      |         ^^^^^^^^^^^^^^
   fix: use `range` (sequential), or declare a combiner: `+=`, lt.max_at(...), lt.set_at(..., collide="last")
""",
    ),
    (
        """\
def a7b(x: f32["N M"], at: i64["N"]):
    out = lt.zeros((x.shape[0], x.shape[1]), f32)
    for i, j in lt.grid(x.shape[0], x.shape[1]):
        out[at[i], j] = x[i, j]
    return out
""",
        """\
op.py:9:9: error E0203: parallel write to `out[at[i], j]` may hit the same element from different (i); (i=0, j=0) and (i=1, j=0) do where `at[i]` is the same
    9 |         out[at[i], j] = x[i, j]
      |         ^^^^^^^^^^^^^
   fix: use `range` (sequential), or declare a combiner: `+=`, lt.max_at(...), lt.set_at(..., collide="last")
""",
    ),
    (
        """\
def a7c(x: f32["N M"]):
    out = lt.zeros(x.shape[0] + x.shape[1], f32)
    for i, j in lt.grid(x.shape[0], x.shape[1]):
        out[i + j] = x[i, j]
    return out
""",
        """\
op.py:9:9: error E0203: parallel write to `out[i + j]` may hit the same element from different (i, j); (i=0, j=1) and (i=1, j=0) do: `out[1]`
    9 |         out[i + j] = x[i, j]
      |         ^^^^^^^^^^
   fix: use `range` (sequential), or declare a combiner: `+=`, lt.max_at(...), lt.set_at(..., collide="last")
""",
    ),
    (
        """\
def a8(x: f32["N"]):
    p = f32(0)
    out = lt.zeros(x.shape[0], f32)
    for i in lt.grid(x.shape[0]):
        out[i] = p
        p = x[i]
    return out
""",
        """\
op.py:11:9: error E0202: points of the grid depend on each other through `p`
   11 |         p = x[i]
      |         ^
   fix: use `range` for a sequential loop, or fold: `acc += ...`
""",
    ),
    (
        """\
def a9(x: f32["A B"], y: f32["A C"]):
    return x + y, lt.reshape(x, (3, 5)), x[:, 0, 0]
""",
        """\
op.py:7:42: error E0303: 3 indices for 2 dimensions
    7 |     return x + y, lt.reshape(x, (3, 5)), x[:, 0, 0]
      |                                          ^^^^^^^^^^
""",
    ),
    (
        """\
def b1(x: f32["3 4"], y: f32["3 5"]):
    return x + y
""",
        """\
op.py:7:12: error E0301: shapes (3, 4) and (3, 5) do not broadcast: 4 and 5 differ
    7 |     return x + y
      |            ^^^^^
""",
    ),
    (
        """\
def b2(x: f32["3 4"]):
    z = x[5]
    return lt.reshape(x, (5, 2)), z
""",
        """\
op.py:7:9: error E0401: index 5 is outside of dimension 0, which is 3
    7 |     z = x[5]
      |         ^^^^
op.py:8:12: error E0302: (3, 4) cannot be reshaped to (5, 2): the numbers of elements differ
    8 |     return lt.reshape(x, (5, 2)), z
      |            ^^^^^^^^^^^^^^^^^^^^^
""",
    ),
    (
        """\
def b3(x: f32["N"]):
    return x & 1
""",
        """\
op.py:7:12: error E0501: `bitwise_and` does not take f32 and Python's i64: ufunc 'bitwise_and' not supported for the input types
    7 |     return x & 1
      |            ^^^^^
""",
    ),
    (
        """\
def b4(x: f32["N"]):
    def f(v):
        return f(v - 1)
    return f(x)
""",
        """\
op.py:8:16: error E0105: `f` calls itself
    8 |         return f(v - 1)
      |                ^^^^^^^^
   fix: write a loop
""",
    ),
    (
        """\
def b5(x: f32["N"]):
    out = lt.zeros(x.shape[0], f32)
    for i in lt.grid(x.shape[0]):
        out[i] = x[i]
        break
    return out
""",
        """\
op.py:10:9: error E0202: `break` leaves a grid whose points are independent
   10 |         break
      |         ^^^^^
   fix: use `for i in range(...)` for a sequential loop
""",
    ),
    (
        """\
def b6(x: f32["N"], y: f32["N+"]):
    return x
""",
        """\
op.py:6:21: error E0104: the dimension `N+` cannot be understood
    6 | def b6(x: f32["N"], y: f32["N+"]):
      |                     ^^^^^^^^^^^^
   fix: use names of other dimensions and constants
""",
    ),
    (
        """\
def b7(x: f32["N"]):
    out = lt.zeros(x.shape[0], f32)
    for i in lt.grid(x.shape[0]):
        out[i] = x[x[i]]
    return out
""",
        """\
op.py:9:18: error E0401: an index is an integer, this is f32
    9 |         out[i] = x[x[i]]
      |                  ^^^^^^^
   fix: int(...)
""",
    ),
    (
        """\
def b8(x: f32["N"]):
    assert 3 % 2 == 0
    return x[x > 0]
""",
        """\
op.py:7:5: error E0304: the assertion `3 % 2 == 0` is false
    7 |     assert 3 % 2 == 0
      |     ^^^^^^^^^^^^^^^^^
""",
    ),
    (
        """\
def b9(x: f32["N"]):
    if x.sum() > 0:
        x = -x
    return x
""",
        """\
op.py:7:8: error E0120: a branch that depends on data or sizes around whole arrays is not compiled yet
    7 |     if x.sum() > 0:
      |        ^^^^^^^^^^^
   fix: select elements: lt.where(condition, a, b), or branch inside lt.grid
""",
    ),
    (
        """\
def c1(x: f32["N M"]):
    return x.sum(axis=2) + x.foo()
""",
        """\
op.py:7:12: error E0303: axis 2 of an array of 2 dimensions
    7 |     return x.sum(axis=2) + x.foo()
      |            ^^^^^^^^^^^^^
""",
    ),
    (
        """\
def c2(x: f32["N"]):
    return lt.zeros(3, f32, 4), lt.reshape(x)
""",
        """\
op.py:7:12: error E0112: `zeros`: too many positional arguments
    7 |     return lt.zeros(3, f32, 4), lt.reshape(x)
      |            ^^^^^^^^^^^^^^^^^^^
""",
    ),
    (
        """\
def c3(x: f32["N"]):
    out = lt.zeros(x.shape[0], f32)
    for i in lt.grid(x.shape[0]):
        out[i] = x[i] + (out[i - 1] if i > 0 else 0)
    return out
""",
        """\
op.py:9:26: error E0201: `out[i - 1]` may be an element that another point writes
    9 |         out[i] = x[i] + (out[i - 1] if i > 0 else 0)
      |                          ^^^^^^^^^^
   fix: use `range` (sequential), or write to another array than is read
""",
    ),
    (
        """\
def c4(x: f32["N"]):
    y = x + 1
    try:
        y = y + 1
    except ValueError:
        pass
""",
        """\
op.py:8:5: error E0101: `try` is outside the language
    8 |     try:
      |     ^^^^
   fix: an operator has assignments, if, for, while, break, continue, return, assert and def
""",
    ),
    (
        """\
def c5(x: f32["N"]):
    y = lt.zeros(4, f32)
    z = y[1:]
    y[0] = 3
    return z
""",
        """\
op.py:9:5: error E0109: an array is written that has views or is one
    9 |     y[0] = 3
      |     ^^^^^^^^
   fix: write to an array of its own: `.copy()`
""",
    ),
    (
        """\
def d1(x: f32["N"]):
    x += y1
    return x
""",
        """\
op.py:7:10: error E0111: the name `y1` is not defined
    7 |     x += y1
      |          ^^
""",
    ),
    (
        """\
def d2(x: f32["N"]):
    out = lt.zeros(x.shape[0], f32)
    for i in range(x.shape[0]):
        z = x[i]
    return z
""",
        """\
op.py:10:12: error E0111: the name `z` is not defined
   10 |     return z
      |            ^
""",
    ),
    (
        """\
def d3(x: f32["N"], y: f32["M"]):
    for i in lt.grid(3):
        pass
    return lt.window(x, (0,), (3,), stride=1) @ lt.zeros(4, f32)
""",
        """\
op.py:9:12: error E0301: `@` sums over 3 and 4 elements
    9 |     return lt.window(x, (0,), (3,), stride=1) @ lt.zeros(4, f32)
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
""",
    ),
    (
        """\
def d4(x: f32["N"]):
    a = x.nothing()
    b = x[1.5]
    c = lt.zeros(4, f32).reshape(3)
    return a + b + c
""",
        """\
op.py:7:9: error E0103: arrays have no method `nothing` in the language
    7 |     a = x.nothing()
      |         ^^^^^^^^^^^
op.py:8:9: error E0401: an index is a number, a slice or an array of integers, not 1.5
    8 |     b = x[1.5]
      |         ^^^^^^
op.py:9:9: error E0302: (4) cannot be reshaped to (3): the numbers of elements differ
    9 |     c = lt.zeros(4, f32).reshape(3)
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^
""",
    ),
    (
        """\
def d5(x: f32["N"]):
    return lt.full(3, 300, u8)
""",
        """\
op.py:7:12: error E0501: the number 300 does not fit into u8
    7 |     return lt.full(3, 300, u8)
      |            ^^^^^^^^^^^^^^^^^^^
""",
    ),
    (
        """\
def d6(x: f32["N"]):
    return x.reshape(x.sum())
""",
        """\
op.py:7:12: error E0302: a dimension is an integer that is known before data is
    7 |     return x.reshape(x.sum())
      |            ^^^^^^^^^^^^^^^^^^
   fix: bound it and slice the result
""",
    ),
    (
        """\
def d7(x: f32["N"]):
    assert 1 > 2
    return x
""",
        """\
op.py:7:5: error E0304: the assertion `1 > 2` is false
    7 |     assert 1 > 2
      |     ^^^^^^^^^^^^
""",
    ),
    (
        """\
def e1(x: f32["N"]):
    out = lt.ones(1, f32)
    for i in lt.grid(x.shape[0]):
        out[0] **= x[i]
    return out
""",
        """\
op.py:9:9: error E0203: parallel write to `out[0]` may hit the same element from different (i); (i=0) and (i=1) do: `out[0]`
    9 |         out[0] **= x[i]
      |         ^^^^^^
   fix: use `range` (sequential), or declare a combiner: `+=`, lt.max_at(...), lt.set_at(..., collide="last")
""",
    ),
    (
        """\
def e2(x: f32["N"]):
    out = lt.zeros(1, f32)
    for i in lt.grid(x.shape[0]):
        acc = f32(1)
        for k in lt.grid(3):
            acc **= x[i]
        out[0] += acc
    return out
""",
        """\
op.py:11:13: error E0202: points of the grid depend on each other through `acc`
   11 |             acc **= x[i]
      |             ^^^
   fix: use `range` for a sequential loop, or fold: `acc += ...`
""",
    ),
    (
        """\
def e3(x: f32["N"], at: i64["N"]):
    out = lt.zeros(8, f32)
    for i in lt.grid(x.shape[0]):
        lt.set_at(out, at[i], x[i], collide="any")
    return out
""",
        """\
op.py:9:9: error E0112: lt.set_at has no collide='any'
    9 |         lt.set_at(out, at[i], x[i], collide="any")
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   fix: collide="last"
""",
    ),
]


def load(folder, text):
    path = folder / "op.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("op", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("program", "expected"), PROGRAMS, ids=[program.split("(")[0][4:] for program, _ in PROGRAMS]
)
def test_text(program, expected, tmp_path):
    with pytest.raises(OperatorError) as caught:
        load(tmp_path, HEAD + program)
    assert str(caught.value).replace(str(tmp_path / "op.py"), "op.py") + "\n" == expected


def text_of(caught):
    return str(caught.value) + "\n"


def test_without_source():
    scope = {"lt": lt}
    exec("def f(x: lt.f32['N']):\n    return x", scope)
    with pytest.raises(OperatorError) as caught:
        lt.op(scope["f"])
    assert text_of(caught) == (
        "error E0100: the source of `f` cannot be had\n"
        "   fix: define operators in a file or a notebook cell, not with exec or in the REPL\n"
    )
    with pytest.raises(OperatorError) as caught:
        lt.op(lambda x: x)
    assert text_of(caught) == (
        "error E0100: an operator is a function that `def` defines\n   fix: name it with `def`\n"
    )


def test_in_the_prompt():
    """Python's own prompt keeps no source."""
    lines = "import longtail as lt\n@lt.op\ndef f(x: lt.f32['N']):\n    return x\n\n"
    done = subprocess.run(
        [sys.executable, "-i", "-q"],
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert "error E0100: the source of `f` cannot be had" in done.stderr


def test_changed_global(tmp_path):
    text = (
        "import longtail as lt\nfrom longtail import f32\nK = 2\n\n\n"
        "@lt.op\ndef f(x: f32['N']):\n    return x * K\n"
    )
    module = load(tmp_path, text)
    assert module.f(np.ones(2, np.float32))[0] == 2
    module.K = 3
    with pytest.raises(OperatorError) as caught:
        module.f(np.ones(2, np.float32))
    assert text_of(caught) == (
        "error E0106: the global `K` of operator 'f' changed after it was compiled\n"
        "   fix: pass it as an argument (`lt.const` if it is a constant)\n"
    )
    module.K = 2
    assert module.f(np.ones(2, np.float32))[0] == 2


AT_RUN_TIME = """\
import longtail as lt
from longtail import f32, i64, idx


@lt.op
def few(x: f32["N"]):
    out = lt.List(f32, max=2)
    for i in range(x.shape[0]):
        out.append(x[i])
    return out.array()


@lt.op
def at(x: f32["N"], i: i64["K"]):
    out = lt.zeros(i.shape[0], f32)
    for k in lt.grid(i.shape[0]):
        out[k] = x[i[k]]
    return out


@lt.op
def take(x: f32["N"], i: idx["N"]["K"]):
    return x[i]
"""


@pytest.mark.parametrize(
    ("name", "line", "source"),
    [
        ("few", "9:9", "out.append(x[i])"),
        ("at", "17:9", "out[k] = x[i[k]]"),
        ("take", "23:5", "return x[i]"),
    ],
)
def test_runs_that_end(name, line, source, tmp_path):
    """A list that is full and an index that is outside: in every mode, and the next call works."""
    operator = getattr(load(tmp_path, AT_RUN_TIME), name)
    x = np.arange(5, dtype=np.float32)
    good, bad = [[x[:2]], [x]] if name == "few" else [[x, np.array([1, 4])], [x, np.array([1, 5])]]
    with pytest.raises(IndexError):
        operator.run(*bad, mode="python")
    for mode in ("ir", "checked", "native"):
        with pytest.raises(lt.RunError) as caught:
            operator.run(*bad, mode=mode)
        text = str(caught.value).replace(str(tmp_path), "")
        if mode == "ir":
            assert text.startswith(f"/op.py:{line}: ") and source in text
            assert "outside of " in text
        elif mode == "native":
            assert f"/op.py:{line.split(':')[0]}'" in text and "an index is out of range" in text
        np.testing.assert_array_equal(
            operator.run(*good, mode=mode), operator.run(*good, mode="python")
        )


def test_facts_of_arguments(tmp_path):
    text = (
        "import longtail as lt\nfrom longtail import f32, i64\n\n\n@lt.op\n"
        'def f(x: i64["K<=M"], y: i64["M"], z: f32["A B"]):\n    return x.sum() + y.sum()\n'
    )
    f = load(tmp_path, text).f
    line, square = lambda n: np.zeros(n, np.int64), np.zeros((2, 2), np.float32)
    assert f(line(3), line(4), square) == 0
    with pytest.raises(lt.ShapeError, match=r"^argument 'x' of 'f': K<=M does not hold$"):
        f(line(4), line(3), square)
    with pytest.raises(lt.ShapeError, match=r"^input 'z' has rank 1, expected 2$"):
        f(line(3), line(4), square[0])
    with pytest.raises(lt.DTypeError, match=r"^input 'z' is float64, the model declares float32$"):
        f(line(3), line(4), square.astype(np.float64))


def test_arguments_of_calls(tmp_path):
    text = (
        "import longtail as lt\nfrom longtail import f32, i64\n\n\n@lt.op\n"
        "def f(x: f32['N M'], y: f32['N*2'], i: i64['K']):\n    assert x.shape[1] % 3 == 0\n"
        "    out = lt.zeros(x.shape[0], f32)\n    for k in lt.grid(i.shape[0]):\n"
        "        out[i[k]] += y[k]\n    return out + x.sum(axis=1)\n"
    )
    f = load(tmp_path, text).f
    x, y, i = np.zeros((2, 3), np.float32), np.zeros(4, np.float32), np.zeros(4, np.int64)
    f(x, y, i)
    with pytest.raises(lt.ShapeError, match="'y' of operator 'f': dimension 0 is not N"):
        f(x, y[:3], i)
    with pytest.raises(lt.ShapeError, match="assertion `x"):
        f(np.zeros((2, 4), np.float32), y, i)
    with pytest.raises(lt.DTypeError, match="'x' is float64"):
        f(x.astype(float), y, i)
    with pytest.raises(lt.InputError, match="operator 'f'"):
        f(x, y)
    with pytest.raises(lt.RunError):
        f(x, y, i + 9)
    f(x, y, i)  # a failed call harms nothing


def test_every_code_has_a_program():
    texts = "".join(expected for _, expected in PROGRAMS)
    elsewhere = {"E0100", "E0106", "E0130"}  # E0130: test_onnx_functions.py
    assert {code for code in CODES if f"error {code}:" not in texts} == elsewhere
