"""PP-LCNet (Cui et al., 2021) at width 0.5: depthwise separable convolutions with h-swish, larger
kernels and squeeze-and-excitation at the end, as Paddle's exporter spells them."""

from __future__ import annotations

import onnx

from .network import Network, floats

# Kernel, channels in and out at width 1, stride, whether with squeeze-and-excitation.
BLOCKS = (
    (3, 16, 32, 1, False),
    (3, 32, 64, 2, False),
    (3, 64, 64, 1, False),
    (3, 64, 128, 2, False),
    (3, 128, 128, 1, False),
    (3, 128, 256, 2, False),
    *((5, 256, 256, 1, False),) * 5,
    (5, 256, 512, 2, True),
    (5, 512, 512, 1, True),
)


def build(name: str) -> onnx.ModelProto:
    net = Network(name, opset=11, seed=2021)
    three, six = net.constant(3.0), net.constant(6.0)
    low, high = net.constant(0.0), net.constant(6.0)

    def h_swish(x: str) -> str:
        gate = net.node("Clip", net.node("Add", x, three), low, high)
        return net.node("Div", net.node("Mul", x, gate), six)

    def layer(x: str, channels: int, outputs: int, size: int, stride: int, group: int) -> str:
        x = net.convolution(x, channels, outputs, size, stride, group, bias=False)
        return h_swish(net.normalization(x, outputs, gain=1.4))

    def excitation(x: str, channels: int) -> str:
        y = net.node("GlobalAveragePool", x)
        y = net.node("Relu", net.convolution(y, channels, channels // 4, 1))
        y = net.convolution(y, channels // 4, channels, 1)
        return net.node("Mul", x, net.node("HardSigmoid", y, alpha=1 / 6, beta=0.5))

    x = layer("image", 3, 8, 3, 2, 1)
    for size, full_in, full_out, stride, squeezed in BLOCKS:
        channels, outputs = full_in // 2, full_out // 2
        x = layer(x, channels, channels, size, stride, channels)
        if squeezed:
            x = excitation(x, channels)
        x = layer(x, channels, outputs, 1, 1, 1)
    x = net.node("GlobalAveragePool", x)
    x = h_swish(net.convolution(x, 256, 1280, 1, bias=False))
    x = net.node("Flatten", x, axis=1)
    x = net.node("Add", net.dense(x, 1280, 1000, gain=0.5), net.uniform(-0.1, 0.1, 1000))
    net.rename(net.node("Softmax", x, axis=1), "probabilities")
    return net.model(
        [floats("image", ["batch", 3, "height", "width"])],
        [floats("probabilities", ["batch", 1000])],
    )
