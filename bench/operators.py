"""The operators that are timed: one small ONNX model each, and what it costs at the least.

A case states its multiply-adds and other arithmetic as FLOPs where they can bound it (0: only the
bytes count). The bytes are those of inputs, weights and outputs, each moved once, unless the case
says that it needs fewer: a gather reads only the rows that it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

FOLDER = Path(__file__).resolve().parent.parent / "build" / "bench" / "operators"
Arrays = Mapping[str, np.ndarray]
Step = tuple[str, str, str, dict[str, Any]]  # operator, inputs, outputs (by spaces), attributes


@dataclass(frozen=True)
class Operator:
    """A case: `steps` from `inputs` and `weights` to the outputs of the last step.

    `flops` of one run; `moved` bytes, if less than all inputs, weights and outputs.
    """

    name: str
    group: str
    steps: tuple[Step, ...]
    inputs: Arrays
    weights: Arrays = field(default_factory=dict)
    flops: float = 0
    moved: int | None = None

    @cached_property
    def path(self) -> Path:
        """The ONNX file, written anew in every process: a case may have changed."""
        nodes = [
            # "-" in a list of inputs is one that is left out.
            helper.make_node(
                kind,
                ["" if each == "-" else each for each in reads.split()],
                makes.split(),
                **attributes,
            )
            for kind, reads, makes, attributes in self.steps
        ]
        graph = helper.make_graph(
            nodes,
            "operator",
            [
                helper.make_tensor_value_info(
                    name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
                )
                for name, array in self.inputs.items()
            ],
            [onnx.ValueInfoProto(name=name) for name in nodes[-1].output],
            [numpy_helper.from_array(array, name) for name, array in self.weights.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
        model = onnx.shape_inference.infer_shapes(model, check_type=True, data_prop=True)
        onnx.checker.check_model(model)
        FOLDER.mkdir(parents=True, exist_ok=True)
        file = FOLDER / f"{self.name.replace(' ', '-').replace('/', '-')}.onnx"
        onnx.save(model, file)
        return file

    def bytes_moved(self, outputs: list[np.ndarray]) -> int:
        """The bytes that a run has to read and write at the least, given its results."""
        if self.moved is not None:
            return self.moved
        arrays = [*self.inputs.values(), *self.weights.values(), *outputs]
        return sum(array.nbytes for array in arrays)


def _floats(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def _numbers(limit: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, limit, shape, dtype=np.int64)


def _step(kind: str, reads: str = "x", makes: str = "y", **attributes: Any) -> Step:
    return kind, reads, makes, attributes


def _list(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def _gemm(m: int, k: int, n: int, group: str = "gemm") -> Operator:
    return Operator(
        f"gemm {m}x{k}x{n}",
        group,
        (_step("MatMul", "x w"),),
        {"x": _floats(m, k)},
        {"w": _floats(k, n, seed=3)},
        2.0 * m * k * n,
    )


def _conv(
    name: str,
    group: str,
    channels: tuple[int, int],
    kernel: tuple[int, ...],
    size: tuple[int, ...],
    groups: int = 1,
    stride: int = 1,
    dilation: int = 1,
) -> Operator:
    """A convolution that pads by half its kernel."""
    given, made = channels
    rank = len(kernel)
    pads = [dilation * (k // 2) for k in kernel]
    ends = [
        (s + 2 * p - dilation * (k - 1) - 1) // stride + 1
        for s, p, k in zip(size, pads, kernel, strict=True)
    ]
    flops = 2.0 * made * np.prod(ends) * (given // groups) * np.prod(kernel)
    return Operator(
        name,
        group,
        (
            _step(
                "Conv",
                "x w b",
                group=groups,
                strides=[stride] * rank,
                pads=pads * 2,
                dilations=[dilation] * rank,
            ),
        ),
        {"x": _floats(1, given, *size)},
        {"w": _floats(made, given // groups, *kernel, seed=3), "b": _floats(made, seed=4)},
        float(flops),
    )


def _transposed(name: str, channels: tuple[int, int], kernel: int, pad: int, size: int) -> Operator:
    """A transposed convolution of stride 2; every input element meets every weight once."""
    given, made = channels
    return Operator(
        name,
        "transposed, 1-D, 3-D",
        (_step("ConvTranspose", "x w", strides=[2, 2], pads=[pad] * 4),),
        {"x": _floats(1, given, size, size)},
        {"w": _floats(given, made, kernel, kernel, seed=3)},
        2.0 * given * made * kernel**2 * size**2,
    )


def _attention(heads: int, length: int, width: int) -> Operator:
    scores = (
        _step("Transpose", "k", "t", perm=[0, 1, 3, 2]),
        _step("MatMul", "q t", "s"),
        _step("Mul", "s c", "scaled"),
        _step("Softmax", "scaled", "p", axis=-1),
        _step("MatMul", "p v", "y"),
    )
    shape = (1, heads, length, width)
    return Operator(
        f"attention {heads}x{length}x{width}",
        "attention",
        scores,
        {name: _floats(*shape, seed=k) for k, name in enumerate("qkv")},
        {"c": np.array(width**-0.5, np.float32)},
        4.0 * heads * length * length * width,
    )


def _unary(kind: str) -> Operator:
    return Operator(f"{kind} 1M", "unary", (_step(kind),), {"x": _floats(1 << 20)})


def _reduce(kind: str, name: str, shape: tuple[int, ...], axis: int) -> Operator:
    return Operator(
        f"{kind} {name}",
        "reduction",
        (_step(kind, "x a", keepdims=0),),
        {"x": _floats(*shape)},
        {"a": _list(axis)},
    )


def _transpose(name: str, shape: tuple[int, ...], order: tuple[int, ...]) -> Operator:
    return Operator(
        f"transpose {name}",
        "transpose",
        (_step("Transpose", perm=list(order)),),
        {"x": _floats(*shape)},
    )


def _recurrent(kind: str, gates: int, length: int, width: int, ways: int = 1) -> Operator:
    both = "bidirectional" if ways == 2 else "forward"
    steps = (_step(kind, "x w r b", hidden_size=width, direction=both),)
    weights = {
        "w": _floats(ways, gates * width, width, seed=3) / 8,
        "r": _floats(ways, gates * width, width, seed=4) / 8,
        "b": _floats(ways, 2 * gates * width, seed=5),
    }
    return Operator(
        f"{kind} h{width} t{length}{' both ways' if ways == 2 else ''}",
        "recurrent",
        steps,
        {"x": _floats(length, 1, width)},
        weights,
        4.0 * ways * gates * length * width * width,
    )


def _pool(kind: str, channels: int, size: int, kernel: int, stride: int) -> Operator:
    attributes = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [kernel // 2] * 4}
    return Operator(
        f"{kind} {kernel}s{stride} {channels}@{size}",
        "pooling",
        (_step(kind, **attributes),),
        {"x": _floats(1, channels, size, size)},
    )


def _resize(mode: str, scale: float, channels: int, size: int) -> Operator:
    return Operator(
        f"resize {mode} {scale:g}x {channels}@{size}",
        "resize",
        (_step("Resize", "x - s", mode=mode),),
        {"x": _floats(1, channels, size, size)},
        {"s": np.array([1, 1, scale, scale], np.float32)},
    )


def _boxes(count: int) -> np.ndarray:
    corners = np.random.default_rng(1).uniform(0, 600, (count, 2))
    sizes = np.random.default_rng(2).uniform(10, 90, (count, 2))
    return np.concatenate([corners, corners + sizes], 1).astype(np.float32)


def _contractions() -> list[Operator]:
    rng = np.random.default_rng(1)
    deform = {
        "w": _floats(64, 64, 3, 3, seed=3),
        "o": _floats(1, 18, 28, 28, seed=4),
    }
    return [
        *(_gemm(n, n, n) for n in (384, 768)),
        _gemm(128, 768, 3072),
        *(_gemm(n, n, n, "gemm tiny, odd, skinny") for n in (64, 128)),
        _gemm(37, 53, 71, "gemm tiny, odd, skinny"),
        _gemm(127, 129, 131, "gemm tiny, odd, skinny"),
        _gemm(49, 512, 512, "gemm tiny, odd, skinny"),
        _gemm(1, 4096, 4096, "gemv"),
        _gemm(1, 2048, 1000, "gemv"),
        _conv("conv 7x7 s2 3-64@224", "conv", (3, 64), (7, 7), (224, 224), stride=2),
        _conv("conv 3x3 s2 64-128@56", "conv", (64, 128), (3, 3), (56, 56), stride=2),
        _conv("conv 3x3 dilated 64@56", "conv", (64, 64), (3, 3), (56, 56), dilation=2),
        _conv("conv 3x3 64@56", "conv 3x3", (64, 64), (3, 3), (56, 56)),
        _conv("conv 3x3 256@14", "conv 3x3", (256, 256), (3, 3), (14, 14)),
        _conv("conv 3x3 512@7", "conv 3x3", (512, 512), (3, 3), (7, 7)),
        _conv("conv 1x1 64-256@56", "conv 1x1", (64, 256), (1, 1), (56, 56)),
        _conv("conv 1x1 16-96@112", "conv 1x1", (16, 96), (1, 1), (112, 112)),
        _conv("conv 1x1 96-24@56", "conv 1x1", (96, 24), (1, 1), (56, 56)),
        _conv("depthwise 3x3 144@56", "depthwise", (144, 144), (3, 3), (56, 56), 144),
        _conv("depthwise 3x3 s2 96@112", "depthwise", (96, 96), (3, 3), (112, 112), 96, 2),
        _conv("depthwise 5x5 256@14", "depthwise", (256, 256), (5, 5), (14, 14), 256),
        _conv("grouped 32 3x3 128@56", "grouped", (128, 128), (3, 3), (56, 56), 32),
        _conv("conv 1-D k3 256 t1000", "transposed, 1-D, 3-D", (256, 256), (3,), (1000,)),
        _conv("conv 3-D 32@16", "transposed, 1-D, 3-D", (32, 32), (3, 3, 3), (16, 16, 16)),
        _transposed("transposed k4s2 128-64@28", (128, 64), 4, 1, 28),
        _transposed("transposed k2s2 64-24@80", (64, 24), 2, 0, 80),
        Operator(
            "deformable 64@28",
            "deformable",
            (_step("DeformConv", "x w o", pads=[1, 1, 1, 1]),),
            {"x": _floats(1, 64, 28, 28), "o": deform["o"]},
            {"w": deform["w"]},
            2.0 * 64 * 64 * 9 * 28 * 28,
        ),
        _attention(12, 128, 64),
        _attention(12, 512, 64),
        _recurrent("LSTM", 4, 100, 128),
        _recurrent("LSTM", 4, 80, 256, 2),
        _recurrent("GRU", 3, 100, 128),
        Operator(
            "int8 matmul 128x768x768",
            "int8",
            (_step("MatMulInteger", "x w"),),
            {"x": rng.integers(0, 256, (128, 768), dtype=np.uint8)},
            {"w": rng.integers(-127, 128, (768, 768), dtype=np.int8)},
            2.0 * 128 * 768 * 768,
        ),
        Operator(
            "int8 conv 3x3 64@56",
            "int8",
            (_step("ConvInteger", "x w", pads=[1] * 4),),
            {"x": rng.integers(0, 256, (1, 64, 56, 56), dtype=np.uint8)},
            {"w": rng.integers(-127, 128, (64, 64, 3, 3), dtype=np.int8)},
            2.0 * 64 * 64 * 9 * 56 * 56,
        ),
    ]


def _rows_and_elements() -> list[Operator]:
    scale = {"g": _floats(768, seed=3), "b": _floats(768, seed=4)}
    million = {"x": _floats(1 << 20)}
    return [
        *(
            Operator(
                f"softmax {'x'.join(map(str, shape))} axis {axis}",
                "softmax, norms",
                (_step("Softmax", axis=axis),),
                {"x": _floats(*shape)},
            )
            for shape, axis in (((12, 128, 128), -1), ((64, 1000), -1), ((1, 21, 65, 65), 1))
        ),
        Operator(
            "layer norm 128x768",
            "softmax, norms",
            (_step("LayerNormalization", "x g b"),),
            {"x": _floats(128, 768)},
            scale,
        ),
        Operator(
            "layer norm 4096x1024",
            "softmax, norms",
            (_step("LayerNormalization", "x g b"),),
            {"x": _floats(4096, 1024)},
            {"g": _floats(1024, seed=3), "b": _floats(1024, seed=4)},
        ),
        Operator(
            "instance norm 64@128",
            "softmax, norms",
            (_step("InstanceNormalization", "x g b"),),
            {"x": _floats(1, 64, 128, 128)},
            {"g": _floats(64, seed=3), "b": _floats(64, seed=4)},
        ),
        *(_unary(kind) for kind in ("Exp", "Tanh", "Sigmoid", "Sin", "Erf", "Gelu", "HardSwish")),
        Operator(
            "Log 1M", "unary", (_step("Log"),), {"x": np.abs(million["x"]) + np.float32(0.01)}
        ),
        Operator(
            "chain of 6, 1M",
            "chains",
            (
                _step("Mul", "x x", "a"),
                _step("Add", "a c", "b"),
                _step("Sqrt", "b", "d"),
                _step("Div", "x d", "e"),
                _step("Relu", "e", "f"),
                _step("Sub", "f x"),
            ),
            million,
            {"c": np.array(1, np.float32)},
        ),
        Operator(
            "silu times, 512x2048",
            "chains",
            (_step("Sigmoid", "x", "s"), _step("Mul", "x s", "p"), _step("Mul", "p z")),
            {"x": _floats(512, 2048), "z": _floats(512, 2048, seed=2)},
        ),
        Operator(
            "bias relu 64@112",
            "chains",
            (_step("Add", "x b", "s"), _step("Relu", "s")),
            {"x": _floats(1, 64, 112, 112)},
            {"b": _floats(64, 1, 1)},
        ),
        Operator(
            "where chain 1M",
            "chains",
            (_step("Greater", "x z", "m"), _step("Exp", "x", "e"), _step("Where", "m e z")),
            {"x": _floats(1 << 20), "z": _floats(1 << 20, seed=2)},
        ),
        _reduce("ReduceSum", "axis 0 1024x2048", (1024, 2048), 0),
        _reduce("ReduceSum", "axis -1 1024x2048", (1024, 2048), -1),
        _reduce("ReduceMax", "middle 16x256x512", (16, 256, 512), 1),
        *(
            Operator(
                f"argmax axis {axis} 1000x1024",
                "reduction",
                (_step("ArgMax", axis=axis, keepdims=0),),
                {"x": _floats(1000, 1024)},
            )
            for axis in (-1, 0)
        ),
        *(
            Operator(
                f"cumsum axis {axis} 512x4096",
                "cumsum",
                (_step("CumSum", "x a"),),
                {"x": _floats(512, 4096)},
                {"a": np.array(axis, np.int64)},
            )
            for axis in (1, 0)
        ),
    ]


def _windows_and_grids() -> list[Operator]:
    boxes = _boxes(512)
    rois = np.ascontiguousarray(boxes / np.float32(16))
    return [
        _pool("MaxPool", 64, 112, 3, 2),
        _pool("MaxPool", 128, 20, 5, 1),
        _pool("AveragePool", 64, 56, 3, 1),
        Operator(
            "global average 1280@7",
            "pooling",
            (_step("GlobalAveragePool"),),
            {"x": _floats(1, 1280, 7, 7)},
        ),
        _resize("linear", 2, 64, 56),
        _resize("linear", 0.5, 64, 112),
        _resize("nearest", 2, 64, 56),
        _resize("cubic", 2, 3, 224),
        Operator(
            "grid sample 32@64",
            "grid sample",
            (_step("GridSample", "x g", mode="linear"),),
            {"x": _floats(1, 32, 64, 64), "g": _floats(1, 64, 64, 2, seed=2)},
        ),
        Operator(
            "RoiAlign 512 64@50",
            "regions, boxes, sorting",
            (
                _step(
                    "RoiAlign",
                    "x r i",
                    output_height=7,
                    output_width=7,
                    sampling_ratio=2,
                ),
            ),
            {"x": _floats(1, 64, 50, 50), "r": rois, "i": np.zeros(512, np.int64)},
        ),
        Operator(
            "NMS 5000",
            "regions, boxes, sorting",
            (_step("NonMaxSuppression", "x s n t c"),),
            {"x": _boxes(5000)[None], "s": np.abs(_floats(1, 1, 5000))},
            {
                "n": np.array([300], np.int64),
                "t": np.array([0.5], np.float32),
                "c": np.array([0.25], np.float32),
            },
        ),
        *(
            Operator(
                f"TopK {k} of {n}",
                "regions, boxes, sorting",
                (_step("TopK", "x k", "y i", axis=-1),),
                {"x": _floats(1, n)},
                {"k": _list(k)},
            )
            for k, n in ((300, 8400), (1000, 100000))
        ),
    ]


def _movement() -> list[Operator]:
    table = _floats(32000, 512, seed=3)
    every = np.random.default_rng(1).permutation(65536)[:16384].astype(np.int64)
    return [
        _transpose("2-D 1024", (1024, 1024), (1, 0)),
        _transpose("to channels last 64@112", (1, 64, 112, 112), (0, 2, 3, 1)),
        _transpose("to channels first 64@112", (1, 112, 112, 64), (0, 3, 1, 2)),
        _transpose("0213 128x12x64", (1, 128, 12, 64), (0, 2, 1, 3)),
        _transpose("201 64x128x256", (64, 128, 256), (2, 0, 1)),
        Operator(
            "depth to space 64@128",
            "transpose",
            (_step("DepthToSpace", blocksize=2),),
            {"x": _floats(1, 64, 128, 128)},
        ),
        Operator(
            "window partition 96@56",
            "transpose",
            (_step("Reshape", "x s", "r"), _step("Transpose", "r", perm=[0, 1, 3, 2, 4, 5])),
            {"x": _floats(1, 56, 56, 96)},
            {"s": _list(1, 8, 7, 8, 7, 96)},
        ),
        Operator(
            "concat channels 2x64@56",
            "concat, slice, pad",
            (_step("Concat", "x z", axis=1),),
            {"x": _floats(1, 64, 56, 56), "z": _floats(1, 64, 56, 56, seed=2)},
        ),
        Operator(
            "concat last 2x64",
            "concat, slice, pad",
            (_step("Concat", "x z", axis=1),),
            {"x": _floats(4096, 64), "z": _floats(4096, 64, seed=2)},
        ),
        Operator(
            "slice 1024x768",
            "concat, slice, pad",
            (_step("Slice", "x s e"),),
            {"x": _floats(1024, 1024)},
            {"s": _list(0, 128), "e": _list(1024, 896)},
            moved=2 * 4 * 1024 * 768,
        ),
        Operator(
            "slice step 2 1024x1024",
            "concat, slice, pad",
            (_step("Slice", "x s e a t"),),
            {"x": _floats(1024, 1024)},
            {"s": _list(0), "e": _list(1024), "a": _list(1), "t": _list(2)},
        ),
        *(
            Operator(
                f"pad {mode} 64@112",
                "concat, slice, pad",
                (_step("Pad", "x p", mode=mode),),
                {"x": _floats(1, 64, 112, 112)},
                {"p": _list(0, 0, 1, 1, 0, 0, 1, 1)},
            )
            for mode in ("constant", "reflect")
        ),
        Operator(
            "gather rows 128 of 32000x512",
            "gather, scatter of rows",
            (_step("Gather", "w i"),),
            {"i": _numbers(32000, 128)},
            {"w": table},
            moved=2 * 4 * 128 * 512 + 8 * 128,
        ),
        Operator(
            "scatter rows add 16384x16",
            "gather, scatter of rows",
            (_step("ScatterND", "x i u", reduction="add"),),
            {"x": _floats(65536, 16), "i": every[:, None], "u": _floats(16384, 16)},
        ),
        Operator(
            "gather elements 1024x512",
            "gather, scatter of elements",
            (_step("GatherElements", "x i", axis=1),),
            {"x": _floats(1024, 512), "i": _numbers(512, 1024, 512)},
        ),
        Operator(
            "gather nd 65536",
            "gather, scatter of elements",
            (_step("GatherND", "x i"),),
            {"x": _floats(512, 512), "i": _numbers(512, 65536, 2)},
        ),
        Operator(
            "gather axis 1 256x1024",
            "gather, scatter of elements",
            (_step("Gather", "x i", axis=1),),
            {"x": _floats(256, 1024), "i": _numbers(1024, 512)},
        ),
        Operator(
            "scatter elements 1024x512",
            "gather, scatter of elements",
            (_step("ScatterElements", "x i u", axis=1),),
            {
                "x": _floats(1024, 512),
                "i": np.tile(np.random.default_rng(3).permutation(512), (1024, 1)),
                "u": _floats(1024, 512, seed=2),
            },
        ),
    ]


OPERATORS = [*_contractions(), *_rows_and_elements(), *_windows_and_grids(), *_movement()]
