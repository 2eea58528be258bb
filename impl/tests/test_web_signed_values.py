"""Signed values and tokens: constant time, linear work, malformed input."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from _scaling import assert_linear
from _web_wire import application, get, handler_of

from waterspout.web import create_signed_value, decode_signed_value
from waterspout.web.gzip_transform import accepts_gzip
from waterspout.web.xsrf import decode_token, encode_token, masked_with, new_token


@pytest.mark.parametrize("version", [1, 2])
def test_signatures_are_compared_in_constant_time(version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the signature, by the function for that."""
    compared: list[tuple[Any, Any]] = []

    def compare(one: Any, other: Any) -> bool:
        compared.append((one, other))
        return False

    signed = create_signed_value("secret", "name", "value", version=version)
    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert decode_signed_value("secret", "name", signed) is None
    assert [one == other == signed.rpartition(b"|")[2] for one, other in compared] == [True]


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of forms and cookies, too."""
    compared: list[tuple[Any, Any]] = []
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: bool(compared.append((one, other))))
    app = application(handler_of(lambda self: None, "post"), xsrf_cookies=True)
    token = "00" * 16
    answer = get(app, "/", f"Cookie: _xsrf={token}", f"X-XSRFToken: {token}", method="POST")
    assert (answer.status, compared) == (403, [(bytes(16), bytes(16))])


@pytest.mark.parametrize("piece", ["|", "1:", "2|1:0|", "9", "2|9"])
def test_forged_values_cost_linear_time(piece: str) -> None:
    """Whatever they are made of."""
    assert_linear(lambda size: decode_signed_value("secret", "name", piece * size), 5_000, 50_000)
    assert_linear(lambda size: decode_token(piece * size), 5_000, 50_000)


def test_accept_encoding_costs_linear_time() -> None:
    """It is any client's."""
    assert_linear(lambda size: accepts_gzip("gzip;q=0.," * size), 5_000, 50_000)
    assert_linear(lambda size: accepts_gzip(" \t" * size + "gzip"), 5_000, 50_000)


@pytest.mark.parametrize("version", [1, 2])
def test_tokens_come_back(version: int) -> None:
    """In version 2 with the time when they were made."""
    token = new_token()
    found = decode_token(encode_token(token, version).decode())
    assert found is not None
    assert found[0] == token[0]
    assert version == 1 or found[1] == token[1]


@pytest.mark.parametrize("octets", [b"", b"\0", b"\0\0abc", b"\xff" * 9])
def test_masks_are_taken_back(octets: bytes) -> None:
    """Zeros at the beginning included."""
    assert masked_with(b"\x01\x02\x03\x04", masked_with(b"\x01\x02\x03\x04", octets)) == octets


@pytest.mark.parametrize(
    ("field", "accepted"),
    [
        ("gzip", True),
        ("*", True),
        ("*;q=0, gzip", True),
        ("identity;q=0.5, gzip;q=0.4", False),
        ("identity;q=0.5, gzip;q=0.5", True),
        ("x-gzip", True),
        ("gzip;q=2", False),
        ("gzip;q=nan", False),
        ("gzip ; q=0.1 , br", True),
        (",,gzip", True),
    ],
)
def test_weights_of_codings(field: str, accepted: bool) -> None:
    """RFC 9110, section 12.5.3."""
    assert accepts_gzip(field) is accepted
