"""The insides of ``waterspout.tcpclient`` and of accepting connections."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest

from waterspout import _resolvers, netutil
from waterspout.iostream import IOStream
from waterspout.tcpclient import TCPClient, interleaved

V4, V6 = socket.AF_INET, socket.AF_INET6


def test_families_take_turns() -> None:
    """The first address stays the first (RFC 8305, section 4)."""
    assert list(interleaved([(V6, 1), (V6, 2), (V4, 3), (V6, 4), (V4, 5)])) == [
        *((V6, 1), (V4, 3), (V6, 2), (V4, 5), (V6, 4))
    ]
    assert list(interleaved([])) == []


def test_giving_up_closes_what_was_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection for which nobody waits any more is closed, also one that was made just then."""
    streams: list[IOStream] = []
    original = IOStream.__init__

    def note(self: IOStream, *args: Any, **kwargs: Any) -> None:
        streams.append(self)
        original(self, *args, **kwargs)

    async def main(turns: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = TCPClient()
            connecting = asyncio.ensure_future(client.connect("127.0.0.1", listener.getsockname()[1], timeout=60))
            for _ in range(turns):
                await asyncio.sleep(0)
            connecting.cancel()
            await asyncio.wait({connecting})
            if not connecting.cancelled():
                connecting.result().close()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert all(stream.closed() for stream in streams)
            client.close()

    monkeypatch.setattr(IOStream, "__init__", note)
    for turns in range(30):
        asyncio.run(main(turns))


def test_a_client_closes_its_own_resolver_only() -> None:
    """A given one may serve others."""
    closed: list[Any] = []

    class Noting(_resolvers.BlockingResolver):
        def close(self) -> None:
            closed.append(self)

    given = Noting()
    TCPClient(resolver=given).close()
    assert closed == []
    client = TCPClient()
    client.resolver = own = Noting()
    client.close()
    assert closed == [own]


def test_threads_of_a_pool_are_not_expected_in_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process makes a pool of its own."""
    first, second = netutil.ThreadedResolver(2), netutil.ThreadedResolver(5)
    assert first.executor is second.executor
    monkeypatch.setattr(_resolvers.os, "getpid", lambda: -1)
    third = netutil.ThreadedResolver()
    assert third.executor is not first.executor
    monkeypatch.setattr(netutil.ThreadedResolver, "_pool", None)


def test_an_executor_is_shut_down_if_it_belongs_to_the_resolver() -> None:
    """After close() the resolver still answers, on the calling thread."""
    import concurrent.futures

    executor = concurrent.futures.ThreadPoolExecutor(1)

    async def main() -> None:
        resolver = netutil.ExecutorResolver(executor)
        assert await resolver.resolve("127.0.0.1", 80) == [(V4, ("127.0.0.1", 80))]
        resolver.close()
        assert await resolver.resolve("127.0.0.1", 80) == [(V4, ("127.0.0.1", 80))]

    asyncio.run(main())
    with pytest.raises(RuntimeError):
        executor.submit(print)


class Exhausted(socket.socket):
    """A listening socket of a process that may not open more descriptors, at first."""

    failures = 1

    def accept(self) -> Any:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "too many open files")
        return super().accept()


def test_accepting_pauses_when_descriptors_run_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection waits, the loop does not spin, and the operator is told."""
    monkeypatch.setattr(netutil, "_SHORTAGE_PAUSE", 0.01)

    async def main() -> None:
        accepted: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with Exhausted() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            listener.setblocking(False)
            remove = netutil.add_accept_handler(listener, lambda sock, address: accepted.set_result(sock))
            with socket.create_connection(listener.getsockname()):
                (await accepted).close()
            remove()
            listener.failures = 1
            remove = netutil.add_accept_handler(listener, lambda sock, address: None)
            with socket.create_connection(listener.getsockname()):
                while listener.failures:
                    await asyncio.sleep(0)
                remove()
            assert not asyncio.get_running_loop().remove_reader(listener)

    asyncio.run(main())
    assert "too many open files" in caplog.text


def test_a_callback_that_fails_does_not_end_the_accepting(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged."""

    async def main() -> None:
        seen: list[socket.socket] = []
        twice = asyncio.Event()

        def fail(sock: socket.socket, address: Any) -> None:
            seen.append(sock)
            if len(seen) == 2:
                twice.set()
            raise ZeroDivisionError

        (listener,) = netutil.bind_sockets(0, "127.0.0.1")
        with listener:
            remove = netutil.add_accept_handler(listener, fail)
            with socket.create_connection(listener.getsockname()), socket.create_connection(listener.getsockname()):
                await twice.wait()
            remove()
        for sock in seen:
            sock.close()

    asyncio.run(main())
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [ZeroDivisionError] * 2


def test_a_name_of_the_abstract_namespace_is_no_file() -> None:
    """There is nothing to replace."""
    name = f"\0waterspout-{id(object())}"
    with netutil.bind_unix_socket(name) as listener:
        assert listener.getsockname() == name.encode()
