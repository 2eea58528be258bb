"""What is the same for every foreign client: a connection object with the names that the chapters use."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Protocol

#: Octets of a message that are read unless the case says otherwise.
MAX_MESSAGE = 10 * 1024 * 1024
#: What stands for "no code" and "no close frame" in the APIs of other clients.
_NO_CODE = (None, 0, 1005, 1006)

Message = str | bytes
Callback = Callable[[Message | None], Any]


class WebSocketClosedError(Exception):
    """The connection is closed: nothing can be sent."""


class Refused(Exception):
    """The server answered the handshake with another status than 101, which is ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the server answered {code}")
        self.code = code


class Peer(Protocol):
    """A connection of the foreign client."""

    @property
    def subprotocol(self) -> str | None: ...

    def messages(self) -> AsyncIterator[Message]:
        """Yield the messages until the connection is closed, for whatever reason."""

    def closing(self) -> tuple[int | None, str | None]:
        """Return code and reason of the server's close frame when all messages have been read."""

    async def send(self, message: Message) -> Any: ...

    async def ping(self, payload: bytes) -> Any: ...

    async def close(self, code: int, reason: str) -> Any: ...


class Connection:
    """Wraps a :class:`Peer`; ``on_message`` is called with each message, and with None at the end."""

    def __init__(self, peer: Peer, on_message: Callback | None = None) -> None:
        self.selected_subprotocol = peer.subprotocol
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self._peer = peer
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue()
        self._tell = on_message or self._messages.put_nowait
        self._closed = False
        self._tasks = {asyncio.ensure_future(self._read())}

    async def _read(self) -> None:
        async for message in self._peer.messages():
            self._tell(message)
        code, reason = self._peer.closing()
        if code not in _NO_CODE:
            self.close_code, self.close_reason = code, reason
        self._closed = True
        self._tell(None)

    async def read_message(self) -> Message | None:
        """Return the next message, None at the end and ever after."""
        if self._closed and self._messages.empty():
            return None
        return await self._messages.get()

    def write_message(self, message: Message | dict[str, Any], binary: bool = False) -> asyncio.Future[Any]:
        """Begin to send a message, a dict as JSON. Raises WebSocketClosedError when the connection is closed."""
        if self._closed:
            raise WebSocketClosedError
        data = json.dumps(message) if isinstance(message, dict) else message
        return self._begin(self._peer.send(data.encode() if binary and isinstance(data, str) else data))

    def ping(self, payload: bytes = b"") -> None:
        """Begin to send a ping."""
        self._begin(self._peer.ping(payload))

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Begin the close handshake."""
        self._begin(self._peer.close(code or 1000, reason or ""))

    def _begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        # Who wants to know what became of it awaits it; the others need not hear of it.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task
