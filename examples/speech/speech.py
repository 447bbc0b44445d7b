"""Finding speech in a sound: everything around the network, in NumPy.

The network tells, for each 32 ms, the probability that someone speaks. It is given the last samples
of the 32 ms before as context, and keeps a state.
"""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

RATE = 16000  # samples per second that the network listens to
STEP, CONTEXT = 512, 64  # samples
ENTER, LEAVE = 0.5, 0.35  # probabilities at which speech begins and ends
SHORTEST_SPEECH, SHORTEST_SILENCE, MARGIN = 0.25, 0.3, 0.03  # seconds

Span = tuple[float, float]  # begin and end in seconds


def load(path: Path) -> tuple[np.ndarray, int]:
    """The samples of a PCM .wav file in [-1, 1], channels averaged, and its rate.

    Raises OSError, EOFError or wave.Error for what is no such file.
    """
    with wave.open(str(path)) as file:
        width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
        data = np.frombuffer(file.readframes(file.getnframes()), np.uint8)
    data = data[: data.size - data.size % (width * channels)].reshape(-1, channels, width)
    if width == 1:  # the only width without sign
        samples = data[..., 0].astype(np.float32) / 128 - 1
    else:
        whole = np.zeros((*data.shape[:2], 4), np.uint8)
        whole[..., 4 - width :] = data[..., -4:]
        samples = whole.view("<i4")[..., 0].astype(np.float32) / 2**31
    return samples.mean(axis=1), rate


def resample(sound: np.ndarray, rate: int, target: int = RATE, zeros: int = 16) -> np.ndarray:
    """`sound` at another rate, by a windowed sinc with `zeros` zero crossings on each side."""
    if rate == target or sound.size == 0:
        return sound.astype(np.float32)
    cut = min(1.0, target / rate)  # of the frequencies, those that both rates can have
    reach = int(np.ceil(zeros / cut))
    where = np.arange(int(sound.size * target / rate)) * (rate / target)
    first = np.floor(where).astype(int) - reach + 1
    padded = np.pad(sound, (reach, 2 * reach))
    result = np.zeros(where.size, np.float64)
    for tap in range(2 * reach):
        distance = where - (first + tap)
        window = np.cos(np.clip(distance / reach, -1, 1) * np.pi / 2) ** 2
        result += padded[first + tap + reach] * np.sinc(distance * cut) * cut * window
    return result.astype(np.float32)


def probabilities(sound: np.ndarray, network: Callable[..., tuple]) -> np.ndarray:
    """The probability of speech in each step of a sound at RATE; the last step is filled up."""
    steps = -(-sound.size // STEP)
    padded = np.pad(sound, (CONTEXT, steps * STEP - sound.size)).astype(np.float32)
    state = np.zeros((2, 1, 128), np.float32)
    rate = np.array(RATE, np.int64)
    result = np.empty(steps, np.float32)
    for i in range(steps):
        piece = padded[i * STEP : (i + 1) * STEP + CONTEXT]
        output, state = network(piece[None], state, rate)
        result[i] = output.item()
    return result


def spans(probability: np.ndarray, seconds: float) -> list[Span]:
    """Where speech is, from its probability in each step; `seconds` is the length of the sound."""
    step = STEP / RATE
    found: list[Span] = []
    begin = quiet = None
    for i, p in enumerate([*probability, 0.0]):
        now = min(i * step, seconds)
        if p >= ENTER:
            begin, quiet = now if begin is None else begin, None
        elif begin is not None and (p < LEAVE or i == len(probability)):
            quiet = now if quiet is None else quiet
            if now - quiet >= SHORTEST_SILENCE or i == len(probability):
                if quiet - begin >= SHORTEST_SPEECH:
                    found.append((max(0.0, begin - MARGIN), min(seconds, quiet + MARGIN)))
                begin = quiet = None
    return found
