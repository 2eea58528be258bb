"""The parameters of permessage-deflate: offers, answers and what they agree on (RFC 7692 sections 5 and 7.1).

A client offers, the server takes the first offer that it can serve and says what became of each request in it, and
the client checks that the answer fits what it offered. ``server_`` parameters are about what the server compresses,
``client_`` ones about what the client does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from waterspout.protocol.websocket.deflate import DEFAULT_LEVEL, DEFAULT_MEM_LEVEL, Deflater, Inflater
from waterspout.protocol.websocket.extensions import Extension

NAME: Final = "permessage-deflate"
MAX_BITS: Final = 15
MIN_BITS: Final = 8

_SERVER_NO_TAKEOVER, _CLIENT_NO_TAKEOVER = "server_no_context_takeover", "client_no_context_takeover"
_SERVER_BITS, _CLIENT_BITS = "server_max_window_bits", "client_max_window_bits"

# No leading zero (section 7.1.2.1).
_bits = re.compile(r"[89]|1[0-5]")


@dataclass(frozen=True, slots=True)
class Parameters:
    """What both sides agreed on: whose window is not kept between messages, and how large each may be (2 ** bits)."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = MAX_BITS
    client_max_window_bits: int = MAX_BITS


@dataclass(frozen=True, slots=True)
class DeflateOptions:
    """What one side wants: the effort of its compressor, and the parameters to ask for.

    ``compression_level`` is zlib's, 0 to 9 or -1; ``mem_level`` 1 to 9; window bits 8 to 15. Raises ``ValueError``
    for other values.
    """

    compression_level: int = DEFAULT_LEVEL
    mem_level: int = DEFAULT_MEM_LEVEL
    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = MAX_BITS
    client_max_window_bits: int = MAX_BITS

    def __post_init__(self) -> None:
        bounds = {
            "compression_level": (-1, 9),
            "mem_level": (1, 9),
            _SERVER_BITS: (MIN_BITS, MAX_BITS),
            _CLIENT_BITS: (MIN_BITS, MAX_BITS),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f"{name} is a number from {low} to {high}, not {value!r}")


def make_offer(options: DeflateOptions) -> Extension:
    """The element that offers compression to a server (section 7.1).

    It always says that the client can limit its own window, and asks for no more than ``options`` do.
    """
    parameters: list[tuple[str, str | None]] = []
    if options.server_no_context_takeover:
        parameters.append((_SERVER_NO_TAKEOVER, None))
    if options.client_no_context_takeover:
        parameters.append((_CLIENT_NO_TAKEOVER, None))
    if options.server_max_window_bits < MAX_BITS:
        parameters.append((_SERVER_BITS, str(options.server_max_window_bits)))
    client_bits = options.client_max_window_bits
    parameters.append((_CLIENT_BITS, str(client_bits) if client_bits < MAX_BITS else None))
    return Extension(NAME, parameters)


def answer_offers(offers: Iterable[Extension], options: DeflateOptions) -> tuple[Extension, Parameters] | None:
    """The element that accepts the first acceptable offer, and the parameters agreed on; None declines all of them.

    An offer with an unknown, repeated or invalid parameter is declined, and the next one looked at (section 7).
    """
    for offer in offers:
        if offer.name != NAME:
            continue
        try:
            asked = _read(offer, client_bits_may_be_bare=True)
        except ValueError:
            continue
        agreed = Parameters(
            _SERVER_NO_TAKEOVER in asked or options.server_no_context_takeover,
            _CLIENT_NO_TAKEOVER in asked or options.client_no_context_takeover,
            min(asked.get(_SERVER_BITS) or MAX_BITS, options.server_max_window_bits),
            # A client that does not know the parameter cannot be limited (section 7.1.2.2).
            min(asked[_CLIENT_BITS] or MAX_BITS, options.client_max_window_bits) if _CLIENT_BITS in asked else MAX_BITS,
        )
        return Extension(NAME, _answer(asked, agreed)), agreed
    return None


def _answer(asked: dict[str, int | None], agreed: Parameters) -> list[tuple[str, str | None]]:
    parameters: list[tuple[str, str | None]] = []
    if agreed.server_no_context_takeover:
        parameters.append((_SERVER_NO_TAKEOVER, None))
    if agreed.client_no_context_takeover:
        parameters.append((_CLIENT_NO_TAKEOVER, None))
    if _SERVER_BITS in asked or agreed.server_max_window_bits < MAX_BITS:
        parameters.append((_SERVER_BITS, str(agreed.server_max_window_bits)))
    if asked.get(_CLIENT_BITS) or agreed.client_max_window_bits < MAX_BITS:
        parameters.append((_CLIENT_BITS, str(agreed.client_max_window_bits)))
    return parameters


def check_answer(answer: Extension, options: DeflateOptions) -> Parameters:
    """The parameters that a server agreed to when `make_offer` had made an offer of ``options``.

    Raises ``ValueError`` with a sentence where the client must fail the connection (section 7): for an unknown,
    repeated or invalid parameter, and when a request of the offer was left out or exceeded.
    """
    agreed = _read(answer, client_bits_may_be_bare=False)
    server_bits = agreed.get(_SERVER_BITS) or MAX_BITS
    if server_bits > options.server_max_window_bits:
        raise ValueError("the server did not agree to limit its window as it was asked to")
    if options.server_no_context_takeover and _SERVER_NO_TAKEOVER not in agreed:
        raise ValueError("the server did not agree to forget its window between messages")
    client_bits = min(agreed.get(_CLIENT_BITS) or MAX_BITS, options.client_max_window_bits)
    no_takeover = _CLIENT_NO_TAKEOVER in agreed or options.client_no_context_takeover
    return Parameters(_SERVER_NO_TAKEOVER in agreed, no_takeover, server_bits, client_bits)


def _read(extension: Extension, client_bits_may_be_bare: bool) -> dict[str, int | None]:
    """The parameters by name, window bits as numbers; raises ``ValueError`` as section 7 wants it."""
    found: dict[str, int | None] = {}
    for name, value in extension.parameters:
        if name in found:
            raise ValueError(f"{NAME} has {name} twice")
        if name in (_SERVER_NO_TAKEOVER, _CLIENT_NO_TAKEOVER):
            if value is not None:
                raise ValueError(f"{name} takes no value")
            found[name] = None
        elif name in (_SERVER_BITS, _CLIENT_BITS):
            bare = value is None and name == _CLIENT_BITS and client_bits_may_be_bare
            if not bare and not _bits.fullmatch(value or ""):
                raise ValueError(f"{name} takes a number from {MIN_BITS} to {MAX_BITS}")
            found[name] = None if value is None else int(value)
        else:
            raise ValueError(f"{NAME} has no parameter {name}")
    return found


def make_codecs(agreed: Parameters, options: DeflateOptions, for_server: bool) -> tuple[Deflater, Inflater]:
    """The compressor and the decompressor of one side of a connection."""
    server = (agreed.server_max_window_bits, not agreed.server_no_context_takeover)
    client = (agreed.client_max_window_bits, not agreed.client_no_context_takeover)
    ours, theirs = (server, client) if for_server else (client, server)
    return Deflater(*ours, options.compression_level, options.mem_level), Inflater(*theirs)
