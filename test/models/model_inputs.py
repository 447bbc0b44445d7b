"""What each model of the zoo is tested with: a few sets of inputs, of three sizes where it leaves
sizes open. Seeded, and of the kind that the model was made for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import ocr
import sample

Inputs = dict[str, np.ndarray]


def picture(name: str, *shape: int) -> Inputs:
    """A normalised picture: smooth light with some noise, as a photograph has."""
    rng = np.random.default_rng(sum(shape))
    light = np.linspace(-1, 1, shape[-1]) * np.linspace(1, -1, shape[-2])[:, None]
    values = light + 0.3 * rng.standard_normal(shape)
    return {name: np.clip(values, -1, 1).astype(np.float32)}


def page(height: int, width: int) -> Inputs:
    """The top left of a page with text, for the detector."""
    whole, _ = sample.draw()
    return {"x": ocr.to_tensor(whole.crop((0, 0, width, height)))}


def some_bytes(count: int) -> Inputs:
    """What magika reads of `count` files: 2,048 bytes each, 256 stands for none."""
    rng = np.random.default_rng(count)
    values = rng.integers(0, 257, (count, 2048), dtype=np.int32)
    values[:, 1500:1600] = 256
    return {"bytes": values}


def tokens(count: int, length: int) -> Inputs:
    """Sentences as token numbers; in all but the first the end is padding."""
    rng = np.random.default_rng(length)
    mask = np.ones((count, length), np.int64)
    mask[1:, length // 2 :] = 0
    return {"input_ids": rng.integers(0, 30000, mask.shape) * mask, "attention_mask": mask}


def arabic(name: str, first: int, last: int) -> list[Inputs]:
    """Texts as letter numbers, those of the Arabic letters."""
    sizes = ((1, 64), (2, 7), (1, 90))
    return [
        {name: np.random.default_rng(size[1]).integers(first, last + 1, size)} for size in sizes
    ]


def sound(samples: int, count: int = 1) -> np.ndarray:
    """A voiced sound of 120 Hz with overtones that swells and fades, in noise: f32 [count, samples]
    at 16 kHz, from -1 to 1."""
    rng = np.random.default_rng(samples)
    time = np.arange(samples) / 16000
    voice = sum(np.sin(2 * np.pi * 120 * k * time + k) / k for k in range(1, 20))
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * 3 * time + np.arange(count)[:, None])
    return (0.2 * voice * swell + 0.01 * rng.standard_normal((count, samples))).astype(np.float32)


def features(name: str, *shape: int) -> Inputs:
    """What a sound embedding gives: mostly within -3 and 3."""
    return {name: np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32) * 2}


def voice_step(count: int, rate: int | None, **states: tuple[int, ...]) -> Inputs:
    """One step of a voice detector in the middle of a sound: samples, states, sampling rate."""
    rng = np.random.default_rng(count)
    inputs = {"input": sound(288 if rate == 8000 else 576, count)}
    for name, shape in states.items():
        inputs[name] = (0.3 * rng.standard_normal(shape)).astype(np.float32)
    if rate is not None:
        inputs["sr"] = np.asarray(rate, np.int64)
    return inputs


def phonemes(length: int) -> Inputs:
    """A sentence for a synthesiser; without noise and at normal speed it is deterministic."""
    rng = np.random.default_rng(length)
    ids = np.zeros((1, 2 * length + 3), np.int64)  # 0 between any two phonemes
    ids[0, 0], ids[0, -1] = 1, 2
    ids[0, 2:-1:2] = rng.integers(14, 60, length)
    return {
        "input": ids,
        "input_lengths": np.asarray([ids.size]),
        "scales": np.asarray([0, 1, 0], np.float32),
    }


def frames(count: int, height: int, width: int, moved: bool) -> Inputs:
    """Two frames one upon the other, the second equal to the first or not, and old features."""
    rng = np.random.default_rng(height + width)
    one = picture("image", count, 3, height, width)["image"]
    two = np.roll(one, 9, axis=3) if moved else one
    last = rng.standard_normal((count, 128, height // 32, width // 32)).astype(np.float32)
    return {"frames": np.concatenate([one, two], axis=1), "last_features": np.abs(last)}


def continuation(count: int, past: int, length: int) -> Inputs:
    """`length` new tokens of a transformer block after `past` ones."""
    rng = np.random.default_rng(past + length)
    cache = (count, 2, past, 32)
    return {
        "hidden": rng.standard_normal((count, length, 256)).astype(np.float32),
        "past_key": rng.standard_normal(cache).astype(np.float32),
        "past_value": rng.standard_normal(cache).astype(np.float32),
    }


def light(name: str) -> Callable[[], list[Inputs]]:
    """One picture for a network of fixed size."""
    return lambda: [picture(name, 1, 3, 224, 224)]


def _silero(*rates: int | None) -> list[Inputs]:
    return [
        voice_step(n, rate, state=(2, n, 128)) for n, rate in zip((1, 2, 3), rates, strict=True)
    ]


CASES: dict[str, Callable[[], list[Inputs]]] = {
    "ppocr_det": lambda: [page(*size) for size in ((96, 224), (192, 128), (224, 320))],
    "ppocr_cls": lambda: [picture("x", n, 3, 48, 192) for n in (1, 2, 3)],
    "ppocr_rec": lambda: [picture("x", 1, 3, 48, width) for width in (320, 96, 401)],
    "magika": lambda: [some_bytes(count) for count in (1, 2, 5)],
    "minilm": lambda: [tokens(*size) for size in ((1, 16), (3, 7), (2, 128))],
    "ppocrv6_det": lambda: [page(*size) for size in ((96, 224), (192, 128), (224, 320))],
    "ppocrv6_rec": lambda: [picture("x", 1, 3, 48, width) for width in (320, 96, 400)],
    "basic_pitch": lambda: [
        {"serving_default_input_2:0": sound(43844, n)[..., None]} for n in (1, 2, 3)
    ],
    "oww_melspectrogram": lambda: [
        {"input": 32768 * sound(samples, n)} for n, samples in ((1, 1280), (1, 17280), (2, 5000))
    ],
    "oww_embedding": lambda: [features("input_1", n, 76, 32, 1) for n in (1, 2, 5)],
    "oww_alexa": lambda: [features("onnx::Flatten_0", 1, 16, 96)],
    "oww_hey_jarvis": lambda: [features("x.1", 1, 16, 96)],
    "oww_hey_marvin": lambda: [features("onnx::Flatten_0", 1, 16, 96)],
    "oww_hey_mycroft": lambda: [features("input_1", n, 16, 96) for n in (1, 2, 5)],
    "oww_timer": lambda: [features("onnx::Flatten_0", 1, 34, 96)],
    "oww_weather": lambda: [features("onnx::Flatten_0", 1, 22, 96)],
    "silero_v4": lambda: [
        voice_step(n, rate, h=(2, n, 64), c=(2, n, 64))
        for n, rate in ((1, 16000), (2, 8000), (3, 16000))
    ],
    "silero": lambda: _silero(16000, 8000, 16000),
    "silero_16k": lambda: _silero(16000, 16000, 16000),
    "silero_16k_sequence": lambda: [
        {"input": sound(576, n)}
        | voice_step(1, None, h=(1, 1, 128), c=(1, 1, 128))
        | {"input": sound(576, n)}
        for n in (1, 7, 32)
    ],
    "silero_half": lambda: _silero(None, None, None),
    "silero_ifless": lambda: _silero(16000, 8000, 16000),
    "silero_openvino": lambda: [voice_step(1, None, state=(2, 1, 128))],
    "tashkeel_bilstm": lambda: arabic("input_ids", 18, 53),
    "tashkeel_rawi": lambda: arabic("input", 150, 180),
    "tashkeel_rawi_v2": lambda: arabic("input", 149, 179),
    "tashkeel_rawi_v3": lambda: arabic("input", 149, 179),
    "tashkeel_ensemble": lambda: arabic("input", 149, 179),
    "piper_joe": lambda: [phonemes(length) for length in (16, 5, 40)],
    "light_bvlc_alexnet": light("data_0"),
    "light_densenet121": light("data_0"),
    "light_inception_v1": light("data_0"),
    "light_inception_v2": light("data_0"),
    "light_resnet50": light("gpu_0/data_0"),
    "light_shufflenet": light("gpu_0/data_0"),
    "light_squeezenet": light("data_0"),
    "light_vgg19": light("data_0"),
    "light_zfnet512": light("gpu_0/data_0"),
    "ecbsr_x2": lambda: [picture("y", 1, 1, *size) for size in ((32, 48), (17, 9), (64, 61))],
    "ecbsr_x4": lambda: [picture("y", 1, 1, *size) for size in ((32, 48), (17, 9), (64, 61))],
    "mobilenet_v2": lambda: [picture("image", n, 3, 160, 160) for n in (1, 2, 3)],
    "motion_detector": lambda: [
        frames(1, 96, 160, moved=True),
        frames(1, 96, 160, moved=False),
        frames(1, 160, 128, moved=True),
    ],
    "pose_3d": lambda: [picture("image", n, 3, 128, 128) for n in (1, 2, 3)],
    "pp_lcnet": lambda: [
        picture("image", n, 3, *size)
        for n, size in ((1, (224, 224)), (2, (97, 130)), (1, (64, 64)))
    ],
    "resnet18": lambda: [
        picture("image", n, 3, *size)
        for n, size in ((1, (128, 128)), (2, (97, 130)), (1, (64, 64)))
    ],
    "text_beam_search": lambda: [picture("line", 1, 1, 32, width) for width in (128, 64, 201)],
    "transformer_block": lambda: [
        continuation(*each) for each in ((1, 0, 9), (2, 5, 1), (1, 12, 4))
    ],
    "transformer_block_23": lambda: [
        continuation(*each) for each in ((1, 0, 9), (2, 5, 1), (1, 12, 4))
    ],
}
