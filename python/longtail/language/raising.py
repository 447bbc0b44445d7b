"""Grids that are maps, reductions or contractions become those.

What is not raised stays a `compute.grid`, which is correct and parallel; raising only lets the
strategies for groups work on it and lets it fuse.
"""

from __future__ import annotations

import re
from typing import Any

from .dtypes import DType, f32, f64
from .ir import Block, Op, map_text
from .sizes import Size
from .values import Array, Scalar

_NAME = re.compile(r"%[A-Za-z0-9_]+")


def as_maps(
    code: Any, block: Block, positions: list[Size], sizes: list[Size], written: list, carried: Any
) -> list[str] | None:
    """The results as maps over what the points own, or None where the block is more than that."""
    if carried or not written:
        return None
    stores = [op for op in block.ops if op.kind == "store"]
    if [op.facts["array"] for op in stores] != [w.array for w in written]:
        return None
    for op in stores:
        if sorted(map(str, op.facts["indices"])) != sorted(map(str, positions)):
            return None
    rest = [op for op in block.ops if op.kind != "store"]
    reductions = [op for op in rest if op.kind == "loop"]
    if any(
        op.kind not in ("pure", "load", "loop") or (_has_block(op) and op.kind != "loop")
        for op in rest
    ):
        return None
    folds: dict[int, _Fold] = {}
    for op in reductions:
        fold = _fold_of(op, rest, positions, sizes)
        if fold is None:
            return None
        folds[id(op)] = fold
    arguments = [name for name, kind in block.arguments[: len(positions)]]
    # What every map begins with: reductions become tensors over the points, read at the point.
    ready: list[Op] = []
    for op in rest:
        if op.kind != "loop":
            ready.append(op)
            continue
        fold = folds[id(op)]
        array = fold.build(code, positions, sizes, arguments, ready)
        result: Scalar = op.facts["results"][0]
        raw = code.builder.name()
        ready.append(
            Op(
                [f"{raw} = fold"],
                "load",
                {"array": array, "exact": positions, "name": raw, "checked": False},
            )
        )
        ready.append(Op([fold.finish(code, raw, result)], "pure", {"name": result.name}))
    names = []
    for store in stores:
        array = store.facts["array"]
        order = [
            next(k for k, p in enumerate(positions) if str(p) == str(i))
            for i in store.facts["indices"]
        ]
        names.append(_map(code, ready, store.facts["value"], array, positions, arguments, order))
    return names


def _has_block(op: Op) -> bool:
    return any(isinstance(part, Block) for part in op.parts)


def _slice(ops: list[Op], wanted: set[str]) -> list[Op]:
    """The operations that the named values need."""
    kept = []
    for op in reversed(ops):
        if op.facts.get("name") in wanted:
            kept.append(op)
            wanted |= set(_NAME.findall("".join(map(str, op.parts)))) | set(
                op.facts.get("needs", ())
            )
    return kept[::-1]


def _region(
    code: Any,
    ops: list[Op],
    renamed: dict[str, Size],
    positions: dict[str, int],
    rank: int,
    yielded: tuple[str, str],
) -> tuple[str, str, str, Block]:
    """(operands, types, .., block) of a map or reduction: exact loads become operands."""
    block = Block()
    operands, types = [], []
    body: list[Op] = []
    for op in ops:
        exact = op.facts.get("exact") if op.kind == "load" else None
        if exact is None:
            body.append(op)
            continue
        array: Array = op.facts["array"]
        indices = [Size.of(i).substitute(renamed, code.facts) for i in exact]
        operands.append(f"{array.name} at #access.map<{map_text(indices, rank)}>")
        types.append(array.type)
        block.arguments.append((op.facts["name"], array.dtype.compute))
    used = set(_NAME.findall(" ".join("".join(map(str, op.parts)) for op in body))) | {yielded[0]}
    for name, k in positions.items():
        if name in used:
            block.ops.append(Op([f"{name} = compute.index {k}"]))
    block.ops += body
    block.ops.append(Op([f"compute.yield {yielded[0]} : {yielded[1]}"]))
    return ", ".join(operands), ", ".join(types), "", block


def _map(
    code: Any,
    ops: list[Op],
    value: str,
    array: Array,
    positions: list[Size],
    arguments: list[str],
    order: list[int],
) -> str:
    renamed = {str(positions[k]): Size.atom(f"d{d}") for d, k in enumerate(order)}
    indices = {arguments[k]: d for d, k in enumerate(order)}
    kept = _slice(ops, {value})
    operands, types, _, block = _region(
        code, kept, renamed, indices, len(order), (value, array.dtype.compute)
    )
    name = code.builder.name()
    code.builder.add(f"{name} = compute.map ({operands}) : ({types}) -> {array.type} ", block)
    return name


class _Fold:
    """A nest of loops that folds into one variable."""

    def __init__(self, combiner: str, dtype: DType, start: Scalar, value: str) -> None:
        self.combiner, self.dtype, self.start, self.value = combiner, dtype, start, value
        self.ops: list[Op] = []
        self.nest: list[tuple[Size, str, Size]] = []  # (position, SSA name, extent)

    def build(
        self,
        code: Any,
        positions: list[Size],
        sizes: list[Size],
        arguments: list[str],
        before: list[Op],
    ) -> Array:
        rank = len(positions) + len(self.nest)
        renamed = {str(p): Size.atom(f"d{k}") for k, p in enumerate(positions)}
        renamed |= {
            str(p): Size.atom(f"d{k}") for k, (p, _, _) in enumerate(self.nest, len(positions))
        }
        indices = {n: k for k, n in enumerate(arguments)}
        indices |= {n: k for k, (_, n, _) in enumerate(self.nest, len(positions))}
        kept = _slice([*before, *self.ops], {self.value})
        extents = [e for _, _, e in self.nest]
        product = self._product(kept)
        if product is not None:
            a, b = product
            maps = [
                [Size.of(i).substitute(renamed, code.facts) for i in op.facts["exact"]]
                for op in (a, b)
            ]
            return code.contract(
                a.facts["array"], b.facts["array"], sizes, extents, maps[0], maps[1]
            )
        split = self._split(code, kept, indices, len(positions))
        if split is not None:
            return self._contract(code, split, kept, positions, sizes, renamed, indices)
        operands, types, _, block = _region(
            code, kept, renamed, indices, rank, (self.value, self.dtype.compute)
        )
        result = Array(code.builder.name(), self.dtype, tuple(sizes))
        from .ir import affine_map

        code.builder.add(
            f"{result.name} = compute.reduce {self.combiner} over {affine_map(extents)} "
            f"({operands}) : "
            f"({types}) -> {result.type} ",
            block,
        )
        return result

    def _product(self, ops: list[Op]) -> tuple[Op, Op] | None:
        """The two loads whose product is summed."""
        if self.combiner != "add" or self.dtype not in (f32, f64) or len(ops) != 3:
            return None
        a, b, last = ops
        if a.kind != "load" or b.kind != "load" or "arith.mulf" not in str(last.parts[0]):
            return None
        if a.facts.get("exact") is None or b.facts.get("exact") is None:
            return None
        if a.facts["array"].dtype is not self.dtype or b.facts["array"].dtype is not self.dtype:
            return None
        return a, b

    def _factors(self, ops: list[Op], value: str) -> list[str]:
        """The values whose product `value` is."""
        op = next((each for each in ops if each.facts.get("name") == value), None)
        match = re.match(r"\S+ = arith.mulf (%\S+), (%\S+) : ", str(op.parts[0])) if op else None
        uses = sum(_uses([each], value) for each in ops) - (op is not None)
        if match is None or uses > 1:
            return [value]
        return [f for part in match.groups() for f in self._factors(ops, part)]

    def _split(
        self, code: Any, ops: list[Op], indices: dict[str, int], outer: int
    ) -> tuple[Op, list[str], set[int]] | None:
        """(a load, the other factors, the dimensions that these depend on) where neither depends on
        all dimensions of the result: then the sum is a matrix product of two tensors."""
        if self.combiner != "add" or self.dtype not in (f32, f64):
            return None
        factors = self._factors(ops, self.value)
        for factor in factors:
            load = next((op for op in ops if op.facts.get("name") == factor), None)
            if load is None or load.kind != "load" or load.facts.get("exact") is None:
                continue
            if load.facts["array"].dtype is not self.dtype:
                continue
            others = [each for each in factors if each != factor]
            if len(others) != len(factors) - 1 or not others:
                continue
            mine, theirs = (self._depends(ops, f, indices) for f in ({factor}, set(others)))
            free_mine = {k for k in mine - theirs if k < outer}
            free_theirs = {k for k in theirs - mine if k < outer}
            if free_mine and free_theirs and mine | theirs == set(indices.values()):
                return load, others, theirs
        return None

    def _depends(self, ops: list[Op], names: set[str], indices: dict[str, int]) -> set[int]:
        text = " ".join("".join(map(str, op.parts)) for op in _slice(ops, set(names)))
        return {indices[n] for n in set(_NAME.findall(text)) | names if n in indices}

    def _contract(
        self,
        code: Any,
        split: tuple[Op, list[str], set[int]],
        ops: list[Op],
        positions: list[Size],
        sizes: list[Size],
        renamed: dict[str, Size],
        indices: dict[str, int],
    ) -> Array:
        """The other factors as a tensor of their own: a matrix product needs them many times."""
        load, others, dims = split
        order = sorted(dims)
        extents = [*sizes, *(e for _, _, e in self.nest)]
        inner = {atom: Size.atom(f"d{order.index(int(str(d)[1:]))}") for atom, d in renamed.items()
                 if int(str(d)[1:]) in dims}  # fmt: skip
        at = {name: order.index(k) for name, k in indices.items() if k in dims}
        value = others[0]
        chain = list(ops)
        for each in others[1:]:
            name = code.builder.name()
            text = f"{name} = arith.mulf {value}, {each} : {self.dtype.compute}"
            chain.append(Op([text], "pure", {"name": name}))
            value = name
        kept = _slice(chain, {value})
        operands, types, _, block = _region(
            code, kept, inner, at, len(order), (value, self.dtype.compute)
        )
        virtual = Array(code.builder.name(), self.dtype, tuple(extents[k] for k in order))
        code.builder.add(
            f"{virtual.name} = compute.map ({operands}) : ({types}) -> {virtual.type} ", block
        )
        mine = [Size.of(i).substitute(renamed, code.facts) for i in load.facts["exact"]]
        theirs = [Size.atom(f"d{k}") for k in order]
        return code.contract(
            load.facts["array"], virtual, sizes, extents[len(sizes) :], mine, theirs
        )

    def finish(self, code: Any, folded: str, result: Scalar) -> str:
        """The start value and the folded ones together."""
        op = {
            "add": "arith.addf" if self.dtype.is_float else "arith.addi",
            "mul": "arith.mulf" if self.dtype.is_float else "arith.muli",
            "or": "arith.ori",
            "and": "arith.andi",
            "max": "arith.maximumf" if self.dtype.is_float else "arith.maxsi",
            "min": "arith.minimumf" if self.dtype.is_float else "arith.minsi",
            "umax": "arith.maxui",
            "umin": "arith.minui",
        }[self.combiner]
        return f"{result.name} = {op} {self.start.name}, {folded} : {result.type}"


_FOLDS = {
    "arith.addf": "add", "arith.addi": "add", "arith.mulf": "mul", "arith.muli": "mul",
    "arith.ori": "or", "arith.andi": "and", "arith.maximumf": "max", "arith.minimumf": "min",
    "arith.maxsi": "max", "arith.minsi": "min", "arith.maxui": "umax", "arith.minui": "umin",
}  # fmt: skip


def _fold_of(op: Op, outer: list[Op], positions: list[Size], sizes: list[Size]) -> _Fold | None:
    """The fold that a parallel loop is, with the loops within it."""
    facts = op.facts
    if not facts["parallel"] or len(facts["carried"]) != 1 or facts["low"] != 0:
        return None
    if not isinstance(facts["high"], Size) or any(n[0] == "p" for n in facts["high"].names()):
        return None
    block = next(part for part in op.parts if isinstance(part, Block))
    inner: Scalar = facts["inner"][0]
    following: Scalar = facts["following"][0]
    ops = [each for each in block.ops if each.kind != "yield"]
    if any(
        each.kind not in ("pure", "load", "loop") or (_has_block(each) and each.kind != "loop")
        for each in ops
    ):
        return None
    nested = [each for each in ops if each.kind == "loop"]
    if nested:
        if len(nested) != 1 or nested[0].facts["results"][0].name != following.name:
            return None
        if nested[0].facts["carried"][0].name != inner.name:
            return None
        fold = _fold_of(nested[0], ops, positions, sizes)
        if fold is None:
            return None
        fold.start = facts["carried"][0]
        fold.ops = [each for each in ops if each.kind != "loop"] + fold.ops
        fold.nest = [(facts["position"], facts["index"], facts["high"]), *fold.nest]
        if _uses(fold.ops, inner.name):
            return None
        return fold
    last = next((each for each in ops if each.facts.get("name") == following.name), None)
    if last is None or following.type == "index":
        return None
    match = re.match(r"\S+ = (\S+) (%\S+), (%\S+) : ", str(last.parts[0]))
    if match is None or match.group(1) not in _FOLDS:
        return None
    operands = [match.group(2), match.group(3)]
    if inner.name not in operands or operands[0] == operands[1]:
        return None
    operands.remove(inner.name)
    if following.dtype.bits < 32 and following.dtype.is_float:
        return None
    fold = _Fold(_FOLDS[match.group(1)], following.dtype, facts["carried"][0], operands[0])
    fold.ops = [each for each in ops if each is not last]
    fold.nest = [(facts["position"], facts["index"], facts["high"])]
    if _uses(fold.ops, inner.name):
        return None
    return fold


def _uses(ops: list[Op], name: str) -> bool:
    return any(name in _NAME.findall("".join(map(str, op.parts))) for op in ops)


__all__ = ["as_maps", "f32"]
