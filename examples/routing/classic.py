# Routing as in the user's guide: groups become arguments, a route has a name and brings a database along.
# Run it with "python examples/routing/classic.py" and open http://localhost:8888/
import waterspout.ioloop
from waterspout.web import Application, HTTPError, RequestHandler, url


class MainHandler(RequestHandler):
    def get(self):
        self.write('<a href="{}">link to story 1</a>'.format(self.reverse_url("story", "1")))


class StoryHandler(RequestHandler):
    def initialize(self, db):
        self.db = db

    def get(self, story_id):
        # What a group matched is text.
        if story_id not in self.db:
            raise HTTPError(404)
        self.write(f"this is story {story_id}: {self.db[story_id]}")


def make_app():
    db = {"1": "a beginning", "2": "a middle", "3": "an end"}
    return Application(
        [
            url(r"/", MainHandler),
            url(r"/story/([0-9]+)", StoryHandler, {"db": db}, name="story"),
        ]
    )


if __name__ == "__main__":
    make_app().listen(8888)
    waterspout.ioloop.IOLoop.current().start()
