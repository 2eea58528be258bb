"""Compressing responses on their way out (RFC 9110, section 8.4.1.3), with the setting ``compress_response``.

Content is compressed if the client prefers gzip to nothing, the type of the content gains by it, and there is enough
of it.  Whether it is or not, ``Vary`` tells caches what that depends on.
"""

from __future__ import annotations

import re
import zlib
from typing import Protocol

from waterspout import httputil
from waterspout.web.transforms import OutputTransform

# Element of Accept-Encoding: a coding, perhaps with its weight (RFC 9110, sections 12.5.3 and 12.4.2).
_CODING = re.compile(r"[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*(?:;[ \t]*[qQ]=([01](?:\.[0-9]{0,3})?)[ \t]*)?")
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
#: Elements looked at; no browser knows that many codings.
_MOST_CODINGS = 50


class Compressor(Protocol):
    """Compresses one content, piece by piece."""

    def compress(self, chunk: bytes, finishing: bool) -> bytes:
        """Return ``chunk`` such that it can be decoded when it is there; ``finishing`` tells that it is the last."""


class GzipCompressor:
    """One content on its way through gzip, at a level of `zlib`."""

    def __init__(self, level: int) -> None:
        self._compressor = zlib.compressobj(level, zlib.DEFLATED, _GZIP_WINDOW)

    def compress(self, chunk: bytes, finishing: bool) -> bytes:
        """Compress one more piece, so that it can be decoded when it is there."""
        ending = zlib.Z_FINISH if finishing else zlib.Z_SYNC_FLUSH
        return self._compressor.compress(chunk) + self._compressor.flush(ending)


def weights(field: str) -> dict[str, float]:
    """Return the weight of each coding in ``Accept-Encoding: field``."""
    found: dict[str, float] = {}
    for element in field.split(",", _MOST_CODINGS)[:_MOST_CODINGS]:
        match = _CODING.fullmatch(element)
        if match is not None:
            found[match[1].lower()] = float(match[2] or 1)
    return found


def weight_of(liked: dict[str, float], name: str) -> float:
    """Return the weight of the coding ``name``, by that name, by its older one, or by ``*``; 0 is not acceptable."""
    return next((liked[spelling] for spelling in (name, "x-" + name) if spelling in liked), liked.get("*", 0.0))


def accepts_gzip(field: str) -> bool:
    """Whether ``Accept-Encoding: field`` allows gzip, and does not prefer that nothing is coded."""
    liked = weights(field)
    weight = weight_of(liked, "gzip")
    return weight > 0 and weight >= liked.get("identity", 0.0)


class GZipContentEncoding(OutputTransform):
    """Compresses content for clients that accept it.  Documentation: the setting ``compress_response``.

    ``CONTENT_TYPES`` are those worth it, besides ``text/*``; ``MIN_LENGTH`` is in octets, for responses that are
    complete at once; ``GZIP_LEVEL`` is that of `zlib`.
    """

    CONTENT_TYPES = frozenset(
        (
            "application/atom+xml",
            "application/javascript",
            "application/json",
            "application/xhtml+xml",
            "application/x-javascript",
            "application/xml",
            "image/svg+xml",
        )
    )
    GZIP_LEVEL = 6
    MIN_LENGTH = 1024

    def __init__(self, request: httputil.HTTPServerRequest) -> None:
        # What the client likes best of what there is here, None for nothing coded.
        self._coding = "gzip" if accepts_gzip(request.headers.get("Accept-Encoding", "")) else None
        self._compressor: Compressor | None = None

    def make_compressor(self) -> Compressor:
        """Return a new compressor of the chosen coding."""
        return GzipCompressor(self.GZIP_LEVEL)

    def transform_first_chunk(
        self, status_code: int, headers: httputil.HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, httputil.HTTPHeaders, bytes]:
        """Decide, and compress the first piece."""
        headers["Vary"] = _with_accept_encoding(headers.get("Vary"))
        if self._coding is not None and self._worth_it(status_code, headers, chunk, finishing):
            self._compressor = self.make_compressor()
            headers["Content-Encoding"] = self._coding
            etag = headers.get("Etag")
            if etag is not None and etag.startswith('"'):
                # Other octets, so not the strong tag of the uncoded ones (RFC 9110, section 8.8.3.3).
                headers["Etag"] = "W/" + etag
            chunk = self.transform_chunk(chunk, finishing)
            if finishing:
                headers["Content-Length"] = str(len(chunk))
            else:
                headers.pop("Content-Length", None)
        return status_code, headers, chunk

    def _worth_it(self, status_code: int, headers: httputil.HTTPHeaders, chunk: bytes, finishing: bool) -> bool:
        if "Content-Encoding" in headers or status_code in (204, 206, 304):
            # A part is one of the content as it is, so it cannot be coded by itself.
            return False
        if finishing and len(chunk) < self.MIN_LENGTH:
            return False
        content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return content_type.startswith("text/") or content_type in self.CONTENT_TYPES

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        """Compress one more piece, so that the client can decode it now."""
        return chunk if self._compressor is None else self._compressor.compress(chunk, finishing)


def _with_accept_encoding(vary: str | None) -> str:
    if not vary:
        return "Accept-Encoding"
    names = {name.strip().lower() for name in vary.split(",")}
    return vary if names & {"*", "accept-encoding"} else f"{vary}, Accept-Encoding"
