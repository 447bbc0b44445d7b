"""ECBSR (Zhang et al., 2021), super-resolution of the luma plane, with the branches of training.

Each block adds up a 3x3 convolution, a 1x1 followed by a 3x3, and a 1x1 followed by a scaled
Sobel filter in each direction and by a Laplacian. Between the two steps of a branch the plane is
padded with the bias of the first one, so that the block is exactly one 3x3 convolution: what a
compiler can find out.
"""

from __future__ import annotations

import numpy as np
import onnx

from .network import Network, floats

BLOCKS, CHANNELS = 4, 16
SOBEL = np.asarray([[1, 0, -1], [2, 0, -2], [1, 0, -1]], np.float32)
LAPLACIAN = np.asarray([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32)


def build(name: str) -> onnx.ModelProto:
    scale = {"ecbsr_x2": 2, "ecbsr_x4": 4}[name]
    net = Network(name, seed=scale)
    x = _block(net, "y", 1, CHANNELS, act=True)
    for _ in range(BLOCKS):
        x = _block(net, x, CHANNELS, CHANNELS, act=True)
    x = _block(net, x, CHANNELS, scale * scale, act=False)
    x = net.node("Add", x, "y")  # every pixel of the result begins as its source
    x = net.node("DepthToSpace", x, blocksize=scale, mode="CRD")
    net.rename(x, "enlarged")
    return net.model(
        [floats("y", ["batch", 1, "height", "width"])],
        [floats("enlarged", ["batch", 1, None, None])],
    )


def _block(net: Network, x: str, channels: int, outputs: int, act: bool) -> str:
    """An edge-oriented convolution block."""
    branches = [net.convolution(x, channels, outputs, 3, gain=0.4)]
    middle = 2 * outputs
    bias = net.random.uniform(-0.1, 0.1, middle)
    wide = _pointwise(net, x, channels, middle, bias)
    branches.append(
        net.convolution(_padded(net, wide, bias), middle, outputs, 3, gain=0.4, padding=0)
    )
    for filters in (SOBEL, SOBEL.T, LAPLACIAN):
        bias = net.random.uniform(-0.1, 0.1, outputs)
        edge = _padded(net, _pointwise(net, x, channels, outputs, bias), bias)
        scales = net.random.uniform(-0.1, 0.1, (outputs, 1, 1, 1))
        branches.append(
            net.node(
                "Conv",
                edge,
                net.constant(scales * filters, np.float32),
                net.uniform(-0.1, 0.1, outputs),
                kernel_shape=[3, 3],
                group=outputs,
            )
        )
    total = branches[0]
    for branch in branches[1:]:
        total = net.node("Add", total, branch)
    return net.node("PRelu", total, net.uniform(0.05, 0.3, outputs, 1, 1)) if act else total


def _pointwise(net: Network, x: str, channels: int, outputs: int, bias: np.ndarray) -> str:
    bound = float(np.sqrt(3.0 / channels))
    weight = net.uniform(-bound, bound, outputs, channels, 1, 1)
    return net.node("Conv", x, weight, net.constant(bias, np.float32), kernel_shape=[1, 1])


def _padded(net: Network, x: str, bias: np.ndarray) -> str:
    """One more pixel on each side that holds the bias: what the 1x1 convolution gives for zeros.

    As an exporter writes assignments to slices: padded with zeros, then chosen by a mask.
    """
    pads = net.constant([0, 0, 1, 1, 0, 0, 1, 1])
    padded = net.node("Pad", x, pads)
    shape = net.node("Shape", x)
    ones = net.node(
        "ConstantOfShape",
        shape,
        value=onnx.helper.make_tensor("one", onnx.TensorProto.BOOL, [1], [1]),
    )
    inside = net.node(
        "Cast",
        net.node("Pad", net.node("Cast", ones, to=onnx.TensorProto.FLOAT), pads),
        to=onnx.TensorProto.BOOL,
    )
    border = net.constant(bias.reshape(-1, 1, 1), np.float32)
    return net.node("Where", inside, padded, border)
