"""Operations while an operator is lowered: a tree that prints itself as MLIR text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .diagnostics import Place
from .dtypes import DType
from .sizes import Size


@dataclass
class Op:
    """An operation: texts and blocks in the order of printing.

    `kind` and `facts` are what later steps of the front end look at: "pure", "load", "store",
    "fetch", "loop", ....
    """

    parts: list[str | Block]
    kind: str = "pure"
    facts: dict[str, Any] = field(default_factory=dict)
    place: Place | None = None

    def lines(self, indent: str) -> Iterable[str]:
        line = indent
        for part in self.parts:
            if isinstance(part, str):
                line += part
                continue
            yield line + "{"
            if part.arguments:
                arguments = ", ".join(f"{name}: {kind}" for name, kind in part.arguments)
                yield f"{indent}^bb0({arguments}):"
            for op in part.ops:
                yield from op.lines(indent + "  ")
            line = indent + "}"
        yield line + (f" {self.place.mlir()}" if self.place else "")


@dataclass
class Block:
    ops: list[Op] = field(default_factory=list)
    arguments: list[tuple[str, str]] = field(default_factory=list)

    def walk(self) -> Iterable[Op]:
        for op in self.ops:
            yield op
            for part in op.parts:
                if isinstance(part, Block):
                    yield from part.walk()


def symbols_text(sizes: Iterable[Size]) -> str:
    """`[s0, s1]` up to the last symbol that occurs, or nothing."""
    used = [int(n[1:]) for size in sizes for n in size.names() if n[0] == "s"]
    return f"[{', '.join(f's{k}' for k in range(max(used) + 1))}]" if used else ""


def map_text(sizes: Iterable[Size], rank: int = 0) -> str:
    """`(d0, d1)[s0] -> (...)`."""
    sizes = list(sizes)
    dims = ", ".join(f"d{k}" for k in range(rank))
    return f"({dims}){symbols_text(sizes)} -> ({', '.join(map(str, sizes))})"


def affine_map(sizes: Iterable[Size]) -> str:
    return f"affine_map<{map_text(sizes)}>"


def tensor_type(dtype: DType, sizes: Iterable[Size]) -> str:
    sizes = list(sizes)
    dims = "".join(f"{'?' if s.constant is None else s.constant}x" for s in sizes)
    if all(s.constant is not None for s in sizes):
        return f"tensor<{dims}{dtype.storage}>"
    return f"tensor<{dims}{dtype.storage}, #extent.shape<{map_text(sizes)}>>"


class Builder:
    """Appends operations to the block that is open."""

    def __init__(self) -> None:
        self.block = Block()
        self.place: Place | None = None
        self._count = 0

    def name(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def add(self, *parts: str | Block, kind: str = "pure", **facts: Any) -> Op:
        op = Op(list(parts), kind, facts, self.place)
        self.block.ops.append(op)
        return op

    def value(self, text: str, kind: str = "pure", **facts: Any) -> str:
        """An operation with one result, whose name is returned."""
        name = self.name()
        self.add(f"{name} = {text}", kind=kind, name=name, **facts)
        return name

    def inside(self, block: Block) -> _Inside:
        return _Inside(self, block)


class _Inside:
    def __init__(self, builder: Builder, block: Block) -> None:
        self.builder, self.block = builder, block

    def __enter__(self) -> Block:
        self.outer, self.builder.block = self.builder.block, self.block
        return self.block

    def __exit__(self, *_: object) -> None:
        self.builder.block = self.outer
