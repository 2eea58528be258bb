"""Small tools that several layers share, and :class:`Configurable`, the base of exchangeable implementations.

Almost a leaf of the package. Documentation: ``tornado.util``.
"""

from __future__ import annotations

import asyncio
import datetime
import importlib
import inspect
import re
import sys
import warnings
import zlib
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, NoReturn, TypeVar

from waterspout._object_dict import ObjectDict

__all__ = [
    "PY3",
    "ArgReplacer",
    "Configurable",
    "GzipDecompressor",
    "ObjectDict",
    "TimeoutError",
    "b",
    "basestring_type",
    "bytes_type",
    "errno_from_exception",
    "exec_in",
    "import_object",
    "is_finalizing",
    "raise_exc_info",
    "re_unescape",
    "timedelta_to_seconds",
    "u",
    "unicode_type",
]

bytes_type = bytes
unicode_type = str
basestring_type = str

#: What every wait of the framework raises when its time is over: asyncio's own, which is the builtin from Python
#: 3.11 on.
TimeoutError = asyncio.TimeoutError

#: zlib's window-bits value that means "expect a gzip wrapper": the largest window plus 16.
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS

_GZIP_BLOCK = 16 * 1024

_ConfigurableType = TypeVar("_ConfigurableType", bound="Configurable")


class GzipDecompressor:
    """Streaming decompressor of the gzip format (RFC 1952), with a bound on the output of each call.

    Several members one after the other unpack to one stream (RFC 1952 section 2.2); zeros between or after
    them are padding. Documentation: ``util.GzipDecompressor``.
    """

    def __init__(self) -> None:
        self.decompressobj = zlib.decompressobj(_GZIP_WINDOW_BITS)
        self._tail = b""
        self._begun = False

    def decompress(self, value: bytes, max_length: int = 0) -> bytes:
        """Decompress a chunk and return what came out, at most ``max_length`` bytes of it (0: no bound).

        What did not fit stays in :attr:`unconsumed_tail`; pass it to the next call. Raises :exc:`zlib.error`
        when the data is not gzip. Leaving ``max_length`` out is deprecated: a small input can unpack to
        gigabytes.
        """
        if max_length == 0:
            warnings.warn(
                "give GzipDecompressor.decompress a max_length: else a small input may fill the memory",
                DeprecationWarning,
                stacklevel=2,
            )
        self._begun = self._begun or bool(value)
        pieces = []
        room = max_length  # 0 means without bound to zlib, too
        position = 0
        while position < len(value):
            # In blocks, because zlib copies all that follows a member, and a hostile chunk is nothing but
            # members.
            block = value[position : position + _GZIP_BLOCK]
            if self.decompressobj.eof:
                member = block.lstrip(b"\0")
                position += len(block) - len(member)
                if not member:
                    continue
                block = member
                self.decompressobj = zlib.decompressobj(_GZIP_WINDOW_BITS)
            piece = self.decompressobj.decompress(block, room)
            position += len(block) - len(self.decompressobj.unconsumed_tail) - len(self.decompressobj.unused_data)
            pieces.append(piece)
            if max_length:
                room -= len(piece)
                if room == 0:
                    break
        self._tail = value[position:]
        return b"".join(pieces)

    @property
    def unconsumed_tail(self) -> bytes:
        """The input that the last :meth:`decompress` left over because its output was full."""
        return self._tail

    def flush(self) -> bytes:
        """End the stream and return what is still buffered.

        Raises :exc:`zlib.error` if the input stopped early; no input at all is an empty stream.
        """
        rest = self.decompressobj.flush()
        if self._begun and not self.decompressobj.eof:
            raise zlib.error("gzip stream ends before its end marker")
        return rest


def import_object(name: str) -> Any:
    """Return the module, class, function or value that a dotted name stands for.

    Raises :exc:`ImportError` when the module or the name in it does not exist. Documentation:
    ``util.import_object``.
    """
    module_name, dot, attribute = name.rpartition(".")
    if not dot:
        return importlib.import_module(name)
    module = importlib.import_module(module_name)
    if hasattr(module, attribute):
        return getattr(module, attribute)
    try:
        # A submodule that nobody has imported yet is no attribute of its package.
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ImportError(f"{module_name!r} has no attribute or submodule {attribute!r}") from None


def exec_in(code: Any, glob: dict[str, Any], loc: Mapping[str, Any] | None = None) -> None:
    """Execute source text or a code object with the given global and local names."""
    # dont_inherit: the executed text must not see this module's __future__ imports.
    runnable = compile(code, "<string>", "exec", dont_inherit=True) if isinstance(code, str) else code
    exec(runnable, glob, loc)


def raise_exc_info(exc_info: tuple[type | None, BaseException | None, TracebackType | None]) -> NoReturn:
    """Raise the exception of a ``sys.exc_info()`` triple again, with its traceback; TypeError if there is
    none.
    """
    _, error, traceback = exc_info
    if error is None:
        raise TypeError("raise_exc_info needs the triple of an exception, got one without")
    try:
        raise error.with_traceback(traceback)
    finally:
        # The traceback refers to this frame and the frame to the exception: break the cycle.
        exc_info = (None, None, None)
        error = traceback = None


def errno_from_exception(e: BaseException) -> int | None:
    """Return the error number of an exception, else its first argument if that is a number, else None."""
    number = getattr(e, "errno", None)
    if number is None and e.args:
        number = e.args[0]
    return number if isinstance(number, int) else None


_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def _unescaped(match: re.Match[str]) -> str:
    char = match.group(1)
    if char.isascii() and char.isalnum():
        raise ValueError(f"\\{char} stands for a class of characters, so it has no text form")
    return char


def re_unescape(s: str) -> str:
    """Turn the output of :func:`re.escape` back into the text it came from.

    Raises :exc:`ValueError` for escapes that ``re.escape`` never makes, such as ``\\d``.
    """
    return _ESCAPED.sub(_unescaped, s)


def timedelta_to_seconds(td: datetime.timedelta) -> float:
    """Return a time span as a number of seconds."""
    return td.total_seconds()


# From the years when one program ran on Python 2 and 3.
PY3 = True
is_finalizing = sys.is_finalizing


def u(s: str) -> str:
    """Return the text itself; on Python 2 it came with escapes. Write the literal instead."""
    return s


def b(s: str) -> bytes:
    """Return the text as bytes of latin-1. Write ``b"..."`` instead."""
    return s.encode("latin-1")


class Configurable:
    """Base of interfaces whose constructor makes an instance of a configured implementation.

    The interface names itself in :meth:`configurable_base` and its default implementation in
    :meth:`configurable_default`; :meth:`configure` chooses another one for the whole process. Constructing
    the interface constructs the implementation; constructing a subclass by its own name is never redirected.
    Subclasses take their arguments in :meth:`initialize`, not in ``__init__``. Documentation:
    ``util.Configurable``.
    """

    # Both are kept on the configurable base, so that each interface has its own choice.
    _chosen_class: type[Configurable] | None = None
    _chosen_kwargs: dict[str, Any] | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        base = cls.configurable_base()
        if cls is base:
            implementation = cls.configured_class()
            kwargs = {**(base._chosen_kwargs or {}), **kwargs}
        else:
            implementation = cls
        if implementation is not cls and implementation.configurable_base() is not base:
            # The implementation is an interface of its own, with its own choice.
            return implementation(*args, **kwargs)
        instance = super().__new__(implementation)
        # Not __init__: Python would call that a second time, without the configured arguments.
        instance.initialize(*args, **kwargs)
        return instance

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """Return the class that stands for the interface. Hook."""
        raise NotImplementedError(f"{cls.__name__} must define configurable_base()")

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """Return the implementation to use when none is configured. Hook."""
        raise NotImplementedError(f"{cls.__name__} must define configurable_default()")

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Take the constructor's arguments and the configured keyword arguments. Hook."""

    @classmethod
    def configure(cls, impl: str | type[Configurable] | None, **kwargs: Any) -> None:
        """Choose the implementation, as a class or a dotted name, and keyword arguments for each
        construction.

        ``None`` goes back to the default implementation. Raises :exc:`ValueError` when the class does not
        implement the interface, :exc:`ImportError` when the name leads nowhere.
        """
        base = cls.configurable_base()
        chosen = import_object(impl) if isinstance(impl, str) else impl
        if chosen is not None and not (isinstance(chosen, type) and issubclass(chosen, base)):
            raise ValueError(f"{chosen!r} is not a subclass of {base.__name__}, so it cannot stand in for it")
        base._chosen_class = chosen
        base._chosen_kwargs = kwargs

    @classmethod
    def configured_class(cls) -> type[Configurable]:
        """Return the implementation that constructing the interface would use now."""
        base = cls.configurable_base()
        # Read from the base's own namespace: an interface below another one must not inherit its choice.
        if base.__dict__.get("_chosen_class") is None:
            base._chosen_class = base.configurable_default()
        chosen = base._chosen_class
        assert chosen is not None
        return chosen


class ArgReplacer:
    """Reads or replaces one argument, by name, in the positional or keyword arguments of a call to ``func``.

    Meant for decorators. Documentation: ``util.ArgReplacer``.
    """

    def __init__(self, func: Callable[..., Any], name: str) -> None:
        self.name = name
        positional = inspect.getfullargspec(func).args
        self.arg_pos = positional.index(name) if name in positional else None

    def get_old_value(self, args: Sequence[Any], kwargs: dict[str, Any], default: Any = None) -> Any:
        """Return the argument's value in this call, or ``default`` when the call does not give it."""
        if self.arg_pos is not None and self.arg_pos < len(args):
            return args[self.arg_pos]
        return kwargs.get(self.name, default)

    def replace(
        self, new_value: Any, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> tuple[Any, Sequence[Any], dict[str, Any]]:
        """Return the old value (None if not given) and the arguments with the new one in its place.

        ``args`` is copied when it changes; ``kwargs`` is changed where it stands.
        """
        old_value = self.get_old_value(args, kwargs)
        if self.arg_pos is not None and self.arg_pos < len(args):
            args = [*args[: self.arg_pos], new_value, *args[self.arg_pos + 1 :]]
        else:
            kwargs[self.name] = new_value
        return old_value, args, kwargs
