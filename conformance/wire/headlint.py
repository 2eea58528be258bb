"""What a sender must not put into an answer's head, and what it had better not: rules that hold for any answer.

Grammar is :meth:`conformance.wire.answers.Answer.faults`' own part; here are the rules about what a field may say, and
which fields a status calls for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

#: Fields of requests only (RFC 9110, section 2.2: nothing that belongs to another role).
_OF_REQUESTS = frozenset(
    """authorization cookie expect from host if-match if-modified-since if-none-match if-range if-unmodified-since
    max-forwards proxy-authorization range referer te user-agent""".split()  # noqa: SIM905
)
#: Lists without empty elements (section 5.6.1.1).
_LISTS = tuple(
    """accept-ranges allow cache-control connection content-encoding content-language trailer transfer-encoding
    upgrade vary via""".split()  # noqa: SIM905
)
#: Fields about the connection, to be named in Connection (section 7.6.1).
_OF_CONNECTION = ("keep-alive", "upgrade")
#: Fields for everybody, not to be named there.
_FOR_ALL = frozenset(
    "allow cache-control content-length content-type date etag expires location server vary".split()  # noqa: SIM905
)
#: What answers with these statuses must carry (sections 15.2.2, 15.5.2, 15.5.8, 15.5.22).
_CALLED_FOR = {101: "upgrade", 401: "www-authenticate", 407: "proxy-authenticate", 426: "upgrade"}
_PARAMETER = re.compile(r';[\t ]*[^\s=;"]+(?P<bad>[\t ]*)=(?P<worse>[\t ]*)')
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_NEEDLESS_PAIR = re.compile(r'\\[^"\\]')
_NEEDLESS_IN_COMMENT = re.compile(r"\\[^()\\]")
_SPACED_LINE = re.compile(rb"[^:]+:(?: [^\t ](?:.*[^\t ])?)?", re.DOTALL)

Values = Callable[[str], "list[str]"]


def faults(status: int, names: list[str], values: Values) -> Iterator[str]:
    """Yield what breaks a rule in a head with ``status``, fields called ``names`` and their ``values``."""
    yield from (f"{name}, a field of requests" for name in names if name in _OF_REQUESTS)
    for name in _LISTS:
        if any(not one.strip() for value in values(name) for one in value.split(",")):
            yield f"{name} with an empty element"
    options = {one.strip().lower() for value in values("connection") for one in value.split(",")}
    yield from (f"{name} not named in connection" for name in _OF_CONNECTION if values(name) and name not in options)
    yield from (f"connection option {name}" for name in sorted(options & _FOR_ALL))
    if (called_for := _CALLED_FOR.get(status)) and not values(called_for):
        yield f"{status} without {called_for}"
    if status < 200 or status == 204:
        framing = ("content-length", "transfer-encoding")
        yield from (f"{status} with {name}" for name in framing if values(name))
    for value in values("content-type"):
        if any(found["bad"] or found["worse"] for found in _PARAMETER.finditer(_QUOTED.sub('""', value))):
            yield f"content-type {value!r}"


def untidy(lines: list[bytes], values: Values) -> Iterator[str]:
    """Yield what breaks an advice for senders: one space behind a colon, no backslash that quotes nothing."""
    yield from (f"whitespace in {line!r}" for line in lines if not _SPACED_LINE.fullmatch(line))
    for name in ("content-type", "content-disposition", "www-authenticate"):
        quoted = [one for value in values(name) for one in _QUOTED.findall(value)]
        yield from (f"backslash in {one}" for one in quoted if _NEEDLESS_PAIR.search(one))
    yield from (f"backslash in server {value!r}" for value in values("server") if _NEEDLESS_IN_COMMENT.search(value))
    yield from ("content-encoding identity" for value in values("content-encoding") if "identity" in value.lower())
