"""What an access log says about a request, in fields, and an id by which all that is logged of a request is found.

Released Tornado leaves both to applications.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from waterspout._loggers import app_log

if TYPE_CHECKING:
    from waterspout.web.handler import RequestHandler

#: The id of the request that is handled in this context; None outside of one, and without `RequestIds`.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

# What others may choose goes into logs: one short word.
_FOREIGN_ID = re.compile(r"[A-Za-z0-9._~+/=-]{1,128}")


@dataclass(frozen=True)
class AccessRecord:
    """One request that is answered.  Text comes from the client as it was sent; None is for a field that was not."""

    method: str
    uri: str
    version: str
    host: str
    protocol: str
    remote_ip: str
    user_agent: str | None
    referer: str | None
    request_id: str | None
    #: The name of the handler's class.
    handler: str
    status: int
    #: From the head of the request to the end of the answer.
    seconds: float


def access_records(receive: Callable[[AccessRecord], None]) -> Callable[[RequestHandler], None]:
    """Return a function for the setting ``log_function`` that gives an `AccessRecord` of each request to ``receive``.

    What that raises is logged; the answer is out already.
    """

    def log(handler: RequestHandler) -> None:
        try:
            receive(record_of(handler))
        except Exception:
            app_log.error("the access log's own function failed", exc_info=True)

    return log


def record_of(handler: RequestHandler) -> AccessRecord:
    """Return the record of the request that ``handler`` has answered."""
    request = handler.request
    return AccessRecord(
        method=request.method or "",
        uri=request.uri or "",
        version=request.version,
        host=request.host,
        protocol=request.protocol,
        remote_ip=request.remote_ip or "",
        user_agent=request.headers.get("User-Agent"),
        referer=request.headers.get("Referer"),
        request_id=request_id.get(),
        handler=type(handler).__name__,
        status=handler.get_status(),
        seconds=request.request_time(),
    )


class RequestIds:
    """A hook for ``Application.add_hooks(before_request=...)``: gives every request an id.

    It is in `request_id` while the request is handled, and in the field ``header`` of the answer, error pages
    included.  If ``trusted``, the id is the one in that field of the request, such as a proxy sets it, if it is one
    word of at most 128 characters; all others are new.
    """

    def __init__(self, header: str = "X-Request-ID", trusted: bool = False) -> None:
        self.header = header
        self.trusted = trusted

    def __call__(self, handler: RequestHandler) -> None:
        """Choose the id of one request."""
        given = handler.request.headers.get(self.header) if self.trusted else None
        chosen = given if given is not None and _FOREIGN_ID.fullmatch(given) else uuid.uuid4().hex
        request_id.set(chosen)
        handler.set_header(self.header, chosen)
        # An error page begins with the default fields.
        defaults = handler.set_default_headers

        def set_default_headers() -> None:
            defaults()
            handler.set_header(self.header, chosen)

        handler.set_default_headers = set_default_headers  # type: ignore[method-assign]


class RequestIdFilter(logging.Filter):
    """A filter for handlers of `logging` that puts ``request_id`` into each record, "-" where there is none."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the attribute, and let the record pass."""
        record.request_id = request_id.get() or "-"
        return True
