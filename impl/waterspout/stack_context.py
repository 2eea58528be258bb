"""Stack contexts under their public path; see :mod:`waterspout.legacy.stack_context`."""

from __future__ import annotations

from waterspout._stack_state import StackContextInconsistentError
from waterspout.legacy.stack_context import (
    ExceptionStackContext,
    NullContext,
    StackContext,
    run_with_stack_context,
    wrap,
)

__all__ = [
    "ExceptionStackContext",
    "NullContext",
    "StackContext",
    "StackContextInconsistentError",
    "run_with_stack_context",
    "wrap",
]
