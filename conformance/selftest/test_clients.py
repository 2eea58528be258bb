"""Foreign clients under the names of the chapters: what their connections tell, and when one counts as connected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from conformance import target as targets
from conformance.client import WireLog
from conformance.clients.adapter import Connection, Message, WebSocketClosedError
from conformance.hosting import Host
from conformance.package import api


class FakePeer:
    """Yields what it is given, is closed as it is told, and keeps what is sent."""

    subprotocol = "chat"

    def __init__(self, messages: list[Message], code: int | None, reason: str | None) -> None:
        self._messages, self._closing = messages, (code, reason)
        self.sent: list[Any] = []

    async def messages(self) -> AsyncIterator[Message]:
        for message in self._messages:
            yield message

    def closing(self) -> tuple[int | None, str | None]:
        return self._closing

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def ping(self, payload: bytes) -> None:
        raise ConnectionError("nobody waits for this")

    async def close(self, code: int, reason: str) -> None:
        self.sent.append((code, reason))


@pytest.mark.parametrize(
    ("said", "told"), [((4000, "bye"), (4000, "bye")), ((1005, ""), (None, None)), ((None, None), (None, None))]
)
def test_messages_come_in_order_then_none_for_ever(said: Any, told: Any) -> None:
    """What stands for "no code" elsewhere is None here."""

    async def case() -> None:
        connection = Connection(FakePeer(["a", b"b"], *said))
        assert [await connection.read_message() for _ in range(4)] == ["a", b"b", None, None]
        assert (connection.close_code, connection.close_reason) == told
        with pytest.raises(WebSocketClosedError):
            connection.write_message("too late")

    asyncio.run(case())


def test_what_is_sent_goes_on_its_way_at_once() -> None:
    """Nobody has to await, and what fails that nobody awaits is not complained about."""

    async def case() -> None:
        peer = FakePeer([], None, None)
        connection = Connection(peer)
        connection.write_message({"a": 1})
        connection.write_message("ż", binary=True)
        connection.ping()
        connection.close(4000, "bye")
        await asyncio.sleep(0)
        assert peer.sent == ['{"a": 1}', "ż".encode(), (4000, "bye")]

    asyncio.run(case())


def test_a_callback_is_told_the_end() -> None:
    """With a callback messages go there."""

    async def case() -> None:
        told: asyncio.Queue[Message | None] = asyncio.Queue()
        Connection(FakePeer(["a"], 1000, ""), told.put_nowait)
        assert [await told.get(), await told.get()] == ["a", None]

    asyncio.run(case())


def test_a_client_that_fails_before_it_connects_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``websocket_connect`` raises is raised, at once."""

    async def refuse(url: str) -> None:
        raise ValueError(url)

    async def case() -> None:
        host = Host(WireLog([]))
        with pytest.raises(ValueError, match=r"ws://127\.0\.0\.1"):
            await host.begin()
        await host.aclose()

    monkeypatch.setattr(type(api), "websocket", type("Module", (), {"websocket_connect": staticmethod(refuse)}), False)
    asyncio.run(case())


def test_a_target_may_name_the_chapters_that_judge_it(tmp_path: Path) -> None:
    """It is judged by those alone, at the levels it has."""
    path = tmp_path / "mine.toml"
    path.write_text('import = "x"\nchapters = ["websocket.client"]\n')
    target = targets.load(str(path))
    assert target.is_judged_by("websocket.client", on_the_wire=False)
    assert not target.is_judged_by("websocket.client", on_the_wire=True)
    assert not target.is_judged_by("core.queues", on_the_wire=False)
    assert targets.from_import("x").is_judged_by("core.queues", on_the_wire=False)
