"""The parameters of permessage-deflate, offered, answered and checked (RFC 7692 section 7.1)."""

from __future__ import annotations

import pytest

from waterspout.protocol.websocket import DeflateOptions, Parameters, answer_offers, check_answer, make_offer
from waterspout.protocol.websocket.extensions import parse_extensions

SMALL = DeflateOptions(server_max_window_bits=10, client_max_window_bits=11)
FORGETFUL = DeflateOptions(server_no_context_takeover=True, client_no_context_takeover=True)

NAME = "permessage-deflate"
ANSWERS = [
    # offer, the server's options, answer, what is agreed on
    ("", DeflateOptions(), "", Parameters()),
    ("; client_max_window_bits", DeflateOptions(), "", Parameters()),
    (
        "; client_max_window_bits=10",
        DeflateOptions(),
        "; client_max_window_bits=10",
        Parameters(client_max_window_bits=10),
    ),
    (
        '; client_max_window_bits="8"',
        DeflateOptions(),
        "; client_max_window_bits=8",
        Parameters(client_max_window_bits=8),
    ),
    ("; client_max_window_bits=15", DeflateOptions(), "; client_max_window_bits=15", Parameters()),
    (
        "; server_max_window_bits=8",
        DeflateOptions(),
        "; server_max_window_bits=8",
        Parameters(server_max_window_bits=8),
    ),
    ("; server_max_window_bits=15", DeflateOptions(), "; server_max_window_bits=15", Parameters()),
    (
        "; server_no_context_takeover",
        DeflateOptions(),
        "; server_no_context_takeover",
        Parameters(server_no_context_takeover=True),
    ),
    (
        "; client_no_context_takeover",
        DeflateOptions(),
        "; client_no_context_takeover",
        Parameters(client_no_context_takeover=True),
    ),
    ("", SMALL, "; server_max_window_bits=10", Parameters(server_max_window_bits=10)),
    (
        "; client_max_window_bits",
        SMALL,
        "; server_max_window_bits=10; client_max_window_bits=11",
        Parameters(server_max_window_bits=10, client_max_window_bits=11),
    ),
    (
        "; server_max_window_bits=9; client_max_window_bits=12",
        SMALL,
        "; server_max_window_bits=9; client_max_window_bits=11",
        Parameters(server_max_window_bits=9, client_max_window_bits=11),
    ),
    ("", FORGETFUL, "; server_no_context_takeover; client_no_context_takeover", Parameters(True, True)),
]


@pytest.mark.parametrize(("offer", "options", "answer", "agreed"), ANSWERS)
def test_the_server_answers_what_was_asked(
    offer: str, options: DeflateOptions, answer: str, agreed: Parameters
) -> None:
    """Requests are repeated or exceeded, hints used, and a client that cannot be limited is not."""
    answered = answer_offers(parse_extensions([NAME + offer]), options)
    assert answered is not None
    assert (str(answered[0]), answered[1]) == (NAME + answer, agreed)


BAD_PARAMETERS = [
    "; x",
    "; server_no_context_takeover=1",
    "; client_no_context_takeover=true",
    "; server_max_window_bits",
    "; server_max_window_bits=7",
    "; server_max_window_bits=16",
    "; server_max_window_bits=08",
    "; server_max_window_bits=1_0",
    "; client_max_window_bits=7",
    "; client_max_window_bits=16",
    "; client_max_window_bits=+9",
    "; client_max_window_bits; client_max_window_bits",
    "; server_no_context_takeover; server_no_context_takeover",
]


@pytest.mark.parametrize("parameters", BAD_PARAMETERS)
def test_a_bad_offer_is_declined_and_the_next_one_taken(parameters: str) -> None:
    """Section 7: a parameter that is unknown, invalid or repeated declines its own offer only."""
    assert answer_offers(parse_extensions([NAME + parameters]), DeflateOptions()) is None
    fallback = parse_extensions([f"x-other, {NAME}{parameters}, {NAME}; server_max_window_bits=12, {NAME}"])
    answered = answer_offers(fallback, DeflateOptions())
    assert answered is not None
    assert str(answered[0]) == f"{NAME}; server_max_window_bits=12"


@pytest.mark.parametrize("parameters", [*BAD_PARAMETERS, "; client_max_window_bits"])
def test_a_bad_answer_fails_the_connection(parameters: str) -> None:
    """Section 7; in an answer the client's window needs a number."""
    with pytest.raises(ValueError):
        check_answer(parse_extensions([NAME + parameters])[0], DeflateOptions())


def test_offers_say_what_is_wanted() -> None:
    """That the client can limit its window is always said (section 7.1.2.2)."""
    assert str(make_offer(DeflateOptions())) == f"{NAME}; client_max_window_bits"
    assert str(make_offer(SMALL)) == f"{NAME}; server_max_window_bits=10; client_max_window_bits=11"
    flags = "; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"
    assert str(make_offer(FORGETFUL)) == NAME + flags


@pytest.mark.parametrize(
    ("options", "answer"),
    [(SMALL, ""), (SMALL, "; server_max_window_bits=11"), (FORGETFUL, "; client_no_context_takeover")],
)
def test_an_answer_that_leaves_a_request_out_fails_the_connection(options: DeflateOptions, answer: str) -> None:
    """Sections 7.1.1.1 and 7.1.2.1: accepting means repeating."""
    with pytest.raises(ValueError, match="did not agree"):
        check_answer(parse_extensions([NAME + answer])[0], options)


@pytest.mark.parametrize("options", [DeflateOptions(), SMALL, FORGETFUL])
@pytest.mark.parametrize("theirs", [DeflateOptions(), SMALL, FORGETFUL])
def test_both_sides_agree(options: DeflateOptions, theirs: DeflateOptions) -> None:
    """Whatever the two want, they end with the same parameters."""
    answered = answer_offers([make_offer(options)], theirs)
    assert answered is not None
    assert check_answer(answered[0], options) == answered[1]


@pytest.mark.parametrize(
    "options",
    [{"compression_level": 10}, {"mem_level": 0}, {"server_max_window_bits": 7}, {"client_max_window_bits": "9"}],
)
def test_options_out_of_range_are_refused(options: dict[str, int]) -> None:
    """The message says what would do."""
    with pytest.raises(ValueError, match="is a number from"):
        DeflateOptions(**options)
