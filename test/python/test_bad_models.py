"""Models that are wrong, hostile or at the edge of what ONNX defines.

Each is compiled in a process with limits, and run. It must either give what ONNX says or be refused
by an error that names the thing at fault; it must not crash, hang or fill the memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper as oh
import pytest
from onnx import TensorProto

import longtail as lt

SECONDS = 30
BYTES = 1 << 30
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def tensor(name: str, values: Any, dtype: Any = np.int64) -> TensorProto:
    return onnx.numpy_helper.from_array(np.asarray(values, dtype), name)


def model_of(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[tuple[str, int, Any]] = (("x", TensorProto.FLOAT, [2, 3]),),
    outputs: Sequence[tuple[str, int, Any]] = (("y", TensorProto.FLOAT, None),),
    constants: Sequence[TensorProto] = (),
    functions: Sequence[onnx.FunctionProto] = (),
    opset: int = 21,
) -> onnx.ModelProto:
    def infos(values: Sequence[tuple[str, int, Any]]) -> list[onnx.ValueInfoProto]:
        return [oh.make_tensor_value_info(*each) for each in values]

    graph = oh.make_graph(list(nodes), "bad", infos(inputs), infos(outputs), list(constants))
    domains = [oh.make_opsetid("", opset), oh.make_opsetid("own", 1)]
    return oh.make_model(graph, opset_imports=domains, functions=list(functions), ir_version=10)


def node(kind: str, inputs: str, outputs: str = "y", **attributes: Any) -> onnx.NodeProto:
    return oh.make_node(kind, inputs.split(), outputs.split(), name=f"the_{kind}", **attributes)


@dataclass
class Case:
    """`error`: part of the message that compiling or running gives; else `expected` comes out."""

    name: str
    make: Callable[[], onnx.ModelProto | bytes]
    error: str | None = None
    inputs: list[np.ndarray] = field(default_factory=lambda: [np.ones((2, 3), np.float32)])
    expected: Any = None
    seconds: float = SECONDS


CASES: list[Case] = []


def case(name: str, **about: Any) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    def add(make: Callable[[], Any]) -> Callable[[], Any]:
        CASES.append(Case(name, make, **about))
        return make

    return add


# ---- structure -----------------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    """`If` within `If`: encoded by hand, for Python's protobuf refuses this depth."""

    def field_of(number: int, data: bytes) -> bytes:
        size, length = len(data), b""
        while size >= 0x80:
            length += bytes([size & 0x7F | 0x80])
            size >>= 7
        tag = number << 3 | 2
        head = bytes([tag]) if tag < 0x80 else bytes([tag & 0x7F | 0x80, tag >> 7])
        return head + length + bytes([size]) + data

    graph = b""
    for _ in range(depth):
        branch = field_of(1, b"then_branch") + field_of(6, graph) + b"\xa0\x01\x05"
        graph = field_of(1, field_of(1, b"c") + field_of(4, b"If") + field_of(5, branch))
    return b"\x08\x0a" + field_of(7, graph) + field_of(8, field_of(1, b"") + b"\x10\x15")


case("nested 33 deep", error="nests graphs more than 32 deep")(lambda: nested(33))
case("nested 5000 deep", error="nests graphs more than 32 deep")(lambda: nested(5000))


def function(name: str, calls: str) -> onnx.FunctionProto:
    body = oh.make_node(calls, ["a"], ["b"], name=f"call_{calls}", domain="own")
    opsets = [oh.make_opsetid("", 21), oh.make_opsetid("own", 1)]
    return oh.make_function("own", name, ["a"], ["b"], [body], opsets)


def call(name: str) -> onnx.NodeProto:
    return oh.make_node(name, ["x"], ["y"], name="call", domain="own")


case("recursive function", error="function 'own::F' calls itself")(
    lambda: model_of([call("F")], functions=[function("F", "F")])
)
case("functions that call each other", error="function 'own::F' calls itself")(
    lambda: model_of([call("F")], functions=[function("F", "G"), function("G", "F")])
)


@case("functions that double 40 times", error="nests graphs and calls more than 32 deep")
def _doubling() -> onnx.ModelProto:
    opsets = [oh.make_opsetid("", 21), oh.make_opsetid("own", 1)]
    functions = []
    for k in range(40):
        inner = f"F{k + 1}" if k < 39 else "F39"
        domain = "own" if k < 39 else ""
        kind = inner if k < 39 else "Relu"
        body = [
            oh.make_node(kind, ["a"], ["t"], domain=domain),
            oh.make_node(kind, ["t"], ["b"], domain=domain),
        ]
        functions.append(oh.make_function("own", f"F{k}", ["a"], ["b"], body, opsets))
    return model_of([call("F0")], functions=functions)


@case("functions that make 2^24 nodes", error="the model has more than 1000000 nodes", seconds=90)
def _multiplying() -> onnx.ModelProto:
    opsets = [oh.make_opsetid("", 21), oh.make_opsetid("own", 1)]
    functions = []
    for k in range(24):
        kind, domain = (f"F{k + 1}", "own") if k < 23 else ("Relu", "")
        body = [
            oh.make_node(kind, ["a"], ["t"], domain=domain),
            oh.make_node(kind, ["t"], ["b"], domain=domain),
        ]
        functions.append(oh.make_function("own", f"F{k}", ["a"], ["b"], body, opsets))
    return model_of([call("F0")], functions=functions)


case("duplicate value", error="'y' is defined twice")(
    lambda: model_of([node("Relu", "x"), node("Neg", "x")])
)
case("duplicate initializer", error="'c' is defined twice")(
    lambda: model_of(
        [node("Add", "x c")],
        constants=[tensor("c", [1.0], np.float32), tensor("c", [2.0], np.float32)],
    )
)
case("cycle", error="the graph has a cycle")(
    lambda: model_of([node("Add", "x b", "a"), node("Relu", "a", "b"), node("Neg", "b")])
)
case("undefined value", error="'nowhere' is not defined")(
    lambda: model_of([node("Add", "x nowhere")])
)

# ---- constants that would fill the memory --------------------------------------------------------

case("ConstantOfShape of 2^40", error="2\\^?40|1099511627776|large|memory|limit|dimension|LIMIT")(
    lambda: model_of(
        [node("ConstantOfShape", "s")], inputs=[], constants=[tensor("s", [2**20, 2**20])]
    )
)
case("ConstantOfShape whose size overflows", error="larger than")(
    lambda: model_of(
        [node("ConstantOfShape", "s")], inputs=[], constants=[tensor("s", [2**32, 2**32, 2**32])]
    )
)
case("ConstantOfShape of a negative size", error="-1|negative")(
    lambda: model_of([node("ConstantOfShape", "s")], inputs=[], constants=[tensor("s", [2, -1])])
)
case("sum of a ConstantOfShape of 2^26", inputs=[], expected=np.float32(0))(
    lambda: model_of(
        [node("ConstantOfShape", "s", "t"), node("ReduceSum", "t", keepdims=0)],
        inputs=[],
        constants=[tensor("s", [2**13, 2**13])],
    )
)
case("Expand of a constant to 2^40", error="large|memory|limit|dimension")(
    lambda: model_of(
        [node("Expand", "c s", "t"), node("Relu", "t")],
        inputs=[],
        constants=[tensor("c", [1.0], np.float32), tensor("s", [2**20, 2**20])],
    )
)
case("Tile of a constant to 2^40", error="large|memory|limit|dimension")(
    lambda: model_of(
        [node("Tile", "c s", "t"), node("Relu", "t")],
        inputs=[],
        constants=[tensor("c", [[1.0]], np.float32), tensor("s", [2**20, 2**20])],
    )
)
case("Tile by 2^62", error="large|overflow|limit|dimension|2147483647")(
    lambda: model_of([node("Tile", "x s")], constants=[tensor("s", [2**62, 4])])
)
case("Range of 2^40", error="large|memory|limit|dimension|2147483647")(
    lambda: model_of(
        [node("Range", "a b c")],
        inputs=[],
        outputs=[("y", TensorProto.INT64, None)],
        constants=[tensor("a", 0), tensor("b", 2**40), tensor("c", 1)],
    )
)
case("Range from the least to the greatest", error="large|overflow|limit|dimension|2147483647")(
    lambda: model_of(
        [node("Range", "a b c")],
        inputs=[],
        outputs=[("y", TensorProto.INT64, None)],
        constants=[tensor("a", INT64_MIN), tensor("b", INT64_MAX), tensor("c", 1)],
    )
)
case("Range with step 0", error="[Rr]ange|step|delta|zero|0")(
    lambda: model_of(
        [node("Range", "a b c")],
        inputs=[],
        outputs=[("y", TensorProto.INT64, None)],
        constants=[tensor("a", 0), tensor("b", 10), tensor("c", 0)],
    )
)
case(
    "Range with step 0 when run",
    error="step|delta|zero|[Rr]ange",
    inputs=[np.array(0), np.array(10), np.array(0)],
)(
    lambda: model_of(
        [node("Range", "a b c")],
        inputs=[(n, TensorProto.INT64, []) for n in "abc"],
        outputs=[("y", TensorProto.INT64, None)],
    )
)
case(
    "Range of 2^40 when run",
    error="large|memory|limit|dimension|2147483647|[Rr]ange",
    inputs=[np.array(0), np.array(2**40), np.array(1)],
)(
    lambda: model_of(
        [node("Range", "a b c")],
        inputs=[(n, TensorProto.INT64, []) for n in "abc"],
        outputs=[("y", TensorProto.INT64, None)],
    )
)
case(
    "ConstantOfShape of 2^40 when run",
    error="large|memory|limit|dimension|[Mm]emory",
    inputs=[np.array([2**20, 2**20])],
)(lambda: model_of([node("ConstantOfShape", "s")], inputs=[("s", TensorProto.INT64, [2])]))
case(
    "ConstantOfShape of a negative size when run",
    error="-1|negative|s|least",
    inputs=[np.array([2, -1])],
)(lambda: model_of([node("ConstantOfShape", "s")], inputs=[("s", TensorProto.INT64, [2])]))
case("Pad by 2^62", error="large|overflow|limit|dimension|2147483647|pad")(
    lambda: model_of([node("Pad", "x p")], constants=[tensor("p", [2**62, 0, 2**62, 0])])
)
case("Resize by 10^12", error="large|overflow|limit|dimension|2147483647|scale")(
    lambda: model_of(
        [oh.make_node("Resize", ["x", "", "s"], ["y"], name="the_Resize")],
        constants=[tensor("s", [1e12, 1e12], np.float32)],
    )
)
case("Resize with scale 0 and NaN", error="scale|positive|0|nan")(
    lambda: model_of(
        [oh.make_node("Resize", ["x", "", "s"], ["y"], name="the_Resize")],
        constants=[tensor("s", [0.0, np.nan], np.float32)],
    )
)
case("OneHot of depth 2^40", error="large|memory|limit|dimension|2147483647|depth")(
    lambda: model_of(
        [node("OneHot", "i d v")],
        inputs=[],
        constants=[tensor("i", [1, 2]), tensor("d", 2**40), tensor("v", [0.0, 1.0], np.float32)],
    )
)

# ---- values --------------------------------------------------------------------------------------

for bits in (8, 16, 32, 64):
    dtype = np.dtype(f"int{bits}")
    least = np.iinfo(dtype).min
    element = oh.np_dtype_to_tensor_dtype(dtype)
    two = [("a", element, [3]), ("b", element, [3])]
    case(
        f"least int{bits} / -1",
        inputs=[np.array([least, 7, -7], dtype), np.array([-1, -2, 2], dtype)],
        expected=np.array([least, -3, -3], dtype),
    )(lambda two=two, e=element: model_of([node("Div", "a b")], two, [("y", e, None)]))
    case(
        f"least int{bits} % -1",
        inputs=[np.array([least, 7, -7], dtype), np.array([-1, -2, 2], dtype)],
        expected=np.array([0, -1, 1], dtype),
    )(lambda two=two, e=element: model_of([node("Mod", "a b")], two, [("y", e, None)]))
    case(
        f"least int{bits} fmod -1",
        inputs=[np.array([least, 7, -7], dtype), np.array([-1, -2, 2], dtype)],
        expected=np.array([0, 1, -1], dtype),
    )(lambda two=two, e=element: model_of([node("Mod", "a b", fmod=1)], two, [("y", e, None)]))
    # ONNX leaves the value open: it only must not end the process.
    case(
        f"int{bits} / 0",
        inputs=[np.array([least, 7, 0], dtype), np.zeros(3, dtype)],
        expected=...,
    )(lambda two=two, e=element: model_of([node("Div", "a b")], two, [("y", e, None)]))
    case(
        f"int{bits} % 0",
        inputs=[np.array([least, 7, 0], dtype), np.zeros(3, dtype)],
        expected=...,
    )(lambda two=two, e=element: model_of([node("Mod", "a b")], two, [("y", e, None)]))
    case(f"constant int{bits} / 0", inputs=[], expected=...)(
        lambda d=dtype, e=element: model_of(
            [node("Div", "a b")],
            [],
            [("y", e, None)],
            [tensor("a", [np.iinfo(d).min, 7], d), tensor("b", [0, 0], d)],
        )
    )

for name, position in (("2", 2), ("-3", -3), ("least", INT64_MIN), ("greatest", INT64_MAX)):
    case(f"Gather at {name}", inputs=[np.ones((2, 3), np.float32)], error="Gather|index|range")(
        lambda at=position: model_of([node("Gather", "x i")], constants=[tensor("i", [at])])
    )
    both = [("x", TensorProto.FLOAT, [2, 3]), ("i", TensorProto.INT64, [1])]
    case(
        f"Gather at {name} when run",
        inputs=[np.ones((2, 3), np.float32), np.array([position])],
        error="index|range|value",
    )(lambda both=both: model_of([node("Gather", "x i")], both))
    pair = [("x", TensorProto.FLOAT, [2, 3]), ("i", TensorProto.INT64, [1, 1])]
    case(
        f"GatherElements at {name}",
        inputs=[np.ones((2, 3), np.float32), np.array([[position]])],
        error="index|range|value",
    )(lambda pair=pair: model_of([node("GatherElements", "x i")], pair))
    case(
        f"GatherND at {name}",
        inputs=[np.ones((2, 3), np.float32), np.array([[position]])],
        error="index|range|value",
    )(lambda pair=pair: model_of([node("GatherND", "x i")], pair))
case(
    "Slice with the least step",
    expected=np.ones((1, 3), np.float32),
)(
    lambda: model_of(
        [node("Slice", "x a b n s")],
        constants=[
            tensor("a", [INT64_MAX]),
            tensor("b", [INT64_MIN]),
            tensor("n", [0]),
            tensor("s", [INT64_MIN]),
        ],
    )
)
case("Slice with step 0", error="step")(
    lambda: model_of(
        [node("Slice", "x a b n s")],
        constants=[tensor("a", [0]), tensor("b", [2]), tensor("n", [0]), tensor("s", [0])],
    )
)

# ---- attributes ----------------------------------------------------------------------------------

IMAGE = [("x", TensorProto.FLOAT, [1, 2, 8, 8])]
IMAGE_DATA = [np.ones((1, 2, 8, 8), np.float32)]
for name, attributes in {
    "kernel of 2^62": {"kernel_shape": [2**62, 2**62]},
    "kernel of 0": {"kernel_shape": [0, 0]},
    "negative kernel": {"kernel_shape": [-1, 3]},
    "kernel of the wrong rank": {"kernel_shape": [3]},
    "stride of 0": {"kernel_shape": [3, 3], "strides": [0, 1]},
    "negative stride": {"kernel_shape": [3, 3], "strides": [-1, 1]},
    "dilation of 0": {"kernel_shape": [3, 3], "dilations": [0, 1]},
    "dilation of 2^62": {"kernel_shape": [3, 3], "dilations": [2**62, 1]},
    "pads of 2^62": {"kernel_shape": [3, 3], "pads": [2**62] * 4},
    "pads of 2^63-1": {"kernel_shape": [3, 3], "pads": [INT64_MAX] * 4},
    "pads of the wrong number": {"kernel_shape": [3, 3], "pads": [1, 1, 1]},
    "auto_pad unknown": {"kernel_shape": [3, 3], "auto_pad": "SAME"},
}.items():
    for kind in ("MaxPool", "AveragePool"):
        if kind == "AveragePool" and "dilation" in name:
            continue
        case(f"{kind}: {name}", error="the_" + kind, inputs=IMAGE_DATA)(
            lambda kind=kind, a=attributes: model_of([node(kind, "x", **a)], IMAGE)
        )
    weight = tensor("w", np.ones((2, 2, 3, 3)), np.float32)
    case(f"Conv: {name}", error="the_Conv", inputs=IMAGE_DATA)(
        lambda a=attributes, w=weight: model_of([node("Conv", "x w", **a)], IMAGE, constants=[w])
    )
case("Conv: group 0", error="the_Conv", inputs=IMAGE_DATA)(
    lambda: model_of(
        [node("Conv", "x w", group=0)],
        IMAGE,
        constants=[tensor("w", np.ones((2, 2, 3, 3)), np.float32)],
    )
)
case("Conv: group 2^62", error="the_Conv", inputs=IMAGE_DATA)(
    lambda: model_of(
        [node("Conv", "x w", group=2**62)],
        IMAGE,
        constants=[tensor("w", np.ones((2, 2, 3, 3)), np.float32)],
    )
)
for name, make in {
    "Concat axis 5": lambda: node("Concat", "x x", axis=5),
    "Concat axis least": lambda: node("Concat", "x x", axis=INT64_MIN),
    "Softmax axis 9": lambda: node("Softmax", "x", axis=9),
    "Transpose twice the same": lambda: node("Transpose", "x", perm=[0, 0]),
    "Transpose beyond the rank": lambda: node("Transpose", "x", perm=[0, 7]),
    "Flatten axis 2^40": lambda: node("Flatten", "x", axis=2**40),
    "Gather axis 2^62": lambda: node("Gather", "x i", axis=2**62),
    "Split into 0 parts": lambda: node("Split", "x", "y", num_outputs=0),
    "Cast to an unknown type": lambda: node("Cast", "x", to=2**31),
    "DepthToSpace of block 0": lambda: node("DepthToSpace", "x", blocksize=0),
    "LeakyRelu of alpha text": lambda: node("LeakyRelu", "x", alpha="text"),
    "Reshape with two -1": lambda: node("Reshape", "x m"),
    "Reshape to another size": lambda: node("Reshape", "x n"),
    "Unsqueeze twice the same": lambda: node("Unsqueeze", "x z"),
}.items():
    case(name, error="the_")(
        lambda make=make: model_of(
            [make()],
            constants=[
                tensor("i", [0]),
                tensor("m", [-1, -1]),
                tensor("n", [7, 2**61]),
                tensor("z", [0, 0]),
            ],
        )
    )

# ---- types and sizes -----------------------------------------------------------------------------

case("input whose size overflows", error="x|large|limit")(
    lambda: model_of([node("Relu", "x")], [("x", TensorProto.FLOAT, [2**31 - 1] * 4)])
)
case("input of 2^62", error="'x'")(
    lambda: model_of([node("Relu", "x")], [("x", TensorProto.FLOAT, [2**62, 4])])
)
case("input of a negative size", error="'x'")(
    lambda: model_of([node("Relu", "x")], [("x", TensorProto.FLOAT, [-5])])
)
case("input of rank 2000", error="'x'")(
    lambda: model_of([node("Relu", "x")], [("x", TensorProto.FLOAT, [1] * 2000)])
)


@case("initializer whose size overflows", error="'c'")
def _overflowing() -> onnx.ModelProto:
    model = model_of([node("Add", "x c")])
    model.graph.initializer.add(name="c", data_type=1, dims=[2**32, 2**32], raw_data=b"abcd")
    return model


@case("product of outer sizes", error="large|limit|memory|dimension|overflow")
def _outer() -> onnx.ModelProto:
    ones = [f"c{k}" for k in range(5)]
    nodes, last = [], "x"
    for k, name in enumerate(ones):
        nodes.append(oh.make_node("Mul", [last, name], [f"t{k}"], name=f"the_Mul{k}"))
        last = f"t{k}"
    nodes.append(oh.make_node("Relu", [last], ["y"], name="the_Relu"))
    constants = [
        tensor(name, np.ones([4096] + [1] * (k + 2)), np.float32) for k, name in enumerate(ones)
    ]
    return model_of(nodes, constants=constants)


@case("a chain of 100000 nodes", seconds=240, expected=...)
def _chain() -> onnx.ModelProto:
    kinds = ("Neg", "Relu", "Abs")
    nodes = [
        oh.make_node(kinds[k % 3], ["x" if k == 0 else f"v{k}"], [f"v{k + 1}"])
        for k in range(100000)
    ]
    nodes[-1].output[0] = "y"
    return model_of(nodes)


@case("a sum of 20000 inputs", seconds=120, expected=...)
def _wide() -> onnx.ModelProto:
    return model_of([oh.make_node("Sum", ["x"] * 20000, ["y"], name="the_Sum")])


@case("a tower of 60 squares", expected=...)
def _tower() -> onnx.ModelProto:
    nodes = [
        oh.make_node("Mul", [f"v{k}" if k else "x"] * 2, [f"v{k + 1}"], name=f"the_Mul{k}")
        for k in range(60)
    ]
    nodes[-1].output[0] = "y"
    return model_of(nodes)


# ---- external data -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "offset", "length", "error"),
    [
        ("/etc/passwd", 0, 16, "not relative to the model's folder"),
        ("../outside", 0, 16, "leaves the model's folder"),
        ("inner/../../outside", 0, 16, "leaves the model's folder"),
        ("link", 0, 16, "which is a link"),
        ("linked/data", 0, 16, "which is a link"),
        ("hard", 0, 16, "more than one hard link"),
        ("inner", 0, 16, "not a regular file"),
        ("pipe", 0, 16, "not a regular file"),
        ("missing", 0, 16, "No such file"),
        ("", 0, 16, "not a file name"),
        ("x" * 5000, 0, 16, "File name too long"),
        ("data", 8, 16, "has only 16"),
        ("data", 2**63, 16, "has only 16"),
        ("data", 2**64 - 8, 16, "has only 16"),
        ("data", -1, 16, "no number of bytes"),
        ("data", "one", 16, "no number of bytes"),
        ("data", 0, 2**50, "needs 16"),
        ("data", 0, 15, "needs 16"),
    ],
)
def test_external_data(tmp_path: Path, location: str, offset: Any, length: int, error: str) -> None:
    folder = tmp_path / "model"
    (folder / "inner").mkdir(parents=True)
    for path in (tmp_path / "outside", folder / "data", folder / "other"):
        path.write_bytes(bytes(16))
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "linked").symlink_to(folder / "inner")
    (folder / "hard").hardlink_to(tmp_path / "outside")
    os.mkfifo(folder / "pipe")
    model = model_of([node("Add", "x w")], [("x", TensorProto.FLOAT, [4])])
    weight = model.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[4])
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        weight.external_data.add(key=key, value=str(value))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(lt.CompileError, match=error):
        lt.compile(folder / "model.onnx")


# ---- the tests -----------------------------------------------------------------------------------


def compile_isolated(model: onnx.ModelProto | bytes | Path, seconds: float) -> lt.CompiledModel:
    return lt.compile(model, isolate=True, timeout=seconds, memory_limit=BYTES)


@pytest.mark.parametrize("each", CASES, ids=lambda each: each.name)
def test_bad_model(each: Case) -> None:
    def outcome() -> Any:
        return compile_isolated(each.make(), each.seconds)(*each.inputs)

    if each.error is not None:
        with pytest.raises(lt.Error, match=each.error) as caught:
            outcome()
        # A crash, and a limit that the operating system keeps, are no answers.
        assert type(caught.value).__module__ == "longtail.errors", repr(caught.value)
        return
    result = outcome()
    if each.expected is not ...:
        np.testing.assert_array_equal(result, each.expected)
        assert result.dtype == each.expected.dtype
