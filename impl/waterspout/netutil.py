"""Sockets that listen, addresses, and TLS settings.

Documentation: ``tornado.netutil``.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import ssl
import stat
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from waterspout._legacy_names import legacy_names
from waterspout._loggers import app_log, gen_log
from waterspout._resolvers import (
    BlockingResolver,
    DefaultExecutorResolver,
    DefaultLoopResolver,
    ExecutorResolver,
    OverrideResolver,
    Resolver,
    ThreadedResolver,
)
from waterspout.ioloop import IOLoop

__all__ = [
    "BlockingResolver",
    "DefaultExecutorResolver",
    "DefaultLoopResolver",
    "ExecutorResolver",
    "OverrideResolver",
    "Resolver",
    "ThreadedResolver",
    "add_accept_handler",
    "bind_sockets",
    "bind_unix_socket",
    "is_valid_ip",
    "ssl_options_to_context",
    "ssl_wrap_socket",
]

if not TYPE_CHECKING:
    # It moved in release 3.0.
    __getattr__ = legacy_names(__name__, {"TCPServer": "waterspout.tcpserver"})

#: How many connections may wait to be accepted.
DEFAULT_BACKLOG = 128

_SSL_OPTIONS = frozenset({"ssl_version", "certfile", "keyfile", "cert_reqs", "ca_certs", "ciphers"})


#: Keyword arguments of `ssl_options_to_context`, or a context that is ready.
TLSOptions = dict[str, Any] | ssl.SSLContext


def bind_sockets(
    port: int,
    address: str | None = None,
    family: socket.AddressFamily = socket.AF_UNSPEC,
    backlog: int = DEFAULT_BACKLOG,
    flags: int | None = None,
    reuse_port: bool = False,
) -> list[socket.socket]:
    """Return sockets that listen on ``port``, one for each address that ``address`` stands for.

    ``address`` is an IP address or a host name; None or an empty one means every interface.  ``family``
    narrows it to IPv4 or IPv6.  Port 0 chooses a free port, the same for all sockets.  ``flags`` are those of
    `socket.getaddrinfo`. Raises `OSError` if an address cannot be had; no socket stays open then.
    Documentation: ``netutil.bind_sockets``.
    """
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("this platform has no SO_REUSEPORT; leave reuse_port out")
    if not socket.has_ipv6 and family == socket.AF_UNSPEC:
        family = socket.AF_INET
    if flags is None:
        flags = socket.AI_PASSIVE
    found = socket.getaddrinfo(address or None, port, family, socket.SOCK_STREAM, 0, flags)
    sockets: list[socket.socket] = []
    chosen_port = port
    try:
        # IPv4 first, so that a port chosen for it can be asked for again on IPv6; names may come twice.
        for item in sorted(set(found), key=lambda entry: entry[0]):
            sock = _listening_socket(item, chosen_port, backlog, reuse_port)
            if sock is None:
                continue
            sockets.append(sock)
            chosen_port = chosen_port or sock.getsockname()[1]
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _listening_socket(item: tuple[Any, ...], port: int, backlog: int, reuse_port: bool) -> socket.socket | None:
    """Return a socket that listens on one found address; None if this host lacks the family after all."""
    family, kind, protocol, _name, where = item
    try:
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            return None
        raise
    try:
        if os.name != "nt":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6 and hasattr(socket, "IPPROTO_IPV6"):
            # Otherwise the socket would take the IPv4 port too, for which there is one of its own.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        try:
            sock.bind((where[0], port, *where[2:]))
        except OSError as error:
            # Linux names "::1" even where IPv6 is switched off on the loopback interface.
            if error.errno == errno.EADDRNOTAVAIL and where[0] == "::1":
                sock.close()
                return None
            raise
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


if sys.platform != "win32":

    def bind_unix_socket(file: str, mode: int = 0o600, backlog: int = DEFAULT_BACKLOG) -> socket.socket:
        """Return a socket that listens at the path ``file``, made with the permissions ``mode``.

        A socket that is there already is replaced; any other file raises `ValueError`.  A name that begins with a
        null character belongs to no file system: there is nothing to replace, and nothing that permissions are for.
        Documentation: ``netutil.bind_unix_socket``.
        """
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            if file.startswith("\0"):
                sock.bind(file)
            else:
                _remove_socket(file)
                sock.bind(file)
                os.chmod(file, mode)
            sock.listen(backlog)
        except BaseException:
            sock.close()
            raise
        return sock

    def _remove_socket(file: str) -> None:
        try:
            if not stat.S_ISSOCK(os.stat(file).st_mode):
                raise ValueError(f"{file!r} exists and is not a socket; choose another path or remove it")
            os.remove(file)
        except FileNotFoundError:
            pass


#: Errors that mean that this process, or the system, has not enough of something for another connection.
_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
#: Seconds to wait then.
_SHORTAGE_PAUSE = 1.0


def add_accept_handler(
    sock: socket.socket, callback: Callable[[socket.socket, Any], None], *, io_loop: IOLoop | None = None
) -> Callable[[], None]:
    """Call ``callback(connection, address)`` for each connection that ``sock`` accepts, on the current loop.

    Returns a function that ends this; the socket stays open.  What the callback raises is logged.
    Documentation: ``netutil.add_accept_handler``.
    """
    acceptor = _Acceptor(sock, callback, io_loop or IOLoop.current())
    acceptor.watch()
    return acceptor.remove


class _Acceptor:
    """Accepts connections on one socket."""

    def __init__(self, sock: socket.socket, callback: Callable[[socket.socket, Any], None], io_loop: IOLoop) -> None:
        self._socket = sock
        self._callback = callback
        self._loop: asyncio.AbstractEventLoop = io_loop.asyncio_loop
        self._removed = False
        self._pause: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        self._pause = None
        self._loop.add_reader(self._socket, self._accept)

    def remove(self) -> None:
        if self._removed:
            return
        self._removed = True
        if self._pause is not None:
            self._pause.cancel()
        else:
            self._loop.remove_reader(self._socket)

    def _accept(self) -> None:
        # Bounded, so that a burst of connections does not keep the loop from everything else.
        for _ in range(DEFAULT_BACKLOG):
            if self._removed:
                return
            try:
                connection, address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._refuse(error)
                return
            connection.setblocking(False)
            try:
                self._callback(connection, address)
            except Exception:
                app_log.error("exception in the callback of a connection that was accepted", exc_info=True)

    def _refuse(self, error: OSError) -> None:
        gen_log.error("cannot accept a connection: %s", error)
        if error.errno in _SHORTAGES:
            # The connection goes on waiting; without a pause the loop would do nothing but fail to accept it.
            self._loop.remove_reader(self._socket)
            self._pause = self._loop.call_later(_SHORTAGE_PAUSE, self.watch)


def is_valid_ip(ip: str) -> bool:
    """Return whether ``ip`` is an IPv4 or IPv6 address in numbers.

    Documentation: ``netutil.is_valid_ip``.
    """
    try:
        ipaddress.ip_address(ip)
    except ValueError:
        return False
    return True


def ssl_options_to_context(ssl_options: TLSOptions, server_side: bool | None = None) -> ssl.SSLContext:
    """Return ``ssl_options`` as an `ssl.SSLContext`; a context comes back as it is.

    A dict may have ``ssl_version``, ``certfile``, ``keyfile``, ``cert_reqs``, ``ca_certs`` and ``ciphers``,
    with the meanings that they have in `ssl`; other keys raise `ValueError`.  ``server_side`` says which side
    the context is for.  That of a client verifies the certificate and the name of its peer, unless ``cert_reqs`` is
    `ssl.CERT_NONE`; those of a server, or of either side, verify nothing unless ``cert_reqs`` says so.
    Documentation: ``netutil.ssl_options_to_context``.
    """
    if isinstance(ssl_options, ssl.SSLContext):
        return ssl_options
    unknown = set(ssl_options) - _SSL_OPTIONS
    if unknown:
        raise ValueError(f"unknown TLS options {sorted(unknown)}; known are {sorted(_SSL_OPTIONS)}")
    context = _new_context(ssl_options.get("ssl_version"), server_side)
    verify = ssl_options.get("cert_reqs", context.verify_mode)
    if verify == ssl.CERT_NONE:
        # Of a certificate that nobody verifies, the name says nothing.
        context.check_hostname = False
    context.verify_mode = verify
    if "certfile" in ssl_options:
        context.load_cert_chain(ssl_options["certfile"], ssl_options.get("keyfile"))
    if "ca_certs" in ssl_options:
        context.load_verify_locations(ssl_options["ca_certs"])
    if "ciphers" in ssl_options:
        context.set_ciphers(ssl_options["ciphers"])
    return context


def _new_context(version: int | None, server_side: bool | None) -> ssl.SSLContext:
    with warnings.catch_warnings():
        # Only the context that serves both sides is deprecated; who does not say which side it is for needs it.
        warnings.simplefilter("ignore", DeprecationWarning)
        if version is None:
            sides = {None: ssl.PROTOCOL_TLS, True: ssl.PROTOCOL_TLS_SERVER, False: ssl.PROTOCOL_TLS_CLIENT}
            version = sides[server_side]
        context = ssl.SSLContext(version)
    # Secrets may be read off the length of what was compressed (CRIME).
    context.options |= ssl.OP_NO_COMPRESSION
    return context


def ssl_wrap_socket(
    socket: socket.socket,
    ssl_options: TLSOptions,
    server_hostname: str | None = None,
    server_side: bool | None = None,
    **kwargs: Any,
) -> ssl.SSLSocket:
    """Return ``socket`` wrapped in TLS by ``ssl_options``, which are as for `ssl_options_to_context`.

    Documentation: ``netutil.ssl_wrap_socket``.
    """
    context = ssl_options_to_context(ssl_options, server_side=server_side)
    return context.wrap_socket(socket, server_hostname=server_hostname, server_side=bool(server_side), **kwargs)
