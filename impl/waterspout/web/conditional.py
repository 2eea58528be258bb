"""Entity tags and the condition ``If-None-Match`` (RFC 9110, sections 8.8.3 and 13.1.2).

A successful answer to GET or HEAD gets a tag, the hash of its content, unless the handler chose one.  If the
client says that it has that content already, 304 goes out instead of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

# entity-tag (RFC 9110, section 8.8.3); the part that counts for weak comparison is the group.
_ENTITY_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def content_tag(chunks: Iterable[bytes]) -> str:
    """Return a strong entity tag for the content in ``chunks``."""
    digest = hashlib.sha1(b"".join(chunks), usedforsecurity=False)
    return f'"{digest.hexdigest()}"'


def none_match_fails(field: str, etag: str) -> bool:
    """Whether ``If-None-Match: field`` names ``etag``, so that the client needs no new copy.

    The comparison is weak (RFC 9110, section 13.1.2), and ``*`` stands for every tag.
    """
    if field.strip() == "*":
        return True
    wanted = etag.removeprefix("W/")
    return any(tag[1] == wanted for tag in _ENTITY_TAG.finditer(field))
