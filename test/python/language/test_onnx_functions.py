"""Operators as ONNX functions, run by ONNX's reference evaluator."""

import importlib
from pathlib import Path

import numpy as np
import onnx
import onnx.helper as oh
import pytest
from onnx.reference import ReferenceEvaluator

import longtail as lt
from longtail import bool_, f16, f32, f64, i8, i16, i32, i64, idx, u8, u16, u32

R = np.random.default_rng(11)
EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "ops"


def tensor_info(name, array):
    return oh.make_tensor_value_info(
        name, oh.np_dtype_to_tensor_dtype(array.dtype), [None] * array.ndim
    )


def model_of(function, arrays, numbers, results):
    """A model of one node, which calls the function."""
    node = oh.make_node(
        function.name, list(arrays), list(function.output), domain=function.domain, **numbers
    )
    infos = [tensor_info(n, a) for n, a in arrays.items()]
    outputs = [tensor_info(n, a) for n, a in zip(function.output, results, strict=True)]
    opsets = [*function.opset_import, oh.make_opsetid(function.domain, 1)]
    graph = oh.make_graph([node], "model", infos, outputs)
    return oh.make_model(graph, functions=[function], opset_imports=opsets, ir_version=10)


def flat(value):
    if isinstance(value, tuple | list):
        return [each for part in value for each in flat(part)]
    return [np.asarray(value)]


def check(operator, *cases, rtol=1e-5, atol=1e-5):
    """What the function gives in ONNX is what the operator gives in Python."""
    parameters = operator.signature.parameters
    for case in cases:
        case = case if isinstance(case, dict) else dict(zip(parameters, case, strict=False))
        case = {n: case.get(n, p.default) for n, p in parameters.items()}
        constants = {n: v for n, v in case.items() if n in operator._constants()}
        function = operator.to_onnx("own::Operator", constants)
        numbers = {n: v for n, v in case.items() if parameters[n].annotation in (int, float, bool)}
        arrays = {n: np.asarray(case[n]) for n in function.input}
        assert set(arrays) | set(numbers) | set(constants) == set(parameters)
        expected = flat(operator.python(**case))
        model = model_of(function, arrays, numbers, expected)
        onnx.checker.check_model(model, full_check=True)
        actual = ReferenceEvaluator(model).run(None, arrays)
        for a, e in zip(actual, expected, strict=True):
            a = np.asarray(a)
            assert (a.dtype, a.shape) == (e.dtype, e.shape)
            np.testing.assert_allclose(a, e, rtol=rtol, atol=atol)


def floats(*shape):
    return R.standard_normal(shape).astype(np.float32)


def test_views():
    @lt.op
    def views(x: f32["N C"], *, k: lt.const):
        y = lt.roll(x[:, ::-1], k, 1)
        z = lt.reshape(lt.permute(y, (1, 0)), (-1,))
        padded = lt.pad(x, ((1, 2), (0, k)), mode="constant", value=7)
        return (
            y, z, padded, lt.pad(x, ((1, 1), (1, 1)), mode="reflect"), x[1], x[0, 1:], x[1::2, -2],
            lt.concat([x, y[:1]], axis=0), lt.stack([x, y], axis=1), x[:, None, :] + y[0][None, None],
            lt.window(x, (0, 1), (2, 2), 1).sum(axis=(2, 3)), lt.broadcast(x[0], (4, x.shape[1])),
        )  # fmt: skip

    check(views, (floats(3, 4), 2), (floats(5, 3), 1))
    function = views.to_onnx("own::Views", {"k": 1})
    assert "Reshape" in {node.op_type for node in function.node}


def test_elements():
    @lt.op
    def elements(x: f32["N"], y: f32["N"], a: float, b: int):
        near = lt.where(abs(x) < 1, x, 0.5)
        return (
            lt.exp(x) * a, np.expm1(x), np.log1p(abs(x)), np.log2(abs(y) + 1), np.cbrt(x),
            np.trunc(x * 3), np.rint(x * 3), np.sign(x), np.arctan2(x, y), lt.erf(x), np.exp2(x),
            np.maximum(x, y), lt.clip(x, -0.5, 0.5), np.isnan(x), (x > y) & ~(y != 0), x // y,
            x % y, -x / (y + 10), near**2, np.sinh(near), np.arcsin(near), x + b, np.square(x),
            np.isfinite(x / 1.5), np.log10(abs(y) + 1), np.reciprocal(y + 10), abs(x) ** 0.5,
        )  # fmt: skip

    x, y = floats(50), floats(50)
    check(elements, (x, y, 0.25, 3), (x[:0], y[:0], 0.25, 3), (x[:1], y[:1], 0.5, -2))
    x[:4], y[:4] = [0, 1e-6, -1e-5, 3], [1, -1e-6, 2, -4]
    check(elements, (x, y, 0.25, 3))


@pytest.mark.parametrize("kind", [i8, i16, i32, i64, u8, u16, u32], ids=repr)
def test_integers(kind):
    @lt.op
    def integers(x: kind["N"], y: kind["N"]):
        return (
            x + y, x - y, x * y, x // y, x % y, x & y, x | y, x ^ y, ~x, x << 2, x >> 1, x / y,
            np.maximum(x, y), x < y, x.astype(f32), x.astype(u8), x.astype(i32), x.sum(), x.max(),
            x.min(), x.argmax(), x.prod(), abs(x), x == y, x.any(), (x > 1).all(),
        )  # fmt: skip

    info = np.iinfo(kind.dtype)
    x = R.integers(info.min, info.max, 30, kind.dtype)
    y = R.integers(max(info.min, -50), 50, 30, kind.dtype)
    y[y == 0] = 3
    check(integers, (x, y))


def test_other_floats():
    @lt.op
    def halves(x: f16["N C"], y: f64["N C"]):
        return x * 2, x.sum(axis=1), y @ y.T, lt.exp(y), x + y, y.astype(f16)

    check(halves, (floats(3, 4).astype(np.float16), R.random((3, 4))), rtol=2e-3)


def test_reductions_and_products():
    @lt.op
    def reduced(x: f32["B N C"], w: f32["C K"], flags: bool_["N C"]):
        e = lt.exp(x - x.max(axis=-1, keepdims=True))
        return (
            e / e.sum(axis=-1, keepdims=True), x.mean(axis=(0, 1)), np.var(x, axis=2), x @ w,
            x.argmin(axis=1), flags.any(axis=0), flags.all(axis=1), flags.sum(), x.prod(axis=0),
            lt.einsum("bnc,ck->bkn", x, w), lt.einsum("bnc,bmc->bnm", x, x), w.T @ w,
        )  # fmt: skip

    check(reduced, (floats(2, 3, 4), floats(4, 5), R.random((3, 4)) < 0.5))


def test_gathers():
    @lt.op
    def gathers(x: f32["V C"], i: idx["V"]["B L"], k: i64["B"]):
        return x[i], x[k, k], lt.take(x, k, axis=0), x[:, k % x.shape[1]], x[i].sum(axis=1)

    x, i = floats(6, 5), R.integers(0, 6, (2, 3))
    check(gathers, (x, i, np.array([1, -2])), (x, i[:, :0], np.array([0, 4])))


def test_grids_that_are_raised():
    @lt.op
    def product(a: f32["M K"], b: f32["K N"], scale: float = 0.5):
        M, K = a.shape
        N = b.shape[1]
        out = lt.zeros((M, N), f32)
        for i, j in lt.grid(M, N):
            acc = f32(0)
            for k in lt.grid(K):
                acc += a[i, k] * b[k, j]
            out[i, j] = acc * scale
        return out

    check(product, (floats(3, 5), floats(5, 2)), (floats(3, 0), floats(0, 2)))
    function = product.to_onnx("own::Product")
    assert "Einsum" in {node.op_type for node in function.node}
    assert function.attribute_proto[0].name == "scale"


def test_what_onnx_cannot_say():
    @lt.op
    def loop(x: f32["N"]):
        total = f32(0)
        for i in range(x.shape[0]):
            total = total * 0.5 + x[i]
        return total

    line = loop.source.node.lineno
    with pytest.raises(lt.OperatorError, match="E0130: `loop` is no ONNX function: ") as caught:
        loop.to_onnx()
    (finding,) = caught.value.findings
    assert finding.place.line > line and finding.text.strip()

    @lt.op
    def numbered(x: f32["N"], *, k: lt.const = 1):
        return x * k

    for name, constants, message in (
        ("plain", {}, "'plain' names no function of a domain of its own"),
        (None, {"n": 1}, "operator 'numbered' has no constant 'n'"),
    ):
        with pytest.raises(lt.InputError, match=message):
            numbered.to_onnx(name, constants)
    assert numbered.to_onnx().domain == "longtail"


# Examples that are maps, sums and products in whatever way they are written. Others may be.
EXPRESSIBLE = {
    "deform_conv2d", "grid_sample", "pixel_shuffle", "rope", "stft_mel", "unfold",
    "topk", "window_partition", "window_reverse", "yolo_decode",
}  # fmt: skip


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.stem)
def test_examples(file):
    """Each example is an ONNX function that gives the same, or is refused at a line of it."""
    for operator, _, cases in importlib.import_module(file.stem).OPERATORS:
        chosen = list(cases(np.random.default_rng(0)))[:2]
        try:
            check(operator, *chosen, rtol=1e-3, atol=1e-4)
        except lt.OperatorError as error:
            (finding,) = error.findings
            assert finding.code == "E0130" and finding.place is not None, error
            assert operator.name not in EXPRESSIBLE, error


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_random_programs(tmp_path):
    """Those that can be said in ONNX give there what they give in Python."""
    from random_programs import generate
    from random_runs import PYTHON_REFUSES, cases, load

    compared = 0
    for seed in range(40):
        operator = load(generate(seed), tmp_path)
        try:
            operator.to_onnx("own::Operator")
        except lt.OperatorError:
            continue
        for arguments in cases(generate(seed)):
            try:
                operator.python(*arguments)
            except PYTHON_REFUSES:
                continue
            check(operator, arguments, rtol=1e-4)
            compared += 1
    assert compared > 10
