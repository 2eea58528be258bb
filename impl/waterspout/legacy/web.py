"""What handlers were made of before coroutines: a method that returns, and callbacks that answer later.

Documentation: ``web.asynchronous`` of releases 1.0 to 5.1, ``web.RequestHandler.async_callback`` of 1.0 to 3.2.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any

from waterspout.legacy.stack_context import ErrorContext
from waterspout.web.lifecycle import FAILURES, fail

Method = Callable[..., Any]


def asynchronous(method: Method) -> Method:
    """Decorate a method whose answer ends when `RequestHandler.finish` is called, not when the method returns.

    Of use for methods with callbacks.  A coroutine, whose end is the answer's, needs no decorator, and is not changed
    by it; one of ``gen.engine``, whose end nobody learns of, does need it.  An exception of a callback that the method
    gave to the loop ends the answer with the error page, as one of the method does.
    """

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._auto_finish = False
        with ErrorContext(functools.partial(_end, self)):
            return method(self, *args, **kwargs)

    return wrapper


def async_callback(handler: Any, callback: Method | None, *args: Any, **kwargs: Any) -> Method | None:
    """Return ``callback`` with ``args`` bound, such that its exceptions end the request of ``handler``.

    None stays None.
    """
    if callback is None:
        return None
    bound = functools.partial(callback, *args, **kwargs)

    def guarded(*more: Any, **named: Any) -> Any:
        try:
            return bound(*more, **named)
        except FAILURES as error:
            fail(handler, error)

    return guarded


def _end(handler: Any, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> bool:
    if not isinstance(error, FAILURES):
        return False
    fail(handler, error)
    return True
