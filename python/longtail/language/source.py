"""The source of a function: its syntax tree with the places of its file."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

from .diagnostics import Place, Reject


class Source:
    """The text of a function and the names that it sees."""

    def __init__(self, function: Any, internal: bool = False) -> None:
        self.function = function
        self.internal = internal  # part of the language: operations are at the call's place
        self.name = function.__name__
        try:
            lines, first = inspect.getsourcelines(function)
            self.file = inspect.getsourcefile(function) or "<unknown>"
        except (OSError, TypeError):
            raise Reject(
                "E0100",
                f"the source of `{self.name}` cannot be had",
                "define operators in a file or a notebook cell, not with exec or in the REPL",
            ) from None
        self.text = "".join(lines)
        dedented = textwrap.dedent(self.text)
        self._lines = self.text.split("\n")
        self._first = first
        margin = len(self._lines[0]) - len(dedented.split("\n")[0])
        self._margin = margin
        try:
            tree = ast.parse(dedented)
        except SyntaxError:
            tree = ast.Module([], [])
        node = tree.body[0] if tree.body else None
        if not isinstance(node, ast.FunctionDef):
            raise Reject(
                "E0100", "an operator is a function that `def` defines", "name it with `def`"
            )
        self.node = node
        closure = inspect.getclosurevars(function)
        self.names: dict[str, Any] = {**function.__globals__, **closure.nonlocals}
        self.used: dict[str, Any] = {}

    def place(self, node: ast.AST) -> Place | None:
        if not hasattr(node, "lineno"):
            return None
        lines = self._first - 1
        end_line = (node.end_lineno or node.lineno) + lines
        end = node.end_col_offset if node.end_col_offset is not None else node.col_offset + 1
        return Place(
            self.file,
            node.lineno + lines,
            node.col_offset + self._margin + 1,
            end_line,
            end + self._margin + 1,
        )

    def line(self, number: int) -> str:
        index = number - self._first
        return self._lines[index] if 0 <= index < len(self._lines) else ""
