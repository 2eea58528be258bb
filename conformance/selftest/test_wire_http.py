"""The wire tool must fail every server that lies, and say in the right words what it saw."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from conformance.server_process import ServerProcess
from conformance.wire.answers import Answer
from conformance.wire.chopping import http_borders, pieces
from conformance.wire.http import Wire, chunked, get, post
from conformance.wire.judging import Expected, Maybe, Now
from conformance.wire.script import Script, exported

ECHO_BODY = (
    b'{"method": "GET", "target": "%s", "version": "HTTP/1.1", "headers": [["Host", "example.test"]], "body": ""}'
)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PROBE = get("/echo?probe=1")
REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
Behaviour = Callable[[socket.socket], None]


class ScriptedServer:
    """Stands in for the target's process: one thread that runs ``script`` on each connection."""

    died = False

    def __init__(self, script: Behaviour) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def address(self) -> tuple[str, int]:
        """Return where it listens."""
        return cast("tuple[str, int]", self._listener.getsockname())

    def log_position(self) -> int:
        """Return the start of an empty log."""
        return 0

    def log_since(self, position: int) -> str:
        """Return what the server printed: nothing."""
        return ""

    def close(self) -> None:
        """Stop listening and wait for the thread."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    self._script(connection)


class Conversation:
    """A wire to a scripted server, with what it called lenient."""

    def __init__(self, script: Behaviour, chop: str = "whole") -> None:
        self.server = ScriptedServer(script)
        self.rows: list[dict[str, Any]] = []
        self.reasons: list[str] = []
        server = cast(ServerProcess, self.server)
        self.wire = Wire(server, chop, self.rows, self.reasons.append, deadline=0.3)

    def close(self) -> None:
        """Close both sides."""
        self.wire.close()
        self.server.close()


@pytest.fixture
def against() -> Iterator[Callable[..., Conversation]]:
    """Open conversations with scripted servers, closed after the test."""
    opened: list[Conversation] = []

    def open_conversation(script: Behaviour, chop: str = "whole") -> Conversation:
        opened.append(Conversation(script, chop))
        return opened[-1]

    yield open_conversation
    for conversation in opened:
        conversation.close()


def saying(*answers: bytes, close: bool = True) -> Behaviour:
    """Return a script that reads once and sends each of ``answers``; then it closes, or waits for the client to."""

    def script(connection: socket.socket) -> None:
        for answer in answers:
            if not connection.recv(65536):
                return
            connection.sendall(answer)
        if not close:
            while connection.recv(65536):
                pass

    return script


def resetting(connection: socket.socket) -> None:
    """Read once and reset the connection."""
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def echo(target: bytes) -> bytes:
    """Return the answer of /echo to a GET of ``target``."""
    body = ECHO_BODY % target
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def test_a_truthful_server_passes(against: Callable[..., Conversation]) -> None:
    """A server that answers as expected passes every kind of step."""
    told = against(saying(echo(b"/echo"), echo(b"/echo?probe=1"), close=False))
    told.wire.send(get("/echo")).expect_echo(method="GET", headers={"host": "example.test", "x": None}).expect_alive()
    assert told.reasons == []


def test_a_refusal_passes(against: Callable[..., Conversation]) -> None:
    """One answer with the status and the end of the connection are a refusal."""
    told = against(saying(REFUSED))
    told.wire.send(b"X\r\n\r\n").must_reject(400, respond=True)
    assert told.reasons == []


LIARS = [
    ("silent", saying(b"", close=False), "no answer came, and the connection stayed open"),
    ("answers twice", saying(REFUSED + REFUSED), "more came than the one answer expected"),
    ("never closes", saying(REFUSED, close=False), "the connection stayed open"),
    ("accepts", saying(OK), "expected 400, but 200 came"),
    ("garbage", saying(b"garbage\r\n\r\n"), "in place of a status line"),
    ("breaks off in the head", saying(b"HTTP/1.1 400 Bad"), "an answer's head that breaks off"),
    ("breaks off in the body", saying(b"HTTP/1.1 400 X\r\nContent-Length: 9\r\n\r\nabc"), "breaks the protocol"),
    ("body without end", saying(b"HTTP/1.1 400 X\r\nContent-Length: 9\r\n\r\nabc", close=False), "does not end"),
    ("bad field", saying(b"HTTP/1.1 400 X\r\nbad field\r\n\r\n"), "breaks the protocol"),
]


@pytest.mark.parametrize(("script", "words"), [liar[1:] for liar in LIARS], ids=[liar[0] for liar in LIARS])
def test_liars_about_refusals_fail(against: Callable[..., Conversation], script: Behaviour, words: str) -> None:
    """must_reject fails on each liar and says what it did."""
    told = against(script)
    with pytest.raises(AssertionError, match=words) as failure:
        told.wire.send(b"X\r\n\r\n").must_reject(400)
    text = str(failure.value)
    assert all(part in text for part in ("sent:     b'X", "expected: one answer with status 400", "came:", "closed:"))


def test_a_reset_without_answer_is_lenient_or_fails(against: Callable[..., Conversation]) -> None:
    """An end without an answer is tolerated where no answer is due, and a failure where one is."""
    tolerant = against(resetting)
    tolerant.wire.send(b"X\r\n\r\n").must_reject(400)
    assert tolerant.reasons == ["the connection was closed without an answer; one with the status says why"]
    with pytest.raises(AssertionError, match="ended without the answer that is due") as failure:
        against(resetting).wire.send(b"X\r\n\r\n").must_reject(400, respond=True)
    assert "closed:   reset by the target" in str(failure.value)


def test_a_less_preferred_status_is_lenient(against: Callable[..., Conversation]) -> None:
    """A status of `also` passes, but is noted."""
    told = against(saying(REFUSED))
    told.wire.send(b"X\r\n\r\n").must_reject(501, also=(400,))
    assert told.reasons == ["answered 400; 501 is preferred"]


def test_alive_fails_on_desynchronised_answers(against: Callable[..., Conversation]) -> None:
    """A leftover answer in front of the probe's own is seen."""
    told = against(saying(OK + OK, echo(b"/echo?probe=1"), close=False))
    with pytest.raises(AssertionError, match="expected an echo, but another body came"):
        told.wire.send(get("/")).expect(200, body=b"ok").expect_alive()


def test_alive_fails_on_another_probes_echo(against: Callable[..., Conversation]) -> None:
    """The probe must get its own echo."""
    told = against(saying(OK, echo(b"/echo?probe=7"), close=False))
    with pytest.raises(AssertionError, match="parsed target as '/echo\\?probe=7' instead of '/echo\\?probe=1'"):
        told.wire.send(get("/")).expect(200).expect_alive()


def test_alive_fails_on_bytes_behind_the_echo(against: Callable[..., Conversation]) -> None:
    """Nothing may follow the probe's echo."""
    told = against(saying(OK, echo(b"/echo?probe=1") + b"x", close=False))
    with pytest.raises(AssertionError, match="more bytes than the answers expected"):
        told.wire.send(get("/")).expect(200).expect_alive()


def test_alive_fails_on_a_closed_connection(against: Callable[..., Conversation]) -> None:
    """A server that closes without saying so is not alive."""
    with pytest.raises(AssertionError, match=r"the probe's own echo.*(closed|reset) by the target"):
        against(saying(OK)).wire.send(get("/")).expect(200).expect_alive()


def test_in_step_holds_a_server_to_its_word(against: Callable[..., Conversation]) -> None:
    """Who says close must close."""
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    against(saying(closing)).wire.send(get("/")).expect(200).expect_in_step()
    with pytest.raises(AssertionError, match="the connection stayed open"):
        against(saying(closing, close=False)).wire.send(get("/")).expect(200).expect_in_step()


def test_in_step_notes_an_end_that_nobody_announced(against: Callable[..., Conversation]) -> None:
    """Who says nothing may close; who promised not to, may not."""
    told = against(saying(OK))
    told.wire.send(get("/")).expect(200).expect_in_step()
    assert told.reasons == ["the connection ended though the answer did not say close"]
    promising = OK.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n")
    with pytest.raises(AssertionError, match=r"the probe's own echo.*(closed|reset) by the target"):
        against(saying(promising)).wire.send(get("/")).expect(200).expect_in_step()


def test_joined_sends_the_probe_with_the_message(against: Callable[..., Conversation]) -> None:
    """In the way joined one send carries message and probe, and both answers are matched."""
    told = against(saying(OK + echo(b"/echo?probe=1"), close=False), chop="joined")
    told.wire.send(get("/")).expect(200, body=b"ok").expect_alive()
    sent = [row["data"] for row in told.rows if row["from"] == "suite"]
    assert sent == [(get("/") + get("/echo?probe=1")).decode()]


def test_followed_sends_the_probe_behind_what_may_be_no_message(against: Callable[..., Conversation]) -> None:
    """A server that serves what was sent must serve the probe; one that refuses must not."""
    told = against(saying(echo(b"/echo") + echo(b"/echo?probe=1"), close=False))
    told.wire.send(get("/echo")).followed().may_reject(400, target="/echo")
    assert [row["data"] for row in told.rows if row["from"] == "suite"] == [get("/echo").decode(), PROBE.decode()]
    with pytest.raises(AssertionError, match="more came than the one answer expected"):
        against(saying(REFUSED + echo(b"/echo?probe=1"))).wire.send(get("/echo")).followed().may_reject(400)


def test_joined_fails_when_the_probe_is_answered_after_close(against: Callable[..., Conversation]) -> None:
    """A server that refuses and then serves the probe is caught."""
    told = against(saying(REFUSED + echo(b"/echo?probe=1")), chop="joined")
    with pytest.raises(AssertionError, match="more came than the one answer expected"):
        told.wire.send(b"X\r\n\r\n").must_reject(400)


def test_a_partial_message_is_never_joined_with_a_probe(against: Callable[..., Conversation]) -> None:
    """What is not complete is sent as it is, and the end behind it."""
    told = against(saying(b""), chop="joined")
    told.wire.send(b"GET / HT", partial=True).eof().expect_closed()
    assert told.rows[0]["data"] == "GET / HT"


def test_closed_fails_on_an_answer_and_on_silence(against: Callable[..., Conversation]) -> None:
    """expect_closed passes on an end alone."""
    with pytest.raises(AssertionError, match="more came"):
        against(saying(OK)).wire.send(b"x", partial=True).expect_closed()
    with pytest.raises(AssertionError, match="the connection stayed open"):
        against(saying(b"", close=False)).wire.send(b"x", partial=True).expect_closed()


def test_continue_fails_on_silence_and_on_a_final_answer(against: Callable[..., Conversation]) -> None:
    """Only an interim answer with status 100 is a 100 (Continue)."""
    head = get("/", method="PUT", content_length="1", expect="100-continue")
    with pytest.raises(AssertionError, match="expected 100 \\(Continue\\), but no answer in time"):
        against(saying(b"", close=False)).wire.send(head, partial=True).expect_continue()
    with pytest.raises(AssertionError, match="expected status 100, but 200 came"):
        against(saying(OK, close=False)).wire.send(head, partial=True).expect_continue()


def test_interim_answers_are_counted(against: Callable[..., Conversation]) -> None:
    """An interim answer nobody asked for is named."""
    told = against(saying(b"HTTP/1.1 100 Continue\r\n\r\n" + OK, close=False))
    with pytest.raises(AssertionError, match=r"expected interim answers \[\], but \[100\] came"):
        told.wire.send(get("/")).expect(200, interim=[])


def test_answers_to_head_have_no_body(against: Callable[..., Conversation]) -> None:
    """What follows the head of an answer to HEAD is not its body."""
    told = against(saying(OK, close=False))
    with pytest.raises(AssertionError, match="'ok' in place of a status line"):
        told.wire.send(get("/", method="HEAD")).expect(200, body=b"").expect_alive()


@pytest.mark.parametrize("body", [b"", b"no"])
def test_half_a_head_request_may_get_a_body_or_none(against: Callable[..., Conversation], body: bytes) -> None:
    """What breaks off behind HEAD is answered as the server understands it."""
    told = against(saying(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n" + body))
    told.wire.send(b"HEAD  HTTP/1.1\r\n\r\n").must_reject(400)
    told = against(saying(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nnonsense"))
    with pytest.raises(AssertionError, match="more came than the one answer"):
        told.wire.send(b"HEAD  HTTP/1.1\r\n\r\n").must_reject(400)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"status": 404}, "expected status 404, but 200 came"),
        ({"body": b"no"}, "expected body b'no', but b'ok' came"),
        ({"body": ...}, None),
        ({"reason": "Fine"}, "expected reason 'Fine', but 'OK' came"),
        ({"version": "1.0"}, "expected version '1.0', but '1.1' came"),
        ({"framing": "chunked"}, "expected a body with framing chunked, but it was length"),
        ({"header": {"Date": ...}}, "expected Date, but there is none"),
        ({"header": {"Content-Length": None}}, "expected no Content-Length, but it is '2'"),
        ({"header": {"Content-Length": "3"}}, "expected Content-Length '3', but it is '2'"),
        ({"header": {"Content-Length": {"3"}}}, "expected Content-Length to list 3, but it is '2'"),
        ({"header": {"Date": Now()}}, "expected Date, but there is none"),
        ({"header": {"Content-Length": Now()}}, "expected Content-Length to be about now, but it is '2'"),
        ({"header": {"Content-Length": Maybe("3")}}, "expected Content-Length '3', but it is '2'"),
        ({"header": {"Content-Length": Maybe("2"), "Date": Maybe("2")}}, None),
        ({"body": re.compile(rb"o.")}, None),
        ({"body": re.compile(rb"o")}, "expected a body like b'o', but b'ok' came"),
        ({"close": False}, None),
    ],
)
def test_what_differs_is_named(against: Callable[..., Conversation], wanted: dict[str, Any], words: str | None) -> None:
    """Each expectation of an answer fails by itself and says what differed."""
    told = against(saying(OK, close=False))
    told.wire.send(get("/"))
    if words is None:
        told.wire.expect(200, **wanted)
        return
    with pytest.raises(AssertionError) as failure:
        told.wire.expect(**{"status": 200, **wanted})
    assert str(failure.value).startswith(words)


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", ""),
        (b"HTTP/1.1 200\r\nA: b\r\n\r\n", "status line b'HTTP/1.1 200'"),
        (b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "field line b'A : b'"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "field line b' c'"),
        (b"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "field line b'A: b\\rc'"),
    ],
)
def test_heads_are_read_without_forgiveness(head: bytes, fault: str) -> None:
    """The grammar check finds what h11 forgives."""
    answer = Answer(200, "OK", "1.1", [], head)
    assert answer.faults() == ([fault] if fault else [])
    assert bool(Expected(frozenset({200}), {}, wellformed=True).faults(answer)) is bool(fault)


@pytest.mark.parametrize("chop", ["whole", "bytes", "tokens", "joined"])
def test_pieces_are_the_message(chop: str) -> None:
    """Cut in any way, nothing is lost, and the fine ways cut as they say."""
    data = post("/echo", b"x" * 20_000)
    cut = pieces(data, chop)
    assert b"".join(cut) == data
    assert {"whole": 1, "joined": 1}.get(chop, len(cut)) == len(cut)
    if chop == "bytes":
        assert [len(piece) for piece in cut[:127]] == [1] * 127
        assert pieces(b"x" * 200 + b"\r\n\r\n", chop)[127:] == [b"x" * 73, b"\r", b"\n", b"\r", b"\n"]
    if chop == "tokens":
        assert cut[:6] == [b"POST", b" ", b"/echo", b" ", b"HTTP/1.1", b"\r"]


def test_http_borders_part_cr_from_lf() -> None:
    """Token borders lie on both sides of each delimiter."""
    assert http_borders(b"a: b\r\n") == [1, 2, 2, 3, 4, 5, 5, 6]


def test_steps_are_data() -> None:
    """What a case does is written down so that it can be carried out elsewhere."""
    script = Script()
    script.send(get("/echo")).expect_echo(method="GET", body=b"")
    script.expect(200, header={"A": re.compile("b+"), "C": None, "D": {"x"}}, body=...)
    script.expect_one_of({"status": 304, "header": {"E": Maybe("1")}}, {"status": 200}, why="a copy is enough")
    assert script.steps == [
        {"step": "send", "data": get("/echo").decode()},
        {"step": "expect_echo", "method": "GET", "body": ""},
        {
            "step": "expect",
            "status": 200,
            "header": {"A": {"regex": "b+"}, "C": None, "D": ["x"]},
            "body": {"present": True},
        },
        {
            "step": "expect_one_of",
            "alternatives": [{"status": 304, "header": {"E": {"absent-or": "1"}}}, {"status": 200}],
            "why": "a copy is enough",
        },
    ]
    with pytest.raises(AttributeError, match="no step 'expekt'"):
        script.expekt(200)


def test_every_case_of_the_book_is_data() -> None:
    """Whoever cannot run Python gets the same cases, each with its steps."""
    rows = list(exported(lambda id: id.startswith("http1.")))
    assert len(rows) == len({(row["id"], row["params"]) for row in rows}) > 300
    assert json.loads(json.dumps(rows)) == rows
    assert all(row["steps"] for row in rows)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ([{"status": 304}, {"status": 404}], "expected status 304, but 200 came"),
        ([{"status": 304}, {"status": 200, "body": b"no"}], "expected body b'no', but b'ok' came"),
        ([{"status": 200}, {"status": 304}], None),
        ([{"status": 304}, {"status": 200}], None),
    ],
)
def test_one_of_several_answers_is_enough(
    against: Callable[..., Conversation], wanted: list[dict[str, Any]], words: str | None
) -> None:
    """The first alternative passes, the others are lenient; a failure names what was wrong with the nearest."""
    told = against(saying(OK, close=False))
    told.wire.send(get("/"))
    if words is None:
        told.wire.expect_one_of(*wanted, why="the other is better")
        assert told.reasons == ([] if wanted[0]["status"] == 200 else ["the other is better"])
        return
    with pytest.raises(AssertionError) as failure:
        told.wire.expect_one_of(*wanted, why="the other is better")
    assert str(failure.value).startswith(words)


def test_what_was_kept_is_sent(against: Callable[..., Conversation]) -> None:
    """A field of an answer goes into a later request; one that did not come is a failure."""
    received: list[bytes] = []

    def tagging(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            received.append(data)
            connection.sendall(b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 0\r\n\r\n')

    told = against(tagging)
    told.wire.send(get("/")).expect(200).keep("ETag").send(get("/", if_none_match="{ETag}, {}")).expect(200)
    assert b'If-None-Match: "a", {}\r\n' in received[1]
    with pytest.raises(AssertionError, match="expected Vary, but there is none"):
        told.wire.keep("Vary")


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        ("Upgrade: x\r\nConnection: upgrade", ""),
        ("Upgrade: x", "upgrade not named in connection"),
        ("Connection: date", "connection option date"),
        ("Allow: GET,, PUT", "allow with an empty element"),
        ("Host: a", "host, a field of requests"),
        ('Content-Type: text/plain; a = "b"', "content-type 'text/plain; a = \"b\"'"),
        ('Content-Type: text/plain; a="; b = c"', ""),
    ],
)
def test_rules_for_senders(against: Callable[..., Conversation], head: str, fault: str) -> None:
    """Rules that hold for any answer are checked wherever an answer must be well formed."""
    told = against(saying(f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{head}\r\n\r\n".encode(), close=False))
    told.wire.send(get("/"))
    if not fault:
        told.wire.expect(200, wellformed=True)
        return
    with pytest.raises(AssertionError, match=re.escape(f"the answer's head has a faulty {fault}")):
        told.wire.expect(200, wellformed=True)


@pytest.mark.parametrize(
    ("line", "blemish"),
    [
        ("A: b c", ""),
        ("A:", ""),
        ("A:b", "whitespace in b'A:b'"),
        ("A:  b", "whitespace in b'A:  b'"),
        ("A: b ", "whitespace in b'A: b '"),
        ('Content-Type: a/b; c="\\d"', 'backslash in "\\d"'),
        ("Content-Encoding: identity", "content-encoding identity"),
    ],
)
def test_advice_for_senders(against: Callable[..., Conversation], line: str, blemish: str) -> None:
    """What a sender is advised against is found where an answer must be tidy."""
    told = against(saying(f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{line}\r\n\r\n".encode(), close=False))
    told.wire.send(get("/"))
    if not blemish:
        told.wire.expect(200, tidy=True)
        return
    with pytest.raises(AssertionError, match=re.escape(f"the answer's head is untidy: {blemish}")):
        told.wire.expect(200, tidy=True)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"Content-Encoding: gzip\r\nContent-Length: 22\r\n\r\n" + gzip.compress(b"ok", mtime=0), None),
        (b"Content-Length: 2\r\n\r\nok", None),
        (b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok", "expected content b'ok', but the body is not gzip"),
        (b"Content-Encoding: zip\r\nContent-Length: 2\r\n\r\nok", "expected content b'ok', but content coding zip"),
        (b"Content-Length: 2\r\n\r\nno", "expected content b'ok', but b'no' came"),
    ],
)
def test_content_is_read_through_its_coding(
    against: Callable[..., Conversation], answer: bytes, words: str | None
) -> None:
    """A coded body is compared with the content that it stands for."""
    told = against(saying(b"HTTP/1.1 200 OK\r\n" + answer, close=False))
    told.wire.send(get("/"))
    if words is None:
        told.wire.expect(200, content=b"ok")
        return
    with pytest.raises(AssertionError, match=words):
        told.wire.expect(200, content=b"ok")


def test_builders_write_one_valid_message() -> None:
    """The builders add Host and framing, and nothing else."""
    assert post("/a", b"xy", x_y="z") == (
        b"POST /a HTTP/1.1\r\nHost: example.test\r\nContent-Length: 2\r\nX-Y: z\r\n\r\nxy"
    )
    assert chunked("/a", b"abc").endswith(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert get(host=None, version="1.0") == b"GET /echo HTTP/1.0\r\n\r\n"
