"""Operators of the language as operators of PyTorch; skipped where PyTorch is not installed."""

import numpy as np
import pytest

import longtail as lt
from longtail import bf16, bool_, f16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64
from nms import boxes_of, nms, nms_reference
from roi_align import roi_align
from window_partition import window_partition

torch = pytest.importorskip("torch")


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(5)


def test_windows(generator):
    constants = {"win": 4, "shift": 1}
    partition = window_partition.to_torch("longtail_test::partition", constants)
    x = torch.rand((2, 8, 12, 3), generator=generator)
    expected = window_partition.python(x.numpy(), **constants)
    for given in (x, x.transpose(1, 2).contiguous().transpose(1, 2), x.requires_grad_()):
        np.testing.assert_array_equal(partition(given).detach().numpy(), expected)
    found = torch.ops.longtail_test.partition(x.detach())
    np.testing.assert_array_equal(found.numpy(), expected)
    torch.library.opcheck(partition, (x.detach(),))


def test_meta_function():
    """The shape, without any elements; what the operator asserts is checked."""
    partition = window_partition.to_torch("longtail_test::meta", {"win": 4, "shift": 1})
    found = partition(torch.empty((2, 8, 12, 3), device="meta"))
    assert found.device.type == "meta"
    assert (found.shape, found.dtype) == ((12, 16, 3), torch.float32)
    with pytest.raises(RuntimeError, match="H % win"):
        partition(torch.empty((2, 9, 12, 3), device="meta"))
    with pytest.raises(lt.DTypeError, match=r"argument 'x' is torch\.float64, expected torch\."):
        partition(torch.empty((2, 8, 12, 3), device="meta", dtype=torch.float64))
    with pytest.raises(lt.ShapeError, match="argument 'x' has rank 3, expected 4"):
        partition(torch.empty((2, 8, 12), device="meta"))


def test_compiled_by_torch(generator):
    """One graph, whose sizes stay symbols."""
    partition = window_partition.to_torch("longtail_test::compiled", {"win": 4, "shift": 1})

    @torch.compile(backend="aot_eager", fullgraph=True, dynamic=True)
    def function(x):
        return partition(x * 2).sum(dim=1)

    for shape in ((2, 8, 12, 3), (1, 4, 8, 5), (3, 16, 4, 2)):
        x = torch.rand(shape, generator=generator)
        expected = window_partition.python((x * 2).numpy(), win=4, shift=1).sum(axis=1)
        np.testing.assert_allclose(function(x).numpy(), expected, rtol=1e-6)


def test_exported(generator):
    class Model(torch.nn.Module):
        def forward(self, x):
            return partition(x) + 1

    partition = window_partition.to_torch("longtail_test::exported", {"win": 4, "shift": 1})
    x = torch.rand((2, 8, 12, 3), generator=generator)
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(Model(), (x,), dynamic_shapes={"x": {0: batch}})
    assert "longtail_test.exported" in str(program.graph)
    x = torch.rand((5, 8, 12, 3), generator=generator)
    expected = window_partition.python(x.numpy(), win=4, shift=1) + 1
    np.testing.assert_array_equal(program.module()(x).numpy(), expected)


def test_numbers_and_defaults(generator):
    align = roi_align.to_torch("longtail_test::align", {"PH": 3, "PW": 2, "ratio": 2})
    features = torch.rand((1, 2, 9, 7), generator=generator)
    boxes = torch.tensor([[0, 1, 1, 6, 5], [0, 0.5, 2, 3, 8]])
    for named in ({}, {"scale": 0.5}):
        expected = roi_align.python(features.numpy(), boxes.numpy(), PH=3, PW=2, ratio=2, **named)
        found = align(features, boxes, **named)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
    torch.library.opcheck(align, (features, boxes), {"scale": 0.5})


def test_sizes_of_data():
    """How many boxes are kept is a size that nobody knows while tracing."""
    suppress = nms.to_torch("longtail_test::nms")
    rng = np.random.default_rng(2)
    boxes, scores = boxes_of(rng, 40), rng.random(40, np.float32)
    expected = nms_reference(boxes, scores, 0.3)
    tensors = torch.from_numpy(boxes), torch.from_numpy(scores)
    np.testing.assert_array_equal(suppress(*tensors, 0.3).numpy(), expected)

    @torch.compile(backend="aot_eager", fullgraph=True)
    def kept(boxes, scores):
        return boxes[suppress(boxes, scores, 0.3)]

    with torch._dynamo.config.patch(capture_dynamic_output_shape_ops=True):
        np.testing.assert_array_equal(kept(*tensors).numpy(), boxes[expected])


def test_several_results(generator):
    @lt.op
    def moments(x: f32["M N"], *, power: int = 2):
        y = x**power
        return (x.mean(axis=1), y.mean(axis=1)), x.shape[1], x[: x.shape[0] // 2]

    several = moments.to_torch("longtail_test::moments")
    x = torch.rand((5, 6), generator=generator)
    for power in (2, 3):
        first, second, count, half = several(x, power=power)
        np.testing.assert_allclose(first.numpy(), x.numpy().mean(axis=1), rtol=1e-6)
        np.testing.assert_allclose(second.numpy(), (x.numpy() ** power).mean(axis=1), rtol=1e-6)
        assert (count.shape, count.item()) == ((), 6)
        np.testing.assert_array_equal(half.numpy(), x.numpy()[:2])
    found = several(x.to("meta"))
    assert [each.shape for each in found] == [(5,), (5,), (), (2, 6)]
    torch.library.opcheck(several, (x,))


def test_derived_sizes():
    """Sizes that are the greater one of two, or chosen by a comparison."""

    @lt.op
    def chosen(x: f32["M"], y: f32["N"]):
        M, N = x.shape[0], y.shape[0]
        return lt.zeros((M if M < N else N + 1, 2), f32), lt.zeros(max(M, N), f32)

    made = chosen.to_torch("longtail_test::chosen")
    for m, n in ((2, 5), (5, 2), (3, 3)):
        expected = [each.shape for each in chosen.python(np.ones(m, "f"), np.ones(n, "f"))]
        tensors = torch.ones(m), torch.ones(n)
        assert [tuple(each.shape) for each in made(*tensors)] == expected
        assert [tuple(each.shape) for each in made(*(t.to("meta") for t in tensors))] == expected


@pytest.mark.parametrize(
    "dtype", [f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, bool_], ids=str
)
def test_element_types(dtype):
    @lt.op
    def flipped(x: dtype["N"]):
        return lt.flip(x, 0)

    made = flipped.to_torch(f"longtail_test::flipped_{dtype.name}")
    x = torch.tensor([1, 0, 1, 1]).to(getattr(torch, dtype.dtype.name))
    found = made(x)
    assert found.dtype is x.dtype
    assert found.tolist() == x.tolist()[::-1]
    assert made(x.to("meta")).dtype is x.dtype
    assert made(x[:0]).shape == (0,)


def test_errors():
    with pytest.raises(lt.InputError, match="'nms' names no operator of PyTorch"):
        nms.to_torch("nms")
    with pytest.raises(lt.InputError, match="operator 'nms' has no constant 'most'"):
        nms.to_torch("longtail_test::constant", {"most": 3})
    with pytest.raises(lt.InputError, match="operator 'window_partition': constant `win`"):
        window_partition.to_torch("longtail_test::missing")

    @lt.op
    def scaled(x: f32["N"], by: float = float("inf")):
        return x * by

    with pytest.raises(lt.InputError, match="'by' is inf by default"):
        scaled.to_torch("longtail_test::scaled")


def test_errors_of_calls():
    """They are those of the operator itself."""
    partition = window_partition.to_torch("longtail_test::calls", {"win": 4, "shift": 1})
    with pytest.raises(lt.InputError, match="H % win"):
        partition(torch.zeros((2, 9, 12, 3)))
    with pytest.raises(lt.DTypeError, match="float64"):
        partition(torch.zeros((2, 8, 12, 3), dtype=torch.float64))
