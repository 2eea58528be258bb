"""Bridge to asyncio: the loop classes, and conversions of futures for programs that run coroutines of both kinds.

The futures of this package are those of asyncio, so the conversions mostly return what they are given; they remain for
what other frameworks yield and asyncio cannot await.
"""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

from waterspout._selector_thread import AddThreadSelectorEventLoop, SelectorThread
from waterspout.gen import convert_yielded
from waterspout.ioloop import AsyncIOLoop, AsyncIOMainLoop, BaseAsyncIOLoop

__all__ = [
    "AddThreadSelectorEventLoop",
    "AsyncIOLoop",
    "AsyncIOMainLoop",
    "BaseAsyncIOLoop",
    "SelectorThread",
    "to_asyncio_future",
    "to_tornado_future",
]


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


def _any_thread_policy() -> type[Any]:
    """Return the class ``AnyThreadEventLoopPolicy``. Raises AttributeError where asyncio has no policies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        base: Any = asyncio.DefaultEventLoopPolicy

    class AnyThreadEventLoopPolicy(base):  # type: ignore[misc]
        """An event loop policy that makes a loop in any thread that asks for one and has none.

        Deprecated: a loop becomes current by running, with ``asyncio.run()``.
        Documentation: ``platform.asyncio.AnyThreadEventLoopPolicy``.
        """

        def __init__(self) -> None:
            super().__init__()
            warnings.warn(
                "asyncio gives up event loop policies: run a loop in each thread with asyncio.run()",
                DeprecationWarning,
                stacklevel=2,
            )

        def get_event_loop(self) -> asyncio.AbstractEventLoop:
            """Return the loop of the calling thread, which is made if there is none."""
            try:
                with warnings.catch_warnings():
                    # Python 3.12 and newer warn in the main thread before they make one.
                    warnings.simplefilter("error", DeprecationWarning)
                    loop: asyncio.AbstractEventLoop = super().get_event_loop()
            except (RuntimeError, DeprecationWarning):
                loop = self.new_event_loop()
                self.set_event_loop(loop)
            return loop

    AnyThreadEventLoopPolicy.__module__ = __name__
    AnyThreadEventLoopPolicy.__qualname__ = AnyThreadEventLoopPolicy.__name__
    return AnyThreadEventLoopPolicy


def __getattr__(name: str) -> Any:
    # Made when it is first asked for: to mention a policy warns on Pythons that are about to give them up.
    if name == "AnyThreadEventLoopPolicy":
        policy = globals()[name] = _any_thread_policy()
        return policy
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
