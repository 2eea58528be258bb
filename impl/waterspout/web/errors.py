"""The exceptions by which a handler ends a request, and the page that tells the client about an error.

Any exception that leaves a handler ends its request: `HTTPError` with a status of its own, `Finish` with what
was written so far, all others with 500.  The page is one line of HTML, or the traceback as plain text if the
setting ``serve_traceback`` allows that.
"""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Any

from waterspout.escape import xhtml_escape
from waterspout.httputil import responses

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

#: Statuses whose responses have no content (RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5).
WITHOUT_CONTENT = frozenset((204, 205, 304))

_PAGE = "<html><title>{0}: {1}</title><body>{0}: {1}</body></html>"


class HTTPError(Exception):
    """Ends the request with ``status_code`` and the error page for it.

    ``log_message`` is for the log only, never for the client; ``args`` are put into it with ``%``.  The
    keyword ``reason`` is the reason phrase of the status line, needed for codes that have none of their own.
    Documentation: ``web.HTTPError``.
    """

    def __init__(self, status_code: int = 500, log_message: str | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.status_code = status_code
        self.reason: str | None = kwargs.get("reason")
        self.args = args
        self._message = log_message

    @property
    def log_message(self) -> str | None:
        """The message as a ``%`` format, whether or not there is anything to put into it."""
        if self._message is not None and not self.args:
            return self._message.replace("%", "%%")
        return self._message

    def get_message(self) -> str | None:
        """Return the message with its arguments in it, or None.  Documentation:
        ``web.HTTPError.get_message``."""
        if self._message is None or not self.args:
            return self._message
        try:
            return self._message % self.args
        except (TypeError, ValueError, KeyError):
            # This is for a log: a message that does not fit its arguments still says something.
            return f"{self._message} {self.args!r}"

    def __str__(self) -> str:
        message = f"HTTP {self.status_code}: {self.reason or responses.get(self.status_code, 'Unknown')}"
        details = self.get_message()
        return f"{message} ({details})" if details else message


class Finish(Exception):
    """Ends the request without an error page: what was written goes out, and ``value`` after it, if given.

    Documentation: ``web.Finish``.
    """


class MissingArgumentError(HTTPError):
    """Ends the request with 400, because the argument ``arg_name`` is missing.

    Documentation: ``web.MissingArgumentError``.
    """

    def __init__(self, arg_name: str) -> None:
        super().__init__(400, f"Missing argument {arg_name}")
        self.arg_name = arg_name


def error_page(status_code: int, reason: str) -> str:
    """Return the default error page: status and reason, in the title and in the body."""
    # A reason may hold text from the request: HTTPError(reason=...) is a popular place for it.
    return _PAGE.format(status_code, xhtml_escape(reason))


def traceback_page(exc_info: ExcInfo) -> str:
    """Return the traceback of an exception, which need not be the current one."""
    return "".join(traceback.format_exception(*exc_info))
