"""A WebSocket connection after the opening handshake, without I/O, for both roles (RFC 6455 sections 5 to 8),
with or without permessage-deflate (RFC 7692).

``feed`` takes what the transport delivered and returns events; it never raises for what a peer sends. What
has to be sent, asked for by the caller or owed to the peer (Pong, Close), collects behind ``data_to_send``.

Closing has four steps: our Close, the peer's Close, the ``Closed`` event, the end of the transport. A
violation takes the short way: a Close with the code that names it, then ``Closed``, and nothing is read any
more (section 7.1.7). The driver's duty is small: after each call write ``data_to_send()``, and end the
transport when ``should_drop`` is true.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import Enum

from waterspout.protocol.websocket.assembly import MessageAssembler
from waterspout.protocol.websocket.close import (
    ABNORMAL_CLOSURE,
    NO_STATUS_RECEIVED,
    build_payload,
    parse_payload,
)
from waterspout.protocol.websocket.deflate import Deflater, Inflater
from waterspout.protocol.websocket.errors import ConnectionClosedError, PayloadError, ProtocolViolation
from waterspout.protocol.websocket.events import Closed, CloseReceived, Event, Message, Ping, Pong
from waterspout.protocol.websocket.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    MAX_SHORT,
    PING,
    PONG,
    RSV1,
    TEXT,
    FrameHeader,
    apply_mask,
    build_frame_header,
    parse_header,
    rotate_key,
)

#: Default limit of a message: 10 MiB (documentation: setting ``websocket_max_message_size``).
DEFAULT_MAX_MESSAGE_SIZE = 10 * 1024 * 1024

# Up to here one concatenated string is cheaper than a list entry of its own for the header.
_JOIN_BELOW = 16 * 1024


class Role(Enum):
    """Which end of the connection we are: a client masks what it sends, a server does not (section 5.1)."""

    CLIENT = "client"
    SERVER = "server"


CLIENT = Role.CLIENT
SERVER = Role.SERVER


class State(Enum):
    """OPEN; CLOSING while our Close frame awaits the peer's; CLOSED when nothing is read any more."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class Connection:
    """One end of an established connection.

    ``role`` is ``SERVER`` or ``CLIENT``. ``max_message_size`` limits received messages, in octets of payload
    with all fragments counted and compressed ones inflated; a longer one fails the connection with 1009.
    ``deflate`` holds what `negotiation.make_codecs` made of an agreement on permessage-deflate; without it a
    compressed message fails the connection.
    """

    def __init__(
        self,
        role: Role,
        *,
        max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
        deflate: tuple[Deflater, Inflater] | None = None,
    ) -> None:
        self.role = role
        self.state = State.OPEN
        self.max_message_size = max_message_size
        self._deflater = deflate[0] if deflate else None
        # The bits that the extension defines for the first frame of a message (RFC 7692 section 6).
        self._reserved_bits = RSV1 if deflate else 0
        self._we_mask = role is Role.CLIENT
        self._they_mask = not self._we_mask
        self._message = MessageAssembler(max_message_size, deflate[1] if deflate else None)
        self._output: list[bytes] = []
        # Input not consumed yet: less than a header, or less than a control frame. Payload of messages is
        # never held back here, which is what keeps input octet by octet linear.
        self._pending = b""
        # The data frame whose payload is arriving: octets to come, key from here on, last of its message.
        self._missing = 0
        self._key = b""
        self._final = True
        #: Whether to end the transport, once ``data_to_send()`` has been written. After a clean close the server
        #: ends it at once and the client waits for that (section 7.1.1); after a failure either side ends it.
        self.should_drop = False

    def data_to_send(self) -> bytes:
        """What is to be written to the transport now, taken out of the queue; empty if there is nothing."""
        output = self._output
        if not output:
            return b""
        self._output = []
        return output[0] if len(output) == 1 else b"".join(output)

    # Sending

    def send_message(self, data: str | bytes | bytearray | memoryview, compress: bool = True) -> None:
        """Queue a whole message: text for ``str``, binary otherwise.

        Where permessage-deflate is in use, ``compress`` False sends this message as it is. Raises
        ``ConnectionClosedError`` after a Close frame was sent or received, ``PayloadError`` for a ``str`` that
        UTF-8 cannot express (lone surrogates).
        """
        if self.state is not State.OPEN:
            raise self._not_open("message")
        if isinstance(data, str):
            opcode = TEXT
            try:
                payload = data.encode("utf-8")
            except UnicodeEncodeError as error:
                raise PayloadError("the text holds lone surrogates; send it as bytes or repair it") from error
        else:
            opcode, payload = BINARY, bytes(data)
        deflater = self._deflater
        if deflater is None or not compress:
            self._queue(opcode, payload)
            return
        compressed = deflater.compress(payload)
        if len(compressed) > len(payload) and not deflater.takes_over:
            self._queue(opcode, payload)
        else:
            self._queue(opcode, compressed, RSV1)

    def ping(self, data: bytes = b"") -> None:
        """Queue a Ping with at most 125 octets.

        Raises ``ConnectionClosedError`` as ``send_message`` does, ``PayloadError`` for more octets.
        """
        self._send_control(PING, "ping", data)

    def pong(self, data: bytes = b"") -> None:
        """Queue a Pong that nobody asked for (Pings are answered without this); raises as ``ping``."""
        self._send_control(PONG, "pong", data)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Begin the closing handshake; without effect once a Close frame was sent or the connection ended.

        A reason without a code is sent with 1000. Messages that arrive before the peer's Close are still
        reported. Raises ``PayloadError`` for a code that may not be sent and for a reason over 123 octets of
        UTF-8.
        """
        payload = build_payload(code, reason)
        if self.state is State.OPEN:
            self._queue(CLOSE, payload)
            self.state = State.CLOSING

    def _send_control(self, opcode: int, name: str, data: bytes) -> None:
        if self.state is not State.OPEN:
            raise self._not_open(name)
        if len(data) > MAX_SHORT:
            raise PayloadError(f"the {name} holds {len(data)} octets; a control frame takes {MAX_SHORT} at most")
        self._queue(opcode, bytes(data))

    def _not_open(self, what: str) -> ConnectionClosedError:
        return ConnectionClosedError(f"no {what} can be sent any more: the connection is {self.state.value}")

    def _queue(self, opcode: int, payload: bytes, reserved: int = 0) -> None:
        header = build_frame_header(opcode, len(payload), self._we_mask, reserved=reserved)
        if self._we_mask:
            # A fresh key from a strong source for every frame (section 5.3).
            key = os.urandom(4)
            header += key
            payload = apply_mask(payload, key)
        if len(payload) < _JOIN_BELOW:
            self._output.append(header + payload)
        else:
            self._output += (header, payload)

    # Receiving

    def feed(self, data: bytes | bytearray | memoryview) -> list[Event]:
        """Take octets from the transport; the events they complete, in order. A peer's fault never raises.

        Octets after the end (the peer's Close, or a violation) are ignored.
        """
        return list(self.events(data))

    def events(self, data: bytes | bytearray | memoryview) -> Iterator[Event]:
        """As ``feed``, frame by frame: what follows an event is looked at when the next one is asked for.

        So what is sent because of a message leaves before the answer to a Close that came behind it, which is
        given between ``CloseReceived`` and ``Closed``. The iterator must be used up before more is fed.
        """
        if self.state is State.CLOSED:
            return
        octets = self._pending + data if self._pending else bytes(data)
        message = self._message
        position, end = 0, len(octets)
        try:
            while position < end:
                if self._missing:
                    piece = octets[position : position + self._missing]
                    position += len(piece)
                    if self._receive_piece(piece):
                        yield Message(message.finish())
                    continue
                header = parse_header(octets, position, self._they_mask, self._reserved_bits)
                if header is None:
                    break
                frame_end = header.payload_start + header.length
                if header.opcode >= CLOSE:
                    if frame_end > end:
                        break
                    position = frame_end
                    yield from self._control_frame(header.opcode, self._payload(header, octets))
                    if header.opcode == CLOSE:
                        return
                elif header.fin and frame_end <= end and header.opcode != CONTINUATION:
                    # The common case: one frame that is all there needs no assembly.
                    position = frame_end
                    yield Message(message.whole(header, self._payload(header, octets)))
                else:
                    position = header.payload_start
                    if self._begin_frame(header):
                        yield Message(message.finish())
        except ProtocolViolation as violation:
            yield self._fail(violation)
        else:
            self._pending = octets[position:]

    def feed_eof(self) -> list[Event]:
        """The transport ended; without both Close frames that is an abnormal closure, 1006 (7.1.5)."""
        self.should_drop = True
        if self.state is State.CLOSED:
            return []
        self.state = State.CLOSED
        self._pending = b""
        return [Closed(ABNORMAL_CLOSURE, "the transport ended before the closing handshake", False)]

    def _payload(self, header: FrameHeader, data: bytes) -> bytes:
        payload = data[header.payload_start : header.payload_start + header.length]
        return apply_mask(payload, header.key) if header.key else payload

    def _begin_frame(self, header: FrameHeader) -> bool:
        """A fragment, or a frame whose payload is not all there; tell whether it already ends its message."""
        self._message.check_frame(header)
        if header.opcode != CONTINUATION:
            self._message.begin(header)
        self._missing, self._key, self._final = header.length, header.key, header.fin
        return not header.length and header.fin

    def _receive_piece(self, piece: bytes) -> bool:
        """Take some payload of the current data frame; tell whether it ends the message."""
        if self._key:
            key, self._key = self._key, rotate_key(self._key, len(piece))
            piece = apply_mask(piece, key)
        self._message.append(piece)
        self._missing -= len(piece)
        return not self._missing and self._final

    def _control_frame(self, opcode: int, payload: bytes) -> Iterator[Event]:
        if opcode == PING:
            # Owed until the peer's Close has been received, also when ours was sent (section 5.5.2).
            self._queue(PONG, payload)
            yield Ping(payload)
        elif opcode == PONG:
            yield Pong(payload)
        else:
            yield from self._close_frame(payload)

    def _close_frame(self, payload: bytes) -> Iterator[Event]:
        code, reason = parse_payload(payload)
        # The current message may be sent first (section 5.5.1).
        yield CloseReceived(code, reason)
        if self.state is State.OPEN:
            # The answer repeats the code, not the reason, which is the peer's own (section 5.5.1).
            self._queue(CLOSE, b"" if code == NO_STATUS_RECEIVED else payload[:2])
        self.state = State.CLOSED
        self.should_drop = self.role is Role.SERVER
        yield Closed(code, reason, True)

    def _fail(self, violation: ProtocolViolation) -> Closed:
        if self.state is State.OPEN:
            self._queue(CLOSE, build_payload(violation.code, violation.reason))
        self.state = State.CLOSED
        self.should_drop = True
        self._pending = b""
        return Closed(violation.code, violation.reason, False)
