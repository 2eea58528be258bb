"""Which language a client would like best."""

from __future__ import annotations

import re

from waterspout import locale
from waterspout.locale import Locale

# RFC 9110, sections 12.4.2 and 12.5.4: a language range and, perhaps, its weight.
_RANGE = re.compile(
    r"[ \t]*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)[ \t]*(?:;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?"
)


def ranges(accept_language: str) -> list[str]:
    """Return the languages that a field ``Accept-Language`` names, those liked best first.

    Those with weight 0 are left out, as are members that the grammar does not allow, and ``*``.
    """
    weighed = []
    for member in accept_language.split(","):
        match = _RANGE.fullmatch(member)
        if match is not None:
            weighed.append((float(match[2] or 1), match[1]))
    # The sort is stable: what weighs the same stays in its order.
    weighed.sort(key=lambda one: one[0], reverse=True)
    return [language for weight, language in weighed if weight > 0]


def preferred(accept_language: str | None, default: str) -> Locale:
    """Return the locale for a field ``Accept-Language``; ``default`` is taken if it names none at all."""
    return locale.get(*(ranges(accept_language or "") or [default]))
