"""How the bytes of a wire case are cut into pieces.

A correct peer does the same whatever pieces its input arrives in: TCP keeps no record of them. Bugs live at
the cuts, so every case runs in each of these ways:

``whole``
    one send;
``bytes``
    byte by byte for the first 128 bytes, then as ``tokens``;
``tokens``
    cut, within the first 512 bytes, at the borders of the grammar's tokens: at spaces and colons, between CR and
    LF, between the fields of a frame header. What parses line by line or looks ahead breaks here; what is behind
    them is cut into larger pieces;
``joined``
    in the same send as the message that follows on the connection. What forgets or swallows bytes behind a
    message breaks here. Which message follows only the caller knows; the bytes it hands over are sent at
    once.

This module only cuts; :class:`conformance.wire.connection.Connection` sends the pieces so that they arrive
apart.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable

#: So many bytes at the start of a send are cut into single ones.
FINE = 128
#: So many are cut at the borders of tokens.
BORDERED = 512
#: Least length of the pieces behind them: they cross the reads of a peer without making a case long.
COARSE = 8192
#: So many of them a send has at most.
COARSE_PIECES = 32

#: Finds the cuts for ``tokens`` when the caller names none.
Borders = Callable[[bytes], Iterable[int]]

_HTTP_DELIMITER = re.compile(rb"[ \t:;,=\r\n]")


def http_borders(data: bytes) -> list[int]:
    """Return where to cut an HTTP/1.1 message: before and after each delimiter, so also between CR and LF."""
    return [place for found in _HTTP_DELIMITER.finditer(data) for place in found.span()]


def pieces(data: bytes, chop: str, borders: Iterable[int] | Borders = http_borders) -> list[bytes]:
    """Return ``data`` cut in the way called ``chop``; the pieces joined are ``data`` again.

    ``borders`` are the offsets at which ``tokens`` cuts, or a function that finds them in ``data``. Those
    behind the first 512 bytes are not used. Raises ValueError for an unknown way.
    """
    if chop not in ("whole", "joined", "bytes", "tokens"):
        raise ValueError(f"no way to chop is called {chop!r}")
    if chop in ("whole", "joined") or not data:
        return [data] if data else []
    found = borders(data[:BORDERED]) if callable(borders) else borders
    cuts = {cut for cut in found if 0 < cut < min(BORDERED, len(data))}
    cuts.update(range(BORDERED, len(data), max(COARSE, len(data) // COARSE_PIECES)))
    if chop == "bytes":
        cuts.update(range(1, min(FINE, len(data))))
    places = [0, *sorted(cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]
