"""What a callback was called with, as one value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Arguments"]


class Arguments(NamedTuple):
    """The result of a callback that was called with several arguments or with keywords. Documentation:
    ``gen.Arguments``.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def single_result(receive: Callable[[Any], None]) -> Callable[..., None]:
    """Return a function of any arguments that passes one value on: its one argument, None, or an
    :class:`Arguments`.
    """

    def callback(*args: Any, **kwargs: Any) -> None:
        if kwargs or len(args) > 1:
            receive(Arguments(args, kwargs))
        else:
            receive(args[0] if args else None)

    return callback
