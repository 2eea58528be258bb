"""The tools of ``httputil``: first lines, URLs, dates, cookies, credentials, forms, and the request itself.

They serve programs that have a piece of HTTP in their hands without a server or a client around it: a test that makes
a request, a proxy that reads a status line, an application that takes a form out of a message queue. What is malformed
is refused with HTTPInputError; what is too much, too: the parsers of forms have limits, which ``ParseBodyConfig`` sets
for one call and ``set_parse_body_config`` for the process.
"""

import datetime
import time
import warnings

from conformance import api, compat, doc, each, labelled, must, observed, rfc, should
from conformance.tracing import raised

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=X"


def refused(call, *arguments, **keywords):
    """Return whether the call raises HTTPInputError."""
    return raised(api.httputil.HTTPInputError, lambda: call(*arguments, **keywords))


def parsed(content_type, body, fields=None, **keywords):
    """Return the arguments and the files of a form body."""
    arguments, files = {}, {}
    headers = None if fields is None else api.httputil.HTTPHeaders(fields)
    api.httputil.parse_body_arguments(content_type, body, arguments, files, headers, **keywords)
    return arguments, files


def part(disposition, content=b"v", more=b""):
    """Return a part of a multipart body with the boundary X."""
    return b"--X\r\nContent-Disposition: " + disposition + b"\r\n" + more + b"\r\n" + content + b"\r\n"


def multipart(*parts):
    """Return a whole multipart body."""
    return b"".join(parts) + b"--X--\r\n"


# -- first lines ------------------------------------------------------------------------------------------------------


@must(
    "httputil.request-line.parts",
    "parse_request_start_line() gives method, path and version, as a tuple with these names.",
    doc("httputil.parse_request_start_line"),
    rfc(9112, "3"),
)
def test_request_line():
    line = api.httputil.parse_request_start_line("PATCH /a?b=c HTTP/1.1")
    assert line == ("PATCH", "/a?b=c", "HTTP/1.1") == api.httputil.RequestStartLine("PATCH", "/a?b=c", "HTTP/1.1")
    assert (line.method, line.path, line.version) == line


@must(
    "httputil.request-line.malformed",
    "parse_request_start_line() refuses what is no request line, and other versions than HTTP/1.x.",
    doc("httputil.parse_request_start_line"),
    rfc(9112, "3"),
)
@each(
    line=[
        labelled("empty", ""),
        labelled("two-words", "GET /"),
        labelled("two-spaces", "GET  / HTTP/1.1"),
        labelled("space-in-target", "GET /a b HTTP/1.1"),
        labelled("space-before", " GET / HTTP/1.1"),
        labelled("space-behind", "GET / HTTP/1.1 "),
        labelled("bad-method", "G@T / HTTP/1.1"),
        labelled("control", "GET /\x7f HTTP/1.1"),
        labelled("line-end", "GET / HTTP/1.1\r\n"),
        labelled("lower-case", "GET / http/1.1"),
        labelled("long-version", "GET / HTTP/1.10"),
        labelled("version-2", "GET / HTTP/2.0"),
        labelled("version-0", "GET / HTTP/0.9"),
    ]
)
def test_malformed_request_lines(line):
    assert refused(api.httputil.parse_request_start_line, line)


@must(
    "httputil.status-line.parts",
    "parse_response_start_line() gives version, code as a number, and reason, which may have spaces.",
    doc("httputil.parse_response_start_line"),
    rfc(9112, "4"),
)
def test_status_line():
    line = api.httputil.parse_response_start_line("HTTP/1.0 404 Not Found")
    assert line == ("HTTP/1.0", 404, "Not Found") == api.httputil.ResponseStartLine("HTTP/1.0", 404, "Not Found")
    assert (line.version, line.code, line.reason) == line


@must(
    "httputil.status-line.no-reason",
    "A status line may have no reason; the space before it stays.",
    rfc(9112, "4"),
    doc("httputil.parse_response_start_line"),
)
def test_status_line_without_reason():
    line = api.httputil.parse_response_start_line("HTTP/1.1 200 ")
    assert (line.code, line.reason or "") == (200, "")


@must(
    "httputil.status-line.malformed",
    "parse_response_start_line() refuses what is no status line, and other versions than HTTP/1.x.",
    doc("httputil.parse_response_start_line"),
    rfc(9112, "4"),
)
@each(
    line=[
        labelled("empty", ""),
        labelled("two-digits", "HTTP/1.1 20 OK"),
        labelled("four-digits", "HTTP/1.1 2000 OK"),
        labelled("other-digits", "HTTP/1.1 \uff12\uff10\uff10 OK"),
        labelled("letters", "HTTP/1.1 abc OK"),
        labelled("two-spaces", "HTTP/1.1  200 OK"),
        labelled("control", "HTTP/1.1 200 O\x01K"),
        labelled("line-end", "HTTP/1.1 200 OK\n"),
        labelled("lower-case", "http/1.1 200 OK"),
        labelled("version-2", "HTTP/2.0 200 OK"),
    ]
)
def test_malformed_status_lines(line):
    assert refused(api.httputil.parse_response_start_line, line)


@must(
    "httputil.responses.table",
    "responses gives the reason phrase of each status code.",
    doc("httputil.responses"),
    rfc(9110, "15"),
)
def test_responses():
    table = api.httputil.responses
    assert [table[code] for code in (200, 301, 404, 503)] == [
        "OK",
        "Moved Permanently",
        "Not Found",
        "Service Unavailable",
    ]
    assert 299 not in table


# -- URLs -------------------------------------------------------------------------------------------------------------


@must(
    "httputil.url-concat.appends",
    "url_concat() appends arguments, encoded, to the query that a URL has or gets; they may be a dict or pairs.",
    doc("httputil.url_concat"),
)
@each(
    case=[
        labelled("dict", ("http://e/f", {"c": "d"}, "http://e/f?c=d")),
        labelled("query", ("http://e/f?a=b", {"c": "d"}, "http://e/f?a=b&c=d")),
        labelled("pairs", ("http://e/f?a=b", [("c", "d"), ("c", "d2")], "http://e/f?a=b&c=d&c=d2")),
        labelled("tuples", ("/f", (("c", "d"),), "/f?c=d")),
        labelled("encoded", ("/f", {"\u00fc": "a&b =c"}, "/f?%C3%BC=a%26b+%3Dc")),
        labelled("fragment", ("/f?a=b#top", {"c": "d"}, "/f?a=b&c=d#top")),
        labelled("blank", ("/f?a=", {"c": ""}, "/f?a=&c=")),
        labelled("nothing", ("/f?a=b", {}, "/f?a=b")),
        labelled("none", ("/f", None, "/f")),
    ]
)
def test_url_concat(case):
    url, arguments, expected = case
    assert api.httputil.url_concat(url, arguments) == expected


@must(
    "httputil.url-concat.type",
    "url_concat() raises TypeError for arguments that are neither a dict nor pairs.",
    doc("httputil.url_concat"),
)
@each(arguments=[labelled("text", "a=b"), labelled("number", 5), labelled("set", {("a", "b")})])
def test_url_concat_type(arguments):
    assert raised(TypeError, api.httputil.url_concat, "/f", arguments)


@must(
    "httputil.host-and-port.split",
    "split_host_and_port() gives host and port; the port is None where there is none; brackets stay.",
    doc("httputil.split_host_and_port"),
)
@each(
    case=[
        labelled("both", ("e.org:8080", ("e.org", 8080))),
        labelled("host", ("e.org", ("e.org", None))),
        labelled("ipv4", ("1.2.3.4:80", ("1.2.3.4", 80))),
        labelled("ipv6", ("[::1]:80", ("[::1]", 80))),
        labelled("ipv6-alone", ("[::1]", ("[::1]", None))),
    ]
)
def test_split_host_and_port(case):
    netloc, expected = case
    assert api.httputil.split_host_and_port(netloc) == expected


@must(
    "httputil.qs-to-qsl.pairs",
    "qs_to_qsl() turns a mapping of names to lists of values into pairs.",
    doc("httputil.qs_to_qsl"),
)
def test_qs_to_qsl():
    assert list(api.httputil.qs_to_qsl({"a": ["1", "2"], "b": [], "c": ["3"]})) == [("a", "1"), ("a", "2"), ("c", "3")]


# -- dates, cookies, credentials --------------------------------------------------------------------------------------


@must(
    "httputil.timestamp.format",
    "format_timestamp() writes a time as HTTP does; it takes seconds, a time tuple or a datetime, naive ones in UTC.",
    doc("httputil.format_timestamp"),
    rfc(9110, "5.6.7"),
)
@each(
    moment=[
        labelled("int", 1359312200),
        labelled("float", 1359312200.75),
        labelled("struct_time", time.gmtime(1359312200)),
        labelled("tuple", (2013, 1, 27, 18, 43, 20, 6, 27, 0)),
        labelled("datetime", datetime.datetime(2013, 1, 27, 18, 43, 20)),
        labelled(
            "aware-datetime",
            datetime.datetime(2013, 1, 27, 20, 43, 20, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
        ),
    ]
)
def test_format_timestamp(moment):
    assert api.httputil.format_timestamp(moment) == "Sun, 27 Jan 2013 18:43:20 GMT"


@must(
    "httputil.timestamp.type",
    "format_timestamp() raises TypeError for what is no time.",
    doc("httputil.format_timestamp"),
)
@each(moment=[labelled("text", "now"), labelled("none", None)])
def test_format_timestamp_type(moment):
    assert raised(TypeError, api.httputil.format_timestamp, moment)


@must(
    "httputil.cookie.pairs",
    "parse_cookie() gives names and values of a Cookie field; of a repeated name the last value.",
    doc("httputil.parse_cookie"),
    rfc(6265, "5.4"),
)
@each(
    case=[
        labelled("two", ("a=b; c=d", {"a": "b", "c": "d"})),
        labelled("repeated", ("a=b; a=c", {"a": "c"})),
        labelled("equals", ("a=b=c==", {"a": "b=c=="})),
        labelled("untidy", (" a = b ;; c=d;", {"a": "b", "c": "d"})),
        labelled("quoted", ('a="b c\\"d"', {"a": 'b c"d'})),
        labelled("octal", ('a="\\073"', {"a": ";"})),
        labelled("empty", ("", {})),
    ]
)
def test_parse_cookie(case):
    field, expected = case
    assert api.httputil.parse_cookie(field) == expected


@compat(
    "httputil.cookie.tolerant",
    "parse_cookie() refuses nothing: a part without an equals sign is a value without a name.",
    observed("http-httputil"),
)
@each(
    case=[
        labelled("no-equals", ("a", {"": "a"})),
        labelled("no-name", ("=b", {"": "b"})),
        labelled("lone-quote", ('a="', {"a": '"'})),
        labelled("comma", ("a=b,c", {"a": "b,c"})),
    ]
)
def test_untidy_cookies(case):
    field, expected = case
    assert api.httputil.parse_cookie(field) == expected


@must(
    "httputil.credentials.encoded",
    "encode_username_password() joins both with a colon, text as UTF-8 in normal form C, bytes as they are.",
    doc("httputil.encode_username_password"),
    rfc(7617, "2.1"),
)
@each(
    case=[
        labelled("ascii", (("user", "pass:word"), b"user:pass:word")),
        labelled("utf-8", (("\u00fc", "\u4e16"), "\u00fc:\u4e16".encode())),
        labelled("composed", (("u\u0308", ""), "\u00fc:".encode())),
        labelled("bytes", ((b"\xff", b"\x00"), b"\xff:\x00")),
    ]
)
def test_credentials(case):
    pair, expected = case
    assert api.httputil.encode_username_password(*pair) == expected


# -- urlencoded forms -------------------------------------------------------------------------------------------------


@must(
    "httputil.urlencoded.arguments",
    "parse_body_arguments() adds the arguments of an urlencoded body: names as text, values as lists of bytes.",
    doc("httputil.parse_body_arguments"),
)
def test_urlencoded():
    arguments, files = {"a": [b"0"]}, {}
    body = b"a=1&b=x+y&a=%C3%BC&c=%ff&d=&e"
    api.httputil.parse_body_arguments(URLENCODED + "; charset=utf-8", body, arguments, files)
    expected = {"a": [b"0", b"1", b"\xc3\xbc"], "b": [b"x y"], "c": [b"\xff"], "d": [b""], "e": [b""]}
    assert (arguments, files) == (expected, {})


@must(
    "httputil.urlencoded.names",
    "Names that are escaped UTF-8 are decoded; others are taken as Latin-1 rather than refused.",
    doc("httputil.parse_body_arguments"),
)
@each(case=[labelled("latin-1", (b"%fc=1", "\u00fc")), labelled("ascii", (b"%61=1", "a"))])
def test_urlencoded_names(case):
    body, name = case
    assert parsed(URLENCODED, body) == ({name: [b"1"]}, {})


@must(
    "httputil.forms.other-types",
    "A body of another type is no form and is left alone.",
    doc("httputil.parse_body_arguments"),
)
@each(content_type=["text/plain", "application/json", "", "application/x-www-form"])
def test_other_types(content_type):
    assert parsed(content_type, b"a=1") == ({}, {})


@should(
    "httputil.forms.type-case",
    "The name of a media type is the same whatever its case.",
    rfc(9110, "8.3.1"),
)
@each(
    case=[
        labelled("urlencoded", (URLENCODED.upper(), b"a=v")),
        labelled("multipart", ("Multipart/Form-Data; Boundary=X", multipart(part(b'form-data; name="a"')))),
    ]
)
def test_type_in_other_case(case):
    assert parsed(*case) == ({"a": [b"v"]}, {})


@must(
    "httputil.forms.encoded",
    "A form that is encoded, by Content-Encoding, is refused instead of read as it is.",
    doc("httputil.parse_body_arguments"),
)
@each(content_type=[URLENCODED, MULTIPART])
def test_encoded_forms(content_type):
    assert refused(parsed, content_type, b"a=1", {"Content-Encoding": "gzip"})
    assert parsed("text/plain", b"a=1", {"Content-Encoding": "gzip"}) == ({}, {})


# -- multipart forms --------------------------------------------------------------------------------------------------


@must(
    "httputil.multipart.arguments",
    "A part without a file name is an argument: its content, whatever is in it, is a value of its name.",
    doc("httputil.parse_multipart_form_data"),
    rfc(7578, "4.2"),
)
def test_multipart_arguments():
    binary = bytes(range(256)) + b"\r\n--Y\r\n--X inside"
    body = multipart(
        part(b'form-data; name="a"', binary),
        part(b'form-data; name="a"', b"2"),
        part(b"form-data; name=b", b"3\r\n"),
        part('form-data; name="\u00fc"'.encode(), b""),
    )
    assert parsed(MULTIPART, body) == ({"a": [binary, b"2"], "b": [b"3\r\n"], "\u00fc": [b""]}, {})


@must(
    "httputil.multipart.files",
    "A part with a file name is an HTTPFile: filename, body and content_type, as items and as attributes.",
    doc("httputil.HTTPFile"),
    rfc(7578, "4.2"),
)
def test_multipart_files():
    text = part(b'form-data; name="f"; filename="a.txt"', b"one", b"Content-Type: text/plain\r\n")
    other = part(b'form-data; name="f"; filename="b"', b"\x00")
    arguments, files = parsed(MULTIPART, multipart(text, other))
    first, second = files["f"]
    assert (arguments, list(files)) == ({}, ["f"])
    assert (first.filename, first.body, first.content_type) == ("a.txt", b"one", "text/plain")
    assert first == {"filename": "a.txt", "body": b"one", "content_type": "text/plain"}
    assert (second["filename"], second["body"]) == ("b", b"\x00")


@must(
    "httputil.multipart.file-names",
    "File names may have quoted characters, semicolons and non-ASCII letters, in UTF-8 or by the extended form.",
    doc("httputil.parse_multipart_form_data"),
    rfc(7578, "4.2"),
)
@each(
    case=[
        labelled("quote", (b'filename="a\\"b.txt"', 'a"b.txt')),
        labelled("semicolon", (b'filename="a;b.txt"', "a;b.txt")),
        labelled("backslashes", (b'filename="C:\\\\d\\\\f.txt"', "C:\\d\\f.txt")),
        labelled("utf-8", ('filename="\u00fc.txt"'.encode(), "\u00fc.txt")),
        labelled("extended", (b"filename*=UTF-8''%c3%bc.txt", "\u00fc.txt")),
        labelled("both", (b"filename=\"x\"; filename*=UTF-8''%c3%bc.txt", "\u00fc.txt")),
    ]
)
def test_file_names(case):
    parameter, expected = case
    _, files = parsed(MULTIPART, multipart(part(b'form-data; name="f"; ' + parameter, b"data")))
    assert [file["filename"] for file in files["f"]] == [expected]


@must(
    "httputil.multipart.boundary",
    "The boundary may be quoted, and a body may end right behind its last delimiter.",
    doc("httputil.parse_multipart_form_data"),
    rfc(2046, "5.1.1"),
)
def test_boundary():
    body = multipart(part(b'form-data; name="a"'))
    assert parsed('multipart/form-data; boundary="X"', body) == ({"a": [b"v"]}, {})
    assert parsed("multipart/form-data; charset=utf-8; boundary=X", body[:-2]) == ({"a": [b"v"]}, {})
    arguments = {}
    api.httputil.parse_multipart_form_data(b'"X"', body, arguments, {})
    assert arguments == {"a": [b"v"]}


@should(
    "httputil.multipart.around",
    "What stands before the first delimiter and after the last one is ignored.",
    rfc(2046, "5.1.1"),
)
def test_preamble():
    body = b"preamble\r\n" + multipart(part(b'form-data; name="a"')) + b"epilogue"
    assert parsed(MULTIPART, body) == ({"a": [b"v"]}, {})


@must(
    "httputil.multipart.malformed",
    "A multipart body that is malformed is refused.",
    doc("httputil.parse_multipart_form_data"),
)
@each(
    body=[
        labelled("empty", b""),
        labelled("no-delimiter", b"garbage"),
        labelled("cut-short", part(b'form-data; name="a"')),
        labelled("no-name", multipart(part(b"form-data"))),
        labelled("other-disposition", multipart(part(b'attachment; name="a"'))),
        labelled("no-disposition", multipart(b"--X\r\nContent-Type: a/b\r\n\r\nv\r\n")),
        labelled("no-colon", multipart(b"--X\r\nno colon\r\n\r\nv\r\n")),
        labelled("no-head-end", multipart(b'--X\r\nContent-Disposition: form-data; name="a"\r\n')),
    ]
)
def test_malformed_multipart(body):
    assert refused(parsed, MULTIPART, body)


@must(
    "httputil.multipart.no-boundary",
    "A multipart type that names no boundary is refused.",
    doc("httputil.parse_body_arguments"),
    rfc(2046, "5.1.1"),
)
@each(content_type=["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; charset=utf-8"])
def test_no_boundary(content_type):
    assert refused(parsed, content_type, multipart(part(b'form-data; name="a"')))


# -- limits -----------------------------------------------------------------------------------------------------------


def urlencoded(max_arguments):
    """Return a configuration with this limit on arguments."""
    limits = api.httputil.ParseUrlEncodedConfig(max_arguments=max_arguments)
    return api.httputil.ParseBodyConfig(urlencoded=limits)


@must(
    "httputil.limits.defaults",
    "By default a body may have 100 parts with heads of 10 KiB, and 1,000 arguments.",
    doc("httputil.ParseBodyConfig"),
    doc("httputil.ParseMultipartConfig"),
)
def test_default_limits():
    config = api.httputil.ParseBodyConfig()
    assert config == api.httputil.ParseBodyConfig(
        multipart=api.httputil.ParseMultipartConfig(enabled=True, max_parts=100, max_part_header_size=10240),
        urlencoded=api.httputil.ParseUrlEncodedConfig(max_arguments=1000),
    )
    assert len(parsed(URLENCODED, b"&".join([b"a=1"] * 1000))[0]["a"]) == 1000
    assert refused(parsed, URLENCODED, b"&".join([b"a=1"] * 1001))


@must(
    "httputil.limits.arguments",
    "max_arguments bounds the arguments of an urlencoded body.",
    doc("httputil.ParseUrlEncodedConfig.max_arguments"),
)
def test_max_arguments():
    assert parsed(URLENCODED, b"a=1&b=2", config=urlencoded(2)) == ({"a": [b"1"], "b": [b"2"]}, {})
    assert refused(parsed, URLENCODED, b"a=1&b=2&c=3", config=urlencoded(2))


@must(
    "httputil.limits.parts",
    "A multipart body with more parts than max_parts is refused.",
    doc("httputil.ParseMultipartConfig.max_parts"),
)
def test_too_many_parts():
    config = api.httputil.ParseMultipartConfig(max_parts=3)
    body = multipart(*[part(b'form-data; name="a"')] * 4)
    assert refused(api.httputil.parse_multipart_form_data, b"X", body, {}, {}, config=config)
    whole = api.httputil.ParseBodyConfig(multipart=config)
    assert refused(parsed, MULTIPART, body, config=whole)


@must(
    "httputil.limits.parts-reached",
    "A multipart body with exactly max_parts parts is within the limit.",
    doc("httputil.ParseMultipartConfig.max_parts"),
)
def test_as_many_parts_as_allowed():
    config = api.httputil.ParseMultipartConfig(max_parts=3)
    arguments = {}
    body = multipart(*[part(b'form-data; name="a"')] * 3)
    api.httputil.parse_multipart_form_data(b"X", body, arguments, {}, config=config)
    assert arguments == {"a": [b"v"] * 3}


@must(
    "httputil.limits.part-head",
    "A part whose head is larger than max_part_header_size is refused.",
    doc("httputil.ParseMultipartConfig.max_part_header_size"),
)
def test_part_head():
    config = api.httputil.ParseMultipartConfig(max_part_header_size=200)
    for size, fits in ((50, True), (200, False)):
        body = multipart(part(b'form-data; name="a"', more=b"X: " + b"y" * size + b"\r\n"))
        arguments = {}
        assert fits is not refused(api.httputil.parse_multipart_form_data, b"X", body, arguments, {}, config=config)
        assert arguments == ({"a": [b"v"]} if fits else {})


@must(
    "httputil.limits.switched-off",
    "With enabled=False multipart bodies are refused.",
    doc("httputil.ParseMultipartConfig.enabled"),
)
def test_switched_off():
    config = api.httputil.ParseBodyConfig(multipart=api.httputil.ParseMultipartConfig(enabled=False))
    assert refused(parsed, MULTIPART, multipart(part(b'form-data; name="a"')), config=config)
    assert parsed(URLENCODED, b"a=1", config=config) == ({"a": [b"1"]}, {})


@must(
    "httputil.limits.process",
    "set_parse_body_config() sets the limits that hold where a call gives none.",
    doc("httputil.set_parse_body_config"),
)
def test_limits_of_the_process():
    try:
        api.httputil.set_parse_body_config(urlencoded(1))
        assert refused(parsed, URLENCODED, b"a=1&b=2")
        assert parsed(URLENCODED, b"a=1&b=2", config=urlencoded(2))[0] == {"a": [b"1"], "b": [b"2"]}
    finally:
        api.httputil.set_parse_body_config(api.httputil.ParseBodyConfig())
    assert parsed(URLENCODED, b"a=1&b=2")[0] == {"a": [b"1"], "b": [b"2"]}


# -- a request made by hand -------------------------------------------------------------------------------------------


def request(method="POST", uri="/p?a=1&a=2&b", version="HTTP/1.1", **keywords):
    """Return a request made by hand."""
    headers = api.httputil.HTTPHeaders(keywords.pop("fields", {"Host": "E.org:8080"}))
    line = api.httputil.RequestStartLine(method, uri, version)
    return api.httputil.HTTPServerRequest(start_line=line, headers=headers, **keywords)


@must(
    "httputil.request.by-hand",
    "A request can be made by hand of a start line; its attributes are what was given, and taken out of that.",
    doc("httputil.HTTPServerRequest"),
)
def test_request_by_hand():
    made = request(body=b"body")
    assert (made.method, made.uri, made.path, made.query) == ("POST", "/p?a=1&a=2&b", "/p", "a=1&a=2&b")
    assert (made.version, made.headers["host"], made.body) == ("HTTP/1.1", "E.org:8080", b"body")
    assert (made.host, made.host_name, made.protocol) == ("E.org:8080", "e.org", "http")
    assert made.full_url() == "http://E.org:8080/p?a=1&a=2&b"
    assert (made.files, made.body_arguments) == ({}, {})


@must(
    "httputil.request.method-and-uri",
    "A request can be made of method, uri and version in place of a start line.",
    doc("httputil.HTTPServerRequest"),
)
def test_request_of_method_and_uri():
    with warnings.catch_warnings():
        # Newer releases announce that this will end.
        warnings.simplefilter("ignore", DeprecationWarning)
        made = api.httputil.HTTPServerRequest("PUT", "/x?y=z", headers=api.httputil.HTTPHeaders())
    assert (made.method, made.path, made.query, made.version) == ("PUT", "/x", "y=z", "HTTP/1.0")
    assert made.query_arguments == {"y": [b"z"]}


@must(
    "httputil.request.arguments",
    "query_arguments, and arguments before a body is parsed, are those of the query; blank values are kept.",
    doc("httputil.HTTPServerRequest.query_arguments"),
    doc("httputil.HTTPServerRequest.arguments"),
)
def test_request_arguments():
    made = request()
    assert made.query_arguments == {"a": [b"1", b"2"], "b": [b""]}
    assert made.arguments == made.query_arguments
    made.arguments["a"].append(b"3")
    assert made.query_arguments["a"] == [b"1", b"2"]


@must(
    "httputil.request.cookies",
    "cookies are Morsels by name, out of every Cookie field.",
    doc("httputil.HTTPServerRequest.cookies"),
)
def test_request_cookies():
    made = request(fields={"Host": "h", "Cookie": 'a=b; c="d e"'})
    assert {name: morsel.value for name, morsel in made.cookies.items()} == {"a": "b", "c": "d e"}
    assert made.cookies["a"].key == "a"
    assert request().cookies == {}


@must(
    "httputil.request.bad-host",
    "A request whose Host field is no host is refused.",
    doc("httputil.HTTPServerRequest"),
    rfc(9112, "3.2"),
)
@each(host=["a/b", "a b", "a@b", "a,b", "a?b"])
def test_bad_hosts(host):
    assert refused(request, fields={"Host": host})


@must(
    "httputil.request.time",
    "request_time() is the time since the request was made, in seconds.",
    doc("httputil.HTTPServerRequest.request_time"),
)
def test_request_time(clock):
    made = request()
    clock.advance(2.5)
    assert abs(made.request_time() - 2.5) < 0.001


@must(
    "httputil.delegates.optional",
    "The methods of HTTPMessageDelegate, and on_close of HTTPServerConnectionDelegate, need not be defined.",
    doc("httputil.HTTPMessageDelegate"),
    doc("httputil.HTTPServerConnectionDelegate"),
)
def test_optional_methods():
    delegate = api.httputil.HTTPMessageDelegate()
    line = api.httputil.RequestStartLine("GET", "/", "HTTP/1.1")
    assert delegate.headers_received(line, api.httputil.HTTPHeaders()) is None
    assert (delegate.data_received(b"x"), delegate.finish(), delegate.on_connection_close()) == (None, None, None)
    assert api.httputil.HTTPServerConnectionDelegate().on_close(object()) is None


@must(
    "httputil.interfaces.abstract",
    "What has to be defined raises NotImplementedError: start_request, and all of HTTPConnection.",
    doc("httputil.HTTPConnection"),
    doc("httputil.HTTPServerConnectionDelegate.start_request"),
)
def test_abstract_methods():
    connection = api.httputil.HTTPConnection()
    line = api.httputil.ResponseStartLine("HTTP/1.1", 200, "OK")
    for call in (
        lambda: api.httputil.HTTPServerConnectionDelegate().start_request(object(), connection),
        lambda: connection.write_headers(line, api.httputil.HTTPHeaders()),
        lambda: connection.write(b""),
        connection.finish,
    ):
        assert raised(NotImplementedError, call)
