"""What goes wrong with streams: the error by which everything that writes to a connection says that it is gone."""

from __future__ import annotations

__all__ = ["StreamClosedError"]


class StreamClosedError(OSError):
    """The connection was closed; ``real_error`` is the error that closed it, if there was one.

    Documentation: ``iostream.StreamClosedError``.
    """

    def __init__(self, real_error: BaseException | None = None) -> None:
        super().__init__("the connection is closed")
        self.real_error = real_error
