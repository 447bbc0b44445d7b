"""The picture that the demo reads when it is given none, and the text that must come back."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

PAPER, INK = (250, 249, 245), (25, 28, 40)

# Text, size in pixels, angle in degrees (counter-clockwise), left and top edge in pixels.
SAMPLE = [
    ("Longtail compiles operators", 54, 0, 60, 40),
    ("x86-64 AArch64 RISC-V", 40, 0, 60, 130),
    ("Total: 1,234.56 EUR (19% VAT)", 30, 0, 60, 210),
    ("ahead of time, in C++", 30, 0, 560, 208),
    ("this line climbs the page", 38, 12, 60, 270),
    ("upside down line", 40, 180, 560, 330),
    ("small print: weights are open", 22, 0, 60, 440),
]


def draw() -> tuple[Image.Image, list[str]]:
    """A page with lines of several sizes, one slanted, one upside down; and its lines of text."""
    page = Image.new("RGB", (920, 500), PAPER)
    for text, size, angle, left, top in SAMPLE:
        font = ImageFont.load_default(size)
        _, _, right, bottom = font.getbbox(text)
        strip = Image.new("L", (int(right) + 8, int(bottom) + 8), 0)
        ImageDraw.Draw(strip).text((4, 2), text, fill=255, font=font)
        mask = strip.rotate(angle, Image.Resampling.BICUBIC, expand=True)
        page.paste(INK, (left, top), mask)
    return page, [text for text, *_ in SAMPLE]
