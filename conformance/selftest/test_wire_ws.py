"""The ``ws`` fixture against small servers that lie: each lie fails with the words for it, a right server passes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import wsproto
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Ping, Request, TextMessage

from conformance import target as targets
from conformance.plugin import CHOPS
from conformance.server_process import ServerProcess
from conformance.verdict import NotTestable
from conformance.wire import ws as wire_ws
from conformance.wire.frames import Frame, borders, frame, take_frame
from conformance.wire.opening import accept_value, parse_fields
from conformance.wire.ws import WebSocket, binary, close, cont, part, ping, text

Serve = Callable[[socket.socket], None]
Steps = Callable[[WebSocket], Any]


@pytest.fixture(autouse=True)
def short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_ws, "DEADLINE", 0.4)


class Peer:
    """A server of one connection at a time that does as its script says."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.lenient: list[str] = []
        self.rows: list[dict[str, Any]] = []
        self._open: list[WebSocket] = []
        self._threads: list[threading.Thread] = []

    def play(self, script: Serve, chop: str = "whole") -> WebSocket:
        """Serve one connection with ``script`` in a thread and return a conversation with it."""
        thread = threading.Thread(target=self._serve, args=(script,))
        thread.start()
        self._threads.append(thread)
        url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        conversation = WebSocket(ServerProcess(targets.from_url(url)), chop, self.rows, self.lenient.append)
        self._open.append(conversation)
        return conversation

    def _serve(self, script: Serve) -> None:
        connection, _ = self.listener.accept()
        connection.settimeout(5)
        with connection, contextlib.suppress(OSError):
            script(connection)

    def end(self) -> None:
        for conversation in self._open:
            conversation.shut()
        for thread in self._threads:
            thread.join(5)
        self.listener.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    server = Peer()
    yield server
    server.end()


# -- servers ----------------------------------------------------------------------------------------------------------


def read_head(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    return head


def accept(connection: socket.socket, **changes: str | None) -> None:
    """Answer the handshake; ``changes`` replace fields, or leave them out."""
    key = dict(parse_fields(read_head(connection)))["sec-websocket-key"]
    fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept_value(key), **changes}
    lines = [f"{name}: {value}\r\n" for name, value in fields.items() if value is not None]
    connection.sendall(f"HTTP/1.1 101 Switching Protocols\r\n{''.join(lines)}\r\n".encode())


def next_frame(connection: socket.socket, buffer: bytearray) -> Frame | None:
    while (found := take_frame(buffer)) is None:
        data = connection.recv(65536)
        if not data:
            return None
        buffer += data
    return found


def answering(*answers: Frame, then: str = "end") -> Serve:
    """Make a server that sends one of ``answers`` for each frame it gets; ``then`` it ends, or waits for the end."""

    def script(connection: socket.socket) -> None:
        accept(connection)
        buffer = bytearray()
        for answer in answers:
            next_frame(connection, buffer)
            connection.sendall(answer.encode())
        if then == "wait":
            while connection.recv(65536):
                pass

    return script


def echoing(change: Callable[[Frame], Frame | None]) -> Serve:
    """Make a server that sends each frame back without its mask, as ``change`` makes it, and closes after a close."""

    def script(connection: socket.socket) -> None:
        accept(connection)
        buffer = bytearray()
        while (came := next_frame(connection, buffer)) is not None:
            opcode = 10 if came.opcode == 9 else came.opcode
            answer = change(frame(opcode, came.payload, fin=came.fin, mask=False))
            if answer is not None:
                connection.sendall(answer.encode())
            if came.opcode == 8:
                return

    return script


def right(connection: socket.socket) -> None:
    """Serve as the RFC wants it, with wsproto: after a close frame, or a fault, it ends the connection at once."""
    peer = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
    while data := connection.recv(65536):
        peer.receive_data(data)
        for event in peer.events():
            connection.sendall(b"".join(map(peer.send, right_answers(event))))
            if isinstance(event, CloseConnection):
                return


def right_answers(event: Event) -> list[Any]:
    if isinstance(event, Request):
        return [AcceptConnection()]
    if isinstance(event, Ping | CloseConnection):
        return [event.response()]
    if isinstance(event, TextMessage):
        return [TextMessage(data=event.data, message_finished=event.message_finished)]
    if isinstance(event, BytesMessage):
        return [BytesMessage(data=event.data, message_finished=event.message_finished)]
    return []


def server_frame(opcode: int, payload: bytes, **fields: Any) -> Frame:
    return frame(opcode, payload, **{"mask": False, **fields})


# -- a right server ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chop", CHOPS)
def test_right_server_passes_in_every_way_to_chop(peer: Peer, chop: str) -> None:
    """Messages, fragments, pings, the probe and the closing handshake of a right server are accepted."""
    one = peer.play(right, chop)
    one.open().send(text("héllo"), binary(b"\x00" * 70000)).expect_text("héllo").expect_binary(b"\x00" * 70000)
    one.send(text("a", fin=False), ping(b"between"), cont("b")).expect_pong(b"between").expect_text("ab").expect_alive()
    one.send(close(3000, "bye")).expect_close(3000).expect_end(clean=True)
    assert not peer.lenient


@pytest.mark.parametrize("chop", CHOPS)
def test_right_server_may_fail_the_connection(peer: Peer, chop: str) -> None:
    """A close frame with the right code and the end of TCP is what must_fail asks for."""
    peer.play(right, chop).open().send(frame(1, b"x", rsv=2)).must_fail(1002)
    assert not peer.lenient


def test_frames_are_described_in_the_log(peer: Peer) -> None:
    """The rows of the log tell what each frame is, on both sides."""
    peer.play(right).open().send(text("hello")).expect_text("hello")
    notes = [(row["from"], row["note"]) for row in peer.rows]
    assert ("suite", "text, fin, masked, 5 bytes: 'hello'") in notes
    assert ("target", "text, fin, not masked, 5 bytes: 'hello'") in notes


def test_steps_are_data(peer: Peer) -> None:
    """What a case did can be written down without the code that did it."""
    one = peer.play(right).open().send(ping(b"x")).expect_pong(b"x")
    assert [next(iter(step)) for step in one.steps] == ["handshake", "expect_accepted", "send", "expect_pong"]
    assert one.steps[-1] == {"expect_pong": ["x"]}


def test_header_is_cut_between_its_fields() -> None:
    """The borders of a frame are behind the opcode, the length, the longer length, the key, and the payload."""
    assert borders([text("a" * 126), ping()]) == [1, 2, 4, 8, 134, 135, 136, 140, 140]
    assert borders([part(text("abc"), 3), ping()])[:4] == [1, 2, 3, 3]


# -- servers that lie -------------------------------------------------------------------------------------------------

SAME = echoing(lambda came: came)
LIES: dict[str, tuple[Serve, Steps, str]] = {
    "silent": (
        answering(then="wait"),
        lambda ws: ws.send(text("hello")).expect_text("hello"),
        "expected text, 5 bytes: 'hello', but nothing came in time",
    ),
    "silent where it must fail": (
        answering(then="wait"),
        lambda ws: ws.send(frame(3, b"x")).must_fail(1002),
        "expected a close frame with code 1002, then the end of the connection, but nothing came in time",
    ),
    "echo changed, same length": (
        echoing(lambda came: server_frame(came.opcode, came.payload[:-1] + b"!")),
        lambda ws: ws.send(text("hello")).expect_text("hello"),
        "the content differs from byte 4 on: b'!' came instead of b'o'",
    ),
    "echo cut": (
        echoing(lambda came: server_frame(came.opcode, came.payload[:-1])),
        lambda ws: ws.send(binary(b"hello")).expect_binary(b"hello"),
        "expected 5 bytes, but 4 came",
    ),
    "text as binary": (
        echoing(lambda came: server_frame(2, came.payload)),
        lambda ws: ws.send(text("hello")).expect_text("hello"),
        "expected a text message, but a binary message came",
    ),
    "echo of the bad data": (
        SAME,
        lambda ws: ws.send(frame(1, b"bad", rsv=4)).must_fail(1002),
        "the target went on where it must fail the connection: text, 3 bytes: 'bad' came",
    ),
    "wrong close code": (
        answering(server_frame(8, b"\x03\xe8")),
        lambda ws: ws.send(frame(3, b"x")).must_fail(1002),
        "expected close code 1002, but code 1000 came",
    ),
    "close without a code": (
        answering(server_frame(8, b"")),
        lambda ws: ws.send(frame(3, b"x")).must_fail(1002),
        "expected close code 1002, but no code came",
    ),
    "more behind the close": (
        answering(server_frame(8, b"\x03\xea"), server_frame(1, b"more")),
        lambda ws: ws.send(frame(3, b"x")).must_fail(1002),
        "nothing may follow, but text, 4 bytes: 'more' came",
    ),
    "never ends TCP": (
        answering(server_frame(8, b"\x03\xea"), then="wait"),
        lambda ws: ws.send(frame(3, b"x")).must_fail(1002),
        "the target did not end the TCP connection",
    ),
    "never ends TCP after the handshake": (
        answering(server_frame(8, b"\x03\xe8"), then="wait"),
        lambda ws: ws.send(close(1000)).expect_close(1000).expect_end(),
        "the target did not end the TCP connection",
    ),
    "echoes an invalid close code": (
        SAME,
        lambda ws: ws.send(close(1005)).must_fail(1002),
        "the target sent close code 1005, which must not be sent",
    ),
    "other close code": (
        answering(server_frame(8, b"\x03\xe9")),
        lambda ws: ws.send(close(1000)).expect_close(1000),
        "expected a close frame with code 1000, but code 1001 came",
    ),
    "other reason": (
        answering(server_frame(8, b"\x03\xe8no")),
        lambda ws: ws.send(text("close")).expect_close(1000, reason="yes"),
        "expected the reason 'yes', but 'no' came",
    ),
    "drops without a close": (
        answering(),
        lambda ws: ws.send(close(1000)).expect_close(...),
        "expected a close frame, but the connection ended",
    ),
    "drops in place of an echo": (
        answering(),
        lambda ws: ws.send(text("a")).expect_text("a"),
        "expected text, 1 bytes: 'a', but the connection ended",
    ),
    "masks": (
        answering(frame(1, b"hello")),
        lambda ws: ws.send(text("hello")).expect_text("hello"),
        "the target sent a masked frame",
    ),
    "long form of the length": (
        answering(server_frame(1, b"hello", length_form=64)),
        lambda ws: ws.send(text("hello")).expect_text("hello"),
        "the target sent a length in 64 bits that fits in 7",
    ),
    "reserved bits": (
        answering(server_frame(1, b"hello", rsv=1)),
        lambda ws: ws.send(text("hello")).expect_text("hello"),
        "the target sent reserved bits that are not zero",
    ),
    "reserved opcode": (
        answering(server_frame(5, b"hello")),
        lambda ws: ws.send(text("hello")).expect_text("hello"),
        "the target sent opcode 5, which is reserved",
    ),
    "long pong": (
        answering(server_frame(10, b"a" * 126)),
        lambda ws: ws.send(ping()).expect_pong(b""),
        "the target sent a control frame with more than 125 bytes",
    ),
    "fragmented pong": (
        answering(server_frame(10, b"", fin=False)),
        lambda ws: ws.send(ping()).expect_pong(b""),
        "the target sent a fragmented control frame",
    ),
    "not UTF-8": (
        answering(server_frame(1, b"\xff")),
        lambda ws: ws.send(text("a")).expect_text("a"),
        "the target sent text that is not UTF-8",
    ),
    "stray continuation": (
        answering(server_frame(0, b"a")),
        lambda ws: ws.send(text("a")).expect_text("a"),
        "the target sent a continuation without a message",
    ),
    "half a close code": (
        answering(server_frame(8, b"\x03")),
        lambda ws: ws.send(close()).expect_close(...),
        "the target sent a close frame with half a code",
    ),
    "other pong": (
        answering(server_frame(10, b"other")),
        lambda ws: ws.send(ping(b"mine")).expect_pong(b"mine"),
        "expected pong, 4 bytes: 'mine', but pong, 5 bytes: 'other' came",
    ),
    "answers twice": (
        answering(server_frame(1, b"a"), server_frame(1, b"a"), then="wait"),
        lambda ws: ws.send(text("a"), ping()).expect_text("a").expect_alive(),
        "expected 7 bytes, but 1 came",
    ),
    "closes where it should live": (
        answering(server_frame(8, b"\x03\xe8")),
        lambda ws: ws.expect_alive(),
        "but the target closes: close, 2 bytes: 1000",
    ),
    "breaks off": (
        answering(server_frame(1, b"ab", length=3)),
        lambda ws: ws.send(text("abc")).expect_text("abc"),
        "the target sent a frame that breaks off",
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_lie_fails_with_the_words_for_it(peer: Peer, name: str) -> None:
    """The failure says what is wrong, what was sent and expected, and who closed."""
    script, steps, words = LIES[name]
    with pytest.raises(AssertionError) as caught:
        steps(peer.play(script).open())
    message = str(caught.value)
    assert words in message
    assert [line.split(":")[0] for line in message.split("\n")[1:6]] == ["sent", "expected", "came", "before", "closed"]


def test_bare_drop_is_lenient_where_the_connection_must_fail(peer: Peer) -> None:
    """A dropped connection fails it, without saying why."""
    peer.play(answering()).open().send(frame(3, b"x")).must_fail(1002)
    assert peer.lenient == ["dropped without a close frame; one with the code says why"]


@pytest.mark.parametrize("chop", CHOPS)
def test_server_that_skips_the_fault_and_goes_on_fails(peer: Peer, chop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that drops the bad frame and answers the pings behind it has not failed the connection."""
    # It does answer: the short limit for those that keep silent is not for a busy machine's delays.
    monkeypatch.setattr(wire_ws, "DEADLINE", 10)
    skipping = echoing(lambda came: came if came.opcode == 10 else None)
    with pytest.raises(AssertionError, match="went on where it must fail the connection: pong"):
        peer.play(skipping, chop).open().send(frame(3, b"x")).must_fail(1002)


def test_server_that_judges_late_is_lenient(peer: Peer) -> None:
    """A ping that was answered before the bad message was looked at is no failure, but not preferred."""
    late = answering(server_frame(10, b"probe 1"), server_frame(8, b"\x03\xef"))
    peer.play(late, "joined").open().send(text(b"\xff")).must_fail(1007)
    assert peer.lenient == ["a ping behind the fault was answered before the connection failed"]


def test_swallowed_ping_behind_a_message_is_noticed(peer: Peer) -> None:
    """In the way "joined" a server that loses what follows a message fails the case."""
    deaf = echoing(lambda came: None if came.opcode == 10 else came)
    with pytest.raises(AssertionError, match="expected pong, 7 bytes: 'probe 1'"):
        peer.play(deaf, "joined").open().send(text("a")).expect_text("a").expect_alive()


def test_only_the_latest_ping_need_be_answered(peer: Peer) -> None:
    """An endpoint may answer the latest of several pings alone; that is allowed, not preferred."""
    peer.play(answering(server_frame(10, b"2"))).open().send(ping(b"1"), ping(b"2")).expect_pong(b"1", b"2")
    assert peer.lenient == ["only the latest of several pings was answered"]


# -- opening handshakes that lie --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Sec-WebSocket-Accept": accept_value("other")}, "Sec-WebSocket-Accept is"),
        ({"Sec-WebSocket-Accept": None}, "Sec-WebSocket-Accept is"),
        ({"Upgrade": "h2c"}, "Upgrade does not name websocket"),
        ({"Connection": "keep-alive"}, "Connection does not name Upgrade"),
        ({"Sec-WebSocket-Protocol": "chat"}, "subprotocol 'chat', which was not offered"),
        ({"Sec-WebSocket-Extensions": "x-made-up"}, "extension 'x-made-up', which was not offered"),
    ],
)
def test_wrong_acceptance_fails(peer: Peer, changes: dict[str, str | None], words: str) -> None:
    """A 101 that is wrong in one field is no acceptance."""
    with pytest.raises(AssertionError, match=words):
        peer.play(lambda connection: accept(connection, **changes)).handshake().expect_accepted()


def test_acceptance_is_no_refusal(peer: Peer) -> None:
    """A handshake that should be refused and is accepted fails the case."""
    with pytest.raises(AssertionError, match="expected a refusal with 400, but the handshake was accepted"):
        peer.play(accept).handshake().expect_refused(400)


def test_acceptance_that_is_allowed_is_noted(peer: Peer) -> None:
    """Where the case allows the handshake to be accepted, that is lenient."""
    peer.play(accept).handshake().expect_refused(400, unless="it may be spoken")
    assert peer.lenient == ["it may be spoken"]


def test_refusal_has_the_status_and_the_field(peer: Peer) -> None:
    """The status is compared, a status that is not preferred is lenient, a missing field fails."""

    def refuse(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nX-Versions: 8, 13\r\n\r\n")

    peer.play(refuse).handshake().expect_refused(426, header={"X-Versions": "13"})
    peer.play(refuse).handshake().expect_refused(400, also=(426,))
    assert peer.lenient == ["answered 426; 400 is preferred"]
    with pytest.raises(AssertionError, match="expected a refusal with 400, but 426 came"):
        peer.play(refuse).handshake().expect_refused(400)
    with pytest.raises(AssertionError, match="expected Sec-WebSocket-Version to list 13"):
        peer.play(refuse).handshake().expect_refused(426, header={"Sec-WebSocket-Version": "13"})


def test_case_that_cannot_begin_is_not_testable(peer: Peer) -> None:
    """Where the handshake is only the way to the case, its failure is a verdict of its own."""
    with pytest.raises(NotTestable, match="the opening handshake failed"):
        peer.play(lambda connection: None).open()
