"""Small models of what templates print: white space character by character, escaping character by character."""

from __future__ import annotations

REFERENCES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;", "'": "&#x27;"}


def runs(text: str) -> list[str]:
    """Return the text in pieces that are all white space or have none."""
    pieces: list[str] = []
    for character in text:
        if pieces and pieces[-1][-1].isspace() == character.isspace():
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def condensed(mode: str, text: str) -> str:
    """Return the text as a white space mode leaves it."""
    if mode == "all":
        return text
    return "".join(_condensed_run(mode, run) if run.isspace() else run for run in runs(text))


def _condensed_run(mode: str, run: str) -> str:
    if mode == "oneline":
        return " "
    if "\n" in run:
        return "\n"
    kept = ""
    for character in run:
        blank = character in " \t"
        if not (blank and kept.endswith(" ")):
            kept += " " if blank else character
    return kept


def escaped(text: str) -> str:
    """Return the text with references for what HTML gives a meaning."""
    return "".join(REFERENCES.get(character, character) for character in text)
