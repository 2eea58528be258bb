"""The insides of ``waterspout.escape``."""

from __future__ import annotations

import html

import pytest
from _scaling import assert_linear

from waterspout import escape


@pytest.mark.parametrize("text", ["<b>\"x\" & 'y'</b>", "&amp;", "é ☃", ""])
def test_unescaping_undoes_escaping(text: str) -> None:
    """Whatever text was escaped for HTML comes back."""
    escaped = escape.xhtml_escape(text)

    assert not set("<>\"'") & set(escaped)
    assert escape.xhtml_unescape(escaped) == text


def test_json_can_stand_inside_a_script_element() -> None:
    """The text never closes the element, and decodes to the same value."""
    value = {"html": "</script><!--"}
    encoded = escape.json_encode(value)

    assert "</" not in encoded
    assert escape.json_decode(encoded.encode()) == value


@pytest.mark.parametrize("plus", [True, False])
def test_unescaping_a_url_undoes_escaping(plus: bool) -> None:
    """In both styles every byte comes back."""
    data = bytes(range(256))

    assert escape.url_unescape(escape.url_escape(data, plus=plus), encoding=None, plus=plus) == data


def test_a_slash_is_kept_in_paths_only() -> None:
    """The style without plus is for paths."""
    assert (escape.url_escape("a b/c"), escape.url_escape("a b/c", plus=False)) == ("a+b%2Fc", "a%20b/c")


def test_query_values_are_bytes_as_sent() -> None:
    """Bytes that are no UTF-8 pass unharmed, percent-encoded or not."""
    assert escape.parse_qs_bytes(b"a=%ff&a=\xfe&b=") == {"a": [b"\xff", b"\xfe"]}
    assert escape.parse_qs_bytes("b=", keep_blank_values=True) == {"b": [b""]}


def test_too_many_query_fields_are_refused() -> None:
    """The bound on fields raises ValueError."""
    with pytest.raises(ValueError):
        escape.parse_qs_bytes("a=1&b=2&c=3", max_num_fields=2)


@pytest.mark.parametrize("convert", [escape.utf8, escape.to_unicode])
def test_conversions_refuse_other_types_by_name(convert: object) -> None:
    """The error names the type that was given."""
    with pytest.raises(TypeError, match="not int"):
        convert(3)  # type: ignore[operator]


def test_recursive_unicode_decodes_at_any_depth() -> None:
    """Keys, values, lists and tuples are decoded, and keep their kind."""
    assert escape.recursive_unicode({b"k": [b"a", (b"b", 1)]}) == {"k": ["a", ("b", 1)]}


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("see http://a.com/x?y=1&z=2.", "see {http://a.com/x?y=1&z=2}."),
        ("(http://a.com/x)", "({http://a.com/x})"),
        ("http://a.com/(x)_y", "{http://a.com/(x)_y}"),
        ("http://a.com,(b)", "{http://a.com},(b)"),
        ('"http://a.com"', '"{http://a.com}"'),
        ("HTTPS://A.COM", "{HTTPS://A.COM}"),
        ("javascript:alert(1) javascript://x", "javascript:alert(1) javascript://x"),
        ("x-http://a.com", "x-http://a.com"),
        ("http:// nothing", "http:// nothing"),
    ],
)
def test_links_are_found_in_sentences(text: str, linked: str) -> None:
    """A link has the URL and not the punctuation around it (braces mark the expected links)."""
    expected = ""
    for index, part in enumerate(linked.replace("}", "{").split("{")):
        part = html.escape(part)
        expected += f'<a href="{part}">{part}</a>' if index % 2 else part

    assert escape.linkify(text) == expected


def test_names_that_start_with_www_become_links_unless_a_protocol_is_required() -> None:
    """www. stands for http://www."""
    assert escape.linkify("www.a.com") == '<a href="http://www.a.com">www.a.com</a>'
    assert escape.linkify("www.a.com", require_protocol=True) == "www.a.com"


def test_a_shortened_link_keeps_the_whole_url_as_title() -> None:
    """What is cut from the text stands in the title."""
    url = "http://example.com/a/long/way/to/go.html"

    assert escape.linkify(url, shorten=True) == f'<a href="{url}" title="{url}">http://example.com/a...</a>'


def test_extra_params_may_depend_on_the_url() -> None:
    """A function receives the URL and returns the text for the tag."""
    assert escape.linkify("http://a.com", extra_params=lambda url: f' rel="{len(url)}" ') == (
        '<a href="http://a.com" rel="12">http://a.com</a>'
    )


@pytest.mark.parametrize("unit", ["a-", "http://", "www.", "http://a(", "a:", "http://a.,"])
def test_linkify_costs_linear_time(unit: str) -> None:
    """No text sends the search back to what it has seen."""
    assert_linear(lambda count: escape.linkify(unit * count), 2000, 32000)
