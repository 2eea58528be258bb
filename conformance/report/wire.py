"""The bytes of a case as a two-lane timeline: what the suite sent on the left, what the target sent on the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: Pieces of a chopped message are shown as one row with their number, or a byte-by-byte case would fill pages.
_JOIN_SECONDS = 0.05


@dataclass
class Moment:
    """One row of the timeline."""

    at: float
    side: str
    text: str
    note: str
    pieces: int = 1
    printable: bool = True


def timeline(rows: list[dict[str, Any]]) -> list[Moment]:
    """Return the rows of a wire log as moments, consecutive pieces of the same side joined."""
    moments: list[Moment] = []
    for row in rows:
        data = row.get("data") or ""
        last = moments[-1] if moments else None
        joins = last is not None and data and not row.get("note") and last.side == row["from"] and not last.note
        if last is not None and joins and row["t"] - last.at < _JOIN_SECONDS * last.pieces + 1:
            last.text += data
            last.pieces += 1
        else:
            moments.append(Moment(row["t"], row["from"], data, row.get("note") or ""))
    for moment in moments:
        moment.printable = _printable(moment.text)
        moment.text = _visible(moment.text) if moment.printable else _hex(moment.text)
    return moments


def _printable(text: str) -> bool:
    odd = sum(1 for character in text if not (" " <= character <= "~" or character in "\r\n\t"))
    return odd * 10 <= len(text)


def _visible(text: str) -> str:
    """Make controls visible and end the line at CR LF, shown as an arrow; a lone CR or LF is shown by its number."""
    lines = text.split("\r\n")
    return "↵\n".join("".join(one if " " <= one <= "~" else f"\\x{ord(one):02x}" for one in line) for line in lines)


def _hex(text: str) -> str:
    data = text.encode("latin-1", "replace")
    lines = []
    for start in range(0, min(len(data), 512), 16):
        row = data[start : start + 16]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{row.hex(' '):<47}  {letters}")
    return "\n".join(lines) + ("\n..." if len(data) > 512 else "")
