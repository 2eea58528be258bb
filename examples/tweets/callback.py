# Tweets per second, with a callback: get() returns at once, and on_response ends the request.
# Run "python examples/tweets/search_api.py" and "python examples/tweets/callback.py", and open
# http://localhost:8000/?q=pants
from page import page, search_url

import waterspout as tornado
import waterspout.httpclient
import waterspout.httpserver
import waterspout.ioloop
import waterspout.options
import waterspout.web
from waterspout.options import define, options

define("port", default=8000, help="run on the given port", type=int)
define("search", default="http://localhost:8001/search.json", help="address of the search API", type=str)


class IndexHandler(tornado.web.RequestHandler):
    @tornado.web.asynchronous
    def get(self):
        query = self.get_argument("q")
        client = tornado.httpclient.AsyncHTTPClient()
        client.fetch(search_url(options.search, query), callback=self.on_response)

    def on_response(self, response):
        # With a callback an error is no exception: it waits in the response.
        response.rethrow()
        self.write(page(self.get_argument("q"), response.body))
        self.finish()


def make_app():
    return tornado.web.Application(handlers=[(r"/", IndexHandler)])


if __name__ == "__main__":
    tornado.options.parse_command_line()
    http_server = tornado.httpserver.HTTPServer(make_app())
    http_server.listen(options.port)
    tornado.ioloop.IOLoop.instance().start()
