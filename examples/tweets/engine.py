# Tweets per second, with gen.engine and gen.Task: the callback version, written in one place.
# Run "python examples/tweets/search_api.py" and "python examples/tweets/engine.py", and open
# http://localhost:8000/?q=pants
from page import page, search_url

import waterspout as tornado
import waterspout.gen
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
    @tornado.gen.engine
    def get(self):
        query = self.get_argument("q")
        client = tornado.httpclient.AsyncHTTPClient()
        response = yield tornado.gen.Task(client.fetch, search_url(options.search, query))
        # With Task, too, an error waits in the response.
        response.rethrow()
        self.write(page(query, response.body))
        self.finish()


def make_app():
    return tornado.web.Application(handlers=[(r"/", IndexHandler)])


if __name__ == "__main__":
    tornado.options.parse_command_line()
    http_server = tornado.httpserver.HTTPServer(make_app())
    http_server.listen(options.port)
    tornado.ioloop.IOLoop.instance().start()
