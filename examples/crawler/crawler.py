# The web spider of the user's guide, in today's Python: ten workers share a queue of addresses, fetch each page
# below the first one once, and put in what it links to. It ends when the count of unfinished tasks is zero.
#
# Start a site with "python examples/crawler/local_site.py", and in another terminal:
#
#     python examples/crawler/crawler.py http://localhost:8888/docs/
import asyncio
import logging
import sys
import time
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

from fetching import fetch

from waterspout import ioloop, queues

CONCURRENCY = 10
TIMEOUT = timedelta(seconds=300)


class LinkSeeker(HTMLParser):
    """Collects the addresses that a page links to."""

    def __init__(self):
        super().__init__()
        self.addresses = []

    def handle_starttag(self, tag, attrs):
        address = dict(attrs).get("href")
        if tag == "a" and address:
            self.addresses.append(address)


def get_links(url, html):
    """Return the links of a page as absolute addresses, without fragments."""
    seeker = LinkSeeker()
    seeker.feed(html)
    return [urljoin(url, urldefrag(address).url) for address in seeker.addresses]


async def get_links_from_url(url):
    """Fetch a page and return its links; none if that fails."""
    try:
        return get_links(url, await fetch(url))
    except Exception as error:
        print(f"Exception: {error} {url}")
        return []


async def crawl(base_url, concurrency=CONCURRENCY, timeout=TIMEOUT):
    """Fetch all pages below base_url; return the addresses that were seen, and those that were fetched."""
    queue = queues.Queue()
    seen, fetched = set(), set()

    async def work():
        async for url in queue:
            try:
                if url in seen:
                    continue
                seen.add(url)
                links = await get_links_from_url(url)
                fetched.add(url)
                for link in links:
                    if link.startswith(base_url):
                        await queue.put(link)
            finally:
                queue.task_done()

    queue.put_nowait(base_url)
    workers = [asyncio.create_task(work()) for _ in range(concurrency)]
    try:
        await queue.join(timeout=timeout)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return seen, fetched


async def main(base_url):
    start = time.monotonic()
    seen, fetched = await crawl(base_url)
    assert fetched == seen
    print(f"Done in {time.monotonic() - start:.1f} seconds, fetched {len(fetched)} URLs.")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: crawler.py BASE_URL    for example http://localhost:8888/docs/")
    logging.basicConfig()
    ioloop.IOLoop.current().run_sync(lambda: main(sys.argv[1]))
