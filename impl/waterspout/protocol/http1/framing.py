"""Where a message's body ends: the decision table of RFC 9112 section 6.3, for both directions.

Two steps. What the head *declares* (Content-Length, Transfer-Encoding) is checked and read first, with the
strict answer wherever the RFC leaves a choice: a message that two parsers could frame in two ways is refused.
Then the *body* follows from the declaration and, for a response, from the status and from the request's
method.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from enum import Enum
from functools import lru_cache

from waterspout.protocol.http1.errors import PeerError
from waterspout.protocol.http1.grammar import OWS, content_length, transfer_coding

#: More digits than this declare more than any file system holds, and ``int`` refuses thousands of them.
MAX_DIGITS = 18

#: Field values below this length are worth remembering.
_SHORT = 64

#: Fields that would change the framing or the routing if a trailer were merged (RFC 9110 section 6.5.1).
NEVER_TRAILERS = frozenset({"content-length", "transfer-encoding", "host", "connection", "trailer"})

#: What a recipient must know before the content, and a sender therefore does not put behind it (same section).
NEVER_SENT_AS_TRAILERS = NEVER_TRAILERS | {
    "authorization",
    "cache-control",
    "content-encoding",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "set-cookie",
    "te",
    "upgrade",
    "www-authenticate",
}


class Body(Enum):
    """How the end of a body is found."""

    NONE = "no body"
    LENGTH = "Content-Length"
    CHUNKED = "chunked"
    UNTIL_CLOSE = "until the connection closes"
    TUNNEL = "no longer HTTP"


#: What a head says about its body: a length, if any, and whether it is chunked.
Declared = tuple[int | None, bool]

NOTHING_DECLARED: Declared = (None, False)


def note(governing: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Collect the values of fields by lower-case name.

    They are what ``governing_field.findall`` picks out of a head, with its start line; the head's grammar must have
    been checked.
    """
    noted: dict[str, list[str]] = {}
    for name, value in governing:
        noted.setdefault(name.lower(), []).append(value)
    return noted


def list_elements(values: Sequence[str]) -> list[str]:
    """Split comma-separated field values into their non-empty elements (RFC 9110 section 5.6.1.2)."""
    elements = (element.strip(OWS) for value in values for element in value.split(","))
    return [element for element in elements if element]


def tokens(values: Sequence[str]) -> Set[str]:
    """The elements of a list of case-insensitive tokens, in lower case."""
    if len(values) == 1 and len(values[0]) < _SHORT:
        return _tokens_of_short(values[0])
    return frozenset(element.lower() for element in list_elements(values))


@lru_cache(maxsize=256)
def _tokens_of_short(value: str) -> Set[str]:
    # Almost every peer says one of a few things; only short values are kept, since it is the peer who chooses
    # them.
    return frozenset(element.lower() for element in list_elements([value]))


def declared(noted: Mapping[str, list[str]], version: str) -> Declared:
    """Read Content-Length and Transfer-Encoding out of the fields in ``noted`` (lower-case name to values).

    Raises `PeerError` for anything but one unambiguous declaration.
    """
    codings = noted.get("transfer-encoding")
    if codings is None:
        return (_length(noted["content-length"]), False) if "content-length" in noted else NOTHING_DECLARED
    if "content-length" in noted:
        # Section 6.3 item 3: possibly smuggling, "ought to be handled as an error".
        raise PeerError(400, "both Content-Length and Transfer-Encoding are present")
    if version == "HTTP/1.0":
        raise PeerError(400, "Transfer-Encoding in an HTTP/1.0 message")  # section 6.1: framing is faulty
    _check_codings(codings)
    return None, True


def _length(values: list[str]) -> int:
    if len(values) == 1:
        text = values[0]
        if len(text) <= MAX_DIGITS and content_length.fullmatch(text):
            return int(text)
    # Section 6.3 item 5 lets a list of equal values pass; equal means the same text, so "3, 03" does not.
    elements = {element.strip(OWS) for value in values for element in value.split(",")}
    text = elements.pop()
    if elements:
        raise PeerError(400, "conflicting values of Content-Length")
    if not content_length.fullmatch(text):
        raise PeerError(400, f"Content-Length is not a decimal number: {text[:40]!r}")
    digits = text.lstrip("0") or "0"
    if len(digits) > MAX_DIGITS:
        raise PeerError(413, f"Content-Length of {len(digits)} digits")
    return int(digits)


def _check_codings(values: list[str]) -> None:
    codings = list_elements(values)
    names = []
    for coding in codings:
        match = transfer_coding.fullmatch(coding)
        if match is None or (match[1].lower() == "chunked" and match[2]):
            raise PeerError(400, f"malformed transfer coding {coding[:40]!r}")
        names.append(match[1].lower())
    if names.count("chunked") != 1 or names[-1] != "chunked":
        # Section 6.3 item 4: without a final chunked the length of a request cannot be known, and the answer
        # is 400.
        raise PeerError(400, "chunked is not the one final transfer coding")
    if len(names) > 1:
        raise PeerError(501, f"transfer coding {names[0][:40]!r} is not supported")  # section 6.1


def of_request(length: int | None, chunked: bool) -> Body:
    """Section 6.3, items 4, 6 and 7."""
    if chunked:
        return Body.CHUNKED
    return Body.LENGTH if length else Body.NONE


def of_response(method: str, status: int, length: int | None, chunked: bool) -> Body:
    """Section 6.3, all items, in their order."""
    if status == 101 or (method == "CONNECT" and 200 <= status < 300):
        return Body.TUNNEL
    # Item 1: these end with the head, whatever their fields say.
    if method == "HEAD" or status < 200 or status == 204 or status == 304:
        return Body.NONE
    if chunked:
        return Body.CHUNKED
    if length is None:
        return Body.UNTIL_CLOSE
    return Body.LENGTH if length else Body.NONE
