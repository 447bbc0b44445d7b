"""Points of a grid are independent: none reads or writes what another one writes."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from .collisions import colliding_points
from .diagnostics import Reject
from .sizes import Size
from .syntax import is_extreme
from .touches import TouchCode, Written, folds
from .values import Array


class IndependenceCode(TouchCode):
    def _check_carried(self, node: ast.For, carried: Sequence[str]) -> None:
        """A grid may only fold into variables from outside."""
        for each in ast.walk(ast.Module(node.body, [])):
            target = each.targets[0] if isinstance(each, ast.Assign) else None
            if isinstance(each, ast.AugAssign) and not folds(each):
                target = each.target
            for part in ast.walk(target) if target is not None else ():
                if (
                    isinstance(part, ast.Name)
                    and isinstance(part.ctx, ast.Store)
                    and part.id in carried
                ):
                    if is_extreme(each, part.id):
                        continue
                    raise Reject(
                        "E0202",
                        f"points of the grid depend on each other through `{part.id}`",
                        "use `range` for a sequential loop, or fold: `acc += ...`",
                        self.place_of(part),
                    )

    def _check_writable(self, array: Array) -> None:
        if array.argument:
            raise Reject(
                "E0109",
                f"the argument `{array.argument}` is written",
                f"write to a copy: `y = {array.argument}.copy()`",
            )
        if array.base is not None or array.has_views:
            raise Reject(
                "E0109",
                "an array is written that has views or is one",
                "write to an array of its own: `.copy()`",
            )

    def _check_points(
        self,
        node: ast.For,
        names: list[str],
        ranges: Sequence[tuple[Any, Any]],
        owned: dict[str, dict[int, int]],
        written: Written,
    ) -> None:
        """No point writes or reads what another one writes."""
        if written.plain:
            self._check_unique(node, names, ranges, owned, written)
        if all(name in owned for name in names):
            return
        uses = [
            each
            for each in ast.walk(ast.Module(node.body, []))
            if isinstance(each, ast.Subscript)
            and isinstance(each.value, ast.Name)
            and each.value.id == written.name
        ]
        stored = {ast.unparse(each) for each in uses if isinstance(each.ctx, ast.Store)}
        for each in uses:
            if isinstance(each.ctx, ast.Load) and ast.unparse(each) not in stored:
                raise Reject(
                    "E0201",
                    f"`{ast.unparse(each)}` may be an element that another point writes",
                    "use `range` (sequential), or write to another array than is read",
                    self.place_of(each),
                )

    def _check_unique(
        self,
        node: ast.For,
        names: list[str],
        ranges: Sequence[tuple[Any, Any]],
        owned: dict[str, dict[int, int]],
        written: Written,
    ) -> None:
        """Every plain store must hit another element for each point."""
        free = [n for n in names if n not in owned]
        if not free:
            return
        for each in ast.walk(ast.Module(node.body, [])):
            targets = each.targets if isinstance(each, ast.Assign) else []
            if isinstance(each, ast.AugAssign) and not folds(each):
                targets = [each.target]
            for target in targets:
                if not (isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name)):
                    continue
                if target.value.id != written.name:
                    continue
                index = target.slice
                items = list(index.elts) if isinstance(index, ast.Tuple) else [index]
                if self._is_injective(free, names, ranges, items):
                    continue
                text = ast.unparse(target)
                example = self._collision(names, ranges, written.name, items)
                raise Reject(
                    "E0203",
                    f"parallel write to `{text}` may hit the same element from different "
                    f"({', '.join(free)})" + (f"; {example}" if example else ""),
                    "use `range` (sequential), or declare a combiner: `+=`, lt.max_at(...), "
                    'lt.set_at(..., collide="last")',
                    self.place_of(target),
                )

    def _collision(
        self,
        names: list[str],
        ranges: Sequence[tuple[Any, Any]],
        array: str,
        items: list[ast.expr],
    ) -> str:
        """Two points that write to one element, in words."""
        saved = dict(self.scope.variables)
        atoms = {name: f"q{name}" for name in names}
        indices = []
        try:
            self.scope.variables |= {name: Size.atom(atom) for name, atom in atoms.items()}
            for item in items:
                if isinstance(item, ast.Slice):
                    continue
                try:
                    value = self.expression(item)
                except Reject:
                    value = None
                indices.append(
                    (ast.unparse(item), Size.of(value) if isinstance(value, int) else value)
                )
        finally:
            self.scope.variables = saved
        return colliding_points(array, indices, atoms, [high for _, high in ranges])

    def _is_injective(
        self,
        free: list[str],
        names: list[str],
        ranges: Sequence[tuple[Any, Any]],
        items: list[ast.expr],
    ) -> bool:
        """Each free variable can be had back from the indices."""
        saved = dict(self.scope.variables)
        limits = dict(self.facts.limits)
        atoms = {}
        try:
            for name, (_, high) in zip(names, ranges, strict=True):
                atoms[name] = f"q{name}"
                self.scope.variables[name] = Size.atom(atoms[name])
                if isinstance(high, Size):
                    self.facts.limits[atoms[name]] = high
            remaining = set(free)
            for item in items:
                if isinstance(item, ast.Slice):
                    continue
                try:
                    value = self.expression(item)
                except Reject:
                    continue
                if not isinstance(value, Size):
                    continue
                found = value.names() & {atoms[n] for n in free}
                if len(found) == 1:
                    (atom,) = found
                    slope = value.terms.get((atom,))
                    if slope and atom not in (value - Size({(atom,): slope})).names():
                        remaining -= {n for n in free if atoms[n] == atom}
                    continue
                remaining -= self._digits(value, {atoms[n]: n for n in free})
            return not remaining
        finally:
            self.scope.variables, self.facts.limits = saved, limits

    def _digits(self, value: Size, atoms: dict[str, str]) -> set[str]:
        """Variables of a sum whose terms are digits of one number."""
        done: set[str] = set()
        rest = value
        while True:
            for atom, name in atoms.items():
                slope = Size(
                    {
                        tuple(a for a in m if a != atom): c
                        for m, c in rest.terms.items()
                        if atom in m
                    }
                )
                if not slope.terms:
                    continue
                lower = rest - slope * Size.atom(atom)
                if atom in lower.names() or lower == rest:
                    continue
                others = Size(
                    {m: c for m, c in lower.terms.items() if set(map(str, m)) & atoms.keys()}
                )
                if self.facts.is_nonnegative(slope - 1 - others) and self.facts.is_nonnegative(
                    others
                ):
                    done.add(name)
                    rest = others
                    break
            else:
                return done
            if not rest.names() & atoms.keys():
                return done
