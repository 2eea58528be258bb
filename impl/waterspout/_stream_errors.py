"""What goes wrong with streams."""

from __future__ import annotations


class StreamClosedError(OSError):
    """The stream is closed; ``real_error`` is the error that closed it, or None if it ended without one.

    Documentation: ``iostream.StreamClosedError``.
    """

    def __init__(self, real_error: BaseException | None = None) -> None:
        because = "" if real_error is None else f": {real_error}"
        super().__init__(f"the stream is closed{because}")
        self.real_error = real_error
        self.__cause__ = real_error


class UnsatisfiableReadError(Exception):
    """A read cannot find what it waits for within its limit.

    It is the ``real_error`` of the :exc:`StreamClosedError` that the read raises.
    Documentation: ``iostream.UnsatisfiableReadError``.
    """


class StreamBufferFullError(Exception):
    """More bytes would wait in a stream's buffer than it may hold.

    Documentation: ``iostream.StreamBufferFullError``.
    """
