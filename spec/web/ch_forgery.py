"""Forged requests

A page of another site can make a visitor's browser send requests here, cookies included: cross-site request forgery,
XSRF. With the setting ``xsrf_cookies`` every request that may change something (all but GET, HEAD and OPTIONS) must
bring along a secret that other sites cannot know: the token in the cookie ``_xsrf``. Forms send it in a hidden field
that ``xsrf_form_html`` makes, scripts in the header ``X-XSRFToken`` or ``X-CSRFToken``. A request without it gets 403,
before ``prepare``.

Tokens of version 2 look different in each answer, so that compressed pages do not give them away (BREACH); version 1,
with the setting ``xsrf_cookie_version``, is the token itself. Both are accepted in all places.

With ``cross_origin_protection`` browsers tell by themselves where a request comes from: ``Sec-Fetch-Site``, or in older
ones ``Origin``. ``trusted_origins`` lists other sites that may send requests, ``check_trusted_origin`` decides in their
place.
"""

import binascii
import re

from conformance import api, compat, doc, each, labelled, must, observed
from conformance.tracing import Trace

SECRET = bytes(range(16))
PLAIN = binascii.hexlify(SECRET).decode()
CHANGING = ["POST", "PUT", "PATCH", "DELETE"]


def masked(secret=SECRET, mask=b"\xde\xad\xbe\xef", time=1300000000):
    """Return a token of version 2."""
    hidden = bytes(octet ^ mask[place % 4] for place, octet in enumerate(secret))
    return f"2|{mask.hex()}|{hidden.hex()}|{time}"


async def started(serve, trace=None, base=None, **settings):
    """Start an application whose pages show their token and accept every method."""

    class Page(base or api.web.RequestHandler):
        def prepare(self):
            if trace is not None:
                trace.add("prepare")

        def get(self):
            self.write({"token": self.xsrf_token.decode(), "form": self.xsrf_form_html()})

        def post(self):
            self.write("done")

        put = patch = delete = options = post

    return await serve([("/", Page)], **settings)


async def sent(serve, method="POST", token=None, cookie=None, where="X-XSRFToken", **settings):
    """Return the answer to a request with this token and this cookie."""
    server = await started(serve, **{"xsrf_cookies": True, **settings})
    headers = [("Cookie", f"_xsrf={cookie}")] if cookie is not None else []
    if token is None or where in ("body", "query"):
        body = {"_xsrf": token} if token is not None and where == "body" else None
        path = "/?_xsrf=" + token.replace("|", "%7C") if where == "query" else "/"
        return await server.fetch(method, path, body=body, headers=headers)
    return await server.fetch(method, "/", headers=[*headers, (where, token)])


# -- the check --------------------------------------------------------------------------------------------------------


@must(
    "web.xsrf.refused",
    "A request that may change something is refused with 403 if it brings no token along, before prepare.",
    doc("web.RequestHandler.check_xsrf_cookie"),
)
@each(method=CHANGING)
@each(cookie=[labelled("no-cookie", ()), labelled("cookie", ("_xsrf=" + PLAIN,))])
async def test_refused(serve, method, cookie):
    trace = Trace()
    server = await started(serve, trace, xsrf_cookies=True)
    reply = await server.fetch(method, "/", headers=[("Cookie", value) for value in cookie])
    assert (reply.code, list(trace)) == (403, [])


@must(
    "web.xsrf.off",
    "Without the setting xsrf_cookies no token is needed.",
    doc("web.RequestHandler.check_xsrf_cookie"),
)
async def test_off(serve):
    assert (await sent(serve, xsrf_cookies=False)).code == 200


@must(
    "web.xsrf.safe-methods",
    "GET, HEAD and OPTIONS need no token.",
    doc("web.RequestHandler.check_xsrf_cookie"),
)
@each(method=["GET", "OPTIONS"])
async def test_safe_methods(serve, method):
    assert (await sent(serve, method)).code == 200


@must(
    "web.xsrf.places",
    "The token may come in the argument _xsrf of form or query, in X-XSRFToken or in X-CSRFToken.",
    doc("web.RequestHandler.check_xsrf_cookie"),
)
@each(where=["body", "query", "X-XSRFToken", "X-CSRFToken", "x-csrftoken"])
async def test_places(serve, where):
    assert (await sent(serve, token=masked(), cookie=masked(), where=where)).code == 200


@must(
    "web.xsrf.same-secret",
    "Tokens of both versions, and under any mask, are the same if their secret is.",
    doc("web.RequestHandler.xsrf_token"),
)
@each(token=[PLAIN, masked(mask=b"abcd", time=5), masked(mask=b"\0\0\0\0")])
@each(cookie=[PLAIN, masked()])
async def test_same_secret(serve, token, cookie):
    assert (await sent(serve, token=token, cookie=cookie)).code == 200


@must(
    "web.xsrf.wrong-token",
    "A token other than the cookie's, or without a cookie, is refused with 403.",
    doc("web.RequestHandler.check_xsrf_cookie"),
)
@each(
    row=[
        labelled("other", (masked(secret=bytes(16)), masked())),
        labelled("other-1", ("00" * 16, PLAIN)),
        labelled("longer", (masked(secret=SECRET + b"x"), masked())),
        labelled("shorter", (masked(secret=SECRET[:-1]), masked())),
        labelled("no-cookie", (masked(), None)),
        labelled("empty-cookie", (masked(), "")),
    ]
)
async def test_wrong_token(serve, row):
    token, cookie = row
    assert (await sent(serve, token=token, cookie=cookie)).code == 403


@must(
    "web.xsrf.malformed",
    "A malformed token is refused with 403, even if the cookie is the same, and whatever it holds.",
    doc("web.RequestHandler.check_xsrf_cookie"),
)
@each(
    token=[
        "2|",
        "2|x",
        "2|zz|zz|zz",
        "2|deadbeef||1",
        "2||00|1",
        "2|deadbeef|00|x",
        "3|deadbeef|00|1",
        "2|" + "|" * 200,
    ]
)
async def test_malformed_token(serve, token):
    assert (await sent(serve, token=token, cookie=token)).code == 403


@must(
    "web.xsrf.override",
    "A handler that overrides check_xsrf_cookie decides by itself.",
    doc("web.RequestHandler.check_xsrf_cookie"),
)
async def test_override(serve):
    class Open(api.web.RequestHandler):
        def check_xsrf_cookie(self):
            pass

    assert (await (await started(serve, base=Open, xsrf_cookies=True)).post("/")).code == 200


@must(
    "web.xsrf.not-found",
    "A path that leads nowhere is answered with 404, token or not.",
    doc("web.ErrorHandler"),
)
async def test_not_found(serve):
    assert (
        await (await started(serve, xsrf_cookies=True, cross_origin_protection=True)).post(
            "/x", headers=[("Origin", "http://other.example")]
        )
    ).code == 404


# -- the token --------------------------------------------------------------------------------------------------------


@must(
    "web.xsrf.cookie-set",
    "Asking for xsrf_token sets the cookie if the client has none; then page and cookie go together.",
    doc("web.RequestHandler.xsrf_token"),
)
@each(version=[1, 2])
async def test_cookie_set(serve, version):
    server = await started(serve, xsrf_cookies=True, xsrf_cookie_version=version)
    page = await server.get("/")
    cookie = page.headers["Set-Cookie"].split(";")[0]
    headers = [("Cookie", cookie), ("X-XSRFToken", page.json()["token"])]
    assert (await server.post("/", headers=headers)).code == 200
    assert "Set-Cookie" not in (await server.get("/", headers=[("Cookie", cookie)])).headers


@must(
    "web.xsrf.new-secret",
    "Each client gets a secret of its own, at least 128 random bits.",
    doc("web.RequestHandler.xsrf_token"),
)
async def test_new_secret(serve):
    server = await started(serve, xsrf_cookie_version=1)
    tokens = {(await server.get("/")).json()["token"] for _ in range(5)}
    assert len(tokens) == 5
    assert all(re.fullmatch(r"[0-9a-f]{32,}", token) for token in tokens)


@must(
    "web.xsrf.mask",
    "In version 2 the token of a client looks different in every answer.",
    doc("web.RequestHandler.xsrf_token"),
)
async def test_mask(serve):
    server = await started(serve)
    tokens = [(await server.get("/", headers=[("Cookie", "_xsrf=" + masked())])).json()["token"] for _ in range(3)]
    hidden = {token.split("|")[2] for token in tokens}
    assert (len(hidden), [token.split("|")[0] for token in tokens]) == (3, ["2"] * 3)


@must(
    "web.xsrf.upgrade",
    "A client with a cookie of version 1 keeps its secret, and gets tokens of the version that is set.",
    doc("web.RequestHandler.xsrf_token"),
)
async def test_upgrade(serve):
    server = await started(serve, xsrf_cookies=True)
    cookie = ("Cookie", "_xsrf=" + PLAIN)
    token = (await server.get("/", headers=[cookie])).json()["token"]
    assert token.startswith("2|")
    assert (await server.post("/", headers=[cookie, ("X-XSRFToken", token)])).code == 200


@must(
    "web.xsrf.form",
    "xsrf_form_html returns a hidden input with the token, the same for all forms of a page.",
    doc("web.RequestHandler.xsrf_form_html"),
)
async def test_form(serve):
    page = (await (await started(serve)).get("/")).json()
    found = re.fullmatch(r'<input type="hidden" name="_xsrf" value="([^"]*)"\s*/?>', page["form"])
    assert found
    assert found[1] == page["token"]


@must(
    "web.xsrf.cookie-settings",
    "xsrf_cookie_name names the cookie, xsrf_cookie_kwargs are further arguments of set_cookie.",
    doc("web.RequestHandler.xsrf_token"),
)
async def test_cookie_settings(serve):
    kwargs = {"httponly": True, "secure": True, "samesite": "Strict"}
    server = await started(serve, xsrf_cookies=True, xsrf_cookie_name="__Host-x", xsrf_cookie_kwargs=kwargs)
    cookie, *attributes = (await server.get("/")).headers["Set-Cookie"].split("; ")
    assert cookie.startswith("__Host-x=")
    assert {"httponly", "secure", "samesite=strict"} <= {attribute.lower() for attribute in attributes}
    headers = [("Cookie", "__Host-x=" + PLAIN), ("X-XSRFToken", PLAIN)]
    assert (await server.post("/", headers=headers)).code == 200


@compat(
    "web.xsrf.cookie-life",
    "The cookie of somebody who has logged in lasts for 30 days, others' as long as the browser.",
    observed("web-forgery"),
)
@each(user=[None, "somebody"])
async def test_cookie_life(serve, user):
    class Known(api.web.RequestHandler):
        def get_current_user(self):
            return user

    field = (await (await started(serve, base=Known)).get("/")).headers["Set-Cookie"]
    assert ("expires" in field.lower()) == (user is not None)


# -- origins ----------------------------------------------------------------------------------------------------------


async def from_origin(serve, headers, method="POST", base=None, **settings):
    """Return the status of a request with these fields, to an application with cross_origin_protection."""
    server = await started(serve, base=base, cross_origin_protection=True, **settings)
    own = {"own": f"http://{server.host}", "own-secure": f"https://{server.host}"}
    pairs = [(name, own.get(value, value)) for name, value in headers.items()]
    return (await server.fetch(method, "/", headers=pairs)).code


@must(
    "web.origin.allowed",
    "Requests from this origin are allowed, those that a user starts, and those of clients that are no browsers.",
    doc("web.RequestHandler.check_trusted_origin"),
)
@each(
    fields=[
        labelled("no-browser", {}),
        labelled("same-origin", {"Sec-Fetch-Site": "same-origin"}),
        labelled("by-user", {"Sec-Fetch-Site": "none"}),
        labelled("origin", {"Origin": "own"}),
        labelled("behind-proxy", {"Origin": "own-secure"}),
    ]
)
async def test_allowed(serve, fields):
    assert await from_origin(serve, fields) == 200


@must(
    "web.origin.refused",
    "Requests that a browser sends for another origin are refused with 403.",
    doc("web.RequestHandler.check_trusted_origin"),
)
@each(
    fields=[
        labelled("cross-site", {"Sec-Fetch-Site": "cross-site"}),
        labelled("same-site", {"Sec-Fetch-Site": "same-site"}),
        labelled("unknown", {"Sec-Fetch-Site": "new-word"}),
        labelled("cross-site-own-origin", {"Sec-Fetch-Site": "cross-site", "Origin": "own"}),
        labelled("origin", {"Origin": "http://other.example"}),
        labelled("port", {"Origin": "http://127.0.0.1:1"}),
        labelled("null", {"Origin": "null"}),
        labelled("malformed", {"Origin": "http://[x"}),
    ]
)
async def test_refused_origin(serve, fields):
    assert await from_origin(serve, fields) == 403


@must(
    "web.origin.safe-methods",
    "GET and OPTIONS are answered wherever they come from.",
    doc("web.RequestHandler.check_trusted_origin"),
)
@each(method=["GET", "OPTIONS"])
async def test_safe_from_anywhere(serve, method):
    assert await from_origin(serve, {"Origin": "http://other.example"}, method) == 200


@must(
    "web.origin.trusted",
    "Origins in the setting trusted_origins are allowed, spelled exactly so.",
    doc("web.RequestHandler.check_trusted_origin"),
)
@each(
    row=[
        ("https://a.example", 200),
        ("http://a.example", 403),
        ("https://a.example.evil", 403),
        ("https://b.example", 403),
    ]
)
async def test_trusted(serve, row):
    origin, code = row
    fields = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    assert await from_origin(serve, fields, trusted_origins=["https://a.example"]) == code
    assert await from_origin(serve, {"Origin": origin}, trusted_origins=["https://a.example"]) == code


@must(
    "web.origin.override",
    "check_trusted_origin, overridden, decides in place of the setting.",
    doc("web.RequestHandler.check_trusted_origin"),
)
@each(origin=["https://a.example", "https://b.example"])
async def test_check_trusted_origin(serve, origin):
    class Choosy(api.web.RequestHandler):
        def check_trusted_origin(self, origin):
            return origin == "https://b.example"

    code = await from_origin(serve, {"Origin": origin}, base=Choosy, trusted_origins=["https://a.example"])
    assert code == (200 if origin == "https://b.example" else 403)
