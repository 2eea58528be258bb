"""Templates print what small models say, on Waterspout and on released Tornado."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from property_tests.models.templates import condensed, escaped

PACKAGES = pytest.mark.parametrize("package", ["waterspout", "tornado"])
MODES = ["all", "single", "oneline"]

SPACED = st.text(st.sampled_from(" \t\n\r\x0b\x0c\x1c\xa0\u2028ab<&"), max_size=40)
VALUES = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("<>&\"'{}%#!\n "), max_size=20)
# Pieces of a template: its text, without what would open something, and values.
PIECES = st.lists(st.tuples(st.sampled_from(["text", "value", "raw", "loop"]), VALUES), max_size=8)


def template(package: str) -> Any:
    """Return the module of a package."""
    return importlib.import_module(f"{package}.template")


@PACKAGES
@given(mode=st.sampled_from(MODES), text=SPACED)
def test_white_space(package: str, mode: str, text: str) -> None:
    """The modes leave what the model leaves, by themselves and in templates."""
    assert template(package).filter_whitespace(mode, text) == condensed(mode, text)
    assert template(package).Template(text, whitespace=mode).generate().decode() == condensed(mode, text)


def _literal(text: str) -> str:
    """Return a template's source for a text: each brace that could open something is printed by itself."""
    return text.replace("{", "{{ '{' }}")


@PACKAGES
@given(pieces=PIECES)
def test_printing(package: str, pieces: list[tuple[str, str]]) -> None:
    """Text comes as it is, values escaped, raw values as they are, whatever is in them and beside them."""
    source, expected, values = "", "", {}
    for number, (kind, text) in enumerate(pieces):
        name = f"v{number}"
        values[name] = text
        if kind == "text":
            source, expected = source + _literal(text), expected + text
        elif kind == "value":
            source, expected = source + f"{{{{ {name} }}}}", expected + escaped(text)
        elif kind == "raw":
            source, expected = source + f"{{% raw {name} %}}", expected + text
        else:
            source += f"{{% for c in {name} %}}{{{{ c }}}}.{{% end %}}"
            expected += "".join(f"{escaped(character)}." for character in text)
    assert template(package).Template(source).generate(**values).decode() == expected


SOURCES = st.lists(
    st.sampled_from(["{", "{", "}", "%", "#", "!", " ", "x", "1", "+", "(", ")", "\n", "'", "\\", ":", "=", "é"])
    | st.sampled_from(
        ["{% ", " %}", "{{ ", " }}", "if ", "for x in ", "else", "try", "except", "end", "set ", "block b"]
    ),
    max_size=25,
).map("".join)


@given(source=SOURCES)
def test_any_source(source: str) -> None:
    """A source is a template or a ParseError that names a line of it; nothing else happens."""
    module = template("waterspout")
    refused = None
    try:
        module.Template(source, name="any.html")
    except module.ParseError as error:
        refused = error
    if refused is not None:
        assert refused.filename == "any.html"
        assert 1 <= refused.lineno <= source.count("\n") + 1
