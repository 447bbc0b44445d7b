"""Compiles random models and compares them with the oracles: random_campaign.py COUNT [SEED]

Two oracles that we did not write compute each model: ONNX Runtime without optimisations, and ONNX's
reference evaluator. A model counts where both can run it and agree. It fails if Longtail crashes,
takes too long or differs; a model with an operator that Longtail does not have is only counted.
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
    for got, wanted in zip(results, expected, strict=True):
        if why := differs(got, wanted):
            return {**about, "result": "failed", "why": why}
    return {**about, "result": "passed"}


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
