"""What the saboteurs of the web chapters have in common: ways to lie through the public names of ``web``.

Handlers under test are subclasses made by the case, so a lie about a hook has to reach them either as classes
(:func:`every_class`) or as objects (:func:`every_handler`).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


def every_handler(ref: Patches, change: Callable[[Any], None]) -> None:
    """Let ``change`` alter every handler object as soon as it was made."""
    original = ref.web.RequestHandler.__init__

    @functools.wraps(original)
    def init(self: Any, application: Any, request: Any, **kwargs: Any) -> None:
        original(self, application, request, **kwargs)
        change(self)

    ref.replace(ref.web.RequestHandler, "__init__", init)


def every_class(ref: Patches, change: Callable[[type], None]) -> None:
    """Let ``change`` alter every handler class that is defined from now on."""

    def init_subclass(cls: type, /, **kwargs: Any) -> None:
        change(cls)

    ref.replace(ref.web.RequestHandler, "__init_subclass__", classmethod(init_subclass))


def every_application(ref: Patches, change: Callable[[list[Any], dict[str, Any]], None]) -> None:
    """Let ``change`` alter the routes and settings of every application before it is made."""
    original = ref.web.Application.__init__

    @functools.wraps(original)
    def init(self: Any, handlers: Any = None, *args: Any, **settings: Any) -> None:
        routes = list(handlers or [])
        change(routes, settings)
        original(self, routes, *args, **settings)

    ref.replace(ref.web.Application, "__init__", init)


def around(ref: Patches, owner: Any, name: str, lie: Callable[..., Any]) -> None:
    """Answer calls of ``owner.name`` with ``lie(original, self, *arguments)``."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def lying(self: Any, *args: Any, **kwargs: Any) -> Any:
        return lie(original, self, *args, **kwargs)

    ref.replace(owner, name, lying)


def wrap(handler: Any, names: tuple[str, ...] | str, wrapper: Callable[[Callable[..., Any]], Any]) -> None:
    """Put ``wrapper(bound method)`` in the place of the methods ``names`` of one handler."""
    for name in (names,) if isinstance(names, str) else names:
        setattr(handler, name, wrapper(getattr(handler, name)))


def before(act: Callable[[], Any]) -> Callable[[Callable[..., Any]], Any]:
    """Return a wrapper that calls ``act()`` before the method."""

    def wrapper(method: Callable[..., Any]) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            act()
            return method(*args, **kwargs)

        return call

    return wrapper


def after(act: Callable[[], Any]) -> Callable[[Callable[..., Any]], Any]:
    """Return a wrapper that calls ``act()`` after the method, a coroutine's end included."""

    def wrapper(method: Callable[..., Any]) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = method(*args, **kwargs)
            if not inspect.isawaitable(result):
                act()
                return result

            async def wait() -> Any:
                value = await result
                act()
                return value

            return wait()

        return call

    return wrapper


def catching(kind: Any, handle: Callable[[Any], Any]) -> Callable[[Callable[..., Any]], Any]:
    """Return a wrapper that gives exceptions of ``kind``, of a coroutine too, to ``handle``."""

    def wrapper(method: Callable[..., Any]) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                result = method(*args, **kwargs)
            except kind as error:
                return handle(error)
            return wait(result) if inspect.isawaitable(result) else result

        async def wait(result: Any) -> Any:
            try:
                return await result
            except kind as error:
                return handle(error)

        return call

    return wrapper


def nothing(*args: Any, **kwargs: Any) -> None:
    """Do nothing."""
