"""The speech example: its signal processing, and the whole of it with ONNX Runtime below."""

from __future__ import annotations

import subprocess
import sys
import wave

import numpy as np
import onnxruntime
import pytest

import find_speech
import model_zoo
import speech


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_resampling_keeps_what_both_rates_can_have(rate):
    seconds, tone = 0.5, 700.0
    sound = np.sin(2 * np.pi * tone * np.arange(int(rate * seconds)) / rate)
    result = speech.resample(sound, rate)
    expected = np.sin(2 * np.pi * tone * np.arange(result.size) / speech.RATE)
    assert result.size == int(speech.RATE * seconds)
    np.testing.assert_allclose(result[200:-200], expected[200:-200], atol=5e-3)


def test_resampling_removes_what_would_fold_back():
    sound = np.sin(2 * np.pi * 15000 * np.arange(48000) / 48000)
    assert np.abs(speech.resample(sound, 48000)[200:-200]).max() < 1e-2


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_width_of_samples_is_read(tmp_path, width, channels):
    expected = np.linspace(-0.9, 0.9, 101)
    whole = np.round(expected * 2 ** (8 * width - 1)).astype(np.int64)
    raw = (whole + 128 if width == 1 else whole).astype("<i8").view(np.uint8).reshape(-1, 8)
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(11025)
        file.writeframes(np.repeat(raw[:, :width], channels, axis=0).tobytes())
    samples, rate = speech.load(path)
    assert rate == 11025
    np.testing.assert_allclose(samples, expected, atol=1.01 * 2.0 ** (1 - 8 * width) + 1e-7)


def steps(seconds: float) -> int:
    return round(seconds * speech.RATE / speech.STEP)


def test_spans_bridge_short_silence_and_drop_short_speech():
    quiet, loud = 0.05, 0.95
    pieces = [(quiet, 1.0), (loud, 0.8), (quiet, 0.15), (loud, 0.8), (quiet, 1.0), (loud, 0.1)]
    probability = np.concatenate([np.full(steps(length), p) for p, length in [*pieces, (quiet, 1)]])
    seconds = probability.size * speech.STEP / speech.RATE
    assert speech.spans(probability, seconds) == [pytest.approx((0.96, 2.72), abs=0.07)]


@pytest.mark.parametrize("probability", [[], [0.9] * 3, [0.1] * 50])
def test_spans_of_little(probability):
    assert speech.spans(np.array(probability), len(probability) * 0.032) == []


def test_speech_to_the_end_is_found():
    (span,) = speech.spans(np.full(40, 0.9), 40 * 0.032)
    assert span == (0.0, 40 * 0.032)


def test_the_demo_finds_what_it_says(tmp_path):
    """All of it: synthesis and detection compiled; the detector's answers as ONNX Runtime's."""
    done = subprocess.run(
        [sys.executable, find_speech.__file__], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sound, rate = speech.load(find_speech.OUTPUT / "speech.wav")
    sound = speech.resample(sound, rate)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(model_zoo.path("silero")), options)

    def reference(piece, state, rate):
        return session.run(None, {"input": piece, "state": state, "sr": rate})

    model = find_speech.lt.load(find_speech.OUTPUT / "listen.lt")
    np.testing.assert_allclose(
        speech.probabilities(sound, model), speech.probabilities(sound, reference), atol=1e-3
    )


def test_what_is_no_sound_is_refused(tmp_path):
    path = tmp_path / "text.wav"
    path.write_text("no sound")
    done = subprocess.run(
        [sys.executable, find_speech.__file__, str(path)], capture_output=True, text=True
    )
    assert done.returncode == 2 and "cannot read" in done.stdout
