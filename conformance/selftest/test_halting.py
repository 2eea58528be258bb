"""Sockets that halt: who takes a call to have done all of its work fails on them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import pytest

from conformance import certificates
from conformance.halting import MOST, HaltingTLSSocket, halting


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A halting socket that does not block, and the usual one that accepted its connection."""
    with halting(), socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
        near.setblocking(False)
        with near, far:
            yield near, far


def test_every_second_call_halts_and_none_moves_more_than_a_piece(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    with pytest.raises(BlockingIOError):
        near.send(bytes(5000))
    assert near.send(bytes(5000)) == MOST
    far.sendall(bytes(5000))
    with pytest.raises(BlockingIOError):
        near.recv(5000)
    assert len(near.recv(5000)) == MOST
    with pytest.raises(BlockingIOError):
        near.recv_into(bytearray(5000))
    assert near.recv_into(bytearray(5000)) == MOST


def test_neither_what_blocks_nor_what_was_accepted_halts(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    near.setblocking(True)
    far.setblocking(False)
    assert near.send(bytes(MOST)) == MOST
    near.setblocking(False)
    assert far.send(bytes(5000)) == 5000


def test_tls_halts_in_the_handshake_and_after_it() -> None:
    with halting():
        context = certificates.client_context()
        near, far = socket.socketpair()
        with far, context.wrap_socket(near, do_handshake_on_connect=False, server_hostname=certificates.HOST) as secure:
            assert isinstance(secure, HaltingTLSSocket)
            with pytest.raises(ssl.SSLWantWriteError):
                secure.do_handshake()
