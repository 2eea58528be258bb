"""The two roles' conversations: what `ServerConnection` and `ClientConnection` read, may send, and remember
in between.

RFC 9112 section 9 (persistence, pipelining, closing) and RFC 9110 section 7.8 (upgrade) are here; grammar,
framing, readers and writers are in modules of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from waterspout.protocol.http1 import framing, heads, writers
from waterspout.protocol.http1.buffer import ReceiveBuffer
from waterspout.protocol.http1.errors import LocalProtocolError, PeerError
from waterspout.protocol.http1.events import (
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    Failure,
    Fields,
    InformationalResponse,
    Request,
    Response,
)
from waterspout.protocol.http1.framing import Body
from waterspout.protocol.http1.grammar import governing_field
from waterspout.protocol.http1.limits import Limits
from waterspout.protocol.http1.readers import (
    ChunkedReader,
    HeadReader,
    LengthReader,
    NoBodyReader,
    PausedReader,
    Reader,
    UnaskedReader,
    UntilCloseReader,
)
from waterspout.protocol.http1.state import CLIENT_MOVES, SERVER_MOVES, Moves, Role, State
from waterspout.protocol.http1.writers import LengthWriter

_DEFAULT_LIMITS = Limits()
_NO_BODY = NoBodyReader()
_PAUSED = PausedReader()
_UNASKED = UnaskedReader()
_END = EndOfMessage()
_MAY_RESPOND = frozenset({State.ANSWERING, State.IDLE})
_DEAF = frozenset({State.MUST_CLOSE, State.CLOSED, State.ERROR})


def _ambiguous(error: PeerError) -> LocalProtocolError:
    """What our own head does wrong where a peer would have to refuse it."""
    return LocalProtocolError(f"{error.message}; declare the body's length in one way")


class Connection:
    """What both roles have in common. Use `ServerConnection` or `ClientConnection`."""

    role: Role
    _our_moves: Moves

    def __init__(self, limits: Limits = _DEFAULT_LIMITS) -> None:
        self.limits = limits
        self.our_state = State.IDLE
        self.their_state = State.IDLE
        self._buffer = ReceiveBuffer()
        self._ended = False
        self._persistent = True
        self._failed = False
        #: What reads when an exchange begins.
        self._first_reader: Reader = _PAUSED
        self._reader: Reader = _PAUSED
        self._request: Request | None = None
        self._writer: writers.Writer = writers.NO_BODY

    # Reading

    def feed(self, data: bytes) -> None:
        """Store what was received. Never raises for what a peer sent; what can no longer matter is dropped.

        Input that comes while the connection is `paused` is kept, so whoever reads the socket should pause
        it, too.
        """
        if self._ended and data:
            raise LocalProtocolError("feed() after feed_eof(); make a new connection object for a new connection")
        if self.their_state not in _DEAF:
            self._buffer.feed(data)

    def feed_eof(self) -> None:
        """Note that the peer will send nothing more. `next_event` says what that means once the stored input
        is used up.
        """
        self._ended = True

    def next_event(self) -> Event | None:
        """Return what the peer said next, or None: more input is needed, or reading is `paused`.

        After a ``Failure`` or ``ConnectionClosed`` it returns None for good.
        """
        try:
            event = self._reader(self._buffer)
            if event is None and self._ended:
                event = self._reader.at_end(self._buffer)
        except PeerError as error:
            return self._fail(error)
        kind = type(event)
        if kind is EndOfMessage and self._persistent:
            self.their_state = State.DONE
            self._reader = _PAUSED
        elif event is not None and kind is not Data:
            self._received(event)
        return event

    @property
    def paused(self) -> bool:
        """Whether reading waits for `start_next_message`: the peer's message is complete, ours is not, or
        both are.
        """
        return self.their_state is State.DONE

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may live on after this exchange, by what both sides have said so far."""
        return self._persistent

    def leftover(self) -> bytes:
        """Return what was received and not consumed, for whoever takes the connection over."""
        return self._buffer.rest()

    def set_body_limit(self, size: int | None) -> None:
        """Bound the current incoming body by ``size`` octets (None: not at all), in place of ``limits.body``.

        To be called after the head was delivered and before any of the body is; raises `LocalProtocolError`
        at other times.
        """
        if self.their_state is not State.BODY:
            raise LocalProtocolError("set_body_limit() belongs between a message's head and its body")
        if isinstance(self._reader, LengthReader | ChunkedReader | UntilCloseReader):
            self._reader.bound = size

    def _received(self, event: Event) -> None:
        """Settle the states after any event but data and the end of a message that others may follow."""
        raise NotImplementedError

    def _read_body(self, body: Body, length: int | None) -> None:
        """Choose the reader for a body, and take up the state of reading it."""
        self.their_state = State.BODY
        bound = self.limits.body
        if body is Body.NONE:
            self._reader = _NO_BODY
        elif body is Body.LENGTH:
            self._reader = LengthReader(length or 0, bound, self.limits.piece)
        elif body is Body.CHUNKED:
            self._reader = ChunkedReader(self.limits, bound, folds=self.role is Role.CLIENT)
        else:
            self._reader = UntilCloseReader(bound, self.limits.piece)

    def _stop_reading(self, state: State) -> None:
        self.their_state = state
        self._reader = _PAUSED
        if state in _DEAF:
            self._buffer.clear()

    def _switch(self) -> None:
        self._persistent = False
        self.our_state = self.their_state = State.SWITCHED
        self._reader = _PAUSED

    def _fail(self, error: PeerError) -> Failure:
        self._failed = True
        self._persistent = False
        self._stop_reading(State.ERROR)
        return Failure(error.status, error.message)

    # Sending

    def send(self, event: Event) -> bytes:
        """Turn what we say into octets for the peer.

        Raises `LocalProtocolError`, changing nothing, when the event is not allowed now, would not be valid
        on the wire or breaks what the head declared.
        """
        kind = type(event)
        state = self._our_moves[self.our_state].get(kind)
        if state is None:
            raise LocalProtocolError(self._misplaced(event))
        if kind is Data:
            return self._writer.data(event.data)  # type: ignore[union-attr]
        if kind is EndOfMessage:
            octets = self._writer.end(event)  # type: ignore[arg-type]
            self.our_state = state
            if not self._persistent:
                self._sent_last_end()
            return octets
        if kind is ConnectionClosed:
            self.our_state = state
            self._persistent = False
            return b""
        return self._send_head(event, state)

    def send_data(self, data: bytes) -> bytes:
        """The same as ``send(Data(data))``, for what is sent most."""
        if self.our_state is not State.BODY:
            raise LocalProtocolError(self._misplaced(Data(data)))
        return self._writer.data(data)

    def send_end(self) -> bytes:
        """The same as ``send(EndOfMessage())``."""
        if self.our_state is not State.BODY:
            raise LocalProtocolError(self._misplaced(_END))
        octets = self._writer.end(_END)
        self.our_state = State.DONE
        if not self._persistent:
            self._sent_last_end()
        return octets

    def _misplaced(self, event: Event) -> str:
        name = type(event).__name__
        return f"a {self.role.value} that is {self.our_state.value} may not send {name}"

    def _send_head(self, event: Event, state: State) -> bytes:
        raise NotImplementedError

    def _sent_last_end(self) -> None:
        """Settle the states now that our message is complete and the connection ends with it."""
        self.our_state = State.MUST_CLOSE

    # Both

    def start_next_message(self) -> bool:
        """Begin the next exchange on the same connection; tell whether there may be something to read already.

        Raises `LocalProtocolError` unless both sides are done and `keep_alive` holds.
        """
        if self.our_state is not State.DONE or self.their_state is not State.DONE:
            raise LocalProtocolError(
                f"the exchange is not over (we: {self.our_state.value}, they: {self.their_state.value});"
                " complete both messages first, or close the connection"
            )
        self.our_state = self.their_state = State.IDLE
        self._reader = self._first_reader
        self._request = None
        return self._ended or self._buffer.pos < len(self._buffer.data)


class ServerConnection(Connection):
    """A server's side of one connection: reads requests, sends responses.

    Source: RFC 9112. A cycle is: ``feed``, ``next_event`` until ``EndOfMessage``, ``send`` a response, its
    data and its end, then `start_next_message` if `keep_alive`, else close. Requests are read one at a time;
    pipelined ones wait in the buffer.
    """

    role = Role.SERVER
    _our_moves = SERVER_MOVES

    def __init__(self, limits: Limits = _DEFAULT_LIMITS) -> None:
        super().__init__(limits)
        # The method of a broken request, as far as it matters for the answer.
        self._method_refused = "GET"
        #: Whether the current or next exchange is the last one, by `close_soon`.
        self.closing = False
        self._reader = self._first_reader = HeadReader(
            limits,
            heads.parse_request,
            heads.check_request_line,
            too_long=414,
            empty_lines=limits.empty_lines,
        )

    def _received(self, event: Event) -> None:
        if type(event) is Request:
            self._request = event
            self._persistent = event.keep_alive and not self.closing
            self.our_state = State.ANSWERING
            length = event.content_length
            if length or event.chunked:
                self._read_body(framing.of_request(length, event.chunked), length)
            else:
                # Complete with its head; the event that says so follows for whoever wants it.
                self.their_state = State.DONE
                self._reader = _NO_BODY
        elif type(event) is EndOfMessage:
            self._stop_reading(self._state_after_request())
        else:
            self._persistent = False
            self._stop_reading(State.CLOSED)

    def _state_after_request(self) -> State:
        request = self._request
        if request is None or request.upgrade is not None or request.method == "CONNECT":
            return State.DONE
        return State.MUST_CLOSE  # RFC 9112 section 9.6: nothing after such a request is looked at

    @property
    def answers_head(self) -> bool:
        """Whether the response may have no content because the request asked for none by ``HEAD``.

        That is also so for a broken request that begins with this method: whoever sent it reads no content.
        """
        return (self._method_refused if self._request is None else self._request.method) == "HEAD"

    def _fail(self, error: PeerError) -> Failure:
        if self._request is None and self._buffer.rest().startswith(b"HEAD "):
            self._method_refused = "HEAD"
        failure = super()._fail(error)
        self.our_state = SERVER_MOVES[self.our_state].get(Failure, self.our_state)
        if self.our_state is State.DONE:
            self.our_state = State.MUST_CLOSE
        return failure

    def close_soon(self) -> None:
        """Make the current exchange, or the next one if there is none, the last one of the connection.

        Its response says so unless its head is out already.
        """
        self.closing = True
        if self.our_state is not State.IDLE:
            self._persistent = False
            if self.our_state is State.DONE:
                self._sent_last_end()

    def abandon_body(self) -> None:
        """Give up reading the request's body; the connection then ends with the response.

        The rest of the body is dropped. Does nothing when there is none or all of it was read.
        """
        if self.their_state is not State.BODY or self._reader is _NO_BODY:
            return
        self._persistent = False
        self._stop_reading(State.MUST_CLOSE)
        if self.our_state is State.DONE:
            self.our_state = State.MUST_CLOSE

    def _send_head(self, event: Event, state: State) -> bytes:
        if type(event) is not Response or event.status < 200:
            return self._send_informational(event)
        return self.send_response(event.status, event.reason, event.headers, event.version)

    def send_response(self, status: int, reason: str, headers: Fields, version: str = "HTTP/1.1") -> bytes:
        """The same as ``send(Response(...))``, for a final response."""
        if status < 200 or self.our_state not in _MAY_RESPOND:
            return self.send(Response(status, reason, headers, version))
        head = writers.status_line(version, status, reason) + writers.serialise_fields(headers)
        noted = framing.note(governing_field.findall(head))
        try:
            length, chunked = framing.declared(noted, "HTTP/1.1")
        except PeerError as error:
            raise _ambiguous(error) from None
        request = self._request
        if request is None:
            method, spoken = self._method_refused, ""
        else:
            method, spoken = request.method, request.version
        body = framing.of_response(method, status, length, chunked)
        # Chunks and persistence by default are for two sides that both speak 1.1 (RFC 9112 6.1 and 9.3).
        modern = spoken == version == "HTTP/1.1"
        if body is Body.LENGTH:
            self._writer = LengthWriter(length or 0)
        else:
            self._check_declared(body, status, length, chunked, modern)
            if body is Body.UNTIL_CLOSE and modern and not self._failed:
                body = Body.CHUNKED
                head += "Transfer-Encoding: chunked\r\n"
            self._writer = writers.writer_for(body)
        if "connection" in noted or not modern or not self._persistent or body is Body.UNTIL_CLOSE:
            head += self._settle_persistence(noted.get("connection", ()), modern, body)
        self.our_state = State.BODY
        if body is Body.TUNNEL:
            self._switch()
        return (head + "\r\n").encode("latin-1")

    def _settle_persistence(self, said: Sequence[str], modern: bool, body: Body) -> str:
        """Decide whether the connection outlives this response; return the field line that has to say so."""
        options = framing.tokens(said)
        if not self._persistent or self._request is None or body is Body.UNTIL_CLOSE or "close" in options:
            self._persistent = False
            return "" if "close" in options or body is Body.TUNNEL else "Connection: close\r\n"
        return "" if modern or "keep-alive" in options else "Connection: keep-alive\r\n"

    def _send_informational(self, event: Event) -> bytes:
        if not isinstance(event, Response | InformationalResponse):
            raise LocalProtocolError(self._misplaced(event))
        if event.status >= 200:
            raise LocalProtocolError(f"status {event.status} is not informational; send it as a Response")
        request = self._request
        if self.our_state is not State.ANSWERING or request is None or self._failed:
            raise LocalProtocolError("an informational response needs a request that waits for its answer")
        if request.version == "HTTP/1.0":
            raise LocalProtocolError("an HTTP/1.0 client knows no 1xx responses; send the final one")
        head = writers.status_line(event.version, event.status, event.reason) + writers.serialise_fields(event.headers)
        noted = framing.note(governing_field.findall(head))
        if "content-length" in noted or "transfer-encoding" in noted:
            raise LocalProtocolError("a 1xx response has neither Content-Length nor Transfer-Encoding; remove them")
        if event.status == 101:
            self._check_switch(request)
        if event.status == 101:
            self._switch()
        return (head + "\r\n").encode("latin-1")

    def _check_switch(self, request: Request) -> None:
        if request.upgrade is None:
            raise LocalProtocolError("101 answers a request with Upgrade only; send another status")
        if self.their_state is not State.DONE:
            raise LocalProtocolError("read the request's body to its end before switching protocols")

    def _check_declared(self, body: Body, status: int, length: int | None, chunked: bool, modern: bool) -> None:
        if length is not None or chunked:
            if status == 204 or body is Body.TUNNEL:
                raise LocalProtocolError(
                    f"this {status} response has neither Content-Length nor Transfer-Encoding; remove them"
                )
            if chunked and not modern:
                raise LocalProtocolError("chunked needs an HTTP/1.1 request; declare a Content-Length or nothing")
        if body is Body.TUNNEL and self.their_state is not State.DONE:
            raise LocalProtocolError("read the request to its end before answering CONNECT")

    def _sent_last_end(self) -> None:
        super()._sent_last_end()
        # What the client still sends of its body may be read; further requests may not.
        if self.their_state is State.DONE or self.their_state is State.IDLE:
            self._stop_reading(State.MUST_CLOSE)


class ClientConnection(Connection):
    """A client's side of one connection: sends requests, reads responses, one exchange at a time."""

    role = Role.CLIENT
    _our_moves = CLIENT_MOVES

    def __init__(self, limits: Limits = _DEFAULT_LIMITS) -> None:
        super().__init__(limits)
        self._head_reader = HeadReader(limits, self._parse, heads.check_status_line, too_long=400, empty_lines=0)
        self._method = "GET"
        self._upgrade_asked = False
        self._reader = self._first_reader = _UNASKED

    def _parse(self, text: str, limits: Limits) -> Event | None:
        event = heads.parse_response(text, limits, self._method)
        if event is not None and event.status == 101 and not self._upgrade_asked:
            # RFC 9110 section 7.8
            raise PeerError(400, "101 in answer to a request that asked for no upgrade")
        return event

    def _received(self, event: Event) -> None:
        if isinstance(event, Response):
            body = framing.of_response(self._method, event.status, event.content_length, event.chunked)
            self._persistent = self._persistent and event.keep_alive and body is not Body.UNTIL_CLOSE
            if body is Body.TUNNEL:
                self._switch()
            else:
                self._read_body(body, event.content_length)
        elif isinstance(event, InformationalResponse):
            if event.status == 101:
                self._switch()
        elif isinstance(event, EndOfMessage):
            self._received_last_end()
        else:
            self._persistent = False
            self._stop_reading(State.CLOSED)

    def _received_last_end(self) -> None:
        self._stop_reading(State.MUST_CLOSE)
        # The end of the connection is still worth an event.
        self._reader = _UNASKED
        if self.our_state is State.DONE:
            self.our_state = State.MUST_CLOSE

    @property
    def keep_alive(self) -> bool:
        # RFC 9112 section 9.2: what came after the response may not answer the next request.
        return self._persistent and not self._ended and not (self.their_state is State.DONE and self._buffer)

    def start_next_message(self) -> bool:
        if not self.keep_alive:
            raise LocalProtocolError("the connection may not be used again; close it")
        return super().start_next_message()

    def _send_head(self, event: Event, state: State) -> bytes:
        if not isinstance(event, Request):
            raise LocalProtocolError(self._misplaced(event))
        if self._buffer or self._ended or self.their_state is not State.IDLE:
            raise LocalProtocolError("the server has spoken or gone before the request; use a new connection")
        head = writers.request_head(event)
        noted = framing.note(governing_field.findall(head))
        try:
            length, chunked = framing.declared(noted, "HTTP/1.1")
        except PeerError as error:
            raise _ambiguous(error) from None
        if chunked and event.version == "HTTP/1.0":
            raise LocalProtocolError("chunked needs HTTP/1.1; declare a Content-Length")
        self._persistent = heads.keep_alive(event.version, framing.tokens(noted.get("connection", ())))
        self._method = event.method
        self._upgrade_asked = "upgrade" in noted
        body = framing.of_request(length, chunked)
        self._writer = LengthWriter(length or 0) if body is Body.LENGTH else writers.writer_for(body)
        self.our_state = state
        self.their_state = State.ANSWERING
        self._reader = self._head_reader
        return (head + "\r\n").encode("latin-1")
