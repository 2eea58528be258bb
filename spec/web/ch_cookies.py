"""Cookies

``cookies`` holds what the client sent, ``get_cookie`` the text of one. ``set_cookie`` adds a ``Set-Cookie`` field to
the answer; it stays if the answer becomes an error page. Attributes are arguments: ``domain``, ``path`` ("/" unless
told otherwise), ``expires`` or ``expires_days``, ``max_age``, ``secure``, ``httponly``, ``samesite``; other spellings
of their names, as in ``HttpOnly=True``, work too. ``clear_cookie`` sets an empty cookie that has expired, and must be
given the path and domain that the cookie was set with.

Names, values and attributes may come from users. None of them may add an attribute, a cookie or a field.
"""

import datetime

from conformance import api, compat, doc, each, labelled, must, observed, rfc
from conformance.tracing import raised


async def answer(serve, act, cookie=None):
    """Return the answer of a handler that does ``act(handler)``, asked with this Cookie field."""

    class Page(api.web.RequestHandler):
        def get(self):
            act(self)

    return await (await serve([("/", Page)])).get("/", headers=[("Cookie", cookie)] if cookie else [])


async def set_fields(serve, act, cookie=None):
    """Return the Set-Cookie fields of :func:`answer`, as pairs of the cookie and its attributes in lower case."""
    fields = (await answer(serve, act, cookie)).headers.get_all("Set-Cookie")
    split = [[part.strip() for part in field.split(";")] for field in fields]
    return [(pair, {part.lower().split("=")[0]: part.partition("=")[2] for part in rest}) for pair, *rest in split]


# -- reading ----------------------------------------------------------------------------------------------------------


@must(
    "web.cookie.get",
    "get_cookie returns the value of a cookie of the request, or the default.",
    doc("web.RequestHandler.get_cookie"),
)
async def test_get_cookie(serve):
    reply = await answer(
        serve,
        lambda self: self.write({"all": [self.get_cookie("a"), self.get_cookie("b"), self.get_cookie("b", "x")]}),
        cookie="a=1; c=2",
    )
    assert reply.json() == {"all": ["1", None, "x"]}


@must(
    "web.cookie.all",
    "cookies maps names to objects with the value of each cookie of the request.",
    doc("web.RequestHandler.cookies"),
)
async def test_cookies(serve):
    reply = await answer(
        serve, lambda self: self.write({name: morsel.value for name, morsel in self.cookies.items()}), "a=1; b=x=y"
    )
    assert reply.json() == {"a": "1", "b": "x=y"}


@must(
    "web.cookie.malformed",
    "Cookies that are malformed, or of names that no cookie may have, hide no others and cause no error.",
    rfc(6265, "6.1", "RFC6265-6.1-3"),
    doc("web.RequestHandler.cookies"),
)
@each(
    field=[
        labelled("no-name", "=x; a=1"),
        labelled("bad-name", "b[]=x; a=1"),
        labelled("no-value", "; ; b; a=1"),
        labelled("quote", 'b="x; a=1'),
        labelled("controls", "b=\x01; a=1"),
        labelled("latin-1", "b=caf\u00e9; a=1"),
    ]
)
async def test_malformed_cookies(serve, field):
    reply = await answer(serve, lambda self: self.write(self.get_cookie("a", "none")), field)
    assert reply.code == 400 or (reply.code, reply.text) == (200, "1")


# -- setting ----------------------------------------------------------------------------------------------------------


@must(
    "web.cookie.set",
    "set_cookie sends a cookie for the path / that lasts as long as the browser.",
    doc("web.RequestHandler.set_cookie"),
    rfc(6265, "1", "RFC6265-1-1"),
    rfc(6265, "4.1.1", "RFC6265-4.1.1-1"),
)
async def test_set_cookie(serve):
    assert await set_fields(serve, lambda self: self.set_cookie("a", "b")) == [("a=b", {"path": "/"})]


@must(
    "web.cookie.attributes",
    "Each argument of set_cookie becomes the attribute of its name.",
    doc("web.RequestHandler.set_cookie"),
    rfc(6265, "4.1.1", "RFC6265-4.1.1-3"),
)
async def test_attributes(serve):
    given = {"domain": "d.example", "path": "/p", "max_age": 5, "secure": True, "httponly": True, "samesite": "Lax"}
    ((_, attributes),) = await set_fields(serve, lambda self: self.set_cookie("a", "b", **given))
    sent = {"domain": "d.example", "path": "/p", "max-age": "5", "secure": "", "httponly": "", "samesite": "Lax"}
    assert attributes == sent


@must(
    "web.cookie.attribute-spelling",
    "Attributes may also be given by the names of http.cookies, in any case.",
    doc("web.RequestHandler.set_cookie"),
)
async def test_attribute_spelling(serve):
    ((_, attributes),) = await set_fields(serve, lambda self: self.set_cookie("a", "b", HttpOnly=True, Secure=True))
    assert attributes == {"path": "/", "httponly": "", "secure": ""}


@must(
    "web.cookie.expires",
    "expires is a time, which is sent in the form of RFC 1123.",
    doc("web.RequestHandler.set_cookie"),
    rfc(6265, "4.1.1", "RFC6265-4.1.1-5"),
)
@each(when=[labelled("datetime", datetime.datetime(2030, 1, 2, 3, 4, 5)), labelled("seconds", 1893553445)])
async def test_expires(serve, when):
    ((_, attributes),) = await set_fields(serve, lambda self: self.set_cookie("a", "b", expires=when))
    assert attributes["expires"] == "Wed, 02 Jan 2030 03:04:05 GMT"


@must(
    "web.cookie.expires-days",
    "expires_days counts days from now.",
    doc("web.RequestHandler.set_cookie"),
)
async def test_expires_days(serve):
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    ((_, attributes),) = await set_fields(serve, lambda self: self.set_cookie("a", "b", expires_days=1.5))
    sent = datetime.datetime.strptime(attributes["expires"], "%a, %d %b %Y %H:%M:%S GMT")
    assert abs(sent - now - datetime.timedelta(days=1.5)) < datetime.timedelta(seconds=10)


@must(
    "web.cookie.several",
    "Several cookies are sent in fields of their own; of two with the same name only the later one.",
    rfc(6265, "3", "RFC6265-3-3"),
    rfc(6265, "4.1.1", "RFC6265-4.1.1-4"),
)
async def test_several_cookies(serve):
    def act(self):
        self.set_cookie("a", "1")
        self.set_cookie("b", "2")
        self.set_cookie("a", "3", path="/x")

    assert sorted(await set_fields(serve, act)) == [("a=3", {"path": "/x"}), ("b=2", {"path": "/"})]


@must(
    "web.cookie.round-trip",
    "A value that set_cookie accepts comes back as it was.",
    doc("web.RequestHandler.set_cookie"),
    rfc(6265, "4.1.1", "RFC6265-4.1.1-2"),
)
@each(value=["plain", "a=b", 'q"uo"te', "semi;colon", "com,ma", "back\\slash", ""])
async def test_round_trip(serve, value):
    ((pair, _),) = [
        (field.rpartition("; Path=")[0], "")
        for field in (await answer(serve, lambda self: self.set_cookie("a", value))).headers.get_all("Set-Cookie")
    ]
    assert ";" not in pair
    assert (await answer(serve, lambda self: self.write(self.get_cookie("a")), pair)).text == value


@must(
    "web.cookie.injection",
    "No argument of set_cookie can add an attribute, a cookie or a header field: what could is refused, or quoted.",
    rfc(6265, "4.1.1"),
    doc("web.RequestHandler.set_cookie"),
)
@each(where=["name", "value", "path", "domain", "samesite"])
@each(text=["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a; evil=1"])
async def test_injection(serve, where, text):
    given = {"name": "a", "value": "b", where: text}
    reply = await answer(serve, lambda self: raised(Exception, lambda: self.set_cookie(**given)))
    assert reply.code == 200
    assert "X-Evil" not in reply.headers
    assert all("evil" not in part.split("=")[0] for part in (reply.headers.get("Set-Cookie") or "").split(";"))


@must(
    "web.cookie.error-page",
    "A cookie that was set goes out with the error page, too.",
    doc("web.RequestHandler.set_cookie"),
)
async def test_cookie_of_error_page(serve):
    def act(self):
        self.set_cookie("a", "b")
        raise api.web.HTTPError(404)

    reply = await answer(serve, act)
    assert (reply.code, reply.headers["Set-Cookie"].split(";")[0]) == (404, "a=b")


# -- clearing ---------------------------------------------------------------------------------------------------------


@must(
    "web.cookie.clear",
    "clear_cookie sends an empty cookie that expired in the past, with the path and domain given.",
    doc("web.RequestHandler.clear_cookie"),
)
async def test_clear_cookie(serve):
    ((pair, attributes),) = await set_fields(
        serve, lambda self: self.clear_cookie("a", path="/p", domain="d.example"), "a=1"
    )
    expires = datetime.datetime.strptime(attributes.pop("expires"), "%a, %d %b %Y %H:%M:%S GMT")
    assert expires < datetime.datetime.now() - datetime.timedelta(days=2)
    assert (pair.rstrip('"'), attributes) == ("a=", {"path": "/p", "domain": "d.example"})


@compat(
    "web.cookie.clear-expiry",
    "clear_cookie refuses expires and max_age, since it sets them itself.",
    observed("web-cookies"),
)
@each(argument=["expires", "max_age"])
async def test_clear_with_expiry(serve, argument):
    reply = await answer(
        serve, lambda self: self.write(str(raised(TypeError, lambda: self.clear_cookie("a", **{argument: 1}))))
    )
    assert reply.text == "True"


@must(
    "web.cookie.clear-all",
    "clear_all_cookies clears every cookie of the request.",
    doc("web.RequestHandler.clear_all_cookies"),
)
async def test_clear_all(serve):
    found = await set_fields(serve, lambda self: self.clear_all_cookies(path="/p"), "a=1; b=2")
    assert sorted((pair[:2], attributes["path"]) for pair, attributes in found) == [("a=", "/p"), ("b=", "/p")]
