"""A client follows redirects, and shows its credentials

A redirect sends the client elsewhere, perhaps to somebody else: the method, the body and above all the credentials
must go along only where they should. A challenge is answered for the one who made it.
"""

import hashlib
import re

import pytest

from conformance import doc, each, labelled, must, rfc, should
from conformance.scripted import ok


def to(location, status=302, *lines):
    """Return a redirect."""
    return ok(b"", f"Location: {location}", *lines, status=f"{status} Elsewhere")


def lines_of(remote):
    """Return method and target of each request that came."""
    return [(asked.method, asked.target) for asked in remote.asked]


# -- redirects --------------------------------------------------------------------------------------------------------


@must(
    "client.redirect.followed",
    "A redirect is followed to its Location, which may be relative; effective_url tells where that led.",
    doc("httpclient.HTTPRequest"),
    doc("httpclient.HTTPResponse"),
    rfc(9110, "15.4", "RFC9110-15.4.4-i1"),
)
@each(status=[301, 302, 303, 307, 308])
@each(location=["/there?q", "there?q", "../there?q"])
async def test_followed(remote, leftovers, status, location):
    remote.play(to(location, status), ok(b"there"))
    response = await remote.fetch("/from")
    assert (response.code, response.body, response.effective_url) == (200, b"there", remote.url("/there?q"))
    assert lines_of(remote) == [("GET", "/from"), ("GET", "/there?q")]


@must(
    "client.redirect.not-followed",
    "With follow_redirects=False a redirect is the response.",
    doc("httpclient.HTTPRequest"),
)
async def test_not_followed(remote, leftovers):
    remote.play(to("/there"))
    response = await remote.fetch(follow_redirects=False)
    assert (response.code, response.headers["Location"], len(remote.asked)) == (302, "/there", 1)


@must(
    "client.redirect.limit",
    "After max_redirects of them the next redirect is the response.",
    doc("httpclient.HTTPRequest"),
    rfc(9110, "15.4", "RFC9110-15.4-3"),
)
async def test_limit(remote, leftovers):
    remote.play(*[to("/again")] * 9)
    response = await remote.fetch(max_redirects=2)
    assert (response.code, len(remote.asked)) == (302, 3)


@should(
    "client.redirect.to-get",
    "303, and 301 and 302 in answer to POST, lead to a GET without a body and without what describes one.",
    rfc(9110, "15.4", "RFC9110-15.4-2"),
)
@each(status=[301, 302, 303])
async def test_to_get(remote, leftovers, status):
    remote.play(to("/there", status), ok())
    await remote.fetch(method="POST", body=b"secret", headers={"Content-Type": "text/plain"})
    asked = remote.asked[-1]
    assert (asked.method, asked.body) == ("GET", b"")
    assert not {"Content-Type", "Content-Length", "Transfer-Encoding"} & {name for name, _ in asked.headers.items()}


@must(
    "client.redirect.keeps-method",
    "307 and 308 keep the method and the body.",
    rfc(9110, "15.4.8", "RFC9110-15.4.8-1"),
)
@each(status=[307, 308])
async def test_keeps_method(remote, leftovers, status):
    remote.play(to("/there", status), ok())
    await remote.fetch(method="PUT", body=b"body")
    assert [(asked.method, asked.body) for asked in remote.asked] == [("PUT", b"body"), ("PUT", b"body")]


@should("client.redirect.head", "A HEAD stays a HEAD, also after 303.", rfc(9110, "15.4.4"))
async def test_head(remote, leftovers):
    remote.play(to("/there", 303), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    await remote.fetch(method="HEAD")
    assert lines_of(remote) == [("HEAD", "/"), ("HEAD", "/there")]


@must(
    "client.redirect.fragment",
    "Where the Location has no fragment, that of the URL stays.",
    rfc(9110, "10.2.2", "RFC9110-10.2.2-1"),
)
@each(location=[labelled("without", ("/there", "/there#part")), labelled("with", ("/there#other", "/there#other"))])
async def test_fragment(remote, leftovers, location):
    given, expected = location
    remote.play(to(given), ok())
    led_to = (await remote.fetch("/#part")).effective_url
    assert led_to.removeprefix(remote.url("")) == expected


@must(
    "client.redirect.credentials",
    "To another origin a redirect takes no credentials along; to the same one it does.",
    rfc(9110, "15.4", "RFC9110-15.4-2"),
)
@each(given=[labelled("headers", {"headers": {"Authorization": "x", "Cookie": "y"}}), labelled("auth", {})])
async def test_credentials(remote, leftovers, given):
    other = await remote.another()
    remote.play(to("/same"), to(other.url("/other")))
    other.play(ok())
    await remote.fetch(**(given or {"auth_username": "u", "auth_password": "p"}))
    assert ["Authorization" in asked.headers for asked in [*remote.asked, *other.asked]] == [True, True, False]
    assert "Cookie" not in other.asked[0].headers


@must(
    "client.redirect.host",
    "After a redirect Host is that of the new URL.",
    rfc(9112, "3.2", "RFC9112-3.2-4"),
)
async def test_new_host(remote, leftovers):
    other = await remote.another()
    remote.play(to(other.url()))
    other.play(ok())
    await remote.fetch(headers={"Host": "name.test"})
    assert other.asked[0].headers.get_all("Host") == [f"127.0.0.1:{other.port}"]


@must(
    "client.redirect.quiet",
    "The callbacks get the head and body of the last response alone.",
    doc("httpclient.HTTPRequest"),
)
async def test_quiet(remote, leftovers):
    lines, pieces = [], []
    remote.play(ok(b"gone", "Location: /there", status="302 Found"), ok(b"there"))
    await remote.fetch(header_callback=lines.append, streaming_callback=pieces.append)
    assert (lines[0], b"".join(pieces)) == ("HTTP/1.1 200 OK\r\n", b"there")


@must(
    "client.redirect.nowhere",
    "A Location that no HTTP client can go to is an error.",
    doc("httpclient.AsyncHTTPClient.fetch"),
)
@each(location=["ftp://there.test/", "http://[there/", "mailto:me"])
async def test_nowhere(remote, leftovers, location):
    remote.play(to(location))
    with pytest.raises(Exception):  # noqa: B017  # which one is open
        await remote.fetch(request_timeout=1)


# -- credentials ------------------------------------------------------------------------------------------------------


@must(
    "client.auth.basic",
    "auth_username and auth_password, or those in the URL, are sent by basic authentication, as UTF-8.",
    doc("httpclient.HTTPRequest"),
)
async def test_basic(remote, leftovers):
    await remote.listen()
    remote.play(ok(), ok())
    await remote.fetch(auth_username="u", auth_password="p\u00e9")
    await remote.client.fetch(f"http://u:p@127.0.0.1:{remote.port}/")
    assert [asked.headers["Authorization"] for asked in remote.asked] == ["Basic dTpww6k=", "Basic dTpw"]


@must(
    "client.auth.mode",
    "An auth_mode that is not known is refused with ValueError.",
    doc("httpclient.HTTPRequest"),
)
async def test_mode(remote, leftovers):
    with pytest.raises(ValueError):
        await remote.fetch(auth_username="u", auth_password="p", auth_mode="other")
    assert remote.asked == []


CHALLENGE = 'WWW-Authenticate: Basic realm="b", Digest realm="r", nonce="n,\\"o", qop="auth-int,auth", opaque="q"'


def digest(asked, algorithm, hashed):
    """Return the parameters of a Digest answer, whose response must be right."""
    text = asked.headers["Authorization"]
    pairs = re.findall(r'(\w+)=(?:"((?:\\.|[^"])*)"|(\S+?))(?:,|$)', text)
    found = {name: quoted or plain for name, quoted, plain in pairs}
    nonce = found["nonce"].replace('\\"', '"')

    def h(*parts):
        return hashed(":".join(parts).encode()).hexdigest()

    secret = h("u", "r", "p")
    if algorithm.endswith("-sess"):
        secret = h(secret, nonce, found["cnonce"])
    expected = h(secret, nonce, found["nc"], found["cnonce"], "auth", h(asked.method, asked.target))
    assert (text[:7], found["response"], nonce) == ("Digest ", expected, 'n,"o')
    return found


@must(
    "client.auth.digest",
    "With auth_mode digest a challenge is answered once, by the algorithm it names.",
    doc("httpclient.HTTPRequest"),
    rfc(9110, "11.6.1", "RFC9110-5.6.4-1"),
    needs=("digest-auth",),
)
@each(algorithm=["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"])
async def test_digest(remote, leftovers, algorithm):
    refusal = ok(b"no", f"{CHALLENGE}, algorithm={algorithm}", status="401 Unauthorized")
    remote.play(refusal, ok(b"in"), refusal, refusal)
    arguments = {"auth_username": "u", "auth_password": "p", "auth_mode": "digest"}
    response = await remote.fetch("/a?b", **arguments)
    first, second = remote.asked
    hashed = hashlib.sha256 if algorithm.startswith("SHA") else hashlib.md5
    found = digest(second, algorithm, hashed)
    assert (response.body, "Authorization" in first.headers) == (b"in", False)
    assert (found["uri"], found["opaque"], found["nc"], found["qop"]) == ("/a?b", "q", "00000001", "auth")
    assert ((await remote.fetch("/a?b", **arguments)).code, len(remote.asked)) == (401, 4)
