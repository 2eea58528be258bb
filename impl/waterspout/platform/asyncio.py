"""Bridge to asyncio: the loop classes, and conversions of futures for programs that run coroutines of both kinds.

The futures of this package are those of asyncio, so the conversions mostly return what they are given; they remain for
what other frameworks yield and asyncio cannot await.
"""

from __future__ import annotations

import asyncio
from typing import Any

from waterspout.gen import convert_yielded
from waterspout.ioloop import AsyncIOLoop, AsyncIOMainLoop, BaseAsyncIOLoop

__all__ = ["AsyncIOLoop", "AsyncIOMainLoop", "BaseAsyncIOLoop", "to_asyncio_future", "to_tornado_future"]


def to_asyncio_future(tornado_future: Any) -> asyncio.Future[Any]:
    """Return a future that coroutines of asyncio can await, for anything that ``gen.coroutine`` functions may yield.

    Raises `gen.BadYieldError` for what nobody can wait for. Documentation: ``platform.asyncio.to_asyncio_future``.
    """
    future: asyncio.Future[Any] = convert_yielded(tornado_future)
    return future


def to_tornado_future(asyncio_future: Any) -> asyncio.Future[Any]:
    """Return a future for what asyncio can await; coroutines start to run.

    Documentation: ``platform.asyncio.to_tornado_future``.
    """
    future: asyncio.Future[Any] = convert_yielded(asyncio_future)
    return future
