"""What ``escape`` made comes back, on Waterspout and on released Tornado."""

from __future__ import annotations

import html
import importlib
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from property_tests.models.templates import escaped

PACKAGES = pytest.mark.parametrize("package", ["waterspout", "tornado"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("<>&\"'+%/ #;lt"), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT | st.sampled_from(["</script>", "<!--", "<SCRIPT", "<"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=5,
)


def escape(package: str) -> Any:
    """Return the module of a package."""
    return importlib.import_module(f"{package}.escape")


@PACKAGES
@given(text=TEXT)
def test_html(package: str, text: str) -> None:
    """Escaped HTML is what the model says, has no character with a meaning, and comes back."""
    made = escape(package).xhtml_escape(text)
    assert made == escaped(text)
    assert escape(package).xhtml_unescape(made) == html.unescape(made)
    # References that HTML forbids stand for something else.
    assert html.unescape(made) == text or re.search("[\x00-\x1f\x7f-\x9f\ufdd0-\uffff]", text)


@PACKAGES
@given(data=st.binary(max_size=40), text=TEXT, plus=st.booleans())
def test_urls(package: str, data: bytes, text: str, plus: bool) -> None:
    """Bytes and text come back from URLs, and the escaped form has nothing but what RFC 3986 reserves nothing for."""
    module = escape(package)
    made = module.url_escape(data, plus=plus)
    assert re.fullmatch(
        r"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2}|\+)*" if plus else r"(?:[A-Za-z0-9_.~/-]|%[0-9A-F]{2})*", made
    )
    assert module.url_unescape(made, encoding=None, plus=plus) == data
    assert module.url_unescape(module.url_escape(text, plus=plus), plus=plus) == text


@PACKAGES
@given(value=JSON)
def test_json(package: str, value: object) -> None:
    """JSON comes back, and closes no script element."""
    made = escape(package).json_encode(value)
    assert escape(package).json_decode(made) == json.loads(made) == value
    assert "</" not in made


@given(value=JSON)
def test_json_in_scripts(value: object) -> None:
    """Nor does it begin what hides the end of one."""
    assert not re.search("<!--|<script", escape("waterspout").json_encode(value), re.IGNORECASE)


PAIRS = st.lists(st.tuples(st.text("abc", min_size=1, max_size=2), st.binary(min_size=1, max_size=10)), max_size=6)


@PACKAGES
@given(pairs=PAIRS)
def test_queries(package: str, pairs: list[tuple[str, bytes]]) -> None:
    """A query made by url_escape is parsed to what it was made of."""
    query = "&".join(f"{name}={escape(package).url_escape(value)}" for name, value in pairs)
    expected: dict[str, list[bytes]] = {}
    for name, value in pairs:
        expected.setdefault(name, []).append(value)
    assert escape(package).parse_qs_bytes(query) == expected


LINKS = ["http://", "www.", "a.b", "(", ")", "<b>", '"', "'", "&", "/", ".", " ", "x", "é"]


@given(text=st.lists(st.sampled_from(LINKS)))
def test_links(text: list[str]) -> None:
    """linkify leaves the text as it is, but for links, and lets none of it out of them."""
    source = "".join(text)
    made = escape("waterspout").linkify(source)
    assert html.unescape(re.sub(r'<a href="[^"<>]*">|</a>', "", made)) == source
    assert not set("<>\"'") & set(re.sub(r'<a href="[^"<>]*">|</a>', "", made))
