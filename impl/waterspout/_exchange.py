"""One request and its answer, as the application sees them.

An exchange is the application's only way to the connection.  When the answer is complete, or the connection
lost, it lets go of the connection, so whoever keeps it for too long cannot write into the next answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from waterspout._callback_argument import call_back
from waterspout._connection_context import ConnectionContext
from waterspout._detached import Relay
from waterspout.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPOutputError,
    RequestStartLine,
    ResponseStartLine,
)
from waterspout.iostream import IOStream, StreamClosedError
from waterspout.protocol.http1 import LocalProtocolError, State

if TYPE_CHECKING:
    from waterspout.http1connection import ServerDriver

#: Up to this size the first piece of a body is copied behind the head, to leave in one write; beyond, a
#: second write is cheaper than the copy.
JOINED_WRITE = 65536

_NOBODY = HTTPMessageDelegate()


class Exchange(HTTPConnection):
    """The answer to one request: `write_headers`, `write` as often as needed, `finish`.

    What is written is checked: what HTTP does not allow, or does not agree with the head, raises
    `httputil.HTTPOutputError`.  The body written in answer to ``HEAD`` is dropped.  After the connection is
    lost, writing returns a future that has failed with `StreamClosedError`; after `finish` it raises.
    """

    __slots__ = ("_close_callback", "_driver", "_lost", "context", "delegate", "method")

    def __init__(self, driver: ServerDriver, method: str, context: ConnectionContext) -> None:
        self._driver: ServerDriver | None = driver
        self._lost = False
        #: Whom the request is told to.
        self.delegate = _NOBODY
        self._close_callback: Callable[[], None] | None = None
        self.method = method
        self.context = context

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
        callback: Callable[[], Any] | None = None,
    ) -> asyncio.Future[None]:
        """Write the head, with the first piece of the body in the same write if it is not large.

        Returns a future that is done when there is room for more; cancelling it takes nothing back. Legacy:
        ``callback()`` is called then.  Documentation: ``httputil.HTTPConnection.write_headers``.
        """
        if callback is not None:
            return calling_back(self.write_headers(start_line, headers, chunk), callback)
        driver = self._driver
        if driver is None:
            return self._without_connection()
        _, status, reason = start_line
        try:
            octets = driver.http.send_response(status, reason or "", headers.to_wire())  # type: ignore[arg-type]
            if chunk and self.method != "HEAD":
                body = driver.http.send_data(chunk)
                if len(body) > JOINED_WRITE:
                    driver.write(octets)
                    return driver.write(body)
                octets += body
        except LocalProtocolError as error:
            raise HTTPOutputError(str(error)) from error
        return driver.write(octets)

    def write(self, chunk: bytes, callback: Callable[[], Any] | None = None) -> asyncio.Future[None]:
        """Write a piece of the body.

        Returns a future that is done when there is room for more; cancelling it takes nothing back. Legacy:
        ``callback()`` is called then.  Documentation: ``httputil.HTTPConnection.write``.
        """
        if callback is not None:
            return calling_back(self.write(chunk), callback)
        driver = self._driver
        if driver is None:
            return self._without_connection()
        if self.method == "HEAD":
            return driver.write(b"")
        try:
            return driver.write_more(driver.http.send_data(chunk))
        except LocalProtocolError as error:
            raise HTTPOutputError(str(error)) from error

    def finish(self) -> None:
        """Complete the answer; the connection goes on to its next request, or closes.

        Raises `httputil.HTTPOutputError`, and closes the connection, if less was written than the head
        declared. Documentation: ``httputil.HTTPConnection.finish``.
        """
        driver = self._driver
        if driver is None:
            if not self._lost:
                raise HTTPOutputError("this answer is finished already; finish() belongs at its end, once")
            return
        try:
            octets = driver.http.send_end()
        except LocalProtocolError as error:
            driver.abort()
            if driver.http.our_state is State.SWITCHED:
                # 101 without upgrade(): HTTP is over on this connection, and nobody speaks anything else on it.
                return
            raise HTTPOutputError(str(error)) from error
        self._driver = None
        self._close_callback = None
        if octets:
            driver.write(octets)
        driver.answer_complete()

    def abort(self) -> None:
        """End an answer that cannot be completed: the connection closes, in a way that does not look complete."""
        self._close_callback = None
        if self._driver is not None:
            self._driver.abort()

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Have ``callback`` called if the connection is lost before the answer is complete.

        Documentation: ``http1connection.HTTP1Connection.set_close_callback``.
        """
        self._close_callback = callback

    def set_max_body_size(self, max_body_size: int) -> None:
        """Bound the body of this request, in bytes; to be called while its head is received.

        Documentation: ``http1connection.HTTP1Connection.set_max_body_size``.
        """
        if self._driver is not None:
            self._driver.set_body_limit(max_body_size)

    @property
    def max_body_size(self) -> int | None:
        """The bound on the body of this request, in bytes; None if there is none, or no connection any more."""
        return None if self._driver is None else self._driver.body_limit

    def set_body_timeout(self, timeout: float) -> None:
        """Give the body of this request ``timeout`` seconds to arrive.

        Documentation: ``http1connection.HTTP1Connection.set_body_timeout``.
        """
        if self._driver is not None:
            self._driver.set_body_timeout(timeout)

    def upgrade(self, protocol_factory: Callable[[], asyncio.Protocol]) -> None:
        """Hand the connection to another protocol, after a 101 answer was written (RFC 9110, section 7.8).

        The new protocol gets ``connection_made`` with the transport, then ``data_received`` with whatever
        came behind the request.  HTTP knows nothing of the connection from then on.  Raises `HTTPOutputError`
        without a 101.
        """
        driver = self._driver
        if driver is None:
            raise HTTPOutputError("the connection is gone; there is nothing to upgrade")
        if driver.http.our_state is not State.SWITCHED:
            raise HTTPOutputError("write the head of a 101 response before upgrade()")
        self._driver = None
        self._close_callback = None
        driver.hand_over(protocol_factory())

    def detach(self) -> IOStream:
        """Hand the connection over to the caller, as a stream; HTTP knows nothing of it from then on.

        The stream begins with what came behind the part of the request that was read.  Raises `HTTPOutputError` when
        the connection is gone.  Documentation: ``http1connection.HTTP1Connection.detach``.
        """
        driver = self._driver
        if driver is None:
            raise HTTPOutputError("the connection is gone; there is nothing to detach")
        self._driver = None
        self._close_callback = None
        relay = Relay()
        driver.hand_over(relay)
        return relay.stream

    def lose(self) -> None:
        """Let go of the connection, which is lost.  To be called by the connection."""
        self._lost = True
        self._driver = None
        self.announce_close()

    def announce_close(self) -> None:
        """Call the close callback, once.  To be called by the connection."""
        callback, self._close_callback = self._close_callback, None
        if callback is not None:
            callback()

    def _without_connection(self) -> asyncio.Future[None]:
        if not self._lost:
            raise HTTPOutputError(
                "this answer is finished; write before finish(), to the connection of the current request"
            )
        return failed_future(asyncio.get_running_loop(), StreamClosedError())


def calling_back(done: asyncio.Future[None], callback: Callable[[], Any]) -> asyncio.Future[None]:
    """Return the future of a write, after which ``callback()`` is called."""
    # That the connection is lost, set_close_callback tells.
    return call_back(done, callback, quiet=StreamClosedError, with_result=False, stacklevel=3)


def failed_future(loop: asyncio.AbstractEventLoop, error: BaseException) -> asyncio.Future[None]:
    """Return a future that has failed, and that does not complain if nobody looks."""
    future: asyncio.Future[None] = loop.create_future()
    future.set_exception(error)
    future.exception()
    return future
