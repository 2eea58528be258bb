"""The driver of one connection, on a transport in memory."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from _transport_double import TransportDouble

from waterspout import http1connection, httputil
from waterspout.http1connection import Exchange, ServerDriver, ServerParameters
from waterspout.httputil import HTTPHeaders, HTTPOutputError, ResponseStartLine
from waterspout.iostream import StreamClosedError
from waterspout.protocol.http1 import Limits

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def respond(exchange: httputil.HTTPConnection, body: bytes = b"hello", code: int = 200) -> None:
    """Answer in the usual way."""
    start_line = ResponseStartLine("", code, httputil.responses[code])
    exchange.write_headers(start_line, HTTPHeaders({"Content-Length": str(len(body))}), body)
    exchange.finish()


class Recorder(httputil.HTTPServerConnectionDelegate, httputil.HTTPMessageDelegate):
    """Serves every request, remembers what it is told, and answers as ``answer`` says."""

    def __init__(self, answer: Callable[[Exchange], Any] = respond, **hooks: Callable[..., Any]) -> None:
        self.answer = answer
        self.hooks = hooks
        self.told: list[Any] = []
        self.exchanges: list[Exchange] = []

    def start_request(self, server_conn: object, request_conn: httputil.HTTPConnection) -> Recorder:
        assert isinstance(request_conn, Exchange)
        self.exchanges.append(request_conn)
        return self

    def _hook(self, name: str) -> Awaitable[None] | None:
        hook = self.hooks.get(name)
        return hook(self.exchanges[-1]) if hook else None

    def headers_received(self, start_line: Any, headers: HTTPHeaders) -> Awaitable[None] | None:
        self.told.append((start_line.method, start_line.path))
        return self._hook("headers_received")

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self.told.append(chunk)
        return self._hook("data_received")

    def finish(self) -> None:
        self.told.append("finish")
        self.answer(self.exchanges[-1])

    def on_connection_close(self) -> None:
        self.told.append("lost")

    def on_close(self, server_conn: object) -> None:
        self.told.append("closed")


def silent(exchange: Exchange) -> None:
    """Leave the request unanswered."""


class Peer:
    """A connection whose other end is the test."""

    def __init__(self, delegate: Recorder, **parameters: Any) -> None:
        self.delegate = delegate
        self.parameters = ServerParameters(delegate, **parameters)
        self.driver = ServerDriver(self.parameters, asyncio.get_running_loop())
        self.transport = TransportDouble()
        self.driver.connection_made(self.transport)

    def send(self, data: bytes) -> bytes:
        """Return what is answered at once."""
        before = len(self.transport.written)
        self.driver.data_received(data)
        return self.transport.written[before:]


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test on a loop of its own."""

    def wrapper() -> None:
        asyncio.run(test())

    wrapper.__name__, wrapper.__doc__ = test.__name__, test.__doc__
    return wrapper


async def turns(number: int = 5) -> None:
    """Let the loop turn."""
    for _ in range(number):
        await asyncio.sleep(0)


@run
async def test_a_small_response_leaves_in_one_write() -> None:
    """Head and body are joined."""
    peer = Peer(Recorder())
    assert peer.send(GET) == HELLO
    assert len(peer.transport.writes) == 1


@run
async def test_a_large_body_is_not_copied_behind_the_head() -> None:
    """It is a write of its own."""
    body = b"x" * (2 * 65536)
    peer = Peer(Recorder(lambda exchange: respond(exchange, body)))
    peer.send(GET)
    assert [len(piece) > 65536 for piece in peer.transport.writes] == [False, True]


def counted(name: str, original: Callable[..., Any], made: list[str]) -> Callable[..., Any]:
    """Return ``original``, noting its calls in ``made``."""

    def call(*args: Any, **kwargs: Any) -> Any:
        made.append(name)
        return original(*args, **kwargs)

    return call


@run
async def test_a_synchronous_request_makes_no_task_future_or_timer() -> None:
    """Everything happens within data_received."""
    loop = asyncio.get_running_loop()
    peer = Peer(Recorder())
    peer.send(GET)
    made: list[str] = []
    names = ("create_future", "create_task", "call_at", "call_soon")
    for name in names:
        setattr(loop, name, counted(name, getattr(loop, name), made))
    gc.collect()
    futures = sum(isinstance(item, asyncio.Future) for item in gc.get_objects())
    gc.disable()
    try:
        assert peer.send(GET) == HELLO
        after = sum(isinstance(item, asyncio.Future) for item in gc.get_objects())
    finally:
        gc.enable()
        for name in names:
            delattr(loop, name)
    assert made == []
    assert after == futures


@run
async def test_writing_returns_one_shared_completed_future_while_there_is_room() -> None:
    """Awaiting it costs nothing."""
    peer = Peer(Recorder(silent))
    peer.send(GET)
    exchange = peer.delegate.exchanges[0]
    first = exchange.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders())
    second = exchange.write(b"x")
    assert first is second
    assert first.done()
    await first


@run
async def test_writing_waits_while_the_transport_is_full() -> None:
    """Each writer has a future of its own, so that cancelling one leaves the others."""
    peer = Peer(Recorder(silent))
    peer.send(GET)
    exchange = peer.delegate.exchanges[0]
    peer.driver.pause_writing()
    first = exchange.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders())
    second = exchange.write(b"x")
    assert not first.done()
    first.cancel()
    peer.driver.resume_writing()
    assert second.done()
    await second


@run
async def test_writers_that_wait_learn_that_the_connection_is_lost() -> None:
    """And so does who writes later; neither must be asked."""
    peer = Peer(Recorder(silent))
    peer.send(GET)
    exchange = peer.delegate.exchanges[0]
    peer.driver.pause_writing()
    waiting = exchange.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders())
    closed: list[bool] = []
    exchange.set_close_callback(lambda: closed.append(True))
    peer.driver.connection_lost(ConnectionResetError())
    assert isinstance(waiting.exception(), StreamClosedError)
    assert isinstance(exchange.write(b"x").exception(), StreamClosedError)
    exchange.finish()
    assert closed == [True]
    assert peer.delegate.told[-2:] == ["lost", "closed"]
    assert not peer.parameters.connections


@run
async def test_a_finished_exchange_cannot_write_into_the_next_answer() -> None:
    """The error says so, and nothing leaves."""
    peer = Peer(Recorder(silent))
    peer.send(GET + GET)
    stale = peer.delegate.exchanges[0]
    respond(stale)
    await turns()
    assert len(peer.delegate.exchanges) == 2
    before = peer.transport.written
    for write in (lambda: stale.write(b"x"), stale.finish, lambda: respond(stale)):
        with pytest.raises(HTTPOutputError, match="finished"):
            write()
    assert peer.transport.written == before == HELLO


@run
async def test_pipelined_requests_are_answered_in_order_after_one_another() -> None:
    """The second is not delivered before the first is answered (RFC 9112, section 9.3.2)."""
    peer = Peer(Recorder(silent))
    peer.send(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
    assert peer.delegate.told == [("GET", "/1"), "finish"]
    respond(peer.delegate.exchanges[0], b"1")
    # Not from within the handler that finishes.
    assert len(peer.delegate.exchanges) == 1
    await turns()
    respond(peer.delegate.exchanges[1], b"2")
    assert [piece[-1:] for piece in peer.transport.writes] == [b"1", b"2"]


@run
async def test_a_pipelining_peer_gives_way_to_others() -> None:
    """Only so many requests are answered in one turn of the loop."""
    peer = Peer(Recorder())
    total = 3 * http1connection.REQUESTS_PER_TURN
    peer.send(GET * total)
    assert len(peer.transport.writes) == http1connection.REQUESTS_PER_TURN
    await turns(10)
    assert peer.transport.written == HELLO * total


@run
async def test_a_peer_that_takes_no_answers_gets_no_more_of_them() -> None:
    """Its next requests wait until it has read."""
    peer = Peer(Recorder(lambda exchange: (respond(exchange), peer.driver.pause_writing())))
    peer.send(GET * 5)
    await turns()
    assert peer.transport.written == HELLO
    peer.send(GET * 5000)
    assert peer.transport.paused
    peer.driver.resume_writing()
    await turns()
    assert peer.transport.written == HELLO * 2


@run
async def test_reading_stops_when_too_much_waits_behind_an_unanswered_request() -> None:
    """And goes on after the answer."""
    peer = Peer(Recorder(silent))
    peer.send(GET)
    peer.send(b"x" * http1connection.MAX_BACKLOG)
    assert not peer.transport.paused
    peer.send(b"x")
    assert peer.transport.paused
    respond(peer.delegate.exchanges[0])
    await turns()
    assert not peer.transport.paused


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"garbage\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/9.9\r\nHost: h\r\n\r\n", b"505"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 70000, b"431"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n", b"413"),
    ],
)
def test_a_bad_request_gets_a_complete_error_and_a_gentle_close(
    data: bytes, status: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names cause and peer; later input is ignored; the peer's end closes."""

    async def test() -> None:
        peer = Peer(Recorder(), limits=Limits(body=10))
        answer = peer.send(data)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 " + status)
        fields = HTTPHeaders.parse(head.partition(b"\r\n")[2].decode())
        assert fields["Connection"] == "close"
        assert "Date" in fields
        assert int(fields["Content-Length"]) == len(body) > 0
        assert peer.transport.ended
        assert not peer.transport.closed
        assert peer.send(GET) == b""
        assert peer.driver.eof_received() is False

    with caplog.at_level(logging.INFO, "tornado.general"):
        asyncio.run(test())
    assert [record.name for record in caplog.records] == ["tornado.general"]
    assert "1.2.3.4" in caplog.text


@run
async def test_a_lingering_connection_does_not_listen_for_ever() -> None:
    """There is a bound in bytes, too."""
    peer = Peer(Recorder())
    peer.send(b"garbage\r\n\r\n")
    for _ in range(http1connection.MAX_LINGER // (1 << 20)):
        peer.send(bytes(1 << 20))
    assert not peer.transport.closed
    peer.send(b"x")
    assert peer.transport.aborted


@run
async def test_100_continue_follows_an_accepted_head() -> None:
    """It comes before the body is read, and once (RFC 9110, section 10.1.1)."""
    peer = Peer(Recorder())
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    assert peer.send(head) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert peer.send(b"ab") == b""
    assert peer.send(b"cd") == HELLO


@run
async def test_100_continue_waits_for_the_delegate() -> None:
    """An awaitable from headers_received holds it back."""
    gate = asyncio.get_running_loop().create_future()
    peer = Peer(Recorder(headers_received=lambda exchange: gate))
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    assert peer.send(head) == b""
    gate.set_result(None)
    await turns()
    assert peer.transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"


@run
async def test_a_final_answer_to_an_expectation_closes_the_connection() -> None:
    """Nobody knows whether the body still comes."""
    peer = Peer(Recorder(headers_received=lambda exchange: respond(exchange, code=403)))
    answer = peer.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403")
    assert peer.transport.ended


@run
async def test_a_delegate_holds_the_body_back_with_awaitables() -> None:
    """The next piece comes when the last one is dealt with."""
    gates = [asyncio.get_running_loop().create_future() for _ in range(2)]
    waiting = iter(gates)
    peer = Peer(Recorder(data_received=lambda exchange: next(waiting)))
    peer.send(POST + b"ab")
    peer.send(b"cd")
    assert peer.delegate.told == [("POST", "/"), b"ab"]
    gates[0].set_result(None)
    await turns()
    assert peer.delegate.told == [("POST", "/"), b"ab", b"cd"]
    gates[1].set_result(None)
    await turns()
    assert peer.transport.written == HELLO


@run
async def test_an_early_answer_drops_the_rest_of_a_small_body() -> None:
    """The connection lives on."""
    peer = Peer(Recorder(headers_received=respond))
    assert peer.send(POST + b"ab") == HELLO
    assert peer.send(b"cd" + GET).startswith(HELLO)
    assert peer.delegate.told == [("POST", "/"), ("GET", "/")]


@run
async def test_an_early_answer_to_a_large_body_closes() -> None:
    """Reading on would cost more than a new connection."""
    peer = Peer(Recorder(headers_received=respond))
    peer.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n")
    assert not peer.transport.ended
    peer.send(bytes(http1connection.MAX_UNWANTED_BODY + 1))
    assert peer.transport.ended


@pytest.mark.parametrize("where", ["headers_received", "data_received", "answer"])
def test_an_exception_of_the_delegate_is_logged_and_answered(where: str, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is a complete 500, the log has the traceback."""

    def fail(exchange: Exchange) -> None:
        raise KeyError("boom")

    async def test() -> None:
        hooks: dict[str, Any] = {where: fail}
        peer = Peer(Recorder(**hooks))
        assert peer.send(POST + b"abcd").startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
        assert peer.transport.ended
        assert peer.delegate.told[-1] == "lost"

    asyncio.run(test())
    assert "boom" in caplog.text


def test_a_late_exception_of_the_delegate_is_answered_too(caplog: pytest.LogCaptureFixture) -> None:
    """An awaitable may fail as well."""

    async def fail(exchange: Exchange) -> None:
        raise KeyError("boom")

    async def test() -> None:
        peer = Peer(Recorder(data_received=fail))
        peer.send(POST + b"abcd")
        await turns()
        assert peer.transport.written.startswith(b"HTTP/1.1 500")

    asyncio.run(test())
    assert "boom" in caplog.text


def test_input_errors_of_the_delegate_are_answered_400(caplog: pytest.LogCaptureFixture) -> None:
    """They are the peer's fault, and logged as such."""

    def fail(exchange: Exchange) -> None:
        raise httputil.HTTPInputError("no")

    async def test() -> None:
        peer = Peer(Recorder(fail))
        assert peer.send(GET).startswith(b"HTTP/1.1 400")

    with caplog.at_level(logging.INFO):
        asyncio.run(test())
    assert [record.levelname for record in caplog.records] == ["INFO"]


def test_an_exception_after_the_head_cuts_the_answer_short(caplog: pytest.LogCaptureFixture) -> None:
    """A chunked answer must not look complete."""

    def fail(exchange: Exchange) -> None:
        exchange.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders(), b"part")
        raise KeyError("boom")

    async def test() -> None:
        peer = Peer(Recorder(fail))
        assert peer.send(GET).endswith(b"4\r\npart\r\n")
        assert peer.transport.closed

    asyncio.run(test())
    assert "boom" in caplog.text


@run
async def test_a_body_that_disagrees_with_its_length_is_an_error_of_the_program() -> None:
    """Too little closes the connection, so that it does not look complete."""
    peer = Peer(Recorder(silent))
    peer.send(GET)
    exchange = peer.delegate.exchanges[0]
    exchange.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders({"Content-Length": "3"}), b"ab")
    with pytest.raises(HTTPOutputError):
        exchange.write(b"cd")
    with pytest.raises(HTTPOutputError):
        exchange.finish()
    assert peer.transport.closed


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x", "a\0"])
def test_a_value_that_would_split_the_head_is_refused(value: str) -> None:
    """Nothing of it leaves."""

    async def test() -> None:
        peer = Peer(Recorder(silent))
        peer.send(GET)
        with pytest.raises(HTTPOutputError):
            peer.delegate.exchanges[0].write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders({"X": value}))
        assert peer.transport.written == b""

    asyncio.run(test())


@run
async def test_the_body_of_an_answer_to_head_is_dropped() -> None:
    """RFC 9110, section 9.3.2."""
    peer = Peer(Recorder())
    assert peer.send(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + GET) == HELLO.removesuffix(b"hello") + HELLO


@run
async def test_without_keep_alive_the_answer_says_so_and_the_connection_closes() -> None:
    """The server may ask for it, and so may the client."""
    for request, parameters in (
        (GET, {"no_keep_alive": True}),
        (b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", {}),
        (b"GET / HTTP/1.0\r\n\r\n", {}),
    ):
        peer = Peer(Recorder(), **parameters)
        assert b"\r\nConnection: close\r\n" in peer.send(request)
        assert peer.transport.closed


@run
async def test_a_peer_that_ends_its_side_is_still_answered() -> None:
    """The delegate hears of it, once, because most such peers are gone."""
    peer = Peer(Recorder(silent))
    peer.send(GET + GET)
    assert peer.driver.eof_received() is True
    assert peer.delegate.told == [("GET", "/"), "finish", "lost"]
    respond(peer.delegate.exchanges[0])
    await turns()
    assert peer.delegate.told[3:] == [("GET", "/"), "finish", "lost"]
    respond(peer.delegate.exchanges[1])
    await turns()
    assert peer.transport.written == HELLO * 2
    assert peer.transport.closed
    peer.driver.connection_lost(None)
    assert peer.delegate.told[6:] == ["closed"]


@run
async def test_a_delegate_hears_only_once_that_its_peer_is_gone() -> None:
    """First the peer ends its side, then the connection is lost."""
    peer = Peer(Recorder(silent))
    peer.send(GET)
    peer.driver.eof_received()
    peer.driver.connection_lost(ConnectionResetError())
    assert peer.delegate.told == [("GET", "/"), "finish", "lost", "closed"]


@run
async def test_an_idle_peer_that_ends_its_side_is_closed_silently() -> None:
    """Nothing is owed."""
    peer = Peer(Recorder())
    peer.send(GET)
    peer.driver.eof_received()
    assert peer.transport.closed
    assert peer.transport.written == HELLO


@run
async def test_a_peer_that_vanishes_within_the_body_never_finishes_its_request() -> None:
    """The delegate hears that the connection is lost."""
    peer = Peer(Recorder())
    peer.send(POST + b"ab")
    peer.driver.connection_lost(ConnectionResetError())
    assert peer.delegate.told == [("POST", "/"), b"ab", "lost", "closed"]


class NewProtocol(asyncio.Protocol):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.told.append(transport)

    def data_received(self, data: bytes) -> None:
        self.told.append(data)


@run
async def test_an_upgrade_hands_over_the_transport_and_what_follows() -> None:
    """HTTP forgets the connection without closing it."""
    protocol = NewProtocol()

    def upgrade(exchange: Exchange) -> None:
        headers = HTTPHeaders({"Upgrade": "x", "Connection": "Upgrade"})
        exchange.write_headers(ResponseStartLine("", 101, "Switching Protocols"), headers)
        exchange.upgrade(lambda: protocol)

    peer = Peer(Recorder(upgrade))
    answer = peer.send(b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nmore")
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert protocol.told == [peer.transport, b"more"]
    assert peer.transport.protocol is protocol
    assert not peer.transport.closed
    assert not peer.parameters.connections
    with pytest.raises(HTTPOutputError):
        peer.delegate.exchanges[0].write(b"x")


@run
async def test_an_upgrade_needs_a_101_first() -> None:
    """The error says what to write."""
    peer = Peer(Recorder(silent))
    peer.send(GET)
    with pytest.raises(HTTPOutputError, match="101"):
        peer.delegate.exchanges[0].upgrade(NewProtocol)


@run
async def test_deadlines_close_what_does_not_move() -> None:
    """An idle connection silently, an unfinished head or body with 408."""
    for sent, answer in ((b"", b""), (b"GET /", b"HTTP/1.1 408 "), (POST + b"a", b"HTTP/1.1 408 ")):
        peer = Peer(Recorder(), idle_timeout=0.01, body_timeout=0.01)
        peer.send(sent)
        while not (peer.transport.closed or peer.transport.ended):
            await asyncio.sleep(0.001)
        assert peer.transport.written.startswith(answer)
        assert bool(peer.transport.written) == bool(answer)


@run
async def test_an_unanswered_request_has_no_deadline_of_the_connection() -> None:
    """The application takes the time it needs."""
    peer = Peer(Recorder(silent), idle_timeout=1, body_timeout=1)
    assert peer.driver._deadline.at < float("inf")
    peer.send(POST + b"abcd")
    assert peer.driver._deadline.at == float("inf")
    respond(peer.delegate.exchanges[0])
    assert peer.driver._deadline.at < float("inf")


@run
async def test_a_proxy_is_believed_only_if_the_server_is_told_to() -> None:
    """What is not an address is not believed at all."""
    head = b"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: %s\r\nX-Forwarded-Proto: http, https\r\n\r\n"
    for forwarded, xheaders, ip in (
        (b"1.1.1.1", False, "1.2.3.4"),
        (b"1.1.1.1, 2.2.2.2", True, "2.2.2.2"),
        (b"1.1.1.1, 2.2.2.2, 9.9.9.9", True, "2.2.2.2"),
        (b"1.1.1.1, bad", True, "1.2.3.4"),
    ):
        peer = Peer(Recorder(), xheaders=xheaders, trusted=["9.9.9.9"])
        peer.send(head % forwarded)
        context = peer.delegate.exchanges[0].context
        assert (context.remote_ip, context.protocol) == (ip, "https" if xheaders else "http")
    peer = Peer(Recorder(), xheaders=True)
    peer.send(b"GET / HTTP/1.1\r\nHost: h\r\nX-Real-Ip: ::1\r\nX-Forwarded-For: 1.1.1.1\r\nX-Scheme: ftp\r\n\r\n")
    context = peer.delegate.exchanges[0].context
    assert (context.remote_ip, context.protocol) == ("::1", "http")


@run
async def test_a_peer_that_does_not_take_the_last_answer_is_cut_off() -> None:
    """As long as bytes leave, it has time."""
    peer = Peer(Recorder(), idle_timeout=0.001)
    peer.transport.unsent = 10
    while not peer.transport.closed:
        await asyncio.sleep(0.001)
    peer.transport.unsent = 5
    peer.driver._expired()
    assert not peer.transport.aborted
    peer.driver._expired()
    assert peer.transport.aborted
