"""The systems that are compared. Each makes a function that runs or times one case.

Every engine runs in float32, with the same number of threads, and with what costs time at every run
(finding inputs, making outputs) done beforehand as far as its interface allows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import isolated
import numpy as np

import longtail as lt
from cases import Case
from operators import Operator
from timing import one_turn


@dataclass
class Prepared:
    """`run` computes the outputs once; `outputs` gives those of the last run.

    A system in a process of its own has `timed` instead of `run`, and must be closed.
    """

    run: Callable[[], None] | None
    outputs: Callable[[], list[np.ndarray]]
    timed: Callable[[float, str], float] | None = None
    close: Callable[[], None] = lambda: None

    def turn(self, seconds: float, clock: str) -> float:
        """The median milliseconds of a run, over about that many seconds."""
        if self.timed:
            return self.timed(seconds, clock)
        return one_turn(self.run, seconds, clock)


def _listed(outputs: lt.Outputs | np.ndarray) -> list[np.ndarray]:
    return list(outputs) if isinstance(outputs, lt.Outputs) else [outputs]


def longtail(case: Case | Operator, threads: int) -> Prepared:
    """Longtail through its Python interface, inputs and, of known sizes, outputs bound."""
    model = lt.load(lt.compile(case.path).to_bytes(), threads=threads)
    try:
        bound = model.bind(**case.inputs)
    except lt.InputError:  # sizes that depend on data: every run makes outputs
        last: list[lt.Outputs | np.ndarray] = [model(**case.inputs)]

        def run() -> None:
            last[0] = model(**case.inputs)

        return Prepared(run, lambda: _listed(last[0]))
    outputs = _listed(bound.outputs)
    return Prepared(bound.run, lambda: outputs)


def onnxruntime(case: Case | Operator, threads: int) -> Prepared:
    """ONNX Runtime with all optimisations, inputs and outputs bound."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Its threads spin during a run, which is its default, but not into the time of the next engine.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = ort.InferenceSession(case.path, options, providers=["CPUExecutionProvider"])
    outputs = [ort.OrtValue.ortvalue_from_numpy(a) for a in session.run(None, case.inputs)]
    binding = session.io_binding()
    for name, array in case.inputs.items():
        binding.bind_cpu_input(name, array)
    for info, value in zip(session.get_outputs(), outputs, strict=True):
        binding.bind_ortvalue_output(info.name, value)
    return Prepared(
        lambda: session.run_with_iobinding(binding), lambda: [value.numpy() for value in outputs]
    )


def reference(case: Case | Operator) -> list[np.ndarray]:
    """What is right: ONNX Runtime without its optimisations."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = ort.InferenceSession(case.path, options, providers=["CPUExecutionProvider"])
    return session.run(None, dict(case.inputs))


def openvino(case: Case | Operator, threads: int) -> Prepared:
    """OpenVINO for latency, with the sizes fixed, and outputs kept in the request."""
    import openvino as ov

    core = ov.Core()
    model = core.read_model(case.path)
    model.reshape({name: list(array.shape) for name, array in case.inputs.items()})
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    for name, array in case.inputs.items():
        request.set_tensor(name, ov.Tensor(array, shared_memory=True))
    count = len(model.outputs)
    return Prepared(
        request.infer, lambda: [request.get_output_tensor(k).data.copy() for k in range(count)]
    )


# Those of the usual comparison, and those that `--peers` adds.
USUAL = ("Longtail", "ONNX Runtime", "OpenVINO")
ENGINES: dict[str, Callable[[Case | Operator, int], Prepared]] = {
    "Longtail": longtail,
    "ONNX Runtime": onnxruntime,
    "OpenVINO": openvino,
} | {name: isolated.prepared(name) for name in isolated.MODULES}
