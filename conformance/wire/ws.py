"""The ``ws`` fixture: WebSocket cases as steps of sending and expecting.

::

    ws.open("/ws/echo").send(text("hello")).expect_text("hello").expect_alive()
    ws.open("/ws/echo").send(frame(TEXT, b"x", rsv=1)).must_fail(1002)
    ws.handshake("/ws/echo", upgrade=None).expect_refused(400)

A step is carried out at once and recorded in ``steps`` as plain data. No step passes on silence, and contents are
compared, not lengths. Messages, pongs and the close frame are each expected in their own order: a pong may overtake a
message, since the two are answered by different layers of a server.

Frames are sent in the way of the case (see :mod:`conformance.wire.chopping`); "tokens" cuts between the fields of a
frame header. In the way "joined" frames are held back until something is awaited, and a ping goes out in the same send:
it has to be answered unless the connection must end. ``open`` is the way to where a case begins, so it is not chopped;
``handshake``, for the chapter about it, is.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import EllipsisType
from typing import Any, NoReturn

import pytest

from conformance.server_process import ServerProcess
from conformance.verdict import NotTestable
from conformance.wire import deflate, opening
from conformance.wire.answers import Answer, AnswerReader, Unreadable
from conformance.wire.chopping import http_borders
from conformance.wire.connection import DEADLINE, Connection
from conformance.wire.deflate import Compression, compressed, deflated, fragments
from conformance.wire.frame_reader import FaultyFrame, FrameReader, Received, Silence
from conformance.wire.frames import (
    CLOSE,
    Cut,
    Frame,
    binary,
    borders,
    close,
    cont,
    content,
    frame,
    part,
    ping,
    pong,
    text,
)
from conformance.wire.judging import JSONValue, either, shown, spoken

__all__ = [
    "Compression",
    "WebSocket",
    "binary",
    "close",
    "compressed",
    "cont",
    "deflated",
    "fragments",
    "frame",
    "part",
    "ping",
    "pong",
    "text",
    "ws",
]

#: Seconds after which a target that does not react to a fault is asked whether it goes on.
_PATIENCE = 0.2
#: Bytes of a case that are sent one by one; what follows is cut at borders, or long cases would take seconds.
_BYTEWISE = 1024
_NOTHING = Received("nothing", b"")
_BARE_END = "dropped without a close frame; one with the code says why"


class WebSocket:
    """A conversation over one connection; every step returns the object itself."""

    def __init__(
        self, server: ServerProcess, chop: str, rows: list[dict[str, Any]], lenient: Callable[[str], None]
    ) -> None:
        self.steps: list[dict[str, JSONValue]] = []
        self._chop = chop
        self._server = server
        self._lenient = lenient
        self._connection = Connection.to(server, rows)
        self._log_start = server.log_position()
        self._reader = FrameReader(self._connection, self._answer_ping)
        self._request = b""
        self._echoes = False
        self._held: list[Frame | Cut] = []
        self._probe = b""
        self._abandoned = b""
        self._probes = 0
        self._inside = False
        self._closing = False
        self._messages: deque[Received] = deque()
        self._pongs: deque[bytes] = deque()
        self._close: Received | None = None
        self._agreed: deflate.Parameters | None = None
        self._last = _NOTHING
        self._said: deque[str] = deque(maxlen=4)
        self._heard: deque[str] = deque(maxlen=6)

    # -- the opening handshake ----------------------------------------------------------------------------------------

    def open(self, target: str = "/ws/echo", **fields: Any) -> WebSocket:
        """Perform the opening handshake, which must succeed: without it the case is not testable."""
        chop, self._chop = self._chop, "whole"
        try:
            self.handshake(target, **fields).expect_accepted()
            self._said.clear()
            return self
        except AssertionError as error:
            raise NotTestable(f"the opening handshake failed: {error}") from None
        finally:
            self._chop = chop

    def open_deflate(self, offer: str = deflate.NAME, target: str = "/ws/echo") -> WebSocket:
        """Perform the opening handshake with this offer, which must be accepted: else the case is not testable."""
        self.open(target, sec_websocket_extensions=offer)
        if self._agreed is None:
            raise NotTestable(f"the target did not agree to {offer!r}")
        return self

    def handshake(
        self,
        target: str = "/ws/echo",
        *,
        method: str = "GET",
        version: str = "1.1",
        early: Sequence[Frame] = (),
        raw: bytes | None = None,
        **fields: Any,
    ) -> WebSocket:
        """Send a handshake: the usual one with ``fields`` replaced or, when None, left out; or ``raw`` in its place.

        ``early`` frames follow it in the same send.
        """
        self._request = raw if raw is not None else opening.request(target, method, version, fields)
        self._echoes = target.endswith("/echo")
        self.steps.append({"handshake": self._request.decode("latin-1"), "early": [str(one) for one in early]})
        self._said.append(f"handshake {shown(self._request)}")
        self._said.extend(str(one) for one in early)
        data = self._request + b"".join(one.encode() for one in early)
        start = len(self._request)
        cuts = [*http_borders(self._request), *(start + place for place in (0, *borders([*early])))]
        self._connection.send(data, self._chop, cuts, note="; ".join(["handshake", *map(str, early)]))
        return self

    def expect_accepted(
        self, protocol: str | Collection[str] | None = None, extension: EllipsisType | None = ...
    ) -> WebSocket:
        """Expect a 101 that is right in every field, with this subprotocol, or one of these.

        ``extension`` None asks that no extension was agreed to.
        """
        self.steps.append({"expect_accepted": True, "protocol": spoken(protocol), "extension": spoken(extension)})
        expected = "101 and the right Sec-WebSocket-Accept" + (f", subprotocol {protocol!r}" if protocol else "")
        answer = self._read_answer(expected)
        if answer.status != 101:
            self._fail(f"expected 101 (Switching Protocols), but {answer.status} came", expected, str(answer))
        answer.headers = opening.parse_fields(answer.head)
        faults = opening.acceptance_faults(self._request, answer)
        chosen = next(iter(answer.values("sec-websocket-protocol")), None)
        if chosen not in ([protocol] if protocol is None or isinstance(protocol, str) else protocol):
            faults.append(f"subprotocol {chosen!r} was chosen instead of {protocol!r}")
        if extension is None and answer.values("sec-websocket-extensions"):
            faults.append(f"an extension was agreed to: {answer.values('sec-websocket-extensions')}")
        if faults:
            self._fail("the handshake's answer has " + "; ".join(faults), expected, shown(answer.head))
        self._agreed = deflate.agreed(answer.values("sec-websocket-extensions"))
        if self._agreed is not None:
            self._reader.inflation = deflate.Inflation(self._agreed)
        return self

    def expect_agreed(self, *, may_decline: bool = False, **parameters: Collection[str | None]) -> WebSocket:
        """Expect that permessage-deflate was agreed to, each named parameter with one of these values.

        ``None`` stands for a parameter that is left out, "" for one without a value; parameters that are not named
        are free. ``may_decline`` allows no agreement at all, which is not preferred.
        """
        self.steps.append({"expect_agreed": {name: spoken(list(values)) for name, values in parameters.items()}})
        said = self._agreed
        if said is None and may_decline:
            self._lenient("the offer was declined")
            return self
        shown_parameters = "; ".join(f"{name}={value}" if value else name for name, value in (said or {}).items())
        if said is None:
            self._fail("permessage-deflate was offered and not agreed to", "an agreement", "no extension")
        for name, values in parameters.items():
            came = None if name not in said else said[name] or ""
            if came not in values:
                wanted = either(["nothing" if one is None else one or "no value" for one in values])
                self._fail(f"expected {name} with {wanted}, but {came} came", wanted, shown_parameters)
        return self

    def expect_refused(
        self,
        *statuses: int,
        also: Collection[int] = (),
        header: Mapping[str, str] | None = None,
        unless: str = "",
    ) -> WebSocket:
        """Expect the handshake to be answered with one of ``statuses``; one of ``also`` is not preferred.

        ``header`` names fields and a member that their list must have. ``unless`` says why 101 is allowed, though not
        preferred.
        """
        step: dict[str, JSONValue] = {"expect_refused": list(statuses), "also": list(also)}
        self.steps.append({**step, "header": spoken(dict(header or {})), "unless": unless})
        expected = f"status {either(statuses)}" + "".join(
            f", {name}: {value}" for name, value in (header or {}).items()
        )
        answer = self._read_answer(expected)
        if answer.status == 101 and unless:
            self._lenient(unless)
            return self
        if answer.status not in {*statuses, *also}:
            what = "the handshake was accepted" if answer.status == 101 else f"{answer.status} came"
            self._fail(f"expected a refusal with {either(statuses)}, but {what}", expected, str(answer))
        for name, value in (header or {}).items():
            if value not in answer.members(name):
                self._fail(
                    f"expected {name} to list {value}, it is {answer.values(name)}", expected, shown(answer.head)
                )
        if answer.status not in statuses:
            self._lenient(f"answered {answer.status}; {either(statuses)} is preferred")
        return self

    def _read_answer(self, expected: str) -> Answer:
        try:
            return AnswerReader(self._connection, "GET").read()
        except Unreadable as why:
            self._fail(f"expected {expected}, but {why}", expected, shown(bytes(self._connection.buffer)))

    # -- frames out ---------------------------------------------------------------------------------------------------

    def send(self, *frames: Frame | Cut) -> WebSocket:
        """Send frames, each in a send of its own unless the way to chop joins them."""
        self.steps.append({"send": [str(one) for one in frames]})
        self._settle_probe()
        for one in frames:
            self._said.append(str(one))
            opened = one.frame if isinstance(one, Cut) else one
            self._closing = self._closing or opened.opcode == CLOSE
            self._inside = not opened.fin or isinstance(one, Cut) if opened.opcode < CLOSE else self._inside
        if self._chop == "joined":
            self._held += frames
        else:
            for one in frames:
                self._transmit([one])
        return self

    def _transmit(self, frames: list[Frame | Cut]) -> None:
        data = b"".join(b"".join(one.fields()) for one in frames)
        chop = "tokens" if self._chop == "bytes" and len(self._connection.sent) > _BYTEWISE else self._chop
        self._connection.send(data, chop, borders(frames), note="; ".join(map(str, frames)))

    def _flush(self) -> None:
        """Send what is held back, with a ping behind it unless a close frame was the end."""
        frames, self._held = self._held, []
        if not frames:
            return
        if not self._closing and not isinstance(frames[-1], Cut):
            frames.append(self._next_probe())
        self._transmit(frames)

    def _next_probe(self) -> Frame:
        self._probes += 1
        self._probe = b"probe %d" % self._probes
        self._said.append(str(ping(self._probe)))
        return ping(self._probe)

    def _answer_ping(self, payload: bytes) -> None:
        if not self._closing:
            self._connection.send(pong(payload).encode(), note=str(pong(payload)))

    # -- frames in ----------------------------------------------------------------------------------------------------

    def expect_text(self, text: str) -> WebSocket:
        """Expect a text message with exactly this content."""
        self.steps.append({"expect_text": text})
        return self._expect_message(Received("text", text.encode()))

    def expect_binary(self, data: bytes) -> WebSocket:
        """Expect a binary message with exactly this content."""
        self.steps.append({"expect_binary": spoken(data)})
        return self._expect_message(Received("binary", data))

    def _expect_message(self, wanted: Received) -> WebSocket:
        self._flush()
        self._receive_until(lambda: bool(self._messages), str(wanted))
        came = self._last = self._messages.popleft()
        if came != wanted:
            self._fail(_difference(came, wanted), str(wanted), str(came))
        return self

    def expect_shorter(self) -> WebSocket:
        """Expect that the last message took fewer bytes than it has."""
        self.steps.append({"expect_shorter": True})
        last = self._last
        if last.wire is None or len(last.wire) >= len(last.payload):
            self._fail("a message that compresses well was sent as it is", "fewer bytes", str(last))
        return self

    def expect_pong(self, *payloads: bytes) -> WebSocket:
        """Expect pongs with exactly these payloads, in order.

        Only the last one has to come (RFC 6455, section 5.5.3); that any other is left out is not preferred.
        """
        self.steps.append({"expect_pong": [spoken(one) for one in payloads]})
        self._flush()
        left = list(payloads)
        while left:
            expected = f"pong, {content(left[0])}"
            self._receive_until(lambda: bool(self._pongs), expected)
            came = self._pongs.popleft()
            if came not in left:
                self._fail(f"expected {expected}, but pong, {content(came)} came", expected, f"pong, {content(came)}")
            if left.index(came):
                self._lenient("only the latest of several pings was answered")
            del left[: left.index(came) + 1]
        return self

    def expect_close(
        self,
        code: int | EllipsisType | Collection[int | None] | None,
        *,
        also: Collection[int | None] = (),
        reason: str | None = None,
    ) -> WebSocket:
        """Expect a close frame with this code (None: an empty one; ``...``: any), and no message before it.

        A code of ``also`` is not preferred. ``reason`` None leaves the reason open.
        """
        codes = ... if code is ... else [code] if isinstance(code, int) or code is None else list(code)
        self.steps.append({"expect_close": spoken(codes), "also": spoken(list(also)), "reason": reason})
        expected = "a close frame" + ("" if codes is ... else f" with {_codes(codes)}")
        expected += "" if reason is None else f" and the reason {reason!r}"
        self._flush()
        self._receive_until(lambda: self._close is not None, expected, closes=True)
        came, self._close = self._close, None
        assert came is not None
        # The probe may have found the target closing: whether it answers then is a question for a case of its own.
        self._abandoned, self._probe = self._probe, b""
        self._nothing_unclaimed(expected)
        if codes is not ... and came.code not in {*codes, *also}:
            self._fail(f"expected {expected}, but {_codes([came.code])} came", expected, str(came))
        if reason is not None and came.reason != reason:
            self._fail(f"expected the reason {reason!r}, but {came.reason!r} came", expected, str(came))
        if codes is not ... and came.code not in codes:
            self._lenient(f"closed with {_codes([came.code])}; {_codes(codes)} is preferred")
        return self

    def expect_end(self, clean: bool = False) -> WebSocket:
        """Expect that the target ends the TCP connection and sends nothing before; ``clean``: not by a reset."""
        self.steps.append({"expect_end": True, "clean": clean})
        expected = "the end of the TCP connection" + (", without a reset" if clean else "")
        self._flush()
        self._nothing_unclaimed(expected)
        self._must_end(expected)
        if clean and self._connection.ended != "closed":
            self._fail("the target reset the connection instead of closing it", expected, "a reset")
        return self

    def must_fail(self, *codes: int, within: float | None = None) -> WebSocket:
        """Expect the target to fail the connection: a close frame with one of ``codes``, the end, and nothing else.

        The end without a close frame is allowed but not preferred. The suite answers the close frame as a client
        does. ``within`` is another deadline than the usual one, in seconds.
        """
        self.steps.append({"must_fail": list(codes)})
        expected = f"a close frame with {_codes(codes)}, then the end of the connection"
        self._flush()
        self._nothing_unclaimed(expected)
        came = self._reaction(expected, DEADLINE if within is None else within)
        if came is None:
            self._lenient(_BARE_END)
            return self
        if came.kind != "close":
            self._fail(f"the target went on where it must fail the connection: {came} came", expected, str(came))
        if came.code not in codes:
            self._fail(f"expected close code {either(codes)}, but {_codes([came.code])} came", expected, str(came))
        if not self._closing:
            self._closing = True
            self._connection.send(close(came.code).encode(), note=str(close(came.code)))
        self._must_end(expected)
        return self

    def expect_alive(self) -> WebSocket:
        """Expect fresh content to come back exactly: a message on /ws/echo outside a message, else a ping's pong."""
        self.steps.append({"expect_alive": True})
        self._flush()
        self._settle_probe()
        self._nothing_unclaimed("nothing more before the probe")
        if self._echoes and not self._inside:
            self._probes += 1
            probe = text(f"alive {self._probes}")
            self._said.append(str(probe))
            self._transmit([probe])
            self._expect_message(Received("text", probe.payload))
        else:
            self._transmit([self._next_probe()])
            self._settle_probe()
        self._nothing_unclaimed("nothing beside the probe's answer")
        return self

    def _reaction(self, expected: str, seconds: float) -> Received | None:
        """Return what comes after a fault; None at the end of the connection.

        A target that says nothing is asked by a ping whether it goes on: the verdict comes sooner, and a target that
        had not yet looked at the bad data when it answered the first ping is not taken for one that accepts it.
        """
        deadline = time.monotonic() + seconds
        answered = 0
        while True:
            until = deadline if self._probe else min(deadline, time.monotonic() + _PATIENCE)
            came = self._receive(expected, until, silence_fails=until == deadline)
            if came is _NOTHING:
                self._transmit([self._next_probe()])
            elif came is None or came.kind != "pong" or came.payload != self._probe or answered:
                return came
            else:
                answered += 1
                self._lenient("a ping behind the fault was answered before the connection failed")
                self._transmit([self._next_probe()])

    # -- carrying out -------------------------------------------------------------------------------------------------

    def _settle_probe(self) -> None:
        if self._probe:
            self._receive_until(lambda: not self._probe, f"pong, {content(self._probe)}")

    def _receive_until(self, met: Callable[[], bool], expected: str, closes: bool = False) -> None:
        deadline = time.monotonic() + DEADLINE
        while not met():
            if self._close is not None and not closes:
                self._fail(f"expected {expected}, but the target closes: {self._close}", expected, str(self._close))
            came = self._receive(expected, deadline)
            if came is None:
                self._fail(f"expected {expected}, but the connection ended", expected, "the end of the connection")
            self._sort(came)

    def _receive(self, expected: str, deadline: float, silence_fails: bool = True) -> Received | None:
        try:
            came = self._reader.read(deadline)
        except FaultyFrame as fault:
            self._fail(f"the target sent {fault}", expected, str(fault))
        except Silence as silence:
            if not silence_fails:
                return _NOTHING
            self._fail(f"expected {expected}, but {silence} came in time", expected, str(silence))
        if came is not None:
            self._heard.append(str(came))
        return came

    def _sort(self, came: Received) -> None:
        if came.kind == "close":
            self._close = came
        elif came.kind != "pong":
            self._messages.append(came)
        elif self._probe and came.payload == self._probe:
            self._probe = b""
        elif self._abandoned and came.payload == self._abandoned:
            self._abandoned = b""
        else:
            self._pongs.append(came.payload)

    def _nothing_unclaimed(self, expected: str) -> None:
        extra = [str(one) for one in self._messages] + [f"pong, {content(one)}" for one in self._pongs]
        if extra:
            self._fail(f"more came than was asked for: {extra[0]}", expected, "; ".join(extra))

    def _must_end(self, expected: str) -> None:
        deadline = time.monotonic() + DEADLINE
        try:
            came = self._reader.read(deadline)
            if came is not None and self._abandoned and came == Received("pong", self._abandoned):
                came = self._reader.read(deadline)
        except FaultyFrame as fault:
            self._fail(f"nothing may follow, but the target sent {fault}", expected, str(fault))
        except Silence:
            self._fail("the target did not end the TCP connection", expected, self._heard[-1] if self._heard else "")
        if came is not None:
            self._fail(f"nothing may follow, but {came} came", expected, str(came))

    def shut(self) -> None:
        """Close the connection on the suite's part, as the end of a case does."""
        self._connection.close()

    def _fail(self, problem: str, expected: str, came: str) -> NoReturn:
        ended = self._connection.ended
        lines = [
            problem,
            f"sent:     {' | '.join(self._said) or 'nothing'} (chop={self._chop})",
            f"expected: {expected}",
            f"came:     {came or 'nothing'}",
            f"before:   {' | '.join(self._heard) or 'nothing'}",
            f"closed:   {ended + ' by the target' if ended else 'no, the connection is open'}",
        ]
        if self._server.died:
            lines.append("the server has died")
        log = self._server.log_since(self._log_start).strip()
        raise AssertionError("\n".join([*lines, f"its log:  {log[-800:]}"] if log else lines))


def _codes(codes: Collection[int | None]) -> str:
    return either(["no code" if code is None else f"code {code}" for code in codes])


def _difference(came: Received, wanted: Received) -> str:
    """Return in what two messages differ, which may be one byte among thousands."""
    if came.kind != wanted.kind:
        return f"expected a {wanted.kind} message, but a {came.kind} message came"
    if len(came.payload) != len(wanted.payload):
        return f"expected {len(wanted.payload)} bytes, but {len(came.payload)} came"
    place = next(i for i, (one, other) in enumerate(zip(came.payload, wanted.payload, strict=True)) if one != other)
    here, there = came.payload[place : place + 8], wanted.payload[place : place + 8]
    return f"the content differs from byte {place} on: {here!r} came instead of {there!r}"


@pytest.fixture
def ws(
    server_process: ServerProcess, chop: str, wire_log: list[dict[str, Any]], lenient: Callable[[str], None]
) -> Iterator[WebSocket]:
    """A connection to the target's server; see :class:`WebSocket`."""
    conversation = WebSocket(server_process, chop, wire_log, lenient)
    yield conversation
    conversation.shut()
