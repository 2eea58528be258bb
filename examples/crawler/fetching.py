# How the crawler gets a page: with the package's HTTP client, and in a release that has none yet over a plain
# connection.
import asyncio
import contextlib
import importlib.util
from urllib.parse import urlsplit


async def fetch(url):
    """Return the text of a page. Raises an exception unless it is there."""
    return await (fetch_with_client(url) if HAS_CLIENT else fetch_plainly(url))


HAS_CLIENT = importlib.util.find_spec("waterspout.httpclient") is not None


async def fetch_with_client(url):
    from waterspout import httpclient

    response = await httpclient.AsyncHTTPClient().fetch(url)
    return response.body.decode()


async def fetch_plainly(url):
    parts = urlsplit(url)
    if parts.scheme != "http":
        raise ValueError("only http:// can be fetched without an HTTP client")
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        # In HTTP/1.0 the end of the connection is the end of the page.
        writer.write(f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode("ascii"))
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    status = head.split(b"\r\n", 1)[0].decode("latin-1")
    if status.split(" ")[1:2] != ["200"]:
        raise LookupError(f"the answer was {status!r}")
    return body.decode()
