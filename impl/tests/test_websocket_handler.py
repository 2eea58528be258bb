"""`WebSocketHandler` and its driver: handshake, messages, endings, keeping alive."""

from __future__ import annotations

import asyncio
import base64
import contextvars
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from _web_wire import Wire, turns

from waterspout import _websocket_driver
from waterspout.protocol import websocket as core
from waterspout.web import Application
from waterspout.websocket import WebSocketClosedError, WebSocketHandler

KEY = base64.b64encode(bytes(16)).decode()
HANDSHAKE = (
    "Connection: keep-alive, Upgrade",
    "Upgrade: WebSocket",
    f"Sec-WebSocket-Key: {KEY}",
    "Sec-WebSocket-Version: 13",
)


class Echo(WebSocketHandler):
    """Sends everything back, and remembers what is called."""

    def initialize(self, told: list[Any], peers: list[Any] | None = None) -> None:
        self.told = told
        if peers is not None:
            peers.append(self)

    def open(self, *args: str, **kwargs: str) -> Any:
        self.told.append("open")

    def on_message(self, message: str | bytes) -> Any:
        self.told.append(message)
        self.write_message(message, binary=isinstance(message, bytes))

    def on_ping(self, data: bytes) -> None:
        self.told.append(("ping", data))

    def on_pong(self, data: bytes) -> None:
        self.told.append(("pong", data))

    def on_close(self) -> None:
        self.told.append(("close", self.close_code, self.close_reason))

    def on_finish(self) -> None:
        self.told.append("on_finish")


class Peer:
    """A client at the other end of a WebSocket in memory."""

    def __init__(self, cls: type[WebSocketHandler] = Echo, *fields: str, path: str = "/", **settings: Any) -> None:
        self.told: list[Any] = []
        handlers: list[Any] = []
        app = Application([("/(?:a/(.*))?", cls, {"told": self.told, "peers": handlers})], **settings)
        self.wire = Wire(app)
        self.wire.request(f"GET {path}", *HANDSHAKE, *fields)
        self.transport = self.wire.transport
        self._handlers = handlers
        self.connection = core.Connection(core.CLIENT)

    async def connect(self) -> Peer:
        """Wait for the handshake, which is a coroutine."""
        await turns(3)
        head, _, rest = self.transport.written.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        self.transport.writes[:] = [rest]
        return self

    @property
    def handler(self) -> Any:
        return self._handlers[0]

    @property
    def driver(self) -> asyncio.Protocol:
        protocol = self.transport.protocol
        assert isinstance(protocol, asyncio.Protocol)
        return protocol

    def feed(self, data: bytes | None = None) -> None:
        """Let bytes arrive: those given, or what the connection has to send."""
        self.driver.data_received(self.connection.data_to_send() if data is None else data)

    def send(self, *messages: str | bytes) -> None:
        for message in messages:
            self.connection.send_message(message)
        self.feed()

    def received(self) -> list[Any]:
        """Return what came since the last time, as events."""
        data = self.transport.written
        self.transport.writes.clear()
        return self.connection.feed(data)


def connected(test: Callable[[Peer], Awaitable[Any]], *args: Any, **options: Any) -> Any:
    """Run ``test`` with a peer that is connected."""

    async def main() -> Any:
        return await test(await Peer(*args, **options).connect())

    return asyncio.run(main())


class TestHandshake:
    """From HTTP to WebSocket."""

    def test_the_answer_is_101_and_the_request_is_over(self, caplog: pytest.LogCaptureFixture) -> None:
        """on_finish and the access log come before open."""
        caplog.set_level(logging.INFO)

        async def main() -> Any:
            peer = Peer(path="/a/x%20y")
            await turns(3)
            return peer, peer.wire.answer()

        peer, answer = asyncio.run(main())

        assert (answer.status, answer["Upgrade"], answer["Connection"]) == (101, "websocket", "Upgrade")
        assert answer["Sec-WebSocket-Accept"] == core.accept_key(KEY)
        assert "content-type" not in answer.names()
        assert peer.told == ["on_finish", "open"]
        assert peer.handler.open_args == ("x y",)
        assert [r.getMessage()[:5] for r in caplog.records if r.name == "tornado.access"] == ["101 G"]

    @pytest.mark.parametrize(
        ("changed", "status"),
        [
            ({"Upgrade: WebSocket": "Upgrade: h2c"}, 400),
            ({"Connection: keep-alive, Upgrade": "Connection: keep-alive"}, 400),
            ({f"Sec-WebSocket-Key: {KEY}": "Sec-WebSocket-Key: x"}, 400),
            ({f"Sec-WebSocket-Key: {KEY}": "X: y"}, 400),
            ({"Sec-WebSocket-Version: 13": "Sec-WebSocket-Version: 8"}, 426),
            ({"Upgrade: WebSocket": "Upgrade: websocket\r\nOrigin: http://evil.example"}, 403),
            ({"Upgrade: WebSocket": "Upgrade: websocket\r\nSec-WebSocket-Origin: http://evil.example"}, 403),
            ({"Upgrade: WebSocket": "Upgrade: websocket\r\nOrigin: null"}, 403),
        ],
    )
    def test_a_bad_handshake_gets_a_complete_answer(self, changed: dict[str, str], status: int) -> None:
        """And no WebSocket."""

        async def main() -> Any:
            told: list[Any] = []
            wire = Wire(Application([("/", Echo, {"told": told})]))
            wire.request("GET /", *[changed.get(field, field) for field in HANDSHAKE])
            await turns(3)
            return told, wire.answer()

        told, answer = asyncio.run(main())

        assert (answer.status, told) == (status, ["on_finish"])
        assert answer.body
        assert answer["Sec-WebSocket-Version"] == ("13" if status == 426 else "")

    def test_other_methods_are_not_allowed(self) -> None:
        """405 with the list."""

        async def main() -> Any:
            wire = Wire(Application([("/", Echo, {"told": []})])).request("POST /", *HANDSHAKE)
            return wire.answer()

        answer = asyncio.run(main())

        assert (answer.status, answer["Allow"]) == (405, "GET")

    def test_the_same_origin_is_welcome(self) -> None:
        """Host names compare without case; the hook decides otherwise."""

        async def selected(peer: Peer) -> Any:
            return peer.told

        class Anyone(Echo):
            def check_origin(self, origin: str) -> bool:
                self.told.append(origin)
                return True

        assert connected(selected, Echo, "Origin: http://EXAMPLE.com") == ["on_finish", "open"]
        assert connected(selected, Anyone, "Origin: null")[0] == "null"

    def test_a_subprotocol_is_selected(self) -> None:
        """From those proposed, in their order; the answer names it."""

        class Choosy(Echo):
            def select_subprotocol(self, subprotocols: list[str]) -> str | None:
                self.told.append(subprotocols)
                return subprotocols[-1] if subprotocols else None

        async def main(*fields: str) -> Any:
            peer = Peer(Choosy, *fields)
            await turns(3)
            answer = peer.wire.answer()
            return peer.told[0], answer["Sec-WebSocket-Protocol"], peer.handler.selected_subprotocol

        assert asyncio.run(main("Sec-WebSocket-Protocol: a, b")) == (["a", "b"], "b", "b")
        assert asyncio.run(main()) == ([], "", None)

    def test_prepare_can_refuse_and_add_fields(self) -> None:
        """It is an ordinary request until then."""

        class Refusing(Echo):
            def prepare(self) -> None:
                self.set_status(401)
                self.finish("no")

        class Adding(Echo):
            def prepare(self) -> None:
                self.set_cookie("a", "b")

        async def main(cls: type[Echo]) -> Any:
            peer = Peer(cls)
            await turns(3)
            return peer.wire.answer()

        assert asyncio.run(main(Refusing)).status == 401
        assert asyncio.run(main(Adding))["Set-Cookie"] == "a=b; Path=/"

    def test_frames_behind_the_handshake_are_not_lost(self) -> None:
        """A client need not wait for the answer if it knows the server."""

        async def main() -> list[Any]:
            peer = Peer()
            peer.connection.send_message("early")
            peer.wire.send(peer.connection.data_to_send())
            await peer.connect()
            return peer.received()

        assert asyncio.run(main()) == [core.Message("early")]

    def test_http_methods_are_over(self) -> None:
        """The error says what to use."""

        async def test(peer: Peer) -> None:
            for name, args in [("write", ["x"]), ("finish", []), ("flush", []), ("set_header", ["a", "b"])]:
                with pytest.raises(RuntimeError, match="write_message"):
                    getattr(peer.handler, name)(*args)

        connected(test)


class TestMessages:
    """Both directions."""

    def test_messages_come_back_unchanged(self) -> None:
        """Text as text, binary as binary, those of one read in one write."""

        async def test(peer: Peer) -> Any:
            peer.transport.writes.clear()
            peer.send("é", b"\xff", "")
            writes = len(peer.transport.writes)
            return writes, peer.received()

        assert connected(test) == (1, [core.Message("é"), core.Message(b"\xff"), core.Message("")])

    @pytest.mark.parametrize(
        ("message", "binary", "expected"),
        [
            ("a", False, "a"),
            ("a", True, b"a"),
            (b"a", False, "a"),
            (b"\xff", True, b"\xff"),
            ({"a": 1}, False, '{"a": 1}'),
        ],
    )
    def test_what_can_be_sent(self, message: Any, binary: bool, expected: Any) -> None:
        """The future is done at once when there is room."""

        async def test(peer: Peer) -> Any:
            done = peer.handler.write_message(message, binary)
            assert done.done()
            return peer.received()

        assert connected(test) == [core.Message(expected)]

    @pytest.mark.parametrize(
        ("message", "error"),
        [([1], TypeError), (None, TypeError), (b"\xff", ValueError), ("\ud800", ValueError)],
    )
    def test_what_cannot_be_sent(self, message: Any, error: type[Exception]) -> None:
        """The connection stays usable."""

        async def test(peer: Peer) -> Any:
            with pytest.raises(error):
                peer.handler.write_message(message)
            peer.handler.write_message("still")
            return peer.received()

        assert connected(test) == [core.Message("still")]

    @pytest.mark.parametrize("step", ["open", "on_message"])
    def test_messages_wait_for_a_coroutine_and_keep_their_order(self, step: str) -> None:
        """Pings are answered meanwhile."""
        gate = contextvars.ContextVar[asyncio.Event]("gate")

        class Slow(Echo):
            async def wait(self) -> None:
                await gate.get().wait()

        def on_message(self: Any, message: Any) -> Any:
            Echo.on_message(self, message)
            return self.wait() if message == "1" else None

        setattr(Slow, step, on_message if step == "on_message" else lambda self, *args: self.wait())

        async def main() -> Any:
            gate.set(asyncio.Event())
            peer = await Peer(Slow).connect()
            peer.send("1", "2")
            peer.connection.ping(b"p")
            peer.send("3")
            before = peer.received()
            gate.get().set()
            await turns()
            return before, peer.received(), [told for told in peer.told if told in ("1", "2", "3")]

        before, after, told = asyncio.run(main())
        pong = core.Pong(b"p")

        assert before == ([core.Message("1"), pong] if step == "on_message" else [pong])
        assert [event.data for event in after] == (["2", "3"] if step == "on_message" else ["1", "2", "3"])
        assert told == ["1", "2", "3"]

    def test_too_much_waiting_stops_the_reading(self) -> None:
        """Until the handler is done."""

        class Slow(Echo):
            async def on_message(self, message: Any) -> None:
                await asyncio.sleep(0)

        async def test(peer: Peer) -> Any:
            peer.send("first")
            peer.send("x" * (_websocket_driver.MAX_BACKLOG + 1))
            paused = peer.transport.paused
            await turns()
            return paused, peer.transport.paused

        assert connected(test, Slow) == (True, False)

    def test_a_writer_waits_while_the_peer_does_not_read(self) -> None:
        """And learns of the loss."""

        async def test(peer: Peer) -> None:
            peer.driver.pause_writing()
            first, second = peer.handler.write_message("1"), peer.handler.write_message("2")
            assert not first.done()
            peer.driver.resume_writing()
            await first
            await second
            peer.driver.pause_writing()
            third = peer.handler.write_message("3")
            peer.driver.connection_lost(None)
            with pytest.raises(WebSocketClosedError):
                await third

        connected(test)

    def test_nothing_is_written_to_a_transport_that_is_gone(self) -> None:
        """Even before it says so."""

        async def test(peer: Peer) -> None:
            peer.transport.close()
            with pytest.raises(WebSocketClosedError):
                peer.handler.write_message("x")
            assert peer.received() == []

        connected(test)

    def test_callbacks_see_the_context_of_the_request(self) -> None:
        """What prepare has set."""
        variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

        class Setting(Echo):
            def prepare(self) -> None:
                variable.set("set")

            def on_message(self, message: Any) -> None:
                self.write_message(variable.get())

        async def test(peer: Peer) -> Any:
            peer.send("x")
            return peer.received()

        assert connected(test, Setting) == [core.Message("set")]


class TestEndings:
    """Who closes, and how."""

    @pytest.mark.parametrize(
        ("code", "reason", "expected"),
        [(None, None, (None, None)), (1000, None, (1000, None)), (4001, "bye", (4001, "bye"))],
    )
    def test_a_close_of_the_peer_is_answered_and_told(self, code: Any, reason: Any, expected: Any) -> None:
        """Once; then nothing can be sent."""

        async def test(peer: Peer) -> Any:
            peer.connection.close(code, reason)
            peer.feed()
            events = peer.received()
            assert isinstance(events[-1], core.Closed)
            assert events[-1].clean
            assert peer.transport.closed
            peer.driver.connection_lost(None)
            for call in (lambda: peer.handler.write_message("x"), lambda: peer.handler.ping(b"")):
                with pytest.raises(WebSocketClosedError):
                    call()
            return peer.told

        assert connected(test) == ["on_finish", "open", ("close", *expected)]

    def test_messages_before_the_close_are_delivered_first(self) -> None:
        """Also if the handler takes its time over them."""

        class Slow(Echo):
            async def on_message(self, message: Any) -> None:
                await asyncio.sleep(0)
                self.told.append(message)

        async def test(peer: Peer) -> Any:
            peer.connection.send_message("1")
            peer.connection.send_message("2")
            peer.connection.close(1000)
            peer.feed()
            peer.driver.connection_lost(None)
            await turns()
            return peer.told[2:]

        assert connected(test, Slow) == ["1", "2", ("close", 1000, None)]

    def test_our_close_waits_for_the_answer(self) -> None:
        """Messages that cross it are delivered."""

        async def test(peer: Peer) -> Any:
            peer.handler.close(4000, "done")
            peer.handler.close(4001, "again")
            with pytest.raises(WebSocketClosedError):
                peer.handler.write_message("late")
            peer.told.clear()
            peer.connection.ping(b"crossing")
            peer.feed()
            assert not peer.transport.closed
            peer.received()
            peer.feed()
            assert peer.transport.closed
            return peer.told

        assert connected(test) == [("ping", b"crossing"), ("close", 4000, None)]

    def test_a_peer_that_does_not_answer_is_dropped(self, timers: list[Any]) -> None:
        """After some seconds."""

        async def test(peer: Peer) -> Any:
            peer.handler.close()
            return run_timer(timers), peer.transport.aborted

        assert connected(test) == (_websocket_driver.CLOSE_SECONDS, True)

    @pytest.mark.parametrize("code", [1005, 1006, 999, 5000])
    def test_a_code_that_may_not_be_sent_is_refused(self, code: int) -> None:
        """RFC 6455, section 7.4."""

        async def test(peer: Peer) -> None:
            with pytest.raises(ValueError):
                peer.handler.close(code)
            assert peer.received() == []

        connected(test)

    @pytest.mark.parametrize(
        ("frame", "code"),
        [(b"\x81\x00", 1002), (b"\x81\x81\0\0\0\0\xff", 1007), (b"\x83\x80\0\0\0\0", 1002)],
    )
    def test_a_violation_is_answered_and_told(self, frame: bytes, code: int, caplog: pytest.LogCaptureFixture) -> None:
        """Half of the connection stays open, so that the peer can read why."""
        caplog.set_level(logging.INFO)

        async def test(peer: Peer) -> Any:
            peer.feed(frame)
            (event, _) = peer.received()
            assert peer.transport.ended
            assert not peer.transport.closed
            peer.driver.connection_lost(None)
            return event.code, peer.told[-1][:2]

        assert connected(test) == (code, ("close", code))
        assert "WebSocket of 1.2.3.4 ended" in caplog.text

    def test_a_message_that_is_too_big_closes(self) -> None:
        """The setting says what is too big."""

        async def test(peer: Peer) -> Any:
            peer.send("12345")
            peer.send("123456")
            return [getattr(event, "code", None) for event in peer.received()]

        assert connected(test, websocket_max_message_size=5) == [None, 1009, 1009]

    @pytest.mark.parametrize("step", ["open", "on_message", "on_ping", "on_pong"])
    @pytest.mark.parametrize("style", ["raises", "raises later", "returns nonsense"])
    def test_a_callback_that_fails_closes_with_1011(
        self, step: str, style: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """And is logged; no message follows, on_close does."""

        class Failing(Echo):
            pass

        def raises(self: Any, *args: Any) -> None:
            raise ValueError("mine")

        async def raises_later(self: Any, *args: Any) -> None:
            await asyncio.sleep(0)
            raise ValueError("mine")

        styles: dict[str, Any] = {
            "raises": raises,
            "raises later": raises_later,
            "returns nonsense": lambda *args: 5,
        }
        setattr(Failing, step, styles[style])

        async def test(peer: Peer) -> Any:
            if step != "open":
                peer.connection.ping(b"")
                peer.connection.pong(b"")
                peer.send("1", "2")
            await turns()
            (event,) = [event for event in peer.received() if isinstance(event, core.CloseReceived)]
            peer.feed()
            await turns()
            return event.code, peer.told[-1], "2" in peer.told

        assert connected(test, Failing) == (1011, ("close", 1011, None), False)
        assert "Uncaught exception GET / (1.2.3.4)" in caplog.text
        assert ("TypeError" if style == "returns nonsense" else "ValueError: mine") in caplog.text

    def test_on_message_must_be_defined(self, caplog: pytest.LogCaptureFixture) -> None:
        """The log says so."""

        class Bare(WebSocketHandler):
            def initialize(self, told: Any, peers: Any) -> None:
                pass

        async def test(peer: Peer) -> Any:
            peer.send("x")
            return peer.received()[0].code

        assert connected(test, Bare) == 1011
        assert "Bare must define on_message" in caplog.text

    def test_a_lost_connection_is_told_once(self) -> None:
        """Without a code."""

        async def test(peer: Peer) -> Any:
            assert peer.driver.eof_received() is False
            peer.driver.connection_lost(OSError("reset"))
            return peer.told, peer.handler.ws_connection

        assert connected(test) == (["on_finish", "open", ("close", None, None)], None)

    def test_a_client_that_leaves_during_the_handshake_is_no_websocket(self) -> None:
        """open and on_close are not called."""

        class Slow(Echo):
            async def prepare(self) -> None:
                await asyncio.sleep(0)

        async def main() -> Any:
            peer = Peer(Slow)
            peer.wire.driver.connection_lost(None)
            await turns()
            return peer.told

        assert asyncio.run(main()) == ["on_finish"]

    def test_a_failing_on_close_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        """And nothing else happens."""

        class Failing(Echo):
            def on_close(self) -> None:
                raise ValueError("in on_close")

        async def test(peer: Peer) -> None:
            peer.driver.connection_lost(None)

        connected(test, Failing)

        assert "in on_close" in caplog.text


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Timers that run when the test says so."""
    made: list[Any] = []

    def call_later(self: Any, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
        made.append((delay, callback))
        return asyncio.TimerHandle(0, callback, args, self)

    monkeypatch.setattr(asyncio.BaseEventLoop, "call_later", call_later)
    return made


def run_timer(timers: list[Any]) -> float:
    """Run the next timer; returns the seconds it was set for."""
    delay, callback = timers.pop(0)
    callback()
    return float(delay)


class TestKeepingAlive:
    """Pings of our own."""

    def test_pings_go_out_and_pongs_keep_the_connection(self, timers: list[Any]) -> None:
        """Period after period."""

        async def test(peer: Peer) -> Any:
            delays = []
            for _ in range(3):
                delays.append(run_timer(timers))
                events = peer.received()
                peer.feed()
                delays.append(run_timer(timers))
                assert events == [core.Ping(b"")]
            return delays, peer.transport.closed

        settings = {"websocket_ping_interval": 10, "websocket_ping_timeout": 4}

        assert connected(test, **settings) == ([10, 4, 6, 4, 6, 4], False)

    @pytest.mark.parametrize(("timeout", "delay", "closed"), [(None, 10, True), (4, 4, True), (0, 10, False)])
    def test_a_peer_without_pongs_is_dropped(
        self, timeout: float | None, delay: float, closed: bool, timers: list[Any]
    ) -> None:
        """When the time is over, unless that is forever; pings of the peer do not count."""

        async def test(peer: Peer) -> Any:
            run_timer(timers)
            peer.connection.ping(b"")
            peer.feed()
            assert run_timer(timers) == delay
            dropped = peer.transport.closed
            peer.driver.connection_lost(None)
            return dropped, peer.told[-1]

        settings = {"websocket_ping_interval": 10, "websocket_ping_timeout": timeout}

        assert connected(test, **settings) == (closed, ("close", None, None))

    def test_no_timer_without_the_setting(self, timers: list[Any]) -> None:
        """An idle connection costs nothing."""

        async def test(peer: Peer) -> Any:
            return timers

        assert connected(test) == []

    def test_pings_of_the_handler_and_their_pongs(self) -> None:
        """Up to 125 bytes, text too."""

        async def test(peer: Peer) -> Any:
            peer.handler.ping("p")
            with pytest.raises(ValueError):
                peer.handler.ping(b"x" * 126)
            events = peer.received()
            peer.feed()
            return events, peer.told[-1]

        assert connected(test) == ([core.Ping(b"p")], ("pong", b"p"))
