# The "Hello world" of the user guide; only the imports differ.
# Run it with "python examples/hello.py" and open http://localhost:8888/
import waterspout as tornado
import waterspout.ioloop
import waterspout.web


class MainHandler(tornado.web.RequestHandler):
    def get(self):
        self.write("Hello world")


def make_app():
    return tornado.web.Application(
        [
            (r"/", MainHandler),
        ]
    )


if __name__ == "__main__":
    app = make_app()
    app.listen(8888)
    tornado.ioloop.IOLoop.current().start()
