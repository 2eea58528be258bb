"""HTTP clients that do something else than they are asked to."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import contextlib
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

from conformance.saboteurs import Patches
from conformance.saboteurs.client_lies import answers, around_fetch, asks, client_lie, set_up
from conformance.scripted import Peer

Arguments = dict[str, Any]


def wrapped(arguments: Arguments, name: str, around: Callable[[Any], Any]) -> None:
    """Put ``around`` the function that is an argument called ``name``, if there is one."""
    if arguments.get(name) is not None:
        arguments[name] = around(arguments[name])


# -- requests ---------------------------------------------------------------------------------------------------------


@asks(
    "fetch-cleans-fields",
    "Line ends in fields are left out, and the rest is sent.",
    "request.injection",
    "curl.injection",
)
def _(arguments: Arguments) -> None:
    fields = arguments.get("headers")
    if isinstance(fields, dict):
        arguments["headers"] = {
            name.replace("\r\n", "").replace(": ", ""): value.replace("\r\n", "") for name, value in fields.items()
        }


@client_lie("fetch-nobody-answers", "A URL without a host has an empty answer.", "request.no-host")
def _(ref: Patches) -> None:
    def fetch(original: Any, client: Any, url: Any, arguments: Arguments) -> Any:
        if not isinstance(url, str) or "///" not in url:
            return original(client, url, arguments)
        future = client.io_loop.asyncio_loop.create_future()
        future.set_result(ref.httpclient.HTTPResponse(ref.httpclient.HTTPRequest(url), 200))
        return future

    around_fetch(ref, fetch)


@asks("fetch-latin-bodies", "Text is sent as Latin-1.", "request.body")
def _(arguments: Arguments) -> None:
    if isinstance(arguments.get("body"), str):
        arguments["body"] = arguments["body"].encode("latin-1")


@asks("fetch-any-method", "Any method is fine, with a body or without.", "request.methods")
def _(arguments: Arguments) -> None:
    arguments["allow_nonstandard_methods"] = True


@asks("fetch-second-piece-lost", "Only the first piece of a produced body is sent.", "request.producer")
def _(arguments: Arguments) -> None:
    def around(produce: Any) -> Any:
        async def lying(write: Callable[[bytes], Awaitable[None]]) -> None:
            async def write_some(data: bytes) -> None:
                if data != b"two":
                    await write(data)

            await produce(write_some)

        return lying

    wrapped(arguments, "body_producer", around)


@asks("fetch-broken-producer-ends", "A producer that fails has produced enough.", "request.producer-fails")
def _(arguments: Arguments) -> None:
    def around(produce: Any) -> Any:
        async def lying(write: Any) -> None:
            await asyncio.gather(produce(write), return_exceptions=True)

        return lying

    wrapped(arguments, "body_producer", around)
    arguments["request_timeout"] = 0.01


@asks("fetch-writes-ahead", "write() does not wait for the server.", "request.back-pressure")
def _(arguments: Arguments) -> None:
    def around(produce: Any) -> Any:
        async def lying(write: Any) -> None:
            async def write_at_once(data: bytes) -> None:
                write(data)
                await asyncio.sleep(0)

            await produce(write_at_once)

        return lying

    wrapped(arguments, "body_producer", around)


@asks("fetch-expects-nothing", "Nobody's leave is waited for.", "request.expect", "request.expect-refused")
def _(arguments: Arguments) -> None:
    arguments["expect_100_continue"] = False


@asks("fetch-gives-up-expecting", "A request that waits for leave is given up.", "request.expect-silence")
def _(arguments: Arguments) -> None:
    if arguments.get("expect_100_continue"):
        arguments["request_timeout"] = 0.5


@asks("fetch-trace-drops-bodies", "The body of a TRACE is left out.", "manners.trace")
def _(arguments: Arguments) -> None:
    if arguments.get("method") == "TRACE":
        arguments["body"] = None


@answers("fetch-refusals-are-400", "That a proxy refuses is an answer with 400.", "proxy.refused", "fetch.no-raise")
def _(ref: Patches, response: Any) -> None:
    if response.code == 599:
        response.error = ref.httpclient.HTTPClientError(400)


@set_up("fetch-boundless", "Bodies may be of any size.", "limits.body", "coding.bound")
def _(settings: Arguments) -> None:
    settings.pop("max_body_size", None)


@set_up("fetch-boundless-heads", "Heads may be of any size.", "limits.header")
def _(settings: Arguments) -> None:
    settings.pop("max_header_size", None)


@asks("fetch-always-unpacks", "Bodies are always unpacked.", "coding.as-it-is")
def _(arguments: Arguments) -> None:
    arguments["decompress_response"] = True


@asks("fetch-basic-for-proxies", "Proxies get basic credentials alone.", "proxy.digest")
def _(arguments: Arguments) -> None:
    arguments.pop("proxy_auth_mode", None)


@set_up("fetch-blind-to-the-environment", "Proxies of the environment are not heeded.", "proxy.environment")
def _(settings: Arguments) -> None:
    settings.pop("environment_proxies", None)


@client_lie("fetch-no-websockets-by-proxy", "WebSockets are not opened through proxies.", "proxy.websocket")
def _(ref: Patches) -> None:
    original = ref.websocket.websocket_connect

    def connect(request: Any, **options: Any) -> Any:
        if getattr(request, "proxy_host", None):
            raise ValueError("WebSockets are not opened through proxies")
        return original(request, **options)

    ref.replace(ref.websocket, "websocket_connect", connect)


# -- redirects and credentials ----------------------------------------------------------------------------------------


@asks("fetch-stays", "Redirects are not followed.", "redirect.followed", "redirect.limit", "curl.redirects")
def _(arguments: Arguments) -> None:
    arguments["follow_redirects"] = False


@asks("fetch-always-follows", "Redirects are always followed.", "redirect.not-followed")
def _(arguments: Arguments) -> None:
    arguments["follow_redirects"] = True


@asks("fetch-one-redirect-more", "One redirect more than allowed is followed.", "redirect.limit")
def _(arguments: Arguments) -> None:
    if "max_redirects" in arguments:
        arguments["max_redirects"] += 1


@answers("fetch-loses-fragments", "effective_url has no fragment.", "redirect.fragment")
def _(ref: Patches, response: Any) -> None:
    response.effective_url = response.effective_url.partition("#")[0]


@asks("fetch-tells-of-redirects", "header_callback is told of redirects, too.", "redirect.quiet", "fetch.streaming")
def _(arguments: Arguments) -> None:
    def around(callback: Any) -> Any:
        callback("HTTP/1.1 302 Found\r\n")
        return callback

    wrapped(arguments, "header_callback", around)


@asks("fetch-any-auth-mode", "An auth_mode that is not known is basic.", "auth.mode")
def _(arguments: Arguments) -> None:
    if arguments.get("auth_mode") == "other":
        del arguments["auth_mode"]


@client_lie("fetch-insists", "After 403 the request is made again.", "manners.forbidden")
def _(ref: Patches) -> None:
    async def fetch(original: Any, client: Any, url: Any, arguments: Arguments) -> Any:
        response = await original(client, url, arguments)
        return await original(client, url, arguments) if response.code == 403 else response

    around_fetch(ref, fetch)


# -- connections ------------------------------------------------------------------------------------------------------


@set_up("fetch-keeps-nothing", "Connections are not kept.", "reuse.kept")
def _(settings: Arguments) -> None:
    settings["idle_timeout"] = 0


@set_up("fetch-keeps-all", "idle_timeout=0 is not heeded.", "manners.keeps-none")
def _(settings: Arguments) -> None:
    if settings.get("idle_timeout") == 0:
        del settings["idle_timeout"]


@asks("fetch-drops-close", "close in a request is left out.", "reuse.close-asked")
def _(arguments: Arguments) -> None:
    if "Connection" in (arguments.get("headers") or {}):
        arguments["headers"] = {}


@asks("fetch-swallows-errors", "What callbacks raise is lost.", "fetch.callback-fails")
def _(arguments: Arguments) -> None:
    for name in ("header_callback", "streaming_callback"):
        arguments.pop(name, None)


@client_lie("fetch-reads-half", "An answer that its callback broke off is complete.", "reuse.unread")
def _(ref: Patches) -> None:
    def fetch(original: Any, client: Any, url: Any, arguments: Arguments) -> Any:
        arguments.pop("streaming_callback", None)
        return original(client, url, arguments)

    around_fetch(ref, fetch)
    ref.replace(Peer, "outbound", staticmethod(lambda data: data.replace(b"Length: 100\r", b"Length: 4\r")))


@answers("fetch-no-second-post", "A POST fails on a client that has made a request before.", "reuse.server-leaves")
def _(ref: Patches, response: Any) -> None:
    if response.request.body == b"once":
        response.error = ref.simple_httpclient.HTTPStreamClosedError("Connection closed")


@asks("fetch-never-repeats", "A request is made once, whatever becomes of it.", "reuse.stale")
def _(arguments: Arguments) -> None:
    async def produce(write: Any) -> None:
        pass

    # A request whose body is made on the way is not one to repeat.
    arguments |= {"body_producer": produce, "allow_nonstandard_methods": True, "headers": {"Content-Length": "0"}}


@client_lie("fetch-repeats-all", "What failed is made again, whatever it is.", "reuse.once")
def _(ref: Patches) -> None:
    async def fetch(original: Any, client: Any, url: Any, arguments: Arguments) -> Any:
        try:
            return await original(client, url, arguments)
        except ref.httpclient.HTTPClientError:
            return await original(client, url, arguments)

    around_fetch(ref, fetch)


@set_up("fetch-waits-for-ever", "A connection waits as long as it takes.", "reuse.idle")
def _(settings: Arguments) -> None:
    settings["idle_timeout"] = 1e6


@set_up("fetch-crowds-a-host", "max_clients_per_host is not heeded.", "reuse.per-host")
def _(settings: Arguments) -> None:
    settings.pop("max_clients_per_host", None)


@set_up("fetch-crowds", "max_clients is not heeded.", "reuse.total", "timeout.queue", "instance.configure")
def _(settings: Arguments) -> None:
    settings["max_clients"] = 100


@set_up("fetch-nine-at-a-time", "By default nine requests are made at a time.", "fetch.parallel")
def _(settings: Arguments) -> None:
    settings.setdefault("max_clients", 9)


@client_lie("fetch-close-waits", "close() leaves connections open.", "reuse.closed")
def _(ref: Patches) -> None:
    ref.replace(ref.simple_httpclient.SimpleAsyncHTTPClient, "close", lambda client: None)


@asks(
    "fetch-twice-the-time",
    "request_timeout is twice what it says.",
    "timeout.request",
    "timeout.anywhere",
    "timeout.whole",
)
def _(arguments: Arguments) -> None:
    arguments["request_timeout"] = 2 * arguments.get("request_timeout", 20)


@client_lie("fetch-time-for-each", "Each redirect begins request_timeout anew.", "timeout.redirects")
def _(ref: Patches) -> None:
    def fetch(original: Any, client: Any, url: Any, arguments: Arguments) -> Any:
        if "max_redirects" in arguments:
            arguments["request_timeout"] *= arguments["max_redirects"]
        return original(client, url, arguments)

    around_fetch(ref, fetch)


@asks("fetch-slow-to-connect", "connect_timeout is twice what it says.", "timeout.connect", "timeout.queue")
def _(arguments: Arguments) -> None:
    if "connect_timeout" in arguments:
        arguments["connect_timeout"] *= 2


@asks("fetch-zero-is-default", "A timeout of 0 is the usual one.", "timeout.none")
def _(arguments: Arguments) -> None:
    for name in ("connect_timeout", "request_timeout"):
        if arguments.get(name) == 0:
            del arguments[name]


@client_lie("fetch-goes-on-alone", "A request goes on when nobody waits for it.", "cancel.ends", "cancel.place")
def _(ref: Patches) -> None:
    def fetch(original: Any, client: Any, url: Any, arguments: Arguments) -> Any:
        return asyncio.shield(original(client, url, arguments))

    around_fetch(ref, fetch)


@answers("fetch-599-for-all", "Errors of the system are code 599.", "connect.refused", "connect.no-name")
def _(ref: Patches, response: Any) -> None:
    if isinstance(response.error, OSError):
        response.error = ref.httpclient.HTTPClientError(599, str(response.error))


@client_lie("fetch-silence-is-consent", "A server that leaves without an answer has said 200.", "connect.half-closed")
def _(ref: Patches) -> None:
    async def fetch(original: Any, client: Any, url: Any, arguments: Arguments) -> Any:
        try:
            return await original(client, url, arguments)
        except ref.simple_httpclient.HTTPStreamClosedError:
            return ref.httpclient.HTTPResponse(ref.httpclient.HTTPRequest(url), 200)

    around_fetch(ref, fetch)


@client_lie("fetch-maps-host", "Host is what hostname_mapping made of it.", "connect.mapping")
def _(ref: Patches) -> None:
    ref.replace(Peer, "inbound", staticmethod(lambda data: data.replace(b"name.test", b"127.0.0.1")))


@asks("fetch-trusts-anybody", "Certificates are not verified.", "tls.verified", "manners.common-name", "curl.tls")
def _(arguments: Arguments) -> None:
    arguments["validate_cert"] = False


@asks("fetch-options-unheeded", "ssl_options are not heeded.", "tls.good", "curl.not-for-it")
def _(arguments: Arguments) -> None:
    arguments.pop("ssl_options", None)


@client_lie("fetch-slams-the-door", "Connections of TLS end without the closure alert.", "manners.closure-alert")
def _(ref: Patches) -> None:
    kind: Any = asyncio.sslproto._SSLProtocolTransport
    ref.replace(kind, "close", lambda transport: transport.abort())


@asks("fetch-does-not-wait", "Coroutines of streaming_callback are not waited for.", "streaming.pressure")
def _(arguments: Arguments) -> None:
    def around(callback: Any) -> Any:
        running = set()

        def lying(piece: bytes) -> None:
            running.add(asyncio.ensure_future(callback(piece)))

        return lying

    wrapped(arguments, "streaming_callback", around)


# -- the interface ----------------------------------------------------------------------------------------------------


@answers("fetch-usual-phrases", "The phrase of a status is the usual one.", "fetch.response")
def _(ref: Patches, response: Any) -> None:
    response.reason = ref.httputil.responses.get(response.code, "Unknown")


@client_lie("fetch-error-of-numbers", "An error says nothing but the status.", "fetch.error")
def _(ref: Patches) -> None:
    ref.replace(ref.httpclient.HTTPClientError, "__str__", lambda error: f"HTTP {error.code}")


@client_lie("fetch-always-raises", "raise_error=False is not heeded.", "fetch.no-raise")
def _(ref: Patches) -> None:
    def fetch(original: Any, client: Any, url: Any, arguments: Arguments) -> Any:
        return original(client, url, {**arguments, "raise_error": True})

    around_fetch(ref, fetch)


@client_lie("fetch-forgets-arguments", "Arguments beside an HTTPRequest are forgotten.", "fetch.arguments")
def _(ref: Patches) -> None:
    def fetch(original: Any, client: Any, url: Any, arguments: Arguments) -> Any:
        return original(client, url, arguments if isinstance(url, str) else {})

    around_fetch(ref, fetch)


@asks("fetch-keeps-what-streams", "streaming_callback is not called.", "fetch.streaming", "curl.callbacks")
def _(arguments: Arguments) -> None:
    arguments.pop("streaming_callback", None)


@asks("fetch-calls-back-with-bodies", "The callback gets the body alone.", "fetch.callback", "handlers.chain")
def _(arguments: Arguments) -> None:
    wrapped(arguments, "callback", lambda callback: lambda response: callback(response.body))


@client_lie("fetch-mixes-bodies", "Two answers that come together have each other's bodies.", "fetch.concurrent-reuse")
def _(ref: Patches) -> None:
    last = [BytesIO()]

    async def fetch(original: Any, client: Any, url: Any, arguments: Arguments) -> Any:
        response = await original(client, url, arguments)
        response.buffer, last[0] = last[0], response.buffer
        return response

    around_fetch(ref, fetch)


@asks("fetch-from-anywhere", "network_interface is not heeded.", "httprequest.interface")
def _(arguments: Arguments) -> None:
    arguments.pop("network_interface", None)


@client_lie("fetch-request-of-defaults", "HTTPRequest has no memory for max_redirects.", "httprequest.attributes")
def _(ref: Patches) -> None:
    _requests(ref, lambda arguments: arguments.pop("max_redirects", None))


@client_lie("fetch-one-body-wins", "Of a body and a producer the producer counts.", "httprequest.one-body")
def _(ref: Patches) -> None:
    _requests(ref, lambda arguments: arguments.pop("body", None) if "body_producer" in arguments else None)


def _requests(ref: Patches, change: Callable[[Arguments], Any]) -> None:
    """Change the arguments of each HTTPRequest."""
    kind = ref.httpclient.HTTPRequest
    original = kind.__init__

    def __init__(request: Any, url: str, **arguments: Any) -> None:
        change(arguments)
        original(request, url, **arguments)

    ref.replace(kind, "__init__", __init__)


@client_lie("fetch-never-shared", "Each AsyncHTTPClient() is another one.", "instance.shared")
def _(ref: Patches) -> None:
    kind = ref.httpclient.AsyncHTTPClient
    original = kind.__new__

    def __new__(cls: Any, force_instance: bool = False, **settings: Any) -> Any:
        return original(cls, force_instance=True, **settings)

    ref.replace(kind, "__new__", staticmethod(__new__))


@client_lie(
    "fetch-immortal",
    "A client that was closed is as good as ever.",
    "instance.closed",
    "instance.context",
    "curl.closed",
)
def _(ref: Patches) -> None:
    def fetch(original: Any, client: Any, url: Any, arguments: Arguments) -> Any:
        try:
            return original(client, url, arguments)
        except RuntimeError:
            future = client.io_loop.asyncio_loop.create_future()
            future.set_result(ref.httpclient.HTTPResponse(ref.httpclient.HTTPRequest(url), 200))
            return future

    around_fetch(ref, fetch)


@client_lie("fetch-configured-once", "What configure() says of arguments is lost.", "instance.configure")
def _(ref: Patches) -> None:
    kind = ref.httpclient.AsyncHTTPClient
    original = kind.configure
    ref.replace(kind, "configure", classmethod(lambda cls, impl, **settings: original(impl)))


@client_lie(
    "fetch-of-one-kind", "configure() takes no other implementation.", "instance.implementation", "curl.configured"
)
def _(ref: Patches) -> None:
    kind = ref.httpclient.AsyncHTTPClient
    original = kind.configure
    ref.replace(kind, "configure", classmethod(lambda cls, impl, **settings: original(None, **settings)))


@client_lie("fetch-blocking-forgives", "A client that blocks raises nothing.", "blocking.fetch")
def _(ref: Patches) -> None:
    original = ref.httpclient.HTTPClient.fetch

    def fetch(client: Any, url: Any, **arguments: Any) -> Any:
        return original(client, url, **{**arguments, "raise_error": False})

    ref.replace(ref.httpclient.HTTPClient, "fetch", fetch)


@client_lie(
    "fetch-not-beside-a-loop",
    "A client that blocks refuses to, where a loop runs.",
    "blocking.in-handler",
    "handlers.three-ways",
)
def _(ref: Patches) -> None:
    original = ref.httpclient.HTTPClient.fetch

    def fetch(client: Any, url: Any, **arguments: Any) -> Any:
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop()
            raise ValueError("a loop runs already")
        return original(client, url, **arguments)

    ref.replace(ref.httpclient.HTTPClient, "fetch", fetch)


@client_lie("fetch-one-by-one", "Requests of one loop are made one after another.", "handlers.meanwhile")
def _(ref: Patches) -> None:
    kind = ref.simple_httpclient.SimpleAsyncHTTPClient
    original = kind.initialize

    def initialize(client: Any, **settings: Any) -> None:
        original(client, **{**settings, "max_clients": 1, "defaults": {"request_timeout": 0.1}})

    ref.replace(kind, "initialize", initialize)


# -- the client on libcurl --------------------------------------------------------------------------------------------


@asks("fetch-never-unpacks", "Bodies are never unpacked.", "curl.unpacks", "coding.gzip")
def _(arguments: Arguments) -> None:
    arguments["decompress_response"] = False


@asks("fetch-unprepared", "prepare_curl_callback is not called.", "curl.prepare")
def _(arguments: Arguments) -> None:
    arguments.pop("prepare_curl_callback", None)


@client_lie("fetch-curl-without-numbers", "Errors do not have libcurl's numbers.", "curl.errors")
def _(ref: Patches) -> None:
    async def fetch(original: Any, client: Any, url: Any, arguments: Arguments) -> Any:
        try:
            return await original(client, url, arguments)
        except ref.curl_httpclient.CurlError as error:
            raise ref.httpclient.HTTPClientError(599, str(error)) from None

    around_fetch(ref, fetch)


@client_lie("fetch-curl-without-times", "time_info is empty.", "curl.time")
def _(ref: Patches) -> None:
    async def fetch(original: Any, client: Any, url: Any, arguments: Arguments) -> Any:
        response = await original(client, url, arguments)
        response.time_info.clear()
        return response

    around_fetch(ref, fetch)


@client_lie("fetch-curl-crowds", "The client on libcurl does not heed max_clients.", "curl.parallel")
def _(ref: Patches) -> None:
    kind = ref.curl_httpclient.CurlAsyncHTTPClient
    original = kind.initialize

    def initialize(client: Any, **settings: Any) -> None:
        original(client, **{**settings, "max_clients": 100})

    ref.replace(kind, "initialize", initialize)
