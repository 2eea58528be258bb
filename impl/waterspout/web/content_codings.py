"""Compressing responses in one of several codings: brotli (RFC 7932) and zstd (RFC 8878) beside gzip.

With ``Application(compress_response=["zstd", "br", "gzip"])`` each response is coded in the one of these that the
client likes best, by the weights of ``Accept-Encoding``; among equals the first of the list.  Brotli and zstd come with
packages of their own: ``pip install waterspout[brotli]`` and ``waterspout[zstd]``.  Released Tornado knows gzip alone,
and so does this package for ``compress_response=True``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any

from waterspout import httputil
from waterspout.web.gzip_transform import Compressor, GzipCompressor, GZipContentEncoding, weight_of, weights


class _BrotliCompressor:
    """One content on its way through brotli."""

    def __init__(self, module: Any) -> None:
        # Beyond 5 it gets better slowly, and slow quickly.
        self._compressor = module.Compressor(mode=module.MODE_TEXT, quality=5)

    def compress(self, chunk: bytes, finishing: bool) -> bytes:
        """Compress one more piece, so that it can be decoded when it is there."""
        compressor = self._compressor
        coded: bytes = compressor.process(chunk) + (compressor.finish() if finishing else compressor.flush())
        return coded


class _ZstdCompressor:
    """One content on its way through zstd."""

    def __init__(self, module: Any) -> None:
        # Decoders of HTTP need not have more than 8 MiB for it (RFC 9659); this level takes 2 MiB.
        self._compressor = module.ZstdCompressor(level=3).compressobj()
        self._piece_ends = module.COMPRESSOBJ_FLUSH_BLOCK
        self._all_ends = module.COMPRESSOBJ_FLUSH_FINISH

    def compress(self, chunk: bytes, finishing: bool) -> bytes:
        """Compress one more piece, so that it can be decoded when it is there."""
        compressor = self._compressor
        coded: bytes = compressor.compress(chunk) + compressor.flush(self._all_ends if finishing else self._piece_ends)
        return coded


# The package of a coding, and what extra of ours brings it.
_PACKAGES: dict[str, tuple[str, str, Callable[[Any], Compressor]]] = {
    "br": ("brotli", "brotli", _BrotliCompressor),
    "zstd": ("zstandard", "zstd", _ZstdCompressor),
}


def transform_for(setting: bool | str | Iterable[str]) -> type[GZipContentEncoding]:
    """Return the transform for a value of the setting ``compress_response``, which is true or names codings.

    Raises `ValueError` for a coding that there is not, `ImportError` for one whose package is not installed.
    """
    if not isinstance(setting, (str, list, tuple)):
        return GZipContentEncoding
    names = [setting] if isinstance(setting, str) else list(setting)
    if names == ["gzip"]:
        return GZipContentEncoding

    made_by = {name: _maker(name) for name in names}

    class ContentEncoding(_ContentEncoding):
        """Codes content in one of these codings."""

        codings = made_by

    return ContentEncoding


def _maker(name: str) -> Callable[[int], Compressor]:
    """Return what makes a compressor of the coding ``name``; it takes the level for gzip."""
    if name == "gzip":
        return GzipCompressor
    if name not in _PACKAGES:
        raise ValueError(f"compress_response names codings among gzip, br and zstd, not {name!r}")
    package, extra, compressor = _PACKAGES[name]
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        raise ImportError(f"the coding {name!r} needs a package: pip install 'waterspout[{extra}]'") from error
    return lambda level: compressor(module)


class _ContentEncoding(GZipContentEncoding):
    """Codes content as the client likes it best."""

    #: What makes the compressor of each coding, in the order of the server's own liking.
    codings: dict[str, Callable[[int], Compressor]]

    def __init__(self, request: httputil.HTTPServerRequest) -> None:
        super().__init__(request)
        liked = weights(request.headers.get("Accept-Encoding", ""))
        best, self._coding = liked.get("identity", 0.0), None
        for name in self.codings:
            weight = weight_of(liked, name)
            # Coded is better than not coded, where the client is indifferent.
            if weight > best or (weight == best > 0 and self._coding is None):
                best, self._coding = weight, name

    def make_compressor(self) -> Compressor:
        """Return a new compressor of the chosen coding."""
        assert self._coding is not None
        return self.codings[self._coding](self.GZIP_LEVEL)
