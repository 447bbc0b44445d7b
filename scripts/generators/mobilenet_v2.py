"""MobileNetV2 (Sandler et al., 2018) at width 0.5: inverted residuals, ReLU6 as Clip."""

from __future__ import annotations

import onnx

from .network import Network, floats

# Expansion, channels at width 1, repetitions, stride of the first.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def build(name: str) -> onnx.ModelProto:
    net = Network(name, seed=2018)
    zero, six = net.constant(0.0), net.constant(6.0)

    def layer(x: str, channels: int, outputs: int, size: int, stride: int, group: int) -> str:
        x = net.convolution(x, channels, outputs, size, stride, group, bias=False)
        return net.node("Clip", net.normalization(x, outputs), zero, six)

    x, channels = layer("image", 3, 16, 3, 2, 1), 16
    for expansion, full, repeats, first in STAGES:
        outputs = full // 2
        for k in range(repeats):
            stride, wide = (first if k == 0 else 1), channels * expansion
            y = layer(x, channels, wide, 1, 1, 1) if expansion > 1 else x
            y = layer(y, wide, wide, 3, stride, wide)
            y = net.normalization(net.convolution(y, wide, outputs, 1, bias=False), outputs)
            x = net.node("Add", x, y) if stride == 1 and channels == outputs else y
            channels = outputs
    x = layer(x, channels, 1280, 1, 1, 1)
    x = net.node("ReduceMean", x, axes=[2, 3], keepdims=0)
    x = net.node("Gemm", x, net.uniform(-0.05, 0.05, 1280, 1000), net.uniform(-0.1, 0.1, 1000))
    net.rename(x, "logits")
    return net.model([floats("image", ["batch", 3, 160, 160])], [floats("logits", ["batch", 1000])])
