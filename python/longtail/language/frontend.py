"""Walks the source of an operator and builds its IR: names, expressions and statements."""

from __future__ import annotations

import ast
import builtins
import re
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import functions, surface
from .diagnostics import Finding, Place, Reject
from .dtypes import bool_
from .grids import GridCode
from .ir import Block
from .scalars import OPERATORS
from .sizes import Size
from .source import Source
from .values import (
    Array,
    Extended,
    GrowingList,
    LocalFunction,
    Method,
    Missing,
    Row,
    Sampler,
    Scalar,
    SizeTest,
    is_known,
    is_number,
)

# The flags of `break`, `continue` and `return` are variables like others: branches merge them.
FLAGS = BREAK, CONTINUE, RETURN = ("<break>", "<continue>", "<return>")
RESULT = "<result>"


class Scope:
    """The variables of one function."""

    def __init__(self, source: Source, parent: Scope | None = None) -> None:
        self.source, self.parent = source, parent
        self.variables: dict[str, Any] = {}
        self.in_loop = False
        self.depth = 0 if parent is None else parent.depth + 1


class Frontend(GridCode):
    """Lowers the body of one operator for given annotations and known arguments."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source
        self.scope = Scope(source)
        self.findings: list[Finding] = []
        self.returned: Any = None
        self.has_returned = False
        self.labels: dict[str, str] = {}  # what the operator calls a symbol
        self._calls: list[Any] = []
        self.facts_of_data: list[Array] = []  # of mode "checked": what asserts say of arrays

    def show(self, size: Size) -> str:
        return re.sub(
            r"[sp]\d+", lambda m: self.labels.get(m.group(), m.group()), str(size)
        ).replace(" floordiv ", "//")

    # ---- errors ------------------------------------------------------------------------------

    def place_of(self, node: ast.AST) -> Place | None:
        return self.scope.source.place(node)

    def record(self, reject: Reject, node: ast.AST) -> None:
        if isinstance(reject, _Poisoned):
            return
        finding = reject.at(self.place_of(node))
        if finding.place is not None:
            from dataclasses import replace

            finding = replace(finding, text=self.scope.source.line(finding.place.line))
        if finding not in self.findings:
            self.findings.append(finding)

    # ---- statements --------------------------------------------------------------------------

    def statements(self, body: Sequence[ast.stmt]) -> None:
        for k, node in enumerate(body):
            if not self.scope.source.internal:
                self.builder.place = self.place_of(node)
            try:
                self.statement(node)
            except Reject as reject:
                self.record(reject, node)
                for name in assigned_names([node]):
                    self.scope.variables[name] = Missing(failed=True)
            flags = [self.scope.variables.get(flag, False) for flag in FLAGS]
            if any(flag is True for flag in flags) or self.has_returned:
                return
            if any(flag is not False for flag in flags):
                self._rest(body[k + 1 :], flags)
                return

    def _rest(self, body: Sequence[ast.stmt], flags: list[Any]) -> None:
        """What follows a statement that may have left the loop or function."""
        if not body:
            return
        left = None
        for flag in flags:
            if flag is not False:
                left = flag if left is None else self.scalars.logical_or(left, flag)
        stays = self.scalars.logical_not(self.scalars.of(left))
        self.branch(stays, lambda: self.statements(body), lambda: None)

    def statement(self, node: ast.stmt) -> None:
        method = getattr(self, f"_do_{type(node).__name__}", None)
        if method is None:
            raise Reject(
                "E0101",
                f"`{_keyword(node)}` is outside the language",
                "an operator has assignments, if, for, while, break, continue, return, "
                "assert and def",
            )
        method(node)

    def _do_Pass(self, node: ast.Pass) -> None:
        pass

    def _do_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.expression(node.value)

    def _do_Assign(self, node: ast.Assign) -> None:
        value = self.expression(node.value)
        for target in node.targets:
            self.assign(target, value)

    def _do_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.expression(node.value))

    def _do_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.decorator_list:
            raise Reject("E0101", "a function inside an operator has no decorators")
        self.scope.variables[node.name] = LocalFunction(
            node, self.scope, self.scope.source, node.name
        )

    def assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.scope.variables[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            values = self.unpack(value)
            star = [k for k, t in enumerate(target.elts) if isinstance(t, ast.Starred)]
            if star:
                raise Reject("E0101", "a starred target is outside the language")
            if len(values) != len(target.elts):
                raise Reject("E0302", f"{len(values)} values for {len(target.elts)} variables")
            for part, each in zip(target.elts, values, strict=True):
                self.assign(part, each)
        elif isinstance(target, ast.Subscript):
            self.store_subscript(target, value, None)
        else:
            raise Reject("E0101", "attributes cannot be assigned", place=self.place_of(target))

    def unpack(self, value: Any) -> list[Any]:
        if isinstance(value, tuple | list | range):
            return list(value)
        if (
            isinstance(value, Array)
            and value.rank
            and value.sizes[0].constant is not None
            and not self.region
        ):
            return [functions.index(self, value, (k,)) for k in range(value.sizes[0].constant)]
        if isinstance(value, Row | Array) and value.sizes and value.sizes[0].constant is not None:
            return [self.subscript_point(value, [k]) for k in range(value.sizes[0].constant)]
        raise Reject("E0102", f"a {describe(value)} cannot be unpacked")

    def _do_AugAssign(self, node: ast.AugAssign) -> None:
        function, python = OPERATORS.get(type(node.op).__name__, (None, None))
        if python is None:
            raise Reject("E0101", "this operator is outside the language")
        value = self.expression(node.value)
        if isinstance(node.target, ast.Subscript):
            self.store_subscript(node.target, value, (function, python))
            return
        if not isinstance(node.target, ast.Name):
            raise Reject("E0101", "attributes cannot be assigned")
        before = self.variable(node.target.id, node.target)
        self.scope.variables[node.target.id] = self.binary(function, python, before, value)

    def _do_Assert(self, node: ast.Assert) -> None:
        for test in self._conjuncts(node.test):
            value = self.expression(test)
            text = ast.unparse(test)
            if isinstance(value, SizeTest):
                self.assume(value, text)
            elif is_known(value) and not value:
                raise Reject("E0304", f"the assertion `{text}` is false")
            elif isinstance(value, Scalar):
                self.builder.add(
                    f"compute.require {self.scalars.cast(value, bool_).name}, value", kind="require"
                )
            elif isinstance(value, Array) and not value.sizes and self.checked:
                from . import prelude

                fact = functions.call(self, np.reshape, [value, (1,)], {})
                self.facts_of_data.append(prelude.lower(self, "checked_fact", [fact], {}))

    def _conjuncts(self, node: ast.expr) -> list[ast.expr]:
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            return [each for value in node.values for each in self._conjuncts(value)]
        return [node]

    def assume(self, test: SizeTest, text: str) -> None:
        """A fact about sizes: checked when the operator is called, known from here on."""
        message = f"the assertion `{text}` of operator '{self.source.name}' is false"
        if test.function == "ne":
            return
        for monomial in test.left.terms:
            atom = monomial[0] if len(monomial) == 1 else None
            if (
                test.function == "eq"
                and test.right == 0
                and not isinstance(atom, str | None)
                and atom.kind == "mod"
            ):
                self.check("eq", test.left, test.right, message, "E0304")
                self.facts.multiples.add((atom.numerator, atom.denominator))
                return
        self.check(test.function, test.left, test.right, message, "E0304")

    def _do_Return(self, node: ast.Return) -> None:
        value = None if node.value is None else self.expression(node.value)
        if (self.scope.depth and self.scope.parent is not None) or self._calls:
            self.scope.variables[RESULT] = value
            self.scope.variables[RETURN] = True
            return
        if self.region is not None:
            raise Reject(
                "E0120",
                "a return inside a loop over data is not compiled yet",
                "set a variable and `break`, then return behind the loop",
            )
        self.returned, self.has_returned = value, True

    def _do_Break(self, node: ast.Break) -> None:
        self.scope.variables[BREAK] = True

    def _do_Continue(self, node: ast.Continue) -> None:
        self.scope.variables[CONTINUE] = True

    def _do_If(self, node: ast.If) -> None:
        condition = self.condition(node.test)
        if is_known(condition):
            self.statements(node.body if condition else node.orelse)
        elif self.region is None and not isinstance(condition, Scalar):
            raise Reject(
                "E0120",
                "a branch that depends on data or sizes around whole arrays is not compiled yet",
                "select elements: lt.where(condition, a, b), or branch inside lt.grid",
                self.place_of(node.test),
            )
        else:
            self.branch(
                condition, lambda: self.statements(node.body), lambda: self.statements(node.orelse)
            )

    def branch(
        self, condition: Any, then: Callable[[], None], otherwise: Callable[[], None]
    ) -> None:
        """Runs both in branches and gives each variable its value of the one that is taken."""
        before = dict(self.scope.variables)
        first, second = Block(), Block()
        with self.builder.inside(first):
            then()
        after_first, self.scope.variables = self.scope.variables, dict(before)
        with self.builder.inside(second):
            otherwise()
        after_second = self.scope.variables
        names = sorted(after_first.keys() | after_second.keys())
        # What a function returns only counts where it has returned.
        default = dict.fromkeys((*FLAGS, RESULT), False)
        lost = Missing("is assigned on only one path")
        a = [after_first.get(n, default.get(n, lost)) for n in names]
        b = [after_second.get(n, default.get(n, lost)) for n in names]
        merged = self.merge(condition, first, a, second, b)
        self.scope.variables = dict(zip(names, merged, strict=True))

    # ---- loops -------------------------------------------------------------------------------

    def _do_For(self, node: ast.For) -> None:
        if node.orelse and not _has_break(node.body):
            self._for(node)
            self.statements(node.orelse)
            return
        if node.orelse:
            raise Reject(
                "E0120", "`else` of a loop with `break` is not compiled yet", "use a variable"
            )
        self._for(node)

    def _for(self, node: ast.For) -> None:
        function = None
        if isinstance(node.iter, ast.Call):
            function = self.expression(node.iter.func)
        if function is surface.grid:
            self.grid(node, [self.expression(a) for a in node.iter.args])
            return
        if function is range:
            bounds = [self.expression(a) for a in node.iter.args]
            if not all(isinstance(b, int) for b in bounds):
                self.counted(node, bounds)
                return
            values: Any = range(*bounds)
            if (
                (self.region is not None and len(values) > 4)
                or len(values) > 16
                or self._is_sequential(node)
            ):
                self.counted(node, bounds)
                return
        else:
            values = self.expression(node.iter)
            if isinstance(values, Scalar | Size | GrowingList):
                raise Reject("E0101", f"a loop over a {describe(values)} is outside the language")
            values = self.unpack(values)
        self._unrolled(node, values)

    def _unrolled(self, node: ast.For, values: Sequence[Any]) -> None:
        for value in values:
            self.assign(node.target, value)
            self.statements(node.body)
            if self.scope.variables.get(CONTINUE) is True:
                self.scope.variables[CONTINUE] = False
            flags = [self.scope.variables.get(f, False) for f in FLAGS]
            if flags[0] is True or flags[2] is True:
                break
            if any(f is not False for f in flags):
                raise Reject(
                    "E0120",
                    "a `break` that depends on data in an unrolled loop is not compiled yet",
                )
        self.scope.variables[BREAK] = False

    def _is_sequential(self, node: ast.stmt) -> bool:
        """True for a loop at the top whose trips write elements or leave it: code of one point."""
        if self.region is not None:
            return any(isinstance(each, ast.Break | ast.Continue) for each in ast.walk(node))
        return any(
            isinstance(each, ast.While | ast.Break | ast.Continue) for each in ast.walk(node)
        )

    # ---- expressions -------------------------------------------------------------------------

    def expression(self, node: ast.expr) -> Any:
        method = getattr(self, f"_get_{type(node).__name__}", None)
        try:
            if method is None:
                raise Reject("E0102", f"`{ast.unparse(node)}` is outside the language")
            return method(node)
        except Reject as reject:
            if reject.finding.place is None:
                from dataclasses import replace

                reject.finding = replace(reject.finding, place=self.place_of(node))
            raise

    def _get_Constant(self, node: ast.Constant) -> Any:
        return node.value

    def _get_Name(self, node: ast.Name) -> Any:
        return self.variable(node.id, node)

    def variable(self, name: str, node: ast.AST) -> Any:
        scope: Scope | None = self.scope
        while scope is not None:
            if name in scope.variables:
                value = scope.variables[name]
                if isinstance(value, Missing):
                    if value.failed:
                        raise _Poisoned()
                    raise Reject(
                        "E0110",
                        f"`{name}` {value.reason}",
                        f"give `{name}` a value before the branch or loop",
                        self.place_of(node),
                    )
                return value
            if scope.parent is None:
                break
            scope = scope.parent
        source = scope.source if scope is not None else self.source
        if name in source.names:
            value = source.names[name]
            if source is self.source:
                source.used[name] = value
            return value
        if hasattr(builtins, name):
            return getattr(builtins, name)
        raise Reject("E0111", f"the name `{name}` is not defined", place=self.place_of(node))

    def _get_Tuple(self, node: ast.Tuple) -> tuple:
        return tuple(self._elements(node.elts))

    def _get_List(self, node: ast.List) -> list:
        return self._elements(node.elts)

    def _elements(self, nodes: Sequence[ast.expr]) -> list[Any]:
        result: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                result.extend(self.unpack(self.expression(node.value)))
            else:
                result.append(self.expression(node))
        return result

    def _get_ListComp(self, node: ast.ListComp) -> list:
        result: list[Any] = []

        def run(generators: Sequence[ast.comprehension]) -> None:
            if not generators:
                result.append(self.expression(node.elt))
                return
            for value in self.unpack(self.expression(generators[0].iter)):
                self.assign(generators[0].target, value)
                if all(self.condition(test) for test in generators[0].ifs):
                    run(generators[1:])

        saved = dict(self.scope.variables)
        run(node.generators)
        self.scope.variables = saved
        return result

    def _get_GeneratorExp(self, node: ast.GeneratorExp) -> list:
        return self._get_ListComp(node)  # type: ignore[arg-type]

    def _get_Slice(self, node: ast.Slice) -> slice:
        parts = [
            None if p is None else self.expression(p) for p in (node.lower, node.upper, node.step)
        ]
        return slice(*parts)

    def _get_Lambda(self, node: ast.Lambda) -> LocalFunction:
        return LocalFunction(node, self.scope, self.scope.source)

    def _get_Attribute(self, node: ast.Attribute) -> Any:
        owner = self.expression(node.value)
        if isinstance(owner, Array | Row):
            if node.attr == "shape":
                return tuple(s if s.constant is None else s.constant for s in owner.sizes)
            if node.attr == "ndim":
                return len(owner.sizes)
            if node.attr == "dtype" and isinstance(owner, Array):
                return owner.dtype
            if node.attr == "size":
                from .sizes import product

                return _plain(product(owner.sizes))
            if node.attr == "T":
                return functions.METHODS["transpose"](self, owner)
            return Method(owner, node.attr)
        if isinstance(owner, Scalar | Size | SizeTest | GrowingList):
            return Method(owner, node.attr)
        try:
            return getattr(owner, node.attr)
        except AttributeError:
            raise Reject("E0111", f"`{ast.unparse(node.value)}` has no `{node.attr}`") from None

    def _get_BinOp(self, node: ast.BinOp) -> Any:
        a, b = self.expression(node.left), self.expression(node.right)
        if isinstance(node.op, ast.MatMult):
            return functions.call(self, np.matmul, [a, b], {})
        function, python = OPERATORS[type(node.op).__name__]
        return self.binary(function, python, a, b)

    def _get_UnaryOp(self, node: ast.UnaryOp) -> Any:
        value = self.expression(node.operand)
        function, python = OPERATORS[type(node.op).__name__]
        if is_known(value):
            return python(value)
        if isinstance(node.op, ast.UAdd):
            return value
        if isinstance(node.op, ast.Not):
            if isinstance(value, SizeTest):
                return negated(value)
            if isinstance(value, Array) and value.rank:
                raise Reject(
                    "E0102", "`not` of an array has no truth value", "use ~ or lt.logical_not"
                )
        if isinstance(value, Size) and isinstance(node.op, ast.USub):
            return -value
        return self.elementwise(function, value)

    def binary(self, function: Any, python: Callable[..., Any], a: Any, b: Any) -> Any:
        if is_known(a) and is_known(b):
            try:
                return python(a, b)
            except (ArithmeticError, TypeError, ValueError) as error:
                raise Reject("E0102", str(error)) from None
        sizes = isinstance(a, Size | int) and isinstance(b, Size | int)
        if sizes and not isinstance(a, bool) and not isinstance(b, bool):
            found = self._sizes(function, Size.of(a), Size.of(b))
            if found is not None:
                return _plain(found)
        for value in (a, b):
            joins = python is OPERATORS["Add"][1] and isinstance(a, tuple) and isinstance(b, tuple)
            if joins and not is_known(value):
                return a + b
        return self.elementwise(function, a, b)

    def _sizes(self, function: Any, a: Size, b: Size) -> Any:
        if function in (np.add, np.subtract, np.multiply):
            return {np.add: a + b, np.subtract: a - b, np.multiply: a * b}[function]
        if function in (np.floor_divide, np.remainder):
            if b.constant is not None and b.constant <= 0:
                return None if self.region is not None else self._no_quotient(b)
            if self._is_loop_size(b):
                return None
            return (self.facts.floordiv if function is np.floor_divide else self.facts.mod)(a, b)
        tests = {
            np.equal: ("eq", a, b),
            np.not_equal: ("ne", a, b),
            np.less: ("lt", a, b),
            np.less_equal: ("le", a, b),
            np.greater: ("lt", b, a),
            np.greater_equal: ("le", b, a),
        }
        if function not in tests:
            return None
        name, left, right = tests[function]
        if name in ("eq", "ne"):
            if self.facts.are_equal(left, right):
                return name == "eq"
            apart = self.facts.is_nonnegative(left - right - 1) or self.facts.is_nonnegative(
                right - left - 1
            )
            return (name == "ne") if apart else SizeTest(name, left, right)
        strict = 1 if name == "lt" else 0
        if self.facts.is_nonnegative(right - left - strict):
            return True
        if self.facts.is_nonnegative(left - right - (1 - strict)):
            return False
        return SizeTest(name, left, right)

    def _no_quotient(self, b: Size) -> None:
        raise Reject("E0102", f"sizes are divided by positive numbers, not by {b}")

    def _is_loop_size(self, b: Size) -> bool:
        return any(name in self.scalars.positions for name in b.names())

    def elementwise(self, function: Any, *values: Any) -> Any:
        """A function of elements: of whole arrays, or inside a point of elements and rows."""
        for value in values:
            if isinstance(
                value, Sampler | Extended | GrowingList | LocalFunction | str | types.ModuleType
            ):
                raise Reject("E0102", f"a {describe(value)} cannot be computed with", "index it")
        if self.region is None:
            arrays = [
                self.array(v) if isinstance(v, np.ndarray | tuple | list) else v for v in values
            ]
            if not any(isinstance(v, Array) for v in arrays):
                return self.array_of_sizes(function, arrays)
            return self.call(function, *arrays)
        return self.pointwise(lambda *e: self.scalars.call(function, *e), values)

    def array_of_sizes(self, function: Any, values: Sequence[Any]) -> Array:
        return self.generate((), lambda: self.scalars.call(function, *values))

    def pointwise(self, body: Callable[..., Any], values: Sequence[Any]) -> Any:
        values = [self.local_value(v) for v in values]
        rows = [v for v in values if isinstance(v, Row | Array)]
        if not rows:
            return body(*values)
        sizes = self.broadcast(*(v.sizes for v in rows))
        return Row(sizes, lambda indices: body(*(self.element(v, indices) for v in values)))

    def local_value(self, value: Any) -> Any:
        """Inside a point: arrays without dimensions are numbers."""
        if isinstance(value, np.ndarray):
            value = self.at_top(lambda: self.array(value))
        if isinstance(value, Array | Row) and not value.sizes:
            return self.element(value, [])
        return value

    def at_top(self, build: Callable[[], Any]) -> Any:
        """Builds whole arrays before the region that is being written."""
        region, self.region = self.region, None
        try:
            with self.builder.inside(self.top):
                return build()
        finally:
            self.region = region

    def _get_Compare(self, node: ast.Compare) -> Any:
        left = self.expression(node.left)
        result: Any = None
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.expression(right_node)
            if isinstance(op, ast.Is | ast.IsNot):
                if not (left is None or right is None):
                    raise Reject("E0102", "`is` compares with None only")
                test: Any = (left is right) == isinstance(op, ast.Is)
            elif isinstance(op, ast.In | ast.NotIn):
                if not (is_known(left) and is_known(right)):
                    raise Reject("E0102", "`in` is for values that are known when compiling")
                test = (left in right) == isinstance(op, ast.In)
            else:
                function, python = OPERATORS[type(op).__name__]
                test = self.binary(function, python, left, right)
            result = test if result is None else self.both(result, test)
            left = right
        return result

    def both(self, a: Any, b: Any, function: Any = np.logical_and) -> Any:
        """`and` or `or` of truth values."""
        stops = function is np.logical_or
        if is_known(a):
            return a if bool(a) == stops else b
        if is_known(b):
            return b if bool(b) == stops else a
        return self.elementwise(function, a, b)

    def _get_BoolOp(self, node: ast.BoolOp) -> Any:
        function = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        stops = isinstance(node.op, ast.Or)
        result: Any = None
        for k, each in enumerate(node.values):
            if k and is_known(result):
                if bool(result) == stops:
                    return result
                result = self.expression(each)
                continue
            if not k:
                result = self.expression(each)
                continue
            if self.region is None:
                result = self.both(result, self.expression(each), function)
                continue
            # Python looks at the rest only where the first does not decide.
            first = self.truth(result)
            decide = self.scalars.logical_not(first) if stops else first
            values = self.choose(
                decide,
                lambda each=each: [self.truth(self.expression(each))],
                lambda: [self.scalars.constant(stops, bool_)],
            )
            result = values[0]
        return result

    def truth(self, value: Any) -> Scalar:
        value = self.local_value(value)
        if isinstance(value, Row | Array):
            raise Reject("E0102", "an array has no truth value", "use .any() or .all()")
        return self.scalars.cast(self.scalars.of(value), bool_)

    def condition(self, node: ast.expr) -> Any:
        """A known truth value, or inside a point a scalar."""
        value = self.expression(node)
        if is_known(value):
            return bool(value)
        if self.region is None:
            return value
        return self.truth(value)

    def _get_IfExp(self, node: ast.IfExp) -> Any:
        condition = self.condition(node.test)
        if is_known(condition):
            return self.expression(node.body if condition else node.orelse)
        if self.region is None:
            if isinstance(condition, SizeTest):
                return self.size_choice(
                    condition, self.expression(node.body), self.expression(node.orelse)
                )
            return functions.call(
                self,
                np.where,
                [condition, self.expression(node.body), self.expression(node.orelse)],
                {},
            )
        return self.choose(
            condition,
            lambda: [self.local_value(self.expression(node.body))],
            lambda: [self.local_value(self.expression(node.orelse))],
        )[0]

    def size_choice(self, test: SizeTest, a: Any, b: Any) -> Any:
        if not isinstance(a, Size | int) or not isinstance(b, Size | int):
            raise Reject("E0120", "only sizes can depend on sizes here", "use lt.where")
        if test.function == "ne":
            test, a, b = negated(test), b, a
        chosen = self.derive(test.function, test.left, test.right)
        return self.derive("select", chosen, Size.of(a), Size.of(b))

    def _get_Subscript(self, node: ast.Subscript) -> Any:
        owner = self.expression(node.value)
        index = self.expression(node.slice)
        if isinstance(owner, Array | Row | Sampler | Extended):
            items = list(index) if isinstance(index, tuple) else [index]
            if self.region is not None:
                return self.subscript_point(owner, items)
            if isinstance(owner, Sampler | Extended):
                raise Reject("E0102", f"a {describe(owner)} is read inside lt.grid")
            return functions.index(self, owner, tuple(items))
        if not is_known(index):
            if isinstance(owner, np.ndarray):
                owner = self.at_top(lambda: self.array(owner))
                items = list(index) if isinstance(index, tuple) else [index]
                return (
                    self.subscript_point(owner, items)
                    if self.region
                    else functions.index(self, owner, tuple(items))
                )
            raise Reject("E0102", f"a {describe(owner)} is indexed by known numbers")
        try:
            return owner[index]
        except (IndexError, KeyError, TypeError) as error:
            raise Reject("E0401", str(error)) from None

    # ---- calls -------------------------------------------------------------------------------

    def _get_Call(self, node: ast.Call) -> Any:
        function = self.expression(node.func)
        arguments = self._elements(node.args)
        named = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise Reject("E0102", "`**` is outside the language")
            named[keyword.arg] = self.expression(keyword.value)
        if isinstance(function, LocalFunction):
            return self.inline(function, arguments, named)
        operator = getattr(function, "__longtail_operator__", None)
        if operator is not None:
            return self.inline(operator.as_function(), arguments, named)
        return functions.call(self, function, arguments, named)

    def inline(
        self, function: LocalFunction, arguments: Sequence[Any], named: dict[str, Any]
    ) -> Any:
        """A call of a function of the language: its body in a scope of its own."""
        node = function.node
        if any(each is node for each in self._calls):
            raise Reject("E0105", f"`{function.name}` calls itself", "write a loop")
        scope = Scope(function.frame, function.scope or Scope(function.frame))
        bound = bind(node.args, function, arguments, named, self)
        scope.variables.update(bound)
        scope.variables[RETURN] = False
        outer, self.scope = self.scope, scope
        place = self.builder.place
        self._calls.append(node)
        try:
            if isinstance(node, ast.Lambda):
                return self.expression(node.body)
            self.statements(node.body)
            result = scope.variables.get(RESULT)
            if isinstance(result, Missing):
                raise Reject("E0110", f"`{function.name}` returns a value on only one path")
            return result
        finally:
            self._calls.pop()
            self.scope = outer
            self.builder.place = place


class _Poisoned(Reject):
    """What depends on a variable whose statement failed: no error of its own."""

    def __init__(self) -> None:
        super().__init__("E0111", "")


def bind(
    spec: ast.arguments,
    function: LocalFunction,
    arguments: Sequence[Any],
    named: dict[str, Any],
    code: Frontend,
) -> dict[str, Any]:
    names = [a.arg for a in (*spec.posonlyargs, *spec.args)]
    result: dict[str, Any] = {}
    if len(arguments) > len(names):
        raise Reject(
            "E0112", f"`{function.name}` takes {len(names)} arguments, {len(arguments)} are given"
        )
    result.update(zip(names, arguments, strict=False))
    for name, value in named.items():
        if name in result or name not in [*names, *(a.arg for a in spec.kwonlyargs)]:
            raise Reject("E0112", f"`{function.name}` has no argument `{name}` to give")
        result[name] = value
    defaults = dict(zip(names[len(names) - len(spec.defaults) :], spec.defaults, strict=True))
    defaults |= {
        a.arg: d for a, d in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if d is not None
    }
    for name in [*names, *(a.arg for a in spec.kwonlyargs)]:
        if name not in result:
            if name not in defaults:
                raise Reject("E0112", f"`{function.name}` needs the argument `{name}`")
            result[name] = code.expression(defaults[name])
    return result


def assigned_names(body: Sequence[ast.AST]) -> list[str]:
    """Variables that statements assign, in order."""
    found: dict[str, None] = {}
    for node in body:
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                found[each.id] = None
    return list(found)


def _has_break(body: Sequence[ast.stmt]) -> bool:
    return any(isinstance(each, ast.Break) for node in body for each in ast.walk(node))


def negated(test: SizeTest) -> SizeTest:
    if test.function in ("eq", "ne"):
        return SizeTest("ne" if test.function == "eq" else "eq", test.left, test.right)
    return SizeTest("le" if test.function == "lt" else "lt", test.right, test.left)


def _plain(value: Any) -> Any:
    """A size that is a number as that number."""
    return value.constant if isinstance(value, Size) and value.constant is not None else value


def describe(value: Any) -> str:
    if isinstance(value, Array | Row):
        return "array"
    if isinstance(value, Scalar):
        return "number"
    if is_number(value) or isinstance(value, Size):
        return "number"
    return type(value).__name__.lower()


def _keyword(node: ast.stmt) -> str:
    return ast.unparse(node).split("\n")[0].split("(")[0].split(":")[0].split(" ")[0]
