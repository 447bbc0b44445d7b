"""Operators of the language as nodes of ONNX models."""

import importlib
from pathlib import Path

import numpy as np
import onnx
import onnx.helper as oh
import pytest

import longtail as lt
from longtail import f32
from nms import boxes_of, nms, nms_reference
from window_partition import window_partition

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "ops"
R = np.random.default_rng(4)


@lt.op
def scaled_sum(x: f32["M N"], y: f32["N"], by: float, *, shift: lt.const = 0.0):
    return x * by + y + shift


def model(nodes, inputs, outputs, domain="own", functions=()):
    info = [
        [oh.make_tensor_value_info(name, kind, shape) for name, kind, shape in values]
        for values in (inputs, outputs)
    ]
    opsets = [oh.make_opsetid("", 17), oh.make_opsetid(domain, 1)]
    return oh.make_model(
        oh.make_graph(nodes, "model", *info),
        opset_imports=opsets,
        functions=functions,
        ir_version=9,
    )


def call(name="scaled", output="z", x="a", **attributes):
    return oh.make_node("ScaledSum", [x, "y"], [output], name, domain="own", **attributes)


def around(**attributes):
    """Relu, the operator, Tanh."""
    nodes = [oh.make_node("Relu", ["x"], ["a"]), call(**attributes)]
    nodes.append(oh.make_node("Tanh", ["z"], ["t"]))
    return model(nodes, [("x", 1, ["m", "n"]), ("y", 1, ["k"])], [("t", 1, ["m", "n"])])


OWN = {"own::ScaledSum": scaled_sum}


def test_fused_with_its_neighbours():
    compiled = lt.compile(around(by=0.5, shift=1.0), operators=OWN)
    for m, n in ((3, 5), (1, 1), (0, 4), (7, 32)):
        x, y = R.standard_normal((m, n), np.float32), R.standard_normal(n, np.float32)
        expected = np.tanh(np.maximum(x, 0) * np.float32(0.5) + y + np.float32(1))
        np.testing.assert_allclose(compiled(x, y), expected, rtol=1e-5, atol=1e-6)
    assert len(compiled.report()["groups"]) == 1
    with pytest.raises(lt.InputError, match="argument 'y' of operator 'scaled_sum'"):
        compiled(x, np.ones(3, np.float32))


def test_from_files_and_bytes(tmp_path):
    proto = around(by=2.0)
    before = proto.SerializeToString()
    onnx.save(proto, tmp_path / "model.onnx")
    x, y = R.random((2, 3), np.float32), R.random(3, np.float32)
    for source in (proto, before, tmp_path / "model.onnx"):
        np.testing.assert_allclose(
            lt.compile(source, operators=OWN)(x, y), np.tanh(x * 2 + y), rtol=1e-5
        )
    assert proto.SerializeToString() == before


@pytest.mark.parametrize("shape", [(2, 8, 12, 3), ("b", "h", "w", 3), (None, 8, None, None)])
def test_windows(shape):
    """Static, symbolic and partly known sizes; what is asserted is checked."""
    node = oh.make_node("Windows", ["x"], ["y"], domain="own", win=4, shift=1)
    proto = model([node], [("x", 1, shape)], [("y", 1, [None] * 3)])
    compiled = lt.compile(proto, operators={"own::Windows": window_partition})
    x = R.random((2, 8, 12, 3), np.float32)
    expected = window_partition.python(x, win=4, shift=1)
    np.testing.assert_array_equal(compiled(x), expected)
    if shape[0] == "b":
        with pytest.raises(lt.InputError, match="H % win"):
            compiled(x[:, :7])


def test_an_assert_that_cannot_hold():
    node = oh.make_node("Windows", ["x"], ["y"], "broken", domain="own", win=4, shift=1)
    proto = model([node], [("x", 1, [1, 9, 8, 3])], [("y", 1, [None] * 3)])
    with pytest.raises(lt.CompileError, match=r"(?s)broken.*H % win"):
        lt.compile(proto, operators={"own::Windows": window_partition})


def test_sizes_of_data_go_on():
    """The boxes that are kept are gathered by the model."""
    nodes = [
        oh.make_node("Nms", ["boxes", "scores"], ["kept"], domain="own", thr=0.3),
        oh.make_node("Gather", ["boxes", "kept"], ["some"]),
    ]
    inputs = [("boxes", 1, ["m", 4]), ("scores", 1, ["m"])]
    proto = model(nodes, inputs, [("some", 1, [None, 4])])
    compiled = lt.compile(proto, operators={"own::Nms": nms})
    for count in (0, 1, 40):
        boxes, scores = boxes_of(R, count), R.random(count, np.float32)
        kept = nms_reference(boxes, scores, 0.3)
        np.testing.assert_array_equal(compiled(boxes, scores), boxes[kept])


def test_in_loops_and_functions():
    body = oh.make_graph(
        [
            oh.make_node("Identity", ["c"], ["more"]),
            call(x="before", output="after", by=2.0),
        ],
        "body",
        [
            oh.make_tensor_value_info("i", 7, []),
            oh.make_tensor_value_info("c", 9, []),
            oh.make_tensor_value_info("before", 1, ["m", "n"]),
        ],
        [oh.make_tensor_value_info("more", 9, []), oh.make_tensor_value_info("after", 1, None)],
    )
    opsets = [oh.make_opsetid("", 17), oh.make_opsetid("own", 1)]
    function = oh.make_function(
        "own", "Twice", ["a", "y"], ["z"], [call(output="b", by=2.0), call(x="b", by=3.0)], opsets
    )
    nodes = [
        oh.make_node("Loop", ["trips", "", "x"], ["l"], body=body),
        oh.make_node("Twice", ["l", "y"], ["z"], domain="own"),
    ]
    inputs = [("trips", 7, []), ("x", 1, ["m", "n"]), ("y", 1, ["n"])]
    proto = model(nodes, inputs, [("z", 1, ["m", "n"])], functions=[function])
    compiled = lt.compile(proto, operators=OWN)
    x, y = R.random((2, 3), np.float32), R.random(3, np.float32)
    expected = x
    for by in (2, 2, 2, 2, 3):
        expected = expected * np.float32(by) + y
    np.testing.assert_allclose(compiled(np.int64(3), x, y), expected, rtol=1e-5)


def test_errors():
    with pytest.raises(lt.InputError, match=r"node 'scaled' \(own::ScaledSum\): attribute 'by' is"):
        lt.compile(around(), operators=OWN)
    with pytest.raises(lt.InputError, match="the operator has no argument 'bias'"):
        lt.compile(around(by=1.0, bias=2), operators=OWN)
    with pytest.raises(lt.InputError, match="attribute 'by' is 'two', expected a number"):
        lt.compile(around(by="two"), operators=OWN)
    with pytest.raises(lt.InputError, match="'ScaledSum' names no operator of a domain"):
        lt.compile(around(by=1.0), operators={"ScaledSum": scaled_sum})
    with pytest.raises(lt.CompileError, match="ScaledSum"):
        lt.compile(around(by=1.0))
    wrong = model([call(x="x", by=1.0)], [("x", 11, [2, 3]), ("y", 1, [3])], [("z", 11, [2, 3])])
    with pytest.raises(lt.CompileError, match=r"input 0 \('x'\) is f64\[2, 3\], the operator"):
        lt.compile(wrong, operators=OWN)
    several = model([call(x="x", by=1.0)], [("x", 1, [2, 3]), ("y", 1, [3])], [("z", 1, [2, 3])])
    several.graph.node[0].output.append("more")
    with pytest.raises(lt.CompileError, match="2 outputs wanted, the operator has 1"):
        lt.compile(several, operators=OWN)
    del several.graph.node[0].input[1:]
    with pytest.raises(lt.InputError, match="input 'y' is missing"):
        lt.compile(several, operators=OWN)


@pytest.mark.parametrize("text", ["", "module {", "module {}", "func.func private @main()"])
def test_broken_modules(text):
    node = oh.make_node("Call", ["x"], ["y"], domain="longtail.language", module=text)
    proto = model([node], [("x", 1, [2])], [("y", 1, [2])], domain="longtail.language")
    with pytest.raises(lt.CompileError):
        lt.compile(proto)


def flat(results):
    if isinstance(results, tuple | list):
        return [each for part in results for each in flat(part)]
    return [np.asarray(results)]


@pytest.mark.parametrize("static", [True, False], ids=["static", "dynamic"])
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.stem)
def test_examples_as_nodes(path, static):
    """What a node gives is what a call of the operator gives."""
    for operator, _, cases in importlib.import_module(path.stem).OPERATORS:
        case = next(iter(cases(np.random.default_rng(3))))
        bound = operator.signature.bind(**case) if isinstance(case, dict) else None
        bound = bound or operator.signature.bind(*case)
        bound.apply_defaults()
        given, attributes = {}, {}
        for name, value in bound.arguments.items():
            annotation = operator.signature.parameters[name].annotation
            if annotation in (lt.const, int, float, bool):
                attributes[name] = value
            else:
                given[name] = np.asarray(value)
        if any(not isinstance(v, int | float | str | tuple) for v in attributes.values()):
            pytest.skip(f"{operator.name} has a constant that no attribute can be")
        constants = {n: attributes[n] for n in operator._constants()}
        results = operator.instance(constants).shapes.results
        inputs = [
            (name, oh.np_dtype_to_tensor_dtype(a.dtype), a.shape if static else [None] * a.ndim)
            for name, a in given.items()
        ]
        outputs = [
            (f"out{k}", oh.np_dtype_to_tensor_dtype(r.dtype.dtype), [None] * r.rank)
            for k, r in enumerate(results)
        ]
        names = [name for name, _, _ in outputs]
        node = oh.make_node("It", list(given), names, domain="own", **attributes)
        compiled = lt.compile(model([node], inputs, outputs), operators={"own::It": operator})
        found = compiled(**given)
        found = [found] if len(results) == 1 else list(found)
        for actual, expected in zip(found, flat(operator(**bound.arguments)), strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("given", [None, {"my::doubled": "doubled"}])
def test_a_model_brings_no_code(given: dict[str, str] | None) -> None:
    """IR in a file could read and write any memory: only operators at hand are made into it."""

    @lt.op
    def doubled(x: f32["N"]):
        return x + x

    text = doubled.ir()
    node = oh.make_node("Call", ["x"], ["y"], "evil", domain="longtail.language", module=text)
    graph = oh.make_graph(
        [node],
        "g",
        [oh.make_tensor_value_info("x", 1, ["n"])],
        [oh.make_tensor_value_info("y", 1, ["n"])],
    )
    opsets = [oh.make_opsetid("", 17), oh.make_opsetid("longtail.language", 1)]
    model = oh.make_model(graph, opset_imports=opsets, ir_version=8)
    operators = dict.fromkeys(given, doubled) if given else None
    with pytest.raises(lt.Error, match=r"'evil'.*carries code"):
        lt.compile(model, operators=operators)


def test_number_of_the_function_around():
    """A number may be the attribute of the function around the node; a constant may not."""

    def with_body(**passed_on):
        inner = call(output="o", x="x")
        for name, around in passed_on.items():
            attribute = onnx.AttributeProto(name=name, ref_attr_name=around, type=1)
            inner.attribute.append(attribute)
        opsets = [oh.make_opsetid("", 17), oh.make_opsetid("own", 1)]
        function = oh.make_function("own", "Body", ["x", "y"], ["o"], [inner], opsets, ["factor"])
        node = oh.make_node("Body", ["x", "y"], ["z"], "body", domain="own", factor=0.25)
        inputs = [("x", 1, ["m", "n"]), ("y", 1, ["n"])]
        return model([node], inputs, [("z", 1, ["m", "n"])], functions=[function])

    x, y = R.standard_normal((3, 5), np.float32), R.standard_normal(5, np.float32)
    compiled = lt.compile(with_body(by="factor"), operators=OWN)
    np.testing.assert_allclose(compiled(x, y), x * np.float32(0.25) + y, rtol=1e-6)
    for passed_on, message in (
        ({"by": "factor", "shift": "factor"}, "'shift' is a constant of the operator"),
        ({"by": "factor", "other": "factor"}, "the operator has no argument 'other'"),
    ):
        with pytest.raises(lt.InputError, match=message):
            lt.compile(with_body(**passed_on), operators=OWN)
