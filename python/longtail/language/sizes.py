"""Sizes: integer expressions over symbols and positions, in one normal form.

A size is a sum of products of atoms. An atom is the name of a symbol ("s0": a size that is known
when the operator is called), the name of a position ("d1": the index of a loop or element), or
a quotient or remainder of two sizes. Equal sums are equal objects, so that two tensors have equal
sizes exactly if their texts in the IR are equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Quotient(NamedTuple):
    """The atom `numerator // denominator` ("floordiv") or `numerator % denominator` ("mod")."""

    kind: str
    numerator: Size
    denominator: Size


Atom = str | Quotient
Monomial = tuple[Atom, ...]


class Size:
    """An integer expression; immutable, compared by its normal form."""

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: Mapping[Monomial, int]) -> None:
        self.terms = {m: c for m, c in sorted(terms.items(), key=_order) if c}
        self._hash = hash(tuple(self.terms.items()))

    @staticmethod
    def of(value: int | Size) -> Size:
        return value if isinstance(value, Size) else Size({(): int(value)})

    @staticmethod
    def atom(atom: Atom) -> Size:
        return Size({(atom,): 1})

    @property
    def constant(self) -> int | None:
        """The number that this is, or None."""
        if not self.terms:
            return 0
        return self.terms.get(()) if len(self.terms) == 1 else None

    def __add__(self, other: int | Size) -> Size:
        terms = dict(self.terms)
        for m, c in Size.of(other).terms.items():
            terms[m] = terms.get(m, 0) + c
        return Size(terms)

    def __neg__(self) -> Size:
        return Size({m: -c for m, c in self.terms.items()})

    def __sub__(self, other: int | Size) -> Size:
        return self + -Size.of(other)

    def __mul__(self, other: int | Size) -> Size:
        terms: dict[Monomial, int] = {}
        for m, c in self.terms.items():
            for n, d in Size.of(other).terms.items():
                product = tuple(sorted(m + n, key=str))
                terms[product] = terms.get(product, 0) + c * d
        return Size(terms)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: int | Size) -> Size:
        return Size.of(other) - self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | Size) and Size.of(other).terms == self.terms

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return " + ".join(map(_term_text, self.terms.items())) or "0"

    __repr__ = __str__

    def names(self) -> set[str]:
        """All symbols and positions in it."""
        found: set[str] = set()
        for monomial in self.terms:
            for atom in monomial:
                if isinstance(atom, str):
                    found.add(atom)
                else:
                    found |= atom.numerator.names() | atom.denominator.names()
        return found

    def substitute(self, values: Mapping[str, Size], facts: Facts) -> Size:
        """Every name that `values` has, replaced."""
        total = Size.of(0)
        for monomial, coefficient in self.terms.items():
            product = Size.of(coefficient)
            for atom in monomial:
                if isinstance(atom, str):
                    product = product * values.get(atom, Size.atom(atom))
                    continue
                parts = [each.substitute(values, facts) for each in atom[1:]]
                divide = facts.floordiv if atom.kind == "floordiv" else facts.mod
                product = product * divide(*parts)
            total = total + product
        return total


def _order(item: tuple[Monomial, int]) -> tuple:
    return (-len(item[0]), str(item[0]))


def _term_text(item: tuple[Monomial, int]) -> str:
    monomial, coefficient = item
    factors = [
        a if isinstance(a, str) else f"(({a.numerator}) {a.kind} {_divisor(a.denominator)})"
        for a in monomial
    ]
    if coefficient != 1 or not factors:
        factors.append(str(coefficient))
    return " * ".join(factors)


def _divisor(size: Size) -> str:
    text = str(size)
    return text if text.isalnum() else f"({text})"


def product(sizes: Iterable[int | Size]) -> Size:
    result = Size.of(1)
    for size in sizes:
        result = result * size
    return result


@dataclass
class Facts:
    """What is known of names: positions are below their limits, some sizes are multiples."""

    limits: dict[str, Size] = field(default_factory=dict)  # position: 0 <= position < limit
    multiples: set[tuple[Size, Size]] = field(default_factory=set)  # (size, divisor)
    at_least: dict[str, int] = field(default_factory=dict)  # of symbols, where more than 0
    zeros: list[Size] = field(default_factory=list)  # what is 0 because sizes are equal

    def is_nonnegative(self, size: Size, depth: int = 8) -> bool:
        """True where `size >= 0` follows; symbols are at least 0."""
        size = self.simplify(size)
        low = sum(c for m, c in size.terms.items() if not m)
        rest = {m: c for m, c in size.terms.items() if m}
        if all(c > 0 and self._positive(m) for m, c in rest.items()):
            for m, c in rest.items():
                low += c * (
                    self.at_least.get(m[0], 0) if len(m) == 1 and isinstance(m[0], str) else 0
                )
            return low >= 0
        if depth == 0:
            return False
        # Positions at the end of their range that makes the sum least.
        for name in sorted(size.names() & self.limits.keys(), reverse=True):
            coefficient = Size({m: c for m, c in size.terms.items() if m == (name,)})
            others = Size({m: c for m, c in size.terms.items() if m != (name,)})
            if any(name in _names(m) for m in others.terms):
                linear = _linear(others, name)
                if linear is None:
                    continue
            if coefficient.terms and coefficient.terms[(name,)] < 0 and name not in others.names():
                bound = others + (self.limits[name] - 1) * coefficient.terms[(name,)]
                return self.is_nonnegative(bound, depth - 1)
            if coefficient.terms and name not in others.names():
                return self.is_nonnegative(others, depth - 1)
            linear = _linear(size, name)
            if linear is not None:
                slope, offset = linear
                if self.is_nonnegative(slope, depth - 1):
                    return self.is_nonnegative(offset, depth - 1)
                if self.is_nonnegative(-slope, depth - 1):
                    return self.is_nonnegative(offset + slope * (self.limits[name] - 1), depth - 1)
        # A quotient: q = n // d <= n / d, a remainder is below its divisor.
        for monomial, c in rest.items():
            if len(monomial) != 1 or isinstance(monomial[0], str) or c > 0:
                continue
            atom = monomial[0]
            others = size - Size({monomial: c})
            if atom.kind == "mod":
                return self.is_nonnegative(others + (atom.denominator - 1) * c, depth - 1)
            divisor = atom.denominator.constant
            if divisor is not None and divisor > 0:
                return self.is_nonnegative(others * divisor + atom.numerator * c, depth - 1)
            return False
        return False

    def _positive(self, monomial: Monomial) -> bool:
        return all(isinstance(a, str) or self.is_nonnegative(a.numerator, 3) for a in monomial)

    def is_inside(self, size: Size, limit: Size | int) -> bool:
        """True where `0 <= size < limit` follows."""
        return self.is_nonnegative(size) and self.is_nonnegative(Size.of(limit) - 1 - size)

    def is_multiple(self, size: Size, divisor: Size) -> bool:
        if size.constant is not None and divisor.constant:
            return size.constant % divisor.constant == 0
        return (size, divisor) in self.multiples

    def floordiv(self, a: Size, b: Size) -> Size:
        whole, rest = self._split(a, b)
        if rest == 0 or self.is_inside(rest, b):
            return whole
        if rest.constant is not None and b.constant is not None:
            return whole + rest.constant // b.constant
        return whole + Size.atom(Quotient("floordiv", rest, b))

    def mod(self, a: Size, b: Size) -> Size:
        _, rest = self._split(a, b)
        if rest == 0 or self.is_inside(rest, b):
            return rest
        if rest.constant is not None and b.constant is not None:
            return Size.of(rest.constant % b.constant)
        if self.is_multiple(rest, b):
            return Size.of(0)
        return Size.atom(Quotient("mod", rest, b))

    def _split(self, a: Size, b: Size) -> tuple[Size, Size]:
        """`a = whole * b + rest`, as far as the terms show it."""
        whole: dict[Monomial, int] = {}
        rest: dict[Monomial, int] = {}
        if len(b.terms) != 1:
            return (Size.of(1), Size.of(0)) if a == b else (Size.of(0), a)
        ((factors, number),) = b.terms.items()
        for monomial, coefficient in a.terms.items():
            left = list(monomial)
            divides = coefficient % number == 0 if number else False
            for factor in factors:
                if factor in left:
                    left.remove(factor)
                else:
                    divides = False
            if divides:
                whole[tuple(left)] = coefficient // number
            else:
                rest[monomial] = coefficient
        return Size(whole), Size(rest)

    def simplify(self, size: Size) -> Size:
        """`(x // c) * c` as `x` where `x` is a multiple of `c`."""
        for monomial, coefficient in size.terms.items():
            for k, atom in enumerate(monomial):
                if isinstance(atom, str) or atom.kind != "floordiv":
                    continue
                if (atom.numerator, atom.denominator) not in self.multiples:
                    continue
                others = Size({monomial[:k] + monomial[k + 1 :]: coefficient})
                whole, rest = self._split(others, atom.denominator)
                if rest == 0:
                    simpler = size - Size({monomial: coefficient}) + whole * atom.numerator
                    return self.simplify(simpler)
        return size

    def are_equal(self, a: Size, b: Size) -> bool:
        difference = self.simplify(a - b)
        return difference == 0 or any(difference in (z, -z) for z in self.zeros)


def _names(monomial: Monomial) -> set[str]:
    return Size({monomial: 1}).names()


def _linear(size: Size, name: str) -> tuple[Size, Size] | None:
    """(slope, offset) of `size` as a function of `name`, if it is linear in it."""
    slope: dict[Monomial, int] = {}
    offset: dict[Monomial, int] = {}
    for monomial, coefficient in size.terms.items():
        if name not in _names(monomial):
            offset[monomial] = coefficient
            continue
        others = list(monomial)
        if name not in others:
            return None
        others.remove(name)
        if name in _names(tuple(others)):
            return None
        slope[tuple(others)] = coefficient
    return Size(slope), Size(offset)
