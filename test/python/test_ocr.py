"""The OCR example: its image processing by itself, and the whole of it with ONNX Runtime below."""

from __future__ import annotations

import sys

import numpy as np
import onnxruntime
import pytest
from PIL import Image, ImageDraw

import demo
import model_zoo
import ocr
import sample


@pytest.mark.parametrize("degrees", [0, 7, -20, 44, -44, 60, 90])
def test_smallest_rectangle_recovers_a_turned_one(degrees):
    angle = np.radians(degrees)
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    grid = np.stack(np.meshgrid(np.linspace(-40, 40, 33), np.linspace(-9, 9, 9)), -1).reshape(-1, 2)
    centre, found, half = ocr.smallest_rectangle(grid @ axes + (100, 50))
    np.testing.assert_allclose(centre, (100, 50), atol=1e-9)
    np.testing.assert_allclose(sorted(half), (9, 40), atol=1e-9)
    assert found[0, 0] >= np.cos(np.pi / 4) - 1e-9  # the first axis points right
    longest = found[np.argmax(half)]
    assert abs(longest @ axes[0]) == pytest.approx(1)


@pytest.mark.parametrize("points", [[[3, 4]], [[3, 4], [3, 4]], [[0, 0], [5, 0], [9, 0]]])
def test_smallest_rectangle_of_few_points(points):
    centre, _, half = ocr.smallest_rectangle(np.array(points))
    assert np.isfinite(centre).all() and min(half) == 0


def naive_components(mask: np.ndarray) -> set[frozenset[tuple[int, int]]]:
    """Flood fill over the eight neighbours."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    regions = set()
    while left:
        stack, region = [left.pop()], set()
        while stack:
            y, x = stack.pop()
            region.add((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            stack += near
        regions.add(frozenset(region))
    return regions


@pytest.mark.parametrize("seed", range(20))
def test_components_agree_with_flood_fill(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((rng.integers(1, 24), rng.integers(1, 24))) < rng.uniform(0.05, 0.7)
    found = set()
    for ends in ocr.components(mask):
        runs = ends.reshape(-1, 2, 2)
        found.add(frozenset((int(y), x) for (a, y), (b, _) in runs for x in range(a, b + 1)))
    assert found == naive_components(mask)


def test_mean_inside_ignores_what_is_outside():
    values = np.zeros((40, 60))
    values[10:21, 20:41] = 1
    box = (np.array([30.0, 15.0]), np.eye(2), np.array([10.0, 5.0]))
    assert ocr.mean_inside(values, *box) == 1
    assert ocr.mean_inside(values, box[0], box[1], np.array([20.0, 5.0])) == pytest.approx(21 / 41)


def test_crop_turns_a_slanted_line_upright():
    page = Image.new("RGB", (200, 120), "white")
    box = np.array([[40, 60], [140, 20], [148, 40], [48, 80]], float)
    ImageDraw.Draw(page).polygon([tuple(p) for p in box], fill="black")
    line = ocr.crop(page, box)
    assert line.size == (108, 22)
    assert np.asarray(line)[2:-2, 2:-2].max() < 40
    assert ocr.crop(page, box[[1, 2, 3, 0]]).size == (108, 22)  # a tall one is laid down


def test_line_tensor_pads_on_the_right():
    tensor = ocr.line_tensor(Image.new("RGB", (100, 50), "white"), 192)
    assert tensor.shape == (1, 3, 48, 192) and tensor.dtype == np.float32
    np.testing.assert_array_equal(tensor[..., :96], 1)
    np.testing.assert_array_equal(tensor[..., 96:], 0)


def test_decode_merges_repeats_and_drops_blanks():
    letters = ocr.alphabet("\na\nb\n")
    assert letters == ["", "a", "b", " "]
    steps = [1, 1, 0, 1, 2, 2, 3, 0, 2]
    text, confidence = ocr.decode(np.eye(4)[steps] * 0.9, letters)
    assert (text, confidence) == ("aab b", pytest.approx(0.9))
    assert ocr.decode(np.eye(4)[[0, 0]], letters) == ("", 0.0)


@pytest.fixture(scope="session")
def networks():
    """The three networks on ONNX Runtime, and the recogniser's alphabet."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    sessions = [
        onnxruntime.InferenceSession(
            model_zoo.path(name), options, providers=["CPUExecutionProvider"]
        )
        for name in demo.NETWORKS.values()
    ]
    calls = [lambda x, s=s: s.run(None, {s.get_inputs()[0].name: x})[0] for s in sessions]
    characters = sessions[2].get_modelmeta().custom_metadata_map["character"]
    return *calls, ocr.alphabet(characters)


def test_reads_the_sample(networks):
    page, expected = sample.draw()
    lines = ocr.read(page, *networks)
    assert demo.missing(expected, lines) == []
    assert len(lines) == len(expected)
    assert all(line.confidence > 0.8 for line in lines)


def test_reads_a_page_lying_on_its_side(networks):
    page, expected = sample.draw()
    lines = ocr.read(page.transpose(Image.Transpose.ROTATE_90), *networks)
    assert demo.missing(expected, lines) == []


@pytest.mark.parametrize("size", [(300, 200), (1, 1), (900, 20)])
def test_an_empty_page_has_no_lines(networks, size):
    assert ocr.read(Image.new("RGB", size, "white"), *networks) == []


def test_demo_fails_if_the_text_does_not_come_back():
    lines = [ocr.Line("some text", 1.0, np.zeros((4, 2)))]
    assert demo.missing(["some text", "other"], lines) == ["other"]


def test_demo_runs(engine, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(demo, "OUTPUT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["demo.py"])
    assert demo.main() == 0
    out = capsys.readouterr().out
    assert "Longtail compiles operators" in out and "recognise" in out
    assert Image.open(tmp_path / "boxes.png").size == sample.draw()[0].size
    assert (tmp_path / "detect.lt").stat().st_size > 1e6


def test_demo_names_a_picture_that_it_cannot_read(on_stand_in, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["demo.py", "absent.png"])
    assert demo.main() == 2
    assert "absent.png" in capsys.readouterr().out
