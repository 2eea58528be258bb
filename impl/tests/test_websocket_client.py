"""`websocket_connect`: where it connects to, what may go wrong on the way, and how messages are read."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
import trustme

from waterspout import _websocket_driver
from waterspout._http_client_errors import HTTPClientError, HTTPStreamClosedError, HTTPTimeoutError
from waterspout._websocket_target import Target
from waterspout.httpserver import HTTPServer
from waterspout.httputil import HTTPHeaders
from waterspout.netutil import bind_sockets
from waterspout.protocol import websocket as core
from waterspout.protocol.websocket.frames import RSV1, TEXT, build_frame_header
from waterspout.web import Application
from waterspout.websocket import (
    WebSocketClosedError,
    WebSocketError,
    WebSocketHandler,
    websocket_connect,
)


class Echo(WebSocketHandler):
    """Sends everything back; "close" and "many" are orders."""

    def get_compression_options(self) -> dict[str, Any] | None:
        return {}

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return subprotocols[-1] if subprotocols else None

    def on_message(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.write_message(message, binary=True)
        elif message == "close":
            self.close(4001, "enough")
        elif message == "many":
            for number in range(1000):
                self.write_message(f"{number}")
        elif message == "fields":
            self.write_message(dict(self.request.headers.get_all()))
        else:
            self.write_message(message)


@contextlib.asynccontextmanager
async def serving(ssl_options: Any = None) -> AsyncIterator[int]:
    """Serve `Echo` on a port of the loopback address."""
    server = HTTPServer(Application([("/.*", Echo)]), ssl_options=ssl_options)
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    yield sockets[0].getsockname()[1]
    server.stop()
    await server.close_all_connections()


@contextlib.asynccontextmanager
async def connected(url: Any, *args: Any, **options: Any) -> AsyncIterator[Any]:
    """Connect, and wait at the end until the connection is gone."""
    client = await websocket_connect(url, *args, **options)
    driver = client._driver
    assert driver is not None
    yield client
    await driver.shut_down()


@contextlib.asynccontextmanager
async def scripted(answer: Callable[[str], bytes], *, close: bool = False) -> AsyncIterator[str]:
    """Serve connections that are answered with ``answer(key)``; gives the URL."""
    done = asyncio.Event()
    tasks: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        head = await reader.readuntil(b"\r\n\r\n")
        key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
        writer.write(answer(key))
        if not close:
            await done.wait()
        await closed(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    done.set()
    server.close()
    await asyncio.gather(*filter(None, tasks))
    await server.wait_closed()


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close the connection, and return when it is."""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def accepting(key: str, *fields: str) -> bytes:
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Accept: {core.accept_key(key)}", *fields, "", ""]
    return "\r\n".join(lines).encode()


def run(test: Callable[[], Awaitable[Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(test(), 30))  # type: ignore[arg-type]


class TestTarget:
    """A URL or a request object, read."""

    @pytest.mark.parametrize(
        ("url", "found"),
        [
            ("ws://example.test", ("example.test", 80, "example.test", "/")),
            ("wss://example.test/", ("example.test", 443, "example.test", "/")),
            ("ws://example.test:8080/a?b=c", ("example.test", 8080, "example.test:8080", "/a?b=c")),
            ("ws://[::1]:81/x", ("::1", 81, "[::1]:81", "/x")),
            ("ws://user:pw@example.test?q", ("example.test", 80, "example.test", "/?q")),
            ("ws://example.test/ä b", ("example.test", 80, "example.test", "/%C3%A4%20b")),
            ("ws://bücher.test/", ("bücher.test", 80, "xn--bcher-kva.test", "/")),
        ],
    )
    def test_parts(self, url: str, found: tuple[str, int, str, str]) -> None:
        """Host, port, Host field and target."""
        target = Target.of(url, None)
        assert (target.host, target.port, target.host_field, target.resource) == found

    @pytest.mark.parametrize(
        "url", ["http://a/", "ftp://a/", "ws:///x", "a", "ws://a/#fragment", "ws://a:99999/", "ws://a:b/"]
    )
    def test_what_is_no_websocket_url_is_refused(self, url: str) -> None:
        """Before anything is connected."""
        with pytest.raises(ValueError):
            Target.of(url, None)

    def test_a_request_object_gives_its_fields_and_credentials(self) -> None:
        """Fields of the handshake stay ours."""
        request = SimpleNamespace(
            url="ws://a/",
            headers=HTTPHeaders({"Origin": "http://b", "Upgrade": "h2c", "Host": "other"}),
            auth_username="u",
            auth_password="p",
            user_agent="me",
            connect_timeout=7.0,
        )
        target = Target.of(request, None)
        assert target.fields == [("Origin", "http://b"), ("Authorization", "Basic dTpw"), ("User-Agent", "me")]
        assert (target.connect_timeout, Target.of(request, 3.0).connect_timeout) == (7.0, 3.0)

    def test_a_proxy_without_a_port_is_refused(self) -> None:
        """It would be left out silently else."""
        with pytest.raises(ValueError, match="proxy_port"):
            Target.of(SimpleNamespace(url="ws://a/", proxy_host="b"), None)

    def test_tls_settings(self) -> None:
        """Verified by default."""
        strict = Target.of("wss://a/", None).context
        lax = Target.of(SimpleNamespace(url="wss://a/", validate_cert=False), None).context
        assert strict is not None
        assert lax is not None
        assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert (lax.verify_mode, lax.check_hostname) == (ssl.CERT_NONE, False)


class TestMessages:
    """Reading and writing."""

    def test_echo_with_compression_subprotocol_and_fields(self) -> None:
        """What was agreed on is known on both sides."""

        async def main() -> None:
            async with serving() as port:
                request = SimpleNamespace(url=f"ws://127.0.0.1:{port}/x", headers={"X-A": "b"})
                options: Any = {"subprotocols": ["one", "two"], "compression_options": {}}
                async with connected(request, **options) as client:
                    assert client.selected_subprotocol == "two"
                    assert client.headers["Sec-WebSocket-Extensions"].startswith("permessage-deflate")
                    for message in ["text" * 1000, b"\xff" * 3000, "", b""]:
                        client.write_message(message, binary=isinstance(message, bytes))
                        assert await client.read_message() == message
                    client.write_message({"a": 1}, compress=False)
                    assert await client.read_message() == '{"a": 1}'
                    client.write_message("fields")
                    assert '"X-A": "b"' in str(await client.read_message())
                    client.close(1000)
                    assert await client.read_message() is None

        run(main)

    def test_the_end_is_read_as_none_again_and_again(self) -> None:
        """And afterwards nothing can be sent."""

        async def main() -> None:
            async with serving() as port:
                async with connected(f"ws://127.0.0.1:{port}/") as client:
                    client.write_message("close")
                    assert [await client.read_message() for _ in range(2)] == [None, None]
                    assert (client.close_code, client.close_reason) == (4001, "enough")
                    for send in (lambda: client.write_message("x"), client.ping):
                        with pytest.raises(WebSocketClosedError):
                            send()
                    client.close()

        run(main)

    def test_iteration_ends_with_the_connection(self) -> None:
        """Messages that came before the end come out first."""

        async def main() -> list[Any]:
            async with serving() as port:
                async with connected(f"ws://127.0.0.1:{port}/") as client:
                    client.write_message("many")
                    client.write_message("close")
                    return [message async for message in client]

        assert run(main) == [f"{number}" for number in range(1000)]

    def test_callbacks(self) -> None:
        """Messages, then None; what is no coroutine's result is ignored; reading is refused."""
        got: list[Any] = []
        opened: list[Any] = []

        async def main() -> None:
            ended = asyncio.Event()

            def on_message(message: Any) -> int:
                got.append(message)
                if message is None:
                    ended.set()
                return 1

            async with serving() as port:
                with pytest.warns(DeprecationWarning, match="await the future"):
                    future = websocket_connect(f"ws://127.0.0.1:{port}/", opened.append, on_message_callback=on_message)
                client = await future
                driver = client._driver
                with pytest.raises(RuntimeError, match="on_message_callback"):
                    client.read_message()
                client.write_message("a")
                client.write_message("close")
                await ended.wait()
                assert opened == [future]
                assert driver is not None
                await driver.shut_down()

        run(main)
        assert got == ["a", None]

    def test_a_callback_that_waits_holds_the_next_message(self) -> None:
        """One message at a time."""
        running: list[int] = []

        async def main() -> None:
            ended = asyncio.Event()

            async def on_message(message: Any) -> None:
                running.append(1)
                await asyncio.sleep(0)
                assert sum(running) == 1
                running.append(-1)
                if message == "last":
                    ended.set()

            async with serving() as port:
                async with connected(f"ws://127.0.0.1:{port}/", on_message_callback=on_message) as client:
                    for message in ("a", "b", "last"):
                        client.write_message(message)
                    await ended.wait()
                    client.close()

        run(main)

    def test_reading_with_a_callback(self) -> None:
        """The future is handed over when it is done."""

        async def main() -> None:
            async with serving() as port:
                async with connected(f"ws://127.0.0.1:{port}/") as client:
                    read: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                    client.read_message(lambda future: read.set_result(future.result()))
                    client.write_message("x")
                    assert await read == "x"
                    client.close()

        run(main)

    def test_messages_that_nobody_reads_make_the_server_wait(self) -> None:
        """Only so much is kept, and nothing is lost."""
        content = "x" * 10000

        async def main() -> None:
            frames = (build_frame_header(TEXT, len(content), False) + content.encode()) * 200
            frames += b"\x88\x00"
            async with scripted(lambda key: accepting(key) + frames, close=True) as url:
                async with connected(url) as client:
                    for _ in range(50):
                        await asyncio.sleep(0)
                    driver = client._driver
                    assert driver is not None
                    assert driver._backlog < 2 * _websocket_driver.MAX_BACKLOG
                    assert [message async for message in client] == [content] * 200

        run(main)

    def test_a_message_right_behind_the_handshake_waits_for_who_connects(self) -> None:
        """The callback is not called before the connection is there."""
        order: list[Any] = []

        async def main() -> None:
            async with scripted(lambda key: accepting(key) + b"\x81\x01x\x88\x00", close=True) as url:
                ended = asyncio.Event()

                def on_message(message: Any) -> None:
                    order.append(message)
                    if message is None:
                        ended.set()

                await websocket_connect(url, on_message_callback=on_message)
                order.append("connected")
                await ended.wait()

        run(main)
        assert order == ["connected", "x", None]


REFUSALS: dict[str, tuple[Callable[[str], bytes], type[Exception], str]] = {
    "404": (
        lambda key: b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
        HTTPClientError,
        "HTTP 404: Not Found",
    ),
    "200": (lambda key: b"HTTP/1.1 200 OK\r\n\r\nhi", WebSocketError, "answered 200 instead of 101"),
    "302": (lambda key: b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\nx", HTTPClientError, "HTTP 302: Found"),
    "silence": (lambda key: b"", HTTPStreamClosedError, "Stream closed"),
    "wrong accept": (lambda key: accepting("x"), WebSocketError, "does not match the key"),
    "no http": (lambda key: b"SSH-2.0\r\n\r\n", WebSocketError, "ws://127"),
    "extension": (
        lambda key: accepting(key, "Sec-WebSocket-Extensions: permessage-deflate"),
        WebSocketError,
        "not offered",
    ),
    "subprotocol": (lambda key: accepting(key, "Sec-WebSocket-Protocol: x"), WebSocketError, "not offered"),
}


class TestFailures:
    """What may go wrong before there is a connection."""

    @pytest.mark.parametrize("name", REFUSALS)
    def test_refusals(self, name: str) -> None:
        """The error says what came."""
        answer, kind, text = REFUSALS[name]

        async def main() -> None:
            async with scripted(answer, close=True) as url:
                with pytest.raises(kind, match=text):
                    await websocket_connect(url)

        run(main)

    def test_the_answer_is_kept(self) -> None:
        """Its fields say where to go instead, or how to log in."""

        async def main() -> None:
            answer = b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000
            async with scripted(lambda key: answer) as url:
                with pytest.raises(HTTPClientError) as caught:
                    await websocket_connect(url)
                response = caught.value.response
                assert (caught.value.code, response.code, response.headers["WWW-Authenticate"]) == (401, 401, "Basic")
                assert 65536 <= len(response.body) <= 100000

        run(main)

    @pytest.mark.parametrize(
        "answer",
        [
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; x",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate, permessage-deflate",
        ],
    )
    def test_wrong_parameters_of_compression(self, answer: str) -> None:
        """RFC 7692, section 7: the client fails the connection."""

        async def main() -> None:
            async with scripted(lambda key: accepting(key, f"Sec-WebSocket-Extensions: {answer}")) as url:
                with pytest.raises(WebSocketError):
                    await websocket_connect(url, compression_options={})

        run(main)

    def test_a_server_that_does_not_answer(self) -> None:
        """The time covers the handshake, too."""

        async def main() -> None:
            async with scripted(lambda key: b"") as url:
                with pytest.raises(HTTPTimeoutError, match="Timeout"):
                    await websocket_connect(url, connect_timeout=0.01)

        run(main)

    def test_giving_up_closes_the_connection(self) -> None:
        """Cancelling the future leaves nothing open."""

        async def main() -> None:
            ended = asyncio.Event()

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await reader.readuntil(b"\r\n\r\n")
                future.cancel()
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
                await closed(writer)
                ended.set()

            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            future = websocket_connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
            with pytest.raises(asyncio.CancelledError):
                await future
            await ended.wait()
            server.close()

        run(main)

    def test_nobody_listens(self) -> None:
        """The operating system's own error."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]

            async def main() -> None:
                with pytest.raises(ConnectionRefusedError):
                    await websocket_connect(f"ws://127.0.0.1:{port}/")

            run(main)

    @pytest.mark.parametrize(
        "options", [{"subprotocols": ["a b"]}, {"subprotocols": "ab"}, {"compression_options": {"mem_level": 99}}]
    )
    def test_wrong_arguments_raise_at_once(self, options: dict[str, Any]) -> None:
        """Nothing was connected yet."""

        async def main() -> None:
            with pytest.raises(ValueError):
                websocket_connect("ws://127.0.0.1/", **options)

        run(main)

    def test_a_violation_by_the_server_is_answered_and_told(self) -> None:
        """The code is the one that the server got."""

        async def main() -> None:
            bad = build_frame_header(TEXT, 1, False, reserved=RSV1) + b"x"
            async with scripted(lambda key: accepting(key) + bad) as url:
                async with connected(url) as client:
                    assert await client.read_message() is None
                    assert client.close_code == 1002

        run(main)

    def test_a_callback_that_fails_closes_with_1011(self, caplog: pytest.LogCaptureFixture) -> None:
        """And the error is in the log."""

        async def main() -> None:
            def on_message(message: Any) -> None:
                raise ZeroDivisionError

            gone = asyncio.Event()

            class Told(Echo):
                def on_close(self) -> None:
                    codes.append(self.close_code)
                    gone.set()

            codes: list[Any] = []
            server = HTTPServer(Application([("/", Told)]))
            sockets = bind_sockets(0, "127.0.0.1")
            server.add_sockets(sockets)
            url = f"ws://127.0.0.1:{sockets[0].getsockname()[1]}/"
            async with connected(url, on_message_callback=on_message) as client:
                client.write_message("x")
                await gone.wait()
                server.stop()
                assert codes == [1011]

        run(main)
        assert "ZeroDivisionError" in caplog.text


class TestWays:
    """TLS and resolvers."""

    def test_tls_is_verified(self) -> None:
        """Against the authority of the request object; without it there is no connection."""
        authority = trustme.CA()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)

        async def main() -> None:
            async with serving(context) as port:
                url = f"wss://localhost:{port}/"
                with authority.cert_pem.tempfile() as path:
                    request = SimpleNamespace(url=url, ca_certs=path, allow_ipv6=False)
                    async with connected(request) as client:
                        client.write_message("x" * 100000)
                        assert await client.read_message() == "x" * 100000
                with pytest.raises(ssl.SSLCertVerificationError):
                    await websocket_connect(url)

        run(main)

    def test_a_resolver_gives_the_addresses(self) -> None:
        """One after the other is tried."""

        class Resolver:
            async def resolve(self, host: str, port: int) -> list[tuple[int, Any]]:
                assert host == "made.up"
                return [(socket.AF_INET, ("127.0.0.1", 1)), (socket.AF_INET, ("127.0.0.1", port))]

        async def main() -> None:
            async with serving() as port:
                async with connected(f"ws://made.up:{port}/", resolver=Resolver()) as client:
                    client.write_message("fields")
                    assert f'"Host": "made.up:{port}"' in str(await client.read_message())
                    client.close()

        run(main)
