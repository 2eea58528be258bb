# Tweets per second, synchronously: while the search API is asked, this process serves nobody else.
# Run "python examples/tweets/search_api.py" and "python examples/tweets/synchronous.py", and open
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
    def get(self):
        query = self.get_argument("q")
        client = tornado.httpclient.HTTPClient()
        response = client.fetch(search_url(options.search, query))
        self.write(page(query, response.body))


def make_app():
    return tornado.web.Application(handlers=[(r"/", IndexHandler)])


if __name__ == "__main__":
    tornado.options.parse_command_line()
    http_server = tornado.httpserver.HTTPServer(make_app())
    http_server.listen(options.port)
    tornado.ioloop.IOLoop.instance().start()
