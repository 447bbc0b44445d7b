"""Operators and networks on emulated AArch64 and RISC-V processors, against ONNX Runtime.

Each model is compiled once for all targets, so the artifacts hold several variants. A missing
emulator or runtime is an error: `scripts/setup.sh test` and `ninja -C build longtail_emulation`.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable

import numpy as np
import onnx
import onnx.helper as oh
import onnx.numpy_helper as nh
import pytest

import longtail as lt
import model_zoo
from longtail import emulation
from longtail.__main__ import main
from longtail.verification import difference, reference_outputs

F32, F64, F16, BF16 = (
    onnx.TensorProto.FLOAT,
    onnx.TensorProto.DOUBLE,
    onnx.TensorProto.FLOAT16,
    onnx.TensorProto.BFLOAT16,
)
I8, U8, I32, I64 = (
    onnx.TensorProto.INT8,
    onnx.TensorProto.UINT8,
    onnx.TensorProto.INT32,
    onnx.TensorProto.INT64,
)
TARGETS = "host," + ",".join(dict.fromkeys(m.variant for m in emulation.MACHINES.values()))
Inputs = dict[str, np.ndarray]


def random(shape: tuple[int, ...], dtype: int = F32, high: int = 100) -> np.ndarray:
    """The same values for the same shape: normal floats, whole numbers of the middle range."""
    rng = np.random.default_rng(sum(shape))
    kind = oh.tensor_dtype_to_np_dtype(dtype)
    if kind.kind in "iu":
        return rng.integers(0 if kind.kind == "u" else -high, high, shape).astype(kind)
    return rng.standard_normal(shape).astype(kind)


class Case:
    """A model of one input or more and one output, and inputs for it."""

    def __init__(self, *nodes: onnx.NodeProto, constants: Inputs | None = None, **inputs) -> None:
        self.inputs: Inputs = inputs
        declared = [
            oh.make_tensor_value_info(n, oh.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in inputs.items()
        ]
        weights = [nh.from_array(array, name) for name, array in (constants or {}).items()]
        output = oh.make_empty_tensor_value_info("y")
        graph = oh.make_graph(nodes, "case", declared, [output], weights)
        opsets = [oh.make_operatorsetid("", 21)]
        model = oh.make_model(graph, opset_imports=opsets, ir_version=10)
        self.model = onnx.shape_inference.infer_shapes(model, strict_mode=True)


def one(operator: str, constants: Inputs | None = None, more: Inputs | None = None, **attributes):
    """A case of one node; inputs in the order x, constants, more."""
    x = attributes.pop("x")
    names = ["x", *(constants or {}), *(more or {})]
    return Case(
        oh.make_node(operator, names, ["y"], **attributes),
        constants=constants,
        x=x,
        **(more or {}),
    )


def cast_chain(inner: int) -> Case:
    """float32 to `inner`, a sum there, and back."""
    return Case(
        oh.make_node("Cast", ["x"], ["a"], to=inner),
        oh.make_node("Add", ["a", "a"], ["b"]),
        oh.make_node("Cast", ["b"], ["y"], to=F32),
        x=random((3, 37)) * 10,
    )


def quantised() -> Case:
    """An 8-bit matrix product with scales around it."""
    scale, zero = np.float32(0.05), np.uint8(128)
    return Case(
        oh.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        oh.make_node("MatMulInteger", ["q", "w", "zero"], ["s"]),
        oh.make_node("Cast", ["s"], ["f"], to=F32),
        oh.make_node("Mul", ["f", "scale"], ["y"]),
        constants={"scale": scale, "zero": zero, "w": random((45, 27), I8)},
        x=random((9, 45)),
    )


CASES: dict[str, Callable[[], Case]] = {
    "conv": lambda: one("Conv", {"w": random((20, 5, 3, 3)), "b": random((20,))},
                        x=random((1, 5, 13, 11)), pads=[1, 1, 1, 1]),
    "conv_pointwise": lambda: one("Conv", {"w": random((33, 24, 1, 1))}, x=random((2, 24, 7, 9))),
    "conv_strided_grouped": lambda: one("Conv", {"w": random((24, 4, 3, 3))}, group=3,
                                        x=random((1, 12, 14, 14)), strides=[2, 2]),
    "depthwise": lambda: one("Conv", {"w": random((19, 1, 3, 3))}, group=19, pads=[1, 1, 1, 1],
                             x=random((1, 19, 12, 10))),
    "transposed_conv": lambda: one("ConvTranspose", {"w": random((6, 7, 3, 3))}, strides=[2, 2],
                                   x=random((1, 6, 5, 5))),
    "matmul_odd": lambda: one("MatMul", {"w": random((53, 71))}, x=random((37, 53))),
    "matmul_batched": lambda: one("MatMul", more={"z": random((3, 2, 17, 9))},
                                  x=random((3, 2, 5, 17))),
    "matmul_f64": lambda: one("MatMul", {"w": random((31, 19), F64)}, x=random((7, 31), F64)),
    "matmul_f16": lambda: one("MatMul", {"w": random((31, 19), F16)}, x=random((7, 31), F16)),
    "matmul_i32": lambda: one("MatMul", {"w": random((31, 19), I32)}, x=random((7, 31), I32)),
    "vector_times_matrix": lambda: one("MatMul", {"w": random((130, 67))}, x=random((130,))),
    "quantised": quantised,
    "softmax": lambda: one("Softmax", x=random((5, 3, 49)), axis=-1),
    "softmax_middle": lambda: one("Softmax", x=random((2, 21, 13)), axis=1),
    "layernorm": lambda: one("LayerNormalization", {"s": random((77,)), "b": random((77,))},
                             x=random((6, 77))),
    "gather": lambda: one("Gather", more={"i": random((4, 5), I64, 9)}, x=random((9, 31)), axis=0),
    "gather_inner": lambda: one("Gather", more={"i": random((7,), I64, 11)}, x=random((6, 11)),
                                axis=1),
    "transpose_2d": lambda: one("Transpose", x=random((45, 34)), perm=[1, 0]),
    "transpose_3d": lambda: one("Transpose", x=random((5, 18, 21)), perm=[2, 0, 1]),
    "transpose_i8": lambda: one("Transpose", x=random((37, 41), I8), perm=[1, 0]),
    "reduce_inner": lambda: one("ReduceSum", {"a": np.array([-1])}, x=random((11, 101))),
    "reduce_outer": lambda: one("ReduceMean", {"a": np.array([0])}, x=random((29, 43))),
    "reduce_middle_max": lambda: one("ReduceMax", {"a": np.array([1])}, x=random((4, 29, 7))),
    "reduce_i64": lambda: one("ReduceProd", {"a": np.array([1])}, x=random((9, 5), I64, 20)),
    "argmax": lambda: one("ArgMax", x=random((8, 45)), axis=1),
    "maxpool": lambda: one("MaxPool", x=random((1, 9, 15, 13)), kernel_shape=[3, 3],
                           strides=[2, 2], pads=[1, 1, 1, 1]),
    "averagepool": lambda: one("AveragePool", x=random((1, 6, 11, 10)), kernel_shape=[2, 3]),
    "resize": lambda: one("Resize", {"roi": np.zeros(0, "f"), "s": np.array([1, 1, 1.5, 2], "f")},
                          x=random((1, 5, 7, 6)), mode="linear"),
    "concat": lambda: one("Concat", more={"z": random((3, 9))}, x=random((3, 20)), axis=1),
    "pad": lambda: one("Pad", {"p": np.array([1, 2, 3, 0])}, x=random((6, 17)), mode="reflect"),
    "slice": lambda: one("Slice", {"a": np.array([40, 0]), "e": np.array([-99, 5]),
                                   "d": np.array([0, 1]), "s": np.array([-3, 2])},
                         x=random((41, 6))),
    "where": lambda: one("Where", {"a": random((5, 1)), "b": random((33,))},
                         x=random((5, 33)) > 0),
    "divide_i32": lambda: one("Div", more={"z": random((50,), I32) | 1}, x=random((50,), I32)),
    "mod_i64": lambda: one("Mod", more={"z": random((50,), I64) | 1}, x=random((50,), I64)),
    "clip_u8": lambda: one("Clip", {"l": np.uint8(20), "h": np.uint8(90)}, x=random((77,), U8)),
    "to_f16_and_back": lambda: cast_chain(F16),
    "to_bf16_and_back": lambda: cast_chain(BF16),
    "to_f64_and_back": lambda: cast_chain(F64),
    "float_to_i8": lambda: one("Cast", x=random((91,)) * 30, to=I8),
    "empty": lambda: one("MatMul", {"w": random((8, 5))}, x=random((0, 8))),
}  # fmt: skip
# ONNX Runtime leaves out the rounding in between.
BY_REFERENCE = {"to_f16_and_back", "to_bf16_and_back", "to_f64_and_back"}


@functools.cache
def compiled(name: str) -> tuple[lt.CompiledModel, Inputs, list[np.ndarray]]:
    """A case for all targets, and what is expected of it."""
    case = CASES[name]()
    engine = "reference" if name in BY_REFERENCE else "onnxruntime"
    expected = reference_outputs(case.model, case.inputs, engine)
    return lt.compile(case.model, target=TARGETS), case.inputs, expected


def agree(actual, expected: list[np.ndarray], rtol: float = 1e-4, atol: float = 1e-5) -> None:
    """Every output is within the tolerances."""
    actual = list(actual) if isinstance(actual, lt.Outputs) else [actual]
    found = [
        difference(f"output {k}", a, e, rtol, atol)
        for k, (a, e) in enumerate(zip(actual, expected, strict=True))
    ]
    assert all(each.passed for each in found), found


@pytest.mark.parametrize("machine", emulation.MACHINES)
@pytest.mark.parametrize("name", CASES)
def test_operator(name: str, machine: str) -> None:
    model, inputs, expected = compiled(name)
    half = any(e.dtype == np.float16 for e in expected)
    tolerances = (2e-3, 1e-3) if half else (1e-4, 1e-5)
    agree(emulation.EmulatedModel(model, machine)(**inputs), expected, *tolerances)


# ---- vectors of a length that the target leaves open ---------------------------------------------


def riscv(vlen: int, variant: str) -> emulation.Machine:
    return emulation.Machine("riscv64", f"rv64,v=true,vext_spec=v1.0,vlen={vlen}", variant)


@functools.cache
def for_every_length(name: str) -> tuple[bytes, list[tuple[int, np.ndarray]], list[np.ndarray]]:
    """A case for all lengths of vectors, its inputs, and what is expected of it."""
    case = CASES[name]()
    model = lt.compile(case.model, target="host,riscv64,riscv64-vlen256,riscv64-vlen512")
    typed = [(F32, value) for value in case.inputs.values()]
    return model.to_bytes(), typed, reference_outputs(case.model, case.inputs)


@pytest.mark.parametrize(
    "name", ["conv", "depthwise", "matmul_odd", "softmax", "layernorm", "reduce_inner", "resize"]
)
def test_every_length_of_vectors_gives_the_same_bits(name: str) -> None:
    """The code for the least length sets the number of elements itself, so longer registers change
    nothing."""
    case = CASES[name]()
    artifact = lt.compile(case.model, target="host,riscv64").to_bytes()
    typed = [(F32, value) for value in case.inputs.values()]
    results = []
    for vlen in (128, 256, 512):
        outputs, variant = emulation.run(artifact, typed, riscv(vlen, "riscv64"))
        assert variant == "riscv64"
        results.append(outputs[0])
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize(
    ("vlen", "chosen"),
    [
        (128, "riscv64"),
        (256, "riscv64-vlen256"),
        (512, "riscv64-vlen512"),
        (1024, "riscv64-vlen512"),
    ],
)
@pytest.mark.parametrize("name", ["conv", "depthwise", "softmax"])
def test_the_variant_for_the_longest_vectors_is_chosen(name: str, vlen: int, chosen: str) -> None:
    model, inputs, expected = for_every_length(name)
    outputs, variant = emulation.run(model, inputs, riscv(vlen, chosen))
    assert variant == chosen
    agree(outputs[0], expected)


# ---- vector math ---------------------------------------------------------------------------------


def _erf(x: np.ndarray) -> np.ndarray:
    return np.array([math.erf(each) for each in x], np.longdouble)


# The exact function, and the allowed error in units in the last place for f32 and f64.
FUNCTIONS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float, float]] = {
    "Exp": (np.exp, 2, 2),
    "Log": (np.log, 2, 2),
    "Tanh": (np.tanh, 3, 4),
    "Erf": (_erf, 4, 6),  # the exact values are f64 themselves
    "Sin": (np.sin, 2, 3),
    "Cos": (np.cos, 2, 3),
    "Tan": (np.tan, 1, 4),
    "Asin": (np.arcsin, 1, 3),
    "Acos": (np.arccos, 1, 3),
    "Atan": (np.arctan, 1, 3),
    "Sqrt": (np.sqrt, 0.51, 0.51),
    "Floor": (np.floor, 0, 0),
    "Ceil": (np.ceil, 0, 0),
    "Round": (np.rint, 0, 0),
}


def _samples(dtype: type) -> np.ndarray:
    """Special values, the interesting range, and all exponents."""
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2**32 if dtype is np.float32 else 2**63, 2000, np.uint64)
    anything = bits.astype(np.uint32).view(np.float32) if dtype is np.float32 else bits.view("f8")
    info = np.finfo(dtype)
    special = [0, -0.0, 1, -1, 0.5, 2.5, np.inf, -np.inf, np.nan, info.max, info.tiny, -info.max]
    parts = [special, rng.uniform(-1, 1, 2000), rng.uniform(-100, 100, 2000), anything]
    return np.concatenate([np.asarray(part, dtype) for part in parts])


@functools.cache
def functions_model() -> lt.CompiledModel:
    graph = oh.make_graph(
        [oh.make_node(f, [x], [f"{f}_{x}"]) for f in FUNCTIONS for x in ("single", "double")],
        "functions",
        [oh.make_tensor_value_info(*each, ["N"]) for each in (("single", F32), ("double", F64))],
        [
            oh.make_tensor_value_info(f"{f}_{x}", kind, ["N"])
            for f in FUNCTIONS
            for x, kind in (("single", F32), ("double", F64))
        ],
    )
    opsets = [oh.make_operatorsetid("", 21)]
    model = oh.make_model(graph, opset_imports=opsets, ir_version=10)
    return lt.compile(model, target=TARGETS)


@pytest.mark.parametrize("machine", emulation.MACHINES)
def test_vector_math_is_within_its_bounds(machine: str) -> None:
    inputs = {"single": _samples(np.float32), "double": _samples(np.float64)}
    outputs = emulation.EmulatedModel(functions_model(), machine)(**inputs)
    for function, (exact, *bounds) in FUNCTIONS.items():
        for (kind, x), bound in zip(inputs.items(), bounds, strict=True):
            got = outputs[f"{function}_{kind}"]
            with np.errstate(all="ignore"):
                wide = exact(x.astype(np.longdouble))
                rounded = wide.astype(x.dtype)
                unit = np.spacing(np.abs(rounded)).astype(np.longdouble)
                error = np.abs(got.astype(np.longdouble) - wide) / unit
            # Special values must be the same; overflow may begin at the neighbour.
            special = ~np.isfinite(rounded)
            np.testing.assert_array_equal(got[special], rounded[special], f"{function} {kind}")
            worst = np.argmax(np.where(special, 0, error))
            assert error[worst] <= bound, (function, kind, x[worst], got[worst], error[worst])


# ---- networks ------------------------------------------------------------------------------------


def strokes() -> np.ndarray:
    """Dark strokes like letters on a bright page: where nothing looks like text, the network's
    results are as small as ONNX Runtime's own rounding."""
    image = np.full((1, 3, 64, 96), 2, np.float32)
    for column in range(10, 86, 9):
        image[:, :, 22:42, column : column + 2] = -2
        image[:, :, 30:32, column : column + 6] = -2
    return image


NETWORKS: dict[str, Inputs] = {
    "magika": {"bytes": np.random.default_rng(0).integers(0, 257, (1, 2048), dtype=np.int32)},
    "ppocr_cls": {"x": random((1, 3, 48, 96)).clip(-1, 1)},
    "ppocr_det": {"x": strokes()},
}


@functools.cache
def network(name: str) -> lt.CompiledModel:
    return lt.compile(model_zoo.path(name), target=TARGETS)


@pytest.mark.parametrize("machine", emulation.MACHINES)
@pytest.mark.parametrize("name", NETWORKS)
def test_network(name: str, machine: str) -> None:
    expected = reference_outputs(model_zoo.path(name), NETWORKS[name])
    agree(emulation.EmulatedModel(network(name), machine)(**NETWORKS[name]), expected, 1e-3, 1e-4)


@pytest.mark.parametrize("machine", emulation.MACHINES)
def test_two_threads_give_the_same_bits(machine: str) -> None:
    inputs = NETWORKS["ppocr_cls"]
    one_thread, two_threads = (
        emulation.EmulatedModel(network("ppocr_cls"), machine, threads)(**inputs)
        for threads in (1, 2)
    )
    np.testing.assert_array_equal(one_thread, two_threads)


# ---- the command line ----------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["aarch64", "riscv64"])
def test_verify(target: str, tmp_path, capsys) -> None:
    onnx.save(CASES["layernorm"]().model, tmp_path / "model.onnx")
    arguments = ["verify", str(tmp_path / "model.onnx"), "--target", target, "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["passed"]


def test_verify_without_the_emulator_says_what_to_install(tmp_path, capsys, monkeypatch) -> None:
    onnx.save(CASES["concat"]().model, tmp_path / "model.onnx")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["verify", str(tmp_path / "model.onnx"), "--target=riscv64"]) == 1
    assert "qemu-riscv64 is not installed: run scripts/setup.sh" in capsys.readouterr().err


# ---- several targets in one artifact -------------------------------------------------------------


@pytest.mark.parametrize("name", ["conv", "matmul_odd", "matmul_f64", "depthwise"])
def test_weights_of_all_targets_are_stored_once(name: str) -> None:
    """The size does not grow with the number of targets (those with the widest panels are in both),
    and this machine's results stay."""
    every = "x86-64-v2,x86-64-v3,x86-64-v4,aarch64,armv8.2-a+fp16+dotprod,riscv64,riscv64-vlen256"
    two, seven = (
        lt.compile(CASES[name]().model, target=target)
        for target in ("x86-64-v4,riscv64-vlen256", every)
    )
    sizes = [model.report()["weights"]["bytes"] for model in (two, seven)]
    assert sizes[0] == sizes[1]
    _, inputs, expected = compiled(name)
    agree(seven(**inputs), expected)


# ---- errors --------------------------------------------------------------------------------------


def test_an_artifact_without_a_variant_for_the_machine_is_refused() -> None:
    model = lt.compile(CASES["concat"]().model, target="host,aarch64")
    typed = [(F32, value) for value in CASES["concat"]().inputs.values()]
    with pytest.raises(lt.Error, match=r"riscv64: .*no code for this CPU"):
        emulation.run(model.to_bytes(), typed, emulation.MACHINES["riscv64"])


def test_a_processor_without_vectors_is_told_what_it_lacks() -> None:
    model, inputs, _ = compiled("concat")
    plain = emulation.Machine("riscv64", "rv64,v=false", "riscv64")
    typed = [(F32, value) for value in inputs.values()]
    with pytest.raises(lt.Error, match="V"):
        emulation.run(model.to_bytes(), typed, plain)
