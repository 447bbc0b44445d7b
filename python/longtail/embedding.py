"""Models as parts of programs: an object file or a shared library, with a C header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .errors import InputError
from .model import CompiledModel


def write(
    model: CompiledModel,
    output: Path,
    shared: bool,
    sizes: Mapping[str, tuple[int, ...]] | None = None,
) -> None:
    """Write `output` and, beside it, a header of its name with the suffix .h.

    The symbol is `longtail_` and the name of the file, in which what C does not allow becomes "_".
    `sizes` gives the largest sizes of inputs that the model leaves open. The model must have been
    compiled for one target.
    Raises InputError if sizes are missing or the model cannot be embedded.
    """
    from . import _compiler

    name = re.sub(r"\W", "_", output.stem, flags=re.ASCII)
    if name[:1].isdigit():
        name = f"_{name}"
    try:
        binary, header = _compiler.embed(
            model.to_bytes(), name, shared, {key: list(v) for key, v in (sizes or {}).items()}
        )
    except ValueError as error:
        raise InputError(str(error)) from None
    output.write_bytes(binary)
    output.with_suffix(".h").write_text(header)
