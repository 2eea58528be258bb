"""How the white space of a template's text is kept or condensed."""

from __future__ import annotations

import re

MODES = ("all", "single", "oneline")

_SPACE = re.compile(r"\s+")
_BLANKS = re.compile(r"[\t ]+")


def _single(run: re.Match[str]) -> str:
    # One pass over each run: an expression with white space on both sides of the line feed would be quadratic.
    return "\n" if "\n" in run.group() else _BLANKS.sub(" ", run.group())


def filter_whitespace(mode: str, text: str) -> str:
    """Return ``text`` with its white space condensed as ``mode`` says.

    ``all`` keeps it. ``single`` leaves one line feed of a run that has any, and otherwise one space of each
    run of blanks and tabs.  ``oneline`` leaves one space of each run.  Raises `ValueError` for another mode.
    Documentation: ``template.filter_whitespace``.
    """
    if mode == "all":
        return text
    if mode == "single":
        return _SPACE.sub(_single, text)
    if mode == "oneline":
        return _SPACE.sub(" ", text)
    raise ValueError(f"whitespace mode {mode!r} is none of {', '.join(MODES)}")


def default_mode(name: str) -> str:
    """Return the mode of a template whose name is all that is known."""
    return "single" if name.endswith((".html", ".js")) else "all"
