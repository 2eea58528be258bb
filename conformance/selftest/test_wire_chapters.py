"""The HTTP chapters hold what they promise: every row of the list of hostile input, and right answers they accept."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from conformance import catalogue
from conformance.selftest.test_wire_http import Conversation
from conformance.wire.script import exported

#: The rows of the list of malformed requests, and of valid ones that strictness must not break. G6 is the chopping.
ROWS = {"A": 22, "B": 22, "C": 8, "D": 12, "E": 10, "F": 18, "G": 7, "V": 11}
CONTENT = b"0123456789" * 100
PART = b"HTTP/1.1 206 Partial Content\r\nContent-Length: %d\r\n%s\r\n\r\n%s"


def test_every_row_of_the_checklist_is_a_case() -> None:
    """A case shows by its label which row it is."""
    wanted = {f"{letter}{number}" for letter, count in ROWS.items() for number in range(1, count + 1)} - {"G6"}
    labels = [re.match(r"\w+=([A-GV][0-9]+)-", str(row["params"])) for row in exported(lambda id: True)]
    assert {label[1] for label in labels if label is not None} == wanted


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], Conversation]]:
    """Open conversations with servers that give one answer to every request with a Range, and the whole otherwise."""
    opened: list[Conversation] = []

    def open_conversation(part: bytes) -> Conversation:
        def script(connection: socket.socket) -> None:
            while data := connection.recv(65536):
                probe = re.search(rb"GET (/echo\?probe=\d+) ", data)
                connection.sendall(_echo(probe[1]) if probe else part if b"\r\nRange: " in data else _whole())

        opened.append(Conversation(script))
        return opened[-1]

    yield open_conversation
    for conversation in opened:
        conversation.close()


def _whole() -> bytes:
    return b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 1000\r\n\r\n' + CONTENT


def _echo(target: bytes) -> bytes:
    body = b'{"method": "GET", "target": "%s", "body": ""}' % target
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def _multipart(*ranges: tuple[int, int], preamble: bytes = b"", more: bytes = b"") -> bytes:
    parts = b"".join(
        b"--b\r\n%scontent-range: bytes %d-%d/1000\r\n%s\r\n%s\r\n"
        % (b"Content-Type: text/plain\r\n", first, last, more, CONTENT[first : last + 1])
        for first, last in ranges
    )
    body = preamble + parts + b"--b--\r\n"
    return PART % (len(body), b"Content-Type: multipart/byteranges; boundary=b", body)


def _case(id: str) -> Callable[..., None]:
    entry = catalogue.find(id)
    assert entry is not None
    return cast("Callable[..., None]", entry.case)


@pytest.mark.parametrize(
    ("id", "answer", "arguments"),
    [
        ("http1.range.several", _multipart((0, 4), (500, 501)), {"row": ("bytes=0-4,500-501", [(0, 4), (500, 501)])}),
        (
            "http1.range.several",
            _multipart((500, 501), (0, 4), preamble=b"\r\n", more=b"A: b\r\n"),
            {"row": ("bytes=500-501,0-4", [(500, 501), (0, 4)])},
        ),
        ("http1.range.parts-keep-type", _multipart((0, 4), (500, 501)), {"wanted": "bytes=0-4,500-501"}),
        (
            "http1.range.one",
            PART % (5, b"Content-Range: bytes 0-4/1000", b"01234"),
            {"row": ("bytes=0-4", 0, 4)},
        ),
        (
            "http1.range.unsatisfiable-416",
            b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */1000\r\nContent-Length: 0\r\n\r\n",
            {"wanted": "bytes=1000-"},
        ),
        (
            "http1.if-range.same",
            PART % (5, b"Content-Range: bytes 0-4/1000", b"01234"),
            {"validator": "{ETag}"},
        ),
        (
            "http1.range.fields-after-if-range",
            PART % (5, b'ETag: "a"\r\nContent-Range: bytes 0-4/1000', b"01234"),
            {"validator": "{ETag}"},
        ),
    ],
)
def test_right_parts_pass(
    answering: Callable[[bytes], Conversation], id: str, answer: bytes, arguments: dict[str, Any]
) -> None:
    """A server that does support ranges passes without being called lenient."""
    told = answering(answer)
    _case(id)(wire=told.wire, **arguments)
    assert told.reasons == []


@pytest.mark.parametrize(
    "answer",
    [
        _multipart((500, 501), (0, 4)),
        _multipart((0, 4)),
        _multipart((0, 4), (500, 502)),
        _multipart((0, 4), (500, 501)).replace(b"--b--", b"--b\r\n"),
        _multipart((0, 4), (500, 501)).replace(b"\r\n--b", b"\n---b"),
    ],
)
def test_wrong_parts_fail(answering: Callable[[bytes], Conversation], answer: bytes) -> None:
    """Parts in another order, missing or too long ones, and a multipart without its end do not pass."""
    told = answering(answer)
    with pytest.raises(AssertionError, match="expected a body like"):
        _case("http1.range.several")(wire=told.wire, row=("bytes=0-4,500-501", [(0, 4), (500, 501)]))
