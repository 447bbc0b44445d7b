"""Models of one node, compared with ONNX Runtime (optimisations off) or the ONNX reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnx.helper as oh
import onnx.reference
import onnxruntime

import longtail as lt

Arrays = Sequence[np.ndarray | None]

# The newest versions that the installed ONNX Runtime accepts.
OPSET, IR_VERSION = 26, 13


def model_of(
    op: str,
    arrays: Arrays,
    outputs: Sequence[tuple[str, Any]],
    *,
    opset: int = OPSET,
    constants: Sequence[int] = (),
    fixed: Sequence[int] = (),
    static: bool = False,
    **attributes: Any,
) -> onnx.ModelProto:
    """A model of one node on inputs like `arrays`; None is an input that is left out.

    outputs    name and NumPy type of each; the rank is left open.
    constants  numbers of the inputs that become initializers with the values of `arrays`.
    fixed      numbers of the inputs that have the sizes of `arrays`.
    static     all inputs have the sizes of `arrays`; otherwise every dimension may vary.
    """
    names = ["" if array is None else f"i{n}" for n, array in enumerate(arrays)]
    inputs, initializers = [], []
    for n, array in enumerate(arrays):
        if array is None:
            continue
        if n in constants:
            initializers.append(onnx.numpy_helper.from_array(array, names[n]))
            continue
        shape = (
            array.shape if static or n in fixed else [f"d{n}_{dim}" for dim in range(array.ndim)]
        )
        kind = oh.np_dtype_to_tensor_dtype(array.dtype)
        inputs.append(oh.make_tensor_value_info(names[n], kind, shape))
    results = [
        oh.make_tensor_value_info(name, oh.np_dtype_to_tensor_dtype(np.dtype(kind)), None)
        for name, kind in outputs
    ]
    node = oh.make_node(op, names, [name for name, _ in outputs], name="it", **attributes)
    graph = oh.make_graph([node], op, inputs, results, initializers)
    return oh.make_model(
        graph, opset_imports=[oh.make_operatorsetid("", opset)], ir_version=IR_VERSION
    )


def feed(model: onnx.ModelProto, arrays: Arrays) -> dict[str, np.ndarray]:
    """The arrays by the names of the model's inputs."""
    return {each.name: arrays[int(each.name[1:])] for each in model.graph.input}


def onnxruntime_outputs(model: onnx.ModelProto, inputs: Mapping[str, np.ndarray]) -> list:
    """What ONNX Runtime computes without optimisations."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, dict(inputs))


def reference_outputs(model: onnx.ModelProto, inputs: Mapping[str, np.ndarray]) -> list:
    """What the ONNX reference evaluator computes."""
    return list(onnx.reference.ReferenceEvaluator(model).run(None, dict(inputs)))


def same(actual: Sequence[np.ndarray], expected: Sequence[np.ndarray], rtol: float = 0.0) -> None:
    """Requires equal types, shapes and, within `rtol`, elements."""
    assert len(actual) == len(expected)
    for got, want in zip(actual, expected, strict=True):
        want = np.asarray(want)
        assert got.dtype == want.dtype
        assert got.shape == want.shape
        if rtol:
            np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol)
        else:
            np.testing.assert_array_equal(got, want)


def compare(
    op: str,
    cases: Sequence[Arrays],
    outputs: Sequence[tuple[str, Any]],
    *,
    oracle=onnxruntime_outputs,
    rtol: float = 0.0,
    **settings: Any,
) -> None:
    """One model compiled once, compared with `oracle` on every case."""
    model = model_of(op, cases[0], outputs, **settings)
    compiled = lt.compile(model)
    for arrays in cases:
        inputs = feed(model, arrays)
        actual = compiled(**inputs)
        same([actual] if len(outputs) == 1 else list(actual), oracle(model, inputs), rtol)
