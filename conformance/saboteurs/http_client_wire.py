"""HTTP clients that write or read messages wrongly."""

from __future__ import annotations

import re

from conformance.saboteurs import Patches
from conformance.saboteurs.client_lies import client_lie, reads, sends
from conformance.scripted import Peer

# -- what they send ---------------------------------------------------------------------------------------------------

sends("fetch-of-1.0", "Requests say HTTP/1.0.", rb" HTTP/1\.1\r\n", b" HTTP/1.0\r\n", "request.line")
sends("fetch-bare-lf", "The request line ends with LF alone.", rb"\A([^\r]+)\r\n", rb"\1\n", "request.octets")
sends("fetch-host-without-port", "Host has no port.", rb"(Host: [^:\r]+):\d+", rb"\1", "request.host", "redirect.host")
sends(
    "fetch-host-last",
    "Host is the last field.",
    rb"(Host: [^\r]*\r\n)(.*\r\n)\r\n\Z",
    rb"\2\1\r\n",
    "request.host-first",
)
sends("fetch-one-of-a-name", "Of repeated fields one is sent.", rb"(X-A: 1\r\n)X-A: 2\r\n", rb"\1", "request.fields")
sends("fetch-incognito", "There is no User-Agent.", rb"User-Agent: [^\r]*\r\n", b"", "request.user-agent")
sends(
    "fetch-speaks-english",
    "An Accept-Language is sent that nobody asked for.",
    rb"\r\n\r\n\Z",
    b"\r\nAccept-Language: en\r\n\r\n",
    "request.nothing-unasked",
)
sends("fetch-plus-for-space", "Spaces in a path are sent as +.", rb"%20", b"+", "request.uri-characters")
sends("fetch-proxy-by-path", "A proxy is told the path alone.", rb"\AGET http://[^/]+/", b"GET /", "proxy.absolute")
sends(
    "fetch-hides-from-proxies",
    "Proxies are not told the credentials for them.",
    rb"Proxy-Authorization: [^\r]*\r\n",
    b"",
    "proxy.absolute",
    "proxy.connect",
    "curl.proxy",
)
sends("fetch-head-becomes-get", "A redirect makes a GET of a HEAD.", rb"\AHEAD /there", b"GET /there", "redirect.head")
sends(
    "fetch-latin-credentials",
    "Passwords are sent as Latin-1.",
    rb"dTpww6k=",
    b"dTpw6Q==",
    "auth.basic",
    "curl.requests",
)
sends("fetch-miscounts-nonces", "Uses of a nonce are counted from 2.", rb"nc=00000001", b"nc=00000002", "auth.digest")
sends(
    "fetch-old-dates",
    "Dates have the format of RFC 850.",
    rb"Sun, 06 Nov 1994",
    b"Sunday, 06-Nov-94",
    "httprequest.if-modified-since",
)
sends(
    "fetch-gap-in-a-list",
    "A list has a gap.",
    rb"Accept-Encoding: gzip",
    b"Accept-Encoding: gzip,,x",
    "manners.grammar",
)
sends("fetch-te-for-everybody", "Connection does not name TE.", rb"Connection: TE\r\n", b"", "manners.te")
sends(
    "fetch-options-untyped",
    "A body of OPTIONS has no type.",
    rb"(\AOPTIONS .*)Content-Type: [^\r]*\r\n",
    rb"\1",
    "manners.options-type",
)
sends("fetch-short-lines", "Long request lines are cut off.", rb"(/a{4000})a*", rb"\1", "manners.long")
sends(
    "fetch-tells-where-from",
    "Requests have a Referer.",
    rb"\r\n\r\n\Z",
    b"\r\nReferer: https://server.test/secret\r\n\r\n",
    "manners.no-referer",
)
sends(
    "fetch-says-close-and-stays",
    "Each request says close, and the next one comes all the same.",
    rb"\r\n\r\n\Z",
    b"\r\nConnection: close\r\n\r\n",
    "manners.says-close",
)


def _remembering(ref: Patches, name: bytes) -> None:
    """Have every request say what the first one with a field called ``name`` said in it."""
    expression, kept = re.compile(name + rb": [^\r]*\r\n"), []

    def inbound(data: bytes) -> bytes:
        kept.extend(expression.findall(data))
        return (
            expression.sub(b"", data).replace(b"\r\n", b"\r\n" + kept[0], 1) if kept and b"\r\n\r\n" in data else data
        )

    ref.replace(Peer, "inbound", staticmethod(inbound))


@client_lie("fetch-tells-secrets", "Redirects take credentials anywhere.", "redirect.credentials")
def _(ref: Patches) -> None:
    _remembering(ref, b"Authorization")


@client_lie("fetch-faithful-host", "After a redirect Host is still the first one.", "redirect.host")
def _(ref: Patches) -> None:
    _remembering(ref, b"Host")


# -- what they read ---------------------------------------------------------------------------------------------------

_OK = b"HTTP/1.1 200 OK\r\n"

reads("fetch-417-is-final", "417 is not told from other errors.", rb" 417 ", b" 418 ", "request.expect-failed")
reads("fetch-nul-blind", "NUL in a body is taken for a question mark.", rb"\x00", b"?", "body.length")
reads(
    "fetch-trailers-are-body",
    "Trailers are read as a part of the body.",
    rb"0\r\nX-T: 1\r\n\r\n\Z",
    b"9\r\n0\r\nX-T: 1\r\n0\r\n\r\n",
    "body.chunked",
)
reads(
    "fetch-trailers-are-headers",
    "Trailers are read as fields of the head.",
    rb"X-A: 1\r\n\r\n1\r\nx",
    b"X-A: 1\r\nX-T: 1\r\n\r\n1\r\nx",
    "body.trailers-apart",
)
reads(
    "fetch-first-piece-is-all",
    "A body without a length ends early.",
    rb"OK\r\n\r\nall of it",
    b"OK\r\nContent-Length: 3\r\n\r\nall",
    "body.until-close",
)
reads(
    "fetch-304-with-body",
    "A 304 is read on by its Content-Length.",
    rb"304 Not Modified\r\nContent-Length: 4\r\n\r\n",
    b"200 OK\r\nContent-Length: 4\r\n\r\nbody",
    "body.none",
)
reads(
    "fetch-hints-are-answers",
    "Early hints are taken for the answer.",
    rb" 103 Early Hints",
    b" 203 Early Hints\r\nContent-Length: 0",
    "body.informational",
)
reads(
    "fetch-short-is-enough",
    "What there is of a body is taken for all of it.",
    rb"Content-Length: 5\r\n\r\nfour",
    b"Content-Length: 4\r\n\r\nfour",
    "body.cut-short",
)
reads(
    "fetch-first-length",
    "Of several lengths the first one counts.",
    rb"Length: 3, 4",
    b"Length: 3",
    "framing.two-lengths",
)
reads(
    "fetch-length-wins",
    "Where there are both, Content-Length counts, and chunks are body.",
    rb"(Content-Length: \d+\r\n)Transfer-Encoding: [^\r]*\r\n",
    rb"\1",
    "framing.length-and-chunked",
    "framing.other-coding",
)
reads("fetch-signed-chunks", "The size of a chunk may have a sign.", rb"\r\n\+2\r\n", b"\r\n2\r\n", "framing.chunks")
reads("fetch-two-digits", "A status may have two digits.", rb"1\.1 20 OK", b"1.1 200 OK", "framing.status-line")
reads("fetch-space-before-colon", "Names may end with a space.", rb"\r\nX : a", b"\r\nX: a", "framing.fields")
reads("fetch-unfolds-nothing", "A folded line is lost.", rb"\r\n \t two", b"", "framing.obs-fold")
reads("fetch-needs-a-reason", "An answer without a reason phrase is none.", rb"200 \r\n", b"\r\n", "framing.reason")
reads("fetch-last-of-a-name", "Of repeated fields one counts.", rb"X-A:  2\t\r\n", b"", "framing.names")
reads(
    "fetch-gzip-in-small-letters",
    "Names of codings have a case.",
    rb"Content-Encoding: GZip",
    b"Content-Encoding: other",
    "coding.gzip",
)
reads("fetch-x-gzip-unknown", "x-gzip is not known.", rb"Encoding: x-gzip", b"Encoding: x-other", "coding.x-gzip")
reads(
    "fetch-guesses-codings",
    "What is not packed is taken as it is, whatever it says.",
    rb"Content-Encoding: gzip\r\n\r\nplain",
    b"\r\nplain",
    "coding.broken",
)
reads("fetch-303-keeps-method", "All redirects keep the method.", rb"1\.1 30[123] ", b"1.1 307 ", "redirect.to-get")
reads("fetch-307-becomes-get", "All redirects lead to a GET.", rb"1\.1 30[78] ", b"1.1 303 ", "redirect.keeps-method")
reads(
    "fetch-nowhere-is-fine",
    "A redirect to nowhere is a response.",
    rb"\r\nLocation: (?=ftp|mailto|http://\[)",
    b"\r\nX-Location: ",
    "redirect.nowhere",
)
reads("fetch-deaf-to-close", "close is not heard.", rb"Connection: [^\r]*[Cc]lose\r\n", b"", "reuse.close")
reads(
    "fetch-drops-surplus",
    "What comes after an answer is thrown away, and the connection used on.",
    re.escape(_OK) + rb"Content-Length: 6\r\n\r\npoison",
    b"",
    "reuse.surplus",
)
reads(
    "fetch-reset-is-an-end",
    "A connection that breaks off ends a body like any other.",
    rb"OK\r\n\r\nsome",
    b"OK\r\nContent-Length: 4\r\n\r\nsome",
    "connect.reset",
)
reads(
    "fetch-sends-to-the-end",
    "An early refusal does not stop the body.",
    rb" 413 .*\r\n\r\nenough",
    b" 200 OK\r\nContent-Length: 6\r\n\r\nenough",
    "early.answer",
)
reads(
    "fetch-trusts-user-names",
    "User names in a Location are passed over.",
    rb"http://bank\.test@",
    b"http://",
    "manners.hidden-user",
)
reads(
    "fetch-versions-are-one",
    "An answer of HTTP/1.0 is taken for one of HTTP/1.1.",
    rb"HTTP/1\.0 200",
    b"HTTP/1.1 200",
    "manners.old-server",
    "manners.old-chunks",
)
reads("fetch-299-fails", "Statuses that are not known are errors.", rb" 299 ", b" 599 ", "manners.unknown-status")
reads(
    "fetch-999-succeeds",
    "Statuses beyond the classes are fine.",
    rb" (600|999|099) What",
    b" 200 OK",
    "manners.invalid-status",
)
reads("fetch-1.9-unknown", "HTTP/1.9 is not understood.", rb"HTTP/1\.9", b"HTTP/2.0", "manners.minor-version")
reads("fetch-ascii-only", "Octets beyond ASCII are lost.", rb"\xe9", b"?", "manners.opaque")
reads("fetch-space-first", "A line may begin with a space.", rb"OK\r\n X-A", b"OK\r\nX-A", "manners.leading-space")
reads("fetch-32-bits", "Lengths are kept in 32 bits.", rb"Length: \d{10,}", b"Length: 2", "manners.large-length")
reads("fetch-list-of-gaps", "Lists with gaps are passed over.", rb"Connection: , ,close,\r\n", b"", "manners.list-gaps")
reads(
    "fetch-answer-ends-all",
    "With an answer there, nothing more is sent.",
    rb"\r\n\r\nearly",
    b"\r\nConnection: close\r\n\r\nearly",
    "manners.goes-on",
)
reads(
    "fetch-no-alert-needed",
    "An end without the closure alert is as good as one with it.",
    rb"OK\r\n\r\nall of it",
    b"OK\r\nContent-Length: 9\r\n\r\nall of it",
    "manners.cut-off",
)
reads(
    "fetch-alert-ends-bodies",
    "Without the closure alert no answer is complete.",
    rb"OK\r\nContent-Length: 2\r\n\r\nok",
    b"OK\r\n\r\nok",
    "manners.no-alert",
)
