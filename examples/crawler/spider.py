# The web spider as the user's guide prints it, its slips mended; crawler.py is the same in the modern style.
#
# Start a site with "python examples/crawler/local_site.py", and in another terminal:
#
#     python examples/crawler/spider.py http://localhost:8888/docs/
import logging
import sys
import time
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

from waterspout import gen, httpclient, ioloop, queues

concurrency = 10


@gen.coroutine
def get_links_from_url(url):
    """Fetch a page and return its links as absolute addresses without fragments; none if that fails."""
    try:
        response = yield httpclient.AsyncHTTPClient().fetch(url)
        print(f"fetched {url}")
        html = response.body if isinstance(response.body, str) else response.body.decode()
        urls = [urljoin(url, remove_fragment(new_url)) for new_url in get_links(html)]
    except Exception as e:
        print(f"Exception: {e} {url}")
        raise gen.Return([]) from None
    raise gen.Return(urls)


def remove_fragment(url):
    pure_url, _frag = urldefrag(url)
    return pure_url


def get_links(html):
    class URLSeeker(HTMLParser):
        def __init__(self):
            HTMLParser.__init__(self)
            self.urls = []

        def handle_starttag(self, tag, attrs):
            href = dict(attrs).get("href")
            if href and tag == "a":
                self.urls.append(href)

    url_seeker = URLSeeker()
    url_seeker.feed(html)
    return url_seeker.urls


@gen.coroutine
def main(base_url):
    q = queues.Queue()
    start = time.time()
    fetching, fetched = set(), set()

    @gen.coroutine
    def fetch_url():
        current_url = yield q.get()
        try:
            if current_url in fetching:
                return
            print(f"fetching {current_url}")
            fetching.add(current_url)
            urls = yield get_links_from_url(current_url)
            fetched.add(current_url)
            for new_url in urls:
                # Only what lies below the first page.
                if new_url.startswith(base_url):
                    yield q.put(new_url)
        finally:
            q.task_done()

    @gen.coroutine
    def worker():
        while True:
            yield fetch_url()

    q.put(base_url)
    # The workers run as soon as they are called; nobody waits for them.
    for _ in range(concurrency):
        worker()
    yield q.join(timeout=timedelta(seconds=300))
    assert fetching == fetched
    print(f"Done in {time.time() - start:.0f} seconds, fetched {len(fetched)} URLs.")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: spider.py BASE_URL    for example http://localhost:8888/docs/")
    logging.basicConfig()
    io_loop = ioloop.IOLoop.current()
    io_loop.run_sync(lambda: main(sys.argv[1]))
