"""The insides of ``waterspout.template``: what bad sources cost, what loaders keep, what generating leaves behind."""

from __future__ import annotations

import linecache
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from _scaling import assert_linear

from waterspout.template import BaseLoader, DictLoader, Loader, ParseError, Template, filter_whitespace

BAD = {
    "brackets": lambda n: "{{ " + "(" * n + " }}",
    # Newer Pythons go deeper.
    "signs": lambda n: "{{ " + "-" * 20 * n + "1 }}",
    "attributes": lambda n: "{{ a" + ".b" * 20 * n + " }}",
    "sums": lambda n: "{{ 1" + "+1" * 20 * n + " }}",
    "ifs": lambda n: "{% if 1 %}" * n,
    "loops": lambda n: "{% for x in y %}" * 40 + "{% end %}" * 40 + " " * n,
    "braces": lambda n: "{" * n,
    "delimiters": lambda n: "{{" * n + "}}" * n,
    "elifs": lambda n: "{% if 1 %}" + "{% elif 1 %}" * n + "{% end %}",
    "nul": lambda n: "{{ '" + "\0" * n + "' }}",
    "surrogates": lambda n: "\ud800" * n,
    "async comprehensions": lambda n: "{{ [x async for x in y] }}" + " " * n,
    "future": lambda n: "{% from __future__ import annotations %}" + " " * n,
    "stars": lambda n: "{{ *a }}" + " " * n,
    "directives": lambda n: "{% " + "x" * n + " %}",
    "clauses": lambda n: "{% if x %}{% else " + "x" * n + " %}{% end %}",
    "keywords": lambda n: "{% set None = 1 %}" + " " * n,
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_sources_are_parse_errors_with_their_place(kind: str) -> None:
    """However Python itself gives up, the error names the template and the line, and is short."""
    with pytest.raises(ParseError, match=r"at bad\.html:1$") as caught:
        Template(BAD[kind](3000), name="bad.html")

    assert len(str(caught.value)) < 500


GOOD: dict[str, Callable[[int], str]] = {
    "text": lambda n: "word \n" * n,
    "blanks": lambda n: " \r" * n + "x",
    "braces": lambda n: "{ " * n,
    "literals": lambda n: "{{!" * n,
    "comments": lambda n: "{# x #}\n" * n,
    "lines in a comment": lambda n: "{#" + "\n" * n + "#}{#" + "\n" * n + "#}",
}


@pytest.mark.parametrize("kind", GOOD)
def test_compiling_costs_linear_time(kind: str) -> None:
    """No text costs more than its length."""
    assert_linear(lambda n: Template(GOOD[kind](n), whitespace="single"), 500, 4000)


def test_condensing_white_space_costs_linear_time() -> None:
    """Runs without a line end are no worse than others."""
    for mode in ("single", "oneline"):
        assert_linear(lambda n, mode=mode: filter_whitespace(mode, "\x0b" * n + "x"), 5000, 40000)  # type: ignore[misc]


def test_templates_that_double_are_refused() -> None:
    """Each of forty templates includes the next one twice: a million million copies."""
    sources = {f"t{n}": f"{{% include t{n + 1} %}}" * 2 for n in range(40)} | {"t40": "x"}

    with pytest.raises(ParseError, match="includes"):
        DictLoader(sources).load("t0")


def test_a_chain_of_includes_is_no_limit_to_others() -> None:
    """Twenty levels are fine; thousands are refused, not fatal."""
    sources = {f"t{n}": f"{{% include t{n + 1} %}}" for n in range(3000)} | {"t3000": "end"}
    loader = DictLoader(sources)

    assert loader.load("t2980").generate() == b"end"
    with pytest.raises(ParseError):
        loader.load("t0")
    assert loader.load("t2970").generate() == b"end"


def test_loops_from_blocks_of_others_are_refused() -> None:
    """A break whose block ends up outside of a loop names its own template."""
    sources = {
        "base": "{% block b %}{% end %}",
        "page": "{% extends base %}\n{% for x in y %}{% block b %}{% break %}{% end %}{% end %}",
    }

    with pytest.raises(ParseError, match="page:2"):
        DictLoader(sources).load("page")


def test_included_templates_cannot_extend() -> None:
    """The error says who includes what."""
    sources = {"page": "\n{% include part %}", "part": "{% extends base %}", "base": ""}

    with pytest.raises(ParseError, match=r"part cannot be included.*page:2"):
        DictLoader(sources).load("page")


@pytest.mark.parametrize(
    "source",
    ["{% if x %}{% extends b %}{% end %}", "{% extends b %}{% extends b %}", "{% try %}{% except %}{% except A %}"],
)
def test_misplaced_directives_are_refused(source: str) -> None:
    """What has no meaning is an error rather than ignored."""
    with pytest.raises(ParseError):
        DictLoader({"a": source, "b": ""}).load("a")


@pytest.mark.parametrize("function", ["f", "lambda content: None"])
def test_functions_have_to_return_text(function: str) -> None:
    """The error names the type."""
    with pytest.raises(TypeError, match="not NoneType"):
        Template(f"{{% apply {function} %}}x{{% end %}}").generate(f=lambda content: None)


def test_other_escaping_functions_get_bytes() -> None:
    """The usual function takes a short way, which no other one may."""
    seen: list[bytes] = []

    def escape(value: bytes) -> bytes:
        seen.append(value)
        return value

    assert Template("{% autoescape f %}{{ 'é' }}{{ 5 }}{{ b'x' }}").generate(f=escape) == "é5x".encode()
    assert seen == ["é".encode(), b"5", b"x"]


def test_generating_leaves_nothing_in_linecache() -> None:
    """Lines of templates are found when they are shown, and belong to the template that failed last."""
    template = Template("{{ 1 / 0 }}", name="lines.html")
    with pytest.raises(ZeroDivisionError):
        template.generate()

    assert "lines_html.generated.py" not in linecache.cache


def test_names_that_begin_with_self_are_free() -> None:
    """generate() has no parameter of its own that a name could meet."""
    assert Template("{{ self }}{{ template }}").generate(self=1, template=2) == b"12"


def test_the_other_source_types_are_refused() -> None:
    """The error names what a template is made of."""
    with pytest.raises(TypeError, match="str or bytes, not int"):
        Template(5)  # type: ignore[arg-type]


# Loaders


def _touch(path: Path, source: str) -> None:
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(source)
    # Clocks of file systems are coarse.
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_auto_reload_follows_files(tmp_path: Path) -> None:
    """A changed file counts at once, and so do those that it is made of."""
    for name, source in {"base": "[{% block b %}{% end %}]", "part": "p", "page": "{% extends base %}"}.items():
        _touch(tmp_path / name, source)
    loader = Loader(tmp_path, auto_reload=True)
    first = loader.load("page")
    assert loader.load("page") is first

    _touch(tmp_path / "page", "{% extends base %}{% block b %}{% include part %}{% end %}")
    assert loader.load("page").generate() == b"[p]"
    _touch(tmp_path / "part", "q")
    assert loader.load("page").generate() == b"[q]"
    _touch(tmp_path / "base", "<{% block b %}{% end %}>")
    second = loader.load("page")
    assert second.generate() == b"<q>"
    assert loader.load("page") is second


def test_auto_reload_notices_that_a_file_is_gone(tmp_path: Path) -> None:
    """Nothing old is served in its place."""
    _touch(tmp_path / "page", "x")
    loader = Loader(tmp_path, auto_reload=True)
    loader.load("page")
    (tmp_path / "page").unlink()

    with pytest.raises(FileNotFoundError):
        loader.load("page")


def test_auto_reload_of_dictionaries() -> None:
    """A changed entry counts at once."""
    loader = DictLoader({"page": "{% include part %}", "part": "1"}, auto_reload=True)
    assert loader.load("page").generate() == b"1"
    loader.dict["part"] = "2"

    assert loader.load("page").generate() == b"2"


def test_a_failed_load_leaves_the_loader_as_it_was() -> None:
    """A template that was refused can be mended and loaded."""
    loader = DictLoader({"page": "{% include part %}", "part": "{{"})
    with pytest.raises(ParseError, match="part:1"):
        loader.load("page")
    loader.dict["part"] = "fine"

    assert loader.load("page").generate() == b"fine"


def test_threads_compile_one_after_the_other() -> None:
    """A template is compiled once, however many ask for it at the same time."""
    compiled: list[str] = []

    class Counting(DictLoader):
        def _create_template(self, name: str) -> Template:
            compiled.append(name)
            return super()._create_template(name)

    loader = Counting({"page": "{% include part %}", "part": "x"})
    threads = [threading.Thread(target=loader.load, args=("page",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(compiled) == ["page", "part"]


def test_the_base_of_loaders_says_what_is_missing() -> None:
    """Both hooks are named when they are not defined."""

    class Halfway(BaseLoader):
        def resolve_path(self, name: str, parent_path: str | None = None) -> str:
            return name

    with pytest.raises(NotImplementedError, match="resolve_path"):
        BaseLoader().load("x")
    with pytest.raises(NotImplementedError, match="_create_template"):
        Halfway().load("x")


def test_paths_stay_below_the_root_or_as_they_are(tmp_path: Path) -> None:
    """A name that would lead out of the root is not made relative to it; the root may be the file system's."""
    loader = Loader(tmp_path)

    assert loader.resolve_path("../../a", "d/b") == "../../a"
    assert loader.resolve_path("../a", "d/b") == "a"
    assert Loader("/").resolve_path("a", "d/b") == "d/a"
