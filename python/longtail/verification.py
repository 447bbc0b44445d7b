"""Compare a compiled model with another engine on random inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import dtype_of, number_of
from .errors import Error, InputError
from .interface import flat
from .model import CompiledModel, model_source


@dataclass(frozen=True)
class Difference:
    """How far one output is from its reference.

    `absolute` is the largest difference, `ratio` the largest difference in units of what the
    tolerances allow at that element; `reason` says what else is wrong, or is empty.
    """

    name: str
    shape: tuple[int, ...]
    absolute: float
    ratio: float
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether every element is within the tolerances."""
        return not self.reason and self.ratio <= 1.0


# Of a sequence among random inputs.
_ELEMENTS = 3


def random_inputs(
    model: CompiledModel,
    sizes: Mapping[str, int | tuple[int, ...]] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Seeded inputs for every input of a model, see `random_arrays`. A sequence gets three arrays
    of one shape, an optional its value.

    `sizes` gives what may vary: the shape of an input by its name, or the size of a dimension by
    the model's name for it.
    """
    sizes = sizes or {}
    infos = model.inputs
    inputs = {each.name for each in infos}
    dims = {name for each in infos for name in each.dim_names if name}
    if unknown := [name for name in sizes if name not in inputs | dims]:
        known = f"; names of dimensions: {', '.join(sorted(dims))}" if dims else ""
        raise InputError(f"the model has no input '{unknown[0]}'{known}")
    for name, size in sizes.items():
        if isinstance(size, int) and name not in dims:
            raise InputError(f"'{name}' is an input: give its shape, not one size")
    shapes = {name: size for name, size in sizes.items() if not isinstance(size, int)}
    described, lists = [], {}
    for each in infos:
        number = number_of(each.dtype)
        if each.shape is None and each.name not in shapes:
            raise InputError(f"input '{each.name}' has elements of any shape: give theirs")
        declared = shapes[each.name] if each.shape is None else each.shape
        names = each.dim_names or ("",) * len(declared)
        shape = [
            sizes.get(name) if size is None else size
            for size, name in zip(declared, names, strict=True)
        ]
        if not each.kind.endswith("sequence"):
            described.append((each.name, number, shape))
            continue
        lists[each.name] = elements = [f"{each.name}[{k}]" for k in range(_ELEMENTS)]
        described += [(element, number, shape) for element in elements]
        if each.name in shapes:
            shapes |= dict.fromkeys(elements, shapes.pop(each.name))
    arrays = random_arrays(described, shapes, seed)
    return arrays | {
        name: [arrays.pop(element) for element in elements] for name, elements in lists.items()
    }


# Among them an empty string, white space, a number, and letters of two, three and four bytes.
_WORDS = ("", "a", "Monday", "one two", "42", "été", "語", "\N{GRINNING FACE}")


def random_arrays(
    inputs: Sequence[tuple[str, int, Sequence[int | None]]],
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Seeded arrays for inputs (name, number of the element type, sizes): floats from the normal
    distribution, whole numbers 0 or 1, which are valid as a mask, a token, or an index; words.

    `shapes` gives the sizes of inputs that have dimensions that may vary (None).
    Raises InputError for an input whose size is not known.
    """
    shapes = shapes or {}
    unknown = set(shapes) - {name for name, _, _ in inputs}
    if unknown:
        raise InputError(f"the model has no input '{min(unknown)}'")
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, number, sizes in inputs:
        shape = shapes.get(name, tuple(sizes))
        if any(d is None for d in shape):
            raise InputError(f"input '{name}' has dimensions that may vary: give its shape")
        dtype = dtype_of(number)
        if dtype.kind == "O":
            arrays[name] = np.array(_WORDS, object)[rng.integers(0, len(_WORDS), shape)]
        elif dtype.kind in "biu":
            arrays[name] = rng.integers(0, 2, shape).astype(dtype)
        else:
            arrays[name] = rng.standard_normal(shape).astype(dtype)
    return arrays


def reference_outputs(
    model: Any, inputs: Mapping[str, np.ndarray], engine: str = "onnxruntime"
) -> list[np.ndarray]:
    """The outputs of a model by ONNX Runtime with its optimisations off, or by ONNX's reference.

    Raises Error if the engine is not installed or cannot run the model.
    """
    source = model_source(model)
    try:
        if engine == "onnxruntime":
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
            options.log_severity_level = 4
            session = onnxruntime.InferenceSession(
                source, options, providers=["CPUExecutionProvider"]
            )
            return session.run(None, dict(inputs))
        if engine == "reference":
            import onnx.reference

            if isinstance(source, bytes):
                source = onnx.load_from_string(source)
            return onnx.reference.ReferenceEvaluator(source).run(None, dict(inputs))
    except ImportError as error:
        raise Error(f"{engine} is not installed: {error}") from None
    except Exception as error:
        # The engines raise types of their own, without a common base.
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise Error(f"{engine} cannot run the model: {first[0]}") from None
    raise InputError(f"unknown engine '{engine}'; there are onnxruntime and reference")


def differences(
    names: Sequence[str],
    actual: Sequence[Any],
    expected: Sequence[Any],
    rtol: float = 1e-3,
    atol: float = 1e-4,
) -> list[Difference]:
    """How far all outputs are from their references, those of the elements of sequences too."""
    ours, theirs = flat(names, actual), flat(names, expected)
    found = [
        difference(name, ours[name], value, rtol, atol)
        if name in ours
        else Difference(name, np.shape(value), np.inf, np.inf, "it is missing")
        for name, value in theirs.items()
    ]
    return found + [
        Difference(name, value.shape, np.inf, np.inf, "the reference has none")
        for name, value in ours.items()
        if name not in theirs
    ]


def difference(
    name: str, actual: np.ndarray, expected: np.ndarray, rtol: float = 1e-3, atol: float = 1e-4
) -> Difference:
    """How far `actual` is from `expected`. An element may be off by `rtol` of itself plus `atol` of
    the range of the expected output (its largest magnitude, at least 1e-6). Whole numbers and text
    must be equal; NaN equals NaN, and an infinity only itself."""
    expected = np.asarray(expected)
    if actual.shape != expected.shape:
        return Difference(
            name, actual.shape, np.inf, np.inf, f"its shape should be {expected.shape}"
        )
    if actual.dtype != expected.dtype:
        return Difference(
            name, actual.shape, np.inf, np.inf, f"its type should be {expected.dtype}"
        )
    if expected.dtype.kind in "biuOUS":
        wrong = int(np.count_nonzero(actual != expected))
        reason = f"{wrong} of {expected.size} elements differ" if wrong else ""
        return Difference(name, actual.shape, float(wrong > 0), float(wrong > 0), reason)
    a, e = (each.astype(np.float64) for each in (actual, expected))
    finite = np.isfinite(e)
    if (
        not np.array_equal(a[~finite], e[~finite], equal_nan=True)
        or not np.isfinite(a[finite]).all()
    ):
        return Difference(name, actual.shape, np.inf, np.inf, "NaN or infinity differ")
    error, size = np.abs(a[finite] - e[finite]), np.abs(e[finite])
    if error.size == 0:
        return Difference(name, actual.shape, 0.0, 0.0)
    allowed = rtol * size + atol * max(float(size.max()), 1e-6)
    return Difference(name, actual.shape, float(error.max()), float((error / allowed).max()))
