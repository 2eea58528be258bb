"""The ``Date`` of an answer, which is the same text for a whole second (RFC 9110, section 6.6.1)."""

from __future__ import annotations

import time

from waterspout.protocol.dates import format_timestamp

_second = -1
_text = ""


def http_date() -> str:
    """Return the present time as a ``Date`` field has it."""
    global _second, _text
    second = int(time.time())
    if second != _second:
        _text = format_timestamp(second)
        _second = second
    return _text
