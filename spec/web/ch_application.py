"""The application and its routes.

``Application`` holds what is common to all requests: the routing table and the settings. A route is a pattern for the
whole path and a handler class, with arguments for ``initialize`` and a name if wanted; it is written as a tuple or as
a ``URLSpec``, which is also called ``url``. The table is searched from the top, and the first match wins. A path that
matches nothing is answered with 404.

A route with a name can be turned round: ``reverse_url`` makes the path from the name and the arguments. Routes for
certain host names are added with ``add_handlers``.

Programs may subclass ``Application`` to keep what all handlers share; a handler reaches it as ``self.application``.
"""

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, seed


def saying(text):
    """Return a handler class whose GET writes ``text``."""

    class Saying(api.web.RequestHandler):
        def get(self, *args):
            self.write(text)

    return Saying


@must(
    "web.application.hello",
    "An application of one route and one handler answers on its path.",
    doc("web.Application"),
    seed("SEED-206"),
    seed("SEED-207"),
    seed("SEED-257"),
    seed("SEED-018"),
)
async def test_hello(serve):
    class MainHandler(api.web.RequestHandler):
        def get(self):
            self.write("Hello, world")

    reply = await (await serve(api.web.Application([(r"/", MainHandler)]))).get("/")
    assert (reply.code, reply.text) == (200, "Hello, world")


@must(
    "web.application.first-match",
    "The first route that matches is used, wherever a better one stands.",
    doc("web.Application"),
    seed("SEED-209"),
)
async def test_first_match(serve):
    routes = [("/a/x", saying("exact")), ("/a/.*", saying("wide")), ("/a/y", saying("too late"))]
    server = await serve(routes)
    assert [(await server.get(path)).text for path in ("/a/x", "/a/y", "/a/z")] == ["exact", "wide", "wide"]


@must(
    "web.application.spellings",
    "A route may be a tuple, a URLSpec or url(); the table may be a list of any of them.",
    doc("web.URLSpec"),
    seed("SEED-209"),
    seed("SEED-213"),
)
@each(spelling=["tuple", "URLSpec", "url"])
async def test_spellings(serve, spelling):
    make = tuple if spelling == "tuple" else lambda row: getattr(api.web, spelling)(*row)

    class Page(api.web.RequestHandler):
        def initialize(self, text):
            self.text = text

        def get(self):
            self.write(f"{self.text} at {self.reverse_url('page')}")

    server = await serve([make(("/other", saying("other"))), make(("/page", Page, {"text": "here"}, "page"))])
    assert [(await server.get(path)).text for path in ("/other", "/page")] == ["other", "here at /page"]


@must(
    "web.application.whole-path",
    "A pattern must match the whole path, from its first character to its last; the query is no part of it.",
    doc("routing.PathMatches"),
)
async def test_whole_path(serve):
    server = await serve([("/page", saying("page")), ("/page2?", saying("regex"))])
    codes = {path: (await server.get(path)).code for path in ("/page", "/page?x=1", "/page/", "/pages", "/a/page")}
    assert codes == {"/page": 200, "/page?x=1": 200, "/page/": 404, "/pages": 404, "/a/page": 404}


@must(
    "web.application.mixed-groups",
    "The groups of a pattern are all named or all positional; a mixture is refused when the route is made.",
    doc("routing.PathMatches"),
)
async def test_mixed_groups(serve):
    with pytest.raises((AssertionError, ValueError)):
        api.web.Application([(r"/(\w+)/(?P<name>\w+)", saying("mixed"))])


@must(
    "web.application.no-match-404",
    "A path that no route matches is answered with 404, whatever the method.",
    doc("web.Application"),
)
@each(method=["GET", "POST", "DELETE"])
async def test_no_match(serve, method):
    server = await serve([("/", saying("root"))])
    assert (await server.fetch(method, "/absent", body=b"")).code == 404


@must(
    "web.application.settings",
    "Keyword arguments of Application are its settings; handlers see them as self.settings.",
    doc("web.Application.settings"),
    seed("SEED-208"),
    seed("SEED-215"),
)
async def test_settings(serve):
    class Page(api.web.RequestHandler):
        def get(self):
            self.write({"mine": self.settings["shop"], "same": self.settings is self.application.settings})

    server = await serve([("/", Page)], shop={"name": "Burt's Books"})
    assert (await server.get("/")).json() == {"mine": {"name": "Burt's Books"}, "same": True}
    assert server.application.settings["shop"] == {"name": "Burt's Books"}


@must(
    "web.application.subclass",
    "A subclass of Application may set its own attributes before it passes routes and settings on; handlers reach it.",
    doc("web.RequestHandler.application"),
    seed("SEED-071"),
    seed("SEED-070"),
)
async def test_subclass(serve):
    class Detail(api.web.RequestHandler):
        def get(self):
            self.write({"left": self.application.left, "title": self.settings["title"]})

    class Shop(api.web.Application):
        def __init__(self):
            self.left = 10
            api.web.Application.__init__(self, [("/", Detail)], title="Books")

    assert (await (await serve(Shop())).get("/")).json() == {"left": 10, "title": "Books"}


@must(
    "web.application.reverse",
    "reverse_url makes the path of a named route from its arguments, in the handler and in the application.",
    doc("web.Application.reverse_url"),
    doc("web.RequestHandler.reverse_url"),
    seed("SEED-212"),
    seed("SEED-213"),
)
async def test_reverse(serve):
    class Main(api.web.RequestHandler):
        def get(self):
            self.write(self.reverse_url("story", "1"))

    url = api.web.url
    server = await serve([url(r"/", Main, name="main"), url(r"/story/([0-9]+)", saying("story"), name="story")])
    assert (await server.get("/")).text == "/story/1"
    reverse = server.application.reverse_url
    assert [reverse("main"), reverse("story", 22)] == ["/", "/story/22"]


@must(
    "web.application.reverse-escapes",
    "reverse_url percent-encodes its arguments, so that the path leads back to them.",
    doc("web.Application.reverse_url"),
)
@each(argument=["a b", "ü", "100%"])
async def test_reverse_escapes(serve, argument):
    class Echo(api.web.RequestHandler):
        def get(self, part):
            self.write(part)

    server = await serve([api.web.url("/echo/(.*)", Echo, name="echo")])
    path = server.application.reverse_url("echo", argument)
    assert path.isascii()
    assert (await server.get(path)).text == argument


@must(
    "web.application.reverse-unknown",
    "reverse_url of a name that no route has raises KeyError.",
    doc("web.Application.reverse_url"),
)
async def test_reverse_unknown(serve):
    application = api.web.Application([api.web.url("/", saying("root"), name="root")])
    with pytest.raises(KeyError):
        application.reverse_url("absent")


@must(
    "web.application.hosts",
    "add_handlers adds routes for hosts that match its pattern; they stand before those for all hosts.",
    doc("web.Application.add_handlers"),
)
async def test_hosts(serve):
    application = api.web.Application([("/", saying("everybody")), ("/all", saying("all"))])
    application.add_handlers(r"(www\.)?shop\.example", [("/", saying("shop"))])
    server = await serve(application)
    hosts = ("shop.example", "www.shop.example:8080", "shop.example.org", "other.example")
    texts = [(await server.get("/", headers={"Host": host})).text for host in hosts]
    assert texts == ["shop", "shop", "everybody", "everybody"]
    assert (await server.get("/all", headers={"Host": "shop.example"})).text == "all"


@must(
    "web.application.nested",
    "The target of a route may be another application or router, which then routes the request by itself.",
    doc("routing"),
)
async def test_nested(serve):
    inner = api.web.Application([("/inner/a", saying("inner a")), ("/inner/.*", saying("inner"))])
    server = await serve([("/", saying("outer")), ("/inner/.*", inner)])
    texts = [(await server.get(path)).text for path in ("/", "/inner/a", "/inner/b")]
    assert texts == ["outer", "inner a", "inner"]


@compat(
    "web.application.unknown-handler-name",
    "A handler may be named by a text with its import path; it is imported when the route is made.",
    observed("web-handlers"),
)
async def test_handler_by_name(serve):
    server = await serve([("/gone", f"{api.package}.web.ErrorHandler", {"status_code": 410})])
    assert (await server.get("/gone")).code == 410
    with pytest.raises(ImportError):
        api.web.Application([("/", f"{api.package}.web.NoSuchHandler")])


@must(
    "web.application.several-servers",
    "Two applications in one process do not see each other's routes and settings.",
    doc("web.Application"),
    seed("SEED-208"),
)
@each(order=[labelled("first", 0), labelled("second", 1)])
async def test_two_applications(serve, order):
    class Name(api.web.RequestHandler):
        def get(self):
            self.write(self.settings["name"])

    servers = [await serve([(f"/{name}", Name)], name=name) for name in ("first", "second")]
    name, other = ("first", "second") if order == 0 else ("second", "first")
    assert (await servers[order].get(f"/{name}")).text == name
    assert (await servers[order].get(f"/{other}")).code == 404
