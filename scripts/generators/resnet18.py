"""ResNet-18 (He et al., 2015) as PyTorch exports it in training layout: normalisations not folded,
any batch and picture size."""

from __future__ import annotations

import onnx

from .network import Network, floats


def build(name: str) -> onnx.ModelProto:
    net = Network(name, seed=18)
    x = net.convolution("image", 3, 64, 7, 2, bias=False)
    x = net.node("Relu", net.normalization(x, 64))
    x = net.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for stage, width in enumerate((64, 128, 256, 512)):
        for block in range(2):
            stride = 2 if stage and not block else 1
            x = _block(net, x, channels, width, stride)
            channels = width
    x = net.node("GlobalAveragePool", x)
    x = net.node("Flatten", x, axis=1)
    bound = 0.05
    x = net.node(
        "Gemm", x, net.uniform(-bound, bound, 1000, 512), net.uniform(-0.1, 0.1, 1000), transB=1
    )
    net.rename(x, "logits")
    return net.model(
        [floats("image", ["batch", 3, "height", "width"])], [floats("logits", ["batch", 1000])]
    )


def _block(net: Network, x: str, channels: int, width: int, stride: int) -> str:
    """Two 3x3 convolutions and a shortcut, which is a 1x1 convolution where sizes change."""
    y = net.convolution(x, channels, width, 3, stride, bias=False)
    y = net.node("Relu", net.normalization(y, width))
    y = net.normalization(net.convolution(y, width, width, 3, bias=False), width, gain=0.5)
    if stride != 1 or channels != width:
        x = net.normalization(net.convolution(x, channels, width, 1, stride, bias=False), width)
    return net.node("Relu", net.node("Add", y, x))
