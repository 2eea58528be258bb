"""Applications below ``web`` for API-level cases: connection delegates of the package under test.

Made when a case runs, since their classes derive from that package's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.package import api


def respond(connection: Any, body: bytes = b"", code: int = 200, **fields: str) -> None:
    """Answer on an ``HTTPConnection``: status, ``fields`` ("_" for "-"), and a body with its length."""
    headers = api.httputil.HTTPHeaders({"Content-Length": str(len(body))})
    for name, value in fields.items():
        headers.add(name.replace("_", "-"), value)
    line = api.httputil.ResponseStartLine("HTTP/1.1", code, api.httputil.responses[code])
    connection.write_headers(line, headers, body)
    connection.finish()


def telling(*names: str) -> Callable[[Any], None]:
    """Return an application that answers with these attributes of the request, one in a line."""
    return lambda request: respond(
        request.connection, "\n".join(str(getattr(request, name)) for name in names).encode()
    )


def delegate(**hooks: Callable[..., Any]) -> Any:
    """Return a connection delegate whose messages call ``hooks`` by the names of their methods.

    Each hook gets the message, ``data_received`` the chunk too, ``start_request`` and ``on_close`` the server's
    connection object. A message has ``connection``, ``start_line``, ``headers`` and ``body``, the chunks so far.
    Without a hook for ``finish`` it answers with its body.
    """
    httputil = api.httputil

    def call(name: str, *arguments: Any) -> Any:
        return hooks[name](*arguments) if name in hooks else None

    class Message(httputil.HTTPMessageDelegate):  # type: ignore[misc, name-defined]
        def __init__(self, connection: Any) -> None:
            self.connection = connection
            self.start_line = self.headers = None
            self.body = b""

        def headers_received(self, start_line: Any, headers: Any) -> Any:
            self.start_line, self.headers = start_line, headers
            return call("headers_received", self)

        def data_received(self, chunk: bytes) -> Any:
            self.body += chunk
            return call("data_received", self, chunk)

        def finish(self) -> None:
            if "finish" in hooks:
                hooks["finish"](self)
            else:
                respond(self.connection, self.body)

        def on_connection_close(self) -> None:
            call("on_connection_close", self)

    class Application(httputil.HTTPServerConnectionDelegate):  # type: ignore[misc, name-defined]
        def start_request(self, server_conn: Any, request_conn: Any) -> Any:
            call("start_request", server_conn)
            return Message(request_conn)

        def on_close(self, server_conn: Any) -> None:
            call("on_close", server_conn)

    return Application()
