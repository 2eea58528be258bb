"""A web site of many pages on loopback, and a plain way to fetch them: what a crawler needs to be judged."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit


def linked_pages(count: int) -> dict[str, str]:
    """Return the HTML of ``count`` pages by path, all of them below ``/docs/``, all reachable from ``/docs/``.

    Each links to three pages that nothing else leads to, as long as there are any, back to the first page, to pages
    that others link to as well, and out of ``/docs/``; some links have fragments, some stand there twice.
    """
    names = ["", *(f"{number}.html" for number in range(1, count))]

    def page(number: int) -> str:
        children = [name for name in range(3 * number + 1, 3 * number + 4) if name < count]
        links = [f'<a href="{names[child]}#part-{child}">{child}</a>' for child in children]
        links += [f'<a href="/docs/{names[(number * 7 + step) % count]}">again</a>' for step in (1, 5)]
        links += ['<a href="./">home</a>', '<a href="./#top">home</a>', '<a href="/elsewhere.html">out</a>']
        return f"<title>{number}</title>\n" + "\n".join(links)

    return {f"/docs/{name}": page(number) for number, name in enumerate(names)}


@contextlib.asynccontextmanager
async def served(pages: Mapping[str, str]) -> AsyncIterator[str]:
    """Serve pages by path while the body runs, which is given the address without a path."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            html = pages.get(head.split(b" ", 2)[1].decode("ascii"))
            status = b"200 OK" if html is not None else b"404 Not Found"
            writer.write(b"HTTP/1.0 " + status + b"\r\nContent-Type: text/html\r\n\r\n" + (html or "").encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def fetch(url: str) -> str:
    """Return the page at an ``http`` address. Raises LookupError unless the answer is 200."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode("ascii"))
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise LookupError(f"{url} was answered with {head[:100]!r}")
    return body.decode()
