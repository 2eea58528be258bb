"""From the text of a head to an event (RFC 9112 sections 2 to 6; RFC 9110 sections 7.2 and 10.1.1).

A head is matched whole, once; its fields are then picked out, and the few that govern the connection are
looked at. Each parser returns None when the text is not of the grammar (the caller finds out where) and
raises `PeerError` when it is, but breaks a rule.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Set as AbstractSet
from functools import lru_cache

from waterspout.protocol.http1 import framing
from waterspout.protocol.http1.errors import PeerError
from waterspout.protocol.http1.events import Fields, InformationalResponse, Request, Response
from waterspout.protocol.http1.grammar import (
    absolute_form,
    field_lines,
    field_parts,
    governing_field,
    host,
    obs_fold,
    request_head,
    request_line,
    response_head,
    status_line,
)
from waterspout.protocol.http1.limits import Limits


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "...")


def _fields(text: str, limits: Limits) -> Fields:
    found = field_parts.findall(text)
    if len(found) > limits.fields:
        raise PeerError(431, f"more than {limits.fields} field lines")
    return found


def keep_alive(version: str, options: AbstractSet[str]) -> bool:
    # RFC 9112 section 9.3; "close" wins wherever it stands in the list.
    if "close" in options:
        return False
    return version == "HTTP/1.1" or "keep-alive" in options


def parse_request(text: str, limits: Limits) -> Request | None:
    """Parse a request's head, which ends with its empty line."""
    match = request_head.fullmatch(text)
    if match is None:
        return None
    method, target, digits, lines = match.groups()
    if match.end(3) > limits.start_line:
        raise PeerError(414, f"start line longer than {limits.start_line} octets")
    version = "HTTP/1.1" if digits == "1.1" else _version(digits)
    authority = None if target[0] == "/" and method != "CONNECT" else _target_authority(method, target)
    headers = _fields(lines, limits)
    governing = tuple(governing_field.findall(text))
    meaning = _remembered_meaning if len(text) < _SHORT else _meaning
    request = Request(method, target, headers, version, *meaning(version, governing))
    if authority is not None:
        # Section 3.2.2: the target's authority replaces whatever the Host field says.
        request.authority = authority
    return request


#: A head below this length is worth remembering.
_SHORT = 4096
# The derived fields of `Request`, in their order.
_Meaning = tuple[bool, int | None, bool, bool, str | None, str | None]


def _meaning(version: str, governing: tuple[tuple[str, str], ...]) -> _Meaning:
    """What the governing fields of a request say: a function of nothing else, and most requests say the same."""
    noted = framing.note(governing)
    length, chunked = framing.declared(noted, version)
    authority = _host(noted.get("host"), version)
    options = framing.tokens(noted.get("connection", ()))
    persistent = keep_alive(version, options)
    if version == "HTTP/1.0":
        # RFC 9110 sections 7.8 and 10.1.1: Upgrade and Expect of a 1.0 client are ignored
        return persistent, length, chunked, False, None, authority
    upgrade = ", ".join(noted["upgrade"]) if "upgrade" in options and "upgrade" in noted else None
    expects = bool(length or chunked) and "100-continue" in framing.tokens(noted.get("expect", ()))
    return persistent, length, chunked, expects, upgrade, authority


# Bounded in number here and in size by who calls it, since it is the peers who choose what is kept.
_remembered_meaning = lru_cache(maxsize=512)(_meaning)


def _version(digits: str) -> str:
    if digits[0] != "1":
        raise PeerError(505, f"HTTP/{digits} is not supported")
    return "HTTP/1.0" if digits == "1.0" else "HTTP/1.1"


def check_request_line(line: str) -> None:
    """Check a request line (with its line end) alone, before the rest of the head has come."""
    match = request_line.fullmatch(line)
    if match is None:
        raise PeerError(400, f"malformed request line {_shown(line[:-2])}")
    method, target, digits = match.groups()
    _version(digits)
    _target_authority(method, target)


def _target_authority(method: str, target: str) -> str | None:
    """Check that the target is of the form that the method calls for (section 3.2); return the authority it
    names.
    """
    if method == "CONNECT":
        match = host.fullmatch(target)
        if match is None or not match[2] or not _literal_is_valid(match[1]):
            raise PeerError(400, f"the target of CONNECT is not host:port: {_shown(target)}")
        return target
    if target[0] == "/" or (target == "*" and method == "OPTIONS"):
        return None
    match = absolute_form.fullmatch(target)
    if match is None:
        raise PeerError(400, f"request target of no known form: {_shown(target)}")
    authority = match[1]
    # An empty host and user information are refused by RFC 9110 sections 4.2.1 and 4.2.4; the host's grammar
    # has neither.
    found = host.fullmatch(authority)
    if found is None or not _literal_is_valid(found[1]):
        raise PeerError(400, f"request target with a bad authority: {_shown(target)}")
    return authority


def _literal_is_valid(literal: str | None) -> bool:
    """Whether what stands in brackets is an IPv6 address or of a future version; true when there are no
    brackets.
    """
    if literal is None or literal[0] in "vV":
        return True
    try:
        ipaddress.IPv6Address(literal)
    except ValueError:
        return False
    return True


def _host(values: list[str] | None, version: str) -> str | None:
    """The Host field's value, by the rules of RFC 9112 section 3.2: exactly one for 1.1, never more, and
    valid.
    """
    if values is None:
        if version == "HTTP/1.0":
            return None
        raise PeerError(400, "no Host field in an HTTP/1.1 request")
    if len(values) > 1:
        raise PeerError(400, "more than one Host field")
    value = values[0]
    if value:
        match = host.fullmatch(value)
        if match is None or (match[1] and not _literal_is_valid(match[1])):
            raise PeerError(400, f"invalid Host field {_shown(value)}")
    return value


def parse_response(text: str, limits: Limits, method: str) -> Response | InformationalResponse | None:
    """Parse a response's head, with its empty line. ``method`` is that of the request it answers."""
    match = response_head.fullmatch(text)
    if match is None:
        # RFC 9112 section 5.2: a user agent replaces folds by spaces, where a server refuses them.
        start = text.find("\r\n") + 2
        if text[start : start + 1] in ("", " ", "\t"):
            return None
        text = text[:start] + obs_fold.sub(" ", text[start:])
        match = response_head.fullmatch(text)
        if match is None:
            return None
    digits, code, reason, lines = match.groups()
    if match.start(4) - 2 > limits.start_line:
        raise PeerError(400, f"start line longer than {limits.start_line} octets")
    version, status = _version(digits), _status(code)
    headers = _fields(lines, limits)
    if 100 <= status < 200:
        return InformationalResponse(status, reason or "", headers, version)
    noted = framing.note(governing_field.findall(text))
    if framing.of_response(method, status, None, False) is framing.Body.UNTIL_CLOSE:
        length, chunked = framing.declared(noted, version)
    else:
        length, chunked = _declared_without_body(noted, version)
    persistent = keep_alive(version, framing.tokens(noted.get("connection", ())))
    return Response(status, reason or "", headers, version, persistent, length, chunked)


def _declared_without_body(noted: dict[str, list[str]], version: str) -> framing.Declared:
    """What a response without a body says its body would have been; a senseless declaration harms nobody
    here.
    """
    try:
        return framing.declared(noted, version)
    except PeerError:
        return framing.NOTHING_DECLARED


def _status(code: str) -> int:
    status = int(code)
    if status < 100:
        raise PeerError(400, f"status code {code} is below 100")  # RFC 9110 section 15
    return status


def check_status_line(line: str) -> None:
    """Check a status line (with its line end) alone, before the rest of the head has come."""
    match = status_line.fullmatch(line)
    if match is None:
        raise PeerError(400, f"malformed status line {_shown(line[:-2])}")
    _version(match[1])
    _status(match[2])


def bad_field(text: str) -> PeerError:
    """Say which of the field lines in ``text`` (ends included) is not of the grammar."""
    matched = field_lines.match(text)
    rest = text[matched.end() :] if matched else text
    line = rest.split("\r\n", 1)[0]
    return PeerError(400, f"malformed field line {_shown(line)}")


def parse_trailers(text: str, limits: Limits, *, folds: bool) -> Fields:
    """Parse a trailer section without its empty line (RFC 9112 section 7.1.2).

    ``folds`` says whether folded lines are put together, as user agents must.
    """
    if folds:
        text = obs_fold.sub(" ", text)
    if not field_lines.fullmatch(text):
        raise bad_field(text)
    trailers = _fields(text, limits)
    for name, _ in trailers:
        if name.lower() in framing.NEVER_TRAILERS:
            raise PeerError(400, f"{name} is not allowed in a trailer section")
    return trailers
