"""The suite's own permessage-deflate: answers that do not fit an offer are seen, and references beyond the window."""

from __future__ import annotations

import random
import zlib

import pytest

from conformance.wire.deflate import TAIL, Broken, Compression, Inflation, Parameters, agreed, answer_faults, fragments

NAME = "permessage-deflate"


def payload(content: bytes, bits: int, stream: zlib._Compress | None = None) -> bytes:
    stream = stream or zlib.compressobj(6, zlib.DEFLATED, -bits)
    return (stream.compress(content) + stream.flush(zlib.Z_SYNC_FLUSH))[: -len(TAIL)]


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("", ""),
        ("; client_max_window_bits", "; client_max_window_bits=9"),
        ("; server_max_window_bits=10", "; server_max_window_bits=9"),
        ("; server_no_context_takeover", "; server_no_context_takeover; client_no_context_takeover"),
        (f"; server_max_window_bits=8, {NAME}", ""),
    ],
)
def test_answers_that_fit_an_offer_pass(offer: str, answer: str) -> None:
    assert answer_faults([NAME + offer], [NAME + answer]) == []


@pytest.mark.parametrize(
    ("offer", "answer", "word"),
    [
        ("", "; client_max_window_bits=9", "without it"),
        ("; client_max_window_bits", "; client_max_window_bits", "not a number"),
        ("; server_max_window_bits=10", "", "the answer says nothing"),
        ("; server_max_window_bits=10", "; server_max_window_bits=11", "the answer says 11"),
        ("; server_no_context_takeover", "", "leaves it out"),
        ("", "; server_no_context_takeover=1", "has a value"),
        ("", "; server_max_window_bits=08", "not a number"),
        ("", "; x", "does not exist"),
        ("", "; server_no_context_takeover; server_no_context_takeover", "twice"),
        ("", f", {NAME}", "more than once"),
    ],
)
def test_answers_that_do_not_fit_are_named(offer: str, answer: str, word: str) -> None:
    faults = answer_faults([NAME + offer], [NAME + answer])
    assert len(faults) == 1
    assert word in faults[0]


@pytest.mark.parametrize("bits", [8, 9, 10, 12])
def test_a_reference_beyond_the_agreed_window_is_seen(bits: int) -> None:
    block = random.Random(bits).randbytes((1 << bits) + 40)
    window: Parameters = {"server_max_window_bits": str(bits)}
    assert Inflation(window).message(payload(block * 2, max(bits, 9))) == block * 2
    with pytest.raises(Broken, match=f"a window of {1 << bits} bytes"):
        Inflation(window).message(payload(block * 2, 15))


def test_a_reference_to_another_message_is_seen_where_the_server_must_forget() -> None:
    stream, content = zlib.compressobj(6, zlib.DEFLATED, -15), random.Random(1).randbytes(200)
    first, second = payload(content, 15, stream), payload(content, 15, stream)
    keeping, forgetting = Inflation({}), Inflation({"server_no_context_takeover": None})
    assert [keeping.message(first), keeping.message(second)] == [content] * 2
    assert forgetting.message(first) == content
    with pytest.raises(Broken, match="new for each message"):
        forgetting.message(second)


@pytest.mark.parametrize("data", [b"", b"\x06", b"\xff\xff", bytes.fromhex("f248cdc9")])
def test_broken_and_cut_data_is_seen(data: bytes) -> None:
    with pytest.raises(Broken):
        Inflation({}).message(data)


def test_messages_and_fragments() -> None:
    codec, inflation = Compression(), Inflation({})
    for content in ("", "a" * 1000, "ż"):
        frames = fragments(codec.payload(content), [1, 0])
        assert [one.rsv for one in frames] == [4, 0, 0]
        assert inflation.message(b"".join(one.payload for one in frames)) == content.encode()


def test_the_agreement_is_read() -> None:
    assert agreed([f'x-other, {NAME}; a="1"; b']) == {"a": "1", "b": None}
    assert agreed(["x-other"]) is None
