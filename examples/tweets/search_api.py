# A stand-in for the search API of 2012: a hundred recent tweets on any word, one each half second, after a delay that
# can be set. It keeps no one waiting for another's delay.
# Run it with "python examples/tweets/search_api.py --delay=0.2"; the services of this directory ask it.
import asyncio
from datetime import datetime, timedelta, timezone

from waterspout import web
from waterspout.options import define, options, parse_command_line

CREATED_AT = "%a, %d %b %Y %H:%M:%S +0000"


class SearchHandler(web.RequestHandler):
    def initialize(self, delay):
        self.delay = delay

    async def get(self):
        query = self.get_argument("q")
        count = 0 if query == "nothing" else 100
        await asyncio.sleep(self.delay)
        now = datetime.now(timezone.utc)
        times = [now - timedelta(seconds=index / 2) for index in range(count)]
        self.write({"results": [{"text": query, "created_at": time.strftime(CREATED_AT)} for time in times]})


def make_app(delay):
    return web.Application([("/search.json", SearchHandler, {"delay": delay})])


async def main():
    make_app(options.delay).listen(options.port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    define("port", default=8001, help="run on the given port", type=int)
    define("delay", default=2.0, help="seconds before an answer", type=float)
    parse_command_line()
    asyncio.run(main())
