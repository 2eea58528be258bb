"""Escaping

``escape`` has the conversions that stand between a program's values and what goes out: for HTML, for URLs, for JSON,
and between text and bytes. Each is for one context, and wrong in others: what
is safe between two tags is not safe inside of one, nor in a script.
"""

import html
import json
import re

import pytest

from conformance import api, compat, doc, each, labelled, must, observed

# -- HTML -------------------------------------------------------------------------------------------------------------


@must(
    "escape.xhtml.characters",
    "xhtml_escape() replaces < > & and both quotes by references, and nothing else; UTF-8 bytes are text to it.",
    doc("escape.xhtml_escape"),
)
@each(text=["<>&\"'", "plain ü世", "&amp;", "", "a`b=c/d\n\0"])
def test_xhtml_escape(text):
    escaped = api.escape.xhtml_escape(text)
    assert not set("<>\"'") & set(escaped)
    assert html.unescape(escaped) == text or "\0" in text
    assert api.escape.xhtml_escape(text.encode()) == escaped
    assert len(escaped) == sum(len(html.escape(c)) for c in text)


@must(
    "escape.xhtml.back",
    "xhtml_unescape() undoes it, and knows HTML's named and numeric references.",
    doc("escape.xhtml_unescape"),
)
@each(
    case=[
        ("&lt;&gt;&amp;&quot;&#x27;&#39;", "<>&\"''"),
        ("&auml;&copy;&#228;&#xE4;", "ä©ää"),
        ("&xyzzy; & &#; &", "&xyzzy; & &#; &"),
        ("&amp;lt;", "&lt;"),
    ]
)
def test_xhtml_unescape(case):
    assert api.escape.xhtml_unescape(case[0]) == case[1]
    assert api.escape.xhtml_unescape(api.escape.xhtml_escape(case[1])) == case[1]


# -- JSON -------------------------------------------------------------------------------------------------------------

VALUES = [{"a": [1, 2.5, None, True, "ü"]}, "</script>", "a/b <\\/", [], 7]


@must(
    "escape.json.round-trip",
    "json_encode() returns JSON text, and json_decode() its value, from text and UTF-8 bytes.",
    doc("escape.json_encode"),
    doc("escape.json_decode"),
)
@each(value=[labelled(f"value-{number}", value) for number, value in enumerate(VALUES)])
def test_json(value):
    text = api.escape.json_encode(value)
    assert isinstance(text, str)
    assert json.loads(text) == value
    assert api.escape.json_decode(text) == api.escape.json_decode(text.encode()) == value


@must(
    "escape.json.in-script",
    "In what json_encode() returns no element ends: there is no </ in it.",
    doc("escape.json_encode"),
)
@each(value=["</script>", {"</script>": ["</SCRIPT>"]}, "<</"])
def test_json_in_script(value):
    text = api.escape.json_encode(value)
    assert ("</" in text, json.loads(text)) == (False, value)


@must(
    "escape.json.script-comment",
    "Nor is there <!-- or <script, after which a browser would look for another end.",
    doc("escape.json_encode"),
)
@each(value=["<!--<script>", "<!--", "<SCRIPT", {"<script": "<!--"}])
def test_json_script_comment(value):
    text = api.escape.json_encode(value)
    assert (re.search("<!--|<script", text, re.I), json.loads(text)) == (None, value)


@must(
    "escape.json.refused",
    "What JSON cannot express, and text that is no JSON, raise TypeError and ValueError.",
    doc("escape.json_encode"),
    doc("escape.json_decode"),
)
def test_json_errors():
    with pytest.raises(TypeError):
        api.escape.json_encode({1, 2})
    for text in ("{", b"", "[1,]", b"\xff"):
        with pytest.raises(ValueError):
            api.escape.json_decode(text)


# -- URLs -------------------------------------------------------------------------------------------------------------


@must(
    "escape.url.query",
    "url_escape() is for a value in a query: a space becomes +, all but letters, digits and _.-~ is percent-encoded.",
    doc("escape.url_escape"),
)
@each(
    case=[("a b&c=d/e", "a+b%26c%3Dd%2Fe"), ("ü", "%C3%BC"), (b"\xff", "%FF"), ("Az09_.-~", "Az09_.-~"), ("+", "%2B")]
)
def test_url_escape(case):
    assert api.escape.url_escape(case[0]) == case[1]


@must(
    "escape.url.path",
    "With plus=False it is for a path: a space becomes %20.",
    doc("escape.url_escape"),
)
def test_url_escape_path():
    assert api.escape.url_escape("a b+c", plus=False) == "a%20b%2Bc"
    assert api.escape.url_escape("ü?#", plus=False) == "%C3%BC%3F%23"


@compat(
    "escape.url.slashes",
    "Slashes of a path stay.",
    observed("web-escape"),
)
def test_url_escape_slashes():
    assert api.escape.url_escape("a/b c/ü", plus=False) == "a/b%20c/%C3%BC"


@must(
    "escape.url.back",
    "url_unescape() undoes it, in both forms: with plus a + is a space.",
    doc("escape.url_unescape"),
)
@each(plus=[True, False])
def test_url_unescape(plus):
    for text in ("a b+c%&=/ü世", "", "%zz %4"):
        escaped = api.escape.url_escape(text, plus=plus)
        assert api.escape.url_unescape(escaped, plus=plus) == text
        assert api.escape.url_unescape(escaped.encode(), plus=plus) == text
    assert api.escape.url_unescape("a+b%2Bc", plus=plus) == ("a b+c" if plus else "a+b+c")


@must(
    "escape.url.encoding",
    "url_unescape() returns text in the given encoding, or bytes if that is None.",
    doc("escape.url_unescape"),
)
def test_url_unescape_encoding():
    assert api.escape.url_unescape("%fc+%e4", encoding="latin-1") == "ü ä"
    assert api.escape.url_unescape("a%ff+%00", encoding=None) == b"a\xff \0"
    assert api.escape.url_unescape(b"a%ff+", encoding=None, plus=False) == b"a\xff+"


@must(
    "escape.query.bytes",
    "parse_qs_bytes() parses a query into lists of bytes, which need not be UTF-8.",
    doc("escape.parse_qs_bytes"),
)
@each(kind=["text", "bytes"])
def test_parse_qs(kind):
    query = "a=1&b=%FF%00&a=x+y&c=&d"
    parsed = api.escape.parse_qs_bytes(query if kind == "text" else query.encode())
    assert parsed == {"a": [b"1", b"x y"], "b": [b"\xff\0"]}
    kept = api.escape.parse_qs_bytes(query, keep_blank_values=True)
    assert (kept["c"], kept["d"]) == ([b""], [b""])


@must(
    "escape.query.strict",
    "strict_parsing refuses a field without =, max_num_fields more fields than that, with ValueError.",
    doc("escape.parse_qs_bytes"),
)
@each(arguments=[{"strict_parsing": True}, {"max_num_fields": 1}])
def test_parse_qs_refuses(arguments):
    assert api.escape.parse_qs_bytes("a=1", **arguments) == {"a": [b"1"]}
    with pytest.raises(ValueError):
        api.escape.parse_qs_bytes("a=1&b", **arguments)


# -- text and bytes ---------------------------------------------------------------------------------------------------


@must(
    "escape.text.utf8",
    "utf8() returns text as UTF-8 bytes; bytes and None come back as they are.",
    doc("escape.utf8"),
)
def test_utf8():
    assert [api.escape.utf8(value) for value in ("ü", b"\xff", None)] == [b"\xc3\xbc", b"\xff", None]


@must(
    "escape.text.unicode",
    "to_unicode(), native_str() and to_basestring() return UTF-8 bytes as text; text and None come back as they are.",
    doc("escape.to_unicode"),
    doc("escape.native_str"),
    doc("escape.to_basestring"),
)
@each(name=["to_unicode", "native_str", "to_basestring"])
def test_to_unicode(name):
    convert = getattr(api.escape, name)
    assert [convert(value) for value in (b"\xc3\xbc", "ü", None)] == ["ü", "ü", None]
    with pytest.raises(UnicodeDecodeError):
        convert(b"\xff")


@must(
    "escape.text.other-types",
    "Other types are refused with TypeError.",
    doc("escape.utf8"),
    doc("escape.to_unicode"),
)
@each(name=["utf8", "to_unicode", "native_str", "to_basestring", "xhtml_escape", "xhtml_unescape", "linkify"])
def test_other_types(name):
    for value in (7, ["a"], 2.5):
        with pytest.raises(TypeError):
            getattr(api.escape, name)(value)


@must(
    "escape.text.recursive",
    "recursive_unicode() decodes the bytes in dictionaries, lists and tuples, at any depth, and copies those.",
    doc("escape.recursive_unicode"),
)
def test_recursive_unicode():
    value = {b"a": [b"b", (b"c", 1, {b"d": None})], "e": "ü".encode()}
    assert api.escape.recursive_unicode(value) == {"a": ["b", ("c", 1, {"d": None})], "e": "ü"}
    assert value["e"] == "ü".encode()


@must(
    "escape.text.squeeze",
    "squeeze() replaces each run of white space by one space, and trims the ends.",
    doc("escape.squeeze"),
)
def test_squeeze():
    assert api.escape.squeeze(" \n a\t\r\n b  c ") == "a b c"
    assert [api.escape.squeeze(text) for text in ("", " \n", "abc")] == ["", "", "abc"]


# -- linkify ----------------------------------------------------------------------------------------------------------


def link(url, text=None, more=""):
    """Return the link that linkify makes of a URL."""
    return f'<a href="{html.escape(url)}"{more}>{html.escape(text or url)}</a>'


@must(
    "escape.linkify.links",
    "linkify() makes links of the URLs in a text, and of names that begin with www.",
    doc("escape.linkify"),
)
@each(
    case=[
        ("see http://a.example/b?c=d&e=f#g now", f"see {link('http://a.example/b?c=d&e=f#g')} now"),
        ("https://a.example:8443/", link("https://a.example:8443/")),
        ("www.a.example/b", link("http://www.a.example/b", "www.a.example/b")),
        ("http://a.example http://b.example", f"{link('http://a.example')} {link('http://b.example')}"),
        ("no links: a.example, http:, x:y", "no links: a.example, http:, x:y"),
    ]
)
def test_linkify(case):
    assert api.escape.linkify(case[0]) == case[1]
    assert api.escape.linkify(case[0].encode()) == case[1]


@must(
    "escape.linkify.escapes",
    "The text around and in links is escaped; no text can become an element or leave an attribute.",
    doc("escape.linkify"),
)
@each(text=["<b>&\"'", "http://a.example/<script>", 'http://a.example/"onclick=x', "www.a.example/'><i>", "&lt;"])
def test_linkify_escapes(text):
    made = api.escape.linkify(text)
    rest = re.sub(r'<a href="[^"<>]*">[^<>]*</a>', "", made)
    assert not set("<>\"'") & set(rest)
    assert html.unescape(re.sub(r"</?a[^>]*>", "", made)) == text


@must(
    "escape.linkify.sentences",
    "Punctuation after a URL and brackets around it are no part of it; brackets in it are.",
    doc("escape.linkify"),
)
@each(
    case=[
        ("Go to http://a.example/b.", f"Go to {link('http://a.example/b')}."),
        ("http://a.example, http://b.example!", f"{link('http://a.example')}, {link('http://b.example')}!"),
        ("(http://a.example/b)", f"({link('http://a.example/b')})"),
        ("http://a.example/b_(c)", link("http://a.example/b_(c)")),
    ]
)
def test_linkify_sentences(case):
    assert api.escape.linkify(case[0]) == case[1]


@must(
    "escape.linkify.protocols",
    "Only permitted protocols become links, http and https by default; with require_protocol, www. alone does not.",
    doc("escape.linkify"),
)
def test_linkify_protocols():
    dangerous = "javascript:alert(1) javascript://a.example/%0aalert(1) ftp://a.example data:text/html,x"
    assert api.escape.linkify(dangerous) == html.escape(dangerous)
    assert api.escape.linkify("ftp://a.example", permitted_protocols=["ftp"]) == link("ftp://a.example")
    assert api.escape.linkify("http://a.example", permitted_protocols=["ftp"]) == "http://a.example"
    assert api.escape.linkify("www.a.example", require_protocol=True) == "www.a.example"


@must(
    "escape.linkify.extra-params",
    "extra_params stands in each link, or what it returns for the URL if it is a function.",
    doc("escape.linkify"),
)
def test_linkify_extra_params():
    made = api.escape.linkify("http://a.example", extra_params='rel="nofollow"')
    assert made == '<a href="http://a.example" rel="nofollow">http://a.example</a>'
    made = api.escape.linkify("www.a.example", extra_params=lambda url: f'data-url="{url}"')
    assert made == '<a href="http://www.a.example" data-url="http://www.a.example">www.a.example</a>'


@must(
    "escape.linkify.shorten",
    "With shorten, long URLs are shown cut; they lead where they led, and the whole is the link's title.",
    doc("escape.linkify"),
)
def test_linkify_shorten():
    url = "http://a.example/a/very/long/path/to/something?with=a&query=too"
    made = api.escape.linkify(url, shorten=True)
    match = re.fullmatch(r'<a href="([^"]*)" title="([^"]*)">([^<]*)</a>', made)
    assert match
    assert html.unescape(match[1]) == html.unescape(match[2]) == url
    assert match[3].startswith("http://a.example/")
    assert len(match[3]) < len(url) // 2
    assert api.escape.linkify("http://a.example/b", shorten=True) == link("http://a.example/b")
