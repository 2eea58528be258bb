"""The parts of a handler: arguments, response, entity tags, cookies, redirects."""

from __future__ import annotations

import datetime
from http.cookies import CookieError
from typing import Any

import pytest
from _web_wire import application, get, handler_of

from waterspout.httputil import HTTPHeaders, HTTPServerRequest
from waterspout.web import (
    Application,
    OutputTransform,
    RedirectHandler,
    RequestHandler,
    addslash,
    removeslash,
)
from waterspout.web.conditional import none_match_fails

FORM = "Content-Type: application/x-www-form-urlencoded"


def handler(**settings: Any) -> RequestHandler:
    """Return a handler with a request made by hand."""
    request = HTTPServerRequest("GET", "/", headers=HTTPHeaders({"Host": "h"}))
    return RequestHandler(Application(**settings), request)


def written(method: Any, target: str = "/", *fields: str, body: bytes = b"") -> str:
    """Return what a method wrote; with a body it is the method for POST."""
    name = "post" if body else "get"
    app = application(handler_of(method, name))
    return get(app, target, *fields, method=name.upper(), body=body).body.decode()


class TestArguments:
    """Arguments of query, body and path."""

    def test_the_last_value_is_the_argument_and_all_are_the_list(self) -> None:
        """Repeated arguments keep their order."""

        def method(self: RequestHandler) -> None:
            self.write(repr((self.get_argument("a"), self.get_arguments("a"), self.get_arguments("none"))))

        assert written(method, "/?a=1&a=2") == "('2', ['1', '2'], [])"

    def test_query_and_body_are_joined_and_can_be_told_apart(self) -> None:
        """The query comes first."""

        def method(self: RequestHandler) -> None:
            self.write(
                repr(
                    (
                        self.get_arguments("a"),
                        self.get_query_argument("a"),
                        self.get_body_argument("a"),
                        self.get_query_arguments("b"),
                        self.get_body_arguments("b"),
                    )
                )
            )

        text = written(method, "/?a=q", FORM, body=b"a=b&b=1")

        assert text == "(['q', 'b'], 'q', 'b', [], ['1'])"

    def test_blanks_go_unless_wanted_and_controls_become_spaces(self) -> None:
        """Only what a form can produce is left."""

        def method(self: RequestHandler) -> None:
            self.write(repr((self.get_argument("a"), self.get_argument("a", strip=False))))

        assert written(method, "/?a=%20x%00y%0a%20") == r"('x y', ' x y\n ')"

    def test_a_missing_argument_is_the_clients_fault_unless_there_is_a_default(self) -> None:
        """None is a default like others."""

        def method(self: RequestHandler) -> None:
            self.write(repr(self.get_argument("a", None)))
            self.get_argument("b")

        assert written(lambda self: self.write(repr(self.get_argument("a", None)))) == "None"
        assert get(application(handler_of(method))).status == 400

    @pytest.mark.parametrize("target", ["/?a=%FF", "/%FF"])
    def test_bytes_that_are_not_utf8_are_the_clients_fault(self, target: str) -> None:
        """In arguments that are asked for, and in every path argument."""
        app = Application([(r"/(.*)", handler_of(lambda self, path: self.write(self.get_argument("a"))))])

        assert get(app, target).status == 400

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("multipart/form-data", b"x"),
            ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(2000))),
        ],
    )
    def test_a_broken_form_is_refused_before_the_method(self, content_type: str, body: bytes) -> None:
        """Even if nobody asks for it."""
        app = application(handler_of(lambda self: self.write("reached"), "post"))

        assert get(app, "/", f"Content-Type: {content_type}", method="POST", body=body).status == 400

    def test_path_arguments_are_decoded_by_position_or_name(self) -> None:
        """A group that took no part stays None."""

        def method(self: RequestHandler, *args: str, **kwargs: str) -> None:
            self.write(repr((args, kwargs, self.path_args, self.path_kwargs)))

        show = handler_of(method)
        app = Application([(r"/p/([^/]*)/(.*)", show), (r"/n/(?P<a>\d+)(?P<b>x)?", show)])

        assert get(app, "/p/a%20b/c%2Fd").body == b"(('a b', 'c/d'), {}, ['a b', 'c/d'], {})"
        assert get(app, "/n/7").body == b"((), {'a': '7', 'b': None}, [], {'a': '7', 'b': None})"


class TestWriting:
    """Content, status and fields."""

    @pytest.mark.parametrize(
        ("chunk", "body", "content_type"),
        [
            ("é", "é".encode(), "text/html; charset=UTF-8"),
            (b"\xff", b"\xff", "text/html; charset=UTF-8"),
            ({"a": "</x>"}, rb'{"a": "<\/x>"}', "application/json; charset=UTF-8"),
        ],
    )
    def test_text_bytes_and_dicts_are_written(self, chunk: Any, body: bytes, content_type: str) -> None:
        """A dict brings its type along."""
        answer = get(application(handler_of(lambda self: self.write(chunk))))

        assert (answer.body, answer["Content-Type"]) == (body, content_type)
        assert answer["Content-Length"] == str(len(body))

    @pytest.mark.parametrize("chunk", [[1], 5, None, bytearray(b"x")])
    def test_everything_else_is_refused(self, chunk: Any) -> None:
        """Lists too: as the whole of a JSON answer they are unsafe in old browsers."""
        with pytest.raises(TypeError, match="str, bytes or dict"):
            handler().write(chunk)

    def test_default_fields_come_in_order(self) -> None:
        """Server, type, date, tag, length."""
        names = get(application(handler_of(lambda self: self.write("x")))).names()

        assert names == ["server", "content-type", "date", "etag", "content-length"]

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("a", "a"),
            (b"\xe9", "\xe9"),
            (7, "7"),
            (datetime.datetime(2020, 1, 2), "Thu, 02 Jan 2020 00:00:00 GMT"),
        ],
    )
    def test_field_values_become_text(self, value: Any, text: str) -> None:
        """Numbers, bytes and dates have their forms."""
        answer = get(application(handler_of(lambda self: self.set_header("X-A", value))))

        assert answer["X-A"] == text

    @pytest.mark.parametrize(
        ("name", "value", "error"),
        [
            ("X", "a\r\nB: c", ValueError),
            ("X", "a\nb", ValueError),
            ("X", b"\x00", ValueError),
            ("X", "\u20ac", ValueError),
            ("X y", "a", ValueError),
            ("X:", "a", ValueError),
            ("X\r\n", "a", ValueError),
            ("", "a", ValueError),
            ("X", None, TypeError),
            ("X", 1.5, TypeError),
        ],
    )
    def test_nothing_can_be_smuggled_into_a_head(self, name: str, value: Any, error: type[Exception]) -> None:
        """Neither by set_header nor by add_header."""
        made = handler()

        for method in (made.set_header, made.add_header):
            with pytest.raises(error):
                method(name, value)

    def test_fields_are_set_added_and_cleared(self) -> None:
        """Setting replaces, adding does not, clearing what is not there does nothing."""

        def method(self: RequestHandler) -> None:
            self.set_header("X-A", "old")
            self.set_header("x-a", "1")
            self.add_header("X-A", "2")
            self.clear_header("Server")
            self.clear_header("Nothing")

        answer = get(application(handler_of(method)))

        assert (answer["X-A"], answer["Server"]) == ("1, 2", "")

    def test_a_status_brings_its_reason(self) -> None:
        """Unless one is given; what cannot be in a status line is replaced."""
        app = application(handler_of(lambda self, code, *reason: self.set_status(code, *reason)))
        seen = []
        for args in [(404,), (599,), (299, "Mine"), (200, "a\r\nB: c")]:
            app = application(handler_of(lambda self, args=args: self.set_status(*args)))
            answer = get(app)
            seen.append((answer.status, answer.reason))

        assert seen == [(404, "Not Found"), (599, "Unknown"), (299, "Mine"), (200, "Unknown")]

    @pytest.mark.parametrize("status", [99, 1000, "200", 200.5])
    def test_a_status_has_three_digits(self, status: Any) -> None:
        """What no client could read is refused at once."""
        with pytest.raises((TypeError, ValueError)):
            handler().set_status(status)

    @pytest.mark.parametrize("status", [204, 304])
    def test_statuses_without_content_have_no_fields_about_it(self, status: int) -> None:
        """Nor a length."""
        answer = get(application(handler_of(lambda self: self.set_status(status))))

        assert answer.names() == ["server", "date"]

    @pytest.mark.parametrize("status", [204, 205, 304])
    def test_content_where_none_may_be_is_an_error(self, status: int) -> None:
        """The client gets a proper error page."""

        def method(self: RequestHandler) -> None:
            self.set_status(status)
            self.write("x")

        assert get(application(handler_of(method))).status == 500

    def test_a_length_that_is_wrong_is_an_error(self) -> None:
        """Found before anything is sent."""

        def method(self: RequestHandler) -> None:
            self.set_header("Content-Length", 2)
            self.write("longer")

        answer = get(application(handler_of(method)))

        assert (answer.status, answer.body[:6]) == (500, b"<html>")

    def test_clear_forgets_the_response_so_far(self) -> None:
        """Status, fields, content; the default fields come again."""

        def method(self: RequestHandler) -> None:
            self.set_status(404)
            self.set_header("X-A", "1")
            self.write("gone")
            self.clear()

        def defaults(self: RequestHandler) -> None:
            self.set_header("X-Default", "1")

        answer = get(application(handler_of(method, set_default_headers=defaults)))

        assert (answer.status, answer["X-A"], answer["X-Default"], answer.body) == (200, "", "1", b"")

    def test_transforms_see_the_content_and_the_head(self) -> None:
        """In one piece with its length, or piece by piece."""

        class Shout(OutputTransform):
            def transform_first_chunk(
                self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
            ) -> Any:
                chunk = self.transform_chunk(chunk, finishing)
                if finishing:
                    headers["Content-Length"] = str(len(chunk))
                return 201, headers, chunk

            def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
                return chunk.upper() + (b"!" if finishing else b"")

        def pieces(self: RequestHandler) -> None:
            self.write("a")
            self.flush()
            self.write("b")

        app = application([("/one", handler_of(lambda self: self.write("a"))), ("/two", handler_of(pieces))])
        app.add_transform(Shout)

        one, two = get(app, "/one"), get(app, "/two")

        assert (one.status, one.body, one["Content-Length"]) == (201, b"A!", "2")
        assert (two.status, two.body) == (201, b"AB!")


class TestEntityTags:
    """``ETag`` and ``If-None-Match``."""

    @pytest.mark.parametrize(
        ("field", "same"),
        [
            ('"a"', True),
            ('W/"a"', True),
            ('"b", W/"a"', True),
            ("*", True),
            ('"b"', False),
            ("a", False),
            ("", False),
            ('"a', False),
        ],
    )
    def test_tags_are_compared_weakly(self, field: str, same: bool) -> None:
        """And a malformed tag is none."""
        assert none_match_fails(field, '"a"') is same
        assert none_match_fails(field, 'W/"a"') is same

    def test_a_client_that_has_the_content_gets_304(self) -> None:
        """With the tag, without content."""
        app = application(handler_of(lambda self: self.write("x")))
        tag = get(app)["Etag"]

        again = get(app, "/", f"If-None-Match: {tag}")

        assert (again.status, again["Etag"], again.body) == (304, tag, b"")
        assert get(app, "/", 'If-None-Match: "other"').status == 200

    def test_a_tag_of_the_handlers_own_counts_too(self) -> None:
        """RFC 9110, section 13.2.1."""

        def method(self: RequestHandler) -> None:
            self.set_header("Etag", '"mine"')
            self.write("x")

        assert get(application(handler_of(method)), "/", 'If-None-Match: "mine"').status == 304

    def test_only_a_200_to_get_or_head_is_tagged(self) -> None:
        """Other answers are not what the resource is."""

        def created(self: RequestHandler) -> None:
            self.set_status(201)
            self.write("x")

        assert get(application(handler_of(created)))["Etag"] == ""
        posted = handler_of(lambda self: self.write("x"), "post")
        assert get(application(posted), method="POST", body=b"x")["Etag"] == ""
        untagged = handler_of(lambda self: self.write("x"), compute_etag=lambda self: None)
        assert get(application(untagged))["Etag"] == ""


class TestCookies:
    """Setting, reading and clearing cookies."""

    def test_cookies_are_set_with_their_attributes(self) -> None:
        """The last of a name wins."""

        def method(self: RequestHandler) -> None:
            self.set_cookie("a", "old")
            self.set_cookie("a", "b")
            flags: Any = {"httponly": True, "secure": True, "samesite": "Lax"}
            self.set_cookie("c", "d", domain="x.com", max_age=0, path="/z", **flags)
            self.set_cookie("e", "", expires=datetime.datetime(2030, 1, 2), path=None)
            self.set_cookie("f", "1", expires=0, HttpOnly=True)

        fields = [value for name, value in get(application(handler_of(method))).fields if name == "set-cookie"]

        assert fields == [
            "a=b; Path=/",
            "c=d; Domain=x.com; HttpOnly; Max-Age=0; Path=/z; SameSite=Lax; Secure",
            'e=""; expires=Wed, 02 Jan 2030 00:00:00 GMT',
            "f=1; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Path=/",
        ]

    @pytest.mark.parametrize(
        ("name", "value", "attributes"),
        [
            ("a b", "x", {}),
            ("a;b", "x", {}),
            ("a", "x y", {}),
            ("a", "x\r\ny", {}),
            ("a", "x", {"domain": "a; b"}),
            ("a", "x", {"path": "/\r\nX: y"}),
            ("a", "x", {"samesite": "Lax; Secure"}),
            ("a", "x", {"bogus": "1"}),
        ],
    )
    def test_nothing_can_be_smuggled_into_a_cookie(self, name: str, value: str, attributes: dict[str, str]) -> None:
        """Neither further attributes nor further fields."""
        with pytest.raises((ValueError, CookieError)):
            handler().set_cookie(name, value, **attributes)  # type: ignore[arg-type]

    def test_cookies_survive_the_error_page(self) -> None:
        """A login that fails may still want to clear one."""

        def method(self: RequestHandler) -> None:
            self.set_cookie("a", "b")
            raise ValueError

        assert get(application(handler_of(method)))["Set-Cookie"] == "a=b; Path=/"

    def test_cookies_are_read_and_cleared(self) -> None:
        """Clearing is setting with a date long ago."""

        def method(self: RequestHandler) -> None:
            self.write(repr((self.get_cookie("a"), self.get_cookie("no", "default"))))
            self.clear_all_cookies(path="/z")

        answer = get(application(handler_of(method)), "/", "Cookie: a=1; b=2")
        fields = [value for name, value in answer.fields if name == "set-cookie"]

        assert answer.body == b"('1', 'default')"
        assert [field.partition(";")[0] for field in fields] == ['a=""', 'b=""']
        assert all("expires=" in field and "Path=/z" in field for field in fields)

    def test_clearing_sets_the_expiry_itself(self) -> None:
        """So it takes none."""
        with pytest.raises(TypeError):
            handler().clear_cookie("a", expires=1)


class TestRedirects:
    """Redirects from code, decorators and the routing table."""

    @pytest.mark.parametrize(("arguments", "status"), [({}, 302), ({"permanent": True}, 301), ({"status": 307}, 307)])
    def test_redirect_ends_the_response(self, arguments: dict[str, Any], status: int) -> None:
        """With the status asked for."""
        answer = get(application(handler_of(lambda self: self.redirect("/to", **arguments))))

        assert (answer.status, answer["Location"], answer.body) == (status, "/to", b"")

    def test_a_location_is_a_uri_reference(self) -> None:
        """What may not be in one is percent-encoded, escapes stay."""
        answer = get(application(handler_of(lambda self: self.redirect("http://h/é b?x=%20#y"))))

        assert answer["Location"] == "http://h/%C3%A9%20b?x=%20#y"

    @pytest.mark.parametrize(("url", "status"), [("/x\r\nY: z", None), ("/x", 200), ("/x", 400)])
    def test_bad_redirects_are_refused(self, url: str, status: int | None) -> None:
        """Before anything is sent."""
        with pytest.raises(ValueError):
            handler().redirect(url, status=status)

    @pytest.mark.parametrize(
        ("pattern", "url", "target", "expected"),
        [
            ("/a", "/to", "/a", "/to"),
            ("/a/(.*)", "/p/{0}", "/a/b/c", "/p/b/c"),
            ("/a/(.*)", "/p/{0}", "/a/b%20c%3Fd%25", "/p/b%20c%3Fd%25"),
            ("/a/(?P<x>.*)", "/p/{x}", "/a/b", "/p/b"),
            ("/a", "/to?x=1", "/a?y=2&y=3", "/to?x=1&y=2&y=3"),
            ("/a/(.*)", "/{0}", "/a//evil.example", "/evil.example"),
            ("/a", "//other.example/", "/a", "//other.example/"),
        ],
    )
    def test_the_routing_table_redirects(self, pattern: str, url: str, target: str, expected: str) -> None:
        """Groups and queries are kept, the site is not left."""
        answer = get(Application([(pattern, RedirectHandler, {"url": url})]), target)

        assert (answer.status, answer["Location"]) == (301, expected)

    def test_a_redirect_of_the_table_can_be_temporary(self) -> None:
        """By an argument."""
        app = Application([("/", RedirectHandler, {"url": "/to", "permanent": False})])

        assert get(app).status == 302

    @pytest.mark.parametrize(
        ("decorator", "target", "location"),
        [
            (addslash, "/a?q=1", "/a/?q=1"),
            (removeslash, "/a//?q=1", "/a?q=1"),
            (removeslash, "//evil.example/", "/evil.example"),
            (addslash, "//evil.example", "/evil.example/"),
        ],
    )
    def test_slashes_are_added_and_removed(self, decorator: Any, target: str, location: str) -> None:
        """Permanently, for GET; other methods get 404."""
        method = decorator(lambda self: self.write("here"))
        app = Application([("/.*", type("Both", (RequestHandler,), {"get": method, "post": method}))])

        answer = get(app, target)

        assert (answer.status, answer["Location"]) == (301, location)
        assert get(app, target, method="POST", body=b"x").status == 404

    def test_a_path_that_is_right_is_served(self) -> None:
        """The root keeps its slash."""
        add = handler_of(addslash(lambda self: self.write("add")))
        remove = handler_of(removeslash(lambda self: self.write("remove")))

        assert get(application(add), "/a/").body == b"add"
        assert get(application(remove), "/").body == b"remove"
