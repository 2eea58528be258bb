"""Saboteurs of the chapters on the HTTP server below the web framework, and on how it stops."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, ClassVar

from conformance.delegates import respond
from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around

SERVER = ("http.server", "http.listening")
SHUTDOWN = ("http.shutdown",)


def ids(*kills: str) -> tuple[str, ...]:
    """Return whole ids of requirements."""
    return tuple(id if id.startswith("http1") else f"httpserver.{id}" for id in kills)


def settings(name: str, words: str, *kills: str) -> Callable[[Callable[..., Any]], None]:
    """Register a lie that alters the settings of every server: ``(settings)``."""

    def register(change: Callable[[dict[str, Any]], Any]) -> None:
        @saboteur(f"server-{name}", words, chapters=SERVER, kills=ids(*kills))
        def _(ref: Patches) -> None:
            def lie(original: Any, self: Any, request_callback: Any, **given: Any) -> Any:
                change(given)
                original(self, request_callback, **given)

            around(ref, ref.httpserver.HTTPServer, "initialize", lie)

    return register


class Relay:
    """What stands between a server and the delegate of one request; lies override it."""

    def __init__(self, inner: Any, connection: Any, server_connection: Any) -> None:
        self.inner, self.connection, self.server_connection = inner, connection, server_connection

    def headers_received(self, start_line: Any, headers: Any) -> Any:
        return self.inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Any:
        return self.inner.data_received(chunk)

    def finish(self) -> None:
        self.inner.finish()

    def on_connection_close(self) -> None:
        self.inner.on_connection_close()


def relayed(ref: Patches, relay: type[Relay], changes: dict[str, Any] | None = None) -> None:
    """Have every application that is a delegate served through ``relay``; ``changes`` replace the outer methods."""
    httputil = ref.httputil
    message = type("Message", (relay, httputil.HTTPMessageDelegate), {})

    def lie(original: Any, self: Any, request_callback: Any, **given: Any) -> Any:
        if not isinstance(request_callback, httputil.HTTPServerConnectionDelegate):
            return original(self, request_callback, **given)

        def start_request(outer: Any, server_conn: Any, request_conn: Any) -> Any:
            inner = request_callback.start_request(server_conn, request_conn)
            return message(inner, request_conn, server_conn)

        methods = {
            "start_request": start_request,
            "on_close": lambda outer, server_conn: request_callback.on_close(server_conn),
            **(changes(request_callback, message) if callable(changes) else changes or {}),
        }
        return original(self, type("Outer", (httputil.HTTPServerConnectionDelegate,), methods)(), **given)

    around(ref, ref.httpserver.HTTPServer, "initialize", lie)


def relay(
    name: str, words: str, *kills: str, chapters: tuple[str, ...] = SERVER
) -> Callable[[type[Relay]], type[Relay]]:
    """Register a lying `Relay`."""

    def register(liar: type[Relay]) -> type[Relay]:
        @saboteur(f"server-{name}", words, chapters=chapters, kills=ids(*kills))
        def _(ref: Patches) -> None:
            relayed(ref, liar)

        return liar

    return register


def of_request(name: str, words: str, *kills: str) -> Callable[[Callable[[Any], Any]], None]:
    """Register a lie that alters every request before a function gets it."""

    def register(change: Callable[[Any], Any]) -> None:
        @saboteur(f"server-{name}", words, chapters=SERVER, kills=ids(*kills))
        def _(ref: Patches) -> None:
            def lie(original: Any, self: Any, request_callback: Any, **given: Any) -> Any:
                if isinstance(request_callback, ref.httputil.HTTPServerConnectionDelegate):
                    return original(self, request_callback, **given)

                def changed(request: Any) -> Any:
                    change(request)
                    return request_callback(request)

                return original(self, changed, **given)

            around(ref, ref.httpserver.HTTPServer, "initialize", lie)

    return register


# -- functions and delegates ------------------------------------------------------------------------------------------


@of_request("drops-bodies", "A function gets no bodies.", "callback.request")
def _(request: Any) -> None:
    request.body = b""


@relay("data-first", "The head is told when the body is there.", "delegate.order", "delegate.head-awaited")
class DataFirst(Relay):
    def headers_received(self, start_line: Any, headers: Any) -> None:
        self.head, self.chunks = (start_line, headers), []  # type: ignore[var-annotated]

    def data_received(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    def finish(self) -> None:
        for chunk in self.chunks:
            self.inner.data_received(chunk)
        self.inner.headers_received(*self.head)
        self.inner.finish()


@saboteur(
    "server-many-connections",
    "Each request has a connection object of its own.",
    chapters=SERVER,
    kills=ids("delegate.connection"),
)
def _(ref: Patches) -> None:
    def changes(application: Any, message: Any) -> dict[str, Any]:
        def start_request(outer: Any, server_conn: Any, request_conn: Any) -> Any:
            return message(application.start_request(object(), request_conn), request_conn, server_conn)

        return {"start_request": start_request}

    relayed(ref, Relay, changes)  # type: ignore[arg-type]


@saboteur(
    "server-forgets-on-close",
    "Nobody hears of the end of a connection.",
    chapters=SERVER,
    kills=ids("delegate.on-close"),
)
def _(ref: Patches) -> None:
    relayed(ref, Relay, {"on_close": lambda outer, server_conn: None})


@relay(
    "waits-for-nobody",
    "Nothing is waited for.",
    "delegate.head-awaited",
    "delegate.data-awaited",
    "expect.after-the-head",
)
class WaitsForNobody(Relay):
    def headers_received(self, start_line: Any, headers: Any) -> None:
        self._go(self.inner.headers_received(start_line, headers))

    def data_received(self, chunk: bytes) -> None:
        self._go(self.inner.data_received(chunk))

    def _go(self, ready: Any) -> None:
        if ready is not None:
            self.going = asyncio.ensure_future(ready)


@relay("swallows-uploads", "A body is read however long it takes to use it.", "delegate.back-pressure")
class SwallowsUploads(Relay):
    last: Any = None

    def data_received(self, chunk: bytes) -> None:
        self.last = asyncio.ensure_future(self._use(self.last, chunk))

    async def _use(self, previous: Any, chunk: bytes) -> None:
        if previous is not None:
            await previous
        ready = self.inner.data_received(chunk)
        if ready is not None:
            await ready

    def finish(self) -> None:
        if self.last is None:
            self.inner.finish()
        else:
            self.last.add_done_callback(lambda _: self.inner.finish())


@relay("hides-losses", "A lost connection looks like the end of the request.", "delegate.lost")
class HidesLosses(Relay):
    def on_connection_close(self) -> None:
        self.inner.finish()


@relay("wraps-input-errors", "HTTPInputError is an error like any other.", "delegate.input-error")
class WrapsInputErrors(Relay):
    def headers_received(self, start_line: Any, headers: Any) -> Any:
        return self._guarded(self.inner.headers_received, start_line, headers)

    def data_received(self, chunk: bytes) -> Any:
        return self._guarded(self.inner.data_received, chunk)

    def _guarded(self, method: Any, *args: Any) -> Any:
        try:
            return method(*args)
        except Exception as error:
            raise RuntimeError("failed") from error


class Front:
    """What stands between a delegate and its connection; lies override it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def front(name: str, words: str, *kills: str) -> Callable[[type[Front]], type[Front]]:
    """Register a lying `Front`, which every delegate and every function gets for its connection."""

    def register(liar: type[Front]) -> type[Front]:
        @saboteur(f"server-{name}", words, chapters=SERVER, kills=ids(*kills))
        def _(ref: Patches) -> None:
            liar.ref = ref  # type: ignore[attr-defined]

            def lie(original: Any, self: Any, request_callback: Any, **given: Any) -> Any:
                if not isinstance(request_callback, ref.httputil.HTTPServerConnectionDelegate):
                    return original(self, request_callback, **given)
                original_start = request_callback.start_request
                request_callback.start_request = lambda server, connection: original_start(server, liar(connection))
                return original(self, request_callback, **given)

            around(ref, ref.httpserver.HTTPServer, "initialize", lie)

        return liar

    return register


@front("joins-pieces", "The last piece of an answer is lost.", "delegate.pieces")
class JoinsPieces(Front):
    kept: bytes | None = None

    def write(self, chunk: bytes) -> Any:
        kept, self.kept = self.kept, chunk
        return self._connection.write(kept or b"")


@front("no-close-callback", "A client that leaves is not noticed.", "connection.close-callback")
class NoCloseCallback(Front):
    def set_close_callback(self, callback: Any) -> None:
        pass


@front("output-repaired", "Bodies that do not fit their length are not refused.", "output.too-long", "output.too-short")
class OutputRepaired(Front):
    def write(self, chunk: bytes) -> Any:
        try:
            return self._connection.write(chunk)
        except Exception:
            return asyncio.get_running_loop().create_future()

    def finish(self) -> Any:
        try:
            return self._connection.finish()
        except Exception:
            return None


@saboteur(
    "server-splits-fields",
    "What follows a line end in a field is a field of its own.",
    chapters=SERVER,
    kills=ids("output.injection"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: str) -> None:
        if "\r\n" in name + value:
            for line in f"{name}: {value}".split("\r\n"):
                self.add(*line.split(": ", 1))
        else:
            original(self, name, value)

    around(ref, ref.httputil.HTTPHeaders, "__setitem__", lie)


# -- limits -----------------------------------------------------------------------------------------------------------


@settings("any-head", "Heads have no limit.", "limits.head")
def _(given: dict[str, Any]) -> None:
    given.pop("max_header_size", None)


@settings("any-body", "Bodies have no limit.", "limits.body", "limits.body-of-a-request", "decompress.bomb")
def _(given: dict[str, Any]) -> None:
    if "max_body_size" in given:
        given["max_body_size"] = 100_000_000


@front("common-limit", "A request has no limits of its own.", "limits.body-of-a-request", "timeouts.body")
class CommonLimit(Front):
    def set_max_body_size(self, size: int) -> None:
        pass

    def set_body_timeout(self, timeout: float) -> None:
        pass


@relay("whole-bodies", "A body is delivered in one piece.", "limits.chunk-size", "decompress.pieces")
class WholeBodies(Relay):
    body = b""

    def data_received(self, chunk: bytes) -> None:
        self.body += chunk

    def finish(self) -> None:
        self.inner.data_received(self.body)
        self.inner.finish()


@settings("patient", "Nothing is waited for too long.", "timeouts.idle", "timeouts.head", "timeouts.body")
def _(given: dict[str, Any]) -> None:
    given.pop("idle_connection_timeout", None)
    given.pop("body_timeout", None)


@relay("impatient", "An application has as much time as a body.", "timeouts.not-the-application")
class Impatient(Relay):
    def finish(self) -> None:
        asyncio.get_running_loop().call_later(0.05, respond, self.connection, b"", 503)
        self.inner.finish()


class Passing(asyncio.Protocol):
    """What stands between the loop and the server's protocol object; lies override it."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def connection_made(self, transport: Any) -> None:
        self.inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        kept: bool | None = self.inner.eof_received()
        return kept

    def connection_lost(self, exc: Exception | None) -> None:
        self.inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.inner.resume_writing()


def passing(name: str, words: str, *kills: str) -> Callable[[type[Passing]], type[Passing]]:
    """Register a lying `Passing`."""

    def register(liar: type[Passing]) -> type[Passing]:
        @saboteur(f"server-{name}", words, chapters=SERVER, kills=ids(*kills))
        def _(ref: Patches) -> None:
            around(ref, ref.httpserver.HTTPServer, "make_protocol", lambda original, self: liar(original(self)))

        return liar

    return register


@passing("one-at-a-time", "While a request comes in small pieces, no other is served.", "clients.slow")
class OneAtATime(Passing):
    receiving: ClassVar[list[Any]] = []

    def data_received(self, data: bytes) -> None:
        if len(data) < 10 and self not in self.receiving:
            self.receiving.append(self)
        if not self.receiving or self.receiving[0] is self:
            self.inner.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self.receiving:
            self.receiving.remove(self)
        self.inner.connection_lost(exc)


@passing("fills-memory", "Answers are made whether or not the client takes any.", "clients.takes-no-answers")
class FillsMemory(Passing):
    def pause_writing(self) -> None:
        pass

    def resume_writing(self) -> None:
        pass


# -- behind a proxy ---------------------------------------------------------------------------------------------------


@settings("believes-everybody", "Everybody is believed about the client.", "xheaders.off")
def _(given: dict[str, Any]) -> None:
    given["xheaders"] = True


@settings("believes-nobody", "Nobody is believed about the client.", "xheaders.address", "xheaders.scheme")
def _(given: dict[str, Any]) -> None:
    given["xheaders"] = False


@settings("trusts-nobody", "The last address is the client's.", "xheaders.trusted")
def _(given: dict[str, Any]) -> None:
    given.pop("trusted_downstream", None)


@of_request("believes-anything", "Whatever a proxy says is taken.", "xheaders.invalid")
def _(request: Any) -> None:
    headers = request.headers
    request.remote_ip = headers.get("X-Real-Ip") or headers.get("X-Forwarded-For") or request.remote_ip
    request.protocol = headers.get("X-Scheme") or headers.get("X-Forwarded-Proto") or request.protocol


@of_request("remembers-addresses", "What was said of one request holds for the next.", "xheaders.each-request")
def _(request: Any) -> None:
    known = _ADDRESSES.setdefault(id(request.server_connection), request.remote_ip)
    request.remote_ip = known


_ADDRESSES: dict[int, str] = {}


@settings("protocol-ignored", "protocol is ignored.", "protocol.setting")
def _(given: dict[str, Any]) -> None:
    given.pop("protocol", None)


# -- packed bodies ----------------------------------------------------------------------------------------------------


@settings("never-unpacks", "Bodies are never unpacked.", "decompress.gzip", "decompress.broken", "decompress.bomb")
def _(given: dict[str, Any]) -> None:
    given.pop("decompress_request", None)


@settings("always-unpacks", "Packed bodies are always unpacked.", "decompress.off")
def _(given: dict[str, Any]) -> None:
    given["decompress_request"] = True


# -- Expect -----------------------------------------------------------------------------------------------------------


@relay("answers-last", "An answer in place of the body waits for the body.", "expect.refused")
class AnswersLast(Relay):
    def headers_received(self, start_line: Any, headers: Any) -> None:
        self.head = start_line, headers

    def finish(self) -> None:
        self.inner.headers_received(*self.head)


# -- where a server listens -------------------------------------------------------------------------------------------


@of_request("always-http", "Every request came by http.", "tls.options", "protocol.setting")
def _(request: Any) -> None:
    request.protocol = "http"


@of_request("no-certificates", "Clients have no certificates.", "tls.client-certificate")
def _(request: Any) -> None:
    request.get_ssl_certificate = lambda binary_form=False: None


@of_request("empty-certificates", "A client without a certificate has an empty one.", "tls.none")
def _(request: Any) -> None:
    request.get_ssl_certificate = lambda binary_form=False: {}


@saboteur("server-no-unix", "Unix sockets are not served.", chapters=SERVER, kills=ids("unix-socket.served"))
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, sockets: Any) -> Any:
        original(self, [sock for sock in sockets if isinstance(sock.getsockname(), tuple)])

    around(ref, ref.httpserver.HTTPServer, "add_sockets", lie)


@of_request("unix-is-local", "A client at a Unix socket has the address 127.0.0.1.", "unix-socket.address")
def _(request: Any) -> None:
    if request.remote_ip == "0.0.0.0":
        request.remote_ip = "127.0.0.1"


@of_request("brackets", "Addresses of IPv6 are in brackets.", "ipv6.address")
def _(request: Any) -> None:
    if ":" in request.remote_ip:
        request.remote_ip = f"[{request.remote_ip}]"


@saboteur("server-own-port", "A port is not shared.", chapters=SERVER, kills=ids("listen.reuse-port"))
def _(ref: Patches) -> None:
    original = ref.netutil.bind_sockets

    def bind_sockets(*args: Any, reuse_port: bool = False, **kwargs: Any) -> Any:
        return original(*args, **kwargs)

    ref.replace(ref.netutil, "bind_sockets", bind_sockets)


@settings("keeps-alive", "Connections are kept alive in any case.", "keep-alive.off")
def _(given: dict[str, Any]) -> None:
    given.pop("no_keep_alive", None)


# -- parts of http1connection -----------------------------------------------------------------------------------------


@saboteur(
    "server-parameters", "Parameters have no defaults.", chapters=SERVER, kills="http1connection.parameters.defaults"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        original(self, *args, **kwargs)
        self.chunk_size = kwargs.get("chunk_size")

    around(ref, ref.http1connection.HTTP1ConnectionParameters, "__init__", lie)


@saboteur(
    "server-chunked-last",
    "Chunks are told by the end of Transfer-Encoding, whatever stands beside it.",
    chapters=SERVER,
    kills="http1connection.transfer-encoding.chunked",
)
def _(ref: Patches) -> None:
    ref.replace(
        ref.http1connection,
        "is_transfer_encoding_chunked",
        lambda headers: headers.get("Transfer-Encoding", "").lower().endswith("chunked"),
    )


@saboteur("server-any-number", "Numbers are what int() takes.", chapters=SERVER, kills="http1connection.numbers.strict")
def _(ref: Patches) -> None:
    ref.replace(ref.http1connection, "parse_int", int)
    ref.replace(ref.http1connection, "parse_hex_int", lambda text: int(text, 16))


@passing("bare-errors", "What the server itself answers is a bare status line.", "output.date-of-errors")
class BareErrors(Passing):
    def connection_made(self, transport: Any) -> None:
        write = transport.write
        transport.write = lambda data: write(re.sub(rb"(?s)\A(HTTP/1\.1 4\d\d [^\r]*).*", rb"\1\r\n\r\n", data))
        self.inner.connection_made(transport)


# -- stopping ---------------------------------------------------------------------------------------------------------


def stopping(name: str, words: str, method: str, *kills: str) -> Callable[[Callable[..., Any]], None]:
    """Register a lie ``(original, self, *arguments)`` about a method of HTTPServer."""

    def register(liar: Callable[..., Any]) -> None:
        @saboteur(f"server-{name}", words, chapters=SHUTDOWN, kills=ids(*kills))
        def _(ref: Patches) -> None:
            around(ref, ref.httpserver.HTTPServer, method, liar)

    return register


@stopping("listens-on", "stop() does not stop the listening.", "stop", "stop.listening", "shutdown.idle")
def _(original: Any, self: Any) -> None:
    asyncio.get_running_loop().call_later(0.5, original, self)


@stopping("keeps-connections", "close_all_connections() closes nothing.", "close_all_connections", "close-all.idle")
async def _(original: Any, self: Any) -> None:
    await asyncio.sleep(0)


@stopping(
    "waits-for-somebody", "close_all_connections() waits for a connection.", "close_all_connections", "close-all.nobody"
)
async def _(original: Any, self: Any) -> None:
    await original(self)
    await asyncio.sleep(5)


@relay(
    "tells-nobody", "Nobody hears that a connection is lost.", "close-all.busy", "shutdown.bounded", chapters=SHUTDOWN
)
class TellsNobody(Relay):
    def headers_received(self, start_line: Any, headers: Any) -> Any:
        ready = self.inner.headers_received(start_line, headers)
        self.connection.set_close_callback(None)
        return ready

    def on_connection_close(self) -> None:
        pass


@stopping(
    "shuts-hard",
    "shutdown() closes every connection at once.",
    "shutdown",
    "shutdown.in-flight",
    "shutdown.streaming",
    "shutdown.half-received",
    "shutdown.not-accepted-yet",
    "shutdown.under-load",
)
async def _(original: Any, self: Any, timeout: float = 30.0) -> bool:
    self.stop()
    await self.close_all_connections()
    return True


@stopping("waits-for-ever", "shutdown() has no bound.", "shutdown", "shutdown.bounded")
async def _(original: Any, self: Any, timeout: float = 30.0) -> Any:
    return await original(self)


@stopping(
    "shuts-nothing", "shutdown() stops the listening, and waits.", "shutdown", "shutdown.idle", "shutdown.in-flight"
)
async def _(original: Any, self: Any, timeout: float = 30.0) -> bool:
    self.stop()
    await asyncio.sleep(timeout)
    return True
