"""Every environment variable that Longtail reads; nothing else looks at the environment.

An argument of a call wins over the variable, and the variable wins over the default.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from .errors import Error

T = TypeVar("T")


@dataclass(frozen=True)
class Knob(Generic[T]):
    """One variable; `get` reads it anew each time."""

    name: str
    default: T
    parse: Callable[[str], T]
    help: str

    def get(self, argument: T | None = None) -> T:
        """The argument if it is given, else the variable, else the default.

        Raises Error, naming the variable, if its text cannot be understood.
        """
        if argument is not None:
            return argument
        text = os.environ.get(self.name)
        if text is None or text == "":
            return self.default
        try:
            return self.parse(text)
        except ValueError as error:
            raise Error(f"environment variable {self.name}: {error}") from None


def _threads(text: str) -> int:
    count = int(text) if text.isdigit() else 0
    if not 1 <= count <= 64:
        raise ValueError(f"'{text}' is not a number of threads from 1 to 64")
    return count


def _flag(text: str) -> bool:
    known = {"0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}
    if text.lower() not in known:
        raise ValueError(f"'{text}' is neither 0 nor 1")
    return known[text.lower()]


THREADS = Knob("LONGTAIL_THREADS", 1, _threads, "threads of a model that is called, 1 to 64")
TARGET = Knob("LONGTAIL_TARGET", "host", str, "processor to compile for, such as host or x86-64-v3")
NAIVE = Knob("LONGTAIL_NAIVE", False, _flag, "compile to plain loops: slow, to compare with")
DUMP_PHASES = Knob("LONGTAIL_DUMP_PHASES", "", str, "folder that receives the IR after each phase")

RECORDS = Knob(
    "LONGTAIL_RECORDS",
    "~/.cache/longtail/records.sqlite",
    str,
    "file of tuning records that compiling looks into; 'off': none",
)

CACHE = Knob(
    "LONGTAIL_CACHE",
    "~/.cache/longtail/operators",
    str,
    "folder that keeps the machine code of operators written in Python; 'off': none",
)

ALL: tuple[Knob, ...] = (THREADS, TARGET, NAIVE, DUMP_PHASES, RECORDS, CACHE)


def cache_folder() -> Path | None:
    """The folder of compiled operators, which need not exist; None where there shall be none."""
    text = CACHE.get()
    return None if text == "off" else Path(text).expanduser()


def records_path(argument: str | os.PathLike[str] | bool | None = None) -> Path | None:
    """The file of tuning records, which need not exist; None where there shall be none.

    An argument of False means none, True and None what the variable says.
    """
    if argument is False:
        return None
    if argument is not None and argument is not True:
        return Path(argument)
    text = RECORDS.get()
    return None if text == "off" else Path(text).expanduser()
