# Redirects in the modern style: groups by name, 303 after a POST, which says that what follows is a GET.
# Run it with "python examples/redirects/modern.py" and open http://localhost:8888/pictures/2012/cat
import asyncio

from waterspout import web


class PhotoHandler(web.RequestHandler):
    async def get(self, name):
        self.write(f"photo {name}")

    async def post(self, name):
        self.redirect(self.reverse_url("photo", name), status=303)


def make_app():
    return web.Application(
        [
            web.url("/app", web.RedirectHandler, {"url": "http://itunes.apple.com/my-app-id"}),
            web.url(r"/photos/([a-z0-9/]+)", PhotoHandler, name="photo"),
            web.url(r"/pictures/(?P<name>.*)", web.RedirectHandler, {"url": "/photos/{name}"}),
            web.url("/news", web.RedirectHandler, {"url": "/photos/today", "permanent": False}),
        ]
    )


async def main():
    make_app().listen(8888)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
