"""Random operators of the language, from a grammar and a seed.

A program is Python text: whole arrays, grids, loops, branches, gathers, scatters, lists. Numbers
know whether they are exact (every mode must give the same bits, so they may be compared, rounded and
used as indices) or rounded (only values near to each other can be asked for).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

# Elements of floating-point arguments are multiples of 2**-FRACTION of at most 2**MAGNITUDE.
FRACTION, MAGNITUDE = 2, 2
EXACT_BITS = {"f16": 10, "f32": 22, "f64": 50}
INTEGERS = {"i8": 7, "i16": 15, "i32": 31, "i64": 63, "u8": 8, "u16": 16, "u32": 32, "u64": 64}


@dataclass(frozen=True)
class Number:
    """What is known of a scalar or of the elements of an array."""

    dtype: str  # an element type, or "int", "float" and "bool" of Python
    fraction: int = 0  # bits behind the point
    magnitude: int = 4  # bits before it
    exact: bool = True

    @property
    def kind(self) -> str:
        if self.dtype in ("bool", "bool_"):
            return "b"
        return "f" if self.dtype[0] in "fb" else "i"

    @property
    def is_safe(self) -> bool:
        """Whether no bit can get lost."""
        if self.kind == "i":
            return self.magnitude < INTEGERS.get(self.dtype, 40)
        return self.exact and self.fraction + self.magnitude <= EXACT_BITS.get(self.dtype, 50)


@dataclass(frozen=True)
class Value:
    """An expression. `shape` is () of numbers."""

    text: str
    number: Number
    shape: tuple[str, ...] = ()


@dataclass
class Program:
    """An operator: arguments with their annotations, statements, results."""

    seed: int
    arguments: list[Value] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)

    def source(self) -> str:
        """The text of a module that defines `operator`."""
        annotated = []
        for value in self.arguments:
            kind = value.number.dtype
            if value.shape:
                kind = (
                    f'idx["{value.text[3:]}"]["{" ".join(value.shape)}"]'
                    if value.text.startswith("at_")
                    else f'{kind}["{" ".join(value.shape)}"]'
                )
            annotated.append(f"{value.text}: {kind}")
        lines = [
            "import math",
            "",
            "import numpy as np",
            "",
            "import longtail as lt",
            "from longtail import bool_, f16, f32, f64, i8, i16, i32, i64, idx, u8, u16, u32, u64",
            "",
            "",
            "@lt.op",
            f"def operator({', '.join(annotated)}):",
            "    N, M = first.shape",
            "    K = at_N.shape[0]",
        ]
        for block in self.blocks:
            lines.extend("    " + line for line in block.split("\n"))
        lines.append(f"    return {', '.join(self.results)}")
        return "\n".join(lines) + "\n"


class Generator:
    """Writes one program."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.program = Program(seed)
        self.arrays: list[Value] = []
        self.count = 0

    # ---- pieces ------------------------------------------------------------------------------

    def name(self, stem: str = "v") -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def any_array(self, want: Callable[[Value], bool] = lambda v: True) -> Value | None:
        found = [each for each in self.arrays if want(each)]
        return self.random.choice(found) if found else None

    def add(self, text: str, number: Number, shape: tuple[str, ...]) -> Value:
        """A statement that gives an array a name."""
        value = Value(self.name(), number, shape)
        self.program.blocks.append(f"{value.text} = {text}")
        self.arrays.append(value)
        return value

    # ---- arithmetic --------------------------------------------------------------------------

    def binary(self, a: Value, b: Value, text: str) -> Value:
        """`a text b` of equal shapes or with a number; the caller has chosen types that meet."""
        x, y = a.number, b.number
        dtype = join(x, y)
        exact = x.exact and y.exact
        fraction, magnitude = max(x.fraction, y.fraction), max(x.magnitude, y.magnitude) + 1
        if text == "*":
            fraction, magnitude = x.fraction + y.fraction, x.magnitude + y.magnitude
        elif text in ("&", "|", "^"):
            magnitude = max(x.magnitude, y.magnitude)
        number = Number(dtype, fraction, magnitude, exact)
        result = Value(f"({a.text} {text} {b.text})", number, a.shape or b.shape)
        return self.tame(result)

    def tame(self, value: Value) -> Value:
        """Keeps integers small and marks what may be rounded."""
        number = value.number
        if number.is_safe:
            return value
        if number.kind == "i":
            bits = min(4, INTEGERS.get(number.dtype, 40) - 1)
            return Value(f"({value.text} % 13)", Number(number.dtype, 0, bits), value.shape)
        return Value(value.text, Number(number.dtype, 60, 0, False), value.shape)

    def combine(self, a: Value, b: Value) -> Value:
        if a.number.kind == "b" and b.number.kind == "b":
            return self.binary(a, b, self.random.choice(["&", "|", "^"]))
        signed = a.number.dtype[0] == "i" and b.number.dtype[0] == "i"
        operators = ["+", "+", "*"] + ["-"] * (signed or a.number.kind == b.number.kind == "f")
        # Python's rules for bool and for unsigned differences are NumPy's errors.
        return self.binary(a, b, self.random.choice(operators))

    def unary(self, a: Value) -> Value:
        number, text = a.number, a.text
        if number.kind == "b":
            return Value(f"np.logical_not({text})", Number("bool_"), a.shape)
        if number.kind == "i":
            choices = [f"np.abs({text})", f"np.sign({text})", f"({text} // 3)", f"({text} % 5)"]
            if number.dtype[0] == "i":
                choices += [f"({text} // -2)", f"({text} % -3)", f"(-{text})"]
            return Value(
                self.random.choice(choices),
                Number(number.dtype, 0, max(number.magnitude, 4)),
                a.shape,
            )
        if number.exact and self.chance(0.6):
            choices = [f"np.abs({text})", f"np.floor({text})", f"np.ceil({text})", f"(-{text})"]
            choices += [f"np.rint({text})", f"np.trunc({text})", f"np.sign({text})"]
            grown = Number(number.dtype, number.fraction, number.magnitude + 1)
            return self.tame(Value(self.random.choice(choices), grown, a.shape))
        choices = [f"np.tanh({text})", f"np.exp(-np.abs({text}))", f"np.sqrt(np.abs({text}))"]
        choices += [f"np.sin({text})", f"np.log1p(np.abs({text}))", f"lt.clip({text}, -1, 1)"]
        choices += [f"({text} / (np.abs({text}) + 1))"]
        return Value(self.random.choice(choices), Number(number.dtype, 60, 0, False), a.shape)

    # ---- statements on whole arrays ------------------------------------------------------------

    def array_expression(self, depth: int = 2) -> Value:
        a = self.any_array()
        assert a is not None
        if depth and self.chance(0.4):
            a = self.unary(a)
        for _ in range(self.random.randint(0, depth)):
            b = self.any_array(partial(fits, a))
            if b is None or self.chance(0.25):
                constant = self.constant_for(a.number)
                a = self.combine(a, constant)
            else:
                a = self.combine(a, self.unary(b) if self.chance(0.3) else b)
        return a

    def constant_for(self, number: Number) -> Value:
        if number.kind == "b":
            return Value(self.random.choice(["True", "False"]), Number("bool"))
        if number.kind == "i":
            return Value(str(self.random.randint(1, 5)), Number("int", 0, 3))
        text = self.random.choice(["0.5", "2.0", "-1.25", "3", "1"])
        return Value(text, Number("float" if "." in text else "int", 2 if "." in text else 0, 2))

    def elementwise(self) -> None:
        value = self.array_expression()
        if self.chance(0.2):
            test = self.condition_on(value.shape)
            other = self.any_array(
                lambda v: v.shape == value.shape and can_meet(v.number, value.number)
            )
            if test is not None and other is not None:
                number = meet(value.number, other.number)
                self.add(f"np.where({test}, {value.text}, {other.text})", number, value.shape)
                return
        self.add(value.text, value.number, value.shape)

    def condition_on(self, shape: tuple[str, ...]) -> str | None:
        a = self.any_array(lambda v: v.shape == shape and v.number.exact)
        if a is None:
            return None
        if a.number.kind == "b":
            return a.text
        limit = self.random.choice(["0", "1", "2"])
        return f"({a.text} {self.random.choice(['<', '<=', '>', '>=', '==', '!='])} {limit})"

    def compare(self) -> None:
        a = self.any_array(lambda v: v.number.exact)
        if a is not None:
            test = self.condition_on(a.shape)
            if test is not None:
                self.add(test if test[0] == "(" else f"({test} & True)", Number("bool_"), a.shape)

    def cast(self) -> None:
        a = self.any_array(lambda v: v.number.exact)
        if a is None:
            return
        number = a.number
        options = ["f32", "f64", "i64", "i32", "i16"]
        if number.magnitude <= 6:
            options += ["f16", "i8"]
        if number.kind == "b":
            options += ["u8", "u16", "u32", "u64"]
        to = self.random.choice(options)
        fraction = number.fraction if to[0] == "f" else 0
        after = Number(to, fraction, number.magnitude)
        if after.is_safe:
            self.add(f"{a.text}.astype({to})", after, a.shape)

    def view(self) -> None:
        a = self.any_array(lambda v: bool(v.shape))
        if a is None:
            return
        rank, number, shape = len(a.shape), a.number, a.shape
        axis = self.random.randrange(rank)
        size = shape[axis]

        def resized(text: str) -> tuple[str, ...]:
            return (*shape[:axis], text, *shape[axis + 1 :])

        def indexed(text: str) -> str:
            return f"{a.text}[{', '.join([':'] * axis + [text])}]"

        choice = self.random.randrange(11)
        if choice == 0:
            order = list(range(rank))
            self.random.shuffle(order)
            self.add(
                f"lt.permute({a.text}, {tuple(order)})", number, tuple(shape[k] for k in order)
            )
        elif choice == 1:
            self.add(f"lt.flip({a.text}, {axis})", number, shape)
        elif choice == 2:
            self.add(f"lt.roll({a.text}, {self.random.randint(-3, 3)}, {axis})", number, shape)
        elif choice == 3:
            self.add(indexed("::-1"), number, shape)
        elif choice == 4:
            self.add(indexed("::2"), number, resized(f"(({size} + 1) // 2)"))
        elif choice == 5:
            before, after = self.random.randint(0, 2), self.random.randint(0, 2)
            mode = self.random.choice(["constant", "edge", "reflect", "wrap", "symmetric"])
            widths = [(0, 0)] * rank
            widths[axis] = (before, after)
            self.add(
                f"lt.pad({a.text}, {tuple(widths)}, {mode!r})",
                number,
                resized(f"({size} + {before + after})"),
            )
        elif choice == 6:
            self.add(f"lt.concat([{a.text}, {a.text}], {axis})", number, resized(f"({size} * 2)"))
        elif choice == 7 and rank < 3:
            self.add(
                f"lt.stack([{a.text}, {a.text}], {axis})",
                number,
                (*shape[:axis], "2", *shape[axis:]),
            )
        elif choice == 8 and rank == 2:
            self.add(
                f"lt.reshape({a.text}, ({shape[0]} * {shape[1]},))",
                number,
                (f"({shape[0]} * {shape[1]})",),
            )
        elif choice == 9 and rank < 3:
            # A size that is known is 1 or 2.
            count = self.random.randint(1, int(size) if size.isdigit() else 3)
            stride = self.random.randint(1, 2)
            number_of = f"(({size} - {count}) // {stride} + 1)"
            self.add(
                f"lt.window({a.text}, ({axis},), ({count},), {stride})",
                number,
                (*resized(number_of), str(count)),
            )
        elif choice == 10 and rank < 3:
            self.add(
                f"{a.text}[{', '.join([':'] * axis + ['None'])}]",
                number,
                (*shape[:axis], "1", *shape[axis:]),
            )

    def broadcast(self) -> None:
        """A matrix with a vector."""
        matrix = self.any_array(lambda v: len(v.shape) == 2)
        if matrix is None:
            return
        for axis in self.random.sample([0, 1], 2):
            vector = self.any_array(
                lambda v, k=axis: (
                    v.shape == (matrix.shape[k],) and can_meet(v.number, matrix.number)
                )
            )
            if vector is not None:
                text = f"{vector.text}[:, None]" if axis == 0 else vector.text
                made = self.combine(matrix, Value(text, vector.number, matrix.shape))
                self.add(made.text, made.number, made.shape)
                return

    def reduce(self) -> None:
        a = self.any_array(lambda v: bool(v.shape))
        if a is None:
            return
        axis = self.random.randrange(len(a.shape))
        keep = self.chance(0.3)
        shape = (*a.shape[:axis], *(["1"] if keep else []), *a.shape[axis + 1 :])
        names = ["sum", "max", "min", "mean"]
        if a.number.exact:
            names += ["argmax", "argmin"]
        if a.number.kind == "b":
            names = ["sum", "any", "all"]
        name = self.random.choice(names)
        keeps = ", keepdims=True" if keep and not name.startswith("arg") else ""
        if not keeps:
            shape = (*a.shape[:axis], *a.shape[axis + 1 :])
        number = a.number
        if name == "sum":
            dtype = number.dtype
            if number.kind in "ib":
                dtype = "u64" if dtype[0] == "u" else "i64"
            number = Number(dtype, number.fraction, number.magnitude + 5, number.exact)
        elif name == "mean":
            number = Number(number.dtype if number.kind == "f" else "f64", 60, 0, False)
        elif name in ("any", "all"):
            number = Number("bool_")
        elif name.startswith("arg"):
            number = Number("i64", 0, 5)
        made = self.tame(Value(f"{a.text}.{name}(axis={axis}{keeps})", number, shape))
        self.add(made.text, made.number, made.shape)

    def order(self) -> None:
        a = self.any_array(lambda v: bool(v.shape) and v.number.exact and v.number.kind != "b")
        if a is None:
            return
        axis = self.random.randrange(len(a.shape))
        name = self.random.choice(["sort", "argsort", "cumsum"])
        if name == "cumsum":
            dtype = a.number.dtype
            if a.number.kind == "i":
                dtype = "u64" if dtype[0] == "u" else "i64"
            number = Number(dtype, a.number.fraction, a.number.magnitude + 5)
            made = self.tame(Value(f"lt.cumsum({a.text}, {axis})", number, a.shape))
            self.add(made.text, made.number, made.shape)
            return
        number = a.number if name == "sort" else Number("i64", 0, 5)
        descending = ", descending=True" if self.chance(0.4) else ""
        self.add(f"lt.{name}({a.text}, {axis}{descending})", number, a.shape)

    def product(self) -> None:
        a = self.any_array(lambda v: len(v.shape) == 2 and v.number.kind == "f")
        b = a and self.any_array(
            lambda v: (
                len(v.shape) == 2 and v.shape[0] == a.shape[1] and v.number.dtype == a.number.dtype
            )
        )
        if a is None or b is None:
            b = a
            if a is None or b is None:
                return
            text, shape = f"({a.text} @ lt.permute({a.text}, (1, 0)))", (a.shape[0], a.shape[0])
        else:
            text, shape = f"({a.text} @ {b.text})", (a.shape[0], b.shape[1])
        x, y = a.number, b.number
        number = Number(
            x.dtype, x.fraction + y.fraction, x.magnitude + y.magnitude + 5, x.exact and y.exact
        )
        made = self.tame(Value(text, number, shape))
        self.add(made.text, made.number, made.shape)

    def gather(self) -> None:
        a = self.any_array(lambda v: bool(v.shape) and v.shape[0] == "N")
        if a is not None:
            text = self.random.choice([f"{a.text}[at_N]", f"lt.take({a.text}, at_N, 0)"])
            self.add(text, a.number, ("K", *a.shape[1:]))

    def make(self) -> None:
        """Arrays from nothing."""
        size = self.random.choice(["N", "M"])
        number, text = self.random.choice(
            [
                (Number("i64", 0, 4), f"lt.arange({size})"),
                (Number("f32", 1, 3), f"lt.full(({size},), 2.5, f32)"),
                (Number("f64", 0, 4), f"lt.arange({size}).astype(f64)"),
                (Number("i32", 0, 1), f"lt.ones(({size},), i32)"),
            ]
        )
        self.add(text, number, (size,))

    def select(self) -> None:
        """As many elements as a mask or a test says."""
        a = self.any_array(lambda v: len(v.shape) == 1)
        test = None if a is None else self.condition_on(a.shape)
        if a is None or test is None:
            return
        size = self.name("S")
        if self.chance(0.5):
            self.add(f"{a.text}[{test}]", a.number, (size,))
        else:
            self.add(f"np.flatnonzero({test})", Number("i64", 0, 4), (size,))

    def best(self) -> None:
        """Order of other kinds."""
        a = self.any_array(lambda v: bool(v.shape) and v.number.exact and v.number.kind != "b")
        if a is None:
            return
        axis = len(a.shape) - 1
        if a.shape[axis] == "1":
            return  # two of one
        if self.chance(0.5) or len(a.shape) != 1:
            values, order = self.name(), self.name()
            self.program.blocks.append(f"{values}, {order} = lt.topk({a.text}, 2, {axis})")
            self.arrays.append(Value(values, a.number, (*a.shape[:-1], "2")))
            self.arrays.append(Value(order, Number("i64", 0, 4), (*a.shape[:-1], "2")))
            return
        side = self.random.choice(["left", "right"])
        keys = f"lt.sort({a.text})"
        self.add(f"lt.searchsorted({keys}, {a.text}, {side!r})", Number("i64", 0, 4), a.shape)

    def along(self) -> None:
        a = self.any_array(lambda v: len(v.shape) == 2)
        if a is not None and a.number.exact and a.number.kind != "b":
            axis = self.random.randrange(2)
            order = f"lt.argsort({a.text}, {axis})"
            self.add(f"np.take_along_axis({a.text}, {order}, {axis})", a.number, a.shape)

    def contraction(self) -> None:
        a = self.any_array(lambda v: len(v.shape) == 2 and v.number.dtype in ("f32", "f64"))
        if a is None:
            return
        rule, text, shape = self.random.choice(
            [
                ("ij,ij->i", f"{a.text}, {a.text}", a.shape[:1]),
                ("ij,kj->ik", f"{a.text}, {a.text}", (a.shape[0], a.shape[0])),
                ("ij->ji", a.text, a.shape[::-1]),
                ("ij,ij->", f"{a.text}, {a.text}", ()),
            ]
        )
        number = Number(
            a.number.dtype, 2 * a.number.fraction, 2 * a.number.magnitude + 8, a.number.exact
        )
        made = self.tame(Value(f"lt.einsum({rule!r}, {text})", number, shape))
        self.add(made.text, made.number, shape)

    def overwrite(self) -> None:
        """Parts of a new array are written."""
        a = self.any_array(lambda v: bool(v.shape) and v.number.kind != "b")
        if a is None:
            return
        value = self.add(f"{a.text}.copy()", a.number, a.shape)
        place = self.random.choice(["1:", ":-1", "::2", "0", "1:-1", "-1"])
        if "M" in a.shape[1:] and self.chance(0.3):
            place = ":, 0"
        constant = self.constant_for(a.number)
        number = meet(a.number, constant.number)
        if number.dtype != a.number.dtype:
            return
        sign = self.random.choice(["=", "+=", "*="])
        self.program.blocks.append(f"{value.text}[{place}] {sign} {constant.text}")
        grown = Number(number.dtype, number.fraction + 2, number.magnitude + 3, number.exact)
        self.arrays[-1] = Value(value.text, self.tame(Value("", grown)).number, a.shape)

    # ---- grids and loops -----------------------------------------------------------------------

    def rows(self) -> None:
        self.program.blocks.append(Points(self).rows())

    def neighbours(self) -> None:
        block = Points(self).neighbours()
        if block:
            self.program.blocks.append(block)

    def helper(self) -> None:
        self.program.blocks.append(Points(self).helper())

    def grid(self) -> None:
        self.program.blocks.append(Points(self).grid())

    def scatter(self) -> None:
        self.program.blocks.append(Points(self).scatter())

    def sequence(self) -> None:
        self.program.blocks.append(Points(self).sequence())

    def collect(self) -> None:
        self.program.blocks.append(Points(self).collect())

    # ---- the whole -----------------------------------------------------------------------------

    def generate(self) -> Program:
        arguments = [Value("first", self.element(), ("N", "M"))]
        for shape in (("N", "M"), ("N",), ("M",)):
            if self.chance(0.7):
                arguments.append(Value(self.name("a"), self.element(), shape))
        arguments.append(Value("at_N", Number("i64", 0, 4), ("K",)))
        if self.chance(0.3):
            arguments.append(Value(self.name("s"), Number("float", 2, 2)))
        self.program.arguments = arguments
        self.arrays = [each for each in arguments if each.shape]
        statements = [
            (4, self.elementwise), (1, self.compare), (1, self.cast), (3, self.view),
            (2, self.broadcast), (2, self.reduce), (1, self.order), (1, self.product),
            (1, self.gather), (4, self.grid), (2, self.scatter), (2, self.sequence),
            (1, self.collect), (1, self.make), (1, self.select), (1, self.best), (1, self.along),
            (1, self.contraction), (1, self.overwrite), (2, self.rows), (2, self.neighbours),
            (2, self.helper),
        ]  # fmt: skip
        weights, methods = zip(*statements, strict=True)
        for _ in range(self.random.randint(2, 7)):
            self.random.choices(methods, weights)[0]()
        made = [each for each in self.arrays if each not in arguments] or self.arrays
        chosen = made[-1:] + self.random.sample(made[:-1], min(len(made) - 1, 4))
        self.program.results = [each.text for each in chosen]
        return self.program

    def element(self) -> Number:
        dtype = self.random.choice(
            ["f32", "f32", "f32", "f64", "f16", "i64", "i32", "i8", "u8", "bool_", "u32", "i16"]
        )
        kind = Number(dtype).kind
        return Number(dtype, FRACTION if kind == "f" else 0, {"f": MAGNITUDE, "i": 3, "b": 1}[kind])


def join(x: Number, y: Number) -> str:
    """The type of a sum of numbers that can meet."""
    weak = ("int", "float", "bool")
    if x.dtype in weak and y.dtype in weak:
        return max(x.dtype, y.dtype, key=("bool", "int", "float").index)
    return y.dtype if x.dtype in weak else x.dtype


def meet(x: Number, y: Number) -> Number:
    return Number(
        join(x, y), max(x.fraction, y.fraction), max(x.magnitude, y.magnitude), x.exact and y.exact
    )


def can_meet(x: Number, y: Number) -> bool:
    """Whether an operation of both has one of their types."""
    weak = ("int", "float", "bool")
    if x.dtype in weak and y.dtype in weak:
        return True
    if x.dtype in weak or y.dtype in weak:
        weak_one, other = (x, y) if x.dtype in weak else (y, x)
        return weak_one.kind == other.kind or (weak_one.kind == "i" and other.kind == "f")
    return x.dtype == y.dtype


def fits(a: Value, b: Value) -> bool:
    """Whether the elements of two arrays can be combined."""
    return a.shape == b.shape and can_meet(a.number, b.number)


class Points:
    """Code of single points: statements with numbers in variables."""

    def __init__(self, outer: Generator) -> None:
        self.outer, self.random = outer, outer.random
        self.lines: list[str] = []
        self.numbers: list[Value] = []
        self.indices: dict[str, str] = {}  # names of loops: the size that they stay below
        self.indent = 0
        self.written: set[str] = set()

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    # ---- expressions -------------------------------------------------------------------------

    def element(self) -> Value | None:
        """An element of an array that was made before."""

        def fits(v: Value) -> bool:
            return (
                bool(v.shape)
                and v.text not in self.written
                and all(
                    s in self.indices.values()
                    or s.isdigit()
                    or (s == "N" and "K" in self.indices.values())
                    for s in v.shape
                )
            )

        array = self.outer.any_array(fits)
        if array is None:
            return None
        at = [self.index_below(size) for size in array.shape]
        return Value(f"{array.text}[{', '.join(at)}]", array.number)

    def index_below(self, size: str) -> str:
        names = [n for n, s in self.indices.items() if s == size]
        if size.isdigit() and not names:
            return str(self.random.randrange(int(size)))
        if size == "N" and "K" in self.indices.values() and (not names or self.chance(0.4)):
            k = self.random.choice([n for n, s in self.indices.items() if s == "K"])
            return f"at_N[{k}]"
        name = self.random.choice(names)
        draw = self.random.random()
        if draw < 0.15:
            return f"{size} - 1 - {name}"
        if draw < 0.3:
            return f"({name} + {self.random.randint(1, 4)}) % {size}"
        if draw < 0.4:
            return f"min({name} + 1, {size} - 1)"
        return name

    def number(self, depth: int = 2, dtype: str | None = None) -> Value:
        """A number; with `dtype` one that can be stored in such an array."""
        options: list[Value] = list(self.numbers)
        found = self.element()
        if found is not None:
            options += [found, found]
        options += [Value(n, Number("int", 0, 3)) for n in self.indices]
        options += [Value("1", Number("int", 0, 1)), Value("0.5", Number("float", 1, 1))]
        value = self.random.choice(options)
        for _ in range(depth):
            draw = self.random.random()
            if draw < 0.35:
                fitting = [o for o in options if can_meet(o.number, value.number)]
                if fitting:
                    value = self.arithmetic(value, self.random.choice(fitting))
            elif draw < 0.5:
                value = self.function(value)
            elif draw < 0.6:
                fitting = [
                    o
                    for o in options
                    if can_meet(o.number, value.number) and o.number.kind == value.number.kind
                ]
                other = self.random.choice(fitting) if fitting else value
                test = self.test()
                number = meet(value.number, other.number)
                value = Value(f"({value.text} if {test} else {other.text})", number)
        return value

    def arithmetic(self, a: Value, b: Value) -> Value:
        if a.number.kind == "b" or b.number.kind == "b":
            if a.number.kind != b.number.kind:
                return a
            word = self.random.choice(["and", "or"])
            return Value(
                f"({a.text} {word} {b.text})",
                Number("bool_" if "bool_" in (a.number.dtype, b.number.dtype) else "bool"),
            )
        if self.chance(0.2) and a.number.dtype == b.number.dtype:
            word = self.random.choice(["min", "max"])
            return Value(f"{word}({a.text}, {b.text})", meet(a.number, b.number))
        return self.outer.combine(a, b)

    def function(self, a: Value) -> Value:
        number = a.number
        if number.kind == "b":
            return Value(f"(not {a.text})", Number("bool"))
        if number.kind == "i":
            text = self.random.choice([f"abs({a.text})", f"({a.text} // 2)", f"({a.text} % 3)"])
            if number.dtype[0] == "u" or self.chance(0.6):
                return Value(text, Number(number.dtype, 0, max(number.magnitude, 2)))
            return Value(f"({a.text} // -3)", Number(number.dtype, 0, max(number.magnitude, 2)))
        if number.exact and self.chance(0.5):
            choice = self.random.choice(["int", "math.floor", "abs"])
            if choice == "abs":
                return Value(f"abs({a.text})", number)
            return Value(f"{choice}({a.text})", Number("int", 0, number.magnitude + 1))
        choices = ["np.tanh({})", "np.exp(-abs({}))", "np.sqrt(abs({}))", "np.cos({})"]
        return Value(
            self.random.choice(choices).format(a.text),
            Number("f64" if number.dtype == "float" else number.dtype, 60, 0, False),
        )

    def test(self) -> str:
        exact = [n for n in self.numbers if n.number.exact]
        found = self.element()
        if found is not None and found.number.exact:
            exact.append(found)
        exact += [Value(n, Number("int", 0, 3)) for n in self.indices]
        if not exact:
            return "True"
        a = self.random.choice(exact)
        if a.number.kind == "b":
            return self.random.choice([a.text, f"not {a.text}"])
        sign = self.random.choice(["<", "<=", ">", ">=", "==", "!="])
        text = f"{a.text} {sign} {self.random.randint(0, 2)}"
        if self.chance(0.2):
            text = f"0 <= {a.text} < {self.random.randint(1, 4)}"
        if self.chance(0.25) and self.indices:
            word = self.random.choice(["and", "or"])
            text = f"({text}) {word} {self.random.choice(list(self.indices))} != 1"
        return text

    # ---- statements --------------------------------------------------------------------------

    def assign(self) -> None:
        value = self.number()
        name = self.outer.name("t")
        self.line(f"{name} = {value.text}")
        self.numbers.append(Value(name, value.number))

    def fold(self) -> None:
        """A variable and a loop that changes it."""
        size = self.random.choice(["N", "M", "3"])
        source = self.number(1)
        if source.number.kind == "b":
            source = Value("1", Number("int", 0, 1))
        start = self.outer.name("t")
        number = source.number
        strong = number.dtype not in ("int", "float")
        zero = f"{number.dtype}(0)" if strong else ("0.0" if number.kind == "f" else "0")
        self.line(f"{start} = {zero}")
        loop = self.outer.name("k")
        kind = self.random.choice(["range", "grid", "while", "range"])
        saved = list(self.numbers)
        if kind == "while":
            self.line(f"{loop} = 0")
            self.line(f"while {loop} < {size}:")
        else:
            self.line(f"for {loop} in {'range' if kind == 'range' else 'lt.grid'}({size}):")
        self.indent += 1
        self.indices[loop] = size
        term = self.number(1)
        if (
            not can_meet(term.number, number)
            or term.number.kind != number.kind
            or (term.number.dtype not in (number.dtype, "int", "float"))
            or (not strong and term.number.dtype != number.dtype)
        ):
            term = (
                Value("1", Number("int", 0, 1))
                if number.kind == "i"
                else Value(source.text, source.number)
            )
        if kind == "range" and self.chance(0.3):
            self.line(f"if {self.test()}:")
            self.line(f"    {self.random.choice(['continue', 'break'])}")
        if self.chance(0.3):
            self.line(f"if {self.test()}:")
            self.indent += 1
            self.line(f"{start} += {term.text}")
            self.indent -= 1
        else:
            self.line(f"{start} += {term.text}")
        if kind == "while":
            self.line(f"{loop} += 1")
        self.indent -= 1
        del self.indices[loop]
        self.numbers = saved
        total = Number(
            number.dtype,
            max(number.fraction, term.number.fraction),
            max(number.magnitude, term.number.magnitude) + 4,
            number.exact and term.number.exact,
        )
        if total.kind == "i" and not total.is_safe:
            self.line(f"{start} = {start} % 11")
            total = Number(total.dtype, 0, 4)
        if total.kind == "f" and not total.is_safe:
            total = Number(total.dtype, 60, 0, False)
        self.numbers.append(Value(start, total))

    def choose(self) -> None:
        """`if` with a variable that both branches assign."""
        name = self.outer.name("t")
        a, b = self.number(1), self.number(1)
        weak = ("int", "float", "bool")
        alike = (a.number.dtype in weak) == (b.number.dtype in weak)
        if not (can_meet(a.number, b.number) and a.number.kind == b.number.kind and alike):
            b = a
        self.line(f"if {self.test()}:")
        self.line(f"    {name} = {a.text}")
        self.line("else:")
        self.line(f"    {name} = {b.text}")
        self.numbers.append(Value(name, meet(a.number, b.number)))

    def local(self) -> None:
        """A small array of the point."""
        name, at = self.outer.name("l"), self.outer.name("k")
        self.line(f"{name} = lt.local((4,), f64)")
        self.line(f"for {at} in range(4):")
        self.indices[at] = "4"
        value = self.number(1)
        if value.number.kind == "b":
            value = Value(at, Number("int", 0, 3))
        self.line(f"    {name}[{at}] = {value.text}")
        del self.indices[at]
        number = Number("f64", value.number.fraction, value.number.magnitude, value.number.exact)
        self.numbers.append(Value(f"{name}[{self.random.randrange(4)}]", number))

    def body(self, count: int) -> None:
        for _ in range(count):
            self.random.choice([self.assign, self.fold, self.choose, self.assign, self.local])()

    def target(self, sizes: tuple[str, ...], value: Value) -> tuple[str, str]:
        """(name, element type) of a new array that takes `value`."""
        dtype = value.number.dtype
        dtype = {"int": "i64", "float": "f64", "bool": "bool_"}.get(dtype, dtype)
        return self.outer.name("o"), dtype

    def grid(self) -> str:
        """Points that each write one element."""
        sizes = self.random.choice([("N", "M"), ("N",), ("M", "N"), ("K",), ("N", "M")])
        names = [self.outer.name("p") for _ in sizes]
        self.indices = dict(zip(names, sizes, strict=True))
        self.indent = 1
        self.body(self.random.randint(0, 3))
        value = self.number()
        out, dtype = self.target(sizes, value)
        rows = len(sizes) == 2 and self.chance(0.2)
        if self.chance(0.2):
            self.line(f"if {self.test()}:")
            self.indent += 1
        place = ", ".join(names)
        self.line(f"{out}[{place}] = {value.text}")
        head = [f"{out} = lt.zeros(({', '.join(sizes)},), {dtype})"]
        if rows:
            # One grid in the other.
            head += [f"for {names[0]} in lt.grid({sizes[0]}):"]
            head += [f"    for {names[1]} in lt.grid({sizes[1]}):"]
            self.lines = ["    " + line for line in self.lines]
        else:
            head += [f"for {', '.join(names)} in lt.grid({', '.join(sizes)}):"]
        self.outer.arrays.append(Value(out, replace_dtype(value.number, dtype), sizes))
        return "\n".join(head + self.lines)

    def rows(self) -> str:
        """Points that compute with whole rows."""
        array = self.outer.any_array(lambda v: v.shape == ("N", "M") and v.number.kind != "b")
        if array is None:
            return self.grid()
        name, out = self.outer.name("p"), self.outer.name("o")
        self.indices = {name: "N"}
        number = array.number
        at = self.index_below("N")
        row = f"{array.text}[{at}]"
        kind = self.random.choice(["sum", "max", "store", "add", "scale"])
        if kind in ("sum", "max"):
            dtype = number.dtype
            if kind == "sum" and number.kind == "i":
                dtype = "u64" if dtype[0] == "u" else "i64"
            grown = self.outer.tame(
                Value("", Number(dtype, number.fraction, number.magnitude + 5, number.exact))
            ).number
            lines = [f"{out} = lt.zeros((N,), {dtype})", f"for {name} in lt.grid(N):"]
            lines += [f"    {out}[{name}] = {row}.{kind}()"]
            self.outer.arrays.append(
                Value(out, Number(dtype, grown.fraction, grown.magnitude + 5, grown.exact), ("N",))
            )
            return "\n".join(lines)
        grown = Number(number.dtype, number.fraction, number.magnitude + 2, number.exact)
        lines = [f"{out} = lt.zeros((N, M), {number.dtype})", f"for {name} in lt.grid(N):"]
        text = {"store": row, "add": f"{row} + {array.text}[{name}, :]", "scale": f"{row} * 2"}[
            kind
        ]
        lines += [f"    {out}[{name}, :] = {text}"]
        if self.chance(0.4):
            lines += [f"    {out}[{name}, :] += {row}"]
            grown = Number(number.dtype, number.fraction, number.magnitude + 3, number.exact)
        if not grown.is_safe:
            grown = (
                Number(grown.dtype, 60, 0, False)
                if grown.kind == "f"
                else Number(grown.dtype, 0, 4, False)
            )
        self.outer.arrays.append(Value(out, grown, ("N", "M")))
        return "\n".join(lines)

    def neighbours(self) -> str:
        """Reads outside of an array that is extended, or at real coordinates."""
        array = self.outer.any_array(
            lambda v: (
                v.shape in (("N", "M"), ("M", "N")) and v.number.dtype in ("f32", "f64", "i32")
            )
        )
        if array is None:
            return ""
        far, out = self.outer.name("x"), self.outer.name("o")
        i, j = self.outer.name("p"), self.outer.name("p")
        number = array.number
        if number.kind == "f" and number.exact and self.chance(0.4):
            oob = self.random.choice(["zero", "edge", "band1"])
            mode = self.random.choice(["bilinear", "bilinear", "nearest"])
            view = f"lt.sample({array.text}, dims=(0, 1), mode={mode!r}, oob={oob!r})"
            a, b = (self.random.choice(["0.5", "0.75", "1.25", "1.0"]) for _ in "ab")
            dtype = number.dtype
            read = f"{far}[{i} * {dtype}({a}) - {dtype}(0.5), {j} * {dtype}({b})]"
            number = Number(number.dtype, 60, 0, False)
        else:
            mode = self.random.choice(["0", "'edge'", "'wrap'", "'reflect'", "3"])
            view = f"lt.extend({array.text}, (0, 1), {mode})"
            shifts = [self.random.choice(["- 1", "+ 1", "- 2", "+ 2", ""]) for _ in "ab"]
            read = f"{far}[{i} {shifts[0]}, {j} {shifts[1]}]"
            number = Number(number.dtype, number.fraction, max(number.magnitude, 2), number.exact)
        rows, columns = array.shape
        return_shape = array.shape
        lines = [f"{far} = {view}", f"{out} = lt.zeros(({rows}, {columns}), {array.number.dtype})"]
        lines += [f"for {i}, {j} in lt.grid({rows}, {columns}):", f"    {out}[{i}, {j}] = {read}"]
        self.outer.arrays.append(Value(out, number, return_shape))
        return "\n".join(lines)

    def helper(self) -> str:
        """A function of numbers with early returns, called at each point; ranges with bounds."""
        name, out, p = self.outer.name("f"), self.outer.name("o"), self.outer.name("p")
        self.indices = {p: "N"}
        value = self.number(1)
        if value.number.kind == "b":
            value = Value(p, Number("int", 0, 3))
        number = value.number
        exact = number.exact
        test = f"a {self.random.choice(['<', '>=', '=='])} {self.random.randint(0, 2)}"
        if not exact:
            test = f"b {self.random.choice(['<', '>='])} {self.random.randint(0, 2)}"
        lines = [f"def {name}(a, b):", f"    if {test}:", "        return a"]
        if self.chance(0.5):
            lines += ["    for k in range(b):", "        if k > 1:", "            return a"]
        lines += [
            self.random.choice(
                [
                    "    return a + a",
                    "    return a * 2",
                    "    return -a" if number.dtype[0] != "u" else "    return a",
                ]
            )
        ]
        dtype = {"int": "i64", "float": "f64"}.get(number.dtype, number.dtype)
        lines += [f"{out} = lt.zeros((N,), {dtype})"]
        bounds = self.random.choice(["N", "(1, N)", "(0, N)", "N"])
        loop = self.random.choice([f"lt.grid({bounds})", "range(N - 1, -1, -1)", "range(0, N, 2)"])
        lines += [f"for {p} in {loop}:", f"    {out}[{p}] = {name}({value.text}, {p})"]
        grown = Number(dtype, number.fraction, number.magnitude + 1, exact)
        if not grown.is_safe:
            grown = Number(dtype, 60, 0, False) if grown.kind == "f" else Number(dtype, 0, 4, False)
        self.outer.arrays.append(Value(out, grown, ("N",)))
        return "\n".join(lines)

    def scatter(self) -> str:
        """Points that meet, with a combiner."""
        name = self.outer.name("p")
        self.indices = {name: "K"}
        self.indent = 1
        self.body(self.random.randint(0, 1))
        value = self.number(1)
        if value.number.kind == "b":
            value = Value("1", Number("int", 0, 1))
        out, dtype = self.target(("N",), value)
        number = Number(
            dtype, value.number.fraction, value.number.magnitude + 5, value.number.exact
        )
        kind = self.random.choice(["+=", "max_at", "min_at", "set_at", "add_at"])
        at = f"at_N[{name}]"
        if kind == "+=":
            self.line(f"{out}[{at}] += {value.text}")
        else:
            last = ', collide="last"' if kind == "set_at" else ""
            self.line(f"lt.{kind}({out}, {at}, {value.text}{last})")
        if not number.is_safe:
            # Sums that may wrap or round are no indices or conditions.
            number = (
                Number(dtype, 60, 0, False) if number.kind == "f" else Number(dtype, 0, 3, False)
            )
        head = [f"{out} = lt.zeros((N,), {dtype})", f"for {name} in lt.grid(K):"]
        self.outer.arrays.append(Value(out, number, ("N",)))
        return "\n".join(head + self.lines)

    def sequence(self) -> str:
        """A loop in order that reads what it has written."""
        size = self.random.choice(["N", "M"])
        name = self.outer.name("p")
        self.indices = {name: size}
        self.indent = 1
        out = self.outer.name("o")
        dtype = self.random.choice(["f32", "i64", "f64"])
        self.numbers.append(
            Value("carry", Number("float", 2, 4))
            if dtype != "i64"
            else Value("carry", Number("int", 0, 4))
        )
        self.body(self.random.randint(0, 2))
        value = self.number(1)
        if value.number.kind == "b" or (dtype == "i64" and value.number.kind != "i"):
            value = Value(name, Number("int", 0, 3))
        self.line(f"{out}[{name}] = {value.text}")
        if self.chance(0.4):
            self.line(f"if {name} > 0:")
            self.line(f"    {out}[{name}] += {out}[{name} - 1]")
        if self.chance(0.3):
            self.line(f"if {self.test()}:")
            self.line(f"    {self.random.choice(['break', 'continue'])}")
        step = "1.5" if dtype != "i64" else "2"
        self.line(f"carry = {step} - carry")
        start = "0.25" if dtype != "i64" else "1"
        head = [f"{out} = lt.zeros(({size},), {dtype})", f"carry = {start}"]
        head += [f"for {name} in range({size}):"]
        exact = value.number.exact and dtype == "i64"
        self.outer.arrays.append(
            Value(
                out,
                Number(dtype, 60, 0, False) if dtype != "i64" else Number("i64", 0, 8, exact),
                (size,),
            )
        )
        return "\n".join(head + self.lines)

    def collect(self) -> str:
        """A list of as many elements as pass a test."""
        name, out = self.outer.name("p"), self.outer.name("o")
        self.indices = {name: "N"}
        self.indent = 1
        self.body(self.random.randint(0, 1))
        self.line(f"if {self.test()}:")
        self.line(f"    {out}.append({name})")
        made = self.outer.name("o")
        size = f"S{made}"
        head = [f"{out} = lt.List(i64, max=N)", f"for {name} in range(N):"]
        self.outer.arrays.append(Value(made, Number("i64", 0, 4), (size,)))
        return "\n".join([*head, *self.lines, f"{made} = {out}.array()"])


def replace_dtype(number: Number, dtype: str) -> Number:
    return Number(dtype, number.fraction, number.magnitude, number.exact)


def generate(seed: int) -> Program:
    """The program of a seed."""
    return Generator(seed).generate()
