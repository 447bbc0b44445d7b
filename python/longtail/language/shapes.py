"""What an operator says of shapes: the sizes of its results, and what holds of its arguments.

The same facts stand in its IR as operations of the dialect `extent`; here they can be evaluated
without running it, on any integers: those of Python, or symbolic ones of another system.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .sizes import Size
from .values import Array


@dataclass(frozen=True)
class OfArgument:
    """A symbol that is the size of dimension `dim` of argument `argument`."""

    name: str
    argument: int
    dim: int


@dataclass(frozen=True)
class Derived:
    """A symbol that is a function of sizes, as of `extent.derived`."""

    name: str
    function: str
    arguments: tuple[Size, ...]


@dataclass(frozen=True)
class OfData:
    """A symbol that only a run tells; at most `limit`."""

    name: str
    limit: Size


@dataclass(frozen=True)
class Check:
    """A relation that must hold: "eq", "le" or "lt"."""

    function: str
    left: Size
    right: Size
    message: str


Fact = OfArgument | Derived | OfData | Check

RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": lambda a, b: a == b,
    "le": lambda a, b: a <= b,
    "lt": lambda a, b: a < b,
}


@dataclass(frozen=True)
class Rules:
    """How an evaluation does what depends on the kind of its integers."""

    require: Callable[[Any, str], None]  # what must be true, and what to say if it is not
    from_data: Callable[[Any], Any]  # an unknown size that is at most this one
    greatest: Callable[[Any, Any], Any] = max
    least: Callable[[Any, Any], Any] = min


@dataclass
class Shapes:
    """Arguments and results of an operator, and the facts in the order in which symbols occur."""

    arguments: list[Array] = field(default_factory=list)
    results: list[Array] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)

    def of_results(self, shapes: Sequence[Sequence[Any]], rules: Rules) -> list[tuple[Any, ...]]:
        """The shape of each result for these shapes of the arguments, whose ranks are right."""
        known: dict[str, Any] = {}
        for fact in self.facts:
            if isinstance(fact, OfArgument):
                known[fact.name] = shapes[fact.argument][fact.dim]
            elif isinstance(fact, OfData):
                known[fact.name] = rules.from_data(evaluate(fact.limit, known))
            elif isinstance(fact, Derived):
                values = [evaluate(each, known) for each in fact.arguments]
                known[fact.name] = _derived(fact.function, values, rules)
            else:
                holds = RELATIONS[fact.function](
                    evaluate(fact.left, known), evaluate(fact.right, known)
                )
                rules.require(holds, fact.message)
        return [tuple(evaluate(size, known) for size in each.sizes) for each in self.results]


def evaluate(size: Size, known: Mapping[str, Any]) -> Any:
    """The number that a size is."""
    total: Any = 0
    for monomial, coefficient in size.terms.items():
        product: Any = coefficient
        for atom in monomial:
            if isinstance(atom, str):
                product = product * known[atom]
                continue
            numerator, denominator = (evaluate(each, known) for each in atom[1:])
            divide = (
                numerator // denominator if atom.kind == "floordiv" else numerator % denominator
            )
            product = product * divide
        total = total + product
    return total


def _derived(function: str, values: Sequence[Any], rules: Rules) -> Any:
    if function == "select":
        return values[1] if values[0] else values[2]
    if function in RELATIONS:
        return int(bool(RELATIONS[function](*values)))
    return {"max": rules.greatest, "min": rules.least}[function](*values)
