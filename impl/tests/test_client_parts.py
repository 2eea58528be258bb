"""The parts of the HTTP client that know neither connections nor time."""

from __future__ import annotations

import secrets
from types import SimpleNamespace
from typing import Any

import pytest

from waterspout._client_auth import Digest, basic, challenges
from waterspout._client_fetch import Elders
from waterspout._client_head import check, in_chunks, request_head
from waterspout._client_origin import Contexts, Location, Proxy, given_proxy, proxy_of
from waterspout._client_redirects import leads_on, redirected
from waterspout._client_request import DEFAULTS, EffectiveRequest, HTTPRequest, HTTPResponse
from waterspout.httputil import HTTPHeaders


def asked(url: str = "http://a.test/", **arguments: Any) -> EffectiveRequest:
    """Return a request as clients see it."""
    return EffectiveRequest(HTTPRequest(url, **arguments), DEFAULTS)


# -- where to ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "host", "port", "authority", "target"),
    [
        ("http://a.test", "a.test", 80, "a.test", "/"),
        ("HTTPS://A.test:443/x?y#z", "a.test", 443, "a.test", "/x?y"),
        ("http://[::1]:81?q", "::1", 81, "[::1]:81", "/?q"),
        ("http://b\u00fccher.test/\u00fc", "xn--bcher-kva.test", 80, "xn--bcher-kva.test", "/%C3%BC"),
        ("http://u:p%40@a.test:80/%zz|", "a.test", 80, "a.test", "/%zz|"),
    ],
)
def test_urls_are_taken_apart(url: str, host: str, port: int, authority: str, target: str) -> None:
    """Case, default ports, brackets and letters of other scripts are of no consequence."""
    location = Location.of(url)
    assert (location.host, location.port, location.authority, location.target) == (host, port, authority, target)
    assert location.absolute == f"{location.scheme}://{authority}{target}"


@pytest.mark.parametrize(
    "url", ["", "a.test", "http:///x", "ftp://a/", "http://a b/", "http://a\n/", "http://[::1/", "http://a:x/", None]
)
def test_what_is_no_url_is_refused(url: Any) -> None:
    """With ValueError in any case."""
    with pytest.raises(ValueError, match=r"."):
        Location.of(url)


def test_credentials_of_a_url() -> None:
    """They are decoded, and are no part of what a location is."""
    location = Location.of("http://u%3A:p%40@a.test/")
    assert location.credentials == ("u:", "p@")
    assert location == Location.of("http://a.test/")


# -- proxies ----------------------------------------------------------------------------------------------------------


def test_proxies_of_requests() -> None:
    """Also of objects that are like requests."""
    assert given_proxy(SimpleNamespace()) is None
    assert given_proxy(asked(proxy_host="p", proxy_port=1)) == Proxy("p", 1)
    whole = asked(proxy_host="p", proxy_port=1, proxy_username="u", proxy_password="w", proxy_auth_mode="digest")
    assert given_proxy(whole) == Proxy("p", 1, ("u", "w"), "digest")
    for wrong in ({"proxy_host": "p"}, {"proxy_auth_mode": "ntlm"}):
        with pytest.raises(ValueError, match="proxy_"):
            given_proxy(asked(**wrong))


def test_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """all_proxy is for schemes without one of their own; a proxy that speaks TLS is none for us."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("all_proxy", "p.test:3128")
    location = Location.of("https://a.test/")
    assert proxy_of(asked(), location, True) == Proxy("p.test", 3128)
    assert proxy_of(asked(), location, False) is None
    monkeypatch.setenv("https_proxy", "https://p.test")
    with pytest.raises(ValueError, match="plain HTTP"):
        proxy_of(asked(), location, True)


# -- credentials ------------------------------------------------------------------------------------------------------


def test_challenges_are_taken_apart() -> None:
    """Several in one field, and in several; what makes no sense ends its field."""
    assert challenges(['Basic realm="a, b", Digest nonce=n , qop="auth"', 'Bearer, x="\\"y"', "=?"]) == [
        ("basic", {"realm": "a, b"}),
        ("digest", {"nonce": "n", "qop": "auth"}),
        ("bearer", {"x": '"y'}),
    ]
    assert challenges([]) == []


def test_digest_of_the_rfc(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of RFC 7616, section 3.9.1, by both algorithms."""
    monkeypatch.setattr(secrets, "token_hex", lambda size: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    challenge = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    expected = {
        "MD5": "8ca523f5e9506fed4657c9700eebdbec",
        "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    }
    for algorithm, response in expected.items():
        digest = Digest("Mufasa", "Circle of Life")
        assert digest.answer("GET", "/dir/index.html") is None
        assert digest.accept([challenge.format(algorithm)])
        assert f'response="{response}"' in (digest.answer("GET", "/dir/index.html") or "")


def test_digest_gives_up() -> None:
    """An answer that was refused is followed by another one only if the nonce was merely stale."""
    digest = Digest("u", 'p"')
    assert not digest.accept(["Basic realm=r", "Digest realm=r", "Digest nonce=n, algorithm=odd"])
    assert not digest.accept(['Digest nonce=n, qop="auth-int"'])
    assert digest.accept(["Digest nonce=n"])
    assert "qop" not in (digest.answer("GET", "/") or "qop")
    assert not digest.accept(["Digest nonce=m"])
    assert digest.accept(["Digest nonce=m, stale=TRUE"])


def test_basic_has_no_colon_in_a_name() -> None:
    """Nobody could tell where it ends."""
    with pytest.raises(ValueError, match="colon"):
        basic("a:b", "c")


# -- requests ---------------------------------------------------------------------------------------------------------


def head_of(request: EffectiveRequest, **options: Any) -> HTTPHeaders:
    """Return the fields of ``request``."""
    arguments = {"proxy": None, "authorization": None, "proxy_authorization": None, **options}
    return HTTPHeaders.from_wire(request_head(request, Location.of(request.url), **arguments).headers)


def test_fields_about_bodies() -> None:
    """Whatever is known of its length; what the program says counts."""

    def produce(write: Any) -> None:
        pass

    assert head_of(asked(method="POST", body=b"ab"))["Content-Length"] == "2"
    assert head_of(asked(method="PUT", allow_nonstandard_methods=True))["Content-Length"] == "0"
    assert head_of(asked(method="POST", body_producer=produce))["Transfer-Encoding"] == "chunked"
    assert "Content-Type" not in head_of(asked(method="PUT", body=b"ab"))
    own = asked(method="POST", body_producer=produce, headers={"Content-Length": "3", "Content-Type": "x/y"})
    assert (head_of(own).get("Transfer-Encoding"), head_of(own)["Content-Type"]) == (None, "x/y")
    assert (in_chunks(own), in_chunks(asked(method="POST", body_producer=produce))) == (False, True)


def test_fields_about_the_connection() -> None:
    """Options of the program stay, and are not said twice."""
    assert "Connection" not in head_of(asked())
    assert head_of(asked(), keep_alive=False)["Connection"] == "close"
    own = asked(headers={"Connection": "X-A, Close", "TE": "trailers"})
    assert head_of(own, keep_alive=False)["Connection"] == "x-a, close, TE"


def test_requests_are_checked() -> None:
    """Before anything is sent."""
    check(asked(method="POST", body=b""))
    check(asked(method="X", allow_nonstandard_methods=True))
    for wrong in ({"method": "POST"}, {"body": b""}, {"auth_mode": "ntlm"}):
        with pytest.raises(ValueError, match=r"."):
            check(asked(**wrong))
    with pytest.raises(KeyError):
        check(asked(method="X"))


def test_what_the_program_gave_is_left_alone() -> None:
    """A mapping of headers may serve for many requests."""
    headers = {"Host": "b.test"}
    request = asked(headers=headers, if_modified_since=0, method="POST", body=b"x", user_agent="me")
    assert head_of(request)["Host"] == "b.test"
    assert HTTPRequest("http://a.test/", headers=headers).headers is headers
    assert headers == {"Host": "b.test"}


# -- redirects --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [(301, "POST", "GET"), (302, "PUT", "PUT"), (303, "PUT", "GET"), (303, "HEAD", "HEAD"), (308, "POST", "POST")],
)
def test_methods_after_redirects(status: int, method: str, then: str) -> None:
    """RFC 9110, section 15.4."""
    request = asked(method=method, body=None if method == "HEAD" else b"x")
    following = redirected(request, request.url, status, HTTPHeaders({"Location": "/b"}))
    assert (following.method, following.url, following.max_redirects) == (then, "http://a.test/b", 4)
    assert (following.body is None) is (then != method or method == "HEAD")


def test_secrets_after_redirects() -> None:
    """Another port is another origin, and so is another scheme."""
    request = asked("https://a.test/", auth_username="u", headers={"Cookie": "c", "X-A": "b"})
    for location, same in (("/b", True), ("https://a.test:443/", True), ("https://a.test:444/", False)):
        following = redirected(request, request.url, 302, HTTPHeaders({"Location": location}))
        assert (following.auth_username == "u", "Cookie" in following.headers) == (same, same)
        assert following.headers["X-A"] == "b"
    assert redirected(request, request.url, 302, HTTPHeaders({"Location": "http://a.test/"})).auth_username is None


def test_what_leads_on() -> None:
    """A status and a Location."""
    there = HTTPHeaders({"Location": "/"})
    assert leads_on(asked(), 302, there)
    assert not leads_on(asked(), 304, there)
    assert not leads_on(asked(), 302, HTTPHeaders())
    assert not leads_on(asked(max_redirects=0), 302, there)
    assert not leads_on(asked(follow_redirects=False), 302, there)


# -- what clients remember --------------------------------------------------------------------------------------------


def test_servers_of_old_are_remembered() -> None:
    """As many as there is room for, until they answer by HTTP/1.1."""
    elders = Elders(room=2)
    request = asked(method="POST", body_producer=lambda write: None)
    places = [Location.of(f"http://{name}.test/") for name in "abc"]
    for place in places:
        elders.note(place, "HTTP/1.0")
    elders.note(places[1], "HTTP/1.1")
    elders.check(request, places[0])
    elders.check(request, places[1])
    elders.check(asked(), places[2])
    with pytest.raises(ValueError, match="Content-Length"):
        elders.check(request, places[2])


def test_contexts_are_made_once() -> None:
    """For each combination of settings."""
    contexts = Contexts()
    assert contexts.of(asked()) is contexts.of(asked())
    assert contexts.of(asked(validate_cert=False)) is not contexts.of(asked())
    assert contexts.of(asked(ssl_options={})) is contexts.of(asked(ssl_options={}))
    with pytest.raises(OSError, match=r"."):
        contexts.of(asked(ca_certs="/nowhere"))


def test_a_response_shows_what_it_is() -> None:
    """Its error among the rest, without end."""
    response = HTTPResponse(HTTPRequest("http://a.test/"), 404)
    assert "code=404" in repr(response)
    assert "HTTP 404: Not Found" in repr(response)
