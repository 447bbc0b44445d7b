"""What the emitted code of other processors looks like, where no such processor is at hand.

    python bench/static.py [--cases TEXT] [--json FILE] [--loop]

For the hottest loop of each case, compiled for each processor: the share of multiply-adds among its
instructions, moves of vectors to and from the stack, settings of the vector length, and the cycles
of a trip that llvm-mca estimates next to the bound by the busiest port. A loop whose cycles are far
above the bound waits for results; for an in-order processor that model includes what it cannot
reorder. Prints a table; --loop prints the loops.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
import onnx.helper as oh
import onnx.numpy_helper as nh
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "build" / "python")]

import longtail as lt  # noqa: E402
from longtail import _compiler  # noqa: E402

F32, F16, U8 = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.UINT8


@dataclass(frozen=True)
class Processor:
    """A processor as LLVM knows it, and the target that is compiled for it."""

    name: str
    cpu: str
    target: str
    triple: str


PROCESSORS = (
    Processor("Cortex-A55", "cortex-a55", "armv8.2-a+fp16+dotprod", "aarch64"),
    Processor("Cortex-A76", "cortex-a76", "armv8.2-a+fp16+dotprod", "aarch64"),
    Processor("Neoverse V1", "neoverse-v1", "armv8.2-a+fp16+dotprod", "aarch64"),
    Processor("SpacemiT X60", "spacemit-x60", "riscv64-vlen256", "riscv64"),
    Processor("SiFive X280", "sifive-x280", "riscv64-vlen512", "riscv64"),
)


def _weights(*shape: int, kind: type = np.float32) -> np.ndarray:
    rng = np.random.default_rng(sum(shape))
    if np.dtype(kind).kind in "iu":
        return rng.integers(-100 if kind is np.int8 else 0, 100, shape).astype(kind)
    return rng.standard_normal(shape).astype(kind)


def _model(
    nodes: list[onnx.NodeProto], shape: tuple[int, ...], kind: int = F32, **constants: np.ndarray
) -> onnx.ModelProto:
    """A model of one input x and one output y."""
    graph = oh.make_graph(
        nodes,
        "case",
        [oh.make_tensor_value_info("x", kind, shape)],
        [oh.make_empty_tensor_value_info("y")],
        [nh.from_array(array, name) for name, array in constants.items()],
    )
    model = oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 21)], ir_version=10)
    return onnx.shape_inference.infer_shapes(model, strict_mode=True)


def _one(operator: str, shape: tuple[int, ...], kind: int = F32, constants=None, **attributes):
    constants = constants or {}
    node = oh.make_node(operator, ["x", *constants], ["y"], **attributes)
    return _model([node], shape, kind, **constants)


def _convolution(*shape: int, **attributes) -> onnx.ModelProto:
    """A convolution with weights of `shape` between two others, as in a network: there channels
    are neighbours in memory."""
    return _model(
        [
            oh.make_node("Conv", ["x", "a"], ["p"]),
            oh.make_node("Conv", ["p", "w"], ["q"], **attributes),
            oh.make_node("Relu", ["q"], ["r"]),
            oh.make_node("Conv", ["r", "b"], ["y"]),
        ],
        (1, 32, 56, 56),
        a=_weights(64, 32, 1, 1),
        w=_weights(*shape),
        b=_weights(32, 64, 1, 1),
    )


# By name: the class of the group that is looked at, and a model of it.
CASES: dict[str, tuple[str, Callable[[], onnx.ModelProto]]] = {
    "matrix product 256": (
        "contraction",
        lambda: _one("MatMul", (256, 256), constants={"w": _weights(256, 256)}),
    ),
    "matrix product, f16 stored": (
        "contraction",
        lambda: _one("MatMul", (256, 256), F16, {"w": _weights(256, 256, kind=np.float16)}),
    ),
    "matrix product, 8-bit": (
        "contraction",
        lambda: _one("MatMulInteger", (256, 256), U8, {"w": _weights(256, 256, kind=np.int8)}),
    ),
    "convolution 1x1": ("contraction", lambda: _convolution(64, 64, 1, 1)),
    "convolution 3x3, stride 2": (
        "contraction",
        lambda: _convolution(64, 64, 3, 3, strides=[2, 2], pads=[1, 1, 1, 1]),
    ),
    "depthwise 3x3": ("window", lambda: _convolution(64, 1, 3, 3, group=64, pads=[1, 1, 1, 1])),
    "softmax of 512": ("rows", lambda: _one("Softmax", (128, 512), axis=-1)),
    "layer norm of 768": (
        "rows",
        lambda: _one(
            "LayerNormalization", (128, 768), constants={"s": _weights(768), "b": _weights(768)}
        ),
    ),
    "ReLU": ("pointwise", lambda: _one("Relu", (1000, 1000))),
    "tanh": ("pointwise", lambda: _one("Tanh", (1000, 1000))),
    "GELU": ("pointwise", lambda: _one("Gelu", (1000, 1000))),
}


@dataclass(frozen=True)
class Row:
    """One loop on one processor. Cycles are of one trip; 0 where llvm-mca has no answer."""

    case: str
    group: str
    processor: str
    instructions: int
    multiply_adds: int
    spills: int
    configurations: int
    cycles: float
    bound: float
    calls: list[str]
    loop: list[str]

    @property
    def share(self) -> float:
        """Of multiply-adds among the instructions."""
        return self.multiply_adds / self.instructions

    @property
    def above_bound(self) -> float:
        """How many times the bound the cycles are."""
        return self.cycles / self.bound if self.bound else 0.0


@functools.cache
def kernels_of(name: str, target: str) -> tuple[str, list[dict]]:
    """The assembly of a case for `target`, and what its loops are."""
    artifact = lt.compile(CASES[name][1](), target=target, keep_code=True)
    assembly = artifact.assembly()
    return assembly, _compiler.inspect_assembly(assembly, target)


def hottest(kernels: list[dict], name: str) -> dict:
    """The loop that most work is in: by multiply-adds, then by vector instructions. Of a model of
    three convolutions, in the one before the last kernel."""
    if len(kernels) > 2:
        kernels = kernels[-2:-1]
    loops = [loop for kernel in kernels for loop in kernel["loops"]]
    if not loops:
        raise SystemExit(f"{name}: its code has no loop")
    return max(loops, key=lambda each: (each["multiply_adds"], each["vectors"]))


def estimate(loop: list[str], before: str, processor: Processor) -> tuple[float, float]:
    """(cycles of a trip, the bound by the busiest port or by the width of dispatch)."""
    tool = shutil.which("llvm-mca-22") or shutil.which("llvm-mca")
    if tool is None:
        raise SystemExit("llvm-mca-22 is not installed: apt-get install llvm-22")
    text = "".join(f"\t{each}\n" for each in loop)
    if processor.triple == "riscv64":
        text = f"# LLVM-MCA-RISCV-LMUL {before[0]}\n# LLVM-MCA-RISCV-SEW {before[1]}\n" + text
    count = 200
    command = [tool, f"-mtriple={processor.triple}", f"-mcpu={processor.cpu}"]
    command += [f"-iterations={count}", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stderr.strip(), file=sys.stderr)
        return 0.0, 0.0
    cycles = int(re.search(r"Total Cycles:\s+(\d+)", done.stdout)[1]) / count
    bound = float(re.search(r"Block RThroughput:\s+([\d.]+)", done.stdout)[1])
    return cycles, bound


def grouping(assembly: str, loop: list[str]) -> tuple[str, str]:
    """(LMUL, SEW) as llvm-mca writes them, of the last vsetvli in or before a loop of RISC-V."""
    lines = [line.split("#")[0].strip() for line in assembly.splitlines()]
    lines = [line for line in lines if line and not line.endswith(":")]
    size = len(loop)
    end = next(i + size for i in range(len(lines)) if lines[i : i + size] == loop)
    for line in reversed(lines[:end]):
        if found := re.match(r"vset\w*vli\t.*, (e\d+), (mf?\d)", line):
            return found[2].upper(), found[1].upper()
    return "M1", "E32"


def measure(name: str, processor: Processor) -> Row:
    """The hottest loop of a case on a processor."""
    group = CASES[name][0]
    assembly, kernels = kernels_of(name, processor.target)
    loop = hottest(kernels, name)
    body = loop["instructions"]
    before = grouping(assembly, body) if processor.triple == "riscv64" else ("", "")
    cycles, bound = estimate(body, before, processor)
    return Row(
        name,
        group,
        processor.name,
        len(body),
        loop["multiply_adds"],
        len(loop["stack_traffic"]),
        loop["configurations"],
        cycles,
        bound,
        sorted({call for kernel in kernels for call in kernel["undefined_calls"]}),
        body,
    )


def show(rows: list[Row]) -> Table:
    """The rows as a table, one line for each."""
    table = Table(title="The hottest loop of each case", title_justify="left")
    for heading in ("case", "class", "processor"):
        table.add_column(heading)
    for heading in ("instr.", "mul-add", "spills", "vset", "cycles", "bound", "cycles/bound"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row.case,
            row.group,
            row.processor,
            str(row.instructions),
            f"{100 * row.share:.0f} %",
            str(row.spills),
            str(row.configurations),
            f"{row.cycles:.1f}",
            f"{row.bound:.1f}",
            f"{row.above_bound:.2f}",
        )
    return table


def markdown(rows: list[Row]) -> str:
    """The table of docs/performance.md: a line for each case, a column for each processor."""
    names = [each.name for each in PROCESSORS]
    lines = [
        "| case | class | instructions NEON, RVV | " + " | ".join(names) + " |",
        "|---" * (len(names) + 3) + "|",
    ]
    for case in CASES:
        cells = {row.processor: row for row in rows if row.case == case}
        if len(cells) < len(names):
            continue
        neon, rvv = cells[names[0]], cells[names[-1]]
        texts = []
        for name in names:
            row = cells[name]
            spills = f", {row.spills} spills" if row.spills else ""
            texts.append(f"{row.cycles:.0f} / {row.bound:.0f} = {row.above_bound:.2f}{spills}")
        counts = ", ".join(f"{row.instructions} ({100 * row.share:.0f} %)" for row in (neon, rvv))
        lines.append(f"| {case} | {neon.group} | {counts} | " + " | ".join(texts) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--cases", default="", metavar="TEXT", help="only those with it in the name"
    )
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench" / "static.json")
    parser.add_argument("--loop", action="store_true", help="print the loops")
    parser.add_argument("--markdown", action="store_true", help="print the table for the docs")
    options = parser.parse_args()
    rows = []
    for name in CASES:
        for processor in PROCESSORS if options.cases in name else ():
            rows.append(measure(name, processor))
            if options.loop:
                print(f"== {name}, {processor.name}", *rows[-1].loop, sep="\n\t")
    console = Console(width=None if sys.stdout.isatty() else 130)
    if options.markdown:
        print(markdown(rows), end="")
    else:
        console.print(show(rows))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
