"""Bounds on what a peer may make us hold or scan (RFC 9110 section 17.5; RFC 9112 sections 2.2, 3, 7.1.1)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How much of each element of a message is accepted. All sizes are octets; what exceeds one becomes a
    ``Failure``.

    ``body`` of None means no bound; `ServerConnection.set_body_limit` changes it for one message.
    """

    # RFC 9112 section 3 asks for at least 8000; nginx and Apache stop at 8 KiB, too. 414 (status line: 400).
    start_line: int = 8192
    # Tornado's and Node's (16 KiB) defaults lie on either side of most people's cookies; Tornado has 64 KiB.
    # 431.
    head: int = 65536
    # Apache and gunicorn allow 100 fields, Node 2000. The point is to bound the objects made, not to police.
    # 431.
    fields: int = 500
    # Tornado's max_buffer_size: 100 MiB. 413.
    body: int | None = 104857600
    # The largest ``Data``; None hands out what is there. Nothing is refused for it.
    piece: int | None = None
    # One chunk-size line with its extensions (signing extensions take about 90 octets; hyper stops at 16 KiB
    # in all). 400.
    chunk_line: int = 4096
    # All chunk extensions of one message together; Go and hyper allow 16 KiB. 400.
    chunk_extensions: int = 16384
    # The whole trailer section with its closing empty line. 431.
    trailers: int = 8192
    # RFC 9112 section 2.2 asks a server to ignore at least one empty line before a request line. 400.
    empty_lines: int = 4
    # RFC 9112 section 2.2 lets a recipient take a lone LF as a line end in the head. Proxies that disagree on
    # this are how requests are smuggled, therefore off. It never applies to chunk lines or trailers (erratum
    # 7633).
    bare_lf: bool = False
