# Forms and uploads as in the user's guide: MyFormHandler, files in a form, JSON by prepare.
# Run it with "python examples/forms/classic.py" and open http://localhost:8888/myform
import json

import waterspout.ioloop
import waterspout.web


class MyFormHandler(waterspout.web.RequestHandler):
    def get(self):
        self.write(
            '<html><body><form action="/myform" method="POST">'
            '<input type="text" name="message">'
            '<input type="submit" value="Submit">'
            "</form></body></html>"
        )

    def post(self):
        self.set_header("Content-Type", "text/plain")
        self.write("You wrote " + self.get_body_argument("message"))


class UploadHandler(waterspout.web.RequestHandler):
    def post(self):
        for files in self.request.files.values():
            for file in files:
                self.write(f'POST: "{file.filename}" "{file.content_type}" {len(file.body)} bytes\n')


class JSONHandler(waterspout.web.RequestHandler):
    def prepare(self):
        if self.request.headers.get("Content-Type", "").startswith("application/json"):
            self.json_args = json.loads(self.request.body)
        else:
            self.json_args = None

    def post(self):
        self.write({"received": self.json_args})


def make_app():
    return waterspout.web.Application([(r"/myform", MyFormHandler), (r"/post", UploadHandler), (r"/json", JSONHandler)])


if __name__ == "__main__":
    make_app().listen(8888)
    waterspout.ioloop.IOLoop.current().start()
