"""Building a graph node by node, with weights that keep the activations in range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

Shape = Sequence[int | str | None]


class Network:
    """A graph under construction. Every method that adds something returns its output's name."""

    def __init__(self, name: str, opset: int = 17, seed: int = 2026, prefix: str = "") -> None:
        self.name, self.opset, self.prefix = name, opset, prefix
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """A node with one output."""
        return self.nodes_outputs(operator, 1, *inputs, domain=domain, **attributes)[0]

    def nodes_outputs(
        self, operator: str, count: int, *inputs: str, domain: str = "", **attributes: Any
    ) -> list[str]:
        """A node with `count` outputs."""
        base = f"{self.prefix}{operator}_{len(self.nodes)}"
        outputs = [base if count == 1 else f"{base}_{k}" for k in range(count)]
        self.nodes.append(
            helper.make_node(operator, inputs, outputs, base, domain=domain, **attributes)
        )
        return outputs

    def rename(self, value: str, name: str) -> str:
        """Give an output of the graph its name."""
        for node in self.nodes:
            for outputs in (node.input, node.output):
                for k, each in enumerate(outputs):
                    if each == value:
                        outputs[k] = name
        return name

    def constant(self, value: Any, dtype: Any = None) -> str:
        """An initializer; whole numbers are int64 and others f32 unless `dtype` says more."""
        array = np.asarray(value)
        if dtype is None:
            dtype = np.int64 if array.dtype.kind in "iu" else np.float32
        name = f"{self.prefix}weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array.astype(dtype), name))
        return name

    def uniform(self, low: float, high: float, *shape: int) -> str:
        """A random weight."""
        return self.constant(self.random.uniform(low, high, shape), np.float32)

    def convolution(
        self,
        x: str,
        channels: int,
        outputs: int,
        size: int | tuple[int, int] = 3,
        stride: int | tuple[int, int] = 1,
        group: int = 1,
        bias: bool = True,
        gain: float = 1.0,
        padding: int | None = None,
    ) -> str:
        """A 2-D convolution, padded to keep the sizes, with weights of He's variance."""
        kernel = (size, size) if isinstance(size, int) else size
        strides = (stride, stride) if isinstance(stride, int) else stride
        fan_in = channels // group * kernel[0] * kernel[1]
        bound = gain * float(np.sqrt(6.0 / fan_in))
        operands = [x, self.uniform(-bound, bound, outputs, channels // group, *kernel)]
        if bias:
            operands.append(self.uniform(-0.1, 0.1, outputs))
        pads = [each // 2 if padding is None else padding for each in kernel] * 2
        return self.node(
            "Conv", *operands, kernel_shape=kernel, strides=strides, pads=pads, group=group
        )

    def normalization(self, x: str, channels: int, gain: float = 1.0) -> str:
        """A batch normalisation as training leaves it."""
        return self.node(
            "BatchNormalization",
            x,
            self.uniform(0.7 * gain, 1.1 * gain, channels),
            self.uniform(-0.2, 0.2, channels),
            self.uniform(-0.2, 0.2, channels),
            self.uniform(0.6, 1.4, channels),
            epsilon=1e-5,
        )

    def dense(self, x: str, channels: int, outputs: int, gain: float = 1.0) -> str:
        """x * W for any number of leading dimensions."""
        bound = gain * float(np.sqrt(3.0 / channels))
        return self.node("MatMul", x, self.uniform(-bound, bound, channels, outputs))

    def graph(
        self, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
    ) -> onnx.GraphProto:
        """The graph, also for the body of a control flow node."""
        return helper.make_graph(self.nodes, self.name, inputs, outputs, self.weights)

    def model(
        self, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
    ) -> onnx.ModelProto:
        """The model."""
        return helper.make_model(
            self.graph(inputs, outputs),
            opset_imports=[helper.make_operatorsetid("", self.opset)],
            ir_version=10,
            producer_name="longtail generators",
        )


def floats(name: str, shape: Shape) -> onnx.ValueInfoProto:
    """An f32 input or output."""
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def integers(name: str, shape: Shape) -> onnx.ValueInfoProto:
    """An int64 input or output."""
    return helper.make_tensor_value_info(name, onnx.TensorProto.INT64, shape)


def booleans(name: str, shape: Shape) -> onnx.ValueInfoProto:
    """A bool input or output."""
    return helper.make_tensor_value_info(name, onnx.TensorProto.BOOL, shape)
