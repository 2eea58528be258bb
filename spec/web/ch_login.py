"""Users

``get_current_user`` says who sent a request, mostly from a signed cookie; ``current_user`` remembers the answer.
Methods decorated with ``authenticated`` are for users only. Others are sent to the login page, with the URL they
wanted in the argument ``next``; a POST, which cannot be repeated after the login, gets 403.

The login page will send people to ``next``, so nothing that leads to another site may get in there: a path that begins
with two slashes is the address of a host.
"""

from urllib.parse import parse_qs, urlsplit

from conformance import api, doc, each, labelled, must, rfc, seed
from conformance.tracing import Trace


async def visited(serve, path="/page", method="GET", user=None, base=None, **settings):
    """Return the answer to a visit of a page for users."""

    class Page(base or api.web.RequestHandler):
        def get_current_user(self):
            return user

        @api.web.authenticated
        def get(self):
            self.write(f"hello {self.current_user}")

        head = post = put = get

    return await (await serve([("/.*", Page)], **{"login_url": "/login", **settings})).fetch(method, path)


@must(
    "web.user.current",
    "current_user is what get_current_user returns, who is asked once for a request.",
    doc("web.RequestHandler.current_user"),
    seed("SEED-238"),
)
@each(user=["somebody", labelled("nobody", None)])
async def test_current_user(serve, user):
    trace = Trace()

    class Page(api.web.RequestHandler):
        def get_current_user(self):
            trace.add("asked")
            return user

        def get(self):
            self.write({"seen": [self.current_user, self.current_user]})

    assert (await (await serve([("/", Page)])).get("/")).json() == {"seen": [user, user]}
    assert list(trace) == ["asked"]


@must(
    "web.user.assigned",
    "current_user may be assigned, in prepare for instance; get_current_user is not asked then.",
    doc("web.RequestHandler.current_user"),
)
async def test_assigned_user(serve):
    class Page(api.web.RequestHandler):
        async def prepare(self):
            self.current_user = "assigned"

        def get_current_user(self):
            return "asked"

        @api.web.authenticated
        def get(self):
            self.write(self.current_user)

    assert (await (await serve([("/", Page)])).get("/")).text == "assigned"


@must(
    "web.user.default",
    "Without get_current_user there is no user.",
    doc("web.RequestHandler.get_current_user"),
)
async def test_no_user(serve):
    class Page(api.web.RequestHandler):
        def get(self):
            self.write(repr(self.current_user))

    assert (await (await serve([("/", Page)])).get("/")).text == "None"


@must(
    "web.authenticated.user",
    "A method decorated with authenticated is called for users.",
    doc("web.authenticated"),
)
@each(method=["GET", "POST"])
async def test_user(serve, method):
    assert (await visited(serve, user="somebody", method=method)).text == "hello somebody"


@must(
    "web.authenticated.redirect",
    "Others are redirected to login_url, with the URL that they wanted in the argument next.",
    doc("web.authenticated"),
)
@each(method=["GET", "HEAD"])
@each(path=["/page", "/a%20b?c=d&e=%2F"])
async def test_login_redirect(serve, method, path):
    reply = await visited(serve, path, method)
    target = urlsplit(reply.headers["Location"])
    assert (reply.code, target.path, parse_qs(target.query)) == (302, "/login", {"next": [path]})


@must(
    "web.authenticated.other-methods",
    "Other methods are refused with 403.",
    doc("web.authenticated"),
)
@each(method=["POST", "PUT"])
async def test_other_methods(serve, method):
    assert (await visited(serve, method=method)).code == 403


@must(
    "web.authenticated.own-query",
    "A login_url with a query of its own is used as it is.",
    doc("web.authenticated"),
)
async def test_own_query(serve):
    assert (await visited(serve, login_url="/login?from=here")).headers["Location"] == "/login?from=here"


@must(
    "web.authenticated.absolute",
    "To a login page on another host the whole URL is given.",
    doc("web.authenticated"),
)
async def test_absolute(serve):
    target = urlsplit((await visited(serve, login_url="https://login.example/")).headers["Location"])
    (wanted,) = parse_qs(target.query)["next"]
    assert (target.netloc, urlsplit(wanted).scheme, urlsplit(wanted).path) == ("login.example", "http", "/page")
    assert urlsplit(wanted).netloc.startswith("127.0.0.1")


@must(
    "web.authenticated.another-host",
    "Whatever path was asked for, next does not lead to another host.",
    doc("web.authenticated"),
    rfc(3986, "4.2"),
)
@each(path=["//evil.example/", "///evil.example", "//evil.example/?x=1"])
async def test_another_host(serve, path):
    (wanted,) = parse_qs(urlsplit((await visited(serve, path)).headers["Location"]).query)["next"]
    assert not wanted.startswith("//")


@must(
    "web.authenticated.login-url",
    "get_login_url, overridden, names the login page of a handler.",
    doc("web.RequestHandler.get_login_url"),
)
async def test_get_login_url(serve):
    class Own(api.web.RequestHandler):
        def get_login_url(self):
            return "/own-login"

    assert (await visited(serve, base=Own)).headers["Location"].startswith("/own-login?next=")


@must(
    "web.authenticated.setting-required",
    "Without login_url the redirect fails, with an exception that names the setting.",
    doc("web.RequestHandler.get_login_url"),
)
async def test_login_url_required(serve, logs):
    reply = await visited(serve, login_url=None)
    assert reply.code == 500
    assert any("login_url" in str(record.exc_info and record.exc_info[1]) for record in logs.trace)
