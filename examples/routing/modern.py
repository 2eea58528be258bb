# The stories in the modern style: SQLite behind an executor, a named group, text escaped.
# Run it with "python examples/routing/modern.py" and open http://localhost:8888/
import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor

from waterspout import escape, web


class Stories:
    """Stories in SQLite. One thread owns the connection, so that a slow disk holds up no other request."""

    def __init__(self, path=":memory:"):
        self._thread = ThreadPoolExecutor(1)
        self._db = self._thread.submit(self._open, path).result()

    async def text(self, number):
        """Return the text of a story, or None."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._text, number)

    def _open(self, path):
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE IF NOT EXISTS story (number INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        rows = [(1, "a beginning"), (2, "a middle & more"), (3, "an end")]
        db.executemany("INSERT OR IGNORE INTO story VALUES (?, ?)", rows)
        return db

    def _text(self, number):
        row = self._db.execute("SELECT text FROM story WHERE number = ?", (number,)).fetchone()
        return row and row[0]


class MainHandler(web.RequestHandler):
    async def get(self):
        self.write(f'<a href="{self.reverse_url("story", "1")}">link to story 1</a>')


class StoryHandler(web.RequestHandler):
    def initialize(self, stories):
        self.stories = stories

    async def get(self, number):
        text = await self.stories.text(int(number))
        if text is None:
            raise web.HTTPError(404, "no story %s", number)
        self.write(f"this is story {number}: {escape.xhtml_escape(text)}")


def make_app():
    return web.Application(
        [
            web.url("/", MainHandler),
            # Nine digits fit into an integer of SQLite.
            web.url(r"/story/(?P<number>[0-9]{1,9})", StoryHandler, {"stories": Stories()}, name="story"),
        ]
    )


async def main():
    make_app().listen(8888)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
