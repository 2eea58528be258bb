"""Clients that open and hold WebSockets wrongly.

Most lies are told on the wire: ``websocket_connect`` is led to a relay that mends what the suite's server sends, or
spoils what the reference's client does.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.websocket_wire import with_field, with_payload
from conformance.wire.deflate import Broken, Inflation
from conformance.wire.frame_reader import is_utf8
from conformance.wire.frames import BINARY, CLOSE, CONTINUATION, PING, TEXT, Frame, close, frame, take_frame
from conformance.wire.opening import accept_value, parse_fields

_NUMBER = re.compile(r":(\d+)")
#: Keeps relays alive as long as their loop.
_relays: dict[asyncio.AbstractEventLoop, list[Any]] = {}


class Relay:
    """Passes one connection on; a subclass changes what it lies about."""

    def __init__(self) -> None:
        self._buffers = {"client": bytearray(), "server": bytearray()}
        self._heads = {"client": False, "server": False}

    def request(self, head: bytes) -> bytes:
        """Return the client's handshake to pass on."""
        return head

    def response(self, head: bytes) -> bytes:
        """Return the server's answer to pass on."""
        return head

    def sent(self, one: Frame) -> Iterable[Frame]:
        """Return what the suite is to receive in place of the client's frame."""
        return [one]

    def received(self, one: Frame) -> Iterable[Frame]:
        """Return what the client is to receive in place of the server's frame."""
        return [one]

    def early(self, data: bytes) -> bytes:
        """Return what the client is to receive in place of what came with the server's answer."""
        return data

    def passed(self, side: str, data: bytes) -> bytes:
        """Return what is passed on of what ``side`` sent."""
        buffer, result = self._buffers[side], b""
        buffer += data
        if not self._heads[side]:
            if b"\r\n\r\n" not in buffer:
                return b""
            end = buffer.index(b"\r\n\r\n") + 4
            head, rest = bytes(buffer[:end]), bytes(buffer[end:])
            self._heads[side] = True
            result = self.request(head) if side == "client" else self.response(head)
            buffer[:] = rest if side == "client" else self.early(rest)
            if side == "server" and not head.startswith(b"HTTP/1.1 101"):
                result, buffer[:] = result + bytes(buffer), b""
        while (one := take_frame(buffer)) is not None:
            result += b"".join(each.encode() for each in (self.sent if side == "client" else self.received)(one))
        if (side == "server" and buffer[1:2] == b"\xff") or buffer[1:2] == b"\x7f":
            # A frame that is never finished.
            result, buffer[:] = result + self.unfinished(bytes(buffer)), b""
        return result

    def unfinished(self, data: bytes) -> bytes:
        """Return what the client is to receive in place of a frame that announces gigabytes."""
        return data


async def _relayed(kind: type[Relay], url: str) -> str:
    """Start a relay to the server of ``url``; return the URL to connect to."""
    port = int(_NUMBER.findall(url)[0])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay = kind()
        with contextlib.suppress(OSError):
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
            back = asyncio.ensure_future(_pump(server_reader, writer, lambda data: relay.passed("server", data)))
            await _pump(reader, server_writer, lambda data: relay.passed("client", data))
            await back

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    _relays.setdefault(asyncio.get_running_loop(), []).append(server)
    return url.replace(f":{port}", f":{server.sockets[0].getsockname()[1]}")


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Callable[[bytes], bytes]) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(change(data))
            await writer.drain()
    writer.close()


def client_lie(
    name: str, sentence: str, *kills: str
) -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(
        name, sentence, chapters="websocket.client", kills=tuple(f"websocket.client.{one}" for one in kills)
    )


def around_connect(ref: Patches, lie: Callable[..., Any]) -> None:
    """Let ``lie(original, url, **options)``, a coroutine, connect in place of ``websocket_connect``."""
    original = ref.websocket.websocket_connect

    def connect(url: Any, **options: Any) -> Any:
        return asyncio.ensure_future(lie(original, url, **options))

    ref.replace(ref.websocket, "websocket_connect", connect)


def relay_lie(name: str, sentence: str, *kills: str) -> Callable[[type[Relay]], type[Relay]]:
    """Register the decorated relay as a saboteur."""

    def register(kind: type[Relay]) -> type[Relay]:
        def apply(ref: Patches) -> None:
            async def lie(original: Any, url: Any, **options: Any) -> Any:
                if not url.startswith("ws://127.0.0.1:") or ":1/" in url:
                    return await original(url, **options)
                return await original(await _relayed(kind, url), **options)

            around_connect(ref, lie)

        client_lie(name, sentence, *kills)(apply)
        return kind

    return register


def _field(head: bytes, name: str) -> str | None:
    return next((value for other, value in parse_fields(head) if other == name.lower()), None)


# -- the handshake ----------------------------------------------------------------------------------------------------


@relay_lie("client-old-version", "The client asks for version 8.", "request")
class OldVersion(Relay):
    def request(self, head: bytes) -> bytes:
        return with_field(head, "Sec-WebSocket-Version", "8")


@relay_lie("client-constant-key", "The client's key is always the same.", "key")
class ConstantKey(Relay):
    key = ""
    fake = "AAAAAAAAAAAAAAAAAAAAAA=="

    def request(self, head: bytes) -> bytes:
        self.key = _field(head, "sec-websocket-key") or ""
        return with_field(head, "Sec-WebSocket-Key", self.fake)

    def response(self, head: bytes) -> bytes:
        return head.replace(accept_value(self.fake).encode(), accept_value(self.key).encode())


@relay_lie("client-impatient", "The client sends a message behind its handshake.", "waits-for-the-answer")
class Impatient(Relay):
    def request(self, head: bytes) -> bytes:
        return head + frame(TEXT, b"already").encode()


@relay_lie("client-names-an-origin", "The client sends an Origin of its own accord.", "nothing-offered")
class NamesOrigin(Relay):
    def request(self, head: bytes) -> bytes:
        return with_field(head, "Origin", "http://example.test")


@relay_lie("client-offers-no-subprotocols", "Subprotocols are not offered.", "subprotocols")
class NoSubprotocols(Relay):
    def request(self, head: bytes) -> bytes:
        return with_field(head, "Sec-WebSocket-Protocol", None)


@relay_lie("client-offers-nonsense", "The offer of compression has a window without a number.", "offer")
class OffersNonsense(Relay):
    def request(self, head: bytes) -> bytes:
        offered = _field(head, "sec-websocket-extensions")
        return (
            with_field(head, "Sec-WebSocket-Extensions", f"{offered}; server_no_context_takeover=1")
            if offered
            else head
        )


@relay_lie("client-percent-lost", "Percent signs are left out of the target.", "non-ascii", "request")
class PercentLost(Relay):
    def request(self, head: bytes) -> bytes:
        line, _, rest = head.partition(b"\r\n")
        return line.replace(b"%", b"") + b"\r\n" + rest


@client_lie("client-sends-fragments", "A fragment is sent as part of the path.", "fragment")
def _(ref: Patches) -> None:
    async def lie(original: Any, url: Any, **options: Any) -> Any:
        return await original(url.replace("#", "%23"), **options)

    around_connect(ref, lie)


@client_lie("client-without-tls", "wss:// is taken for ws://.", "untrusted-tls")
def _(ref: Patches) -> None:
    async def lie(original: Any, url: Any, **options: Any) -> Any:
        return await original(url.replace("wss://localhost", "ws://127.0.0.1"), **options)

    around_connect(ref, lie)


@client_lie(
    "client-failures-are-none",
    "Where there is no connection, websocket_connect returns None instead of raising.",
    "no-answer",
    "refused",
    "wrong-answer",
    "wrong-compression",
    "bad-url",
    "opening-timeout",
    "untrusted-tls",
)
def _(ref: Patches) -> None:
    async def lie(original: Any, url: Any, **options: Any) -> Any:
        try:
            return await original(url, **options)
        except Exception:
            return None

    around_connect(ref, lie)


@relay_lie("client-strict-spelling", "Answers in another spelling than usual are refused.", "answer-spelling")
class StrictSpelling(Relay):
    def response(self, head: bytes) -> bytes:
        usual = (_field(head, "upgrade"), _field(head, "connection")) == ("websocket", "Upgrade")
        return head if usual else with_field(head, "Upgrade", "nonsense")


@relay_lie("client-believes-everything", "Whatever the server answers is taken for a right answer.",
           "wrong-answer", "wrong-compression")  # fmt: skip
class BelievesEverything(Relay):
    accept = ""

    def request(self, head: bytes) -> bytes:
        self.accept = accept_value(_field(head, "sec-websocket-key") or "")
        return head

    def response(self, head: bytes) -> bytes:
        if not head.startswith(b"HTTP/1.1 101"):
            return head
        fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": self.accept}
        for name, value in {**fields, "Sec-WebSocket-Protocol": None, "Sec-WebSocket-Extensions": None}.items():
            head = with_field(head, name, value)
        return head


@relay_lie("client-takes-over-after-all", "client_no_context_takeover in an answer is overlooked.",
           "compression-answers")  # fmt: skip
class TakesOver(Relay):
    def response(self, head: bytes) -> bytes:
        return head.replace(b"; client_no_context_takeover", b"")


@relay_lie("client-window-too-large", "client_max_window_bits in an answer is overlooked.", "window")
class WindowTooLarge(Relay):
    def response(self, head: bytes) -> bytes:
        return re.sub(rb"; client_max_window_bits=\d+", b"", head)


@client_lie("client-waits-for-ever", "connect_timeout is not obeyed.", "opening-timeout")
def _(ref: Patches) -> None:
    async def lie(original: Any, url: Any, **options: Any) -> Any:
        options.pop("connect_timeout", None)
        return await original(url, **options)

    around_connect(ref, lie)


# -- messages ---------------------------------------------------------------------------------------------------------


@relay_lie("client-loud", "The client's text is sent in capitals.", "sends", "masks")
class Loud(Relay):
    def sent(self, one: Frame) -> Iterable[Frame]:
        return [with_payload(one, one.payload.upper()) if one.opcode == TEXT and not one.rsv else one]


@relay_lie("client-constant-mask", "All frames have the same masking key.", "masks", "sends")
class ConstantMask(Relay):
    def sent(self, one: Frame) -> Iterable[Frame]:
        return [replace(one, key=b"\x01\x02\x03\x04")]


@relay_lie("client-reads-text-only", "Binary messages are read as text.", "reads", "early-message", "callback")
class TextOnly(Relay):
    def received(self, one: Frame) -> Iterable[Frame]:
        return [replace(one, opcode=TEXT, payload=bytes(b & 127 for b in one.payload)) if one.opcode == BINARY else one]


@relay_lie("client-drops-early-messages", "What comes with the server's answer is lost.", "early-message")
class DropsEarly(Relay):
    def early(self, data: bytes) -> bytes:
        return b""


@client_lie("client-callback-not-told", "The callback is not told the end.", "callback")
def _(ref: Patches) -> None:
    async def lie(original: Any, url: Any, **options: Any) -> Any:
        told = options.get("on_message_callback")
        if told is not None:
            options["on_message_callback"] = lambda message: told("" if message is None else message)
        return await original(url, **options)

    around_connect(ref, lie)


@relay_lie("client-pong-changed", "A pong has not the ping's content.", "ping", "masks", "waits-for-the-answer")
class PongChanged(Relay):
    def received(self, one: Frame) -> Iterable[Frame]:
        return [with_payload(one, b"other") if one.opcode == PING and not one.rsv else one]


@relay_lie("client-forgets-what-it-inflated", "Every message is inflated in an empty window.", "compressed")
class Forgetful(Relay):
    def received(self, one: Frame) -> Iterable[Frame]:
        try:
            if one.rsv == 4 and one.fin:
                Inflation({}).message(one.payload)
        except Broken:
            return [with_payload(one, b"\xff")]
        return [one]


# -- faults -----------------------------------------------------------------------------------------------------------


class Careless(Relay):
    """Takes a faulty frame for a close frame with 1000, so that the client closes as if nothing had been wrong."""

    def faulty(self, one: Frame) -> bool:
        """Return whether the client should have seen a fault."""
        raise NotImplementedError

    def received(self, one: Frame) -> Iterable[Frame]:
        return [replace(close(1000), key=None)] if self.faulty(one) else [one]


@relay_lie("client-takes-masked-frames", "Masked frames of the server are accepted.", "masked-frame")
class TakesMasked(Careless):
    def faulty(self, one: Frame) -> bool:
        return one.key is not None


@relay_lie("client-overlooks-headers", "Headers that mean nothing are overlooked.",
           "bad-header", "longer-form", "bad-compression")  # fmt: skip
class OverlooksHeaders(Careless):
    def faulty(self, one: Frame) -> bool:
        longer = one.form != (7 if one.announced < 126 else 16 if one.announced < 65536 else 64)
        control = one.opcode >= CLOSE and (not one.fin or one.announced > 125)
        return bool(longer or control or one.rsv or one.opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15))

    def unfinished(self, data: bytes) -> bytes:
        return replace(close(1000), key=None).encode()


@relay_lie("client-overlooks-order", "Fragments may come in any order.", "bad-order")
class OverlooksOrder(Careless):
    inside = False

    def faulty(self, one: Frame) -> bool:
        if one.opcode >= CLOSE:
            return False
        before, self.inside = self.inside, not one.fin
        return before != (one.opcode == CONTINUATION)


@relay_lie("client-overlooks-text", "Text is not checked.", "bad-text")
class OverlooksText(Careless):
    text = b""

    def faulty(self, one: Frame) -> bool:
        self.text = one.payload if one.opcode == TEXT else self.text + one.payload
        return one.fin and one.opcode in (TEXT, CONTINUATION) and not is_utf8(self.text)


@relay_lie("client-overlooks-close-codes", "Whatever a close frame says is accepted.", "bad-close")
class OverlooksCodes(Careless):
    def faulty(self, one: Frame) -> bool:
        return one.opcode == CLOSE


@relay_lie("client-without-limit", "max_message_size is not obeyed.", "limit")
class WithoutLimit(Careless):
    size = 0

    def faulty(self, one: Frame) -> bool:
        self.size = one.announced if one.opcode == BINARY else self.size + one.announced
        return self.size > 10000 or one.rsv == 4

    def unfinished(self, data: bytes) -> bytes:
        return replace(close(1000), key=None).encode()


# -- closing ----------------------------------------------------------------------------------------------------------


@relay_lie("client-without-reasons", "The reason given to close() is not sent.", "close")
class WithoutReasons(Relay):
    def sent(self, one: Frame) -> Iterable[Frame]:
        return [with_payload(one, one.payload[:2]) if one.opcode == CLOSE else one]


@relay_lie("client-told-1000", "Whatever the server closes with, the client is told 1000.",
           "closed-by-server", "closed-without-code")  # fmt: skip
class Told1000(Relay):
    def received(self, one: Frame) -> Iterable[Frame]:
        return [replace(close(1000), key=None) if one.opcode == CLOSE else one]


@client_lie("client-writes-into-the-void", "write_message on a lost connection does nothing.", "lost")
def _(ref: Patches) -> None:
    kind = ref.websocket.WebSocketClientConnection
    original = kind.write_message

    async def nothing() -> None:
        pass

    def lie(self: Any, message: Any, binary: bool = False) -> Any:
        try:
            return original(self, message, binary)
        except ref.websocket.WebSocketClosedError:
            return nothing()

    ref.replace(kind, "write_message", lie)


@client_lie("client-reads-for-ever", "After the end only the first read_message returns.", "none-again")
def _(ref: Patches) -> None:
    kind = ref.websocket.WebSocketClientConnection
    original = kind.read_message
    ended: set[int] = set()

    async def lie(self: Any) -> Any:
        if id(self) in ended:
            await asyncio.Event().wait()
        message = await original(self)
        if message is None:
            ended.add(id(self))
        return message

    ref.replace(kind, "read_message", lie)
