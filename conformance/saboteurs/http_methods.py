"""Servers that misunderstand what a request asks for, or add something of their own."""

from __future__ import annotations

import re

from conformance.saboteurs import Tamper
from conformance.saboteurs.rewriting import Lies, Remembering

_lies = Lies("http.methods")

_lies.reads("no-head", "HEAD is an unknown method.", rb"\AHEAD ", b"BREW ", "http1.method.get-and-head")

_lies.sends(
    "not-allowed-is-not-found",
    "A method that is not allowed is answered with 404.",
    rb"\AHTTP/1\.1 405 [^\r]*",
    b"HTTP/1.1 404 Not Found",
    "http1.method.not-allowed-405",
)

_lies.answers(
    "options-without-allow",
    "The answer to OPTIONS carries no Allow.",
    rb"\AOPTIONS ",
    rb"\r\nAllow: [^\r]*",
    b"",
    "http1.options.names-methods",
)


class _ReflectsSecrets(Remembering):
    def outbound(self, data: bytes) -> bytes:
        if not self.asked.startswith(b"TRACE "):
            return data
        head = b"HTTP/1.1 200 OK\r\nContent-Type: message/http\r\nContent-Length: %d\r\n\r\n"
        return head % len(self.asked) + self.asked


_lies.tampers("trace-with-secrets", "TRACE reflects all fields.", _ReflectsSecrets, "http1.trace.reflects")


class _RemembersCredentials(Tamper):
    _credentials = b""

    def inbound(self, data: bytes) -> bytes:
        known = re.search(rb"\r\nAuthorization: [^\r]*", data)
        if known is None:
            return data.replace(b"\r\n", self._credentials + b"\r\n", 1)
        self._credentials = known[0]
        return data


_lies.tampers(
    "credentials-of-the-connection",
    "Credentials hold for all requests of a connection.",
    _RemembersCredentials,
    "http1.request.stateless",
)

_lies.reads(
    "content-location-is-the-target",
    "Content-Location replaces the target.",
    rb"\A(POST|PUT) \S+(.*?\r\nContent-Location: )(\S+)",
    rb"\1 \3\2\3",
    "http1.request.content-location",
)

_lies.answers(
    "content-range-refused",
    "A Content-Range in any request is refused.",
    rb"\r\nContent-Range: ",
    rb" 200 OK",
    b" 400 Bad Request",
    "http1.request.content-range",
)

_lies.reads(
    "port-dropped",
    "The authority of a request has no port.",
    rb"\r\nHost: example\.test:8080",
    b"\r\nHost: example.test",
    "http1.request.target-uri",
)

_lies.reads(
    "encoded-is-another",
    "A target spelled otherwise is another resource.",
    rb"\AGET /%65cho",
    b"GET /get-only",
    "http1.request.equivalent-targets",
)

_lies.reads(
    "short-memory",
    "Fields are taken up to a size that the server's own exceed.",
    rb"\r\nX-Long: a{1000,}",
    lambda found: found[0] * 50,
    "http1.request.own-values",
)

_lies.answers(
    "size-is-an-error",
    "What is far too long is an error of the server.",
    rb"A{1000}",
    rb"\AHTTP/1\.1 4\d\d",
    b"HTTP/1.1 500",
    "http1.request.defensive",
)
