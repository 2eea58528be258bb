"""The ``callback`` and ``streaming_callback`` arguments that reads and writes of streams once had.

The methods themselves return futures and know nothing of callbacks.  A callback is recognised by its name or by being a
function among the positional arguments, wherever it stood.  It is called in a later turn of the loop, and not at all
when the operation fails: then the stream has closed, of which its close callback tells.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from waterspout._stream_errors import StreamClosedError
from waterspout.concurrent import Future
from waterspout.gen import convert_yielded

_P = ParamSpec("_P")
_T = TypeVar("_T")


def callback_argument(method: Callable[_P, Future[_T]]) -> Callable[_P, Future[_T]]:
    """Decorate a method of a stream so that it takes callbacks, which get its result."""
    return _with_callbacks(method, lambda result: (result,))


def completion_argument(method: Callable[_P, Future[_T]]) -> Callable[_P, Future[_T]]:
    """Decorate a method of a stream so that it takes a callback, which gets nothing."""
    return _with_callbacks(method, lambda result: ())


def _with_callbacks(
    method: Callable[_P, Future[_T]], arguments: Callable[[_T], tuple[Any, ...]]
) -> Callable[_P, Future[_T]]:
    @functools.wraps(method)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        if kwargs or any(map(callable, args[1:])):
            return _call(method, arguments, args, kwargs)
        return method(*args)  # type: ignore[call-arg]  # there are no others

    return call


def _call(
    method: Callable[..., Future[_T]],
    arguments: Callable[[_T], tuple[Any, ...]],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Future[_T]:
    stream = args[0]
    functions = [arg for arg in args[1:] if callable(arg)]
    others = [arg for arg in args if arg is stream or not callable(arg)]
    callback = kwargs.pop("callback", None) or (functions.pop(0) if functions else None)
    piece = kwargs.pop("streaming_callback", None) or (functions.pop(0) if functions else None)
    if piece is None:
        future = method(*others, **kwargs)
    else:
        size = kwargs.get("num_bytes", others[1] if len(others) > 1 else None)
        future = convert_yielded(_in_pieces(stream, size, piece))
    if callback is not None:
        future.add_done_callback(functools.partial(_call_back, stream, callback, arguments))
    return future


def _call_back(
    stream: Any, callback: Callable[..., Any], arguments: Callable[[_T], tuple[Any, ...]], future: Future[_T]
) -> None:
    if not future.cancelled() and future.exception() is None:
        stream.io_loop.add_callback(callback, *arguments(future.result()))


async def _in_pieces(stream: Any, size: int | None, piece: Callable[[bytes], Any]) -> bytes:
    """Call ``piece`` with what comes, up to ``size`` bytes or up to the end; the result is an empty rest."""
    while size is None or size > 0:
        most = stream.read_chunk_size if size is None else min(size, stream.read_chunk_size)
        try:
            data = await stream.read_bytes(most, partial=True)
        except StreamClosedError as closed:
            if size is None and closed.real_error is None:
                break
            raise
        if size is not None:
            size -= len(data)
        piece(data)
    return b""
