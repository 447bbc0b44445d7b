"""Reading a line of text: a CRNN (Shi et al., 2015) and a CTC prefix beam search (Graves, 2012) as
a `Loop` over the time steps.

A beam is a prefix with the probabilities that it ends in a blank and in its last letter. A prefix
that is the extension of another beam collects what that one gives it, so that no prefix appears
twice.
"""

from __future__ import annotations

import numpy as np
import onnx

from .network import Network, booleans, floats, integers

LETTERS, BEAMS, LONGEST, HIDDEN = 11, 6, 64, 64  # without the blank, which is letter 0
NEVER = -1e9  # logarithm of no probability


def build(name: str) -> onnx.ModelProto:
    net = Network(name, seed=2015)
    scores = _recognize(net, "line")
    net.rename(scores, "letter_scores")
    steps = net.node("Shape", "letter_scores", start=0, end=1)
    # At first the empty prefix is certain; the others are single letters, which nothing favours.
    prefixes = np.zeros((BEAMS, LONGEST), np.int64)
    prefixes[1:, 0] = np.arange(1, BEAMS)
    lengths = (np.arange(BEAMS) > 0).astype(np.int64)
    blank = np.full(BEAMS, NEVER, np.float32)
    blank[0] = 0
    results = net.nodes_outputs(
        "Loop",
        5,
        net.node("Squeeze", steps),
        "",
        net.constant(prefixes),
        net.constant(lengths),
        net.constant(blank),
        net.constant(np.full(BEAMS, NEVER), np.float32),
        body=_step(),
    )
    # The best beam is the first one.
    first, one = net.constant([0]), net.constant([1])
    length = net.node("Slice", results[1], first, one)
    best = net.node("Squeeze", net.node("Slice", results[0], first, one), first)
    net.rename(net.node("Slice", best, first, length, first), "text")
    net.rename(results[4], "progress")
    return net.model(
        [floats("line", [1, 1, 32, "width"])],
        [
            integers("text", [None]),
            floats("progress", [None]),
            floats("letter_scores", [None, LETTERS + 1]),
        ],
    )


def _recognize(net: Network, x: str) -> str:
    """Logarithms of the letters' probabilities [steps, LETTERS + 1] of a line [1, 1, 32, width]."""
    channels = 1
    for outputs, pool in ((16, (2, 2)), (32, (2, 2)), (64, (2, 1)), (64, (2, 1)), (96, (2, 1))):
        x = net.convolution(x, channels, outputs, 3, bias=False)
        x = net.node("Relu", net.normalization(x, outputs))
        x = net.node("MaxPool", x, kernel_shape=pool, strides=pool)
        channels = outputs
    x = net.node("Squeeze", x, net.constant([2]))
    x = net.node("Transpose", x, perm=[2, 0, 1])  # steps, 1, channels
    bound = 0.25
    y, _, _ = net.nodes_outputs(
        "LSTM",
        3,
        x,
        net.uniform(-bound, bound, 2, 4 * HIDDEN, channels),
        net.uniform(-bound, bound, 2, 4 * HIDDEN, HIDDEN),
        net.uniform(-0.1, 0.1, 2, 8 * HIDDEN),
        direction="bidirectional",
        hidden_size=HIDDEN,
    )
    y = net.node("Transpose", y, perm=[0, 2, 1, 3])
    y = net.node("Reshape", y, net.constant([0, 2 * HIDDEN]))
    y = net.dense(y, 2 * HIDDEN, LETTERS + 1, gain=6.0)
    return net.node("LogSoftmax", y, axis=-1)


def _step() -> onnx.GraphProto:
    """One time step of the search; `letter_scores` comes from the graph around it."""
    net = Network("step", seed=1, prefix="step_")
    rows, columns, last_axis = net.constant([0]), net.constant([1]), net.constant([-1])
    zero, one = net.constant(0), net.constant(1)
    never = net.constant(NEVER, np.float32)
    places = net.constant(np.arange(LONGEST).reshape(1, LONGEST))
    letters = net.constant(np.arange(1, LETTERS + 1).reshape(1, LETTERS))
    scores = net.node("Gather", "letter_scores", "step", axis=0)

    # The last letter of each beam, 0 for the empty prefix, and the prefix before it.
    lengths = net.node("Unsqueeze", "lengths", columns)
    before = net.node("Less", places, net.node("Sub", lengths, one))
    at = net.node("Equal", places, net.node("Sub", lengths, one))
    last = net.node("ReduceSum", net.node("Where", at, "prefixes", zero), columns, keepdims=0)
    parents = net.node("Where", before, "prefixes", zero)

    # A prefix stays as it is by a blank or by its last letter once more.
    total = _add_logarithms(net, "ends_blank", "ends_letter")
    stays_blank = net.node("Add", total, net.node("Gather", scores, zero))
    again = net.node("Gather", scores, last)
    is_empty = net.node("Equal", "lengths", zero)
    stays_letter = net.node("Where", is_empty, never, net.node("Add", "ends_letter", again))

    # Or it grows by a letter; by the same letter only after a blank.
    same = net.node("Equal", net.node("Unsqueeze", last, columns), letters)
    base = net.node(
        "Where",
        same,
        net.node("Unsqueeze", "ends_blank", columns),
        net.node("Unsqueeze", total, columns),
    )
    grows = net.node("Add", base, net.node("Slice", scores, columns, net.constant([LETTERS + 1])))

    # [child, parent]: whether one beam is the extension of another; it then takes over its share.
    difference = net.node(
        "Sub", net.node("Unsqueeze", parents, columns), net.node("Unsqueeze", "prefixes", rows)
    )
    distance = net.node("ReduceMax", net.node("Abs", difference), axes=[2], keepdims=0)
    shorter = net.node("Sub", lengths, one)
    fits = net.node("Equal", shorter, net.node("Unsqueeze", "lengths", rows))
    is_child = net.node("And", net.node("Equal", distance, zero), fits)
    letter = net.node("Max", net.node("Sub", last, one), zero)
    shares = net.node("Gather", net.node("Transpose", grows, perm=[1, 0]), letter, axis=0)
    share = net.node("ReduceMax", net.node("Where", is_child, shares, never), axes=[1], keepdims=0)
    stays_letter = _add_logarithms(net, stays_letter, share)
    # [parent, letter]: extensions that are beams already.
    taken = net.node(
        "And",
        net.node("Unsqueeze", net.node("Transpose", is_child, perm=[1, 0]), net.constant([2])),
        net.node("Unsqueeze", same, rows),
    )
    taken = net.node(
        "ReduceMax", net.node("Cast", taken, to=onnx.TensorProto.INT32), axes=[1], keepdims=0
    )
    grows = net.node("Where", net.node("Cast", taken, to=onnx.TensorProto.BOOL), never, grows)

    # The best of all candidates: BEAMS that stay, then BEAMS * LETTERS that grow.
    stays = _add_logarithms(net, stays_blank, stays_letter)
    flat = net.node("Reshape", grows, last_axis)
    candidates = net.node("Concat", stays, flat, axis=0)
    best, chosen = net.nodes_outputs("TopK", 2, candidates, net.constant([BEAMS]))
    grown = net.node("Sub", chosen, net.constant(BEAMS))
    has_grown = net.node("GreaterOrEqual", grown, zero)
    origin = net.node("Where", has_grown, net.node("Div", grown, net.constant(LETTERS)), chosen)
    added = net.node("Add", net.node("Mod", grown, net.constant(LETTERS)), one)
    added = net.node("Where", has_grown, added, zero)
    prefixes = net.node("Gather", "prefixes", origin, axis=0)
    old = net.node("Gather", "lengths", origin, axis=0)
    end = net.node("Equal", places, net.node("Unsqueeze", old, columns))
    addition = net.node("Where", end, net.node("Unsqueeze", added, columns), zero)
    nothing = net.constant(np.full(BEAMS * LETTERS, NEVER), np.float32)
    blanks = net.node("Concat", stays_blank, nothing, axis=0)
    singles = net.node("Concat", stays_letter, flat, axis=0)
    outputs = {
        "go_on": net.node("Identity", "unfinished"),
        "next_prefixes": net.node("Add", prefixes, addition),
        "next_lengths": net.node(
            "Add", old, net.node("Cast", has_grown, to=onnx.TensorProto.INT64)
        ),
        "next_ends_blank": net.node("Gather", blanks, chosen),
        "next_ends_letter": net.node("Gather", singles, chosen),
        "best_score": net.node("Gather", best, zero),
    }
    for wanted, value in outputs.items():
        net.rename(value, wanted)
    return net.graph(
        [
            integers("step", []),
            booleans("unfinished", []),
            integers("prefixes", [BEAMS, LONGEST]),
            integers("lengths", [BEAMS]),
            floats("ends_blank", [BEAMS]),
            floats("ends_letter", [BEAMS]),
        ],
        [
            booleans("go_on", []),
            integers("next_prefixes", [BEAMS, LONGEST]),
            integers("next_lengths", [BEAMS]),
            floats("next_ends_blank", [BEAMS]),
            floats("next_ends_letter", [BEAMS]),
            floats("best_score", []),
        ],
    )


def _add_logarithms(net: Network, a: str, b: str) -> str:
    """log(exp(a) + exp(b))"""
    high = net.node("Max", a, b)
    low = net.node("Min", a, b)
    ratio = net.node("Exp", net.node("Sub", low, high))
    return net.node("Add", high, net.node("Log", net.node("Add", ratio, net.constant(1.0))))
