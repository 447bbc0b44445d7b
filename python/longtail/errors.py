"""What can go wrong, as exceptions; all of them derive from `longtail.Error`."""

from __future__ import annotations


class Error(Exception):
    """Any error that Longtail reports; the text names the model, node, input or file at fault.

    `code` is the runtime's name for the kind of error ("SHAPE", "FORMAT", ...), or None if the
    error does not come from the runtime.
    """

    code: str | None = None


class CompileError(Error):
    """A model cannot be compiled. `diagnostics` lists every finding, not only the first."""

    def __init__(self, diagnostics: list[str]) -> None:
        self.diagnostics = list(diagnostics)
        super().__init__("\n".join(self.diagnostics) or "the compiler gave no reason")


class ArtifactError(Error):
    """An artifact is damaged, made for another processor, or of a version that is not supported."""


class InputError(Error, ValueError):
    """An argument of a call does not fit the model; the text names the input."""


class ShapeError(InputError):
    """An input has another rank or other dimensions than the model accepts."""


class DTypeError(InputError, TypeError):
    """An input has another element type than the model declares."""


class RunError(Error, RuntimeError):
    """A kernel found a value that it cannot work with, such as an index out of range."""


class OutOfMemoryError(Error, MemoryError):
    """The memory for a run could not be had."""


_BY_CODE: dict[str, type[Error]] = {
    "ARG": InputError,
    "SHAPE": ShapeError,
    "MEMORY": OutOfMemoryError,
    "KERNEL": RunError,
    "FORMAT": ArtifactError,
    "VERSION": ArtifactError,
    "LIMIT": ArtifactError,
    "INTEGRITY": ArtifactError,
    "TRUST": ArtifactError,
    "ISA": ArtifactError,
    "IO": ArtifactError,
}


def from_runtime(error: Exception) -> Error:
    """The typed form of an error of the runtime, which carries its kind in `code`."""
    code = str(getattr(error, "code", "") or "")
    typed = _BY_CODE.get(code, Error)(str(error))
    typed.code = code or None
    return typed
