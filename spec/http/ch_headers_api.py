"""Header fields as Python programs see them.

``HTTPHeaders`` is a mapping from names to values. Names are the same whatever their case, and are shown with a capital
at the start and after each hyphen. A field may come several times; the mapping then gives the values joined with
commas, which means the same for every field but ``Set-Cookie``, and ``get_list`` and ``get_all`` give them one by one.

What comes from outside goes in by ``add``, ``parse_line`` and ``parse``, which refuse what could not be one field line:
a header that is made of a user's input must not become two, or end the head.
"""

import copy
import pickle

from conformance import api, doc, each, labelled, must, rfc, should
from conformance.tracing import raised


def headers(*fields):
    """Return HTTPHeaders to which ``fields``, pairs of name and value, were added."""
    made = api.httputil.HTTPHeaders()
    for name, value in fields:
        made.add(name, value)
    return made


def refused(call, *arguments, **keywords):
    """Return whether the call raises HTTPInputError."""
    return raised(api.httputil.HTTPInputError, lambda: call(*arguments, **keywords))


# -- names ------------------------------------------------------------------------------------------------------------


@must(
    "httputil.headers.case",
    "Names are the same whatever their case, in every operation of the mapping.",
    doc("httputil.HTTPHeaders"),
    rfc(9110, "5.1"),
)
def test_case_of_names():
    made = headers(("content-TYPE", "a"))
    assert made["Content-Type"] == made.get("CONTENT-TYPE") == "a"
    assert ("content-type" in made, "Content-Typ" in made) == (True, False)
    made["CONTENT-type"] = "b"
    assert list(made.items()) == [("Content-Type", "b")]
    del made["content-type"]
    assert (len(made), made.get("Content-Type", "default")) == (0, "default")


@must(
    "httputil.headers.spelling",
    "Names are shown with a capital at the start and after each hyphen, and small letters otherwise.",
    doc("httputil.HTTPHeaders"),
)
def test_spelling_of_names():
    names = ["etag", "WWW-AUTHENTICATE", "x-1a-B2", "content-type"]
    made = headers(*((name, "v") for name in names))
    assert list(made) == ["Etag", "Www-Authenticate", "X-1a-B2", "Content-Type"]


@must(
    "httputil.headers.missing",
    "A name that is not there is a KeyError; its list is empty.",
    doc("httputil.HTTPHeaders"),
)
def test_missing_names():
    made = headers(("A", "1"))
    assert raised(KeyError, lambda: made["B"])
    assert raised(KeyError, lambda: made.pop("B"))
    assert made.get_list("B") == []


# -- repeated fields --------------------------------------------------------------------------------------------------


@must(
    "httputil.headers.add-joins",
    "add() appends a value; the mapping gives all values of a name joined with commas.",
    doc("httputil.HTTPHeaders.add"),
    rfc(9110, "5.3"),
)
def test_repeated_fields():
    made = headers(("Via", "1.0 a"), ("via", "1.1 b"), ("VIA", "1.1 c"))
    assert made["via"] == "1.0 a,1.1 b,1.1 c"
    assert len(made) == 1


@must(
    "httputil.headers.get-list",
    "get_list() gives each value of a name, in order.",
    doc("httputil.HTTPHeaders.get_list"),
)
def test_get_list():
    made = headers(("Set-Cookie", "a=b, c"), ("set-cookie", "d=e"), ("X", "1"))
    assert made.get_list("SET-COOKIE") == ["a=b, c", "d=e"]
    assert made.get_list("x") == ["1"]


@must(
    "httputil.headers.get-all",
    "get_all() gives a pair of name and value for each field line.",
    doc("httputil.HTTPHeaders.get_all"),
)
def test_get_all():
    made = headers(("a", "1"), ("B", "2"), ("A", "3"))
    assert sorted(made.get_all()) == [("A", "1"), ("A", "3"), ("B", "2")]


@must(
    "httputil.headers.set-replaces",
    "Setting an item replaces every value of that name; add() afterwards appends to the new one.",
    doc("httputil.HTTPHeaders"),
)
def test_setting_replaces():
    made = headers(("A", "1"), ("A", "2"))
    made["a"] = "3"
    assert made.get_list("A") == ["3"]
    made.add("A", "4")
    assert made.get_list("A") == ["3", "4"]


@must(
    "httputil.headers.delete",
    "Deleting a name, or popping it, removes every value of it.",
    doc("httputil.HTTPHeaders"),
)
def test_deleting():
    made = headers(("A", "1"), ("A", "2"), ("B", "3"))
    del made["a"]
    assert (made.get_list("A"), list(made.get_all())) == ([], [("B", "3")])
    assert made.pop("b") == "3"
    made.add("A", "4")
    assert list(made.get_all()) == [("A", "4")]


# -- making, copying --------------------------------------------------------------------------------------------------


@must(
    "httputil.headers.constructor",
    "The constructor takes what dict takes: a mapping, pairs, keywords.",
    doc("httputil.HTTPHeaders"),
)
@each(
    arguments=[
        labelled("mapping", (({"content-type": "x"},), {})),
        labelled("pairs", (([("content-type", "x")],), {})),
        labelled("both", (({"content-type": "y"},), {"Content-type": "x"})),
    ]
)
def test_constructor(arguments):
    positional, keywords = arguments
    made = api.httputil.HTTPHeaders(*positional, **keywords)
    assert list(made.get_all()) == [("Content-Type", "x")]


@must(
    "httputil.headers.copies",
    "Copies have the same field lines and are independent of the original.",
    doc("httputil.HTTPHeaders"),
)
@each(
    way=[
        labelled("copy", lambda made: made.copy()),
        labelled("copy.copy", copy.copy),
        labelled("copy.deepcopy", copy.deepcopy),
        labelled("constructor", lambda made: api.httputil.HTTPHeaders(made)),
        labelled("pickle", lambda made: pickle.loads(pickle.dumps(made))),
    ]
)
def test_copies(way):
    original = headers(("A", "1"), ("A", "2"), ("B", "3"))
    other = way(original)
    assert other == original
    other.add("A", "4")
    other["B"] = "5"
    assert list(original.get_all()) == [("A", "1"), ("A", "2"), ("B", "3")]
    assert list(other.get_all()) == [("A", "1"), ("A", "2"), ("A", "4"), ("B", "5")]


@must(
    "httputil.headers.text",
    "As text, headers are a line for each field, as in a message.",
    doc("httputil.HTTPHeaders"),
)
def test_text():
    made = headers(("a", "1"), ("A", "2"), ("B", ""))
    assert str(made).splitlines() == ["A: 1", "A: 2", "B: "]


# -- lines and blocks -------------------------------------------------------------------------------------------------


@must(
    "httputil.headers.parse",
    "parse() reads a block of field lines, ended by CR LF or LF, with white space around the values dropped.",
    doc("httputil.HTTPHeaders.parse"),
    rfc(9112, "5.1"),
)
def test_parse():
    made = api.httputil.HTTPHeaders.parse("Content-Type: text/html\r\nX:\t 1 \t\nEmpty:\r\nx: 2\r\n\r\n")
    assert list(made.get_all()) == [("Content-Type", "text/html"), ("X", "1"), ("X", "2"), ("Empty", "")]


@must(
    "httputil.headers.parse-line",
    "parse_line() adds the field of one line, with or without its end; an empty line adds nothing.",
    doc("httputil.HTTPHeaders.parse_line"),
)
def test_parse_line():
    made = headers()
    for line in ("A: 1", "B:2\r\n", "a: 3\n", "", "\r\n"):
        made.parse_line(line)
    assert list(made.get_all()) == [("A", "1"), ("A", "3"), ("B", "2")]


@must(
    "httputil.headers.value-colons",
    "Only the first colon of a line ends the name.",
    doc("httputil.HTTPHeaders.parse_line"),
    rfc(9112, "5"),
)
def test_colons():
    made = headers()
    made.parse_line("Location: http://e:80/a?b:c")
    assert made["Location"] == "http://e:80/a?b:c"


@must(
    "httputil.headers.bad-lines",
    "A line that is no field line is refused with HTTPInputError, and adds nothing.",
    doc("httputil.HTTPHeaders.parse_line"),
    rfc(9112, "5.1"),
)
@each(
    line=[
        labelled("no-colon", "no colon"),
        labelled("no-name", ": value"),
        labelled("space-before-colon", "Name : value"),
        labelled("space-in-name", "A name: value"),
        labelled("control-in-name", "Na\x01me: value"),
        labelled("cr-in-value", "Name: a\rb"),
        labelled("nul-in-value", "Name: a\x00b"),
        labelled("not-latin-1", "Name: \u4e16"),
    ]
)
def test_bad_lines(line):
    made = headers(("A", "1"))
    assert refused(made.parse_line, line)
    assert refused(api.httputil.HTTPHeaders.parse, f"A: 1\r\n{line}\r\n")
    assert list(made.get_all()) == [("A", "1")]


@must(
    "httputil.headers.folding",
    "A line that begins with white space, as folded ones did, is refused.",
    rfc(9112, "5.2"),
    doc("httputil.HTTPHeaders.parse"),
)
def test_folding():
    assert refused(api.httputil.HTTPHeaders.parse, "A: 1\r\n 2\r\nB: 3\r\n")
    assert refused(api.httputil.HTTPHeaders.parse, " A: 1\r\n")
    made = headers(("A", "1"))
    assert refused(made.parse_line, "\tfolded: 2")
    assert list(made.get_all()) == [("A", "1")]


# -- injection --------------------------------------------------------------------------------------------------------


@must(
    "httputil.headers.add-name",
    "add() refuses a name that is not a token.",
    doc("httputil.HTTPHeaders.add"),
    rfc(9110, "5.1"),
)
@each(name=["", "a b", "a:b", "a\r\nb", "a\x00", "(a)", "\u00e9", "a\n"])
def test_bad_names(name):
    made = headers()
    assert refused(made.add, name, "v")
    assert len(made) == 0


@must(
    "httputil.headers.add-value",
    "add() refuses a value with line ends, NUL, other controls or, since values are octets, characters beyond Latin-1.",
    doc("httputil.HTTPHeaders.add"),
    rfc(9110, "5.5"),
)
@each(value=["a\r\nSet-Cookie: b=c", "a\nb", "a\rb", "a\x00b", "a\x1fb", "a\x7f", "\u0100", "a\n"])
def test_bad_values(value):
    made = headers()
    assert refused(made.add, "A", value)
    assert len(made) == 0


@must(
    "httputil.headers.add-good-value",
    "add() takes empty values, tabs and spaces inside, and octets above 127.",
    doc("httputil.HTTPHeaders.add"),
    rfc(9110, "5.5"),
)
@each(value=["", "a b", "a\tb", "caf\u00e9", "\u00ff", "!~"])
def test_good_values(value):
    assert headers(("A", value)).get_list("A") == [value]


@should(
    "httputil.headers.add-white-space",
    "add() refuses a value with white space around it: a recipient would not see it.",
    rfc(9110, "5.5"),
)
@each(value=[" a", "a ", "\ta", " "])
def test_white_space_around(value):
    assert refused(headers().add, "A", value)


@must(
    "httputil.headers.add-decoded",
    "With _chars_are_bytes=False the value is text that was decoded before: any character but controls.",
    doc("httputil.HTTPHeaders.add"),
)
def test_decoded_values():
    made = headers()
    made.add("A", "\u4e16\u754c", _chars_are_bytes=False)
    assert made["a"] == "\u4e16\u754c"
    assert refused(made.add, "A", "\u4e16\r\nB: c", _chars_are_bytes=False)
    parsed = api.httputil.HTTPHeaders.parse("A: \u4e16", _chars_are_bytes=False)
    assert parsed["A"] == "\u4e16"


# -- cost -------------------------------------------------------------------------------------------------------------


@must(
    "httputil.headers.many-values",
    "A name may have very many values: adding one costs the same whether it is the first or the last.",
    doc("httputil.HTTPHeaders.add"),
)
def test_many_values():
    made = headers()
    # If each addition copied what is there, this would take longer than a case may.
    count = 150_000
    for number in range(count):
        made.add("A", str(number))
    assert made.get_list("A") == [str(number) for number in range(count)]
    assert made["A"].count(",") == count - 1
