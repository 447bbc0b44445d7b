"""Questions about the syntax of loops."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from .diagnostics import Reject


def targets(node: ast.expr) -> list[ast.Name]:
    parts = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    if not all(isinstance(p, ast.Name) for p in parts):
        raise Reject("E0101", "the variables of a loop are names")
    return parts  # type: ignore[return-value]


def full(items: list[ast.expr], rank: int) -> list[ast.expr | None]:
    """Indices with `...` filled up, so that positions count dimensions."""
    for k, item in enumerate(items):
        if isinstance(item, ast.Constant) and item.value is Ellipsis:
            return [*items[:k], *[None] * (rank - len(items) + 1), *items[k + 1 :]]
    return list(items)


def inside_loop(body: Sequence[ast.stmt], node: ast.AST) -> bool:
    """True where `node` belongs to a loop or function within `body`."""
    if isinstance(node, ast.Return):
        kinds: tuple[type[ast.AST], ...] = (ast.FunctionDef, ast.Lambda)
    else:
        kinds = (ast.For, ast.While, ast.FunctionDef)
    return any(
        isinstance(each, kinds) and any(part is node for part in ast.walk(each))
        for stmt in body
        for each in ast.walk(stmt)
    )


def leaves(body: Sequence[ast.stmt]) -> bool:
    """True where some trip may be the last one: a `break` of this loop, or a return."""

    def search(nodes: Sequence[ast.AST], nested: bool) -> bool:
        for node in nodes:
            if isinstance(node, ast.Return) or (isinstance(node, ast.Break) and not nested):
                return True
            if isinstance(node, ast.FunctionDef | ast.Lambda):
                continue
            deeper = nested or isinstance(node, ast.For | ast.While)
            if search(list(ast.iter_child_nodes(node)), deeper):
                return True
        return False

    return search(body, False)


def is_always_stored(body: Sequence[ast.stmt], name: str) -> bool:
    """The first use of the array is a plain store of every point."""
    for stmt in body:
        uses = [n for n in ast.walk(stmt) if isinstance(n, ast.Name) and n.id == name]
        if any(isinstance(n, ast.Continue) for n in ast.walk(stmt)):
            return False
        if not uses:
            continue
        return (
            isinstance(stmt, ast.Assign)
            and len(uses) == 1
            and any(isinstance(t, ast.Subscript) and t.value is uses[0] for t in stmt.targets)
        )
    return False


def is_extreme(node: ast.Assign, name: str) -> bool:
    """`x = max(x, ...)`: a fold as well."""
    call = node.value
    if not isinstance(call, ast.Call):
        return False
    function = (
        call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    )
    return function in ("max", "min", "maximum", "minimum") and any(
        isinstance(a, ast.Name) and a.id == name for a in call.args
    )
