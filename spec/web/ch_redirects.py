"""Redirection.

There are two ways to send a client elsewhere. Inside a handler, ``self.redirect(url)`` answers 302 Found, right for
sending the user on after a form, or 301 Moved Permanently with ``permanent=True``, or any other 3xx status given as
``status``. The URL goes into ``Location`` as it was given; a relative one is resolved by the client. The call ends
the request.

In the routing table, ``RedirectHandler`` does the same without a line of code. What a routing table says does not
change at run time, so its redirects are permanent unless ``permanent=False`` is among the arguments. Captured groups
of the pattern stand in the target as ``{0}``, ``{1}`` or by their names, and the query of the request goes along.

``addslash`` and ``removeslash`` decorate methods that are to be reached under one spelling of their path only.

RFC 9110 defines ``Location`` as a URI reference, so a target made of decoded path arguments must be encoded again;
Tornado sends spaces and other characters raw. Whatever a client put into its URL, a redirect must not let it add
fields to the answer.
"""

import asyncio

from conformance import api, compat, doc, each, labelled, must, observed, rfc, seed
from conformance.tracing import Trace, raised


async def redirected(serve, *arguments, **keywords):
    """Return the answer of a handler that calls ``redirect`` with these arguments."""

    class Old(api.web.RequestHandler):
        def get(self):
            self.redirect(*arguments, **keywords)

    return await (await serve([("/old.*", Old)])).get("/old")


async def routed(serve, pattern, path, **arguments):
    """Return the answer to ``path`` of a RedirectHandler with these arguments under ``pattern``."""
    server = await serve([api.web.url(pattern, api.web.RedirectHandler, arguments)])
    return await server.get(path)


# -- redirect() -------------------------------------------------------------------------------------------------------


@must(
    "web.redirect.default-302",
    "redirect(url) without a status answers 302 Found with the URL in Location.",
    doc("web.RequestHandler.redirect"),
    rfc(9110, "15.4.3", "RFC9110-15.4.3-1"),
    seed("SEED-246"),
    seed("SEED-247"),
)
async def test_redirect_default(serve):
    reply = await redirected(serve, "/new")
    assert (reply.code, reply.reason, reply.headers.get_all("Location")) == (302, "Found", ["/new"])


@must(
    "web.redirect.permanent-301",
    "redirect(url, permanent=True) answers 301 Moved Permanently.",
    doc("web.RequestHandler.redirect"),
    rfc(9110, "15.4.2", "RFC9110-15.4.2-1"),
    seed("SEED-247"),
)
async def test_redirect_permanent(serve):
    reply = await redirected(serve, "/new", permanent=True)
    assert (reply.code, reply.reason, reply.headers["Location"]) == (301, "Moved Permanently", "/new")


@must(
    "web.redirect.status",
    "redirect(url, status=code) answers with that code.",
    doc("web.RequestHandler.redirect"),
    rfc(9110, "15.4", "RFC9110-15.4.8-2", "RFC9110-15.4.9-1"),
)
@each(status=[301, 302, 303, 307, 308])
async def test_redirect_status(serve, status):
    reply = await redirected(serve, "/new", status=status)
    assert (reply.code, reply.headers["Location"]) == (status, "/new")


@must(
    "web.redirect.status-wins",
    "A status given to redirect is used whatever permanent says.",
    doc("web.RequestHandler.redirect"),
)
@each(permanent=[True, False])
async def test_status_wins(serve, permanent):
    assert (await redirected(serve, "/new", permanent=permanent, status=307)).code == 307


@compat(
    "web.redirect.status-range",
    "A status that is no redirection is refused with an exception, and no redirect is sent.",
    observed("web-redirects"),
)
@each(status=[200, 299, 400, labelled("text", "302")])
async def test_status_range(serve, status):
    reply = await redirected(serve, "/new", status=status)
    assert (reply.code, "Location" in reply.headers) == (500, False)


@must(
    "web.redirect.url-as-given",
    "The URL is sent as it was given: a relative one stays relative, an absolute one may lead to another host.",
    doc("web.RequestHandler.redirect"),
    rfc(9110, "10.2.2"),
)
@each(url=["/new", "new", "../up/new", "?page=2", "#part", "//other.example/new", "https://other.example/a?b=c%20d#e"])
async def test_url_as_given(serve, url):
    assert (await redirected(serve, url)).headers["Location"] == url


@must(
    "web.redirect.uri-reference",
    "Location is a URI reference: characters outside of ASCII, and spaces, are sent percent-encoded as UTF-8.",
    rfc(9110, "10.2.2"),
    rfc(3986, "2.1"),
)
@each(url=[labelled("non-ascii", ("/caf\u00e9", "/caf%C3%A9")), labelled("space", ("/a b", "/a%20b"))])
async def test_location_is_a_uri(serve, url):
    given, sent = url
    assert (await redirected(serve, given)).headers["Location"] == sent


@must(
    "web.redirect.ends-request",
    "redirect ends the request: the answer is sent, and writing or redirecting again raises an exception.",
    doc("web.RequestHandler.redirect"),
    seed("SEED-232"),
)
@each(again=["write", "redirect", "finish"])
async def test_redirect_ends_the_request(serve, again):
    trace = Trace()

    class Old(api.web.RequestHandler):
        def get(self):
            self.redirect("/new")
            trace.add(raised(Exception, getattr(self, again), *([] if again == "finish" else ["/newer"])))

    async with (await serve([("/old", Old)])).connection() as connection:
        for count in (1, 2):
            reply = await connection.fetch("GET", "/old")
            assert (reply.code, reply.headers["Location"], reply.body) == (302, "/new", b"")
            assert await trace.first(count) == [True] * count


@must(
    "web.redirect.in-prepare",
    "A redirect in prepare is the answer, and the method is not called.",
    doc("web.RequestHandler.prepare"),
    seed("SEED-232"),
)
async def test_redirect_in_prepare(serve):
    called = []

    class Private(api.web.RequestHandler):
        def prepare(self):
            self.redirect("/login")

        def post(self):
            called.append("post")

    reply = await (await serve([("/", Private)])).post("/")
    assert (reply.code, reply.headers["Location"], called) == (302, "/login", [])


@must(
    "web.redirect.after-post",
    "A handler may redirect after a form was posted; the client is sent on with 302.",
    doc("web.RequestHandler.redirect"),
    seed("SEED-247"),
)
async def test_redirect_after_post(serve):
    class Form(api.web.RequestHandler):
        def post(self):
            self.redirect(f"/thanks/{self.get_body_argument('name')}")

        def get(self, name):
            self.write(f"Thank you, {name}")

    server = await serve([("/form", Form), ("/thanks/(.*)", Form)])
    reply = await server.post("/form", {"name": "Ann"})
    assert (reply.code, reply.headers["Location"]) == (302, "/thanks/Ann")
    assert (await server.get(reply.headers["Location"])).text == "Thank you, Ann"


@must(
    "web.redirect.in-coroutine",
    "A coroutine may redirect after it has waited.",
    doc("web.RequestHandler.redirect"),
    doc("guide.coroutines"),
)
async def test_redirect_in_coroutine(serve):
    class Old(api.web.RequestHandler):
        async def get(self):
            await asyncio.sleep(0)
            self.redirect("/new")

    reply = await (await serve([("/", Old)])).get("/")
    assert (reply.code, reply.headers["Location"]) == (302, "/new")


@must(
    "web.redirect.after-flush",
    "After the head was sent, redirect raises an exception; the client sees one head, without Location.",
    doc("web.RequestHandler.redirect"),
)
async def test_redirect_after_flush(serve):
    class Page(api.web.RequestHandler):
        async def get(self):
            self.write("begun, ")
            await self.flush()
            self.write("refused" if raised(Exception, self.redirect, "/new") else "ignored")

    reply = await (await serve([("/", Page)])).get("/")
    assert (reply.code, reply.text, "Location" in reply.headers) == (200, "begun, refused", False)


@must(
    "web.redirect.keeps-fields",
    "Header fields and cookies set before redirect are sent with it.",
    doc("web.RequestHandler.redirect"),
)
async def test_redirect_keeps_fields(serve):
    class Login(api.web.RequestHandler):
        def get(self):
            self.set_header("Cache-Control", "no-store")
            self.set_cookie("user", "ann")
            self.redirect("/home")

    reply = await (await serve([("/", Login)])).get("/")
    assert (reply.code, reply.headers.get("Cache-Control")) == (302, "no-store")
    assert reply.headers["Set-Cookie"].startswith("user=ann;")


@compat("web.redirect.no-body", "A redirect has an empty body with Content-Length 0.", observed("web-redirects"))
async def test_redirect_has_no_body(serve):
    reply = await redirected(serve, "/new")
    assert (reply.body, reply.headers["Content-Length"]) == (b"", "0")


@must(
    "web.redirect.injection",
    "A URL with a line end in it is refused: it adds no field to the answer.",
    doc("web.RequestHandler.set_header"),
    rfc(9110, "5.5", "RFC9110-5.5-i1"),
)
@each(end=[labelled("crlf", "\r\n"), labelled("lf", "\n"), labelled("cr", "\r"), labelled("nul", "\0")])
async def test_redirect_injection(serve, end):
    reply = await redirected(serve, f"/new{end}Set-Cookie: user=eve")
    assert reply.code == 500 or reply.headers["Location"].isprintable()
    assert "Set-Cookie" not in reply.headers


# -- RedirectHandler --------------------------------------------------------------------------------------------------


@must(
    "web.redirect-handler.default-301",
    "RedirectHandler answers 301 unless told otherwise, with its url in Location.",
    doc("web.RedirectHandler"),
    seed("SEED-246"),
    seed("SEED-248"),
    seed("SEED-251"),
)
async def test_route_default(serve):
    reply = await routed(serve, "/app", "/app", url="http://apps.example/my-app-id")
    assert (reply.code, reply.headers.get_all("Location")) == (301, ["http://apps.example/my-app-id"])


@must(
    "web.redirect-handler.temporary-302",
    "permanent=False among its arguments makes RedirectHandler answer 302.",
    doc("web.RedirectHandler"),
    seed("SEED-251"),
)
@each(permanent=[(False, 302), (True, 301)])
async def test_route_permanent(serve, permanent):
    flag, status = permanent
    assert (await routed(serve, "/app", "/app", url="/new", permanent=flag)).code == status


@must(
    "web.redirect-handler.groups",
    "Captured groups replace {0}, {1}, ... in the url of RedirectHandler, in any order and number.",
    doc("web.RedirectHandler"),
    seed("SEED-249"),
    seed("SEED-250"),
)
@each(
    route=[
        labelled("one", ("/pictures/(.*)", "/photos/{0}", "/pictures/2012/may.png", "/photos/2012/may.png")),
        labelled("two", (r"/(\w+)/by/(\w+)", "/{1}/{0}", "/book/by/ann", "/ann/book")),
        labelled("twice", (r"/(\w+)", "/{0}/{0}", "/x", "/x/x")),
        labelled("unused", ("/old/(.*)", "/gone", "/old/x", "/gone")),
        labelled("braces", ("/old/(.*)", "/new/{0}", "/old/a{0}b", "/new/a{0}b")),
    ]
)
async def test_route_groups(serve, route):
    pattern, url, path, expected = route
    location = (await routed(serve, pattern, path, url=url)).headers["Location"]
    # Braces are no URI characters: sent encoded or not, they are the client's own.
    assert location.replace("%7B", "{").replace("%7D", "}") == expected


@must(
    "web.redirect-handler.named-groups",
    "Named groups replace their names in braces.",
    doc("web.RedirectHandler"),
    seed("SEED-250"),
)
async def test_route_named_groups(serve):
    pattern = r"/archive/(?P<year>\d+)/(?P<month>\d+)"
    reply = await routed(serve, pattern, "/archive/2012/05", url="/{month}-{year}")
    assert reply.headers["Location"] == "/05-2012"


@must(
    "web.redirect-handler.groups-encoded",
    "A group that came percent-encoded is percent-encoded in Location too.",
    doc("web.RedirectHandler"),
    rfc(9110, "10.2.2"),
)
@each(part=["a%20b", "caf%C3%A9", "a%3Fb"])
async def test_route_groups_encoded(serve, part):
    reply = await routed(serve, "/pictures/(.*)", f"/pictures/{part}", url="/photos/{0}")
    assert reply.headers["Location"] == f"/photos/{part}"


@must(
    "web.redirect-handler.injection",
    "A path with an encoded line end adds no field to the redirect.",
    doc("web.RedirectHandler"),
    rfc(9110, "5.5", "RFC9110-5.5-i1"),
)
@each(end=["%0d%0a", "%0a", "%0d", "%00"])
async def test_route_injection(serve, end):
    reply = await routed(serve, "/old/(.*)", f"/old/x{end}Set-Cookie:%20user=eve", url="/new/{0}")
    assert reply.code in (301, 400, 404)
    assert "Set-Cookie" not in reply.headers
    assert reply.headers.get("Location", "").isprintable()


@must(
    "web.redirect-handler.query",
    "RedirectHandler passes the query of the request on: names repeated, empty values and encoded characters included.",
    doc("web.RedirectHandler"),
)
@each(query=["page=2", "a=1&a=2&b=3", "name=caf%C3%A9&sign=%26", "empty=&x=1"])
async def test_route_query(serve, query):
    reply = await routed(serve, "/old", f"/old?{query}", url="/new")
    assert reply.headers["Location"] == f"/new?{query}"


@must(
    "web.redirect-handler.query-joined",
    "The query of the request is added to the one that the url of RedirectHandler has itself, before a fragment.",
    doc("web.RedirectHandler"),
    rfc(3986, "3"),
)
@each(
    url=[
        labelled("query", ("/new?lang=en", "/new?lang=en&page=2")),
        labelled("fragment", ("/new#top", "/new?page=2#top")),
        labelled("host", ("http://other.example/new", "http://other.example/new?page=2")),
    ]
)
async def test_route_query_joined(serve, url):
    target, expected = url
    assert (await routed(serve, "/old", "/old?page=2", url=target)).headers["Location"] == expected


@must(
    "web.redirect-handler.no-query",
    "Without a query in the request, nothing is added to the url.",
    doc("web.RedirectHandler"),
)
@each(path=["/old", "/old?"])
async def test_route_without_query(serve, path):
    assert (await routed(serve, "/old", path, url="/new")).headers["Location"] == "/new"


@must(
    "web.redirect-handler.get-only",
    "RedirectHandler redirects GET; a form posted to it is not sent on.",
    doc("web.RedirectHandler"),
)
@each(method=["POST", "PUT", "DELETE"])
async def test_route_redirects_get_only(serve, method):
    server = await serve([("/old", api.web.RedirectHandler, {"url": "/new"})])
    reply = await server.fetch(method, "/old", body=b"")
    assert (reply.code, "Location" in reply.headers) == (405, False)


@must(
    "web.redirect-handler.first-match",
    "A RedirectHandler takes its place in the routing table like any other handler.",
    doc("web.RedirectHandler"),
    seed("SEED-209"),
    seed("SEED-248"),
)
async def test_route_order(serve):
    class Keep(api.web.RequestHandler):
        def get(self):
            self.write("kept")

    moved = api.web.url("/pictures/(.*)", api.web.RedirectHandler, {"url": "/photos/{0}"}, name="moved")
    server = await serve([("/pictures/logo", Keep), moved, ("/pictures/late", Keep)])
    codes = [(await server.get(f"/pictures/{name}")).code for name in ("logo", "late", "other")]
    assert codes == [200, 301, 301]
    assert server.application.reverse_url("moved", "x") == "/pictures/x"


# -- one spelling of a path -------------------------------------------------------------------------------------------


def slashed(decorator):
    """Return a handler whose methods are under ``web.addslash`` or ``web.removeslash``."""

    class Page(api.web.RequestHandler):
        @getattr(api.web, decorator)
        def get(self):
            self.write("page")

        head = post = get

    return Page


@must(
    "web.redirect.addslash",
    "Under addslash, a path without a slash at its end is redirected to the one with it, query included.",
    doc("web.addslash"),
)
@each(method=["GET", "HEAD"])
async def test_addslash(serve, method):
    server = await serve([("/page/?", slashed("addslash"))])
    reply = await server.fetch(method, "/page?a=1")
    assert (reply.code, reply.headers["Location"]) == (301, "/page/?a=1")
    assert (await server.fetch(method, "/page/?a=1")).code == 200


@must(
    "web.redirect.removeslash",
    "Under removeslash, a path with a slash at its end is redirected to the one without, query included.",
    doc("web.removeslash"),
)
@each(method=["GET", "HEAD"])
async def test_removeslash(serve, method):
    server = await serve([("/page/?", slashed("removeslash"))])
    reply = await server.fetch(method, "/page/?a=1")
    assert (reply.code, reply.headers["Location"]) == (301, "/page?a=1")
    assert (await server.fetch(method, "/page?a=1")).code == 200


@must(
    "web.redirect.slash-methods",
    "addslash and removeslash redirect GET and HEAD only; a POST to the other spelling is not found.",
    doc("web.addslash"),
    doc("web.removeslash"),
)
@each(decorator=["addslash", "removeslash"])
async def test_slash_methods(serve, decorator):
    server = await serve([("/page/?", slashed(decorator))])
    wrong, right = ("/page", "/page/") if decorator == "addslash" else ("/page/", "/page")
    assert (await server.post(wrong)).code == 404
    assert (await server.post(right)).text == "page"


@compat(
    "web.redirect.slash-of-another-host",
    "removeslash does not turn a path of several slashes into the address of another host.",
    observed("web-redirects"),
)
async def test_removeslash_keeps_the_host(serve):
    server = await serve([("/.*", slashed("removeslash"))])
    reply = await server.get("//other.example/")
    assert not reply.headers.get("Location", "").startswith("//")
