"""How the driver of a connection winds down, on a transport in memory; and the parts a server is made of."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from waterspout import httpserver, httputil, routing
from waterspout._exchange import Exchange
from waterspout.http1connection import QUIET_SECONDS, ServerDriver, ServerParameters
from waterspout.httputil import HTTPHeaders, HTTPOutputError, HTTPServerRequest, ResponseStartLine
from waterspout.protocol.http1 import (
    Data,
    EndOfMessage,
    Limits,
    LocalProtocolError,
    Request,
    Response,
    ServerConnection,
)

sys.path.insert(0, str(Path(__file__).parent))
from _transport_double import TransportDouble

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\n"


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test on a loop of its own."""

    def wrapper() -> None:
        asyncio.run(test())

    wrapper.__name__, wrapper.__doc__ = test.__name__, test.__doc__
    return wrapper


def respond(connection: Any, **fields: str) -> None:
    """Answer 200 without content."""
    headers = HTTPHeaders({"Content-Length": "0", **fields})
    connection.write_headers(ResponseStartLine("", 200, "OK"), headers)
    connection.finish()


class Application(httputil.HTTPServerConnectionDelegate, httputil.HTTPMessageDelegate):
    """Keeps its connections, and answers them at once unless ``waits``."""

    def __init__(self, waits: bool = False, **fields: str) -> None:
        self.waits, self.fields = waits, fields
        self.connections: list[Any] = []

    def start_request(self, server_conn: object, request_conn: httputil.HTTPConnection) -> Application:
        self.connections.append(request_conn)
        return self

    def finish(self) -> None:
        if not self.waits:
            respond(self.connections[-1], **self.fields)


class Peer:
    """A connection whose other end is the test."""

    def __init__(self, application: Application, **parameters: Any) -> None:
        self.parameters = ServerParameters(application, **parameters)
        self.driver = ServerDriver(self.parameters, asyncio.get_running_loop())
        self.transport = TransportDouble()
        self.driver.connection_made(self.transport)

    def rest(self) -> None:
        """Let the connection have been idle for long."""
        self.driver._deadline.at -= 2 * QUIET_SECONDS


@run
async def test_an_idle_connection_is_closed_at_once() -> None:
    """But not one that was used just now: that gets its time."""
    peer = Peer(Application())
    peer.driver.data_received(GET)
    peer.rest()
    peer.driver.wind_down()
    assert peer.transport.closed

    peer = Peer(Application())
    peer.driver.wind_down()
    assert not peer.transport.closed
    assert peer.driver._deadline.at - time.monotonic() <= QUIET_SECONDS
    peer.driver._expired()
    assert peer.transport.closed


@run
async def test_the_next_answer_says_close_whatever_the_application_says() -> None:
    """And pipelined requests behind it are not looked at."""
    peer = Peer(Application(Connection="keep-alive"))
    peer.driver.wind_down()
    peer.driver.data_received(GET * 3)
    assert peer.transport.written.count(b"HTTP/1.1 200") == 1
    assert b"\r\nConnection: close\r\n" in peer.transport.written
    assert peer.transport.closed


@run
async def test_an_answer_on_its_way_is_the_last_one() -> None:
    """Even if its head is out."""
    application = Application(waits=True)
    peer = Peer(application)
    peer.driver.data_received(GET)
    connection = application.connections[0]
    connection.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders({"Content-Length": "2"}), b"a")
    peer.driver.wind_down()
    assert not peer.transport.closed
    connection.write(b"b")
    connection.finish()
    assert peer.transport.closed
    assert peer.transport.written.endswith(b"ab")


@run
async def test_a_connection_that_yields_is_closed_when_its_turn_comes() -> None:
    """Its answer was complete before; nothing else would end it."""
    application = Application(waits=True)
    peer = Peer(application)
    peer.driver.data_received(GET)
    respond(application.connections[0])
    peer.rest()
    peer.driver.wind_down()
    assert not peer.transport.closed
    await asyncio.sleep(0)
    assert peer.transport.closed


@run
async def test_a_request_half_received_is_waited_for() -> None:
    """In its head or in its body."""
    for whole in (GET, POST + b"12345678"):
        peer = Peer(Application())
        peer.driver.data_received(whole[: len(whole) - 4])
        peer.driver.wind_down()
        assert not peer.transport.closed
        peer.driver.data_received(whole[len(whole) - 4 :])
        assert b"\r\nConnection: close\r\n" in peer.transport.written


@run
async def test_closing_twice_asks_the_transport_once() -> None:
    """TLS transports break when they are closed again."""
    peer = Peer(Application())
    calls: list[int] = []
    peer.transport.close = lambda: (calls.append(1), setattr(peer.transport, "closed", True))  # type: ignore[method-assign, assignment, func-returns-value, return-value]
    peer.driver.close()
    peer.driver.close()
    assert calls == [1]


@run
async def test_limits_of_a_request_end_with_it() -> None:
    """And come too late for a body that is there."""
    peer = Peer(application := Application(waits=True), limits=Limits(body=100))
    peer.driver.data_received(POST)
    first = application.connections[0]
    first.set_max_body_size(1000)
    assert first.max_body_size == 1000
    peer.driver.data_received(b"12345678")
    first.set_max_body_size(5)
    respond(first)
    assert first.max_body_size is None
    await asyncio.sleep(0)
    peer.driver.data_received(POST)
    assert application.connections[1].max_body_size == 100


@run
async def test_a_router_that_starts_requests_itself_is_asked() -> None:
    """Although routers are usually given the head at once."""

    class Own(routing.Router):
        def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> None:
            raise AssertionError

        def start_request(self, server_conn: object, request_conn: httputil.HTTPConnection) -> Any:
            return Application.start_request(application, server_conn, request_conn)

    application = Application()
    parameters = ServerParameters(Own())
    driver = ServerDriver(parameters, asyncio.get_running_loop())
    driver.connection_made(transport := TransportDouble())
    driver.data_received(GET)
    assert transport.written.startswith(b"HTTP/1.1 200")
    assert isinstance(application.connections[0], Exchange)


# -- the protocol core ------------------------------------------------------------------------------------------------


def asked() -> ServerConnection:
    """Return a connection with a request to answer."""
    connection = ServerConnection()
    connection.feed(GET)
    while not isinstance(connection.next_event(), EndOfMessage):
        pass
    return connection


def test_the_short_ways_of_sending_say_the_same_as_events() -> None:
    """Octet for octet, and with the same errors."""
    fields = [("Content-Length", "3")]
    first, second = asked(), asked()
    octets = first.send(Response(200, "OK", fields)) + first.send(Data(b"abc")) + first.send(EndOfMessage())
    assert octets == second.send_response(200, "OK", fields) + second.send_data(b"abc") + second.send_end()
    for way in (lambda: second.send_data(b"x"), second.send_end, lambda: second.send_response(200, "OK", [])):
        with pytest.raises(LocalProtocolError):
            way()
    with pytest.raises(LocalProtocolError, match="Upgrade"):
        asked().send_response(101, "", [])


@pytest.mark.parametrize("body", [b"12345678", b"3\r\n123\r\n5\r\n45678\r\n0\r\n\r\n"])
def test_pieces_are_no_larger_than_asked_for(body: bytes) -> None:
    """Whatever the framing."""
    connection = ServerConnection(Limits(piece=2))
    connection.feed(POST if len(body) == 8 else POST.replace(b"Content-Length: 8", b"Transfer-Encoding: chunked"))
    connection.feed(body)
    pieces = [event.data for event in iter(connection.next_event, None) if isinstance(event, Data)]
    assert (b"".join(pieces), max(map(len, pieces))) == (b"12345678", 2)


def test_what_the_governing_fields_say_is_the_same_for_long_heads() -> None:
    """These are not remembered."""
    requests = []
    for filling in ("x", "x" * 5000):
        connection = ServerConnection()
        head = f"POST / HTTP/1.1\r\nHOST:h\r\nx: {filling}\r\ncontent-LENGTH: \t4 \r\nexpect: 100-continue\r\n"
        connection.feed(f"{head}connection: upgrade, Close\r\nupgrade: a\r\nUpgrade: b\r\n\r\n".encode())
        request = connection.next_event()
        assert isinstance(request, Request)
        requests.append(
            (request.keep_alive, request.content_length, request.expect_continue, request.upgrade, request.authority)
        )
    assert requests == [(False, 4, True, "a, b", "h")] * 2


# -- requests as they were answered in former times -------------------------------------------------------------------


@run
async def test_a_request_is_answered_with_bytes() -> None:
    """The head may come in any pieces."""
    peer = Peer(application := Application(waits=True))
    peer.driver.data_received(GET)
    line = httputil.RequestStartLine("GET", "/", "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, headers=HTTPHeaders(), connection=application.connections[0])
    assert request.supports_http_1_1()
    called: list[int] = []
    for piece in (b"HTTP/1.1 201 Crea", b"ted\r\nX: y\r\nContent-Length: 4\r\n\r\nbo", b"dy"):
        request.write(piece, callback=lambda: called.append(1))
    request.finish()
    await asyncio.sleep(0)
    assert peer.transport.written == b"HTTP/1.1 201 Created\r\nX: y\r\nContent-Length: 4\r\n\r\nbody"
    assert called == [1, 1]
    with pytest.raises(TypeError):
        request.write("text")  # type: ignore[arg-type]


@run
async def test_an_answer_of_bytes_must_be_http() -> None:
    """The error says what is wrong."""
    peer = Peer(application := Application(waits=True))
    peer.driver.data_received(GET)
    line = httputil.RequestStartLine("GET", "/", "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, headers=HTTPHeaders(), connection=application.connections[0])
    with pytest.raises(HTTPOutputError, match="status line"):
        request.write(b"hello\r\n\r\n")
    assert peer.transport.written == b""


def test_a_server_knows_its_settings() -> None:
    """As attributes, and as the parameters of its connections."""
    server = httpserver.HTTPServer(print, no_keep_alive=True, xheaders=True, chunk_size=5, io_loop=None)
    assert (server.no_keep_alive, server.xheaders, server.protocol) == (True, True, None)
    assert (server.conn_params.chunk_size, server.conn_params.header_timeout) == (5, 3600.0)
