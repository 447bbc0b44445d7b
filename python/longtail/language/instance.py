"""One operator for given constants: its arguments, its IR and its machine code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import knobs, model
from ..arrays import to_numpy
from ..errors import CompileError, Error
from ..interpretation import interpret
from . import cache
from .diagnostics import OperatorError, Reject
from .ir import Block
from .shapes import Shapes
from .values import Array

_NUMBERS = {int, float}


def _as_array(value: Any, dtype: np.dtype) -> Any:
    """A Python number as an array of its own kind; what else it may be is looked at by the call."""
    wanted = {int: "i", float: "f"}.get(type(value))
    if wanted != dtype.kind or dtype.itemsize < 8:
        return value
    try:
        return np.array(value, dtype)
    except OverflowError:
        return value


# The operations that an instance's text prints, the arguments by name and the results.
Program = tuple[Block, list[tuple[str, Array]], list[Array]]


class Instance:
    def __init__(
        self,
        name: str,
        text: str,
        globals_: dict[str, Any],
        source: Any,
        results: Any,
        threads: Any,
        inputs: list[tuple[str, np.dtype]],
        shapes: Shapes,
        is_one_array: bool,
        program: Program,
    ) -> None:
        self.name, self.text, self.threads = name, text, threads
        self.inputs, self.shapes = inputs, shapes
        self.program = program
        self._takes_numbers = any(array.rank == 0 for _, array in program[1])
        self._modules: dict[str, str] = {}
        self._source = source
        self._globals = list(globals_.items())
        self._namespace = source.function.__globals__
        self._results = results
        self._is_one_array = is_one_array
        self._model: model.CompiledModel | None = None
        self._runnable: model.CompiledModel | None = None  # of the cache

    def check_globals(self) -> None:
        """A global that the operator was compiled with must still be what it was."""
        known = self._namespace.get
        for name, value in self._globals:
            if known(name, value) is not value:
                message = (
                    f"the global `{name}` of operator '{self.name}' changed after it was compiled"
                )
                raise OperatorError(
                    [
                        Reject(
                            "E0106",
                            message,
                            "pass it as an argument (`lt.const` if it is a constant)",
                        ).at(None)
                    ]
                )

    def compiled(self, **options: Any) -> model.CompiledModel:
        if options:
            return model.compile(
                self.text.encode(), threads=self.threads, **{"from": "expand"}, **options
            )
        if self._model is None:
            try:
                self._model = model.compile(
                    self.text.encode(), threads=self.threads, **{"from": "expand"}
                )
            except CompileError as error:
                raise CompileError(
                    [f"operator '{self.name}': {d}" for d in error.diagnostics]
                ) from None
        return self._model

    def runnable(self) -> model.CompiledModel:
        """What calls run: machine code from the cache, or compiled and kept there."""
        if self._runnable is None and self._model is None:
            entry = cache.entry_of(self.text, self.threads)
            self._runnable = cache.read(entry, self.threads) if entry else None
            if self._runnable is None and entry:
                cache.write(entry, self.compiled())
        return self._runnable or self.compiled()

    def ir(self, stage: str) -> str:
        stages = self.compiled(keep_stages=True).stages()
        if stage not in stages:
            raise Error(f"there is no stage '{stage}': {', '.join(stages)}")
        return stages[stage]

    def module(self, phase: str) -> str:
        """The IR after a phase up to `schedule`, with the places of its operations."""
        if not self._modules:
            self._modules = self._texts("expand", "schedule", self.text, keep_stages=True)
        return self._modules[phase]

    def passes(self, before: str, phase: str) -> list[tuple[str, str]]:
        """(name, IR) after each pass of a phase that changes the IR after phase `before`."""
        texts = self._texts(phase, phase, self.module(before), keep_passes=True)
        return list(texts.items())

    def _texts(self, first: str, last: str, text: str, **keep: bool) -> dict[str, str]:
        from .. import _compiler

        options = {"from": first, "to": last, "keep_places": True, "keep_weights": True, **keep}
        options |= {"target": knobs.TARGET.get(None), "threads": 1}
        return dict(_compiler.compile(text.encode(), options, None).stages())

    def interpret(self, arguments: Sequence[Any], phase: str) -> Any:
        """Runs the IR after a phase by the interpreter."""
        return self.interpret_text(self.module(phase), arguments)

    def interpret_text(self, text: str, arguments: Sequence[Any]) -> Any:
        arrays = [
            to_numpy(value, name, dtype)
            for value, (name, dtype) in zip(arguments, self.inputs, strict=True)
        ]
        return self._results(interpret(text, arrays))

    def run(self, arguments: Sequence[Any]) -> Any:
        if self._takes_numbers and not _NUMBERS.isdisjoint(map(type, arguments)):
            arguments = [
                _as_array(value, dtype)
                for value, (_, dtype) in zip(arguments, self.inputs, strict=True)
            ]
        found = (self._runnable or self._model or self.runnable())(*arguments)
        if self._is_one_array:
            return found
        results = [found] if isinstance(found, np.ndarray) else list(found)
        return self._results(results)
