"""Compile the three networks of an OCR system with Longtail and read a picture with them.

    python examples/ocr/demo.py [IMAGE]

Without IMAGE a page is drawn, and the run fails unless its text comes back. The networks are the
PP-OCR models; build/demo/ receives the compiled artifacts and the picture with the boxes drawn.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, UnidentifiedImageError
from rich.console import Console
from rich.table import Table

import ocr
import sample

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from networks import OUTPUT, Artifact, compile_networks, lt

NETWORKS = {"detect": "ppocr_det", "classify": "ppocr_cls", "recognise": "ppocr_rec"}


class Network:
    """A loaded artifact that counts its runs and their time."""

    def __init__(self, artifact: Artifact, threads: int) -> None:
        self.model = lt.load(artifact.path, threads=threads)
        self.artifact = artifact
        self.runs = 0
        self.seconds = 0.0

    def __call__(self, tensor: np.ndarray) -> np.ndarray:
        begin = time.perf_counter()
        result = self.model(tensor)
        self.seconds += time.perf_counter() - begin
        self.runs += 1
        return result


def summary(networks: dict[str, Network]) -> Table:
    """Compile time, size, and time per run of each network."""
    table = Table(title="Networks")
    table.add_column("network")
    for heading in ("compile s", "artifact MB", "runs", "ms per run", "ms in all"):
        table.add_column(heading, justify="right")
    for name, network in networks.items():
        table.add_row(
            name,
            f"{network.artifact.seconds:.1f}",
            f"{network.artifact.path.stat().st_size / 1e6:.1f}",
            str(network.runs),
            f"{1e3 * network.seconds / max(1, network.runs):.1f}",
            f"{1e3 * network.seconds:.0f}",
        )
    return table


def missing(expected: list[str], lines: list[ocr.Line]) -> list[str]:
    """The expected lines that were not read, without spaces: the recogniser drops narrow ones."""
    found = {line.text.replace(" ", "") for line in lines}
    return [text for text in expected if text.replace(" ", "") not in found]


def main() -> int:
    parser = argparse.ArgumentParser(description="Read the text in a picture with Longtail.")
    parser.add_argument(
        "image", nargs="?", type=Path, help="picture to read (default: draw a page)"
    )
    parser.add_argument("--threads", type=int, default=2, help="threads per network (default 2)")
    parser.add_argument("--target", default="host", help="processor to compile for (default host)")
    arguments = parser.parse_args()
    console = Console(highlight=False)

    if arguments.image is None:
        picture, expected = sample.draw()
    else:
        try:
            picture, expected = Image.open(arguments.image).convert("RGB"), []
        except (OSError, UnidentifiedImageError) as error:
            console.print(f"cannot read {arguments.image}: {error}", style="red", markup=False)
            return 2

    artifacts = compile_networks(NETWORKS, OUTPUT, arguments.target, console)
    networks = {name: Network(each, arguments.threads) for name, each in artifacts.items()}
    letters = ocr.alphabet(networks["recognise"].model.metadata["character"])
    begin = time.perf_counter()
    lines = ocr.read(picture, *networks.values(), letters)
    seconds = time.perf_counter() - begin

    pen = ImageDraw.Draw(picture)
    console.print(f"\n{len(lines)} lines in {seconds:.2f} s (confidence, text, corners):")
    for line in lines:
        corners = [tuple(int(v) for v in corner) for corner in line.box.round()]
        pen.polygon(corners, outline=(220, 50, 40), width=2)
        console.print(
            f"  {line.confidence:.3f}  {line.text:<32} {corners}", markup=False, soft_wrap=True
        )
    picture.save(OUTPUT / "boxes.png")
    console.print(f"\nBoxes drawn in {OUTPUT / 'boxes.png'}\n")
    console.print(summary(networks))

    for text in missing(expected, lines):
        console.print(f"not read back: {text}", style="red", markup=False)
    return 1 if missing(expected, lines) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (lt.Error, RuntimeError) as error:
        print(f"demo: {error}", file=sys.stderr)
        sys.exit(1)
