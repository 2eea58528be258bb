"""What an attacker sends

One chapter for what the others say in their places: the requests of somebody who wants to write into answers, to read
other files, to act for a user, to forge a cookie, to send users to another site, or to put a script into a page.
Answers are looked at as octets: it counts what a browser would make of them.
"""

import hmac
import json
from html.parser import HTMLParser
from urllib.parse import quote, urlsplit

import pytest

from conformance import api, doc, each, labelled, must, rfc

#: Line ends, and characters that become such where only their low octet is sent.
BREAKS = ["\r\n", "\n", "\r", "\x00\n", "\u010d\u010a", "\u560d\u560a", "\u2028", "\x85", "\x0b"]
SECRET = "a secret that is long enough for every key 0123456789"


async def octets(server, target, fields=(), method="GET"):
    """Return all that the server sends in answer to one request, until it closes."""
    async with server.connection() as connection:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {server.host}", "Connection: close", *fields, "", ""]
        connection.send_bytes("\r\n".join(lines).encode("latin1"))
        answer = b""
        while data := await connection.receive("the end of the answer"):
            answer += data
        return answer


def names(answer):
    """Return the names of the header lines of an answer that is one answer, or was refused to be one."""
    if not answer:
        return set()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 ")
    assert b"\nHTTP/" not in answer
    lines = head.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[1:]
    assert all(b":" in line for line in lines), lines
    length = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
    assert length == [len(body)]
    return {line.split(b":")[0].strip().lower() for line in lines}


def disposition(page, text):
    """Offer a download by a name that somebody chose."""
    page.set_header("Content-Disposition", f'attachment; filename="{text}"')


def refuse(page, text):
    """Fail with a reason that somebody chose."""
    raise api.web.HTTPError(404, reason=text)


SETTERS = {
    "set_header": lambda page, text: page.set_header("X-Own", text),
    "set_header-bytes": lambda page, text: page.set_header("X-Own", text.encode("utf-8")),
    "header-name": lambda page, text: page.set_header(text, "1"),
    "add_header": lambda page, text: page.add_header("X-Own", text),
    "content-type": lambda page, text: page.set_header("Content-Type", "text/" + text),
    "content-disposition": disposition,
    "redirect": lambda page, text: page.redirect("/" + text),
    "cookie-name": lambda page, text: page.set_cookie(text, "1"),
    "cookie-value": lambda page, text: page.set_cookie("a", text),
    "cookie-path": lambda page, text: page.set_cookie("a", "1", path="/" + text),
    "cookie-domain": lambda page, text: page.set_cookie("a", "1", domain=text),
    "cookie-samesite": lambda page, text: page.set_cookie("a", "1", samesite=text),
    "clear_cookie": lambda page, text: page.clear_cookie("a", path="/" + text),
    "signed-cookie-name": lambda page, text: page.set_signed_cookie(text, "1"),
    "status-reason": lambda page, text: page.set_status(200, text),
    "error-reason": refuse,
    "send_error": lambda page, text: page.send_error(400, reason=text),
    "etag": lambda page, text: setattr(page, "compute_etag", lambda: f'"{text}"'),
}


@must(
    "web.security.injection",
    "Through no setter can a text with a line end, or what could become one, add a field or an answer.",
    rfc(9110, "5.5"),
    rfc(9112, "11.1"),
    doc("web.RequestHandler.set_header"),
)
@each(setter=list(SETTERS))
async def test_injection(serve, setter):
    class Page(api.web.RequestHandler):
        def get(self):
            SETTERS[setter](self, self.get_argument("text", strip=False))

    server = await serve([("/.*", Page)], cookie_secret=SECRET)
    for broken in BREAKS:
        text = f"a{broken}X-Evil: 1{broken}{broken}HTTP/1.1 200 OK{broken}{broken}"
        assert b"x-evil" not in names(await octets(server, f"/?text={quote(text)}"))


@must(
    "web.security.redirects-of-routes",
    "No path, however encoded, adds a field to a redirect that the routing table or a decorator makes.",
    rfc(9110, "10.2.2"),
    doc("web.RedirectHandler"),
)
@each(
    path=["/old/a%0d%0aX-Evil:%201", "/old/a%0aX-Evil:%201", "/slash/a%0d%0aX-Evil:%201", "/old/a%e5%98%8aX-Evil:%201"]
)
async def test_redirects_of_routes(serve, path):
    class Slash(api.web.RequestHandler):
        @api.web.addslash
        def get(self):
            self.write("")

    routes = [("/old/(.*)", api.web.RedirectHandler, {"url": "/new/{0}"}), ("/slash/.*", Slash)]
    answer = await octets(await serve(routes), path)
    assert b"x-evil" not in names(answer)


@must(
    "web.security.elsewhere",
    "No path leads to another host by a redirect that the framework makes.",
    rfc(9110, "17"),
    doc("web.addslash"),
)
@each(way=["addslash", "removeslash", "authenticated", "directory"])
@each(
    path=["//evil.example/a", "///evil.example/a", "/%2f/evil.example/a", "/%5cevil.example/a", "//evil.example/..;/a"]
)
async def test_elsewhere(serve, tmp_path, way, path):
    server = await serve(redirecting(way, tmp_path), login_url="/login")
    target = path + "/" * (way == "removeslash")
    head = (await octets(server, target)).partition(b"\r\n\r\n")[0].decode()
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "location":
            there = urlsplit(value.strip().replace("\\", "/"))
            assert there.netloc in ("", server.host), value
            assert not value.strip().startswith(("//", "/\\", "\\")), value


def redirecting(way, root):
    """Return a routing table that redirects whatever is asked for."""
    decorators = {"directory": "addslash"}
    decorate = getattr(api.web, decorators.get(way, way))

    class Page(api.web.RequestHandler):
        @decorate
        def get(self):
            self.write("")

    if way != "directory":
        return [("/.*", Page)]
    (root / "evil.example" / "a").mkdir(parents=True)
    (root / "evil.example" / "a" / "index.html").write_text("x")
    return [("/(.*)", api.web.StaticFileHandler, {"path": str(root), "default_filename": "index.html"})]


TARGETS = [
    "/static/../secret.txt",
    "/static/%2e%2e/secret.txt",
    "/static/%2e%2e%2fsecret.txt",
    "/static/%252e%252e%252fsecret.txt",
    "/static/..%c0%afsecret.txt",
    "/static/..%ef%bc%8fsecret.txt",
    "/static/....//secret.txt",
    "/static/%00/../../secret.txt",
    "/static/a.txt%00/../../secret.txt",
    "/static//../secret.txt",
    "/static/..\\secret.txt",
    "http://127.0.0.1/static/../secret.txt",
    "/static/../static-secret/secret.txt",
    "/static/?v=../secret.txt",
]


@must(
    "web.security.traversal",
    "No target, in whatever form, reads a file outside of the directory that is served.",
    rfc(9110, "17.3"),
    doc("web.StaticFileHandler"),
)
@each(target=TARGETS)
async def test_traversal(serve, tmp_path, target):
    root = tmp_path
    for place in (root, root / "static-secret", root / "static"):
        place.mkdir(exist_ok=True)
        (place / ("a.txt" if place.name == "static" else "secret.txt")).write_text("the secret")
    (root / "static" / "a.txt").write_text("public")
    server = await serve([], static_path=str(root / "static"))
    answer = await octets(server, target)
    assert answer.split()[1] in (b"400", b"403", b"404")
    assert b"secret" not in answer
    assert b"public" in await octets(server, "/static/a.txt")


FORGED = {
    "no-token": ([], b"a=1"),
    "cookie-only": (["Cookie: _xsrf=0123456789abcdef0123456789abcdef"], b"a=1"),
    "field-only": (["X-XSRFToken: 0123456789abcdef0123456789abcdef"], b"a=1"),
    "argument-only": ([], b"_xsrf=0123456789abcdef0123456789abcdef"),
    "empty-both": (["Cookie: _xsrf=", "X-XSRFToken: "], b"_xsrf="),
    "empty-secret": (["Cookie: _xsrf=2|00000000||1700000000"], b"_xsrf=2|00000000||1700000000"),
    "other-method-in-a-field": (["X-HTTP-Method-Override: GET"], b"a=1"),
    "other-method-in-the-form": ([], b"_method=GET"),
    "text-plain": (["Content-Type: text/plain"], b"_xsrf=1"),
    "json": (["Content-Type: application/json"], b'{"_xsrf": "1"}'),
    "broken-cookie": (['Cookie: _xsrf="2|zz|zz|zz"', "X-XSRFToken: 2|zz|zz|zz"], b""),
}


@must(
    "web.security.forged-post",
    "With xsrf_cookies no form, field or method of another site's making reaches a handler's method.",
    doc("web.RequestHandler.check_xsrf_cookie"),
    doc("web.Application.settings"),
)
@each(way=list(FORGED))
async def test_forged_post(serve, way):
    called = []
    members = {name: lambda self: called.append(1) for name in ("post", "put", "delete", "patch")}
    server = await serve([("/", type("Page", (api.web.RequestHandler,), members))], xsrf_cookies=True)
    fields, body = FORGED[way]
    if not any(field.startswith("Content-Type") for field in fields):
        fields = [*fields, "Content-Type: application/x-www-form-urlencoded"]
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        async with server.connection() as connection:
            connection.send(method, "/", body=body, headers=[tuple(field.split(": ", 1)) for field in fields])
            assert (await connection.reply()).code == 403
    assert called == []


@must(
    "web.security.method-spelled-small",
    "A method in small letters is another one: it reaches no handler's method, token or not.",
    rfc(9110, "9.1"),
)
@each(method=["post", "Post", "get", "prepare", "finish", "write_error", "__init__"])
async def test_small_method(serve, method):
    called = []
    members = {name: lambda self: called.append(1) for name in ("get", "post")}
    server = await serve([("/", type("Page", (api.web.RequestHandler,), members))])
    assert (await octets(server, "/", ["Content-Length: 0"], method)).split()[1] in (b"400", b"405", b"501")
    assert called == []


@must(
    "web.security.constant-time",
    "A signature is compared by hmac.compare_digest, whose time tells nothing of where the first difference is.",
    doc("web.RequestHandler.get_signed_cookie"),
)
@each(version=[1, 2])
def test_constant_time(version, monkeypatch: pytest.MonkeyPatch):
    signed = api.web.create_signed_value(SECRET, "a", "value", version=version)
    compared = []

    def compare(one, other):
        compared.append({bytes(one), bytes(other)})
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert api.web.decode_signed_value(SECRET, "a", signed) is None
    assert compared == [{signed.rpartition(b"|")[2]}]


def forgeries():
    """Return a signed value for user, and what a client might make of it and of others."""
    signed = api.web.create_signed_value(SECRET, "user", "mallory").decode()
    other = api.web.create_signed_value(SECRET, "theme", "admin").decode()
    return signed, [
        signed.replace("2|", "1|", 1),
        signed.rpartition("|")[0] + "|",
        signed + signed,
        signed.replace("bWFsbG9yeQ==", "YWRtaW4="),
        other,
        other.replace("theme", "user"),
        other.replace("5:theme", "4:user"),
        "YWRtaW4=|9999999999|" + "0" * 40,
        '"' + signed.replace("0", "\\060") + "x" + '"',
    ]


@must(
    "web.security.forged-cookie",
    "No change of a signed cookie that a client can make gives it another meaning.",
    doc("web.RequestHandler.get_signed_cookie"),
)
async def test_forged_cookie(serve):
    class Page(api.web.RequestHandler):
        def get(self):
            self.write(repr(self.get_signed_cookie("user")))

    server = await serve([("/", Page)], cookie_secret=SECRET)
    signed, attempts = forgeries()
    for attempt in attempts:
        assert (await server.get("/", headers={"Cookie": f"user={attempt}"})).text == "None"
    assert (await server.get("/", headers={"Cookie": f"user={signed}"})).text == "b'mallory'"


PAGE = """<html><body title="{{ text }}"><a href="/?q={{ url_escape(text) }}">{{ text }}</a>
<script>var text = {% raw json_encode(text) %};</script><textarea>{{ text }}</textarea></body></html>"""


class Structure(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.attributes = [], {}, {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Note an element."""
        self.tags.append(tag)
        self.attributes[tag] = dict(attrs)

    def handle_data(self, data):
        """Note a text with the element that began last."""
        self.texts[self.tags[-1]] = self.texts.get(self.tags[-1], "") + data


TEXTS = [
    labelled("element", "<script>alert(1)</script>"),
    labelled("double-quote", '" onload="alert(1)'),
    labelled("single-quote", "' onload='alert(1)"),
    labelled("end-of-script", "</script><img src=x>"),
    labelled("end-of-textarea", "</textarea><img src=x>"),
    labelled("url", "a&b=c#d javascript:alert(1)"),
    labelled("escaped-already", "&lt;b&gt;&amp;"),
    labelled("expression", "{{ 1 + 1 }}{% raw 2 %}"),
    labelled("line-separators", "a\u2028b\u2029c"),
]


@must(
    "web.security.template-contexts",
    "Escaped for its place, no text leaves it: an element, an attribute in quotes, a URL, a script.",
    doc("escape.xhtml_escape"),
    doc("escape.json_encode"),
    doc("escape.url_escape"),
)
@each(text=TEXTS)
async def test_template_contexts(serve, text):
    class Page(api.web.RequestHandler):
        def get(self):
            self.write(self.render_string("page.html", text=self.get_argument("text")))

    loader = api.template.DictLoader({"page.html": PAGE})
    page = (await (await serve([("/", Page)], template_loader=loader)).get(f"/?text={quote(text)}")).text
    seen = Structure(page)
    assert seen.tags == ["html", "body", "a", "script", "textarea"]
    assert seen.attributes["body"] == {"title": text}
    assert (seen.texts["textarea"].strip(), seen.texts["a"].strip()) == (text, text)
    assert urlsplit(seen.attributes["a"]["href"]).query == "q=" + quote(text, safe="").replace("%20", "+")
    assert json.loads(seen.texts["script"].removeprefix("var text = ").removesuffix(";")) == text
