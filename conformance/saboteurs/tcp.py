"""Saboteurs of the chapter on TCP."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import inspect
import logging
import os
import socket
import ssl
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, nothing


def tcp_lie(name: str, lie: str, *kills: str) -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="net.tcp", kills=tuple(f"tcp.{one}" for one in kills))


# -- servers ----------------------------------------------------------------------------------------------------------


def making(ref: Patches, change: Callable[[dict[str, Any]], None]) -> None:
    """Let ``change`` alter the arguments of every server."""

    def lie(original: Any, self: Any, **settings: Any) -> None:
        change(settings)
        original(self, **settings)

    around(ref, ref.tcpserver.TCPServer, "__init__", lie)


def handled(ref: Patches, lie: Callable[..., Any]) -> None:
    """Let server objects answer connections by ``lie(handle_stream, stream, address)``."""

    def started(original: Any, self: Any, *arguments: Any) -> Any:
        handle = self.handle_stream
        self.handle_stream = lambda stream, address: lie(handle, stream, address)
        return original(self, *arguments)

    around(ref, ref.tcpserver.TCPServer, "add_sockets", started)


@tcp_lie("server-no-address", "handle_stream gets no address.", "server.handles-streams")
def _(ref: Patches) -> None:
    handled(ref, lambda handle, stream, address: handle(stream, None))


@tcp_lie("server-wants-coroutines", "A plain function does not serve.", "server.plain-function")
def _(ref: Patches) -> None:
    def lie(handle: Any, stream: Any, address: Any) -> Any:
        return handle(stream, address) if inspect.iscoroutinefunction(handle) else stream.close()

    handled(ref, lie)


@tcp_lie("server-failures-silent", "What handle_stream raises is not logged.", "server.failure-logged")
def _(ref: Patches) -> None:
    def lie(handle: Any, stream: Any, address: Any) -> Any:
        logging.getLogger("tornado.application").disabled = True
        return handle(stream, address)

    handled(ref, lie)


@tcp_lie("server-no-limits", "The limits of a server are ignored.", "server.limits")
def _(ref: Patches) -> None:
    def change(settings: dict[str, Any]) -> None:
        settings.pop("max_buffer_size", None)
        settings.pop("read_chunk_size", None)

    making(ref, change)


@tcp_lie("server-no-tls", "The TLS options of a server are ignored.", "server.tls", "server.no-certificate")
def _(ref: Patches) -> None:
    making(ref, lambda settings: settings.pop("ssl_options", None))


@tcp_lie("server-bind-only", "start() does not accept on what bind() took.", "server.ways-to-start")
def _(ref: Patches) -> None:
    ref.replace(ref.tcpserver.TCPServer, "start", nothing)


@tcp_lie("server-never-stops", "stop() does nothing.", "server.stop")
def _(ref: Patches) -> None:
    ref.replace(ref.tcpserver.TCPServer, "stop", nothing)


# -- clients ----------------------------------------------------------------------------------------------------------


def connecting(ref: Patches, lie: Callable[..., Any]) -> None:
    """Answer calls of TCPClient.connect with ``lie(original, client, host, port, **arguments)``."""
    around(ref, ref.tcpclient.TCPClient, "connect", lie)


class First:
    """A resolver that finds the first address only."""

    def __init__(self, resolver: Any) -> None:
        self._resolver = resolver

    async def resolve(self, *arguments: Any) -> Any:
        """Return one address."""
        return (await self._resolver.resolve(*arguments))[:1]


@tcp_lie("client-one-address", "Only one address of a host is tried.", "client.next-address", "client.silent-address")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *arguments: Any, **more: Any) -> Any:
        self.resolver = First(self.resolver)
        return original(self, *arguments, **more)

    connecting(ref, lie)


@tcp_lie("client-other-error", "A failure is a ValueError.", "client.all-addresses-fail", "client.no-address")
def _(ref: Patches) -> None:
    async def lie(original: Any, self: Any, *arguments: Any, **more: Any) -> Any:
        try:
            return await original(self, *arguments, **more)
        except OSError as error:
            raise ValueError("no connection") from error

    connecting(ref, lie)


@tcp_lie(
    "client-no-timeout",
    "The timeout is ignored.",
    "client.timeout",
    "client.timeout-time",
    "client.timeout-seconds",
    "client.handshake-timeout",
)
def _(ref: Patches) -> None:
    connecting(ref, lambda original, self, *arguments, timeout=None, **more: original(self, *arguments, **more))


@tcp_lie("client-leaves-timer", "The timer of a timeout stays.", "client.timeout-leaves-nothing")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *arguments: Any, timeout: Any = None, **more: Any) -> Any:
        if isinstance(timeout, datetime.timedelta):
            asyncio.get_running_loop().call_later(60, nothing)
        return original(self, *arguments, timeout=timeout, **more)

    connecting(ref, lie)


@tcp_lie("client-trusts", "The certificate of a host is not verified.", "client.tls")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *arguments: Any, ssl_options: Any = None, **more: Any) -> Any:
        context = None
        if ssl_options is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return original(self, *arguments, ssl_options=context, **more)

    connecting(ref, lie)


@tcp_lie("client-no-source", "source_ip is ignored.", "client.source")
def _(ref: Patches) -> None:
    connecting(ref, lambda original, self, *arguments, source_ip=None, **more: original(self, *arguments, **more))


@tcp_lie("client-no-limit", "max_buffer_size is ignored.", "client.buffer-size")
def _(ref: Patches) -> None:
    connecting(ref, lambda original, self, *arguments, max_buffer_size=None, **more: original(self, *arguments, **more))


# -- resolvers --------------------------------------------------------------------------------------------------------


@tcp_lie("resolver-any-family", "The family is ignored.", "resolver.addresses")
def _(ref: Patches) -> None:
    for name in ("DefaultLoopResolver", "DefaultExecutorResolver", "ExecutorResolver"):
        around(
            ref,
            getattr(ref.netutil, name),
            "resolve",
            lambda original, self, host, port, family=socket.AF_UNSPEC: original(self, host, port),
        )


@tcp_lie("resolver-fixed", "configure() is ignored.", "resolver.configured")
def _(ref: Patches) -> None:
    ref.replace(ref.netutil.Resolver, "configure", classmethod(nothing))


@tcp_lie("resolver-hosts-only", "Only hosts are replaced.", "resolver.override")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, resolver: Any, mapping: Any) -> None:
        original(self, resolver, {key: value for key, value in mapping.items() if isinstance(key, str)})

    around(ref, ref.netutil.OverrideResolver, "initialize", lie)


# -- sockets ----------------------------------------------------------------------------------------------------------


def function(ref: Patches, name: str, lie: Callable[..., Any]) -> None:
    """Answer calls of a function of netutil with ``lie(original, *arguments)``."""
    original = getattr(ref.netutil, name)
    ref.replace(ref.netutil, name, lambda *args, **kwargs: lie(original, *args, **kwargs))


@tcp_lie("bind-blocking", "The sockets of bind_sockets() block.", "sockets.bind")
def _(ref: Patches) -> None:
    def lie(original: Any, *args: Any, **kwargs: Any) -> Any:
        sockets = original(*args, **kwargs)
        for sock in sockets:
            sock.setblocking(True)
        return sockets

    function(ref, "bind_sockets", lie)


@tcp_lie("bind-alone", "reuse_port is ignored.", "sockets.reuse-port")
def _(ref: Patches) -> None:
    function(ref, "bind_sockets", lambda original, *args, reuse_port=False, **kwargs: original(*args, **kwargs))


@tcp_lie("unix-replaces-all", "bind_unix_socket() replaces whatever is there.", "sockets.unix")
def _(ref: Patches) -> None:
    def lie(original: Any, file: str, *args: Any, **kwargs: Any) -> Any:
        with contextlib.suppress(FileNotFoundError):
            os.remove(file)
        return original(file, *args, **kwargs)

    function(ref, "bind_unix_socket", lie)


@tcp_lie("accept-never-ends", "An accept handler cannot be removed.", "sockets.accept-handler")
def _(ref: Patches) -> None:
    def lie(original: Any, *args: Any, **kwargs: Any) -> Any:
        original(*args, **kwargs)
        return nothing

    function(ref, "add_accept_handler", lie)


@tcp_lie("ip-any-text", "Every text without spaces is an address.", "sockets.is-valid-ip")
def _(ref: Patches) -> None:
    function(ref, "is_valid_ip", lambda original, ip: bool(ip) and ip == ip.strip())


@tcp_lie("ssl-options-trusting", "The context of a client verifies nothing.", "sockets.ssl-options")
def _(ref: Patches) -> None:
    def lie(original: Any, options: Any, server_side: Any = None) -> Any:
        context = original(options, server_side=server_side)
        if isinstance(options, dict):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    function(ref, "ssl_options_to_context", lie)
