"""`@lt.op`: an operator that runs as Python, and compiled."""

from __future__ import annotations

import functools
import html
import inspect
import textwrap
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import model
from ..errors import DTypeError, InputError
from .cases import Cases
from .diagnostics import Finding, OperatorError, Reject
from .instance import Instance
from .lowering import lower
from .modes import MODES, run
from .source import Source
from .values import LocalFunction

if TYPE_CHECKING:
    from .explaining import Explanation
    from .timing import Timing

_ALL: weakref.WeakSet[Operator] = weakref.WeakSet()


class Operator:
    """A function of the language. Calling it runs machine code; `python` runs the function itself.

    An operator is compiled at its first call, once for each set of `lt.const` arguments.
    """

    def __init__(
        self, function: Callable[..., Any], name: str | None = None, threads: int | None = None
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name or function.__name__
        self.threads = threads
        self.__longtail_operator__ = self
        try:
            self.source = Source(function)
            self.signature = self._signature()
        except Reject as reject:
            raise OperatorError([reject.at(None)]) from None
        self._instances: dict[Any, Instance] = {}
        self._plain: Instance | None = None  # of an operator without constants
        self._count = len(self.signature.parameters)
        # By how a call gives its arguments: where arrays and constants are among them; and by that
        # and the constants: the instance.
        self._ways: dict[Any, tuple[list[int], list[int], tuple]] = {}
        self._known: dict[Any, Instance] = {}
        _ALL.add(self)
        # Without constants that only a call gives, all errors are told now.
        if all(p.default is not p.empty for p in self._constants().values()):
            instance = self.instance({})
            self._plain = None if self._constants() else instance

    def _signature(self) -> inspect.Signature:
        try:
            return inspect.signature(self.function, eval_str=True)
        except Exception as error:
            raise Reject(
                "E0104", f"an annotation of `{self.name}` cannot be understood: {error}"
            ) from None

    def _constants(self) -> dict[str, inspect.Parameter]:
        from .surface import const

        return {n: p for n, p in self.signature.parameters.items() if p.annotation is const}

    def as_function(self) -> LocalFunction:
        """This operator where another one calls it."""
        return LocalFunction(self.source.node, None, self.source, self.name)

    # ---- running -----------------------------------------------------------------------------

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Runs machine code on arrays (NumPy, or anything with `__dlpack__`; any strides)."""
        plain = self._plain
        if plain is not None and not named and len(arguments) == self._count:
            plain.check_globals()
            return plain.run(arguments)
        way = (len(arguments), *named)
        if way not in self._ways:
            self._ways[way] = self._way(arguments, named)
        arrays, constants, defaults = self._ways[way]
        given = (*arguments, *named.values(), *defaults)
        values = [given[k] for k in constants]
        try:
            key = (way, *values, *map(type, values))
            instance = self._known.get(key)
        except TypeError:  # a constant that is no key
            instance, key = None, None
        if instance is None:
            instance, _ = self._split(arguments, named)
            if key is not None:
                self._known[key] = instance
        else:
            instance.check_globals()
        return instance.run([given[k] for k in arrays])

    def _way(
        self, arguments: Sequence[Any], named: Mapping[str, Any]
    ) -> tuple[list[int], list[int], tuple]:
        """Positions of the arrays and of the constants among the arguments, those given by name and
        the defaults that are taken, and these defaults."""
        self._split(arguments, named)  # raises what is wrong
        places = dict(zip(self.signature.parameters, range(len(arguments)), strict=False))
        places |= {name: len(arguments) + k for k, name in enumerate(named)}
        defaults = []
        for name, parameter in self.signature.parameters.items():
            if name not in places:
                places[name] = len(arguments) + len(named) + len(defaults)
                defaults.append(parameter.default)
        order = [(name in self._constants(), places[name]) for name in self.signature.parameters]
        return (
            [k for is_constant, k in order if not is_constant],
            [k for is_constant, k in order if is_constant],
            tuple(defaults),
        )

    def python(self, *arguments: Any, **named: Any) -> Any:
        """Runs the function itself, which defines the result."""
        with np.errstate(all="ignore"):
            return self.function(*arguments, **named)

    def run(
        self, *arguments: Any, mode: str = "native", after: str = "expand", **named: Any
    ) -> Any:
        """Runs the operator in a mode: python, ir, checked or native (`longtail.language.modes`).

        In mode "ir" it is interpreted as it is after phase `after`. Raises RunError with the Python
        line for what is undefined.
        """
        return run(self, mode, after, arguments, named)

    def _split(
        self,
        arguments: Sequence[Any],
        named: Mapping[str, Any],
        checked: bool = False,
        missing: bool = False,
    ) -> tuple[Instance, list[Any]]:
        """The instance for the constants among the arguments, and the others in order. With
        `missing` these may be left out and are None."""
        bind = self.signature.bind_partial if missing else self.signature.bind
        try:
            bound = bind(*arguments, **named)
        except TypeError as error:
            raise InputError(f"operator '{self.name}': {error}") from None
        bound.apply_defaults()
        given = bound.arguments
        constants = {n: given[n] for n in self._constants() if n in given}
        arrays = [given.get(n) for n in self.signature.parameters if n not in self._constants()]
        return self.instance(constants, checked), arrays

    def instance(self, constants: Mapping[str, Any], checked: bool = False) -> Instance:
        """The operator for these values of `lt.const` arguments; raises OperatorError."""
        values = {n: constants.get(n, p.default) for n, p in self._constants().items()}
        missing = [n for n, v in values.items() if v is inspect.Parameter.empty]
        if missing:
            raise InputError(f"operator '{self.name}': constant `{missing[0]}` is not given")
        key = (checked, *((n, _frozen(v)) for n, v in values.items()))
        found = self._instances.get(key)
        if found is None:
            found = self._instances[key] = lower(self, values, checked)
        found.check_globals()
        return found

    # ---- looking -----------------------------------------------------------------------------

    def ir(self, stage: str = "expand", **constants: Any) -> str:
        """The IR after a phase of docs/data-path.md."""
        return self.instance(constants).ir(stage)

    def asm(self, **constants: Any) -> str:
        """The machine code as text."""
        return self.instance(constants).compiled(keep_code=True).assembly()

    def compile(self, **constants: Any) -> model.CompiledModel:
        """The compiled operator as a model, which can be kept: `op.compile().save("op.lt")`, or
        as a part of programs: `op.compile().embed("op.so")`."""
        return self.instance(constants).compiled()

    def to_torch(self, name: str | None = None, constants: Mapping[str, Any] | None = None) -> Any:
        """This operator as one of PyTorch: `torch.ops.namespace.operator` for the name
        "namespace::operator", which is "longtail::" and the operator's name if none is given.

        It takes CPU tensors of any strides, and numbers; `constants` are the values of its
        `lt.const` arguments. Results are tensors in the order in which they are returned, numbers
        among them of rank 0. Its meta function tells their shapes, so that `torch.compile` and
        `torch.export` take it as it is, and has the shape facts of the operator as checks. It has
        no gradient; `register_autograd` of what is returned gives it one.

        Raises InputError for a name or constant that cannot be, Error without the package torch.
        """
        from .torch_operators import register

        return register(self, name, constants or {})

    def to_onnx(self, name: str | None = None, constants: Mapping[str, Any] | None = None) -> Any:
        """This operator as an `onnx.FunctionProto` of ONNX's own operators, for models that also
        run without Longtail. `name` is "domain::name", or "longtail::" and the operator's name if
        none is given; `constants` are the values of its `lt.const` arguments.

        Its inputs are the operator's arrays, its attributes the numbers. It takes for granted what
        the operator checks: sizes that agree, asserts, indices within bounds.

        Raises OperatorError with the Python line of what ONNX cannot say: sequential loops, grids
        that are more than a map, a sum or a product, results whose size depends on data.
        """
        from .onnx_functions import to_onnx

        return to_onnx(self, name, constants or {})

    def report(self, **constants: Any) -> dict[str, Any]:
        """What the compiler did, see `CompiledModel.report`."""
        return self.compile(**constants).report()

    def explain(self, *arguments: Any, **named: Any) -> Explanation:
        """What machine code reads and writes at some sizes, by which instructions, and why it is
        slow where it is. Arguments are those of a call; arrays may be shapes, or left out."""
        from .explaining import explain

        return explain(self, arguments, named)

    def bench(
        self, *arguments: Any, seconds: float = 0.5, python: bool = False, **named: Any
    ) -> Timing:
        """How long a call takes, in rounds of `seconds` together; with `python` also how long the
        function itself does."""
        from .timing import bench

        return bench(self, arguments, named, seconds, python)

    def check(
        self,
        cases: Iterable[Any] | Cases | None = None,
        ref: Callable[..., Any] | None = None,
        rtol: float = 1e-5,
        atol: float = 1e-6,
        modes: Sequence[str] = MODES,
    ) -> int:
        """Compares all modes with the function itself, and that with `ref`, on each case.

        A case is a tuple of arguments, or a dict of them by name; without cases, or with
        `lt.cases(...)`, they are generated. Machine code also runs on arrays with other strides:
        negative ones, the first dimension innermost, and 0. Returns the number of comparisons;
        raises AssertionError that names the case and result that differ, and where machine code
        does the phase and the pass of the compiler that are at fault.
        """
        from .checking import check

        return check(self, cases, ref, rtol, atol, modes)

    def __repr__(self) -> str:
        return f"<longtail operator {self.name}{self.signature}>"

    def _repr_html_(self) -> str:
        """The source, and the loop nests that it becomes where constants do not decide them."""
        text = f"<b>longtail operator {html.escape(self.name)}</b>"
        text += f"<pre>{html.escape(textwrap.dedent(self.source.text))}</pre>"
        if all(p.default is not p.empty for p in self._constants().values()):
            text += self.explain()._repr_html_()
        return text


def op(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    threads: int | None = None,
) -> Any:
    """Makes a function an operator: `@lt.op`.

    Raises OperatorError with all findings if the function is outside the language.
    """
    if function is None:
        return lambda f: Operator(f, name, threads)
    return Operator(function, name, threads)


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return ("list", *map(_frozen, value))
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    return (type(value).__name__, value)


__all__ = ["DTypeError", "Finding", "Operator", "op"]
