"""Changing responses on their way out."""

from __future__ import annotations

from waterspout import httputil


class OutputTransform:
    """Sees a response in pieces and returns what is sent instead; one object for each request.

    Register the class with ``Application.add_transform`` or the constructor's ``transforms``.
    Documentation: ``web.OutputTransform``.
    """

    def __init__(self, request: httputil.HTTPServerRequest) -> None:
        pass

    def transform_first_chunk(
        self, status_code: int, headers: httputil.HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, httputil.HTTPHeaders, bytes]:
        """Return status, headers and first piece to send; ``finishing`` tells that it is the only one."""
        return status_code, headers, chunk

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        """Return what to send for a later piece; ``finishing`` tells that it is the last one."""
        return chunk
