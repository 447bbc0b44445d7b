"""What each group of an artifact computes and moves, for given sizes of the inputs.

The compiler records it in the artifact's provenance under "groups", as JSON:
    {"groups": [[class, operations, bytes], ...], "sizes": {"s0": [input, dimension], "s1": text}}
with one entry for each kernel step, in order. A text is an expression in postfix form, such as
"2 s0 * 64 +".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Name: number of operands, and what it is of them.
_FUNCTIONS: dict[str, tuple[int, Callable[..., int]]] = {
    "+": (2, lambda a, b: a + b),
    "*": (2, lambda a, b: a * b),
    "floordiv": (2, lambda a, b: a // b),
    "ceildiv": (2, lambda a, b: -(-a // b)),
    "mod": (2, lambda a, b: a % b),
    "max": (2, max),
    "min": (2, min),
    "eq": (2, lambda a, b: int(a == b)),
    "lt": (2, lambda a, b: int(a < b)),
    "le": (2, lambda a, b: int(a <= b)),
    "and": (2, lambda a, b: int(bool(a and b))),
    "or": (2, lambda a, b: int(bool(a or b))),
    "select": (3, lambda a, b, c: b if a else c),
}


@dataclass(frozen=True)
class GroupCost:
    """Operations on elements and bytes of operands and results; None where they depend on data."""

    strategy: str
    operations: int | None
    bytes: int | None


def evaluate(text: str, sizes: dict[str, int]) -> int | None:
    """The value of a postfix expression; None if it has an unknown symbol, or no value.

    Raises ValueError if it is no expression.
    """
    stack: list[int | None] = []
    for word in text.split():
        if word in _FUNCTIONS:
            count, function = _FUNCTIONS[word]
            if len(stack) < count:
                raise ValueError(f"'{word}' has too few operands in '{text}'")
            operands = stack[-count:]
            del stack[-count:]
            try:
                stack.append(None if None in operands else function(*operands))
            except ZeroDivisionError:
                stack.append(None)
        elif word.lstrip("-").isdigit():
            stack.append(int(word))
        else:
            stack.append(sizes.get(word))
    if len(stack) != 1:
        raise ValueError(f"'{text}' is no expression")
    return stack[0]


def group_costs(text: str, shapes: Sequence[Sequence[int]]) -> list[GroupCost]:
    """The costs of each group for inputs of these shapes.

    Raises ValueError if the text is not what the compiler writes.
    """
    try:
        record = json.loads(text)
        sizes: dict[str, int] = {}
        # Derived sizes depend on those of lower numbers only.
        for name, origin in sorted(record["sizes"].items(), key=lambda each: int(each[0][1:])):
            if isinstance(origin, str):
                value = evaluate(origin, sizes)
            else:
                value = shapes[origin[0]][origin[1]]
            if value is not None:
                sizes[name] = value
        return [
            GroupCost(strategy, evaluate(operations, sizes), evaluate(moved, sizes))
            for strategy, operations, moved in record["groups"]
        ]
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError) as error:
        raise ValueError(f"costs of groups: {error!r}") from None
