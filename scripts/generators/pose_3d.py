"""A 3-D human pose network of the kind that regresses joints from volumetric heat maps (Sun et al.,
2018; Moon et al., 2019) on a MobileNetV2-style trunk: PReLU, skips by concatenation, bilinear
enlargement, and a soft arg-max over each joint's volume."""

from __future__ import annotations

import numpy as np
import onnx

from .network import Network, floats

JOINTS, DEPTH, SIDE = 21, 32, 32
# Channels out and stride of each pair of blocks of the trunk.
STAGES = ((24, 2), (32, 2), (64, 2), (96, 2))


def build(name: str) -> onnx.ModelProto:
    net = Network(name, seed=3)

    def layer(x: str, channels: int, outputs: int, size: int, stride: int, group: int) -> str:
        x = net.convolution(x, channels, outputs, size, stride, group, bias=False)
        return net.node(
            "PRelu", net.normalization(x, outputs), net.uniform(0.1, 0.4, outputs, 1, 1)
        )

    def residual(x: str, channels: int, outputs: int, stride: int) -> str:
        wide = 4 * channels
        y = layer(layer(x, channels, wide, 1, 1, 1), wide, wide, 3, stride, wide)
        y = net.normalization(net.convolution(y, wide, outputs, 1, bias=False), outputs)
        return net.node("Add", x, y) if stride == 1 and channels == outputs else y

    x, channels = layer("image", 3, 16, 3, 1, 1), 16
    skips = []
    for outputs, stride in STAGES:
        x = residual(x, channels, outputs, stride)
        x = residual(x, outputs, outputs, 1)
        skips.append((x, outputs))
        channels = outputs
    x = layer(x, channels, 192, 1, 1, 1)
    channels = 192
    for skip, width in reversed(skips[1:-1]):  # 8x8 -> 16x16 -> 32x32
        x = net.node(
            "Resize",
            x,
            "",
            net.constant(np.asarray([1, 1, 2, 2], np.float32)),
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
        x = net.node("Concat", x, skip, axis=1)
        x = layer(x, channels + width, 128, 1, 1, 1)
        x = layer(x, 128, 128, 3, 1, 128)
        channels = 128
    x = net.convolution(x, channels, JOINTS * DEPTH, 1, gain=3.0)
    net.rename(_soft_argmax(net, x), "joints")
    return net.model(
        [floats("image", ["batch", 3, 128, 128])], [floats("joints", ["batch", JOINTS, 3])]
    )


def _soft_argmax(net: Network, maps: str) -> str:
    """Expected x, y and z of each joint, from -0.5 to 0.5: [batch, JOINTS * DEPTH, SIDE, SIDE] to
    [batch, JOINTS, 3]."""
    flat = net.node("Reshape", maps, net.constant([0, JOINTS, DEPTH * SIDE * SIDE]))
    chance = net.node("Softmax", flat, axis=2)
    volume = net.node("Reshape", chance, net.constant([0, JOINTS, DEPTH, SIDE, SIDE]))
    coordinates = []
    for axes, size in (([2, 3], SIDE), ([2, 4], SIDE), ([3, 4], DEPTH)):
        profile = net.node("ReduceSum", volume, net.constant(axes), keepdims=0)
        weighted = net.node("Mul", profile, net.constant(np.arange(size, dtype=np.float32)))
        mean = net.node("ReduceSum", weighted, net.constant([2]), keepdims=1)
        scaled = net.node("Div", mean, net.constant(float(size)))
        coordinates.append(net.node("Sub", scaled, net.constant(0.5)))
    return net.node("Concat", *coordinates, axis=2)
