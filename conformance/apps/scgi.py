"""SCGI before the WSGI fixture application, for servers that hand requests on and answer for what becomes of them."""

from __future__ import annotations

import asyncio
import io
import traceback
from typing import Any

from conformance.apps.wsgi_app import application


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request (a netstring of NUL-terminated names and values, then the body)."""
    size = int((await reader.readuntil(b":"))[:-1])
    words = (await reader.readexactly(size + 1)).decode("latin-1").split("\0")
    environ: dict[str, Any] = {}
    for name, value in zip(words[:-1:2], words[1:-1:2], strict=True):
        # Repeated field lines come one by one.
        environ[name] = f"{environ[name]}, {value}" if name.startswith("HTTP_") and name in environ else value
    # The length of what the server has gathered; the field of the request, if there is one, is HTTP_CONTENT_LENGTH.
    environ["wsgi.input"] = io.BytesIO(await reader.readexactly(int(environ.pop("CONTENT_LENGTH") or 0)))

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        lines = [f"Status: {status}", *(f"{name}: {value}" for name, value in headers)]
        writer.write("".join(line + "\r\n" for line in [*lines, ""]).encode("latin-1"))

    try:
        for part in application(environ, start_response):
            writer.write(part)
            await writer.drain()
    except Exception:
        traceback.print_exc()
        start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
        writer.write(b"the application failed")
    finally:
        writer.close()
