"""Groups of every class, and schedules drawn from their spaces.

python test/python/tuning/spaces.py [draws of each class] [seed]   (the campaign: `make schedules`)
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

import numpy as np
import onnx
import onnx.helper as oh
from onnx import TensorProto, numpy_helper

from longtail import _compiler
from longtail.tuning.measuring import Measurer, MeasuringError
from longtail.tuning.space import Group

FAMILIES = ("contraction", "window", "rows", "pointwise", "grid")
_RNG = np.random.default_rng(7)
F, H, D, I8, U8, I64 = (
    TensorProto.FLOAT,
    TensorProto.FLOAT16,
    TensorProto.DOUBLE,
    TensorProto.INT8,
    TensorProto.UINT8,
    TensorProto.INT64,
)


def _weight(name: str, *shape: int, dtype: type = np.float32) -> onnx.TensorProto:
    values = _RNG.standard_normal(shape)
    if np.issubdtype(dtype, np.integer):
        values = np.clip(values * 40, -100, 100)
    return numpy_helper.from_array(values.astype(dtype), name)


def _model(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, tuple[int, tuple]],
    weights: list[onnx.TensorProto],
    outputs: tuple[str, ...] = ("y",),
) -> bytes:
    graph = oh.make_graph(
        nodes,
        "space",
        [oh.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        weights,
    )
    model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", 21)], ir_version=10)
    return onnx.shape_inference.infer_shapes(model).SerializeToString()


def _one(op: str, inputs: dict[str, tuple[int, tuple]], *weights: onnx.TensorProto, **how) -> bytes:
    count = how.pop("outputs", 1)
    outputs = ["y", "z"][:count]
    node = oh.make_node(op, [*inputs, *(w.name for w in weights)], outputs, **how)
    return _model([node], inputs, list(weights), tuple(outputs))


def _conv(x: tuple, w: tuple, relu: bool = True, **how) -> bytes:
    nodes = [oh.make_node("Conv", ["x", "w", "b"], ["c"], **how)]
    nodes.append(oh.make_node("Relu" if relu else "Sigmoid", ["c"], ["y"]))
    return _model(nodes, {"x": (F, x)}, [_weight("w", *w), _weight("b", w[0])])


def _residual() -> bytes:
    nodes = [
        oh.make_node("MatMul", ["x", "w"], ["m"]),
        oh.make_node("Add", ["m", "r"], ["s"]),
        oh.make_node("Gelu", ["s"], ["y"]),
    ]
    return _model(nodes, {"x": (F, ("n", 96)), "r": (F, ("n", 72))}, [_weight("w", 96, 72)])


def _chain() -> bytes:
    nodes = [
        oh.make_node("Mul", ["x", "w"], ["a"]),
        oh.make_node("Tanh", ["a"], ["b"]),
        oh.make_node("Add", ["b", "x"], ["c"]),
        oh.make_node("Exp", ["c"], ["y"]),
    ]
    return _model(nodes, {"x": (F, (5, 37, "n"))}, [_weight("w", 37, 1)])


def models() -> Iterator[bytes]:
    """Models whose groups are of all classes, types, and kinds of sizes."""
    # Contractions: odd, skinny, batched, dynamic; convolutions; other element types.
    yield _one("MatMul", {"a": (F, (37, 53))}, _weight("w", 53, 71))
    yield _one("MatMul", {"a": (F, (1, 300))}, _weight("w", 300, 130))
    yield _one("MatMul", {"a": (F, (3, 20, 33)), "b": (F, (3, 33, 50))})
    yield _one("MatMul", {"a": (F, ("n", 64))}, _weight("w", 64, 48))
    yield _one("MatMul", {"a": (D, (19, 23))}, _weight("w", 23, 31, dtype=np.float64))
    yield _one("MatMul", {"a": (H, (19, 40))}, _weight("w", 40, 31, dtype=np.float16))
    yield _one("MatMulInteger", {"a": (U8, (19, 40))}, _weight("w", 40, 31, dtype=np.int8))
    yield _one("Gemm", {"a": (F, (24, 40))}, _weight("w", 24, 56), _weight("b", 56), transA=1)
    yield _residual()
    yield _conv((1, 16, 17, 19), (40, 16, 3, 3), pads=[1, 1, 1, 1], strides=[2, 2])
    yield _conv((2, 24, 9, 9), (33, 24, 1, 1))
    yield _conv((1, 3, 23, 23), (24, 3, 7, 7), pads=[3, 3, 3, 3], strides=[2, 2])
    yield _conv((1, 32, 14, 14), (32, 32, 3, 3), pads=[1, 1, 1, 1])
    yield _conv(("n", 8, "h", 12), (16, 8, 3, 3), False, pads=[1, 1, 1, 1], dilations=[1, 2])
    yield _one(
        "ConvTranspose", {"x": (F, (1, 12, 7, 9))}, _weight("w", 12, 20, 2, 2), strides=[2, 2]
    )
    # Windows.
    yield _conv((1, 40, 15, 17), (40, 1, 3, 3), pads=[1, 1, 1, 1], group=40)
    yield _conv((1, 24, 16, 16), (24, 1, 5, 5), pads=[2, 2, 2, 2], strides=[2, 2], group=24)
    yield _conv((1, 20, "h", 11), (20, 1, 3, 3), pads=[1, 1, 1, 1], group=20)
    yield _one("MaxPool", {"x": (F, (2, 18, 15, 15))}, kernel_shape=[3, 3], strides=[2, 2])
    yield _one("AveragePool", {"x": (F, (1, 33, 13, 14))}, kernel_shape=[2, 2], pads=[1, 0, 1, 0])
    yield _one("MaxPool", {"x": (U8, (1, 16, 12, 12))}, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    axes = numpy_helper.from_array(np.array([0], np.int64), "axes")
    yield _one("ReduceSum", {"x": (F, (23, 7, 45))}, axes)
    yield _one("ReduceMax", {"x": (D, (9, 31))}, axes)
    # Rows.
    yield _one("Softmax", {"x": (F, (7, 61))})
    yield _one("Softmax", {"x": (F, (3, "n", 128))})
    yield _one("LayerNormalization", {"x": (F, (11, 96))}, _weight("w", 96), _weight("b", 96))
    last = numpy_helper.from_array(np.array([-1], np.int64), "axes")
    yield _one("ReduceMean", {"x": (F, (13, 77))}, last)
    yield _one("ReduceL2", {"x": (D, (5, 130))}, last)
    yield _one("ReduceMin", {"x": (I64, (6, 50))}, last)
    yield _one("InstanceNormalization", {"x": (F, (2, 6, 9, 10))}, _weight("w", 6), _weight("b", 6))
    # Pointwise.
    yield _chain()
    yield _one("Sigmoid", {"x": (F, (3, 90000))})
    yield _one("Erf", {"x": (D, (64, 1000))})
    yield _one("Transpose", {"x": (F, (60, 35, 27))}, perm=[2, 0, 1])
    yield _one("Transpose", {"x": (U8, (300, 207))}, perm=[1, 0])
    yield _one("Concat", {"x": (F, (33, 1700)), "w": (F, (33, 22))}, axis=1)
    yield _one("Gather", {"x": (F, (9, 4000)), "i": (I64, (5, 3))}, axis=0)
    yield _one("Cast", {"x": (H, (300, 1000))}, to=F)
    where = {"c": (TensorProto.BOOL, (400, 1, 30)), "x": (F, (5, 30)), "z": (F, (30,))}
    yield _one("Where", where)
    yield _one("Add", {"x": (I8, (700, 33)), "z": (I8, (33,))})
    yield _one("DepthToSpace", {"x": (F, (1, 32, 40, 41))}, blocksize=2)
    # Sequential code, of which only the size of a tile can be chosen.
    for size in (3, 700, 5000):
        for kind in (F, I64):
            k = numpy_helper.from_array(np.array([3], np.int64), "k")
            yield _one("TopK", {"x": (kind, (size, 9))}, k, outputs=2)
            last = numpy_helper.from_array(np.array(1, np.int64), "a")
            yield _one("CumSum", {"x": (kind, (size, 5))}, last)
            yield _one("CumSum", {"x": (kind, (size, 2, 3))}, last, reverse=1, exclusive=1)
            scatter = {"x": (kind, (8, size)), "i": (I64, (1, size)), "u": (kind, (1, size))}
            yield _one("ScatterElements", scatter, axis=0, reduction="add")
    yield _one("Det", {"x": (F, (900, 4, 4))})


def groups(target: str = "host", threads: int = 2) -> dict[str, list[Group]]:
    """The groups of all models by class, each once."""
    found: dict[str, dict[str, Group]] = {family: {} for family in FAMILIES}
    for model in models():
        settings = {"to": "schedule", "target": target}
        settings["tuning"] = {"threads": threads, "shapes": [[13] * 4] * 4}
        for entry in _compiler.compile(model, settings, None).report()["tuning"]:
            group = Group.of(entry)
            found[group.strategy].setdefault(group.key, group)
    return {family: list(each.values()) for family, each in found.items()}


def draws(of: list[Group], count: int, seed: int) -> dict[int, list[str]]:
    """`count` schedules of the groups' spaces, as evenly as it goes, by the group's number."""
    rng = random.Random(seed)
    left = [rng.sample(range(len(g.candidates)), len(g.candidates)) for g in of]
    chosen: dict[int, list[str]] = {}
    while count > 0 and any(left):
        for number, rest in enumerate(left):
            if rest and count > 0:
                chosen.setdefault(number, []).append(of[number].candidates[rest.pop()][0])
                count -= 1
    return chosen


def check(
    measurer: Measurer, group: Group, schedules: list[str], target: str = "host"
) -> list[str]:
    """What is wrong with schedules of a group; each is compared with the naive result."""
    name = _compiler.host()[0] if target == "host" else target
    request = {
        "op": "open",
        "text": group.text,
        "key": group.key,
        "target": name,
        "threads": 1,
        "inputs": group.inputs,
        "symbols": group.symbols,
        "schedule": group.schedule,
        "depth": group.flops / max(group.elements, 1.0),
        "weights": 0,
    }
    wrong = []
    for schedule in schedules:
        try:
            if not measurer.is_running or schedule == schedules[0]:
                measurer.ask(request, 60)
            facts = measurer.ask({"op": "check", "schedule": schedule}, 60)
        except MeasuringError as error:
            wrong.append(f"{group.strategy} {group.name} {group.shapes} {schedule}: {error}")
            continue
        if facts["error"] > 1:
            text = f"{facts['error']:.3g} of the allowed difference"
            wrong.append(f"{group.strategy} {group.name} {group.shapes} {schedule}: {text}")
        if not facts["same"]:
            text = "two threads give other bits than one"
            wrong.append(f"{group.strategy} {group.name} {group.shapes} {schedule}: {text}")
    return wrong


def main() -> int:
    """The campaign."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    failures = 0
    with Measurer() as measurer:
        for family, members in groups().items():
            done = 0
            for number, schedules in draws(members, count, seed).items():
                done += len(schedules)
                for text in check(measurer, members[number], schedules):
                    failures += 1
                    print(text, flush=True)
            size = sum(len(group.candidates) for group in members)
            print(f"{family}: {done} of {size} schedules of {len(members)} groups", flush=True)
    print("all are right" if not failures else f"{failures} are wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
