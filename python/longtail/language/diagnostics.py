"""What is wrong with an operator: stable codes, the line with the place underlined, reason, fix."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import Error

# Every code and what it is about; docs/operator-language.md explains each.
CODES: dict[str, str] = {
    "E0100": "the source of the function cannot be had",
    "E0101": "the statement is outside the language",
    "E0102": "the expression is outside the language",
    "E0103": "the function that is called is unknown to the language",
    "E0104": "an annotation is missing or cannot be understood",
    "E0105": "recursion",
    "E0106": "a global variable changed after the operator was defined",
    "E0109": "a write to an argument or through a view",
    "E0110": "a variable has no value on some path",
    "E0111": "the name is not defined",
    "E0112": "an argument of a function does not fit",
    "E0120": "part of the language that is not compiled yet",
    "E0130": "the operator is no function of ONNX's own operators",
    "E0201": "a parallel point reads what another point writes",
    "E0202": "points of a grid depend on each other through a variable",
    "E0203": "parallel writes may hit the same element",
    "E0301": "dimensions differ",
    "E0302": "a shape that does not fit",
    "E0303": "the number of dimensions does not fit",
    "E0304": "a fact about sizes is false",
    "E0401": "an index is outside of the dimension",
    "E0501": "element types do not fit",
}


@dataclass(frozen=True)
class Place:
    """A range of a source file; columns count from 1 and `end` is one behind the last."""

    file: str
    line: int
    column: int
    end_line: int
    end: int

    def mlir(self) -> str:
        return f'loc("{self.file}":{self.line}:{self.column} to {self.end_line}:{self.end})'


def underlined(place: Place, text: str) -> list[str]:
    """The source line `text` with the place marked below it; nothing if the line is not known."""
    if not text:
        return []
    end = place.end if place.end_line == place.line else len(text) + 1
    marks = " " * (place.column - 1) + "^" * max(end - place.column, 1)
    return [f"{place.line:5} | {text}", f"      | {marks}"]


@dataclass(frozen=True)
class Finding:
    """One error. `text` is the whole source line that `place` is in."""

    code: str
    message: str
    place: Place | None
    fix: str = ""
    text: str = ""

    def __str__(self) -> str:
        if self.place is None:
            return f"error {self.code}: {self.message}" + (
                f"\n   fix: {self.fix}" if self.fix else ""
            )
        place = self.place
        lines = [f"{place.file}:{place.line}:{place.column}: error {self.code}: {self.message}"]
        lines.extend(underlined(place, self.text))
        if self.fix:
            lines.append(f"   fix: {self.fix}")
        return "\n".join(lines)


class OperatorError(Error):
    """An operator that cannot be compiled; `findings` are all of its errors in source order."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__("\n".join(map(str, findings)))


class Reject(Exception):
    """Raised where an error is found; the statement that is being lowered records it."""

    def __init__(self, code: str, message: str, fix: str = "", place: Place | None = None) -> None:
        assert code in CODES, code
        super().__init__(message)
        self.finding = Finding(code, message, place, fix)

    def at(self, place: Place | None) -> Finding:
        """The finding, at `place` unless a better one is known."""
        return self.finding if self.finding.place else replace(self.finding, place=place)
