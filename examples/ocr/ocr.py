"""Reading text in a picture: everything around the three networks, in NumPy and Pillow.

detect:    where is text?        -> probability map -> rectangles
classify:  is a line upside down?
recognise: what does a line say? -> one class per column -> text

The networks are plain callables, float32 [1, 3, H, W] in, float32 array out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

Network = Callable[[np.ndarray], np.ndarray]


@dataclass
class Line:
    """One line of text; `box` holds its corners [4, 2] (x, y) from the top left, clockwise."""

    text: str
    confidence: float
    box: np.ndarray


def to_tensor(image: Image.Image) -> np.ndarray:
    """An RGB picture as float32 [1, 3, H, W] in -1..1 and in the order blue, green, red."""
    pixels = np.asarray(image, np.float32)[:, :, ::-1] / 127.5 - 1.0
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


# ---- detect ------------------------------------------------------------------------------------


def find_boxes(image: Image.Image, detect: Network) -> list[np.ndarray]:
    """The text rectangles [4, 2] of a picture in reading order, in pixels of the picture."""
    ratio = max(1.0, 736 / min(image.size))
    width, height = (max(32, round(side * ratio / 32) * 32) for side in image.size)
    probability = detect(to_tensor(image.resize((width, height), Image.Resampling.BILINEAR)))[0, 0]
    mask = np.pad(probability > 0.3, ((1, 0), (1, 0)))
    mask = mask[1:, 1:] | mask[:-1, 1:] | mask[1:, :-1] | mask[:-1, :-1]
    scale = np.divide(image.size, (width, height))
    boxes = []
    for points in components(mask):
        centre, axes, half = smallest_rectangle(points)
        if min(2 * half) < 3 or mean_inside(probability, centre, axes, half) < 0.5:
            continue
        # Moving each side outwards by area * 1.6 / perimeter gives room to the letters.
        half = half + 1.6 * half[0] * half[1] / (half[0] + half[1])
        if min(2 * half) >= 5:
            corners = centre + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ axes
            boxes.append(np.clip(corners * scale, 0, np.array(image.size) - 1))
    boxes.sort(key=lambda box: box[0, 1])
    rows = np.cumsum(np.diff([box[0, 1] for box in boxes], prepend=-np.inf) >= 10)
    return [
        box for _, box in sorted(zip(rows, boxes, strict=True), key=lambda r: (r[0], r[1][0, 0]))
    ]


def components(mask: np.ndarray) -> list[np.ndarray]:
    """The 8-connected regions of a mask [H, W], each as the end points (x, y) of its rows' runs."""
    step = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    (row, start), (_, stop) = np.nonzero(step == 1), np.nonzero(step == -1)
    if row.size == 0:
        return []
    # Runs are sorted, so the runs below a run that touch it are the range first..last.
    key = row * (mask.shape[1] + 2)
    first = np.searchsorted(key + stop, key + mask.shape[1] + 2 + start)
    last = np.searchsorted(key + start, key + mask.shape[1] + 2 + stop, side="right")
    upper = np.repeat(np.arange(row.size), last - first)
    lower = np.arange(upper.size) + np.repeat(
        first - np.cumsum(last - first) + last - first, last - first
    )
    label, before = np.arange(row.size), None
    while not np.array_equal(label, before):
        before = label.copy()
        for a, b in ((upper, lower), (lower, upper)):
            np.minimum.at(label, a, label[b])
        label = label[label]
    ends = np.stack([np.stack([start, row], 1), np.stack([stop - 1, row], 1)], 1)
    return [ends[label == each].reshape(-1, 2) for each in np.unique(label)]


def smallest_rectangle(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rectangle of the smallest area around points [N, 2]: centre [2], unit axes [2, 2] (the first
    points right), and half sides [2]. One of its sides lies on a side of the convex hull."""
    hull: list[np.ndarray] = []
    ordered = np.unique(points, axis=0).astype(float)
    for chain in (ordered, ordered[::-1]):
        floor = len(hull)
        for p in chain:
            while len(hull) >= floor + 2 and turn(hull[-2], hull[-1], p) <= 0:
                hull.pop()
            hull.append(p)
    edges = np.diff(hull, axis=0)
    angles = np.unique(np.arctan2(edges[:, 1], edges[:, 0]) % (np.pi / 2))
    angles = np.where(angles > np.pi / 4, angles - np.pi / 2, angles)
    axes = np.stack([np.cos(angles), np.sin(angles), -np.sin(angles), np.cos(angles)], 1).reshape(
        -1, 2, 2
    )
    along = np.array(hull) @ axes.transpose(0, 2, 1)
    low, high = along.min(1), along.max(1)
    best = np.argmin(np.prod(high - low, axis=1))
    return (low + high)[best] / 2 @ axes[best], axes[best], (high - low)[best] / 2


def turn(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    """Which way the path a, b, c bends: the sign of the area of the triangle."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def mean_inside(
    values: np.ndarray, centre: np.ndarray, axes: np.ndarray, half: np.ndarray
) -> float:
    """The mean of values [H, W] over the pixels inside a rectangle."""
    reach = np.abs(axes * half[:, None]).sum(0)
    x0, y0 = np.maximum(np.floor(centre - reach), 0).astype(int)
    x1, y1 = np.ceil(centre + reach).astype(int) + 1
    window = values[y0:y1, x0:x1]
    grid = np.moveaxis(np.indices(window.shape), 0, -1)[:, :, ::-1] + (x0, y0) - centre
    inside = (np.abs(grid @ axes.T) <= half + 1e-6).all(2)
    return float(window[inside].mean()) if inside.any() else 0.0


# ---- classify and recognise --------------------------------------------------------------------


def crop(image: Image.Image, box: np.ndarray) -> Image.Image:
    """The quadrilateral `box` warped to an upright picture; a tall one is turned by 90 degrees."""
    sides = np.linalg.norm(box - np.roll(box, -1, axis=0), axis=1)
    width, height = (max(1, round(float(max(sides[k], sides[k + 2])))) for k in (0, 1))
    target = [(0, 0), (width, 0), (width, height), (0, height)]
    rows = [
        row
        for (u, v), (x, y) in zip(target, box, strict=True)
        for row in ([u, v, 1, 0, 0, 0, -u * x, -v * x], [0, 0, 0, u, v, 1, -u * y, -v * y])
    ]
    warp = np.linalg.solve(np.array(rows, float), box.reshape(-1))
    flat = image.transform(
        (width, height), Image.Transform.PERSPECTIVE, warp.tolist(), Image.Resampling.BICUBIC
    )
    return flat.transpose(Image.Transpose.ROTATE_90) if height >= 1.5 * width else flat


def line_tensor(image: Image.Image, width: int) -> np.ndarray:
    """A line scaled to a height of 48, at the left of float32 [1, 3, 48, width]; the rest is 0."""
    scaled = image.resize(
        (min(width, -(-48 * image.width // image.height)), 48), Image.Resampling.BILINEAR
    )
    return np.pad(to_tensor(scaled), ((0, 0), (0, 0), (0, 0), (0, width - scaled.width)))


def alphabet(characters: str) -> list[str]:
    """Class number -> character, from the recogniser's metadata; class 0 is the blank."""
    return ["", *characters.strip("\n").split("\n"), " "]


def decode(probabilities: np.ndarray, letters: list[str]) -> tuple[str, float]:
    """Text and mean confidence of class probabilities [T, classes]; repeats merge, blanks go."""
    best = probabilities.argmax(1)
    keep = (best != 0) & (best != np.roll(best, 1))
    keep[:1] = best[:1] != 0
    confidence = float(probabilities.max(1)[keep].mean()) if keep.any() else 0.0
    return "".join(letters[k] for k in best[keep]), confidence


def read(
    image: Image.Image, detect: Network, classify: Network, recognise: Network, letters: list[str]
) -> list[Line]:
    """All lines of text of an RGB picture, in reading order; doubtful ones are left out."""
    lines = []
    for box in find_boxes(image, detect):
        line = crop(image, box)
        if classify(line_tensor(line, 192))[0, 1] > 0.9:
            line = line.transpose(Image.Transpose.ROTATE_180)
        width = max(320, 48 * line.width // line.height)
        text, confidence = decode(recognise(line_tensor(line, width))[0], letters)
        if confidence >= 0.5:
            lines.append(Line(text, confidence, box))
    return lines
