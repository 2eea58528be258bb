"""What is fuzzed: each target takes any bytes, and raises for nothing but a broken promise of ours.

A parser may refuse its input in the one way that it documents; everything else that it raises is a finding. Beyond
that, each target asserts what must hold of every result: a stream read in pieces says what it says as a whole, nothing
comes out that did not go in, what was parsed can be written and parsed again.
"""

from __future__ import annotations

from collections.abc import Callable

from waterspout import httputil
from waterspout.protocol import http1
from waterspout.protocol.forms import parse_urlencoded
from waterspout.protocol.headers import HTTPHeaders

_CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
#: Events that one input may bring forth: each takes an octet of input at least.
_TOO_MANY = 10_000


def _read(conn: http1.Connection, stream: bytes, size: int) -> list[object]:
    """Everything that ``conn`` makes of the stream in pieces of ``size``; pieces of a body are joined."""
    events: list[object] = []
    for start in range(0, len(stream), size):
        conn.feed(stream[start : start + size])
        _drain(conn, events)
    conn.feed_eof()
    _drain(conn, events)
    return events


def _drain(conn: http1.Connection, events: list[object]) -> None:
    for _ in range(_TOO_MANY):
        event = conn.next_event()
        if event is None:
            if not (isinstance(conn, http1.ServerConnection) and conn.paused and _answered(conn)):
                return
        elif isinstance(event, http1.Data) and events and isinstance(events[-1], http1.Data):
            events[-1] = http1.Data(events[-1].data + event.data)
        elif isinstance(event, http1.Failure):
            # How much of a body comes out before it fails, and what is found first, is timing.
            if events and isinstance(events[-1], http1.Data):
                events.pop()
            events.append("failed")
        else:
            events.append(event)
    raise AssertionError("the events do not end")


def _answered(conn: http1.ServerConnection) -> bool:
    """Answer a request that was read; whether another may follow."""
    conn.send(http1.Response(404, "", [("Content-Length", "0")]))
    conn.send(http1.EndOfMessage())
    if conn.keep_alive:
        conn.start_next_message()
    return conn.keep_alive


def _size(data: bytes) -> tuple[int, bytes]:
    """The size of the pieces, from the first octet, and the rest."""
    return (data[0] if data else 0) % 32 + 1, data[1:]


def head(data: bytes) -> None:
    """Requests as a server reads them, and the same octets as a client reads a response."""
    size, stream = _size(data)
    whole = _read(http1.ServerConnection(), stream, len(stream) or 1)
    assert whole == _read(http1.ServerConnection(), stream, size), "the request depends on the pieces"
    answers = []
    for pieces in (len(stream) or 1, size):
        client = http1.ClientConnection()
        client.send(http1.Request("GET", "/", [("Host", "h")]))
        client.send(http1.EndOfMessage())
        answers.append(_read(client, stream, pieces))
    assert answers[0] == answers[1], "the response depends on the pieces"


def chunk(data: bytes) -> None:
    """A chunked body: its chunks, extensions and trailers."""
    size, body = _size(data)
    whole = _read(http1.ServerConnection(), _CHUNKED + body, len(_CHUNKED + body))
    assert whole == _read(http1.ServerConnection(), _CHUNKED + body, size), "the body depends on the pieces"
    content = sum(len(event.data) for event in whole if isinstance(event, http1.Data))
    assert content <= len(body), "more came out than went in"


def multipart(data: bytes) -> None:
    """A multipart/form-data body; the boundary is the first line, as far as it goes."""
    boundary, _, body = data.partition(b"\n")
    arguments: dict[str, list[bytes]] = {}
    files: dict[str, list[httputil.HTTPFile]] = {}
    try:
        httputil.parse_multipart_form_data(boundary[:70], body, arguments, files)
    except httputil.HTTPInputError:
        assert not arguments, "a refused body left arguments behind"
        assert not files, "a refused body left files behind"
    content = sum(len(value) for values in arguments.values() for value in values)
    content += sum(len(one.body) for uploads in files.values() for one in uploads)
    assert content <= len(body), "more came out than went in"


def cookie(data: bytes) -> None:
    """A Cookie field: whatever it says, there is an answer."""
    text = data.decode("latin-1")
    parsed = httputil.parse_cookie(text)
    assert all(name == name.strip() for name in parsed), "a name with whitespace around it"
    assert sum(len(name) + len(value) for name, value in parsed.items()) <= len(text), "more came out than went in"


def uri(data: bytes) -> None:
    """The authority of a request and the query arguments of its target."""
    text = data.decode("utf-8", "replace")
    for parse in (httputil.split_host_and_port, lambda url: httputil.url_concat(url, [("a", "b c")])):
        try:
            parse(text)
        except ValueError:
            # A port or an address in brackets that is none; HTTPInputError is no ValueError.
            continue
    try:
        arguments = parse_urlencoded(data.decode("latin-1"), 1000)
    except httputil.HTTPInputError:
        return
    assert sum(len(value) for values in arguments.values() for value in values) <= len(data)


def fields(data: bytes) -> None:
    """A block of field lines, written again and parsed again."""
    try:
        parsed = HTTPHeaders.parse(data.decode("latin-1"))
    except httputil.HTTPInputError:
        return
    lines = "".join(f"{name}: {value}\r\n" for name, value in parsed.get_all())
    assert list(HTTPHeaders.parse(lines).get_all()) == list(parsed.get_all()), "not what was written"


#: Every target by its name, which is also its directory of the corpus.
TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (head, chunk, multipart, cookie, uri, fields)
}
