# Error pages as in the user's guide: write_error in a base class, set_status, Finish, and a handler for what no route
# matches.
# Run it with "python examples/errors/classic.py" and open http://localhost:8888/nowhere
import traceback
from http.client import responses

import waterspout.ioloop
from waterspout.escape import xhtml_escape
from waterspout.web import Application, Finish, HTTPError, RequestHandler


class BaseHandler(RequestHandler):
    def set_default_headers(self):
        self.set_header("Server", "Burt's")

    def write_error(self, status_code, **kwargs):
        self.write("<h1>Sorry: {} {}</h1>".format(status_code, responses.get(status_code, "Unknown")))
        if self.settings.get("serve_traceback") and "exc_info" in kwargs:
            # sys.exc_info() need not be this exception.
            text = "".join(traceback.format_exception(*kwargs["exc_info"]))
            self.write(f"<pre>{xhtml_escape(text)}</pre>")


class BrokenHandler(BaseHandler):
    def get(self):
        raise ZeroDivisionError("a bug")


class ForbiddenHandler(BaseHandler):
    def get(self):
        raise HTTPError(403)


class TeapotHandler(BaseHandler):
    def get(self):
        self.refuse()

    def refuse(self):
        self.set_status(418, "Teapot")
        self.write("no coffee here")
        raise Finish()


class NotFoundHandler(BaseHandler):
    # In prepare, so that it answers every method.
    def prepare(self):
        raise HTTPError(404)


def make_app(**settings):
    return Application(
        [(r"/broken", BrokenHandler), (r"/forbidden", ForbiddenHandler), (r"/teapot", TeapotHandler)],
        default_handler_class=NotFoundHandler,
        **settings,
    )


if __name__ == "__main__":
    make_app().listen(8888)
    waterspout.ioloop.IOLoop.current().start()
