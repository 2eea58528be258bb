# A site to crawl: a thousand pages below http://localhost:8888/docs/, with loops, fragments and links to elsewhere.
import waterspout.ioloop
import waterspout.web
from waterspout.options import define, options, parse_command_line


class PageHandler(waterspout.web.RequestHandler):
    """Page n links to three that nothing else leads to, to two that others link to, home, and elsewhere."""

    def initialize(self, pages):
        self.pages = pages

    def get(self, number):
        number = int(number or 0)
        if number >= self.pages:
            raise waterspout.web.HTTPError(404)
        children = [child for child in range(3 * number + 1, 3 * number + 4) if child < self.pages]
        others = [(7 * number + step) % self.pages for step in (1, 5)]
        self.write(f"<h1>Page {number}</h1>\n<ul>\n")
        for page in children + others:
            self.write(f'<li><a href="{page or "./"}{".html" if page else ""}#top">page {page}</a>\n')
        self.write('</ul>\n<a href="./">home</a> <a href="/elsewhere">out of here</a>\n')


def make_app(pages):
    return waterspout.web.Application([(r"/docs/(?:(\d+)\.html)?", PageHandler, {"pages": pages})])


if __name__ == "__main__":
    define("port", default=8888, help="run on the given port", type=int)
    define("pages", default=1000, help="number of pages", type=int)
    parse_command_line()
    make_app(options.pages).listen(options.port)
    waterspout.ioloop.IOLoop.current().start()
