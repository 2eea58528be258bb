"""Bodies in JSON (RFC 8259), which no argument of a form could hold.

Released Tornado leaves them to applications.
"""

from __future__ import annotations

import json
import re
from typing import Any, Protocol

from waterspout import httputil
from waterspout.web.errors import HTTPError

# application/json, and types built on it (RFC 6839, section 3.1).
_JSON_TYPE = re.compile(r"application/(?:[^;/]*\+)?json[ \t]*(?:;.*)?", re.IGNORECASE | re.DOTALL)


class Decoder(Protocol):
    """What the setting ``json_decoder`` is: it raises `ValueError` for what is no JSON."""

    def __call__(self, document: bytes, /) -> Any:
        """Return the value that ``document`` stands for."""


def decoded_body(request: httputil.HTTPServerRequest, decoder: Decoder | None) -> Any:
    """Return the value of a body in JSON; raises `HTTPError` 415 for another type, 400 for what is no JSON."""
    content_type = request.headers.get("Content-Type", "")
    if not _JSON_TYPE.fullmatch(content_type):
        raise HTTPError(415, "the body is %.100r, not JSON", content_type)
    try:
        # json itself guesses among encodings; documents that are exchanged have one (RFC 8259, section 8.1).
        return json.loads(request.body.decode("utf-8")) if decoder is None else decoder(request.body)
    except (ValueError, RecursionError) as error:
        raise HTTPError(400, "the body is no JSON: %.200s", error) from error
