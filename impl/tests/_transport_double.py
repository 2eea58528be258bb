"""A transport in memory: what is written is kept, piece by piece."""

from __future__ import annotations

import asyncio
from typing import Any


class TransportDouble(asyncio.Transport):
    """Stands in for a socket's transport."""

    def __init__(self, peer: tuple[str, int] = ("1.2.3.4", 5)) -> None:
        super().__init__({"peername": peer})
        self.writes: list[bytes] = []
        self.closed = self.aborted = self.ended = self.paused = False
        self.unsent = 0
        self.protocol: asyncio.BaseProtocol | None = None

    @property
    def written(self) -> bytes:
        return b"".join(self.writes)

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def write_eof(self) -> None:
        self.ended = True

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol
