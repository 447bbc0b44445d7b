"""Subgraphs of models that become operators of the language."""

import numpy as np
import onnx
import onnx.numpy_helper as nh
import onnx.parser
import pytest

import longtail as lt
from longtail import f32
from longtail.language.in_models import with_operators

R = np.random.default_rng(6)
GATE = """
<domain: "own", opset_import: ["" : 17, "own" : 1]>
Gate <alpha> (x, y) => (z) {
    one = Constant <value = float {1}> ()
    l = LeakyRelu <alpha = @alpha> (x)
    s = Add (l, one)
    z = Mul (s, y)
}
"""


@lt.op
def gate(x: f32["M N"], y: f32["M N"], alpha: float):
    """Not what the pattern computes, so that the tests see which one runs."""
    return lt.where(x < 0, x * alpha, x) - y


OPERATORS = {"own::Gate": gate}


def model(text, opset=17, **initializers):
    proto = onnx.parser.parse_model(f'<ir_version: 9, opset_import: ["" : {opset}]>\n{text}')
    proto.graph.initializer.extend(nh.from_array(a, n) for n, a in initializers.items())
    return proto


def nodes_of(proto, *patterns):
    patterns = patterns or [onnx.parser.parse_function(GATE)]
    made = onnx.load_model_from_string(with_operators(proto, OPERATORS, patterns))
    return [node.op_type for node in made.graph.node if node.op_type != "Constant"]


HEAD = "g (float[M,N] a, float[M,N] b) => (float[M,N] r)"
ONE = {"one": np.array(1, np.float32)}


def test_replaced_and_run():
    """Operands of sums and products stand in any order; the constant is an initializer here."""
    proto = model(
        HEAD
        + """{
        p = Relu (b)
        q = LeakyRelu <alpha = 0.25> (a)
        s = Add (one, q)
        t = Mul (p, s)
        r = Neg (t)
    }""",
        **ONE,
    )
    assert nodes_of(proto) == ["Relu", "Call", "Neg"]
    compiled = lt.compile(proto, operators=OPERATORS, patterns=[onnx.parser.parse_function(GATE)])
    a, b = R.standard_normal((2, 3, 4), np.float32)
    expected = -(np.where(a < 0, a * np.float32(0.25), a) - np.maximum(b, 0))
    np.testing.assert_allclose(compiled(a, b), expected, rtol=1e-6)


def test_every_occurrence():
    proto = model(
        HEAD
        + """{
        q = LeakyRelu <alpha = 0.25> (a)
        s = Add (q, one)
        t = Mul (s, b)
        v = LeakyRelu <alpha = 0.5> (t)
        w = Add (v, one)
        r = Mul (a, w)
    }""",
        **ONE,
    )
    assert nodes_of(proto) == ["Call", "Call"]


@pytest.mark.parametrize(
    ("body", "one"),
    [
        ("q = LeakyRelu <alpha = 0.25> (a) s = Add (q, one) r = Mul (s, b)", np.float32(2)),
        ("q = LeakyRelu <alpha = 0.25> (a) s = Add (q, one) r = Mul (s, b)", np.float32([1])),
        ("q = LeakyRelu <alpha = 0.25> (a) s = Sub (q, one) r = Mul (s, b)", np.float32(1)),
        ("q = Relu (a) s = Add (q, one) r = Mul (s, b)", np.float32(1)),
        # Others need what is inside.
        ("q = LeakyRelu <alpha = 0.25> (a) s = Add (q, one) t = Mul (s, b) r = Sub (t, q)", 1.0),
    ],
    ids=["constant", "shape", "operator", "first", "shared"],
)
def test_what_differs_stays(body, one):
    proto = model(HEAD + "{" + body + "}", one=np.asarray(one, np.float32))
    assert "Call" not in nodes_of(proto)


def test_what_a_branch_reads_stays():
    proto = model(
        HEAD
        + """{
        q = LeakyRelu <alpha = 0.25> (a)
        s = Add (q, one)
        t = Mul (s, b)
        c = Constant <value = bool {1}> ()
        u = If (c) <then_branch = yes () => (float[M,N] y) { y = Neg (s) },
                    else_branch = no () => (float[M,N] n) { n = Identity (t) }>
        r = Add (t, u)
    }""",
        **ONE,
    )
    assert "Call" not in nodes_of(proto)


def test_same_input_twice():
    square = onnx.parser.parse_function(
        '<domain: "own", opset_import: ["" : 17]> Gate (x) => (z) { z = Mul (x, x) }'
    )
    proto = model(HEAD + "{ p = Mul (a, b) r = Relu (p) }")
    assert "Gate" not in [
        n.op_type
        for n in onnx.load_model_from_string(with_operators(proto, OPERATORS, [square])).graph.node
    ]
    proto = model(HEAD + "{ p = Mul (a, a) r = Relu (p) }")
    with pytest.raises(lt.InputError, match="input 'y' is missing"):
        with_operators(proto, OPERATORS, [square])


def test_errors():
    def function(body, outputs="z", name="Gate"):
        return onnx.parser.parse_function(
            f'<domain: "own", opset_import: ["" : 17, "own" : 1]> {name} (x, y) => ({outputs})'
            f" {{ {body} }}"
        )

    proto = model(HEAD + "{ r = Mul (a, b) }")
    for pattern, message in (
        (function("z = Mul (x, y)", name="Other"), "'own::Other' names none of the operators"),
        (function("z = Relu (x)"), "all its inputs and outputs must lead to its first"),
        (function("q = Relu (x)"), "has outputs that no node of it makes"),
        (function("z = own.Gate (x, y)"), "'own::Gate' occurs in itself"),
    ):
        with pytest.raises(lt.InputError, match=message):
            lt.compile(proto, operators=OPERATORS, patterns=[pattern])


def test_in_functions_and_loops():
    """Bodies of functions and loops are searched, too; constants may lie in the graph around, and a
    number may be the attribute of the function around."""
    proto = model(
        """g (float[M,N] a, float[M,N] b, int64 n) => (float[M,N] r) {
        c = Constant <value = bool {1}> ()
        k = Constant <value = float {1}> ()
        w = own.Twice <alpha = 0.25> (a, b)
        r = Loop (n, c, w) <body = step (int64 i, bool go, float[M,N] x) => (bool on, float[M,N] z)
        {
            on = Identity (go)
            q = LeakyRelu <alpha = 0.5> (x)
            s = Add (q, k)
            z = Mul (s, b)
        }>
    }"""
    )
    proto.opset_import.append(onnx.helper.make_opsetid("own", 1))
    proto.functions.append(
        onnx.parser.parse_function(
            """<domain: "own", opset_import: ["" : 17]> Twice <alpha> (x, y) => (z) {
            one = Constant <value_float = 1.0> ()
            l = LeakyRelu <alpha = @alpha> (x)
            s = Add (l, one)
            z = Mul (s, y)
        }"""
        )
    )
    compiled = lt.compile(proto, operators=OPERATORS, patterns=[onnx.parser.parse_function(GATE)])
    a, b = R.standard_normal((2, 3, 4), np.float32)

    def step(x, alpha):
        return np.where(x < 0, x * np.float32(alpha), x) - b

    expected = step(step(step(a, 0.25), 0.5), 0.5)
    np.testing.assert_allclose(compiled(a, b, np.int64(2)), expected, rtol=1e-5, atol=1e-6)
