"""The framing layer of the WebSocket core: headers, lengths, masking, UTF-8 in pieces."""

from __future__ import annotations

import itertools

import pytest

from waterspout.protocol.websocket.errors import ProtocolViolation
from waterspout.protocol.websocket.frames import (
    BINARY,
    PING,
    RSV1,
    RSV2,
    TEXT,
    apply_mask,
    build_frame_header,
    parse_header,
    rotate_key,
)
from waterspout.protocol.websocket.utf8 import Utf8Validator

KEY = b"\x01\x80\xff\x7e"

LENGTHS = {0: 2, 1: 2, 125: 2, 126: 4, 127: 4, 65535: 4, 65536: 10, (1 << 63) - 1: 10}


@pytest.mark.parametrize(("length", "octets"), LENGTHS.items())
@pytest.mark.parametrize("masked", [False, True])
def test_a_length_is_written_in_its_shortest_form_and_read_back(length: int, octets: int, masked: bool) -> None:
    """Section 5.2: 7, 7+16 or 7+64 bits, whichever suffices."""
    written = build_frame_header(BINARY, length, masked)
    header = parse_header(written + (KEY if masked else b""), 0, masked)
    assert len(written) == octets
    assert header == (True, 0, BINARY, length, KEY if masked else b"", octets + 4 * masked)


def test_a_header_is_read_where_it_starts() -> None:
    """The index is honoured, and the payload's index counts from the start of the data."""
    header = parse_header(b"???" + build_frame_header(TEXT, 5, False, fin=False) + b"Hello", 3, False)
    assert header == (False, 0, TEXT, 5, b"", 5)


@pytest.mark.parametrize("length", [5, 200, 70000])
@pytest.mark.parametrize("masked", [False, True])
def test_every_proper_prefix_of_a_header_asks_for_more(length: int, masked: bool) -> None:
    """No header is guessed from a part of it."""
    whole = build_frame_header(TEXT, length, masked) + (KEY if masked else b"")
    assert [parse_header(whole[:size], 0, masked) for size in range(len(whole))] == [None] * len(whole)


BAD_HEADERS = {
    "opcode 3": (b"\x83\x00", "reserved opcode 0x3"),
    "opcode 7": (b"\x87\x00", "reserved opcode 0x7"),
    "opcode 11": (b"\x8b\x00", "reserved opcode 0xb"),
    "opcode 15": (b"\x8f\x00", "reserved opcode 0xf"),
    "rsv1": (b"\xc1\x00", "reserved bit"),
    "rsv2": (b"\xa1\x00", "reserved bit"),
    "rsv3": (b"\x90\x00", "reserved bit"),
    "rsv1 on ping": (b"\xc9\x00", "reserved bit"),
    "fragmented close": (b"\x08\x00", "fragmented control frame"),
    "fragmented ping": (b"\x09\x00", "fragmented control frame"),
    "long ping": (b"\x89\x7e", "more than 125"),
    "long close": (b"\x88\x7f", "more than 125"),
    "masked": (b"\x81\x80", "masked frame from a server"),
    "two octets for 125": (b"\x81\x7e\x00\x7d", "shortest"),
    "eight octets for 65535": (b"\x81\x7f" + (65535).to_bytes(8, "big"), "shortest"),
    "eight octets for 0": (b"\x81\x7f" + bytes(8), "shortest"),
    "highest bit": (b"\x81\x7f\x80" + bytes(7), "highest bit"),
}


@pytest.mark.parametrize(("octets", "reason"), BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_a_bad_header_is_refused_with_1002(octets: bytes, reason: str) -> None:
    """Sections 5.1, 5.2 and 5.5, as soon as the octets that decide it are there."""
    with pytest.raises(ProtocolViolation, match=reason) as caught:
        parse_header(octets, 0, False)
    assert caught.value.code == 1002


def test_an_unmasked_frame_from_a_client_is_refused() -> None:
    """Section 5.1."""
    with pytest.raises(ProtocolViolation, match="unmasked frame from a client"):
        parse_header(b"\x81\x00", 0, True)


def test_a_negotiated_reserved_bit_passes_on_the_first_frame_of_a_message_only() -> None:
    """The seam for extensions: other bits, continuations and control frames stay forbidden."""
    header = parse_header(b"\xc1\x00", 0, False, RSV1)
    assert header is not None
    assert header.reserved == RSV1
    for octets in (b"\xa1\x00", b"\xc0\x00", bytes((0x80 | RSV1 | PING, 0))):
        with pytest.raises(ProtocolViolation, match="reserved bit"):
            parse_header(octets, 0, False, RSV1)
    assert parse_header(b"\xa1\x00", 0, False, RSV1 | RSV2) is not None


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 63, 1022, 1023, 1024, 1025, 1026, 1027, 5000])
def test_masking_is_the_xor_with_the_repeated_key(size: int) -> None:
    """Section 5.3, on both sides of the size from which tables are used."""
    data = bytes(index * 7 % 256 for index in range(size))
    expected = bytes(octet ^ KEY[index % 4] for index, octet in enumerate(data))
    assert apply_mask(data, KEY) == expected
    assert apply_mask(expected, KEY) == data


def test_unmasking_continues_in_the_middle_of_a_payload() -> None:
    """A rotated key takes up where a piece ended, for every offset."""
    data = bytes(range(50))
    for cut in range(50):
        rest = apply_mask(data[cut:], rotate_key(KEY, cut))
        assert apply_mask(data[:cut], KEY) + rest == apply_mask(data, KEY)


# RFC 3629 section 4: the ranges of the octets of each kind of character.
TAIL = (0x80, 0xBF)
CHARACTERS = [
    [(0x00, 0x7F)],
    [(0xC2, 0xDF), TAIL],
    [(0xE0, 0xE0), (0xA0, 0xBF), TAIL],
    [(0xE1, 0xEC), TAIL, TAIL],
    [(0xED, 0xED), (0x80, 0x9F), TAIL],
    [(0xEE, 0xEF), TAIL, TAIL],
    [(0xF0, 0xF0), (0x90, 0xBF), TAIL, TAIL],
    [(0xF1, 0xF3), TAIL, TAIL, TAIL],
    [(0xF4, 0xF4), (0x80, 0x8F), TAIL, TAIL],
]


def repairable(octets: bytes) -> bool:
    """Whether octets are the beginning of UTF-8, by the grammar."""
    if not octets:
        return True
    for ranges in CHARACTERS:
        head = octets[: len(ranges)]
        if all(low <= octet <= high for octet, (low, high) in zip(head, ranges, strict=False)):
            return repairable(octets[len(ranges) :])
    return False


EDGES = (0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xF5, 0xFF)


@pytest.mark.parametrize("together", [True, False], ids=["in one piece", "octet by octet"])
def test_utf8_fails_at_the_first_octet_that_cannot_be_repaired(together: bool) -> None:
    """Section 8.1: all pairs of octets, and all that the borders of the ranges form up to four."""
    pairs = itertools.product(range(256), repeat=2)
    edges = itertools.chain.from_iterable(itertools.product(EDGES, repeat=size) for size in (3, 4))
    for sample in map(bytes, itertools.chain(pairs, edges)):
        validator = Utf8Validator()
        try:
            for piece in [sample] if together else [bytes((octet,)) for octet in sample]:
                validator.check(piece)
            accepted = True
        except UnicodeDecodeError:
            accepted = False
        assert accepted is repairable(sample), sample


def test_utf8_may_end_between_characters_only() -> None:
    """An unfinished character is valid so far, and not complete."""
    validator = Utf8Validator()
    seen = []
    for octet in "a€".encode():
        validator.check(bytes((octet,)))
        seen.append(validator.complete)
    assert seen == [True, False, False, True]
