"""What one echo costs in the WebSocket core, next to wsproto and websockets' sans-I/O protocol.

Run ``python benchmarks/websocket_core.py``. All three get the same octets in one process, in turns, and the
best of several turns counts, so that the ratios hold on a busy machine even if the microseconds do not.
websockets masks in C when its extension was built; the other two are pure Python.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from websockets.protocol import State as WebsocketsState
from websockets.server import ServerProtocol
from wsproto import events as wsproto_events
from wsproto.connection import Connection as WsprotoConnection
from wsproto.connection import ConnectionType

from waterspout.protocol.websocket import SERVER, Connection, Message
from waterspout.protocol.websocket.frames import TEXT, apply_mask, build_frame_header

Echo = Callable[[bytes], bytes]
KEY = b"\x37\xfa\x21\x3d"
TURNS = 7


def client_frame(size: int) -> bytes:
    """A masked text frame of ``size`` octets."""
    return build_frame_header(TEXT, size, masked=True) + KEY + apply_mask(b"x" * size, KEY)


def waterspout_echo() -> Echo:
    connection = Connection(SERVER)

    def echo(data: bytes) -> bytes:
        for event in connection.feed(data):
            if isinstance(event, Message):
                connection.send_message(event.data)
        return connection.data_to_send()

    return echo


def wsproto_echo() -> Echo:
    connection = WsprotoConnection(ConnectionType.SERVER)
    parts: list[str] = []

    def echo(data: bytes) -> bytes:
        connection.receive_data(data)
        output = b""
        for event in connection.events():
            if isinstance(event, wsproto_events.TextMessage):
                parts.append(event.data)
                if event.message_finished:
                    output += connection.send(wsproto_events.Message(data="".join(parts)))
                    parts.clear()
        return output

    return echo


def websockets_echo() -> Echo:
    protocol = ServerProtocol(state=WebsocketsState.OPEN, max_size=None)

    def echo(data: bytes) -> bytes:
        protocol.receive_data(data)
        for event in protocol.events_received():
            protocol.send_text(event.data)  # type: ignore[union-attr]
        return b"".join(protocol.data_to_send())

    return echo


def microseconds(echo: Echo, data: bytes, repeat: int) -> float:
    started = time.perf_counter()
    for _ in range(repeat):
        echo(data)
    return (time.perf_counter() - started) / repeat * 1e6


def main() -> None:
    makers = {"waterspout": waterspout_echo, "wsproto": wsproto_echo, "websockets": websockets_echo}
    print(f"{'echo of':>16} " + " ".join(f"{name + ' us':>14}" for name in makers) + "   we are faster by")
    for label, data, repeat in (
        ("64 B", client_frame(64), 5000),
        ("16 x 64 B read", client_frame(64) * 16, 500),
        ("4 KiB", client_frame(4096), 1000),
        ("1 MiB", client_frame(1 << 20), 5),
    ):
        expected = {len(make()(data)) for make in makers.values()}
        assert len(expected) == 1, f"the echoes differ in length: {expected}"
        best = dict.fromkeys(makers, float("inf"))
        for _ in range(TURNS):
            for name, make in makers.items():
                best[name] = min(best[name], microseconds(make(), data, repeat))
        ours = best["waterspout"]
        ratios = f"wsproto {best['wsproto'] / ours:.1f}x, websockets {best['websockets'] / ours:.1f}x"
        print(f"{label:>16} " + " ".join(f"{best[name]:14.2f}" for name in makers) + f"   {ratios}")


if __name__ == "__main__":
    main()
