"""Listening sockets, addresses, TLS settings."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from pathlib import Path

import pytest

from waterspout import netutil


def test_port_zero_is_the_same_port_for_every_family() -> None:
    """A program can tell one port to its users."""
    sockets = netutil.bind_sockets(0, "localhost")
    try:
        assert len({sock.getsockname()[1] for sock in sockets}) == 1
        assert len({sock.family for sock in sockets}) == len(sockets)
        for sock in sockets:
            assert not sock.getblocking()
    finally:
        for sock in sockets:
            sock.close()


def test_a_family_narrows_the_addresses() -> None:
    """Only that family is bound."""
    (sock,) = netutil.bind_sockets(0, "127.0.0.1", socket.AF_INET)
    with sock:
        assert sock.family == socket.AF_INET
        with socket.create_connection(sock.getsockname()):
            pass


def test_a_taken_port_is_an_error() -> None:
    """And no socket stays open, which the garbage collector would complain of."""
    (sock,) = netutil.bind_sockets(0, "127.0.0.1")
    with sock, pytest.raises(OSError):
        netutil.bind_sockets(sock.getsockname()[1], "127.0.0.1")


def test_ports_can_be_shared_if_all_agree() -> None:
    """SO_REUSEPORT."""
    (first,) = netutil.bind_sockets(0, "127.0.0.1", reuse_port=True)
    with first:
        (second,) = netutil.bind_sockets(first.getsockname()[1], "127.0.0.1", reuse_port=True)
        second.close()


def test_a_unix_socket_replaces_an_old_one_but_no_file(tmp_path: Path) -> None:
    """Its permissions are as asked."""
    path = str(tmp_path / "s")
    for _ in range(2):
        with netutil.bind_unix_socket(path, mode=0o640):
            assert os.stat(path).st_mode & 0o777 == 0o640
    ordinary = tmp_path / "f"
    ordinary.write_text("kept")
    with pytest.raises(ValueError, match="not a socket"):
        netutil.bind_unix_socket(str(ordinary))
    assert ordinary.read_text() == "kept"


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("1.2.3.4", True),
        ("::1", True),
        ("[::1]", False),
        ("a", False),
        ("", False),
        ("1.2.3", False),
        ("1.2.3.4\0", False),
    ],
)
def test_addresses_in_numbers_are_valid(text: str, valid: bool) -> None:
    """Names and fragments are not."""
    assert netutil.is_valid_ip(text) is valid


def test_accepted_connections_go_to_the_callback_until_removed() -> None:
    """Removing leaves the socket open."""

    async def test() -> None:
        (sock,) = netutil.bind_sockets(0, "127.0.0.1")
        accepted: asyncio.Queue[socket.socket] = asyncio.Queue()
        remove = netutil.add_accept_handler(sock, lambda connection, address: accepted.put_nowait(connection))
        with sock, socket.create_connection(sock.getsockname()):
            with await accepted.get() as connection:
                assert not connection.getblocking()
            remove()
            remove()
            assert not asyncio.get_running_loop().remove_reader(sock)

    asyncio.run(test())


def test_tls_options_make_a_context_and_unknown_ones_an_error() -> None:
    """A context comes back as it is."""
    context = netutil.ssl_options_to_context({"cert_reqs": ssl.CERT_REQUIRED}, server_side=True)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.protocol == ssl.PROTOCOL_TLS_SERVER
    assert netutil.ssl_options_to_context(context) is context
    with pytest.raises(ValueError, match="certificate"):
        netutil.ssl_options_to_context({"certificate": "x"})
