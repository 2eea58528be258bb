"""Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13).

A successful answer to GET or HEAD gets a tag, the hash of its content, unless the handler chose one.  If the
client says that it has that content already, 304 goes out instead of it; if it wants another one or none, 412.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from hashlib import sha1

from waterspout.protocol.dates import parse_http_date

# entity-tag (RFC 9110, section 8.8.3); the part that counts for weak comparison is the group.
_ENTITY_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def content_tag(chunks: Iterable[bytes]) -> str:
    """Return a strong entity tag for the content in ``chunks``."""
    digest = sha1(b"".join(chunks), usedforsecurity=False)
    return f'"{digest.hexdigest()}"'


def none_match_fails(field: str, etag: str) -> bool:
    """Whether ``If-None-Match: field`` names ``etag``, so that the client needs no new copy.

    The comparison is weak (RFC 9110, section 13.1.2), and ``*`` stands for every tag.
    """
    if field.strip() == "*":
        return True
    wanted = etag.removeprefix("W/")
    return any(tag[1] == wanted for tag in _ENTITY_TAG.finditer(field))


#: The fields with the other three conditions.
CONDITIONS = frozenset(("If-Match", "If-Modified-Since", "If-Unmodified-Since"))


def match_fails(field: str, etag: str | None) -> bool:
    """Whether ``If-Match: field`` does not name ``etag``, so that the client's copy is another one.

    The comparison is strong (RFC 9110, section 13.1.1): a weak tag is like no other; ``*`` stands for every one.
    """
    if field.strip() == "*":
        return False
    return etag is None or etag.startswith("W/") or all(tag[0] != etag for tag in _ENTITY_TAG.finditer(field))


def verdict(asked: Mapping[str, str], answered: Mapping[str, str], has_copy: bool) -> int:
    """Return the status of an answer that would be 200 without conditions: 200, 304 or 412.

    ``asked`` and ``answered`` are the fields of request and answer.  ``has_copy`` says that ``If-None-Match`` names
    the answer's tag.  What is decided first is what RFC 9110, section 13.2.2, decides first.
    """
    if "If-Match" in asked:
        if match_fails(asked["If-Match"], answered.get("Etag")):
            return 412
    elif _modified_since(asked.get("If-Unmodified-Since"), answered.get("Last-Modified")):
        return 412
    if has_copy:
        return 304
    if "If-None-Match" in asked:
        return 200
    modified = _modified_since(asked.get("If-Modified-Since"), answered.get("Last-Modified"))
    return 304 if modified is False else 200


def _modified_since(date: str | None, modified: str | None) -> bool | None:
    """Whether the modification was after ``date``; None if one of the two is no date, and so no condition."""
    if date is None or modified is None:
        return None
    now = time.time()
    since, last = parse_http_date(date, now), parse_http_date(modified, now)
    return None if since is None or last is None else last > since
