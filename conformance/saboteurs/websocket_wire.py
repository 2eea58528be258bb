"""What the saboteurs of the WebSocket chapters stand on: lies about handshake heads and single frames.

The lies are told between the suite and the reference's server, so they hold for any reference. A fault that the suite
sends is mended on its way in; what the server answers is spoilt on its way out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from conformance.saboteurs import Patches, Tamper, saboteur
from conformance.wire.frames import CLOSE, Frame, take_frame

#: A frame that announces more is passed on as it comes: waiting for the rest of it would be a lie of its own.
_WAITED_FOR = 1 << 24


class WebSocketTamper(Tamper):
    """Sees a connection as heads and frames; a subclass changes what it lies about and passes on the rest."""

    def __init__(self) -> None:
        self._in = bytearray()
        self._out = bytearray()
        self._head_in = self._head_out = False
        #: Whether the suite is inside a fragmented message.
        self.inside = False
        #: The suite's request as it was sent.
        self.asked = b""

    def request(self, head: bytes) -> bytes:
        """Return the handshake's request to pass on."""
        return head

    def response(self, head: bytes) -> bytes:
        """Return the handshake's answer to pass on."""
        return head

    def received(self, frame: Frame) -> Iterable[Frame]:
        """Return what the server is to receive in place of ``frame``."""
        return [frame]

    def unfinished(self, data: bytes) -> bytes:
        """Return what the server is to receive in place of a frame that is never finished."""
        return data

    def sent(self, frame: Frame) -> Iterable[Frame]:
        """Return what the suite is to receive in place of ``frame``."""
        return [frame]

    def inbound(self, data: bytes) -> bytes:
        self._in += data
        passed = b""
        if not self._head_in:
            if b"\r\n\r\n" not in self._in:
                return b""
            self._head_in = True
            self.asked = _take_head(self._in)
            passed = self.request(self.asked)
        while frame := take_frame(self._in):
            passed += b"".join(one.encode() for one in self.received(frame))
            self.inside = not frame.fin if frame.opcode < CLOSE else self.inside
        if self._in[1:2] and self._in[1] & 127 == 127 and int.from_bytes(self._in[2:10], "big") > _WAITED_FOR:
            passed += self.unfinished(bytes(self._in))
            self._in.clear()
        return passed

    def outbound(self, data: bytes) -> bytes:
        self._out += data
        passed = b""
        if not self._head_out:
            if b"\r\n\r\n" not in self._out:
                return b""
            self._head_out = True
            passed = self.response(_take_head(self._out))
            if not passed.startswith(b"HTTP/1.1 101"):
                rest = bytes(self._out)
                self._out.clear()
                self._head_out = False
                return passed + rest
        while frame := take_frame(self._out):
            passed += b"".join(one.encode() for one in self.sent(frame))
        return passed


def _take_head(buffer: bytearray) -> bytes:
    end = buffer.index(b"\r\n\r\n") + 4
    head = bytes(buffer[:end])
    del buffer[:end]
    return head


def lie(
    name: str, sentence: str, chapter: str, *kills: str
) -> Callable[[type[WebSocketTamper]], type[WebSocketTamper]]:
    """Register the decorated tamper as a saboteur of ``chapter`` that breaks the requirements ``kills``."""

    def register(kind: type[WebSocketTamper]) -> type[WebSocketTamper]:
        def apply(ref: Patches) -> None:
            ref.tamper = kind

        saboteur(name, sentence, chapters=f"websocket.{chapter}", kills=tuple(f"websocket.{id}" for id in kills))(apply)
        return kind

    return register


def frames_lie(
    name: str,
    sentence: str,
    chapter: str,
    *kills: str,
    received: Callable[[Frame], Iterable[Frame]] | None = None,
    sent: Callable[[Frame], Iterable[Frame]] | None = None,
) -> None:
    """Register a saboteur that treats every frame by itself: ``received`` on the way in, ``sent`` on the way out."""

    class OneByOne(WebSocketTamper):
        def received(self, frame: Frame) -> Iterable[Frame]:
            return received(frame) if received else [frame]

        def sent(self, frame: Frame) -> Iterable[Frame]:
            return sent(frame) if sent else [frame]

    lie(name, sentence, chapter, *kills)(OneByOne)


def head_lie(
    name: str,
    sentence: str,
    *kills: str,
    request: Callable[[bytes], bytes] | None = None,
    response: Callable[[bytes, bytes], bytes] | None = None,
) -> None:
    """Register a saboteur of the handshake: ``request`` mends what is asked, ``response(asked, answer)`` spoils what
    is answered."""

    class Heads(WebSocketTamper):
        def request(self, head: bytes) -> bytes:
            return request(head) if request else head

        def response(self, head: bytes) -> bytes:
            return response(self.asked, head) if response else head

    lie(name, sentence, "handshake", *kills)(Heads)


def with_payload(frame: Frame, payload: bytes) -> Frame:
    """Return ``frame`` with another payload and a length that fits it."""
    form = 7 if len(payload) < 126 else 16 if len(payload) < 65536 else 64
    return replace(frame, payload=payload, announced=len(payload), form=form)


def with_field(head: bytes, name: str, value: str | None) -> bytes:
    """Return a head in which the field ``name`` has this value, once; None leaves it out."""
    without = re.sub(rb"(?im)^" + re.escape(name.encode()) + rb":[^\r]*\r\n", b"", head)
    line = f"{name}: {value}\r\n".encode() if value is not None else b""
    return without.removesuffix(b"\r\n") + line + b"\r\n"
