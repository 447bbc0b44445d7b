"""The ways in which an operator can be run.

python   the function itself: what the operator means
ir       its IR after a phase of the compiler, by the interpreter of the dialects
checked  machine code that checks indices, facts about data and which point writes what
native   machine code
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import InputError, RunError
from ..interpretation import PHASES

if TYPE_CHECKING:
    from .instance import Instance
    from .operators import Operator

MODES = ("python", "ir", "checked", "native")


def run(
    operator: Operator,
    mode: str,
    after: str,
    arguments: Sequence[Any],
    named: Mapping[str, Any],
) -> Any:
    """The results of an operator in a mode; InputError if there is no such mode or phase."""
    if mode not in MODES:
        raise InputError(f"there is no mode '{mode}'; there is one of {', '.join(MODES)}")
    if after not in PHASES:
        raise InputError(
            f"a module cannot be interpreted after '{after}', only after {', '.join(PHASES)}"
        )
    if mode == "python":
        return operator.python(*arguments, **named)
    instance, arrays = operator._split(arguments, named, checked=mode == "checked")
    if mode == "ir":
        return instance.interpret(arrays, after)
    if mode == "native":
        return instance.run(arrays)
    return _run_checked(instance, arrays)


def _run_checked(instance: Instance, arrays: list[Any]) -> Any:
    """Machine code knows that something is wrong; the interpreter knows where."""
    try:
        return instance.run(arrays)
    except RunError:
        instance.interpret(arrays, "expand")
        raise
