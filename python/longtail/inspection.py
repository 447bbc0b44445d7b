"""What a model asks for, found out without compiling it: work, memory, and what is not supported.

Sizes come from ONNX's shape inference at sizes of the inputs that the caller chooses; the reasons
why a node is not supported come from the compiler's own rules.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .debugging import part, reads_of
from .errors import CompileError, InputError
from .model import model_source

Shape = tuple[int, ...]
Shapes = dict[str, Shape | None]

# Example sizes of dimensions that may vary: the first one of an input, and all others.
OUTER, INNER = 1, 64


@dataclass(frozen=True)
class Unsupported:
    """A node that cannot be compiled, and why; `file` is a model of this node alone, if written."""

    node: str
    operator: str
    reason: str
    file: str = ""


@dataclass
class Inspection:
    """What a model is and asks for. FLOPs count a multiply-add as two; bytes are those of every
    node's operands and results; memory is what lives at a time if nothing is fused."""

    inputs: list[str]
    outputs: list[str]
    opsets: dict[str, int]
    operators: dict[str, int]
    types: dict[str, int]
    nodes: int
    parameters: int
    parameter_bytes: int
    flops: float
    bytes: float
    memory_bytes: float
    nodes_of_unknown_size: int
    covered_nodes: float
    covered_flops: float
    unsupported: list[Unsupported] = field(default_factory=list)


# ---- how much a node computes --------------------------------------------------------------------


def _product(shape: Sequence[int]) -> int:
    return math.prod(shape)


def _convolution(node: onnx.NodeProto, ins: Sequence[Shape], outs: Sequence[Shape]) -> float:
    return 2.0 * _product(outs[0]) * _product(ins[1][1:])


def _transposed(node: onnx.NodeProto, ins: Sequence[Shape], outs: Sequence[Shape]) -> float:
    return 2.0 * _product(ins[0]) * _product(ins[1][1:])


def _matrix(node: onnx.NodeProto, ins: Sequence[Shape], outs: Sequence[Shape]) -> float:
    return 2.0 * _product(outs[0]) * (ins[0][-1] if ins[0] else 1)


def _gemm(node: onnx.NodeProto, ins: Sequence[Shape], outs: Sequence[Shape]) -> float:
    transposed = any(a.name == "transA" and a.i for a in node.attribute)
    return 2.0 * _product(outs[0]) * ins[0][0 if transposed else 1]


def _recurrent(node: onnx.NodeProto, ins: Sequence[Shape], outs: Sequence[Shape]) -> float:
    steps, batch = ins[0][:2]
    return 2.0 * steps * batch * (_product(ins[1]) + _product(ins[2]))


def _attention(node: onnx.NodeProto, ins: Sequence[Shape], outs: Sequence[Shape]) -> float:
    # Scores and weighted values: every query meets every key.
    keys = ins[1][-2]
    return 4.0 * _product(ins[0]) * keys


def _elements(node: onnx.NodeProto, ins: Sequence[Shape], outs: Sequence[Shape]) -> float:
    return float(max((_product(s) for s in (*ins, *outs)), default=0))


# Operators whose work is more than a pass over their elements.
WORK: dict[str, Callable[[onnx.NodeProto, Sequence[Shape], Sequence[Shape]], float]] = {
    **dict.fromkeys(("Conv", "ConvInteger", "QLinearConv", "DeformConv"), _convolution),
    "ConvTranspose": _transposed,
    **dict.fromkeys(("MatMul", "MatMulInteger", "QLinearMatMul"), _matrix),
    "Gemm": _gemm,
    **dict.fromkeys(("LSTM", "GRU", "RNN", "DynamicQuantizeLSTM"), _recurrent),
    "Attention": _attention,
}
# Operators that only say where elements are: no work, and no memory of their own.
FREE = {"Constant", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Shape", "Size"}


def _work(node: onnx.NodeProto, shapes: Shapes) -> float | None:
    """FLOPs of a node; None where a size that matters is not known."""
    if node.op_type in FREE:
        return 0.0
    bodies = [a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]
    if bodies:  # the larger branch; a loop's body once, since nothing tells how often it runs
        return max(_graph_work(body, shapes) for body in bodies)
    ins = [shapes.get(name) if name else () for name in node.input]
    outs = [shapes.get(name) if name else () for name in node.output]
    rule = WORK.get(node.op_type, _elements)
    if rule is _elements:  # what is known of its values is a lower bound
        if all(each is None for each in outs) and all(not each for each in ins):
            return None
    elif any(each is None for each in (*ins[:3], *outs[:1])):
        return None
    known = [each if each is not None else () for each in ins]
    return rule(node, known, [each if each is not None else () for each in outs])


def _graph_work(graph: onnx.GraphProto, outer: Shapes) -> float:
    shapes = outer | _sizes_and_types(graph)[0]
    return sum(_work(node, shapes) or 0.0 for node in graph.node)


# ---- sizes ---------------------------------------------------------------------------------------


def _fixed(model: onnx.ModelProto, sizes: Mapping[str, Shape | int]) -> onnx.ModelProto:
    """The model with sizes in place of what may vary. Raises InputError for an unknown input."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    constants = {t.name for t in model.graph.initializer}
    inputs = [v for v in result.graph.input if v.name not in constants]
    named = {name: size for name, size in sizes.items() if isinstance(size, int)}
    shapes = {name: size for name, size in sizes.items() if not isinstance(size, int)}
    if unknown := set(shapes) - {v.name for v in inputs}:
        raise InputError(f"the model has no input '{min(unknown)}'")
    dims = {d.dim_param for v in inputs for d in v.type.tensor_type.shape.dim}
    if unknown := set(named) - dims:
        raise InputError(f"the model has no dimension '{min(unknown)}'")
    for value in inputs:
        dims = value.type.tensor_type.shape.dim
        given = shapes.get(value.name)
        if given is not None and len(given) != len(dims):
            raise InputError(
                f"input '{value.name}' has {len(dims)} dimensions, {len(given)} are given"
            )
        for k, dim in enumerate(dims):
            if dim.dim_value > 0:
                continue
            size = given[k] if given is not None else OUTER if k == 0 else INNER
            if dim.dim_param and given is None:
                size = named.setdefault(dim.dim_param, size)
            elif dim.dim_param:
                named[dim.dim_param] = size
            dim.Clear()
            dim.dim_value = size
    for entries in (result.graph.output, result.graph.value_info):
        for value in entries:  # the names of other sizes would contradict
            value.type.tensor_type.ClearField("shape")
    return result


def _inferred(model: onnx.ModelProto) -> onnx.ModelProto:
    """With the types that ONNX's inference finds; without them where it cannot do this model."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    with contextlib.suppress(onnx.shape_inference.InferenceError):
        result = onnx.shape_inference.infer_shapes(model, data_prop=True)
    # Behind an operator that it does not know, values have no type.
    known = [v for v in result.graph.value_info if _is_typed(v)]
    del result.graph.value_info[:]
    result.graph.value_info.extend(known)
    return result


def _is_typed(value: onnx.ValueInfoProto) -> bool:
    if _is_tensor(value):
        return bool(value.type.tensor_type.elem_type)
    return value.type.WhichOneof("value") is not None


def _is_tensor(value: onnx.ValueInfoProto) -> bool:
    return value.type.HasField("tensor_type")


def _sizes_and_types(graph: onnx.GraphProto) -> tuple[Shapes, dict[str, int]]:
    """Sizes and element types of all values of a graph, as far as they are written there."""
    shapes: Shapes = {t.name: tuple(t.dims) for t in graph.initializer}
    types = {t.name: t.data_type for t in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        tensor = value.type.tensor_type
        if not _is_tensor(value):
            continue
        types[value.name] = tensor.elem_type
        dims = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
        known = tensor.HasField("shape") and None not in dims
        shapes[value.name] = tuple(d for d in dims if d is not None) if known else None
    return shapes, types


def _item_bytes(types: Mapping[str, int], name: str) -> int:
    try:
        return helper.tensor_dtype_to_np_dtype(types[name]).itemsize
    except (KeyError, TypeError):
        return 4


def _all_nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes of a graph and of the graphs in it."""
    result = []
    for node in graph.node:
        result.append(node)
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                result += _all_nodes(inner)
    return result


def _peak(model: onnx.ModelProto, sizes: Mapping[str, float]) -> float:
    """The most bytes that live at a time, each value from its node to its last reader."""
    last: dict[str, int] = {}
    for k, node in enumerate(model.graph.node):
        for name in reads_of(node):
            last[name] = k
    for value in model.graph.output:
        last[value.name] = len(model.graph.node)
    constants = {t.name for t in model.graph.initializer}
    alive = sum(sizes.get(v.name, 0.0) for v in model.graph.input if v.name not in constants)
    ends: dict[int, list[str]] = {}
    for name, k in last.items():
        if name not in constants:
            ends.setdefault(k, []).append(name)
    peak = alive
    for k, node in enumerate(model.graph.node):
        alive += sum(sizes.get(o, 0.0) for o in node.output if o)
        peak = max(peak, alive)
        alive -= sum(sizes.get(name, 0.0) for name in ends.get(k, []))
    return peak


# ---- the inspection ------------------------------------------------------------------------------


def inspect_model(
    source: Any,
    sizes: Mapping[str, Shape | int] | None = None,
    reproducers: str | Path | None = None,
) -> Inspection:
    """Inspect an ONNX model: a path, the bytes of a file, or an `onnx.ModelProto`.

    sizes        what may vary: the shape of an input by its name, or the size of a dimension by
                 the model's name for it; what is not given counts as 1 in front and 64 elsewhere
    reproducers  folder that receives a model of one node for each node that is not supported

    Raises CompileError if the file is no valid model, InputError for a shape that does not fit.
    """
    from . import _compiler

    data = model_source(source)
    try:
        facts = dict(_compiler.inspect(data))
    except _compiler.CompileError as error:
        raise CompileError(getattr(error, "diagnostics", None) or [str(error)]) from None
    model = (
        onnx.load(data, load_external_data=False)
        if isinstance(data, str)
        else onnx.load_from_string(data)
    )
    sized = _inferred(_fixed(model, dict(sizes or {})))
    shapes, types = _sizes_and_types(sized.graph)
    work = [_work(node, shapes) for node in sized.graph.node]
    tensors = [t for node in model.graph.node for a in node.attribute for t in (a.t, *a.tensors)]
    bytes_of = {
        name: float(_product(shape) * _item_bytes(types, name))
        for name, shape in shapes.items()
        if shape is not None
    }
    bad = _unsupported(model, facts)
    flops = sum(each for each in work if each is not None)
    lost = sum(work[k] or 0.0 for k in bad)
    total = len(model.graph.node)
    every = _all_nodes(model.graph)
    result = Inspection(
        inputs=[_text(v) for v in _true_inputs(model)],
        outputs=[_text(v) for v in model.graph.output],
        opsets=dict(facts.get("opsets", {})),
        operators=dict(Counter(_name(node) for node in every).most_common()),
        types=dict(
            Counter(
                onnx.TensorProto.DataType.Name(types[o]).lower()
                for node in model.graph.node
                for o in node.output
                if types.get(o)
            ).most_common()
        ),
        nodes=len(every),
        parameters=sum(
            _product(t.dims) for t in (*model.graph.initializer, *tensors) if t.data_type
        ),
        parameter_bytes=int(facts.get("parameter_bytes", 0)),
        flops=flops,
        bytes=sum(
            bytes_of.get(name, 0.0)
            for node in model.graph.node
            if node.op_type not in FREE
            for name in (*node.input, *node.output)
        ),
        memory_bytes=_peak(model, bytes_of),
        nodes_of_unknown_size=sum(each is None for each in work),
        covered_nodes=1.0 - len(bad) / total if total else 1.0,
        covered_flops=1.0 - lost / flops if flops else 1.0,
    )
    inferred = _inferred(model) if reproducers is not None and bad else model
    for k, reason in bad.items():
        node, file = model.graph.node[k], ""
        if reproducers is not None:
            folder = Path(reproducers)
            folder.mkdir(parents=True, exist_ok=True)
            file = str(folder / f"{k:04}-{node.op_type}.onnx")
            onnx.save(_reproduce(inferred, k), file)
        label = f"node '{node.name}'" if node.name else f"node #{k}"
        result.unsupported.append(Unsupported(label, _name(node), reason, file))
    return result


def _true_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    constants = {t.name for t in model.graph.initializer}
    return [v for v in model.graph.input if v.name not in constants]


def _name(node: onnx.NodeProto) -> str:
    return f"{node.domain}::{node.op_type}" if node.domain else node.op_type


def _text(value: onnx.ValueInfoProto) -> str:
    if not _is_tensor(value):
        return f"{value.name}: {value.type.WhichOneof('value')}"
    tensor = value.type.tensor_type
    dims = [d.dim_param or (str(d.dim_value) if d.dim_value > 0 else "?") for d in tensor.shape.dim]
    kind = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
    return f"{value.name}: {kind}[{', '.join(dims)}]"


def _unsupported(model: onnx.ModelProto, facts: Mapping[str, Any]) -> dict[int, str]:
    """The numbers of the nodes that cannot be compiled, and why. A node behind such a one is listed
    if its operator is not known; whatever else is wrong with it shows when the first is mended."""
    by_name = {node.name: k for k, node in enumerate(model.graph.node) if node.name}
    reasons: dict[int, str] = {}
    for finding in facts.get("findings", []):
        place = str(finding["node"])
        named = re.match(r"node '(.*)' \(", place) or re.match(r"node #(\d+) \(", place)
        if named is None:
            continue
        text = named.group(1)
        number = by_name.get(text, int(text) if text.isdigit() else None)
        if number is not None and number < len(model.graph.node):
            reasons.setdefault(number, str(finding["reason"]).rpartition(": ")[2])
    missing = {str(each).rpartition("-")[0] for each in facts.get("unsupported", [])}
    for k, node in enumerate(model.graph.node):
        inner = sorted(
            {
                _name(each)
                for attribute in node.attribute
                for graph in (attribute.g, *attribute.graphs)
                for each in _all_nodes(graph)
            }
            & missing
        )
        if _name(node) in missing:
            reasons.setdefault(k, "the operator is not supported")
        elif inner:
            reasons.setdefault(k, f"its subgraph has {', '.join(inner)}, which is not supported")
    return dict(sorted(reasons.items()))


def _reproduce(inferred: onnx.ModelProto, number: int) -> onnx.ModelProto:
    """A model of one node. `inferred` is the model with the types of its values.

    What nothing tells is guessed, for a valid model has it: element types that the operator takes,
    and as many dimensions as the node's largest known value has, of any size.
    """
    node = inferred.graph.node[number]
    # Constants are nodes in some models; in one of a single node they must be values of it.
    values = _constant_nodes(inferred.graph)
    known = {v.name for v in (*inferred.graph.input, *inferred.graph.value_info)}
    known |= {t.name for t in inferred.graph.initializer} | set(values)
    for name in sorted(reads_of(node) - known):
        inferred.graph.value_info.append(
            helper.make_tensor_value_info(name, _likely_type(node, name), None)
        )
    single, _ = part(inferred, [number], {})
    constants = [name for name in values if any(v.name == name for v in single.graph.input)]
    single.graph.initializer.extend(
        numpy_helper.from_array(values[name], name) for name in constants
    )
    kept = [v for v in single.graph.input if v.name not in constants]
    del single.graph.input[:]
    single.graph.input.extend(kept)
    results = {v.name: v for v in _inferred(single).graph.output}
    for value in single.graph.output:
        if not _is_typed(value):
            value.CopyFrom(results[value.name])
        if not _is_typed(value):
            value.CopyFrom(helper.make_tensor_value_info(value.name, onnx.TensorProto.FLOAT, None))
    tensors = [
        v.type.tensor_type for v in (*single.graph.input, *single.graph.output) if _is_tensor(v)
    ]
    ranks = [len(t.shape.dim) for t in tensors if t.HasField("shape")]
    for tensor in tensors:
        if not tensor.HasField("shape"):
            tensor.shape.dim.extend(
                onnx.TensorShapeProto.Dimension() for _ in range(max(ranks, default=1))
            )
    return single


def _likely_type(node: onnx.NodeProto, name: str) -> int:
    """An element type that the node's operator takes for an input, f32 first."""
    allowed: Sequence[str] = ()
    if onnx.defs.has(node.op_type, node.domain) and name in node.input:
        formal = onnx.defs.get_schema(node.op_type, node.domain).inputs
        allowed = formal[min(list(node.input).index(name), len(formal) - 1)].types
    for text, number in (
        ("tensor(float)", onnx.TensorProto.FLOAT),
        ("tensor(int64)", onnx.TensorProto.INT64),
        ("tensor(bool)", onnx.TensorProto.BOOL),
    ):
        if text in allowed:
            return number
    return onnx.TensorProto.FLOAT


def _constant_nodes(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """The values that Constant nodes hold as tensors."""
    return {
        node.output[0]: numpy_helper.to_array(node.attribute[0].t)
        for node in graph.node
        if node.op_type == "Constant" and node.attribute[0].HasField("t")
    }
