"""Predicates that recognise each listed difference to httptools, from the input and both outcomes.

Where a difference to h11 shows in the same way here, its predicate is taken from there. As there, each wants the
cause to be in the input as well as the effect in the outcomes; `http1_httptools.toml` says why each is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from property_tests.decisions import http1_h11
from property_tests.decisions.http1_divergence import HEADS, Divergence, Item

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FOLD = re.compile(rb"\r\n[ \t]")
#: Bad whitespace within a chunk extension.
_SPACED = re.compile(rb"(?:^|\n)[0-9A-Fa-f]+[ \t]*;[^\n]*[ \t]")


def trailing_whitespace(d: Divergence) -> bool:
    """Fields or trailers that are the same but for whitespace at the end of a value."""
    if d.ours.kind == d.theirs.kind == "end":
        ours, theirs = d.ours.value[0], d.theirs.value[0]
    elif d.differing == {"fields"}:
        ours, theirs = d.ours.value[3], d.theirs.value[3]
    else:
        return False
    return bool(ours == tuple((name, value.rstrip(" \t")) for name, value in theirs))


def later_minor_refused(d: Divergence) -> bool:
    """A minor version after 1.1."""
    later = re.search(rb"HTTP/1\.[2-9]", d.head) is not None
    return d.they_refuse and "HTTP version" in d.theirs.value[0] and later and d.ours.kind in HEADS


def http_0_9(d: Divergence) -> bool:
    """A request line without a version."""
    no_version = re.match(rb"[^\r\n]* HTTP/[0-9.]+\r?\n", d.head) is None
    return d.we_refuse("malformed request line") and d.their_version == "HTTP/0.9" and no_version


def spaces_in_request_line(d: Divergence) -> bool:
    """More than one space between method, target and version."""
    return d.we_refuse("malformed request line") and b"  " in d.head.split(b"\n")[0] and d.theirs.kind == "request"


def _hands_over(request: Item) -> bool:
    """Whether llhttp stops after the head of this request: CONNECT, or one that asks for another protocol."""
    method, fields = request.value[0], request.value[3]
    options = [
        option.strip(" \t").lower() for name, value in fields if name == "connection" for option in value.split(",")
    ]
    return method == "CONNECT" or ("upgrade" in options and any(name == "upgrade" for name, _ in fields))


def body_before_switch(d: Divergence) -> bool:
    """The body of a CONNECT or of a request with Upgrade, which llhttp takes for the new protocol's."""
    heads = [item for item in d.before if item.kind == "request"]
    if not heads or not _hands_over(heads[-1]):
        return False
    names = {name for name, _ in heads[-1].value[3]}
    framed = bool(names & {"content-length", "transfer-encoding"})
    # After an empty body the difference shows in what llhttp makes of its octets.
    after = (
        d.ours.kind in ("request", "closed", "failed") and d.before[-1].kind == "persists" and d.theirs.kind != "end"
    )
    return framed and (d.theirs.kind == "end" or after)


def host_count(d: Divergence) -> bool:
    """No Host field, or several."""
    return (
        d.we_refuse("no Host field", "more than one Host")
        and d.theirs.kind == "request"
        and len(d.values(b"host")) != 1
    )


def coding_malformed(d: Divergence) -> bool:
    """A Transfer-Encoding that is not of the grammar, or does not end with chunked."""
    refused = d.we_refuse("malformed transfer coding", "chunked is not the one final")
    return refused and bool(d.values(b"transfer-encoding")) and d.theirs.kind in HEADS


def coding_unknown(d: Divergence) -> bool:
    """A coding before chunked."""
    return d.we_refuse("is not supported") and bool(d.values(b"transfer-encoding")) and d.theirs.kind in HEADS


def length_list_refused(d: Divergence) -> bool:
    """A Content-Length that is given more than once with the same value."""
    elements = b",".join(d.values(b"content-length")).split(b",")
    same = {element.strip(b" \t") for element in elements}
    return d.they_refuse and "Content-Length" in d.theirs.value[0] and len(elements) > 1 and len(same) == 1


def extension_whitespace(d: Divergence) -> bool:
    """Whitespace around the semicolon or the equals sign of a chunk extension."""
    return d.they_refuse and "chunk" in d.theirs.value[0] and _SPACED.search(d.body) is not None


def close_beside_keep_alive(d: Divergence) -> bool:
    """Both close and keep-alive in a message of HTTP/1.0."""
    options = [option.strip(b" \t").lower() for value in d.values(b"connection") for option in value.split(b",")]
    heads = [item for item in d.before if item.kind in ("request", "response")]
    they_keep = d.theirs == Item("persists", (True,))
    we_close = d.ours.kind == "closed" or d.ours == Item("persists", (False,))
    return they_keep and we_close and heads[-1].value[2] == "HTTP/1.0" and {b"close", b"keep-alive"} <= set(options)


def line_ends_before_start(d: Divergence) -> bool:
    """More empty lines before the start line than we skip, or line ends there that are none."""
    before = d.rest[: len(d.rest) - len(d.rest.lstrip(b"\r\n"))]
    causes = ("empty lines before", "CR without LF", "LF without CR", "malformed", "ended within a message head")
    refused = d.we_refuse(*causes)
    return refused and bool(before) and (d.theirs.kind in HEADS or d.theirs.kind == "closed")


def unknown_method(d: Divergence) -> bool:
    """A method that llhttp has no name for."""
    if not d.they_refuse or d.ours.kind != "request":
        return False
    return "Invalid method" in d.theirs.value[0] or "space after method" in d.theirs.value[0]


def scheme_with_digits(d: Divergence) -> bool:
    """A scheme that is not of letters alone in an absolute-form target."""
    if not d.they_refuse or "url schema" not in d.theirs.value[0] or d.ours.kind != "request":
        return False
    return not d.ours.value[1].partition(":")[0].isalpha()


def fold_refused(d: Divergence) -> bool:
    """A folded field line in a response."""
    if not d.they_refuse or d.method == "":
        return False
    return ("whitespace" in d.theirs.value[0] or "header value" in d.theirs.value[0]) and _FOLD.search(
        d.rest
    ) is not None


def controls(d: Divergence) -> bool:
    """A control character other than HTAB in a field value or reason phrase."""
    if not d.we_refuse("malformed field line", "malformed status line", "NUL in a message head"):
        return False
    return d.theirs.kind in ("end", "data", *HEADS) and _CONTROLS.search(d.rest.decode("latin-1")) is not None


def status_below_100(d: Divergence) -> bool:
    """A status code with a leading zero."""
    return d.we_refuse("is below 100") and d.theirs.kind == "interim"


def interim_in_1_0(d: Divergence) -> bool:
    """Something after an interim response of HTTP/1.0."""
    interim = d.before[-1:] and d.before[-1].kind == "interim" and d.before[-1].value[2] == "HTTP/1.0"
    return d.they_refuse and "Data after" in d.theirs.value[0] and bool(interim)


def unasked_switch(d: Divergence) -> bool:
    """101 although no upgrade was asked for."""
    return d.we_refuse("asked for no upgrade") and d.theirs.kind == "interim" and d.theirs.value[0] == 101


def switch_without_field(d: Divergence) -> bool:
    """101 without an Upgrade field, or without the connection option."""
    return d.they_refuse and d.ours.kind == "switched" and "Pause" in d.theirs.value[0]


_OF_H11 = (
    http1_h11.target_octets,
    http1_h11.target_form,
    http1_h11.connect_target,
    http1_h11.target_authority,
    http1_h11.host_value,
    http1_h11.major_version,
    http1_h11.bare_lf_in_head,
    http1_h11.coding_in_1_0,
    http1_h11.length_of_19_digits,
    http1_h11.chunk_extension,
    http1_h11.framing_in_trailers,
    http1_h11.unasked_data,
    http1_h11.framing_without_body,
    http1_h11.space_before_extension,
    http1_h11.coding_list,
)

PREDICATES: dict[str, Callable[[Divergence], bool]] = {
    predicate.__name__: predicate
    for predicate in (
        *_OF_H11,
        trailing_whitespace,
        later_minor_refused,
        http_0_9,
        spaces_in_request_line,
        body_before_switch,
        host_count,
        coding_malformed,
        coding_unknown,
        length_list_refused,
        extension_whitespace,
        close_beside_keep_alive,
        line_ends_before_start,
        unknown_method,
        scheme_with_digits,
        fold_refused,
        controls,
        status_below_100,
        interim_in_1_0,
        unasked_switch,
        switch_without_field,
    )
}
