"""The ``wire`` fixture: HTTP cases as steps of sending and expecting.

::

    wire.send(get("/echo")).expect_echo(method="GET").expect_alive()
    wire.send(b"GET / HTTP/1.1\\r\\n\\r\\n").must_reject(400, respond=True)

A step is carried out at once; what it takes is plain data, which :mod:`conformance.wire.script` writes down for runners
in other languages. No step passes on silence: an expected answer has to come, an expected end has to be seen, each
within a deadline. After every answer on a connection that goes on, a
probe shows that both sides still agree where messages end (``expect_alive``).

In the way "joined" (see :mod:`conformance.wire.chopping`) bytes are held back until an answer is awaited, and the
probe goes out in the same send. It must be answered after what is expected, or never if the connection ends.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, NoReturn

import pytest

from conformance.server_process import ServerProcess
from conformance.wire.answers import Answer, AnswerReader, Unreadable
from conformance.wire.connection import DEADLINE, Connection
from conformance.wire.judging import Expected, agrees, either, expectation, shown, spoken
from conformance.wire.messages import answer, chunked, chunks, get, handshake, post

__all__ = ["Wire", "answer", "chunked", "chunks", "get", "handshake", "post", "wire"]

#: Seconds to wait in the further cases of a requirement that a silent target has failed already: silence is dear.
IMPATIENT = 0.4
_silent: set[str] = set()
_METHOD = re.compile(rb"(?:\r\n)*([A-Z]+) ")
_LINE = re.compile(rb"(?:\r\n)*[A-Z]+ [^ ]+ HTTP/1\.[0-9]\r\n")
_PROBE = "/echo?probe="


class Wire:
    """A conversation with the target over one connection at a time; every step returns the object itself."""

    def __init__(
        self,
        server: ServerProcess,
        chop: str,
        rows: list[dict[str, Any]],
        lenient: Callable[[str], None],
        deadline: float = DEADLINE,
    ) -> None:
        self._server = server
        self._chop = chop
        self._rows = rows
        self._lenient = lenient
        self._deadline = deadline
        self._log_start = server.log_position()
        self._probes = 0
        self._kept: dict[str, str] = {}
        self.met_silence = False
        self._open()

    def _open(self, tls: bool = False) -> None:
        self._connection = Connection.to(self._server, self._rows, self._deadline, tls)
        self._methods: list[str] = []
        self._reader: AnswerReader | None = None
        self._held = b""
        self._partial = False
        self._probe = ""
        self._last: Answer | None = None

    # -- what the suite does ------------------------------------------------------------------------------------------

    def send(self, data: bytes, partial: bool = False) -> Wire:
        """Send ``data``, chopped; ``partial`` says that more of the same message is to follow, or never comes.

        ``{Name}`` in it stands for the value that ``keep("Name")`` kept.
        """
        data = self._filled(data.decode("latin-1")).encode("latin-1")
        self._settle_probe()
        if not self._partial:
            self._methods.append(_method_of(data))
        self._partial = partial
        if self._chop == "joined":
            self._held += data
        else:
            self._connection.send(data, self._chop)
        return self

    def followed(self) -> Wire:
        """Send the probe at once, as in the way "joined": to who still waits for the message's end it is more of it."""
        self._flush(probe=True)
        self._send_probe()
        return self

    def eof(self) -> Wire:
        """Close the suite's side for sending: nothing follows what was sent."""
        self._flush(probe=False)
        self._connection.half_close()
        return self

    def reconnect(self) -> Wire:
        """Leave this connection and open another one to the same server."""
        self.close()
        self._open()
        return self

    def tls(self) -> Wire:
        """Leave this connection and open one that is secured by TLS to the same server.

        Raises Unsupported when the server did not say where it speaks TLS.
        """
        self.close()
        self._open(tls=True)
        return self

    def keep(self, name: str, absent: str | None = None) -> Wire:
        """Keep the value of the last answer's field ``name``, to be sent and expected as ``{name}`` later.

        Without the field ``absent`` is kept in its place, or, without that, the case fails.
        """
        values = [*(self._last.values(name) if self._last is not None else ()), *([] if absent is None else [absent])]
        if not values:
            self._fail(f"expected {name}, but there is none", name, str(self._last))
        self._kept[name] = values[0]
        return self

    def _filled(self, text: str) -> str:
        for name, value in self._kept.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def close(self) -> None:
        """Close the connection on the suite's part, as the end of a case does."""
        self._connection.close()

    # -- what is expected of the target ------------------------------------------------------------------------------

    def expect(self, status: int | Collection[int], **wanted: Any) -> Wire:
        """Expect one complete answer. The other arguments are optional:

        ``also``
            statuses that are allowed but not preferred;
        ``header``
            a mapping of names to a value, to None for absent, to ``...`` for present, to a set of list members, to a
            compiled expression the value must match, to ``Maybe(value)`` or ``Now()``;
        ``body``, ``content``
            the octets of the body, or of the body with its content coding undone; ``...`` for any but none, or a
            compiled expression that a body must match;
        ``reason``, ``version``, ``framing``, ``interim``
            of the status line; "length", "chunked", "close" or "none"; the statuses of the 1xx answers before it;
        ``wellformed``, ``tidy``
            that no rule for senders is broken in the head; that no advice for them is;
        ``close``
            True: the connection must end after the answer and bring nothing more. False: the answer must not announce
            an end. Without it that is left open.
        """
        return self._expect([{"status": status, **wanted}], "")

    def expect_one_of(self, *alternatives: dict[str, Any], why: str) -> Wire:
        """Expect one complete answer that agrees with one of ``alternatives``, each the arguments of :meth:`expect`.

        Any but the first is allowed and not preferred; ``why`` says what is.
        """
        return self._expect(list(alternatives), why)

    def _expect(self, rows: list[dict[str, Any]], why: str) -> Wire:
        alternatives = [expectation(**row) for row in rows]
        for wanted in alternatives:
            for name, value in wanted.header.items():
                wanted.header[name] = self._filled(value) if isinstance(value, str) else value
        text = ", or ".join(one.text() for one in alternatives)
        answer = self._read(text)
        faults = [one.faults(answer) for one in alternatives]
        if all(faults):
            # Of several, the one with the status that came says most.
            meant = [one for one, wanted in zip(faults, alternatives, strict=True) if wanted.allows(answer.status)]
            self._fail("; ".join((meant or faults)[0]), text, str(answer))
        place = faults.index([])
        chosen = alternatives[place]
        if chosen.close:
            self._must_end(text, str(answer))
        if answer.status in chosen.also:
            self._lenient(f"answered {answer.status}; {either(sorted(chosen.status))} is preferred")
        elif place:
            self._lenient(why)
        return self

    def expect_echo(self, *, close: bool | None = None, **parsed: Any) -> Wire:
        """Expect /echo's account of a request to agree with ``parsed``.

        Known names are ``method``, ``target``, ``version``, ``body`` (bytes) and ``headers``: a mapping of names to the
        value, to a compiled expression for it, to a list of the lines' values, or to None for absent.
        """
        expected = f"200 and an echo with {shown(spoken(parsed))}"
        answer = self._read(expected)
        self._judge_echo(answer, parsed, expected)
        if close:
            self._must_end(expected, str(answer))
        return self

    def expect_continue(self, header: dict[str, Any] | None = None) -> Wire:
        """Expect a 100 (Continue) before anything more is sent; ``header`` as in :meth:`expect`."""
        wanted = Expected(frozenset({100}), header or {})
        self._flush(probe=False)
        self._reader = self._reader or AnswerReader(self._connection, self._methods.pop(0))
        try:
            answer = self._reader.read_interim()
        except Unreadable as why:
            self._fail(f"expected 100 (Continue), but {why}", "100 (Continue)", str(why))
        if faults := wanted.faults(answer):
            self._fail("; ".join(faults), "100 (Continue) before the body is sent", str(answer))
        return self

    def must_reject(self, *statuses: int, also: Collection[int] = (), respond: bool = False) -> Wire:
        """Expect exactly one complete answer with one of ``statuses``, then the end of the connection.

        A status of ``also``, and an end without an answer unless ``respond`` is true, are allowed but not preferred.
        """
        expected = f"one answer with status {either(statuses, also)}, then the end of the connection"
        self._flush(probe=True)
        answer = self._read_or_end(expected)
        if answer is None:
            self._judge_silence(respond, expected)
        else:
            self._judge_rejection(answer, statuses, also, expected)
        return self

    def may_reject(self, *statuses: int, also: Collection[int] = (), respond: bool = False, **parsed: Any) -> Wire:
        """Expect a rejection as ``must_reject`` does, or else an echo with ``parsed`` and a connection that goes on.

        A status of ``also``, and an end without an answer unless ``respond`` is true, are allowed but not preferred.
        """
        expected = f"{either(statuses, also)} and the end, or 200 and an echo with {shown(spoken(parsed))}"
        self._flush(probe=True)
        answer = self._read_or_end(expected)
        if answer is None:
            self._judge_silence(respond, expected)
        elif answer.status == 200:
            self._judge_echo(answer, parsed, expected)
            self.expect_alive()
        else:
            self._judge_rejection(answer, statuses, also, expected)
        return self

    def expect_alive(self) -> Wire:
        """Expect that a probe request on the same connection gets exactly its own echo."""
        self._send_probe()
        self._settle_probe()
        return self

    def expect_in_step(self, rest: bytes = b"") -> Wire:
        """Expect the connection to end if the last answer said so, and to be alive otherwise.

        An end that the answer said nothing about is allowed but not preferred (RFC 9112, sections 9.5 and 9.6), one
        after an answer that promised to keep the connection is not. ``rest`` is what is still to be sent of the request
        if it goes on.
        """
        if self._last is not None and self._last.closes:
            self._must_end("the end that the last answer announced", str(self._last))
            return self
        if rest:
            self._connection.send(rest, self._chop, note="the rest of the request")
            self._partial = False
        self._send_probe()
        if self._ended_unannounced():
            self._lenient("the connection ended though the answer did not say close")
            return self
        return self.expect_alive()

    def _send_probe(self) -> None:
        # With the way "joined" the probe may already be under way.
        if not self._probe:
            self._flush(probe=False)
            self._connection.send(self._next_probe(), note="probe")

    def _ended_unannounced(self) -> bool:
        connection = self._connection
        promised = self._last is not None and "keep-alive" in [one.lower() for one in self._last.members("connection")]
        return not promised and connection.wait_for_any() and not connection.buffer and connection.ended != "cut"

    def expect_closed(self) -> Wire:
        """Expect that the target ends the connection and sends nothing more before it."""
        self._flush(probe=True)
        self._must_end("the end of the connection", "")
        return self

    def expect_closed_or(self, *statuses: int) -> Wire:
        """Expect the end of the connection, before it at most one answer with one of ``statuses``."""
        expected = f"the end of the connection, before it at most {either(statuses)}"
        self._flush(probe=True)
        answer = self._read_or_end(expected)
        if answer is not None:
            self._judge_rejection(answer, statuses, (), expected)
        return self

    # -- carrying out -------------------------------------------------------------------------------------------------

    def _flush(self, probe: bool) -> None:
        """Send what is held back, with a probe behind it unless the message is not complete."""
        data, self._held = self._held, b""
        if not data:
            return
        if probe and not self._partial and not self._connection.half_closed:
            data += self._next_probe()
        self._connection.send(data, self._chop, note="with a probe" if self._probe else "")

    def _next_probe(self) -> bytes:
        self._probes += 1
        self._probe = f"{_PROBE}{self._probes}"
        self._methods.append("GET")
        return get(self._probe)

    def _settle_probe(self) -> None:
        """Read the echo of the probe that is under way."""
        if not self._probe:
            return
        target, self._probe = self._probe, ""
        expected = f"the probe's own echo, GET {target}"
        answer = self._read(expected)
        self._judge_echo(answer, {"method": "GET", "target": target, "body": b""}, expected)
        if self._connection.buffer:
            self._fail("more bytes than the answers expected", expected, shown(bytes(self._connection.buffer)))

    def _read(self, expected: str) -> Answer:
        self._flush(probe=True)
        reader, self._reader = self._reader, None
        if reader is None:
            reader = AnswerReader(self._connection, self._methods.pop(0) if self._methods else "GET")
        try:
            self._last = reader.read()
            return self._last
        except Unreadable as why:
            self._fail(f"expected {expected}, but {why}", expected, shown(bytes(self._connection.buffer)))

    def _read_or_end(self, expected: str) -> Answer | None:
        """Read an answer; return None when the connection ends without any byte."""
        connection = self._connection
        if not connection.wait_for_any():
            self._fail("no answer came, and the connection stayed open", expected, "nothing")
        if not connection.buffer and connection.ended:
            return None
        return self._read(expected)

    def _judge_echo(self, answer: Answer, parsed: dict[str, Any], expected: str) -> None:
        if answer.status != 200:
            self._fail(f"expected an echo with status 200, but {answer.status} came", expected, str(answer))
        try:
            document = json.loads(answer.body)
            document["body"] = base64.b64decode(document["body"])
        except (ValueError, TypeError, KeyError):
            self._fail("expected an echo, but another body came", expected, shown(answer.body))
        for name, value in parsed.items():
            actual = document[name] if name != "headers" else _chosen(document["headers"], value)
            if not agrees(actual, value):
                self._fail(
                    f"the target parsed {name} as {shown(actual)} instead of {shown(value)}", expected, str(answer)
                )

    def _judge_silence(self, respond: bool, expected: str) -> None:
        if respond:
            self._fail("the connection ended without the answer that is due", expected, "nothing")
        self._lenient("the connection was closed without an answer; one with the status says why")

    def _judge_rejection(self, answer: Answer, statuses: Collection[int], also: Collection[int], expected: str) -> None:
        if answer.status not in {*statuses, *also}:
            self._fail(f"expected {either(statuses, also)}, but {answer.status} came", expected, str(answer))
        self._must_end(expected, str(answer))
        if answer.status in also:
            self._lenient(f"answered {answer.status}; {either(statuses)} is preferred")

    def _must_end(self, expected: str, came: str) -> None:
        self._connection.wait_for_any()
        rest = bytes(self._connection.buffer)
        came = f"{came}, then {shown(rest)}" if rest else came
        if rest:
            self._fail("more came than the one answer expected", expected, came)
        if not self._connection.ended:
            self._fail("the connection stayed open", expected, came or "nothing")
        if self._connection.ended == "cut":
            self._fail("the connection ended without a closure alert of TLS", expected, came or "nothing")

    def _fail(self, problem: str, expected: str, came: str) -> NoReturn:
        connection = self._connection
        self.met_silence = connection.silent
        lines = [
            problem,
            f"sent:     {shown(bytes(connection.sent))} ({len(connection.sent)} bytes, chop={self._chop})",
            f"expected: {expected}",
            f"came:     {came or 'nothing'}",
            f"closed:   {connection.ended + ' by the target' if connection.ended else 'no, the connection is open'}",
        ]
        if self._server.died:
            lines.append("the server has died")
        log = self._server.log_since(self._log_start).strip()
        raise AssertionError("\n".join([*lines, f"its log:  {log[-800:]}"] if log else lines))


def _method_of(data: bytes) -> str:
    """Return the method of a request, as far as it can be told; a "?" behind HEAD says that it cannot."""
    found = _METHOD.match(data)
    method = found[1].decode() if found else "GET"
    return "HEAD?" if method == "HEAD" and not _LINE.match(data) else method


def _chosen(headers: list[list[str]], wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of ``headers`` that ``wanted`` names, in the form in which it names them."""
    found: dict[str, Any] = {}
    for name, form in wanted.items():
        values = [value for other, value in headers if other.lower() == name.lower()]
        found[name] = values if isinstance(form, list) else ", ".join(values) if values else None
    return found


@pytest.fixture
def wire(
    request: pytest.FixtureRequest,
    server_process: ServerProcess,
    chop: str,
    wire_log: list[dict[str, Any]],
    lenient: Callable[[str], None],
) -> Iterator[Wire]:
    """A connection to the target's server; see :class:`Wire`."""
    case = request.node.nodeid.split("[")[0]
    conversation = Wire(server_process, chop, wire_log, lenient, IMPATIENT if case in _silent else DEADLINE)
    yield conversation
    conversation.close()
    if conversation.met_silence:
        _silent.add(case)
