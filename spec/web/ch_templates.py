"""Templates made of templates

A template can extend another: what is generated is the other one, with its blocks replaced by those of the same name.
It can include others, as if they stood there. A loader finds them, in a directory (``Loader``), in a dictionary
(``DictLoader``) or wherever a subclass of ``BaseLoader`` looks, and keeps what it compiled.

A template that is no template is refused when it is compiled, with a ``ParseError`` that says in which file and in
which line. What goes wrong later, in an expression, has a traceback with the template's lines in it.
"""

import threading
import traceback

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, seed


def made(sources, /, _name="page", _options=None, **names):
    """Return what the template ``page`` of a dictionary of sources generates, as text."""
    return api.template.DictLoader(sources, **(_options or {})).load(_name).generate(**names).decode()


def refusal(source, name="page.html", **others):
    """Return the ParseError for a template."""
    loader = api.template.DictLoader({name: source, **others})
    with pytest.raises(api.template.ParseError) as caught:
        loader.load(name)
    return caught.value


# -- inheritance ------------------------------------------------------------------------------------------------------

BASE = "<{% block a %}base a{% end %}|{% block b %}base b{% end %}>"


@must(
    "template.extends.blocks",
    "A template that extends another is that one with its own blocks in the place of those of the same name.",
    doc("template"),
)
def test_extends():
    sources = {"base": BASE, "page": "{% extends 'base' %}ignored{% block b %}my {{ x }}{% end %}{% set x = 2 %}"}
    assert made(sources, x=1) == "<base a|my 1>"
    assert made(sources, "base") == "<base a|base b>"


@must(
    "template.extends.quotes",
    "The name may stand in quotes of either kind, or in none.",
    doc("template"),
)
@each(name=["base", "'base'", '"base"'])
def test_quotes(name):
    assert made({"base": BASE, "page": f"{{% extends {name} %}}"}) == "<base a|base b>"
    assert made({"base": BASE, "page": f"{{% include {name} %}}"}) == "<base a|base b>"


@must(
    "template.extends.generations",
    "A block is that of the youngest template that has it; blocks in blocks are replaced, too.",
    doc("template"),
)
def test_generations():
    sources = {
        "base": BASE,
        "middle": "{% extends base %}{% block a %}m {% block inner %}in{% end %}{% end %}{% block b %}mid{% end %}",
        "page": "{% extends middle %}{% block inner %}page{% end %}{% block b %}page b{% end %}",
    }
    assert made(sources) == "<m page|page b>"
    assert made(sources, "middle") == "<m in|mid>"


@compat(
    "template.extends.names",
    "A block knows the names that the extended template set before it.",
    observed("template-files"),
)
def test_names_in_blocks():
    assert made({"base": "{% set x = 5 %}" + BASE, "page": "{% extends base %}{% block b %}{{ x }}{% end %}"}) == (
        "<base a|5>"
    )


@compat(
    "template.block.last-counts",
    "Of several blocks of one name in a template the last one counts, in all places.",
    observed("template-files"),
)
def test_last_block():
    assert made({"page": "{% block a %}1{% end %}-{% block a %}2{% end %}"}) == "2-2"


@must("template.block.alone", "Without a template that extends it, a block generates its content.", doc("template"))
def test_block_alone():
    assert api.template.Template("a{% block b %}{{ 1 }}{% end %}c").generate() == b"a1c"


# -- inclusion --------------------------------------------------------------------------------------------------------


@must(
    "template.include.local-names",
    "An included template sees the names that are set where it stands, and sets names there.",
    doc("template"),
)
def test_include():
    sources = {"page": "{% for x in 'ab' %}{% include part %}{% end %}{{ y }}", "part": "[{{ x }}]{% set y = x * 2 %}"}
    assert made(sources) == "[a][b]bb"


@compat(
    "template.include.blocks",
    "Blocks of an included template can be replaced by whoever extends the including one.",
    observed("template-files"),
)
def test_blocks_of_included():
    sources = {"base": "<{% include part %}>", "part": "{% block b %}part{% end %}", "page": "{% extends base %}"}
    assert made(sources) == "<part>"
    assert made({**sources, "page": "{% extends base %}{% block b %}page{% end %}"}) == "<page>"


@must(
    "template.include.relative",
    "In a template, other names are paths from its own directory, in both loaders.",
    doc("template.Loader"),
)
def test_relative_names(tmp_path):
    sources = {"top": "top", "d/page": "{% include part %}{% include ../top %}{% include e/deep %}", "d/part": "part,"}
    sources["d/e/deep"] = ",{% include ../part %}"
    for name, source in sources.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(source)
    assert made(sources, "d/page") == "part,top,part,"
    assert api.template.Loader(str(tmp_path)).load("d/page").generate() == b"part,top,part,"


# -- loaders ----------------------------------------------------------------------------------------------------------


@must(
    "template.loader.directory",
    "Loader loads UTF-8 files from a directory and those below it.",
    doc("template.Loader"),
)
def test_loader(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.html").write_text("ü{{ x }}", encoding="utf-8")
    template = api.template.Loader(str(tmp_path)).load("sub/a.html")
    assert (template.name, template.generate(x=1)) == ("sub/a.html", "ü1".encode())


@must(
    "template.loader.kept",
    "A loader compiles a template once, and again after reset().",
    doc("template.BaseLoader.load"),
    doc("template.BaseLoader.reset"),
)
def test_kept(tmp_path):
    (tmp_path / "a").write_text("old")
    loader = api.template.Loader(str(tmp_path))
    before = loader.load("a")
    (tmp_path / "a").write_text("newer")
    assert loader.load("a") is before
    loader.reset()
    assert loader.load("a").generate() == b"newer"


@must(
    "template.loader.missing",
    "A template that does not exist raises what its source raises: OSError of files, KeyError of a dictionary.",
    doc("template.BaseLoader.load"),
)
def test_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        api.template.Loader(str(tmp_path)).load("nothing")
    with pytest.raises(KeyError):
        api.template.DictLoader({}).load("nothing")


@must(
    "template.loader.resolve-path",
    "resolve_path() makes a name in a template full: relative to that template, unless it begins with a slash.",
    doc("template.BaseLoader.resolve_path"),
)
@each(
    case=[
        ("a.html", None, "a.html"),
        ("a.html", "d/b.html", "d/a.html"),
        ("../a.html", "d/e/b.html", "d/a.html"),
        ("/a.html", "d/b.html", "/a.html"),
        ("a.html", "<string>", "a.html"),
    ]
)
def test_resolve_path(case, tmp_path):
    name, parent, full = case
    assert api.template.DictLoader({}).resolve_path(name, parent_path=parent) == full
    assert api.template.Loader(str(tmp_path)).resolve_path(name, parent_path=parent) == full


@must(
    "template.loader.own-paths",
    "A subclass that overrides resolve_path() decides what a name stands for, in templates too.",
    doc("template.BaseLoader.resolve_path"),
)
def test_own_paths():
    class Themed(api.template.DictLoader):
        def resolve_path(self, name, parent_path=None):
            return f"dark/{name}" if f"dark/{name}" in self.dict else name

    loader = Themed({"page": "{% include part %}{% include other %}", "part": "p", "dark/part": "dark p", "other": "o"})
    assert loader.load("page").generate() == b"dark po"


@must(
    "template.loader.namespace",
    "A loader's namespace gives names to all its templates, the included ones as well.",
    doc("template.BaseLoader"),
)
def test_namespace():
    assert made({"page": "{{ f(1) }}{% include part %}", "part": "{{ f(2) }}"}, _options={"namespace": {"f": hex}}) == (
        "0x10x2"
    )


@must(
    "template.loader.threads",
    "Several threads may load from one loader; all get the same template.",
    doc("template.BaseLoader"),
)
def test_threads():
    loader = api.template.DictLoader({"page": "{% include part %}" * 20, "part": "{{ x }}"})
    start, found = threading.Barrier(4), []

    def load():
        start.wait()
        found.append(loader.load("page"))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one is found[0] for one in found] == [True] * 4


# -- templates that are none ------------------------------------------------------------------------------------------


NOT_WELL_FORMED = [
    "{{ x",
    "{% if x",
    "{# note",
    "{{ }}",
    "{% %}",
    "{% end %}",
    "{% nothing %}",
    "{% else %}",
    "{% elif x %}",
    "{% except %}",
    "{% break %}",
    "{% extends %}",
    "{% include %}",
    "{% block %}{% end %}",
    "{% apply %}{% end %}",
    "{% set %}",
    "{% import %}",
]


@must(
    "template.error.names-the-line",
    "A template that is not well-formed raises ParseError with filename and lineno, and says both.",
    doc("template.ParseError"),
)
@each(source=NOT_WELL_FORMED)
def test_not_well_formed(source):
    error = refusal("first line\n\n" + source + "\n")
    assert (error.filename, error.lineno) == ("page.html", 3)
    assert "page.html:3" in str(error)


@must(
    "template.error.unclosed",
    "A directive without its end raises ParseError.",
    doc("template.ParseError"),
)
@each(source=["{% if x %}", "{% for x in y %}{% if x %}{% end %}", "{% block b %}", "{% apply f %}", "{% try %}"])
def test_unclosed(source):
    error = refusal(source + "\n\n")
    assert error.filename == "page.html"


@must(
    "template.error.misplaced",
    "A clause that does not belong to its directive raises ParseError.",
    doc("template.ParseError"),
)
@each(
    source=[
        "{% if x %}{% except %}{% end %}",
        "{% for x in y %}{% elif x %}{% end %}",
        "{% block b %}{% else %}{% end %}",
        "{% for x in y %}{% apply f %}{% break %}{% end %}{% end %}",
    ]
)
def test_misplaced(source):
    assert refusal("\n" + source).lineno == 2


@must(
    "template.error.python",
    "Python that does not compile raises ParseError, with file and line of the template.",
    doc("template.ParseError"),
)
@each(
    source=[
        "{{ 1 + }}",
        "{{ x = 1 }}",
        "{% if %}{% end %}",
        "{% for x %}{% end %}",
        "{% set 1 = x %}",
        "{% import a b %}",
        "{% raw %}",
        "{% module %}",
        "{% try %}{% end %}",
        labelled("deep", "{{ " + "(" * 500 + " }}"),
    ]
)
def test_bad_python(source):
    error = refusal("first\n" + source)
    assert (error.filename, error.lineno) == ("page.html", 2)


@must(
    "template.error.out-of-its-place",
    "No directive can reach beyond itself: what would be further statements or an end of its own is refused.",
    doc("template.ParseError"),
)
@each(
    source=[
        "{{ 1\nimport os }}",
        "{% if x:\n  pass\nif y %}{% end %}",
        "{% for x in y: pass\nelse %}{% end %}",
        "{{ (yield) }}",
        "{% set return 5 %}",
    ]
)
def test_reaching_beyond(source):
    assert refusal(source).filename == "page.html"


@must(
    "template.error.in-included",
    "An error in an included or extended template names that template.",
    doc("template.ParseError"),
)
@each(directive=["include", "extends"])
def test_error_in_another(directive):
    error = refusal(f"\n\n\n{{% {directive} other %}}", other="\n{{")
    assert (error.filename, error.lineno) == ("other", 2)


@must(
    "template.error.cannot-load",
    "An include or extends that leads nowhere raises ParseError with its file and line, and names the other.",
    doc("template.ParseError"),
)
@each(directive=["include", "extends"])
def test_leads_nowhere(directive):
    error = refusal(f"\n{{% {directive} nowhere.html %}}")
    assert (error.filename, error.lineno) == ("page.html", 2)
    assert "nowhere.html" in str(error)
    with pytest.raises(api.template.ParseError):
        api.template.Template(f"{{% {directive} without_a_loader %}}")


@must(
    "template.error.endless",
    "Templates that include or extend themselves, directly or by others, raise ParseError.",
    doc("template.ParseError"),
)
@each(directive=["include", "extends"])
def test_endless(directive):
    assert refusal(f"{{% {directive} page.html %}}").filename == "page.html"
    circle = {"a": f"{{% {directive} b %}}", "b": f"{{% {directive} page.html %}}"}
    assert isinstance(refusal(f"{{% {directive} a %}}", **circle), api.template.ParseError)


@must(
    "template.error.not-utf-8",
    "Bytes that are not UTF-8 are no template.",
    doc("template.Template"),
)
def test_not_utf_8():
    with pytest.raises((api.template.ParseError, UnicodeDecodeError)):
        api.template.Template(b"fine\n\xff")


@must(
    "template.error.attributes",
    "ParseError takes message, filename and lineno, and its text ends with the place.",
    doc("template.ParseError"),
)
def test_parse_error():
    error = api.template.ParseError("what is wrong", "a.html", 7)
    assert (error.message, error.filename, error.lineno) == ("what is wrong", "a.html", 7)
    assert str(error) == "what is wrong at a.html:7"
    assert isinstance(error, Exception)


# -- tracebacks -------------------------------------------------------------------------------------------------------


def shown(loader, **names):
    """Return the traceback of what generating ``page.html`` raises."""
    with pytest.raises(ZeroDivisionError) as caught:
        loader.load("page.html").generate(**names)
    return "".join(traceback.format_exception(caught.type, caught.value, caught.tb))


@compat(
    "template.traceback.place",
    "The traceback of an exception shows the expression, and the template and line that it stands in.",
    observed("template-files"),
)
def test_traceback():
    loader = api.template.DictLoader({"page.html": "one\n{% if x == 0 %}\n{{ 10 / x }}{% end %}"})
    lines = [line for line in shown(loader, x=0).splitlines() if "10 / x" in line]
    assert len(lines) == 1
    assert lines[0].strip().endswith("# page.html:3")


@compat(
    "template.traceback.via",
    "For a template that others extend or include it shows by which way, too.",
    observed("template-files"),
)
@each(case=[("block", "# page.html:2 (via base.html:2)"), ("part", "# part.html:2 (via base.html:3)")])
def test_traceback_via(case):
    bad, place = case
    sources = {
        "base.html": "\n{% block b %}{% end %}\n{% include part.html %}",
        "part.html": "\n{{ 1 / part }}",
        "page.html": "{% extends base.html %}\n{% block b %}{{ 1 / block }}{% end %}",
    }
    assert place in shown(api.template.DictLoader(sources), **{"block": 1, "part": 1, bad: 0})


@compat(
    "template.traceback.current",
    "A template that was changed and compiled anew shows its new lines.",
    observed("template-files"),
)
def test_traceback_of_changed():
    loader = api.template.DictLoader({"page.html": "{{ 1 / x }}"})
    assert "1 / x  # page.html:1" in shown(loader, x=0)
    loader.dict["page.html"] = "\n{{ 2 / x }}"
    loader.reset()
    assert "2 / x  # page.html:2" in shown(loader, x=0)


@must(
    "template.generate.name",
    "Template is given its name, <string> by default, and keeps it with its namespace.",
    doc("template.Template"),
    seed("SEED-217"),
)
def test_template_attributes():
    loader = api.template.DictLoader({}, namespace={"a": 1})
    assert api.template.Template("x").name == "<string>"
    template = api.template.Template("{{ a }}", name="mine", loader=loader)
    assert (template.name, template.namespace, template.generate()) == ("mine", {"a": 1}, b"1")
