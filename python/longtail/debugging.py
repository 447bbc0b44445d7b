"""Find out which part of a model goes wrong, and in which phase of compilation.

The reference is ONNX Runtime with its optimisations off: every value of a model can be had from it,
so that any part of the model can be run alone on the values that come in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .errors import Error, InputError
from .probing import CRASHED, HUNG, RAN, Outcome, probe
from .verification import Difference, difference, reference_outputs

Values = dict[str, np.ndarray]
Run = Callable[[onnx.ModelProto, Values], list[np.ndarray]]

# Values that become outputs at a time: enough to close in fast, few enough to leave fusion alone.
PROBES = 24
# Integers up to this count stand for sizes and axes: they stay constants when a part is cut out.
SMALL = 64


@dataclass(frozen=True)
class FirstDifference:
    """The first value that differs although everything that goes into its node agrees.

    `node` is the node as text, or empty where a value differs only as long as its neighbours are
    no outputs; `between` then are the values that enclose the place.
    """

    value: str
    node: str
    difference: Difference
    between: tuple[str, str] | None = None

    def __str__(self) -> str:
        if self.between:
            return (
                f"'{self.value}' differs, but not where its neighbours from '{self.between[0]}' on "
                "are outputs too: the fault is in how they are fused"
            )
        text = f"the first value that differs is '{self.value}' of {self.node}"
        return f"{text}: {self.difference.reason or f'by up to {self.difference.absolute:.3g}'}"


@dataclass
class Bisection:
    """What `bisect` found.

    outcome   what happens: "differs", or a kind of `longtail.probing.Outcome`
    phase     the phase of compilation at fault, as far as can be told
    reason    why that phase, or the compiler's own words
    nodes     the nodes of the smallest part that still goes wrong
    model     that part as a model
    inputs    its inputs
    """

    outcome: str
    phase: str
    reason: str
    nodes: list[str]
    model: onnx.ModelProto
    inputs: Values = field(default_factory=dict)

    def write(self, folder: Path) -> list[str]:
        """Write the part and its inputs into a folder; returns the files. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(self.model, folder / "model.onnx")
        with (folder / "inputs.npz").open("wb") as stream:
            np.savez(stream, **self.inputs)
        return [str(folder / name) for name in ("model.onnx", "inputs.npz")]


# ---- parts of a model ----------------------------------------------------------------------------


def describe_node(node: onnx.NodeProto) -> str:
    """A node as messages call it."""
    name = f"'{node.name}' " if node.name else ""
    return f"node {name}({node.op_type}) -> {', '.join(o for o in node.output if o)}"


def reads_of(node: onnx.NodeProto) -> set[str]:
    """The names that a node reads, in its subgraphs too, from the graph that it is in."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            own = {v.name for v in graph.input} | {t.name for t in graph.initializer}
            own |= {o for each in graph.node for o in each.output}
            inner = {name for each in graph.node for name in reads_of(each)}
            inner |= {v.name for v in graph.output}
            names |= inner - own
    return names


def node_values(model: onnx.ModelProto) -> list[str]:
    """The values that the nodes of the main graph make and an output depends on, in order."""
    needed = {v.name for v in model.graph.output}
    kept: list[list[str]] = []
    for node in reversed(model.graph.node):
        outputs = [o for o in node.output if o]
        if needed.intersection(outputs):
            needed |= reads_of(node)
            kept.append([o for o in outputs if o in needed])
    return [name for outputs in reversed(kept) for name in outputs]


def with_outputs(
    model: onnx.ModelProto, names: Iterable[str], types: Mapping[str, np.ndarray] | None = None
) -> onnx.ModelProto:
    """The model with other outputs; `types` tells their element types, as far as known."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    declared = {v.name: v for v in (*model.graph.output, *model.graph.value_info)}
    del result.graph.output[:]
    for name in names:
        info = result.graph.output.add()
        if name in declared:
            info.CopyFrom(declared[name])
        elif types and name in types:
            number = helper.np_dtype_to_tensor_dtype(types[name].dtype)
            info.CopyFrom(helper.make_tensor_value_info(name, number, None))
        else:
            info.name = name
    return result


def reference_values(
    model: onnx.ModelProto, inputs: Values, names: Sequence[str] | None = None
) -> Values:
    """The values of a model by ONNX Runtime; without what is no tensor of numbers.

    Raises Error if ONNX Runtime cannot run the model.
    """
    wanted = list(node_values(model) if names is None else names)
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]  # it may be wrong, and nothing needs it
    outputs = reference_outputs(with_outputs(bare, wanted), inputs)
    return {
        name: value
        for name, value in zip(wanted, outputs, strict=True)
        if isinstance(value, np.ndarray) and value.dtype.kind not in "OUS"
    }


def part(
    model: onnx.ModelProto, nodes: Sequence[int], values: Values, outputs: Sequence[str] = ()
) -> tuple[onnx.ModelProto, Values]:
    """The nodes of a model with these numbers as a model, and what goes into it.

    A value that comes from outside is a constant if it is one in the model, or a small tensor of
    integers; all others are inputs, with the sizes that they have in `values`. Outputs are what
    nothing inside reads, if `outputs` does not say otherwise.
    """
    chosen = [model.graph.node[k] for k in sorted(nodes)]
    made = [o for node in chosen for o in node.output if o]
    read = {name for node in chosen for name in reads_of(node)}
    constants = {t.name: t for t in model.graph.initializer}
    result, given = onnx.ModelProto(), {}
    result.CopyFrom(model)
    graph = result.graph
    declared = {v.name: v for v in (*model.graph.input, *model.graph.value_info)}
    for entries in (graph.node, graph.initializer, graph.input, graph.output, graph.value_info):
        del entries[:]
    graph.node.extend(chosen)
    for name in sorted(read.difference(made)):
        value = values.get(name)
        if name in constants:
            graph.initializer.append(constants[name])
        elif value is None:
            if name not in declared:
                raise InputError(f"nothing is known about the value '{name}'")
            graph.input.append(declared[name])
        elif value.dtype.kind in "iu" and value.ndim <= 1 and value.size <= SMALL:
            graph.initializer.append(numpy_helper.from_array(value, name))
        else:
            number = helper.np_dtype_to_tensor_dtype(value.dtype)
            graph.input.append(helper.make_tensor_value_info(name, number, value.shape))
            given[name] = value
    results = list(outputs) or [name for name in made if name not in read] or made[-1:]
    return with_outputs(result, results, values), given


# ---- the first value that differs ----------------------------------------------------------------


def first_difference(
    model: onnx.ModelProto, inputs: Values, run: Run, rtol: float = 1e-3, atol: float = 1e-4
) -> FirstDifference | None:
    """The first value of a model that differs from ONNX Runtime, or None if no output does.

    `run` compiles a model and runs it. Values in between become outputs, a few at a time, so that
    most of the model stays as it is compiled otherwise.
    """
    order = node_values(model)
    results = [v.name for v in model.graph.output]
    if missing := [name for name in results if name not in order]:
        order += missing  # an input or a constant that is an output too
    place = {name: k for k, name in enumerate(order)}
    found: dict[str, Difference] = {}

    def compare(names: Sequence[str]) -> None:
        expected = reference_values(model, inputs, [*results, *names])
        wanted = [name for name in dict.fromkeys([*results, *names]) if name in expected]
        changed = with_outputs(model, wanted, expected)
        for name, actual in zip(wanted, run(changed, inputs), strict=True):
            found[name] = difference(name, actual, expected[name], rtol, atol)

    compare([])
    wrong = [name for name in results if name in found and not found[name].passed]
    if not wrong:
        return None
    low, high = -1, min(place[name] for name in wrong)
    while high - low > 1:
        between = [order[k] for k in range(low + 1, high)]
        step = max(1, (len(between) + PROBES) // (PROBES + 1))
        probes = between[step - 1 :: step]
        compare(probes)
        bad = [place[name] for name in probes if name in found and not found[name].passed]
        if bad:
            high = min(bad)
        elif found[order[high]].passed:
            # With its neighbours as outputs it is right: the fault is in how they are fused.
            first = order[max(low, 0)]
            return FirstDifference(order[high], "", found[wrong[0]], (first, order[high]))
        good = [place[name] for name in probes if name in found and place[name] < high]
        low = max([low, *good])
        if step == 1:
            break
    producer = next((n for n in model.graph.node if order[high] in n.output), None)
    text = describe_node(producer) if producer else f"input '{order[high]}'"
    return FirstDifference(order[high], text, found[order[high]])


# ---- the smallest part that goes wrong -----------------------------------------------------------


def declared_inputs(
    model: onnx.ModelProto, named: Mapping[str, int] | None = None
) -> list[tuple[str, int, list[int | None]]]:
    """Name, number of the element type, and sizes (None: may vary) of the inputs. `named` gives
    the size of a dimension by the model's name for it. Raises InputError for another name."""
    named = dict(named or {})
    dims = {d.dim_param for v in model.graph.input for d in v.type.tensor_type.shape.dim}
    if unknown := set(named) - dims:
        raise InputError(f"the model has no dimension '{min(unknown)}'")
    constants = {t.name for t in model.graph.initializer}
    result = []
    for value in model.graph.input:
        if value.name in constants:
            continue
        tensor = value.type.tensor_type
        sizes = [
            d.dim_value if d.dim_value > 0 else named.get(d.dim_param) for d in tensor.shape.dim
        ]
        result.append((value.name, tensor.elem_type, sizes))
    return result


def _skeleton(text: str) -> str:
    """An error without what differs from part to part: names, numbers, types."""
    first = (text.splitlines() or [""])[0].rpartition(": ")[2]
    return re.sub(r"'[^']*'|[0-9]+", "", first)


class _Search:
    """Tries parts of one model."""

    def __init__(
        self,
        model: onnx.ModelProto,
        inputs: Values,
        options: Mapping[str, Any],
        rtol: float,
        atol: float,
        timeout: float,
    ) -> None:
        self.model, self.inputs, self.options = model, inputs, dict(options)
        self.rtol, self.atol, self.timeout = rtol, atol, timeout
        try:
            self.values = reference_values(model, inputs) | inputs
        except Error:
            self.values = dict(inputs)  # only what fails to compile can be cut out
        self.last: tuple[str, Outcome] = ("", Outcome(RAN, ""))

    def outcome(
        self, model: onnx.ModelProto, inputs: Values, options: Mapping[str, Any]
    ) -> tuple[str, Outcome]:
        """ "agrees", "differs" or the kind of failure of a part."""
        complete = {name for name, _, _ in declared_inputs(model)} <= set(inputs)
        done = probe(model.SerializeToString(), inputs if complete else None, options, self.timeout)
        if done.kind != RAN or not complete:
            return ("agrees" if done.kind == RAN else done.kind), done
        names = [v.name for v in model.graph.output]
        if not all(name in self.values for name in names):
            return "agrees", done  # no tensors, or nothing to compare with
        pairs = zip(names, done.outputs, strict=True)
        same = all(
            difference(name, actual, self.values[name], self.rtol, self.atol).passed
            for name, actual in pairs
        )
        return ("agrees" if same else "differs"), done

    def around_difference(self, wanted: tuple[str, Outcome], every: list[int]) -> list[int]:
        """The node of the first value that differs, and as much of what it depends on as it takes
        to go wrong; `every` if that cannot be told."""
        run = _run_isolated(self.options, self.timeout)
        try:
            found = first_difference(self.model, self.inputs, run, self.rtol, self.atol)
        except Error:
            return every
        if found is None:
            return every
        makers = {o: k for k, n in enumerate(self.model.graph.node) for o in n.output if o}
        # Where fusion is at fault, the value is the last one of what is fused.
        nodes = [makers[found.value]] if found.value in makers else []
        while nodes and len(nodes) < len(every) // 2:
            if self.fails_alike(nodes, wanted):
                return sorted(nodes)
            size = 2 * len(nodes)
            for k in nodes:  # grows while it is walked: breadth first
                for name in sorted(reads_of(self.model.graph.node[k])):
                    if name in makers and makers[name] not in nodes and len(nodes) < size:
                        nodes.append(makers[name])
                if len(nodes) >= size:
                    break
            if len(nodes) < size:  # there is nothing more that it depends on
                return sorted(nodes) if self.fails_alike(nodes, wanted) else every
        return every

    def fails_alike(self, nodes: Sequence[int], wanted: tuple[str, Outcome]) -> bool:
        """Whether a part goes wrong in the way that the whole does."""
        try:
            model, inputs = part(self.model, nodes, self.values)
        except InputError:
            return False
        kind, done = self.outcome(model, inputs, self.options)
        if kind != wanted[0]:
            return False
        if kind in ("differs", HUNG):
            return True
        if kind == CRASHED:
            return done.phase == wanted[1].phase
        return done.phase == wanted[1].phase and _skeleton(done.text) == _skeleton(wanted[1].text)


def _run_isolated(options: Mapping[str, Any], timeout: float) -> Run:
    def run(model: onnx.ModelProto, inputs: Values) -> list[np.ndarray]:
        done = probe(model.SerializeToString(), inputs, options, timeout)
        if done.kind != RAN:
            raise Error(f"{done.kind} in phase {done.phase}: {done.text}")
        return done.outputs

    return run


def bisect(
    model: onnx.ModelProto,
    inputs: Values,
    options: Mapping[str, Any] | None = None,
    rtol: float = 1e-3,
    atol: float = 1e-4,
    timeout: float = 300.0,
    progress: Callable[[str], None] = lambda text: None,
) -> Bisection | None:
    """The smallest part of a model that goes wrong, and the phase at fault; None if all is well.

    The model may differ from ONNX Runtime, fail to compile or to run, crash, or take longer than
    `timeout` seconds. Every trial has a process of its own. The part is such that it goes right
    without any one of its nodes.
    """
    search = _Search(model, inputs, options or {}, rtol, atol, timeout)
    for name in (v.name for v in model.graph.output):
        if name not in search.values and name in inputs:
            search.values[name] = inputs[name]
    wanted = search.outcome(model, inputs, search.options)
    if wanted[0] == "agrees":
        return None
    progress(f"the model {_verb(wanted)}")
    every = list(range(len(model.graph.node)))
    if wanted[0] == "differs":
        every = search.around_difference(wanted, every)
        progress(f"{len(every)} nodes are left")
    nodes = _smallest(every, lambda some: search.fails_alike(some, wanted), progress)
    smallest, given = part(model, nodes, search.values)
    kind, done = search.outcome(smallest, given, search.options)
    if kind != wanted[0]:  # no part alone goes wrong, only the whole
        smallest, given, done = model, inputs, wanted[1]
    phase, reason = done.phase, done.text
    if wanted[0] == "differs":
        phase, reason = _phase_at_fault(search, smallest, given)
    texts = [describe_node(model.graph.node[k]) for k in nodes]
    return Bisection(wanted[0], phase, reason, texts, smallest, given)


def _verb(wanted: tuple[str, Outcome]) -> str:
    kind, outcome = wanted
    words = {"differs": "gives wrong results", "refused": "is refused", "failed": "fails to run"}
    words |= {CRASHED: "crashes the compiler", HUNG: "takes too long"}
    if kind == CRASHED and outcome.phase == "run":
        return "crashes when it runs"
    return words[kind] + ("" if kind == "differs" else f" in phase {outcome.phase}")


def _smallest(
    items: list[int], fails: Callable[[list[int]], bool], progress: Callable[[str], None]
) -> list[int]:
    """Items without any piece that can go while the rest still fails: halves, quarters, ... ones.

    Pieces that fail alone are tried first, which finds a single culprit in few steps.
    """
    pieces = 2
    while len(items) > 1:
        size = max(1, len(items) // pieces)
        cuts = [items[k : k + size] for k in range(0, len(items), size)]
        alone = next((cut for cut in cuts if len(cut) < len(items) and fails(cut)), None)
        if alone is not None:
            items, pieces = alone, 2
        else:
            for cut in cuts:
                rest = [k for k in items if k not in set(cut)]
                if rest and len(cuts) > 2 and fails(rest):
                    items, pieces = rest, max(pieces - 1, 2)
                    break
            else:
                if size == 1:
                    break
                pieces *= 2
                continue
        progress(f"{len(items)} nodes are left")
    return items


def _phase_at_fault(search: _Search, model: onnx.ModelProto, inputs: Values) -> tuple[str, str]:
    """Lets one phase after another optimise until the results are wrong."""
    from . import _compiler

    phases = list(_compiler.naive_phases())
    options = {k: v for k, v in search.options.items() if k != "naive"}
    for count in range(len(phases) + 1):
        kind, _ = search.outcome(model, inputs, options | {"naive_phases": phases[count:]})
        if kind == "agrees":
            continue
        if count == 0:
            return "expand", "it is wrong in plain loops too, so the meaning of a node is"
        return phases[count - 1], "it is right until this phase optimises"
    return "unknown", "it is right with the optimisations of every phase; it may depend on chance"
