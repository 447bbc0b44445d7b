"""The generated networks of the `onnx` package, with random weights.

They come with weights of one value each, which test neither numerics nor speed; here each gets
seeded random values of a size that keeps the activations of every layer in range.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

NAMES = (
    "light_bvlc_alexnet",
    "light_densenet121",
    "light_inception_v1",
    "light_inception_v2",
    "light_resnet50",
    "light_shufflenet",
    "light_squeezenet",
    "light_vgg19",
    "light_zfnet512",
)


def build(name: str) -> onnx.ModelProto:
    """A network of the onnx package with He-scaled random weights in place of its constants."""
    source = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / f"{name}.onnx"
    model = onnx.load(source)
    graph = model.graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    shapes = {
        n.output[0]: constants[n.input[0]] for n in graph.node if n.op_type == "ConstantOfShape"
    }
    shapes |= {k: np.asarray(v.shape) for k, v in constants.items() if v.dtype == np.float32}
    # Some weights reach their layer through a Reshape.
    origin = {n.output[0]: n.input[0] for n in graph.node if n.op_type == "Reshape"}
    rng = np.random.default_rng(20260)
    weights: dict[str, np.ndarray] = {}

    def fill(tensor: str, low: float, high: float) -> None:
        tensor = tensor if tensor in shapes else origin[tensor]
        weights[tensor] = rng.uniform(low, high, shapes[tensor]).astype(np.float32)

    layers = [n for n in graph.node if n.op_type in ("Conv", "Gemm", "BatchNormalization")]
    for node in layers:
        if node.op_type == "BatchNormalization":
            for tensor, (low, high) in zip(
                node.input[1:], [(0.4, 0.8), (-0.2, 0.2), (-0.2, 0.2), (0.5, 1.5)], strict=True
            ):
                fill(tensor, low, high)
            continue
        shape = shapes[node.input[1] if node.input[1] in shapes else origin[node.input[1]]]
        fan_in = int(np.prod(shape[1:]))
        # The last layer is kept small so that the softmax behind it does not saturate.
        gain = 0.2 if node is layers[-1] else 1.0
        bound = gain * float(np.sqrt(6.0 / fan_in))
        fill(node.input[1], -bound, bound)
        for bias in node.input[2:]:
            fill(bias, -0.1, 0.1)
    # The factors and offsets that follow a normalisation in networks which came from Caffe.
    users = {n.input[0]: n.op_type for n in graph.node if n.op_type in ("Mul", "Add")}
    users |= {n.input[1]: n.op_type for n in graph.node if n.op_type in ("Mul", "Add")}
    for node in graph.node:
        if node.op_type == "Unsqueeze" and node.input[0] in shapes:
            scales = users[node.output[0]] == "Mul"
            fill(node.input[0], *((0.8, 1.6) if scales else (-0.2, 0.2)))

    nodes = [n for n in graph.node if n.op_type != "ConstantOfShape"]
    used = {i for n in nodes for i in n.input}
    kept = [t for t in graph.initializer if t.name in used and t.name not in weights]
    inputs = [v for v in graph.input if v.name in used and v.name not in constants]
    del graph.node[:], graph.initializer[:], graph.input[:]
    graph.node.extend(nodes)
    graph.input.extend(inputs)
    graph.initializer.extend(kept)
    graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in weights.items())
    model.ir_version = 8  # from version 4 on an initializer need not be an input as well
    onnx.checker.check_model(model)
    return model
