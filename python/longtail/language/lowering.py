"""From a function and its constants to IR: arguments, facts about their sizes, results."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from . import functions
from .diagnostics import OperatorError, Reject
from .dtypes import Annotation, DType, bool_, f64, i64
from .frontend import Frontend
from .instance import Instance
from .ir import Block, Op
from .shapes import OfArgument
from .sizes import Size
from .values import Array, is_known

_MAX_SIZE = 2147483647


def lower(operator: Any, constants: dict[str, Any], checked: bool = False) -> Instance:
    """Builds the IR of an operator. Raises OperatorError with everything that is wrong."""
    source = operator.source
    source.used = {}
    code = Frontend(source)
    code.checked = checked
    arguments: list[tuple[str, Array]] = []
    try:
        _declare(code, operator, constants, arguments)
    except Reject as reject:
        code.record(reject, source.node)
    if not code.findings:
        code.statements(source.node.body)
    results = None
    outputs: list[Array] = []
    if not code.findings:
        try:
            results = _results(code, code.returned, outputs)
            code.shapes.results = list(outputs)
            outputs.extend(code.facts_of_data)  # nobody sees them, but they must hold
        except Reject as reject:
            code.record(reject, _return_of(source.node))
    if code.findings:
        raise OperatorError(
            sorted(
                code.findings, key=lambda f: (f.place.line, f.place.column) if f.place else (0, 0)
            )
        )
    used = {n: v for n, v in source.used.items() if n in source.function.__globals__}
    return Instance(
        operator.name,
        _module(code, operator.name, arguments, outputs),
        used,
        source,
        results,
        operator.threads,
        [(name, array.dtype.dtype) for name, array in arguments],
        code.shapes,
        not isinstance(code.returned, tuple | list) and len(outputs) == 1 and not outputs[0].weak,
        (code.top, arguments, outputs),
    )


def _return_of(node: ast.FunctionDef) -> ast.AST:
    return next((n for n in reversed(node.body) if isinstance(n, ast.Return)), node)


def _declare(
    code: Frontend,
    operator: Any,
    constants: dict[str, Any],
    arguments: list[tuple[str, Array]],
) -> None:
    """Arguments: symbols for the dimensions, in the order in which names first occur."""
    names: dict[str, Size] = {}
    waiting: list[tuple[Any, int, int, str]] = []
    shapes: dict[str, list[Any]] = {}
    number = 0
    nodes = {a.arg: a for a in (*code.source.node.args.args, *code.source.node.args.kwonlyargs)}
    for name, parameter in operator.signature.parameters.items():
        node = nodes.get(name, code.source.node)
        if name in constants:
            code.scope.variables[name] = constants[name]
            continue
        annotation = parameter.annotation
        if annotation in (int, float, bool):
            dtype = {int: i64, float: f64, bool: bool_}[annotation]
            array = Array(f"%arg{number}", dtype, (), weak=True, argument=name)
            code.scope.variables[name] = array
            arguments.append((name, array))
            number += 1
            continue
        if isinstance(annotation, DType):
            annotation = Annotation(annotation, "")
        if not isinstance(annotation, Annotation):
            raise Reject(
                "E0104",
                f"the argument `{name}` has no annotation of the language",
                f'annotate it: `{name}: f32["N C"]`, `{name}: lt.const`, `{name}: float`',
                code.place_of(node),
            )
        dims: list[Any] = []
        for k, text in enumerate(annotation.dims):
            text, _, bound = text.partition("<=")
            if text.isdigit():
                dims.append(Size.of(int(text)))
                symbol = _symbol(code, text, number, k)
                _check_dim(code, operator, symbol, dims[-1], name, k, text)
            elif text.isidentifier():
                known = names.get(text)
                if known is None and isinstance(constants.get(text), int):
                    known = Size.of(constants[text])
                    names[text] = known
                if known is None:
                    names[text] = _symbol(code, text, number, k)
                    dims.append(names[text])
                    code.labels[str(names[text])] = text
                else:
                    dims.append(known)
                    _check_dim(code, operator, _symbol(code, text, number, k), known, name, k, text)
                if bound:
                    waiting.append((None, number, k, f"{text}<={bound}"))
            else:
                dims.append(None)
                waiting.append((dims, number, k, text))
        shapes[name] = dims
        array = Array(f"%arg{number}", annotation.dtype, (), argument=name)
        code.scope.variables[name] = array
        arguments.append((name, array))
        number += 1
    for dims, at, k, text in waiting:
        name = arguments[at][0]
        place = code.place_of(nodes.get(name, code.source.node))
        left, _, bound = text.partition("<=")
        known = {**constants, **names}
        if dims is not None and (solved := _solve(code, operator, left, known, name, at, k, place)):
            dims[k] = solved
            names.update({n: v for n, v in known.items() if n not in constants})
            continue
        value = _dimension(code, bound or left, known, place)
        if dims is None:
            code.check(
                "le",
                names[left],
                value,
                f"argument '{name}' of '{operator.name}': {text} does not hold",
            )
            continue
        dims[k] = value
        _check_dim(code, operator, _symbol(code, text, at, k), value, name, k, text)
    for name, dims in shapes.items():
        code.scope.variables[name].sizes = tuple(dims)
    code.shapes.arguments = [array for _, array in arguments]
    if code.checked:
        _check_indices(code, operator, {**constants, **names}, nodes)


def _check_indices(
    code: Frontend, operator: Any, known: dict[str, Any], nodes: dict[str, Any]
) -> None:
    """Mode "checked": elements of `idx["V"]` name elements of V."""
    from . import prelude

    for name, parameter in operator.signature.parameters.items():
        below = getattr(parameter.annotation, "below", None)
        if below is None:
            continue
        place = code.builder.place = code.place_of(nodes[name])
        limit = _dimension(code, below, known, place)
        array = code.scope.variables[name]
        flat = functions.call(code, np.reshape, [array, (-1,)], {})
        # The copy holds what has been checked; the argument itself is not read any more.
        checked = prelude.lower(code, "checked_indices", [flat, limit], {})
        code.scope.variables[name] = functions.call(code, np.reshape, [checked, array.sizes], {})


def _symbol(code: Frontend, name: str, argument: int, dim: int) -> Size:
    number = code.symbols
    size = code.new_symbol()
    with code.builder.inside(code.top):
        code.builder.add(
            f'extent.symbol {number} "{name}" = input {argument} dim {dim} max {_MAX_SIZE}'
        )
        code.shapes.facts.append(OfArgument(str(size), argument, dim))
    return size


def _check_dim(
    code: Frontend, operator: Any, symbol: Size, value: Size, name: str, k: int, text: str
) -> None:
    message = f"argument '{name}' of operator '{operator.name}': dimension {k} is not {text}"
    if value.constant is not None and not text.isdigit():
        message += f" = {value}"
    code.check("eq", symbol, value, message, "E0301")


def _solve(
    code: Frontend,
    operator: Any,
    text: str,
    known: dict[str, Any],
    name: str,
    at: int,
    k: int,
    place: Any,
) -> Size | None:
    """`B+1` with an unknown `B`: the size of the dimension tells it."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
    unknown = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id not in known}
    if len(unknown) != 1:
        return None
    (missing,) = unknown
    value = _dimension(code, text, {**known, missing: Size.atom("u")}, place)
    slope = value.terms.get(("u",))
    if not slope or slope < 0 or "u" in (value - Size.atom("u") * slope).names():
        return None
    size = _symbol(code, text, at, k)
    rest = size - (value - Size.atom("u") * slope)
    message = f"argument '{name}' of operator '{operator.name}': dimension {k} is not {text}"
    code.check("le", Size.of(0), rest, message)
    if slope > 1:
        code.check("eq", code.facts.mod(rest, Size.of(slope)), Size.of(0), message)
    known[missing] = code.facts.floordiv(rest, Size.of(slope))
    code.labels[str(size)] = text
    return size


def _dimension(code: Frontend, text: str, names: dict[str, Any], place: Any) -> Size:
    saved = code.scope.variables
    try:
        code.scope.variables = dict(names)
        value = code.expression(ast.parse(text, mode="eval").body)
    except (SyntaxError, Reject):
        raise Reject(
            "E0104",
            f"the dimension `{text}` cannot be understood",
            "use names of other dimensions and constants",
            place,
        ) from None
    finally:
        code.scope.variables = saved
    return Size.of(value)


def _results(code: Frontend, value: Any, outputs: list[Array]) -> Any:
    """Collects the arrays of what is returned; gives what puts results in their places."""
    if value is None:
        raise Reject("E0101", "the operator returns nothing", "return the arrays that it computes")
    if isinstance(value, tuple | list):
        parts = [_results(code, each, outputs) for each in value]
        return lambda found: tuple(part(found) for part in parts)
    if is_known(value) and not isinstance(value, int | float | bool | np.generic | np.ndarray):
        raise Reject("E0102", f"a {type(value).__name__} cannot be returned")
    array = value if isinstance(value, Array) else code.array(value)
    at = len(outputs)
    if array.argument or any(array.name == each.name for each in outputs):
        # A result has memory of its own.
        array = code.map([Array(array.name, array.dtype, array.sizes)], lambda x: x)
    outputs.append(array)
    if array.weak:
        return lambda found: found[at].item()
    return lambda found: found[at]


def _module(code: Frontend, name: str, arguments: Any, outputs: list[Array]) -> str:
    inputs = ", ".join(f'{a.name}: {a.type} {{graph.name = "{n}"}}' for n, a in arguments)
    results = ", ".join(f'{a.type} {{graph.name = "out{k}"}}' for k, a in enumerate(outputs))
    body: Block = code.top
    place = code.place_of(code.source.node)
    body.ops.append(
        Op([f"return {', '.join(a.name for a in outputs)} : {', '.join(a.type for a in outputs)}"])
    )
    lines = [f'func.func @main({inputs}) -> ({results}) attributes {{graph.name = "{name}"}} {{']
    for op in body.ops:
        lines.extend(op.lines("  "))
    lines.append("}" + (f" {place.mlir()}" if place else ""))
    return "module {\n" + "\n".join(lines) + "\n}\n"
