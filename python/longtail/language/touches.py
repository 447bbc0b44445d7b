"""What a loop touches: the arrays that it writes, the variables that it carries."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from . import surface
from .subscripts import SubscriptCode
from .syntax import full
from .values import Array, GrowingList, Missing

# `x op= a` and then `op= b` is the same in the other order.
_FOLDS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.BitOr, ast.BitAnd, ast.BitXor)

_WRITERS = (surface.add_at, surface.max_at, surface.min_at, surface.set_at)


def folds(node: ast.AST) -> bool:
    """Whether this assignment combines values whose order does not matter."""
    return isinstance(node, ast.AugAssign) and isinstance(node.op, _FOLDS)


@dataclass
class Written:
    """What a loop does to an array from outside of it."""

    name: str
    array: Array
    subscripts: list[list[ast.expr]] = field(default_factory=list)  # of all its uses
    plain: bool = False  # some write has no combiner


class TouchCode(SubscriptCode):
    scope: Any  # of Frontend

    def _written(self, node: ast.AST) -> list[Written]:
        """Arrays from outside that are written in `node`."""
        found: dict[int, Written] = {}

        def array_of(target: ast.expr) -> tuple[str, Array] | None:
            if not isinstance(target, ast.Name):
                return None
            value = self.scope.variables.get(target.id)
            if isinstance(value, GrowingList):
                value = value.array
            return (target.id, value) if isinstance(value, Array) else None

        def note(target: ast.expr, plain: bool) -> None:
            known = array_of(target)
            if known is not None:
                item = found.setdefault(id(known[1]), Written(*known))
                item.plain = item.plain or plain

        for each in ast.walk(node):
            if isinstance(each, ast.Assign):
                for target in each.targets:
                    for part in ast.walk(target):
                        if isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Store):
                            note(part.value, True)
            elif isinstance(each, ast.AugAssign) and isinstance(each.target, ast.Subscript):
                note(each.target.value, not folds(each))
            elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
                if each.func.attr == "append":
                    note(each.func.value, False)
                elif each.args and each.func.attr in {w.__name__ for w in _WRITERS}:
                    note(each.args[0], False)
            elif (
                isinstance(each, ast.Call)
                and isinstance(each.func, ast.Name)
                and each.args
                and each.func.id in {w.__name__ for w in _WRITERS}
            ):
                note(each.args[0], False)
        for each in ast.walk(node):
            if isinstance(each, ast.Subscript):
                known = array_of(each.value)
                if known is not None and id(known[1]) in found:
                    index = each.slice
                    items = list(index.elts) if isinstance(index, ast.Tuple) else [index]
                    found[id(known[1])].subscripts.append(items)
            elif isinstance(each, ast.Call) and len(each.args) >= 2:
                known = array_of(each.args[0])
                name = (
                    each.func.attr
                    if isinstance(each.func, ast.Attribute)
                    else getattr(each.func, "id", "")
                )
                if (
                    known is not None
                    and id(known[1]) in found
                    and name in {w.__name__ for w in _WRITERS}
                ):
                    index = each.args[1]
                    items = list(index.elts) if isinstance(index, ast.Tuple) else [index]
                    found[id(known[1])].subscripts.append(items)
        # Uses without a subscript may touch any element.
        subscripted = {
            id(each.value) for each in ast.walk(node) if isinstance(each, ast.Subscript)
        } | {
            id(each.args[0]) for each in ast.walk(node) if isinstance(each, ast.Call) and each.args
        }
        for each in ast.walk(node):
            if (
                isinstance(each, ast.Name)
                and isinstance(each.ctx, ast.Load)
                and id(each) not in subscripted
            ):
                known = array_of(each)
                if known is not None and id(known[1]) in found:
                    found[id(known[1])].subscripts.append([])
        return list(found.values())

    def _owned(
        self, names: list[str], body: ast.AST, written: list[Written]
    ) -> dict[str, dict[int, int]]:
        """Variables that stand alone at one place of every index of all written arrays."""
        reassigned = {
            n.id for n in ast.walk(body) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        owned: dict[str, dict[int, int]] = {}
        for name in names:
            places: dict[int, int] = {}
            for each in written:
                options = [
                    {
                        k
                        for k, e in enumerate(full(items, each.array.rank))
                        if isinstance(e, ast.Name) and e.id == name
                    }
                    for items in each.subscripts
                ]
                shared = set.intersection(*options) if options else set()
                if not shared:
                    break
                places[id(each.array)] = min(shared)
            else:
                if written and name not in reassigned:
                    owned[name] = places
        return owned

    def _carried(self, body: ast.AST, targets: Sequence[str]) -> list[str]:
        """Variables from outside that the body assigns."""
        from .frontend import assigned_names

        names = [n for n in assigned_names([body]) if n not in targets]
        for each in ast.walk(body):
            if (
                isinstance(each, ast.Call)
                and isinstance(each.func, ast.Attribute)
                and each.func.attr == "append"
            ) and isinstance(each.func.value, ast.Name):
                value = self.scope.variables.get(each.func.value.id)
                if isinstance(value, GrowingList):
                    names.append(value.counter)
        found = []
        for name in dict.fromkeys(names):
            value = self.scope.variables.get(name)
            if value is not None and not isinstance(value, Missing):
                found.append(name)
        return found
