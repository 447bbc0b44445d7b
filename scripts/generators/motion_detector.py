"""A YOLOv2-style detector for video (Redmon and Farhadi, 2016) that saves work on still pictures,
after motion-adaptive designs such as Fast YOLO (Shafiee et al., 2017).

A 1x1 convolution over two stacked frames tells how much has changed. Only then an `If` runs the
deep branch on the new frame; otherwise the features of the last time stay. Boxes are decoded with
anchors and thinned out by a NonMaxSuppression in the graph.
"""

from __future__ import annotations

import numpy as np
import onnx

from .network import Network, floats, integers

CLASSES, CELL, FEATURES = 8, 32, 128
ANCHORS = np.asarray([[1.3, 1.7], [3.2, 4.0], [2.1, 5.6], [4.5, 2.3], [0.6, 0.7]], np.float32)


def build(name: str) -> onnx.ModelProto:
    net = Network(name, seed=2017)
    # The weights take the difference of the frames' colours.
    motion = net.constant(np.asarray([1, 1, 1, -1, -1, -1], np.float32).reshape(1, 6, 1, 1) / 3)
    change = net.node("Conv", "frames", motion, kernel_shape=[1, 1])
    amount = net.node("ReduceMean", net.node("Abs", change), keepdims=0)
    moved = net.node("Greater", amount, net.constant(0.01))

    deep = Network("deep", seed=7, prefix="deep_")
    image = deep.node("Slice", "frames", deep.constant([3]), deep.constant([6]), deep.constant([1]))
    features = _backbone(deep, image)
    still = Network("still", prefix="still_")
    shape = [None, FEATURES, None, None]
    features = net.node(
        "If",
        moved,
        then_branch=deep.graph([], [floats(features, shape)]),
        else_branch=still.graph([], [floats(still.node("Identity", "last_features"), shape)]),
    )
    net.rename(features, "features")
    boxes, scores = _decode(net, "features")
    chosen = net.node(
        "NonMaxSuppression",
        boxes,
        scores,
        net.constant([20]),
        net.constant(0.45),
        net.constant(0.02),
        center_point_box=1,
    )
    net.rename(chosen, "selected")
    # The chosen boxes and their scores, in the order of `selected`.
    columns = [
        net.node("Gather", "selected", net.constant([k, j] if j is not None else [k]), axis=1)
        for k, j in ((0, 2), (0, None), (1, None), (2, None))
    ]
    net.rename(net.node("GatherND", boxes, columns[0]), "boxes")
    where = net.node("Concat", *columns[1:], axis=1)
    net.rename(net.node("GatherND", scores, where), "scores")
    return net.model(
        [
            floats("frames", ["batch", 6, "height", "width"]),
            floats("last_features", ["batch", FEATURES, "rows", "columns"]),
        ],
        [
            integers("selected", ["found", 3]),
            floats("boxes", ["found", 4]),
            floats("scores", ["found"]),
            floats("features", ["batch", FEATURES, None, None]),
        ],
    )


def _backbone(net: Network, x: str) -> str:
    """Darknet-style: 3x3 convolutions with LeakyRelu and a 2x2 maximum between them."""
    channels = 3
    for outputs in (16, 32, 64, 128, 128):
        x = net.convolution(x, channels, outputs, 3, bias=False)
        x = net.node("LeakyRelu", net.normalization(x, outputs), alpha=0.1)
        x = net.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        channels = outputs
    x = net.convolution(x, channels, FEATURES, 3, bias=False)
    return net.node("LeakyRelu", net.normalization(x, FEATURES), alpha=0.1)


def _decode(net: Network, features: str) -> tuple[str, str]:
    """Boxes [batch, N, 4] as centre and size in pixels, and scores [batch, CLASSES, N]."""
    count, width = len(ANCHORS), 5 + CLASSES
    x = net.convolution(features, FEATURES, count * width, 1, gain=0.6)
    shape = net.node("Shape", x)
    rows = net.node("Gather", shape, net.constant(2))
    columns = net.node("Gather", shape, net.constant(3))
    x = net.node(
        "Reshape",
        x,
        _sizes(net, net.node("Gather", shape, net.constant(0)), count, width, rows, columns),
    )
    x = net.node("Transpose", x, perm=[0, 1, 3, 4, 2])  # batch, anchor, row, column, values
    place, size, certainty, classes = net.nodes_outputs(
        "Split", 4, x, net.constant([2, 2, 1, CLASSES]), axis=4
    )
    zero, one = net.constant(0), net.constant(1)
    across = net.node("Range", zero, columns, one)
    down = net.node("Range", zero, rows, one)
    across = net.node(
        "Expand", net.node("Unsqueeze", across, net.constant([0])), _sizes(net, rows, columns)
    )
    down = net.node(
        "Expand", net.node("Unsqueeze", down, net.constant([1])), _sizes(net, rows, columns)
    )
    cells = net.node(
        "Concat",
        *(net.node("Unsqueeze", each, net.constant([2])) for each in (across, down)),
        axis=2,
    )
    cells = net.node("Cast", cells, to=onnx.TensorProto.FLOAT)
    place = net.node("Add", net.node("Sigmoid", place), cells)
    size = net.node(
        "Mul", net.node("Exp", size), net.constant(ANCHORS.reshape(count, 1, 1, 2), np.float32)
    )
    boxes = net.node("Mul", net.node("Concat", place, size, axis=4), net.constant(float(CELL)))
    boxes = net.node("Reshape", boxes, net.constant([0, -1, 4]))
    scores = net.node("Mul", net.node("Sigmoid", certainty), net.node("Softmax", classes, axis=4))
    scores = net.node("Reshape", scores, net.constant([0, -1, CLASSES]))
    return boxes, net.node("Transpose", scores, perm=[0, 2, 1])


def _sizes(net: Network, *sizes: int | str) -> str:
    """A shape of numbers and scalars of the graph."""
    axis = net.constant([0])
    parts = [
        net.constant([each]) if isinstance(each, int) else net.node("Unsqueeze", each, axis)
        for each in sizes
    ]
    return net.node("Concat", *parts, axis=0)
