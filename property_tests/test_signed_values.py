"""Signed values: whoever has not the key can neither make nor change one; keys can be replaced one after another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterspout.web import create_signed_value, decode_signed_value, get_signature_key_version

MADE = 1_300_000_000
DAY = 86400

names = st.text(min_size=1, max_size=20)
values = st.binary(max_size=60)
secrets = st.binary(min_size=1, max_size=40)
versions = st.sampled_from([1, 2])


def _made(secret: bytes, name: str, value: bytes, version: int) -> bytes:
    return create_signed_value(secret, name, value, version=version, clock=lambda: MADE)


@given(secrets, names, values, versions, st.floats(min_value=0, max_value=60))
def test_it_is_read_until_it_is_too_old(secret: bytes, name: str, value: bytes, version: int, age: float) -> None:
    """Up to 31 days after it was made."""
    signed = _made(secret, name, value, version)
    found = decode_signed_value(secret, name, signed, clock=lambda: MADE + age * DAY)
    assert found == (value if MADE + age * DAY - 31 * DAY <= MADE else None)


@given(secrets, names, values, versions, st.data())
def test_no_change_is_unnoticed(secret: bytes, name: str, value: bytes, version: int, data: st.DataObject) -> None:
    """Some octets replaced, inserted or left out."""
    signed = _made(secret, name, value, version)
    start = data.draw(st.integers(0, len(signed)))
    end = data.draw(st.integers(start, min(len(signed), start + 4)))
    forged = signed[:start] + data.draw(st.binary(max_size=4)) + signed[end:]
    found = decode_signed_value(secret, name, forged, clock=lambda: MADE)
    assert found is None or forged == signed


@given(names, values, versions, st.lists(secrets, min_size=2, max_size=2, unique=True))
def test_another_key_made_it(name: str, value: bytes, version: int, keys: list[bytes]) -> None:
    """It is no value then. (Keys that differ in zeros at their end only are the same to HMAC.)"""
    ours, theirs = keys
    if ours.rstrip(b"\0") != theirs.rstrip(b"\0"):
        assert decode_signed_value(ours, name, _made(theirs, name, value, version), clock=lambda: MADE) is None


@given(secrets, values, versions, st.lists(names, min_size=2, max_size=2, unique=True))
def test_it_is_for_one_name(secret: bytes, value: bytes, version: int, both: list[str]) -> None:
    """In version 1 a name may swallow the beginning of a value only where both are cookies of ours, so not here."""
    first, second = both
    found = decode_signed_value(secret, second, _made(secret, first, value, version), clock=lambda: MADE)
    assert found is None


@given(st.binary(max_size=200) | st.text(max_size=200), versions)
def test_what_anybody_sends_is_no_value_and_no_error(sent: bytes | str, min_version: int) -> None:
    """Whatever it is."""
    assert decode_signed_value("secret", "name", sent, min_version=min_version, clock=lambda: MADE) is None
    get_signature_key_version(sent)


@given(st.dictionaries(st.integers(0, 99), secrets, min_size=1, max_size=5), names, values, st.data())
def test_keys_are_replaced(keys: dict[int, bytes], name: str, value: bytes, data: st.DataObject) -> None:
    """A value is good as long as the key that it names is there, and is what it was."""
    version = data.draw(st.sampled_from(sorted(keys)))
    signed = create_signed_value(keys, name, value, clock=lambda: MADE, key_version=version)
    assert get_signature_key_version(signed) == version
    assert decode_signed_value(keys, name, signed, clock=lambda: MADE) == value
    assert decode_signed_value(keys[version], name, signed, clock=lambda: MADE) == value
    rest = {number: key for number, key in keys.items() if number != version}
    assert decode_signed_value(rest, name, signed, clock=lambda: MADE) is None


def test_an_empty_key_is_refused() -> None:
    """Everybody has it."""
    with pytest.raises(ValueError, match="key"):
        create_signed_value("", "name", "value")
