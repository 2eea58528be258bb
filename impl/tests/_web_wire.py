"""An application behind a connection in memory: bytes go in, and what comes out is read with h11."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h11
from _transport_double import TransportDouble

from waterspout.http1connection import ServerDriver, ServerParameters
from waterspout.web import Application, RequestHandler


@dataclass
class Answer:
    """One response as a client sees it; fields in order, with lower-case names."""

    status: int
    reason: str
    fields: list[tuple[str, str]]
    body: bytes

    def __getitem__(self, name: str) -> str:
        return ", ".join(value for key, value in self.fields if key == name.lower())

    def names(self) -> list[str]:
        return [key for key, _ in self.fields]


class Wire:
    """One connection to ``application``."""

    def __init__(self, application: Application) -> None:
        self.transport = TransportDouble()
        self.driver = ServerDriver(ServerParameters(application), asyncio.get_running_loop())
        self.driver.connection_made(self.transport)

    def send(self, data: bytes) -> None:
        self.driver.data_received(data)

    def request(self, head: str, *fields: str, body: bytes = b"") -> Wire:
        """Send a request; ``head`` is method and target."""
        lines = [f"{head} HTTP/1.1", "Host: example.com", *fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode("latin1") + body)
        return self

    def answer(self, method: str = "GET") -> Answer:
        """Read the answer that is there."""
        client = h11.Connection(h11.CLIENT)
        # A client that proposes no upgrade would not accept one.
        fields = [("Host", "x"), ("Connection", "Upgrade"), ("Upgrade", "websocket")]
        client.send(h11.Request(method=method, target="/", headers=fields))
        client.send(h11.EndOfMessage())
        client.receive_data(self.transport.written)
        if self.transport.closed or self.transport.ended:
            client.receive_data(b"")
        head = client.next_event()
        assert isinstance(head, h11.Response | h11.InformationalResponse), f"no answer but {head!r}"
        body = b""
        while isinstance(head, h11.Response):
            event = client.next_event()
            if isinstance(event, h11.EndOfMessage):
                break
            assert isinstance(event, h11.Data), f"not a complete answer: {event!r}"
            body += bytes(event.data)
        received = [(name.decode(), value.decode("latin1")) for name, value in head.headers]
        return Answer(head.status_code, head.reason.decode("latin1"), received, body)


def application(handler: type[RequestHandler] | list[Any], **settings: Any) -> Application:
    """Return an application with these rules, or with this handler for every path."""
    rules = handler if isinstance(handler, list) else [(r"/.*", handler)]
    return Application(rules, **settings)


def get(app: Application, target: str = "/", *fields: str, method: str = "GET", body: bytes = b"") -> Answer:
    """Return the answer to one request that needs no waiting."""

    async def main() -> Answer:
        return Wire(app).request(f"{method} {target}", *fields, body=body).answer(method)

    return asyncio.run(main())


def get_later(app: Application, target: str = "/", *fields: str, method: str = "GET", body: bytes = b"") -> Answer:
    """Return the answer to one request whose handler waits, with a few turns of the loop."""

    async def main() -> Answer:
        wire = Wire(app).request(f"{method} {target}", *fields, body=body)
        await turns()
        return wire.answer(method)

    return asyncio.run(main())


async def turns(count: int = 20) -> None:
    """Let the loop turn a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


def handler_of(method: Callable[..., Any], name: str = "get", **hooks: Any) -> type[RequestHandler]:
    """Return a handler class with one method, and hooks."""
    return type("Made", (RequestHandler,), {name: method, **hooks})
