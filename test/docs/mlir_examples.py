"""Examples of IR in documentation: pieces of code, made whole and given to lt-opt."""

from __future__ import annotations

import re
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LT_OPT = ROOT / "build" / "compiler" / "Tools" / "lt-opt"
UNDECLARED = re.compile(r"<stdin>:(\d+):(\d+): error: use of undeclared SSA value name")
TYPE = re.compile(
    r"error: use of value '(%[\w.$-]+)' expects different type than prior uses: '(.*)' vs"
)
NAME = re.compile(r"%[\w.$-]+")


@dataclass(frozen=True)
class Block:
    """The text between two fences, and where it is."""

    file: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}"


def blocks(file: Path, language: str) -> Iterator[Block]:
    """The fenced blocks of a language in a file."""
    pattern = rf"^[ \t]*```{language}\n(.*?)^[ \t]*```$"
    text = file.read_text()
    for found in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(file, line, textwrap.dedent(found[1]))


def lt_opt(text: str) -> str:
    """What lt-opt says about a text; nothing if it parses and is valid."""
    command = [LT_OPT, "--allow-unregistered-dialect", "-o", "/dev/null", "-"]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, timeout=60
    )
    return "" if done.returncode == 0 else done.stderr or f"exit code {done.returncode}"


def errors_in(example: str) -> str:
    """What is wrong with an example; nothing if it is valid.

    Values that an example uses but does not define get a definition of the type that their use
    wants, which lt-opt tells.
    """
    if "func.func" in example or "module" in example:
        return lt_opt(example)
    if example.startswith("#"):
        return lt_opt(f'"doc.example"() {{a = {example}}} : () -> ()')
    if example.startswith(("!", "tensor<")):
        return lt_opt(f'"doc.example"() : () -> ({example})')
    types: dict[str, str] = {}
    text = ""
    for _ in range(40):
        given = "".join(
            f'{name} = "doc.value"() : () -> ({kind})\n' for name, kind in types.items()
        )
        text = f'"doc.example"() ({{\n{given}{example}\n}}) : () -> ()\n'
        error = lt_opt(text)
        if undeclared := UNDECLARED.search(error):
            line, column = int(undeclared[1]), int(undeclared[2])
            name = NAME.match(text.splitlines()[line - 1], column - 1)[0]
            types[name] = "!doc.unknown"
        elif (wrong := TYPE.search(error)) and types.get(wrong[1]) == "!doc.unknown":
            types[wrong[1]] = wrong[2]
        else:
            return error and f"{error}\nin\n{text}"
    return f"no end of missing values in\n{text}"
