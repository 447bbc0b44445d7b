"""The operator language: `@lt.op` on a plain Python function, see docs/operator-language.md."""

from .cases import cases
from .diagnostics import CODES, Finding, OperatorError
from .operators import Operator, op

__all__ = ["CODES", "Finding", "Operator", "OperatorError", "cases", "op"]
