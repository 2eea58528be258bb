"""Signatures of OAuth 1.0 and tokens, from inside; the examples are those of RFC 5849."""

from __future__ import annotations

import pytest

from waterspout import auth, web
from waterspout._auth_oauth1 import parse_token
from waterspout._auth_requests import AuthError, _base_url, signature


def test_signature_of_the_rfc() -> None:
    # Section 1.2: the request for the photograph; its fields are in the Authorization header there.
    parameters = {
        "file": "vacation.jpg",
        "size": "original",
        "oauth_consumer_key": "dpf43f3p2l4k3l03",
        "oauth_token": "nnch734d00sl2jdk",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "137131202",
        "oauth_nonce": "chapoH",
    }
    secrets = "kd94hf93k423kf44", "pfkkdhi9sl3r4s00"
    signed = signature("get", "http://photos.example.net/photos", parameters, *secrets)
    assert signed == "MdpQcU8iPSUjWoN/UDMsK2sui9I="


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://EXAMPLE.COM:80/r%20v/X?id=123", "http://example.com/r%20v/X"),
        ("https://www.example.net:8080/?q=1", "https://www.example.net:8080/"),
        ("https://h.org:443", "https://h.org/"),
        ("http://[::1]:8888/x", "http://[::1]:8888/x"),
    ],
)
def test_base_url(url: str, base: str) -> None:
    # Section 3.4.1.2, and what it implies for addresses of IPv6.
    assert _base_url(url) == base


@pytest.mark.parametrize("body", [b"", b"oauth_token=a", b"<html>", b"\xff\xfe"])
def test_no_token(body: bytes) -> None:
    with pytest.raises(AuthError, match="no token"):
        parse_token(body)


def test_mixins_are_no_handlers() -> None:
    for name in (*auth.__all__, "FacebookMixin", "FriendFeedMixin", "GoogleMixin"):
        mixin = getattr(auth, name)
        assert not issubclass(mixin, web.RequestHandler)
        if mixin is not AuthError:
            assert issubclass(type("Either", (mixin, web.RequestHandler), {}), web.RequestHandler)
