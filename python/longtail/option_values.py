"""Values of the options of the command line; each function raises ArgumentTypeError."""

from __future__ import annotations

import argparse


def named_file(text: str) -> tuple[str, str]:
    name, separator, file = text.rpartition("=")
    return (name, file) if separator else ("", text)


def named_shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, separator, sizes = text.rpartition("=")
    try:
        shape = tuple(int(size) for size in sizes.split("x")) if sizes else ()
    except ValueError:
        shape = (-1,)
    if not separator or not name or any(size < 0 for size in shape):
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form NAME=1x3x224x224")
    return name, shape


def named_size(text: str) -> tuple[str, int]:
    name, _, size = text.rpartition("=")
    if not name or not size.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form NAME=4")
    return name, int(size)


def duration(text: str) -> float:
    digits, unit = (text[:-1], text[-1]) if text[-1:] in ("s", "m", "h") else (text, "s")
    try:
        value = float(digits) * {"s": 1, "m": 60, "h": 3600}[unit]
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a time such as 120s or 5m")
    return value


def byte_count(text: str) -> int:
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
    unit = units.get(text[-1:].upper(), 0)
    digits = text[:-1] if unit else text
    if not digits.isdecimal() or int(digits) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of bytes such as 500M or 4G")
    return int(digits) * (unit or 1)
