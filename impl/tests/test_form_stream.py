"""Forms in pieces: nothing is kept that need not be, and time is linear however the body is cut."""

from __future__ import annotations

import pytest
from _scaling import assert_linear

from waterspout.protocol.form_stream import FormStream, PartBegins, PartContent, PartEnds
from waterspout.protocol.messages import HTTPInputError

HEAD = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'


def _stream() -> FormStream:
    return FormStream(b"b", 10240)


def _feed(body: bytes, size: int) -> FormStream:
    stream = _stream()
    for start in range(0, len(body), size):
        stream.feed(body[start : start + size])
    return stream


@pytest.mark.parametrize(
    "filler", [b"x", b"\r", b"\r\n", b"\r\n--", b"\r\n--bx", b"\r\n--b x", b"\r\n--b-", b"-", b"\r\n--b" + b" " * 2000]
)
@pytest.mark.parametrize("size", [1, 4096])
def test_time_is_linear(filler: bytes, size: int) -> None:
    """For content that looks like delimiters, octet by octet as well."""
    assert_linear(lambda count: _feed(HEAD + filler * (count // len(filler)), size), 5_000, 50_000)


def test_content_is_told_as_it_comes() -> None:
    """All but what may begin a delimiter."""
    stream = _stream()
    begins, content = stream.feed(HEAD + b"abc\r\n--")
    assert (begins, content) == (PartBegins("a", None, ""), PartContent(b"abc"))
    assert stream.feed(b"x") == [PartContent(b"\r\n--x")]
    (ends,) = stream.feed(b"\r\n--b--")
    assert (type(ends), stream.complete, stream.feed(b"more")) == (PartEnds, True, [])


def test_a_head_without_end_is_refused_early() -> None:
    """When it is larger than allowed, not when it ends."""
    with pytest.raises(HTTPInputError, match="larger than 10240"):
        _feed(b"--b\r\n" + b"X: " + b"x" * 10300, 100)


def test_what_stands_before_the_form_is_dropped() -> None:
    """It takes no memory."""
    stream = _feed(b"x" * 1_000_000, 65536)
    assert not stream.complete
    assert len(stream._buffer) < 10
