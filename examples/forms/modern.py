# Forms and uploads in the modern style: a page with a token against forged requests, files in a form, and files of any
# size, which are received in pieces and never held in memory.
# Run it with "python examples/forms/modern.py", open http://localhost:8888/, or send a file:
#
#     curl -T holiday.mp4 http://localhost:8888/put/holiday.mp4
import asyncio
import hashlib

from waterspout import escape, web
from waterspout.web import stream_request_body

LARGEST = 10 * 1024**3

PAGE = """<!doctype html><title>Form</title>
<form action="/" method="post" enctype="multipart/form-data">{token}
<input name="message"> <input type="file" name="files" multiple> <button>Send</button></form>
"""


class FormHandler(web.RequestHandler):
    async def get(self):
        self.write(PAGE.format(token=self.xsrf_form_html()))

    async def post(self):
        self.write(f"You wrote {escape.xhtml_escape(self.get_body_argument('message'))}\n")
        for file in self.request.files.get("files", []):
            name, kind = map(escape.xhtml_escape, (file.filename, file.content_type))
            self.write(f"<p>POST: {name} {kind} {len(file.body)} bytes\n")


@stream_request_body
class PutHandler(web.RequestHandler):
    """Receives a file in pieces; the next one is read when the one before has been dealt with."""

    def prepare(self):
        self.request.connection.set_max_body_size(LARGEST)
        self.length, self.digest = 0, hashlib.sha256()

    async def data_received(self, chunk):
        # Hashing is work: it would hold up the loop.
        await asyncio.get_running_loop().run_in_executor(None, self.digest.update, chunk)
        self.length += len(chunk)

    async def put(self, name):
        self.write({"name": name, "bytes": self.length, "sha256": self.digest.hexdigest()})

    def check_xsrf_cookie(self):
        # A form of another site can send no PUT.
        pass


def make_app():
    return web.Application([("/", FormHandler), (r"/put/(.+)", PutHandler)], xsrf_cookies=True)


async def main():
    make_app().listen(8888)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
