"""Compile a voice detector with Longtail and find the speech in a sound.

    python examples/speech/find_speech.py [SOUND.wav]

Without SOUND a compiled synthesiser speaks sentences with noise between them, and the run fails
unless they are found. build/demo/ receives the artifacts, the sound, and a picture of what was
found in it.
"""

from __future__ import annotations

import argparse
import sys
import time
import wave
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from rich.console import Console
from rich.table import Table

import sentences
import speech

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from networks import OUTPUT, compile_networks, lt

TOLERANCE = 0.25  # seconds: a sentence begins with a breath and ends with an echo


def save(sound: np.ndarray, rate: int, path: Path) -> None:
    """Writes samples in [-1, 1] as a .wav file of 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def draw(sound: np.ndarray, probability: np.ndarray, found: list[speech.Span]) -> Image.Image:
    """The wave of a sound at speech.RATE, the curve of the probability, and what was found."""
    width, height = 1200, 320
    picture = Image.new("RGB", (width, height), (250, 249, 245))
    pen = ImageDraw.Draw(picture)
    scale = width * speech.RATE / max(1, sound.size)  # pixels in a second
    for begin, end in found:
        pen.rectangle((begin * scale, 0, end * scale, height), fill=(205, 228, 214))
    loudest = max(1e-9, float(np.abs(sound).max(initial=0)))
    for x, part in enumerate(np.array_split(sound, width)):
        low, high = (part.min(initial=0) / loudest, part.max(initial=0) / loudest)
        pen.line((x, height / 2 * (1 - high), x, height / 2 * (1 - low)), fill=(25, 28, 40))
    step = speech.STEP / speech.RATE * scale
    curve = [((i + 0.5) * step, (height - 1) * (1 - p)) for i, p in enumerate(probability)]
    if len(curve) > 1:
        pen.line(curve, fill=(220, 50, 40), width=2)
    return picture


def missing(spoken: list[speech.Span], found: list[speech.Span]) -> list[str]:
    """What of the spoken sentences was not found, and what was found besides."""
    if len(spoken) != len(found):
        return [f"{len(spoken)} sentences were spoken, {len(found)} found"]
    return [
        f"spoken from {a:.2f} to {b:.2f} s, found from {c:.2f} to {d:.2f} s"
        for (a, b), (c, d) in zip(spoken, found, strict=True)
        if abs(a - c) > TOLERANCE or abs(b - d) > TOLERANCE
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Find the speech in a sound with Longtail.")
    parser.add_argument(
        "sound", nargs="?", type=Path, help="PCM .wav file (default: speak some sentences)"
    )
    parser.add_argument("--target", default="host", help="processor to compile for (default host)")
    arguments = parser.parse_args()
    console = Console(highlight=False)

    names = {"listen": "silero"}
    if arguments.sound is None:
        names["speak"] = "piper_joe"
        networks = compile_networks(names, OUTPUT, arguments.target, console)
        sound, spoken = sentences.speak(lt.load(networks["speak"].path))
        rate = sentences.VOICE_RATE
        save(sound, rate, OUTPUT / "speech.wav")
    else:
        try:
            sound, rate = speech.load(arguments.sound)
        except (OSError, EOFError, wave.Error) as error:
            console.print(f"cannot read {arguments.sound}: {error}", style="red", markup=False)
            return 2
        spoken = None
        networks = compile_networks(names, OUTPUT, arguments.target, console)

    listen = lt.load(networks["listen"].path)
    sound = speech.resample(sound, rate)
    length = sound.size / speech.RATE
    begin = time.perf_counter()
    probability = speech.probabilities(sound, listen)
    seconds = time.perf_counter() - begin
    found = speech.spans(probability, length)

    table = Table(title=f"Speech in {length:.1f} s of sound")
    for heading in ("from s", "to s", "surest"):
        table.add_column(heading, justify="right")
    for first, last in found:
        step = speech.RATE / speech.STEP
        surest = probability[int(first * step) : int(last * step) + 1].max(initial=0)
        table.add_row(f"{first:.2f}", f"{last:.2f}", f"{surest:.3f}")
    console.print(table)
    draw(sound, probability, found).save(OUTPUT / "speech.png")
    each = 1e6 * seconds / max(1, probability.size)
    console.print(f"{each:.0f} µs for each 32 ms. Drawn in {OUTPUT / 'speech.png'}")

    wrong = missing(spoken, found) if spoken is not None else []
    for text in wrong:
        console.print(text, style="red", markup=False)
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (lt.Error, RuntimeError) as error:
        print(f"demo: {error}", file=sys.stderr)
        sys.exit(1)
