"""Wire cases as data, for runners in other languages.

A case is a sequence of steps; carried out against a :class:`Script` in place of a connection, it writes them down. One
step is an object with the name of a method of :class:`conformance.wire.http.Wire` under ``step``, and that method's
arguments. Octets are text in latin-1; values that stand for several are described at
:func:`conformance.wire.judging.spoken`.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from conformance import catalogue
from conformance.wire.http import Wire
from conformance.wire.judging import JSONValue, spoken


class Script:
    """Takes the steps of a case as :class:`Wire` does, and keeps them in ``steps`` as JSON."""

    def __init__(self) -> None:
        self.steps: list[dict[str, JSONValue]] = []

    def __getattr__(self, step: str) -> Callable[..., Script]:
        method = None if step.startswith("_") else getattr(Wire, step, None)
        if method is None:
            raise AttributeError(f"a wire has no step {step!r}")
        signature = inspect.signature(method)

        def keep(*positional: Any, **named: Any) -> Script:
            bound = signature.bind(self, *positional, **named)
            self.steps.append({"step": step, **_arguments(signature, bound)})
            return self

        return keep


def _arguments(signature: inspect.Signature, bound: inspect.BoundArguments) -> dict[str, JSONValue]:
    """Return the arguments by name; those that a method takes by any name stand beside the others."""
    found: dict[str, JSONValue] = {}
    for name, value in list(bound.arguments.items())[1:]:
        if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            found.update({str(key): spoken(one) for key, one in value.items()})
        else:
            found[name] = spoken(value)
    return found


def exported(ids: Callable[[str], bool]) -> Iterator[dict[str, JSONValue]]:
    """Yield every case of the HTTP wire chapters whose requirement ``ids`` accepts, as one object each."""
    for entry in catalogue.entries():
        if ids(entry.id) and "wire" in inspect.signature(entry.case).parameters:
            for params, arguments in _rows(entry.case):
                script = Script()
                entry.case(wire=script, **arguments)
                yield {
                    "id": entry.id,
                    "params": params,
                    "level": entry.requirement.level,
                    "sentence": entry.requirement.sentence,
                    "sources": [str(source) for source in entry.requirement.sources],
                    "statements": spoken(entry.requirement.statements),
                    "needs": list(entry.requirement.needs),
                    "steps": list(script.steps),
                }


def _rows(function: Callable[..., Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the label and the arguments of each way in which a case is parametrised."""
    marks = [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize"]
    dimensions = [
        [(label, {mark.args[0]: value}) for label, value in zip(mark.kwargs["ids"], mark.args[1], strict=True)]
        for mark in reversed(marks)
    ]
    for combination in itertools.product(*dimensions):
        merged = {name: value for _, arguments in combination for name, value in arguments.items()}
        yield "-".join(label for label, _ in combination), merged
