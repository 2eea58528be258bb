# Error pages in the modern style: one description of every error, as a page or in JSON (RFC 9457), as the client likes.
# Run it with "python examples/errors/modern.py" and open http://localhost:8888/nowhere
import asyncio
from http.client import responses

from waterspout import escape, web


class BaseHandler(web.RequestHandler):
    def write_error(self, status_code, **kwargs):
        title = responses.get(status_code, "Unknown")
        self.set_header("Vary", "Accept")
        if "application/json" in self.request.headers.get("Accept", ""):
            self.set_header("Content-Type", "application/problem+json")
            self.finish(escape.json_encode({"status": status_code, "title": title}))
        else:
            self.finish(f"<!doctype html><title>{title}</title><h1>Sorry: {status_code} {title}</h1>")


class BrokenHandler(BaseHandler):
    async def get(self):
        raise ZeroDivisionError("a bug")


class TeapotHandler(BaseHandler):
    async def get(self):
        self.set_status(418, "Teapot")
        self.write("no coffee here")
        raise web.Finish


class NotFoundHandler(BaseHandler):
    async def prepare(self):
        raise web.HTTPError(404)


def make_app(**settings):
    routes = [("/broken", BrokenHandler), ("/teapot", TeapotHandler)]
    return web.Application(routes, default_handler_class=NotFoundHandler, **settings)


async def main():
    make_app().listen(8888)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
