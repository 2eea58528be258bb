"""Small tools on URIs and their parts (RFC 3986; the host of RFC 9110, section 7.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import AnyStr
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_HOST_AND_PORT = re.compile(r"(\[[^][]*\]|[^][:]+):([0-9]+)")

#: ``uri-host [":" port]``: a bracketed address literal or a registered name (RFC 3986, section 3.2.2), maybe
#: a port.
HOST_FIELD = re.compile(
    r"(?:\[[0-9A-Za-z:.%\-_~!$&'()*+;=]+\]|[0-9A-Za-z\-._~%!$&'()*+;=\x80-\xff]*)(?::[0-9A-Za-z]*)?"
)


def url_concat(
    url: str,
    args: Mapping[str, str] | list[tuple[str, str]] | tuple[tuple[str, str], ...] | None,
) -> str:
    """Return ``url`` with ``args`` appended to its query, whatever query or fragment it has.

    ``args`` is a mapping or a sequence of pairs, whose names may repeat; None changes nothing.  Raises
    `TypeError` for another type.  Documentation: ``httputil.url_concat``.
    """
    if args is None:
        return url
    if isinstance(args, Mapping):
        added = list(args.items())
    elif isinstance(args, (list, tuple)):
        added = list(args)
    else:
        raise TypeError(f"the arguments of a URL are a dict, or a list or tuple of pairs, not {args!r}")
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    return urlunsplit(parts._replace(query=urlencode(query + added)))


def split_host_and_port(netloc: str) -> tuple[str, int | None]:
    """Return host and port of ``host:port``; the port is None where there is none.

    An address in brackets keeps them.  Documentation: ``httputil.split_host_and_port``.
    """
    match = _HOST_AND_PORT.fullmatch(netloc)
    return (match[1], int(match[2])) if match else (netloc, None)


def qs_to_qsl(qs: Mapping[str, Iterable[AnyStr]]) -> Iterable[tuple[str, AnyStr]]:
    """Yield the pairs of a mapping from names to lists of values, as ``parse_qs`` makes it.

    Documentation: ``httputil.qs_to_qsl``.
    """
    for name, values in qs.items():
        for value in values:
            yield name, value
