"""A decoder block of a language model of today: RMSNorm, rotary embedding, attention with fewer key
heads than query heads and a cache of keys and values, and a gated feed-forward layer.

`transformer_block` is spelled in elementary operators as PyTorch's exporter does;
`transformer_block_23` uses the operators that ONNX has for it since opset 23.
"""

from __future__ import annotations

import numpy as np
import onnx

from .network import Network, floats

WIDTH, HEADS, KEY_HEADS, HEAD, INNER = 256, 8, 2, 32, 688
LONGEST = 128  # positions that the rotary tables know


def build(name: str) -> onnx.ModelProto:
    has_operators = name.endswith("_23")
    net = Network(name, opset=23 if has_operators else 17, seed=23)
    parts = _Operators(net) if has_operators else _Elementary(net)
    length = net.node("Shape", "hidden", start=1, end=2)
    past = net.node("Shape", "past_key", start=2, end=3)
    end = net.node("Add", length, past)
    positions = net.node(
        "Range", net.node("Squeeze", past), net.node("Squeeze", end), net.constant(1)
    )
    x = parts.normalize("hidden")
    q, k, v = (
        _heads(net, net.dense(x, WIDTH, count * HEAD), count)
        for count in (HEADS, KEY_HEADS, KEY_HEADS)
    )
    q, k = parts.rotate(q, positions), parts.rotate(k, positions)
    net.rename(net.node("Concat", "past_key", k, axis=2), "present_key")
    net.rename(net.node("Concat", "past_value", v, axis=2), "present_value")
    # A new position sees the past ones and the new ones up to itself.
    every = net.node("Range", net.constant(0), net.node("Squeeze", end), net.constant(1))
    later = net.node(
        "Greater",
        net.node("Unsqueeze", every, net.constant([0])),
        net.node("Unsqueeze", positions, net.constant([1])),
    )
    mask = net.node("Where", later, net.constant(-1e9), net.constant(0.0))
    y = parts.attend(q, "present_key", "present_value", mask)
    y = net.node("Transpose", y, perm=[0, 2, 1, 3])
    y = net.node("Reshape", y, net.constant([0, 0, HEADS * HEAD]))
    x = net.node("Add", "hidden", net.dense(y, HEADS * HEAD, WIDTH))
    y = parts.normalize(x)
    gate = net.dense(y, WIDTH, INNER)
    gate = net.node("Mul", gate, net.node("Sigmoid", gate))
    y = net.dense(net.node("Mul", gate, net.dense(y, WIDTH, INNER)), INNER, WIDTH)
    net.rename(net.node("Add", x, y), "hidden_out")
    cache = ["batch", KEY_HEADS, "past", HEAD]
    grown = ["batch", KEY_HEADS, "total", HEAD]
    return net.model(
        [
            floats("hidden", ["batch", "length", WIDTH]),
            floats("past_key", cache),
            floats("past_value", cache),
        ],
        [
            floats("hidden_out", ["batch", "length", WIDTH]),
            floats("present_key", grown),
            floats("present_value", grown),
        ],
    )


def _heads(net: Network, x: str, count: int) -> str:
    """[batch, length, count * HEAD] to [batch, count, length, HEAD]"""
    x = net.node("Reshape", x, net.constant([0, 0, count, HEAD]))
    return net.node("Transpose", x, perm=[0, 2, 1, 3])


def _tables(net: Network) -> tuple[str, str]:
    """Cosines and sines [LONGEST, HEAD / 2]."""
    rates = 10000.0 ** (-np.arange(0, HEAD, 2) / HEAD)
    angles = np.arange(LONGEST)[:, None] * rates
    return net.constant(np.cos(angles), np.float32), net.constant(np.sin(angles), np.float32)


class _Elementary:
    def __init__(self, net: Network) -> None:
        self.net = net
        self.cosines, self.sines = _tables(net)

    def normalize(self, x: str) -> str:
        net = self.net
        square = net.node("Pow", x, net.constant(2.0))
        mean = net.node("ReduceMean", square, axes=[-1])
        root = net.node("Sqrt", net.node("Add", mean, net.constant(1e-6)))
        scaled = net.node("Mul", x, net.node("Div", net.constant(1.0), root))
        return net.node("Mul", scaled, net.uniform(0.8, 1.2, WIDTH))

    def rotate(self, x: str, positions: str) -> str:
        """Each pair of an element of the first half and one of the second turns by its angle."""
        net = self.net
        cosines, sines = (
            net.node("Gather", table, positions) for table in (self.cosines, self.sines)
        )
        cosines, sines = (net.node("Concat", each, each, axis=-1) for each in (cosines, sines))
        half, end, axis = net.constant([HEAD // 2]), net.constant([2**63 - 1]), net.constant([-1])
        low = net.node("Slice", x, net.constant([0]), half, axis)
        high = net.node("Slice", x, half, end, axis)
        turned = net.node("Concat", net.node("Neg", high), low, axis=-1)
        return net.node("Add", net.node("Mul", x, cosines), net.node("Mul", turned, sines))

    def attend(self, q: str, k: str, v: str, mask: str) -> str:
        net = self.net
        k, v = self._repeat(k), self._repeat(v)
        scores = net.node("MatMul", q, net.node("Transpose", k, perm=[0, 1, 3, 2]))
        scores = net.node("Div", scores, net.constant(float(np.sqrt(HEAD))))
        return net.node("MatMul", net.node("Softmax", net.node("Add", scores, mask), axis=-1), v)

    def _repeat(self, x: str) -> str:
        """[batch, KEY_HEADS, total, HEAD] to [batch, HEADS, total, HEAD]"""
        net = self.net
        shape = net.node("Shape", x)
        sizes = [net.node("Slice", shape, net.constant([k]), net.constant([k + 1])) for k in (0, 2)]
        groups = net.constant([HEADS // KEY_HEADS])
        keys, head = net.constant([KEY_HEADS]), net.constant([HEAD])
        wide = net.node("Concat", sizes[0], keys, groups, sizes[1], head, axis=0)
        x = net.node("Expand", net.node("Unsqueeze", x, net.constant([2])), wide)
        flat = net.node("Concat", sizes[0], net.constant([HEADS]), sizes[1], head, axis=0)
        return net.node("Reshape", x, flat)


class _Operators:
    def __init__(self, net: Network) -> None:
        self.net = net
        self.cosines, self.sines = _tables(net)

    def normalize(self, x: str) -> str:
        scale = self.net.uniform(0.8, 1.2, WIDTH)
        return self.net.node("RMSNormalization", x, scale, axis=-1, epsilon=1e-6)

    def rotate(self, x: str, positions: str) -> str:
        net = self.net
        batch = net.node("Shape", "hidden", start=0, end=1)
        length = net.node("Shape", "hidden", start=1, end=2)
        every = net.node("Expand", positions, net.node("Concat", batch, length, axis=0))
        return net.node("RotaryEmbedding", x, self.cosines, self.sines, every)

    def attend(self, q: str, k: str, v: str, mask: str) -> str:
        return self.net.node("Attention", q, k, v, mask)
