"""Header fields, requests, forms, cookies, dates and URLs."""

from __future__ import annotations

import copy
import datetime
import pickle
import time
from typing import Any

import pytest

from waterspout import httputil
from waterspout.httputil import HTTPHeaders, HTTPInputError, HTTPServerRequest
from waterspout.protocol import headers as headers_module

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=X"


def part(disposition: bytes, content: bytes = b"v", more: bytes = b"") -> bytes:
    """Return a part without its delimiter."""
    return b"Content-Disposition: " + disposition + b"\r\n" + more + b"\r\n" + content


def multipart(*parts: bytes, end: bytes = b"--X--\r\n") -> bytes:
    """Return a body of parts with boundary X."""
    return b"".join([b"--X\r\n" + item + b"\r\n" for item in parts]) + end


def parse(content_type: str, body: bytes, **kwargs: Any) -> tuple[dict[str, list[bytes]], dict[str, Any]]:
    """Return the arguments and files of a body."""
    arguments: dict[str, list[bytes]] = {}
    files: dict[str, Any] = {}
    httputil.parse_body_arguments(content_type, body, arguments, files, **kwargs)
    return arguments, files


def test_header_names_compare_without_case_and_show_one_spelling() -> None:
    """RFC 9110, section 5.1."""
    headers = HTTPHeaders({"content-TYPE": "a"})
    assert list(headers) == ["Content-Type"]
    assert headers["CONTENT-type"] == "a"
    assert "content-type" in headers


def test_repeated_fields_join_with_commas_and_stay_apart_in_lists() -> None:
    """RFC 9110, section 5.3."""
    headers = HTTPHeaders()
    headers.add("Set-Cookie", "a=b")
    headers.add("set-cookie", "c=d")
    assert headers["Set-Cookie"] == "a=b,c=d"
    assert headers.get_list("SET-cookie") == ["a=b", "c=d"]
    assert list(headers.get_all()) == [("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")]
    assert str(headers) == "Set-Cookie: a=b\nSet-Cookie: c=d\n"
    headers["set-cookie"] = "e"
    assert headers.get_list("Set-Cookie") == ["e"]


def test_a_list_of_values_is_the_callers_own() -> None:
    """Changing it does not change the fields."""
    headers = HTTPHeaders({"A": "1"})
    headers.get_list("a").append("2")
    assert headers["a"] == "1"
    assert headers.get_list("missing") == []


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, HTTPHeaders, lambda h: h.copy()])
def test_copies_have_fields_of_their_own(duplicate: Any) -> None:
    """Adding to a copy leaves the original."""
    original = HTTPHeaders.parse("A: 1\r\nA: 2\r\n")
    other = duplicate(original)
    other.add("a", "3")
    assert original.get_list("a") == ["1", "2"]
    assert other.get_list("a") == ["1", "2", "3"]


def test_headers_can_be_pickled_and_compared() -> None:
    """Equality is by contents, whatever the case."""
    headers = HTTPHeaders({"a": "1"})
    assert pickle.loads(pickle.dumps(headers)) == headers == {"A": "1"}


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\0", "a\x7f", "\u20ac"])
def test_adding_a_value_that_could_break_the_head_is_refused(value: str) -> None:
    """RFC 9110, section 5.5."""
    with pytest.raises(HTTPInputError):
        HTTPHeaders().add("A", value)


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\n", "é"])
def test_adding_a_name_that_is_no_token_is_refused(name: str) -> None:
    """RFC 9110, section 5.6.2."""
    with pytest.raises(HTTPInputError):
        HTTPHeaders().add(name, "v")


@pytest.mark.parametrize("line", ["A 1", " A: 1", "A : 1", "A: 1\r\n 2"])
def test_malformed_header_blocks_are_refused(line: str) -> None:
    """RFC 9112, sections 5.1 and 5.2."""
    with pytest.raises(HTTPInputError):
        HTTPHeaders.parse(line)


def test_header_blocks_parse_with_either_line_end() -> None:
    """White space around a value is no part of it."""
    assert list(HTTPHeaders.parse("A:  1 \r\nB:\nC: x").get_all()) == [("A", "1"), ("B", ""), ("C", "x")]


def test_the_cache_of_spellings_is_bounded() -> None:
    """Names that peers choose must not fill the memory."""
    for number in range(headers_module._MAX_SPELLINGS + 50):
        assert headers_module.spelling_of[f"x-name-{number}"] == f"X-Name-{number}"
    assert headers_module.spelling_of["y" * 1000] == "Y" + "y" * 999
    assert len(headers_module.spelling_of) <= headers_module._MAX_SPELLINGS
    assert "y" * 1000 not in headers_module.spelling_of


@pytest.mark.parametrize("line", ["GET /", "GET  / HTTP/1.1", "GET / HTTP/2.0", "G@T / HTTP/1.1", ""])
def test_malformed_request_lines_are_refused(line: str) -> None:
    """RFC 9112, section 3."""
    with pytest.raises(HTTPInputError):
        httputil.parse_request_start_line(line)


@pytest.mark.parametrize("line", ["HTTP/1.1 200", "HTTP/1.1 20 OK", "HTTP/2.0 200 OK", "http/1.1 200 OK"])
def test_malformed_status_lines_are_refused(line: str) -> None:
    """RFC 9112, section 4."""
    with pytest.raises(HTTPInputError):
        httputil.parse_response_start_line(line)


def test_start_lines_are_named_tuples() -> None:
    """Both kinds unpack and have names."""
    assert httputil.parse_request_start_line("GET /a HTTP/1.1") == ("GET", "/a", "HTTP/1.1")
    response = httputil.parse_response_start_line("HTTP/1.0 404 Not Found")
    assert (response.version, response.code, response.reason) == ("HTTP/1.0", 404, "Not Found")


@pytest.mark.parametrize(
    "timestamp",
    [
        1359312200,
        1359312200.9,
        (2013, 1, 27, 18, 43, 20, 6, 27, 0),
        time.gmtime(1359312200),
        datetime.datetime(2013, 1, 27, 18, 43, 20),
        datetime.datetime(2013, 1, 27, 20, 43, 20, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
    ],
)
def test_every_kind_of_timestamp_gives_the_same_date(timestamp: Any) -> None:
    """RFC 9110, section 5.6.7."""
    assert httputil.format_timestamp(timestamp) == "Sun, 27 Jan 2013 18:43:20 GMT"


def test_a_timestamp_of_another_type_is_refused() -> None:
    """A date without a time says nothing of the hour."""
    with pytest.raises(TypeError):
        httputil.format_timestamp(datetime.date(2013, 1, 27))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "args", "expected"),
    [
        ("http://e/f", {"c": "d"}, "http://e/f?c=d"),
        ("http://e/f?a=b#x", [("c", "d e"), ("c", "2")], "http://e/f?a=b&c=d+e&c=2#x"),
        ("http://e/f?x", (("y", "/?"),), "http://e/f?x=&y=%2F%3F"),
        ("http://e/f?x", None, "http://e/f?x"),
    ],
)
def test_arguments_are_appended_to_a_url(url: str, args: Any, expected: str) -> None:
    """Query and fragment stay."""
    assert httputil.url_concat(url, args) == expected


@pytest.mark.parametrize(
    ("netloc", "expected"),
    [
        ("a.com:80", ("a.com", 80)),
        ("a.com", ("a.com", None)),
        ("[::1]:8080", ("[::1]", 8080)),
        ("[::1]", ("[::1]", None)),
        ("::1", ("::1", None)),
        ("a:b", ("a:b", None)),
    ],
)
def test_host_and_port_are_split(netloc: str, expected: tuple[str, int | None]) -> None:
    """An IPv6 address keeps its brackets."""
    assert httputil.split_host_and_port(netloc) == expected


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("a=b; c=d", {"a": "b", "c": "d"}),
        ("a=1; a=2", {"a": "2"}),
        ("a=b=c", {"a": "b=c"}),
        ('a="b c"; b="\\054x\\"y"', {"a": "b c", "b": ',x"y'}),
        ("a; ;=x", {"": "x"}),
        ('a="', {"a": '"'}),
    ],
)
def test_cookies_are_read_as_browsers_write_them(cookie: str, expected: dict[str, str]) -> None:
    """RFC 6265, section 5.4."""
    assert httputil.parse_cookie(cookie) == expected


def test_credentials_are_normal_form_c_in_utf8() -> None:
    """RFC 7617, section 2.1."""
    assert httputil.encode_username_password("e\u0301", b"\xff") == b"\xc3\xa9:\xff"


def test_urlencoded_bodies_give_bytes_in_lists() -> None:
    """Names are text: UTF-8 if they are, else Latin-1."""
    assert parse(URLENCODED, b"a=1&a=%80&b=&c&%C3%A9=x&\xe8=y")[0] == {
        "a": [b"1", b"\x80"],
        "b": [b""],
        "c": [b""],
        "é": [b"x"],
        "è": [b"y"],
    }


def test_too_many_arguments_are_refused_and_nothing_is_kept() -> None:
    """The bound is that of `ParseUrlEncodedConfig`."""
    config = httputil.ParseBodyConfig(urlencoded=httputil.ParseUrlEncodedConfig(max_arguments=3))
    assert parse(URLENCODED, b"a=1&a=2&a=3", config=config)[0] == {"a": [b"1", b"2", b"3"]}
    with pytest.raises(HTTPInputError):
        parse(URLENCODED, b"a=1&a=2&a=3&a=4", config=config)


def test_other_types_are_left_alone_and_encoded_forms_refused() -> None:
    """A body in a content coding cannot be a form yet."""
    assert parse("application/json", b"a=1") == ({}, {})
    with pytest.raises(HTTPInputError):
        parse(URLENCODED, b"a=1", headers=HTTPHeaders({"Content-Encoding": "gzip"}))


def test_multipart_bodies_give_arguments_and_files() -> None:
    """RFC 7578, section 4."""
    body = multipart(
        part(b'form-data; name="a"'),
        part(b'form-data; name="f"; filename="C:\\x\\\\y\\"z"', b"\r\n--Y\r\n", b"Content-Type: text/plain\r\n"),
        part(b"form-data; name=f; filename=plain; filename*=UTF-8''%C3%A9"),
        part(b'form-data; name="e"; filename=""', b""),
    )
    arguments, files = parse(MULTIPART, b"preamble\r\n" + body + b"epilogue")
    assert arguments == {"a": [b"v"], "e": [b""]}
    assert files == {
        "f": [
            {"filename": 'C:\\x\\y"z', "body": b"\r\n--Y\r\n", "content_type": "text/plain"},
            {"filename": "é", "body": b"v", "content_type": "application/unknown"},
        ]
    }
    assert files["f"][0].filename == 'C:\\x\\y"z'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--X\r\n",
        multipart(part(b'form-data; name="a"'), end=b""),
        multipart(part(b"form-data")),
        multipart(part(b'form-data; name=""')),
        multipart(part(b'attachment; name="a"')),
        multipart(part(b'form-data; name="a')),
        multipart(part(b'form-data; name="\xe9"')),
        multipart(part(b"form-data; name=a; filename*=x")),
        multipart(b"no head"),
        multipart(b"\r\nno fields"),
        multipart(part(b'form-data; name="a"', more=b"no colon\r\n")),
        multipart(part(b'form-data; name="a"', more=b"X: " + b"y" * 10240 + b"\r\n")),
        multipart(*[part(b'form-data; name="a"')] * 101),
        b"--X\r\n--X--\r\n",
    ],
)
def test_malformed_multipart_bodies_are_refused_and_nothing_is_kept(body: bytes) -> None:
    """RFC 2046, section 5.1.1, and the bounds of `ParseMultipartConfig`."""
    arguments: dict[str, list[bytes]] = {}
    files: dict[str, Any] = {}
    with pytest.raises(HTTPInputError):
        httputil.parse_body_arguments(MULTIPART, body, arguments, files)
    assert (arguments, files) == ({}, {})


def test_multipart_can_be_switched_off_and_needs_a_boundary() -> None:
    """Both are errors of the request, not of the program."""
    config = httputil.ParseBodyConfig(multipart=httputil.ParseMultipartConfig(enabled=False))
    with pytest.raises(HTTPInputError):
        parse(MULTIPART, multipart(part(b"form-data; name=a")), config=config)
    with pytest.raises(HTTPInputError):
        parse("multipart/form-data", multipart(part(b"form-data; name=a")))


def test_bounds_can_be_set_for_the_process() -> None:
    """`set_parse_body_config` changes what holds by default."""
    default = httputil.ParseBodyConfig()
    httputil.set_parse_body_config(httputil.ParseBodyConfig(urlencoded=httputil.ParseUrlEncodedConfig(max_arguments=1)))
    try:
        with pytest.raises(HTTPInputError):
            parse(URLENCODED, b"a=1&b=2")
        with pytest.raises(HTTPInputError):
            HTTPServerRequest(method="GET", uri="/?a=1&b=2")
    finally:
        httputil.set_parse_body_config(default)


def test_a_request_joins_the_arguments_of_query_and_body() -> None:
    """The single groups stay as they are."""
    request = HTTPServerRequest(
        method="POST",
        uri="/p%20q?a=1&a=&b=%80",
        headers=HTTPHeaders({"Host": "H:80", "Content-Type": URLENCODED}),
        body=b"a=2",
    )
    assert (request.path, request.query) == ("/p%20q", "a=1&a=&b=%80")
    assert request.arguments == {"a": [b"1", b"", b"2"], "b": [b"\x80"]}
    assert request.query_arguments == {"a": [b"1", b""], "b": [b"\x80"]}
    assert request.body_arguments == {"a": [b"2"]}
    assert (request.host, request.host_name) == ("H:80", "h")
    assert request.full_url() == "http://H:80/p%20q?a=1&a=&b=%80"


def test_a_request_parses_its_body_early_if_told_to() -> None:
    """A malformed body is an error then."""
    request = HTTPServerRequest(method="POST", uri="/", headers=HTTPHeaders({"Content-Type": MULTIPART}), body=b"x")
    with pytest.raises(HTTPInputError):
        request.parse_body()


@pytest.mark.parametrize("host", ["a b", "a/b", "a,b", "u@b"])
def test_a_request_made_by_hand_checks_its_host(host: str) -> None:
    """RFC 9112, section 3.2."""
    with pytest.raises(HTTPInputError):
        HTTPServerRequest(method="GET", uri="/", headers=HTTPHeaders({"Host": host}))


def test_a_host_is_required_by_http_1_1_only() -> None:
    """RFC 9112, section 3.2."""
    assert HTTPServerRequest(method="GET", uri="/").host == "127.0.0.1"
    with pytest.raises(HTTPInputError):
        HTTPServerRequest(method="GET", uri="/", version="HTTP/1.1")


def test_the_cookies_of_several_fields_are_morsels() -> None:
    """One that `http.cookies` cannot hold does not take the others away."""
    headers = HTTPHeaders.parse("Cookie: a=b\r\nCookie: c[]=d; e=f\r\n")
    request = HTTPServerRequest(method="GET", uri="/", headers=headers)
    assert {name: morsel.value for name, morsel in request.cookies.items()} == {"a": "b", "e": "f"}


@pytest.mark.parametrize(
    ("uri", "host", "path", "query"),
    [
        ("http://one.test/a?x=1", "one.test", "/a", "x=1"),
        ("HTTP://One.Test:81", "One.Test:81", "/", ""),
        ("https://one.test?x=1", "one.test", "/", "x=1"),
        ("/http://one.test/a", "two.test", "/http://one.test/a", ""),
        ("*", "two.test", "*", ""),
    ],
)
def test_the_authority_of_an_absolute_target_replaces_the_host_field(
    uri: str, host: str, path: str, query: str
) -> None:
    headers = HTTPHeaders({"Host": "two.test"})
    request = HTTPServerRequest("GET", uri, "HTTP/1.1", headers, connection=object())

    assert (request.host, request.path, request.query) == (host, path, query)
    assert request.full_url() == (uri if uri[0] in "hH" else f"http://two.test{uri}")
