"""The sound that the demo listens to when it is given none: spoken sentences with noise between."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

VOICE_RATE = 22050  # samples per second of the synthesiser
PAUSE = 0.9  # seconds of noise before, between and behind the sentences
# What is said, in the phonetic alphabet.
SENTENCES = (
    "lˈɔŋteɪl kəmpˈaɪlz ˈɑpɚɹˌeɪɾɚz.",
    "ðə ɹˈʌntaɪm nˈidz nˈʌθɪŋ bʌt ðə sˈi lˈaɪbɹɛɹi.",
    "wˈʌn tˈu θɹˈi.",
    "ðɪs vˈɔɪs ænd ðə lˈɪsənɚ ɑɹ bˈoʊθ kəmpˈaɪld.",
)
# The synthesiser's numbers of the signs above.
NUMBERS = dict(zip(" ,.abcdefhijklmnopqrstuvwxyz", (3, 8, 10, *range(14, 39)), strict=True)) | {
    "æ": 39, "ð": 41, "ŋ": 44, "ɑ": 51, "ɔ": 54, "ə": 59, "ɚ": 60, "ɛ": 61,
    "ɪ": 74, "ɹ": 88, "ɾ": 92, "ʊ": 100, "ʌ": 102, "ˈ": 120, "ˌ": 121, "θ": 126,
}  # fmt: skip
BETWEEN, BEGIN, END = 0, 1, 2


def say(text: str, voice: Callable[..., np.ndarray]) -> np.ndarray:
    """The samples of one sentence; without noise (scales 0, 1, 0) the voice is deterministic."""
    numbers = [BEGIN]
    for sign in text:
        numbers += [BETWEEN, NUMBERS[sign]]
    numbers += [BETWEEN, END]
    ids = np.array([numbers], np.int64)
    return voice(ids, np.array([ids.size]), np.array([0, 1, 0], np.float32)).ravel()


def speak(voice: Callable[..., np.ndarray]) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """All sentences over soft noise, and the seconds at which each begins and ends."""
    rng = np.random.default_rng(1)
    pause = np.zeros(int(PAUSE * VOICE_RATE), np.float32)
    pieces, spoken, length = [pause], [], len(pause)
    for sentence in SENTENCES:
        samples = say(sentence, voice)
        spoken.append((length / VOICE_RATE, (length + len(samples)) / VOICE_RATE))
        pieces += [samples, pause]
        length += len(samples) + len(pause)
    sound = np.concatenate(pieces)
    hum = np.sin(2 * np.pi * 100 / VOICE_RATE * np.arange(length))
    noise = 0.003 * rng.standard_normal(length) + 0.01 * hum
    return (sound + noise).astype(np.float32), spoken
