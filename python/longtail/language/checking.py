"""`op.check`: an operator in all of its modes on cases, and who is at fault where they differ."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import Error, InputError
from ..interpretation import PHASES
from .cases import Cases
from .comparing import compare, same
from .modes import MODES, run

if TYPE_CHECKING:
    from .instance import Instance
    from .operators import Operator


def check(
    operator: Operator,
    cases: Iterable[Any] | Cases | None,
    ref: Callable[..., Any] | None,
    rtol: float,
    atol: float,
    modes: Sequence[str],
) -> int:
    """See `Operator.check`."""
    if unknown := [mode for mode in modes if mode not in MODES]:
        raise InputError(f"there is no mode '{unknown[0]}'; there is one of {', '.join(MODES)}")
    generated = cases is None or isinstance(cases, Cases)
    if generated:
        cases = (cases or Cases()).of(operator)
    done, refused = 0, None
    for number, case in enumerate(cases):
        named = dict(case) if isinstance(case, Mapping) else {}
        arguments = () if named else tuple(case)
        try:
            operator.signature.bind(*arguments, **named)
        except TypeError as error:
            raise InputError(
                f"operator '{operator.name}', case {number}: {error}; a case is a tuple of all "
                "arguments, or a dict of them by name"
            ) from None
        for what, change, exact in VARIANTS:
            changed = [change(a) for a in arguments]
            by_name = {k: change(v) for k, v in named.items()}
            if what and _equal([*changed, *by_name.values()], [*arguments, *named.values()]):
                continue
            try:
                expected = _in_python(operator, changed, by_name)
            except Exception as error:
                if not generated and exact:
                    raise
                refused = error  # not a case of this operator
                break
            name = f"case {number}{what}"
            if ref is not None and exact:
                found = ref(*map(_copied, changed), **{k: _copied(v) for k, v in by_name.items()})
                compare(found, expected, f"{name}: reference", rtol, atol)
            # Strides change nothing but how arguments are passed.
            chosen = modes if not what else [m for m in modes if m == "native"]
            for mode in chosen:
                if mode != "python":
                    _check_mode(operator, mode, changed, by_name, expected, name, rtol, atol)
                done += 1
    if not done and refused is not None:
        raise InputError(
            f"operator '{operator.name}' refuses all generated cases: {refused}; "
            "give sizes and arrays that it takes with lt.cases(...)"
        )
    return done


def _in_python(operator: Operator, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
    with warnings.catch_warnings():
        # NumPy warns of what empty arrays give, which is what is compared.
        warnings.simplefilter("ignore", RuntimeWarning)
        copies = {k: _copied(v) for k, v in named.items()}
        return operator.python(*map(_copied, arguments), **copies)


def _check_mode(
    operator: Operator,
    mode: str,
    arguments: Sequence[Any],
    named: Mapping[str, Any],
    expected: Any,
    name: str,
    rtol: float,
    atol: float,
) -> None:
    what = f"{name}: {mode}"
    try:
        actual = run(operator, mode, "expand", arguments, named)
    except Error as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
    try:
        compare(actual, expected, what, rtol, atol)
    except AssertionError as difference:
        if mode != "native":
            raise
        instance, arrays = operator._split(arguments, named)
        reason = at_fault(instance, arrays, expected, rtol, atol)
        raise AssertionError(f"{difference}\n{reason}") from None


# ---- who is at fault ---------------------------------------------------------------------------


def at_fault(
    instance: Instance, arrays: Sequence[Any], expected: Any, rtol: float, atol: float
) -> str:
    """Which phase of the compiler, and which pass of it, breaks an operator."""

    def is_right(text: str) -> bool:
        try:
            return same(instance.interpret_text(text, arrays), expected, rtol, atol)
        except Error:
            return False

    if not is_right(instance.module(PHASES[0])):
        return (
            "the result differs before the first phase: the front end of the language is at fault"
        )
    previous = PHASES[0]
    for phase in PHASES[1:]:
        if not is_right(instance.module(phase)):
            break
        previous = phase
    else:
        return (
            f"the result is right after phase {PHASES[-1]}: "
            "lowering to kernels or to machine code is at fault"
        )
    text = f"first phase after which the result differs: {phase}"
    for name, module in instance.passes(previous, phase):
        if not is_right(module):
            return f"{text}\nfirst pass after which it differs: {name}"
    return text


# ---- the same elements in other memory -----------------------------------------------------------


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _equal(changed: Sequence[Any], given: Sequence[Any]) -> bool:
    """Whether a variant changes nothing: no array has other strides or elements."""
    return all(
        not isinstance(a, np.ndarray) or (a.strides == b.strides and a.shape == b.shape)
        for a, b in zip(changed, given, strict=True)
        if isinstance(b, np.ndarray)
    )


def _reversed(value: Any) -> Any:
    """Every second element of a larger array, backwards."""
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return value
    spread = np.zeros((*value.shape[:-1], value.shape[-1] * 2), value.dtype)
    view = spread[..., ::-2] if value.shape[-1] else spread
    view[...] = value
    return view


def _columns(value: Any) -> Any:
    """The first dimension innermost, with an offset."""
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return value
    shape = value.shape[::-1]
    spread = np.zeros((shape[0] + 1, *shape[1:]), value.dtype)
    view = spread[1:].T
    view[...] = value
    return view


def _repeated(value: Any) -> Any:
    """The first row again and again, with stride 0. Only of real numbers, which other elements of
    an operator's arguments seldom refer to."""
    if not isinstance(value, np.ndarray) or value.size == 0 or value.ndim == 0:
        return value
    return np.broadcast_to(value[:1], value.shape) if value.dtype.kind == "f" else value


# What is added to the name of a case, how its arrays are changed, and whether they stay equal.
VARIANTS: tuple[tuple[str, Callable[[Any], Any], bool], ...] = (
    ("", lambda value: value, True),
    (" (reversed)", _reversed, True),
    (" (by columns)", _columns, True),
    (" (strides of 0)", _repeated, False),
)
