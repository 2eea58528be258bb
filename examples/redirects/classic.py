# Redirects as in the user's guide: in the table of routes, with and without groups, and in a handler.
# Run it with "python examples/redirects/classic.py" and open http://localhost:8888/pictures/2012/cat
import waterspout.ioloop
from waterspout.web import Application, RedirectHandler, RequestHandler, url


class MyPhotoHandler(RequestHandler):
    def get(self, name):
        self.write("photo " + name)

    def post(self, name):
        # The user is sent on after a POST: 302, because the next POST may lead elsewhere.
        self.redirect("/photos/" + name)


class CanonicalHandler(RequestHandler):
    def get(self):
        self.redirect("/photos/index", permanent=True)


def make_app():
    return Application(
        [
            url(r"/app", RedirectHandler, {"url": "http://itunes.apple.com/my-app-id"}),
            url(r"/photos/([a-z0-9/]+)", MyPhotoHandler),
            url(r"/pictures/(.*)", RedirectHandler, {"url": r"/photos/{0}"}),
            url(r"/news", RedirectHandler, {"url": "/photos/today", "permanent": False}),
            url(r"/photos", CanonicalHandler),
        ]
    )


if __name__ == "__main__":
    make_app().listen(8888)
    waterspout.ioloop.IOLoop.current().start()
