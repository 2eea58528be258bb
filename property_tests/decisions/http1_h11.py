"""Predicates that recognise each listed difference to h11, from the input and both outcomes.

Each is as narrow as it can be: it wants the cause to be in the input as well as the effect in the outcomes.
What a predicate sees is the first item in which the outcomes differ; `http1_h11.toml` says why each
difference is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from property_tests.decisions.http1_divergence import HEADS, Divergence, Item

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_CONTROLS = re.compile(r"[\x01-\x08\x0e-\x1f\x7f]")


def target_octets(d: Divergence) -> bool:
    """A target with an octet that no URI has, or a fragment."""
    if not d.we_refuse("malformed request line") or d.theirs.kind != "request":
        return False
    return not re.fullmatch(r"[!\"$-~]+", d.theirs.value[1])


def target_form(d: Divergence) -> bool:
    """A target of no form, or of a form that its method does not go with."""
    if not d.we_refuse("of no known form") or d.theirs.kind != "request":
        return False
    method, target = d.theirs.value[:2]
    if target == "*":
        return bool(method != "OPTIONS")
    return not target.startswith("/") and not _SCHEME.match(target)


def connect_target(d: Divergence) -> bool:
    """CONNECT with anything but host and port."""
    return d.we_refuse("target of CONNECT") and d.theirs.kind == "request" and d.theirs.value[0] == "CONNECT"


def target_authority(d: Divergence) -> bool:
    """An absolute-form target whose authority is empty, has user information or is malformed."""
    return d.we_refuse("with a bad authority") and d.theirs.kind == "request" and bool(_SCHEME.match(d.theirs.value[1]))


def host_value(d: Divergence) -> bool:
    """One Host field that is no host and port."""
    values = d.values(b"host")
    return d.we_refuse("invalid Host") and d.theirs.kind == "request" and len(values) == 1 and values[0] != b""


def host_of_later_minor(d: Divergence) -> bool:
    """No Host field in a request of a minor version after 1.1."""
    later = re.fullmatch(r"HTTP/1\.[2-9]", d.their_version) is not None
    return d.we_refuse("no Host field") and later and not d.values(b"host")


def major_version(d: Divergence) -> bool:
    """A message of another major version."""
    return d.we_refuse("is not supported") and d.their_version[:7] not in ("", "HTTP/1.")


def later_minor(d: Divergence) -> bool:
    """A minor version after 1.1, which we read as 1.1."""
    if "version" not in d.differing or not d.only_reported_differently:
        return False
    return d.ours.value[2] == "HTTP/1.1" and re.fullmatch(r"HTTP/1\.[2-9]", d.their_version) is not None


def leading_empty_lines(d: Divergence) -> bool:
    """One to four empty lines before a request, or before the end."""
    found = re.match(rb"(?:\r\n){1,4}(?!\r?\n)", d.rest)
    return d.they_refuse and d.method == "" and found is not None and d.ours.kind in ("request", "closed")


def obs_fold(d: Divergence) -> bool:
    """A folded field line in a request's head or trailers."""
    folded = re.search(rb"\r\n[ \t]", d.rest) is not None
    refused = d.we_refuse(*(f"malformed field line {quote}{space}" for quote in "'\"" for space in (" ", "\\t")))
    return refused and folded and d.method == ""


def bare_lf_in_head(d: Divergence) -> bool:
    """A line of a head that ends with LF alone."""
    lone = re.search(rb"(?<!\r)\n", d.head) is not None
    return d.we_refuse("LF without CR in a message head") and lone and d.theirs.kind in HEADS


def bare_lf_in_trailers(d: Divergence) -> bool:
    """A line of a trailer section that ends with LF alone."""
    if not d.we_refuse("malformed field line", "ended within a chunked body"):
        return False
    return d.theirs.kind in ("end", "data") and re.search(rb"(?<!\r)\n", d.body) is not None


def control_characters(d: Divergence) -> bool:
    """A control character other than HTAB in a field value, reason phrase or trailer."""
    if not d.we_refuse("malformed field line", "malformed status line"):
        return False
    if d.theirs.kind in ("end", "data"):
        return _CONTROLS.search(d.body.decode("latin-1")) is not None
    texts = [value for _, value in d.theirs.value[3]] + [d.theirs.value[1]]
    return d.theirs.kind in HEADS and any(_CONTROLS.search(text) for text in texts)


def length_and_coding(d: Divergence) -> bool:
    """Content-Length and Transfer-Encoding in one head."""
    both = bool(d.values(b"content-length") and d.values(b"transfer-encoding"))
    return d.we_refuse("both Content-Length and Transfer-Encoding") and both and d.theirs.kind in HEADS


def coding_in_1_0(d: Divergence) -> bool:
    """Transfer-Encoding in a message of HTTP/1.0."""
    return d.we_refuse("Transfer-Encoding in an HTTP/1.0") and d.their_version == "HTTP/1.0"


def coding_list(d: Divergence) -> bool:
    """A Transfer-Encoding that is chunked and nothing else, but written with empty list elements or in
    several fields.
    """
    values = d.values(b"transfer-encoding")
    elements = [element.strip(b" \t").lower() for value in values for element in value.split(b",")]
    named = [element for element in elements if element]
    return d.they_refuse and named == [b"chunked"] and len(elements) > 1


def coding_spelling(d: Divergence) -> bool:
    """ "chunked" in other letters than small ones, which h11 rewrites."""
    capitals = any(value != value.lower() for value in d.values(b"transfer-encoding"))
    return "fields" in d.differing and d.only_reported_differently and capitals


def length_list(d: Divergence) -> bool:
    """A Content-Length that is given more than once with the same value, which h11 reduces to one."""
    elements = b",".join(d.values(b"content-length")).split(b",")
    same = {element.strip(b" \t") for element in elements}
    repeated = len(elements) > 1 and len(same) == 1
    return "fields" in d.differing and d.only_reported_differently and repeated


def length_of_19_digits(d: Divergence) -> bool:
    """A Content-Length of 19 or 20 digits that count."""
    digits = [value.lstrip(b"0") for value in d.values(b"content-length")]
    return d.we_refuse("Content-Length of") and any(len(value) in (19, 20) for value in digits)


def length_with_zeros(d: Divergence) -> bool:
    """A Content-Length of more than 20 digits of which few count."""
    values = d.values(b"content-length")
    return d.they_refuse and any(len(v) > 20 and len(v.lstrip(b"0")) <= 18 for v in values)


def expectation_without_body(d: Divergence) -> bool:
    """Expect: 100-continue in a request that has no body."""
    if d.differing != {"expects"} or d.values(b"transfer-encoding"):
        return False
    return not d.ours.value[4] and all(not value.strip(b"0, ") for value in d.values(b"content-length"))


def chunk_extension(d: Divergence) -> bool:
    """A chunk extension that is not of the grammar."""
    return d.we_refuse("malformed chunk size line") and re.search(rb"(?:^|\n)[0-9A-Fa-f]+;", d.body) is not None


def space_after_chunk_size(d: Divergence) -> bool:
    """Whitespace between a chunk size and its line end."""
    return d.we_refuse("malformed chunk size line") and re.search(rb"[0-9A-Fa-f][ \t]+\r\n", d.body) is not None


def space_before_extension(d: Divergence) -> bool:
    """Whitespace between a chunk size and the semicolon."""
    return d.they_refuse and re.search(rb"(?:^|\n)[0-9A-Fa-f]+[ \t]+;", d.body) is not None


def chunk_size_with_zeros(d: Divergence) -> bool:
    """A chunk size of more than 20 digits."""
    return d.they_refuse and re.search(rb"(?:^|\n)0+[0-9A-Fa-f]{0,15}(?<=[0-9A-Fa-f]{21})[;\r]", d.body) is not None


def framing_in_trailers(d: Divergence) -> bool:
    """A trailer that would frame or route the message."""
    field = re.search(rb"(?i)\n(?:content-length|transfer-encoding|host|connection|trailer):", d.body)
    return d.we_refuse("not allowed in a trailer section") and field is not None


def keep_alive_in_1_0(d: Divergence) -> bool:
    """Keep-alive asked for by a peer of HTTP/1.0."""
    heads = [item for item in d.before if item.kind in ("request", "response")]
    asked = any(b"keep-alive" in value.lower() for value in d.values(b"connection"))
    they_close = d.theirs.kind == "closed" or d.theirs == Item("persists", (False,))
    return d.ours.kind == "persists" and they_close and heads[-1].value[2] == "HTTP/1.0" and asked


def unasked_data(d: Divergence) -> bool:
    """Something after a response that answers no request."""
    return d.ours == Item("persists", (False,)) and d.theirs == Item("persists", (True,)) and d.method != ""


def closed_before_response(d: Divergence) -> bool:
    """A connection that ends before the first octet of a response."""
    return d.they_refuse and d.ours.kind == "closed" and d.rest == b"" and d.method != ""


def framing_without_body(d: Divergence) -> bool:
    """A senseless Content-Length or Transfer-Encoding in a response without a body by status or method."""
    framed = d.values(b"content-length") + d.values(b"transfer-encoding")
    if not d.they_refuse or not framed or d.ours.kind not in ("response", "interim"):
        return False
    status = d.ours.value[0]
    return d.method == "HEAD" or status < 200 or status in (204, 304) or (d.method == "CONNECT" and status < 300)


PREDICATES: dict[str, Callable[[Divergence], bool]] = {
    predicate.__name__: predicate
    for predicate in (
        target_octets,
        target_form,
        connect_target,
        target_authority,
        host_value,
        host_of_later_minor,
        major_version,
        later_minor,
        leading_empty_lines,
        obs_fold,
        bare_lf_in_head,
        bare_lf_in_trailers,
        control_characters,
        length_and_coding,
        coding_in_1_0,
        coding_list,
        coding_spelling,
        length_list,
        length_of_19_digits,
        length_with_zeros,
        expectation_without_body,
        chunk_extension,
        space_after_chunk_size,
        space_before_extension,
        chunk_size_with_zeros,
        framing_in_trailers,
        keep_alive_in_1_0,
        unasked_data,
        closed_before_response,
        framing_without_body,
    )
}
