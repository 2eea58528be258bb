"""The driver of a WebSocket under stress: floods, peers that do not read, iteration, shutting down."""

from __future__ import annotations

import asyncio
import errno
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from waterspout import _websocket_driver
from waterspout.protocol import websocket as core
from waterspout.protocol.websocket.frames import BINARY, CONTINUATION, RSV1, TEXT, apply_mask, build_frame_header
from waterspout.websocket import WebSocketClosedError, WebSocketHandler

sys.path.insert(0, str(Path(__file__).parent))
from _web_wire import turns
from test_websocket_handler import Echo, Peer, connected

KEY = b"\x01\x02\x03\x04"
COMPRESSION = "Sec-WebSocket-Extensions: permessage-deflate"


def masked(opcode: int, payload: bytes, *, fin: bool = True, reserved: int = 0, length: int | None = None) -> bytes:
    announced = len(payload) if length is None else length
    return build_frame_header(opcode, announced, True, fin=fin, reserved=reserved) + KEY + apply_mask(payload, KEY)


class Compressing(Echo):
    """Echoes, compressed."""

    def get_compression_options(self) -> dict[str, Any] | None:
        return {}


class Slow(Echo):
    """Takes one message at a time."""

    def on_message(self, message: str | bytes) -> Any:
        self.told.append(message)
        self.going = asyncio.get_running_loop().create_future()
        return self.going


class TestFloods:
    """Much of something, and bounded memory."""

    def test_tiny_frames_let_others_have_their_turn(self) -> None:
        """A read with thousands of messages is handed on in portions, and reading stops meanwhile."""

        async def test(peer: Peer) -> None:
            peer.feed(masked(TEXT, b"x") * 2000)
            assert len(peer.told) == 2 + _websocket_driver.EVENTS_AT_ONCE
            assert peer.transport.paused
            await turns(20)
            assert len(peer.told) == 2002
            assert not peer.transport.paused
            assert peer.received() == [core.Message("x")] * 2000

        connected(test)

    def test_fragments_without_end_are_cut_off(self) -> None:
        """1009 when the limit is reached; on_close comes once."""

        async def test(peer: Peer) -> None:
            peer.feed(masked(BINARY, b"x" * 500, fin=False) + masked(CONTINUATION, b"x" * 400, fin=False) * 2)
            assert peer.received() == [core.CloseReceived(1009, "message is longer than 1000 octets"), *peer_end(1009)]
            peer.driver.connection_lost(None)
            assert peer.told[2:] == [("close", 1009, "message is longer than 1000 octets")]

        connected(test, websocket_max_message_size=1000)

    def test_a_frame_of_a_gibibyte_is_refused_when_announced(self, caplog: pytest.LogCaptureFixture) -> None:
        """And the log names the cause."""
        caplog.set_level("INFO")

        async def test(peer: Peer) -> None:
            peer.feed(masked(BINARY, b"first", length=1 << 30))
            assert [event.code for event in peer.received() if isinstance(event, core.CloseReceived)] == [1009]
            assert peer.transport.ended

        connected(test)
        assert "WebSocket of 1.2.3.4 ended: message is longer than 10485760 octets" in caplog.text

    def test_a_bomb_is_closed_with_1009(self) -> None:
        """Inflated up to the limit, and no further."""
        bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
        payload = bomb.compress(bytes(20 << 20)) + bomb.flush(zlib.Z_SYNC_FLUSH)[:-4]

        async def test(peer: Peer) -> None:
            peer.feed(masked(BINARY, payload, reserved=RSV1))
            assert [event.code for event in peer.received() if isinstance(event, core.CloseReceived)] == [1009]
            assert [entry for entry in peer.told if entry[0] == "close"] == [
                ("close", 1009, "message is longer than 10485760 octets")
            ]

        connected(test, Compressing, COMPRESSION)

    def test_inflated_messages_do_not_pile_up_before_a_busy_handler(self) -> None:
        """What waits is counted inflated; the rest stays compressed until there is room."""
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        payload = deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)[:-4]

        class SlowInflater(Slow):
            def get_compression_options(self) -> dict[str, Any] | None:
                return {}

        async def test(peer: Peer) -> None:
            driver: Any = peer.driver
            peer.feed(masked(BINARY, payload, reserved=RSV1) * 50)
            peer.feed(masked(TEXT, b"late"))
            assert driver._backlog < 2 << 20
            assert peer.transport.paused
            for _ in range(60):
                if not peer.handler.going.done():
                    peer.handler.going.set_result(None)
                await turns(4)
            assert [len(message) for message in peer.told[2:]] == [1 << 20] * 50 + [4]
            assert not peer.transport.paused

        connected(test, SlowInflater, COMPRESSION)


def peer_end(code: int) -> list[core.Event]:
    """What a client's core says after a Close with ``code``."""
    return [core.Closed(code, "message is longer than 1000 octets", True)]


class TestPeersThatDoNotRead:
    """The bounded send queue."""

    def test_the_connection_is_closed_with_1008(self, caplog: pytest.LogCaptureFixture) -> None:
        """By default; the log says why, and on_close comes once."""

        async def test(peer: Peer) -> None:
            peer.driver.pause_writing()
            peer.transport.unsent = 1000
            assert not peer.handler.write_message("fits").done()
            peer.transport.unsent = 1999
            with pytest.raises(WebSocketClosedError, match="more than 2000 bytes"):
                peer.handler.write_message("too much")
            assert [type(event) for event in peer.received()] == [core.Message, core.CloseReceived, core.Closed]
            peer.driver.connection_lost(None)
            assert peer.told[2:] == [("close", None, None)]

        connected(test, websocket_max_send_queue=2000)
        assert "1.2.3.4 does not read: more than 2000 bytes wait for it" in caplog.text

    def test_messages_can_be_dropped_instead(self) -> None:
        """The next one that fits goes out."""

        async def test(peer: Peer) -> None:
            peer.driver.pause_writing()
            peer.transport.unsent = 3000
            assert peer.handler.write_message("dropped").done()
            peer.driver.resume_writing()
            peer.transport.unsent = 0
            peer.handler.write_message("sent")
            assert peer.received() == [core.Message("sent")]

        connected(test, websocket_max_send_queue=2000, websocket_send_queue_policy="drop")

    def test_there_may_be_no_limit(self) -> None:
        """None is for programs that wait by themselves."""

        async def test(peer: Peer) -> None:
            peer.driver.pause_writing()
            peer.transport.unsent = 1 << 40
            peer.handler.write_message("sent")
            assert peer.received() == [core.Message("sent")]

        connected(test, websocket_max_send_queue=None)

    def test_an_echo_server_does_not_grow_without_bound(self) -> None:
        """Nobody waits for the echoes, and the client never reads: closed at the limit."""

        async def test(peer: Peer) -> None:
            driver: Any = peer.driver
            peer.driver.pause_writing()
            while not driver.is_closing():
                peer.transport.unsent = len(peer.transport.written)
                peer.feed(masked(BINARY, b"x" * 60000))
            assert len(peer.transport.written) < 2_100_000

        connected(test, websocket_max_send_queue=2_000_000)


class TestIteration:
    """``async for message in handler``."""

    def test_messages_come_out_and_the_loop_ends_with_the_connection(self) -> None:
        """In order, with the end behind the last one; on_message is not called."""

        class Iterating(Echo):
            async def open(self, *args: str, **kwargs: str) -> None:
                async for message in self:
                    self.told.append(("iterated", message))
                    await self.write_message(message)
                self.told.append("over")

        async def test(peer: Peer) -> None:
            peer.send("one", "two")
            await turns(5)
            peer.send("three")
            await turns(5)
            assert peer.received() == [core.Message(text) for text in ("one", "two", "three")]
            peer.connection.close(1000)
            peer.feed()
            await turns(5)
            assert peer.told[1:] == [
                *[("iterated", text) for text in ("one", "two", "three")],
                ("close", 1000, None),
                "over",
            ]

        connected(test, Iterating)

    def test_a_reader_that_waits_holds_the_peer(self) -> None:
        """What is not taken counts."""

        class Lazy(Echo):
            async def open(self, *args: str, **kwargs: str) -> None:
                async for message in self:
                    self.told.append(len(message))
                    self.going = asyncio.get_running_loop().create_future()
                    await self.going

        async def test(peer: Peer) -> None:
            await turns(3)
            for _ in range(4):
                peer.feed(masked(BINARY, b"x" * 40000))
                await turns(3)
            assert peer.transport.paused
            for _ in range(4):
                peer.handler.going.set_result(None)
                await turns(4)
            assert peer.told[1:] == [40000] * 4
            assert not peer.transport.paused

        connected(test, Lazy)

    def test_there_is_nothing_to_iterate_over_without_a_connection(self) -> None:
        """The error says so."""

        async def test(peer: Peer) -> None:
            handler: WebSocketHandler = peer.handler
            peer.driver.connection_lost(None)
            with pytest.raises(WebSocketClosedError):
                handler.__aiter__()

        connected(test)


class TestShuttingDown:
    """What a server does with its open WebSockets at the end."""

    def test_1001_is_sent_and_the_end_awaited(self) -> None:
        """The peer's answer ends it; calling again changes nothing."""

        async def test(peer: Peer) -> None:
            driver: Any = peer.driver
            tasks = [asyncio.ensure_future(driver.shut_down()) for _ in range(2)]
            await turns(2)
            assert peer.received()[0] == core.CloseReceived(1001, "the server is going away")
            peer.feed()
            assert peer.transport.closed
            assert not tasks[0].done()
            driver.connection_lost(None)
            await asyncio.gather(*tasks)
            await driver.shut_down()

        connected(test)


def test_a_peer_that_has_reset_the_connection_is_given_up() -> None:
    """The end after a violation meets a socket that is no longer connected: no exception, no wait for the peer."""

    def not_connected() -> None:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    async def test(peer: Peer) -> None:
        peer.transport.write_eof = not_connected  # type: ignore[method-assign]
        peer.feed(masked(CONTINUATION, b"x"))
        assert peer.transport.aborted

    connected(test)


def test_an_echo_costs_few_calls() -> None:
    """The bound of 35 Python calls for 64 octets holds on every supported Python."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    try:
        import websocket_calls
    finally:
        sys.path.pop(0)
    counter = asyncio.run(websocket_calls.count("waterspout"))
    assert counter.python / websocket_calls.COUNTED <= 35
