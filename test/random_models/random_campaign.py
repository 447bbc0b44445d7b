"""Compiles random models and compares them with the oracles: random_campaign.py COUNT [SEED]

Two oracles that we did not write compute each model: ONNX Runtime without optimisations, and ONNX's
reference evaluator. A model counts where both can run it and agree. It fails if Longtail crashes,
takes too long or differs. A model with an operator that Longtail does not have is only counted, and
so is one that is "sensitive": it differs only in elements for which the reference itself gives
something else when its intermediate results are off by a few units in the last place.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx

from random_models import generate

SECONDS = 120  # for one model


def tolerance(dtype: np.dtype) -> tuple[float, float]:
    """Relative and absolute: chains of a few steps with arguments of any size."""
    return {"float16": (1e-2, 1e-2), "float64": (1e-7, 1e-9)}.get(dtype.name, (1e-3, 1e-4))


def differs(actual: np.ndarray, expected: np.ndarray) -> str | None:
    """How two arrays differ, or None."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        return f"{actual.dtype}{list(actual.shape)} for {expected.dtype}{list(expected.shape)}"
    if expected.dtype.kind != "f":
        wrong = int(np.sum(actual != expected))
        return f"{wrong} of {expected.size} differ" if wrong else None
    relative, absolute = tolerance(expected.dtype)
    with np.errstate(all="ignore"):
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
        close = np.isclose(
            actual,
            expected,
            relative,
            absolute + 1e-5 * scale * (expected.dtype != np.float64),
            equal_nan=True,
        )
    if close.all():
        return None
    at = tuple(int(i) for i in np.argwhere(~close)[0])
    return f"{int((~close).sum())} of {close.size} differ, {actual[at]} for {expected[at]} at {at}"


def oracle(model: onnx.ModelProto, inputs: dict[str, np.ndarray]) -> list[np.ndarray] | None:
    """What both oracles compute, or None where one cannot or they differ."""
    import onnxruntime as ort
    from onnx.reference import ReferenceEvaluator

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        first = session.run(None, inputs)
        second = ReferenceEvaluator(model).run(None, inputs)
    except Exception:
        return None
    agree = all(differs(b, a) is None for a, b in zip(first, second, strict=True))
    return first if agree else None


def disturbed(
    model: onnx.ModelProto, inputs: dict[str, np.ndarray], rng: np.random.Generator
) -> list[np.ndarray]:
    """The reference's results where each node's are off by a few units in the last place.

    The units are those of the largest element, as after a sum that cancels.
    """
    from onnx.reference import ReferenceEvaluator

    values = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    values |= inputs
    for node in model.graph.node:
        known = {name: values[name] for name in node.input if name}
        infos = [
            onnx.helper.make_tensor_value_info(
                name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
            )
            for name, value in known.items()
        ]
        outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        single = onnx.helper.make_model(
            onnx.helper.make_graph([node], "node", infos, outputs),
            opset_imports=model.opset_import,
            functions=model.functions,
        )
        for output, value in zip(outputs, ReferenceEvaluator(single).run(None, known), strict=True):
            value = np.asarray(value)
            if value.dtype.kind == "f" and value.size:
                largest = np.abs(value[np.isfinite(value)]).max(initial=0)
                noise = rng.uniform(-4, 4, value.shape) * np.finfo(value.dtype).eps * largest
                value = (value + noise).astype(value.dtype)
            values[output.name] = value
    return [values[each.name] for each in model.graph.output]


def without_sensitive(
    model: onnx.ModelProto,
    inputs: dict[str, np.ndarray],
    expected: list[np.ndarray],
    actual: list[np.ndarray],
) -> list[np.ndarray]:
    """`actual` with the expected elements where rounding alone may decide about the result."""
    judged = [np.array(each) for each in actual]
    rng = np.random.default_rng(0)
    for _ in range(8):
        for got, want, other in zip(judged, expected, disturbed(model, inputs, rng), strict=True):
            if got.shape != want.shape or got.dtype != want.dtype:
                continue
            for at in np.argwhere(got != want):
                index = tuple(at)
                if differs(other[index], np.asarray(want[index])):
                    got[index] = want[index]
    return judged


def examine(seed: int) -> dict[str, str]:
    """One model: what became of it, and why."""
    import longtail as lt

    model, inputs = generate(seed)
    about = {"seed": str(seed), "operators": " ".join(node.op_type for node in model.graph.node)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with np.errstate(all="ignore"):
            expected = oracle(model, inputs)
    if expected is None:
        # It still must not crash.
        with contextlib.suppress(lt.Error):
            lt.compile(model)(**inputs)
        return {**about, "result": "no oracle"}
    try:
        actual = lt.compile(model)(**inputs)
    except lt.CompileError as error:
        if "operator is not supported" in str(error):
            return {**about, "result": "unsupported"}
        return {**about, "result": "failed", "why": str(error)[:300]}
    except lt.Error as error:
        return {**about, "result": "failed", "why": str(error)[:300]}
    results = actual if isinstance(actual, tuple) else (actual,)
    if not any(differs(*pair) for pair in zip(results, expected, strict=True)):
        return {**about, "result": "passed"}
    with np.errstate(all="ignore"):
        results = without_sensitive(model, inputs, expected, list(results))
    for got, wanted in zip(results, expected, strict=True):
        if why := differs(got, wanted):
            return {**about, "result": "failed", "why": why}
    return {**about, "result": "sensitive"}


def work(seeds: list[int]) -> None:
    """A process of its own: tells which seed it begins and what came out, a line each."""
    for seed in seeds:
        print(json.dumps({"begin": seed}), flush=True)
        print(json.dumps(examine(seed)), flush=True)


def campaign(first: int, count: int) -> Iterator[dict[str, str]]:
    """The results for `count` seeds; a crash or a hang is one of them."""
    seeds = list(range(first, first + count))
    while seeds:
        batch = seeds[:50]
        command = [sys.executable, __file__, "--work", *map(str, batch)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS * 10)
            output, end = done.stdout, f"code {done.returncode}: {done.stderr[-300:].decode()}"
        except subprocess.TimeoutExpired as late:
            output, end = late.stdout or b"", "too slow"
        current = None
        for line in output.decode().splitlines():
            message = json.loads(line)
            if "begin" in message:
                current = int(message["begin"])
            else:
                yield message
                current = None
            seeds = [seed for seed in seeds if seed > int(message.get("seed", -1))]
        if current is not None or not output:
            current = batch[0] if current is None else current
            operators = " ".join(node.op_type for node in generate(current)[0].graph.node)
            yield {"seed": str(current), "operators": operators, "result": "failed", "why": end}
            seeds = [seed for seed in seeds if seed > current]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", nargs="+", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--save", type=Path, help="write the models that fail into this folder")
    parser.add_argument("count", type=int, nargs="?", default=3000)
    parser.add_argument("seed", type=int, nargs="?", default=0)
    options = parser.parse_args()
    if options.work:
        work(options.work)
        return 0
    tally: Counter[str] = Counter()
    for result in campaign(options.seed, options.count):
        tally[result["result"]] += 1
        if result["result"] == "failed":
            print(f"seed {result['seed']} ({result['operators']}): {result['why']}", flush=True)
            if options.save:
                options.save.mkdir(parents=True, exist_ok=True)
                model, _ = generate(int(result["seed"]))
                onnx.save(model, options.save / f"{result['seed']}.onnx")
    print(", ".join(f"{count} {what}" for what, count in sorted(tally.items())))
    return 1 if tally["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
