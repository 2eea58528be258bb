"""The language of templates

A template is text with Python in it. ``{{ expression }}`` prints a value, ``{% directive %}`` does something, and
``{# comment #}`` is for the reader of the source alone. Expressions are Python's own, and so are the headers of ``if``,
``for``, ``while`` and ``try``; since templates have no indentation, ``{% end %}`` closes them.

What is printed passes a function first, ``xhtml_escape`` unless the template, its loader or the application choose
another: five characters become references, so a value can neither open an element nor leave an attribute that has
quotes around it. That is right for HTML and wrong elsewhere. A value for a script goes through ``json_encode`` and
``{% raw %}``, part of a URL through ``url_escape``. No function makes somebody else's template safe: a template is a
program.

White space in a template is there for those who write it. In files called ``.html`` and ``.js`` it is condensed.
"""

import html
import json
import re

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, seed, should


def made(source, /, _options=None, **names):
    """Return what a template of this source makes of ``names``, as text."""
    return api.template.Template(source, **(_options or {})).generate(**names).decode()


# -- text and expressions ---------------------------------------------------------------------------------------------


@must(
    "template.text.unchanged",
    "Text outside of the delimiters is generated as it is, in UTF-8; the source may be text or UTF-8 bytes.",
    doc("template.Template"),
)
@each(text=["größer als 世 {x} }} %} #} { {1} {", "line\nend\r\n\ttab  two", "$ % \\n 'q' \"q\"", ""])
def test_text(text):
    assert api.template.Template(text).generate() == text.encode()
    assert api.template.Template(text.encode()).generate() == text.encode()


@must(
    "template.expression.printed",
    "{{ expression }} prints the value: text, UTF-8 bytes, and of all else what str() makes of it.",
    doc("template"),
    seed("SEED-088"),
)
@each(value=[("é", "é"), (b"\xc3\xa9", "é"), (7, "7"), (2.5, "2.5"), (None, "None"), ((1, 2), "(1, 2)"), ("", "")])
def test_printed(value):
    assert made("a{{ value }}b{{value}}", value=value[0]) == f"a{value[1]}b{value[1]}"


@must(
    "template.expression.python",
    "An expression is any of Python's: with calls, conditions, comprehensions, functions, and over lines in brackets.",
    doc("template"),
)
@each(
    expression=[
        ("x + 1", "8"),
        ("','.join(str(n * x) for n in range(3))", "0,7,14"),
        ("'big' if x > 5 else 'small'", "big"),
        ("{'a': [x]}['a'][0]", "7"),
        ("(lambda n: n * 2)(x)", "14"),
        ("(x +\n 1)", "8"),
        ("max(\n    x,  # a comment\n    9,\n)", "9"),
    ]
)
def test_expression(expression):
    source, value = expression
    assert made(f"{{{{ {source} }}}}", x=7) == value


@compat(
    "template.expression.inner-braces",
    "Of more than two braces in a row the inner two delimit the expression; the others are text.",
    observed("template-language"),
)
@each(case=[("{{{x}}}", "{7}"), ("{{{{x}}}}", "{{7}}"), ("{ {x} }", "{ {x} }")])
def test_inner_braces(case):
    assert made(case[0], x=7) == case[1]


@must(
    "template.literal.delimiters",
    "{{!, {%! and {#! stand for the delimiters themselves.",
    doc("template"),
)
def test_literal_delimiters():
    assert made("{{!x}} {%!if%} {#!n#} {{ x }}", x=7) == "{{x}} {%if%} {#n#} 7"


@must("template.comment.left-out", "Comments generate nothing, whatever they contain.", doc("template"))
@each(comment=["{# note #}", "{# {{ x }} {% if %} \n more #}", "{% comment a note %}", "{% comment %}"])
def test_comment(comment):
    assert made(f"a{comment}b") == "ab"


@must(
    "template.names.given",
    "generate() gives the template its names; a name it was not given raises NameError.",
    doc("template.Template.generate"),
)
def test_given_names():
    template = api.template.Template("{{ a }}-{{ b }}")
    assert template.generate(a=1, b=2) == b"1-2"
    assert template.generate(a=3, b=4) == b"3-4"
    with pytest.raises(NameError):
        template.generate(a=1)


@should(
    "template.names.self",
    "A template can be given any name, self too.",
    doc("template.Template.generate"),
)
def test_a_name_like_self():
    assert api.template.Template("{{ self }}").generate(self=2) == b"2"


@must(
    "template.names.standard",
    "Every template knows escape, xhtml_escape, url_escape, json_encode, squeeze, linkify and datetime.",
    doc("template"),
)
@each(
    case=[
        ("escape('<')", "&lt;"),
        ("xhtml_escape('<')", "&lt;"),
        ("url_escape('a/b c')", "a%2Fb+c"),
        ("json_encode({'a': 1})", '{"a": 1}'),
        ("squeeze(' a  b ')", "a b"),
        ("linkify('http://a.example')", '<a href="http://a.example">http://a.example</a>'),
        ("datetime.date(2020, 1, 2)", "2020-01-02"),
    ]
)
def test_standard_names(case):
    assert made(f"{{% raw {case[0]} %}}") == case[1]


@must(
    "template.names.given-first",
    "Names given to generate() come before those of the loader, and these before the standard ones.",
    doc("template.BaseLoader"),
)
def test_given_first():
    loader = api.template.DictLoader({"t": "{{ a }}{{ b }}{{ squeeze }}"}, namespace={"a": 1, "b": 2, "squeeze": 3})
    assert loader.load("t").generate(a=9) == b"923"


# -- escaping ---------------------------------------------------------------------------------------------------------


@must(
    "template.escape.default",
    "Printed values are escaped for HTML: the characters & < > \" and ' become references.",
    doc("template"),
    seed("SEED-088"),
)
@each(value=["<b>&\"'", b"<b>&\"'", ["<", "'"], labelled("object", type("O", (), {"__str__": lambda self: "<o>"})())])
def test_escaped(value):
    printed = made("{{ value }}", value=value)
    assert not set("<>\"'") & set(printed)
    assert html.unescape(printed) == (value.decode() if isinstance(value, bytes) else str(value))


@must("template.raw.unescaped", "{% raw expression %} prints a value unescaped.", doc("template"))
def test_raw():
    assert made("{% raw x %}{{ x }}{% raw 5 %}", x="<i>") == "<i>&lt;i&gt;5"


@must(
    "template.autoescape.directive",
    "{% autoescape function %} chooses the function for the whole file, {% autoescape None %} none.",
    doc("template"),
)
@each(case=[("url_escape", "%3Ca+b%3E"), ("None", "<a b>"), ("own", "[<a b>]"), ("xhtml_escape", "&lt;a b&gt;")])
def test_autoescape_directive(case):
    made_of = {"x": "<a b>", "own": lambda value: b"[" + value + b"]"}
    assert made(f"{{% autoescape {case[0]} %}}{{{{ x }}}}", **made_of) == case[1]


@must(
    "template.autoescape.argument",
    "Template and loaders take the function's name as autoescape; None turns escaping off.",
    doc("template.Template"),
    doc("template.BaseLoader"),
)
@each(case=[("url_escape", "%3C"), (None, "<"), ("xhtml_escape", "&lt;")])
def test_autoescape_argument(case):
    function, printed = case
    assert made("{{ '<' }}", {"autoescape": function}) == printed
    loader = api.template.DictLoader({"t": "{{ '<' }}"}, autoescape=function)
    assert loader.load("t").generate() == printed.encode()


@compat(
    "template.autoescape.last-counts",
    "Of several autoescape directives in a file the last one counts, for all of it.",
    observed("template-language"),
)
def test_last_autoescape():
    assert made("{{ x }}{% autoescape None %}{{ x }}{% autoescape xhtml_escape %}", x="<") == "&lt;&lt;"


@must(
    "template.autoescape.per-file",
    "The directive is about its own file: neither included nor extended templates are affected.",
    doc("template"),
)
def test_autoescape_per_file():
    loader = api.template.DictLoader(
        {
            "base": "{{ x }}{% block b %}{% end %}",
            "part": "{{ x }}",
            "page": "{% extends base %}{% autoescape None %}{% block b %}{{ x }}{% include part %}{% end %}",
        }
    )
    assert loader.load("page").generate(x="<") == b"&lt;<&lt;"


@compat(
    "template.autoescape.unknown",
    "A function that does not exist raises NameError when something is to be printed.",
    observed("template-language"),
)
def test_unknown_function():
    with pytest.raises(NameError):
        made("{% autoescape nowhere %}{{ 1 }}")
    assert made("{% autoescape nowhere %}no expression") == "no expression"


# -- what a value could do to a page ----------------------------------------------------------------------------------

HOSTILE = ['"><script>alert(1)</script>', "' onmouseover='alert(1)", "</textarea><!--", "{{ 1/0 }}{% raw x %}", "&lt;"]


@must(
    "template.security.element",
    "A value printed between tags opens no element, closes none, and begins no comment.",
    doc("template"),
)
@each(value=HOSTILE)
def test_between_tags(value):
    page = made("<p>{{ value }}</p>", value=value)
    inside = page.removeprefix("<p>").removesuffix("</p>")
    assert "<" not in inside
    assert html.unescape(inside) == value


@must(
    "template.security.attribute",
    "A value printed in an attribute stays in it, whichever quotes there are around.",
    doc("template"),
)
@each(value=HOSTILE)
@each(quote=['"', "'"])
def test_in_attributes(value, quote):
    page = made(f"<a title={quote}{{{{ value }}}}{quote}>", value=value)
    inside = page.removeprefix(f"<a title={quote}").removesuffix(f"{quote}>")
    assert not set("\"'<>") & set(inside)
    assert html.unescape(inside) == value


@must(
    "template.security.script",
    "JSON by {% raw json_encode(value) %} neither ends a script element nor hides its end.",
    doc("escape.json_encode"),
)
@each(value=["</script><b>", "</SCRIPT >", "<!--<script>", "<!-- ", "<ScRiPt ", "]]>"])
def test_in_scripts(value):
    page = made("<script>var x = {% raw json_encode(value) %};</script>", value=value)
    literal = page.removeprefix("<script>var x = ").removesuffix(";</script>")
    assert not re.search(r"</script|<!--|<script", literal, re.I)
    assert json.loads(literal) == value


@must(
    "template.security.json-in-attribute",
    "JSON printed in an attribute is escaped as everything else is, and read back from there unharmed.",
    doc("template"),
)
def test_json_in_attributes():
    value = {"a": "\"'</script><>&"}
    page = made('<p data-x="{{ json_encode(value) }}">', value=value)
    inside = page.removeprefix('<p data-x="').removesuffix('">')
    assert not set("\"'<>") & set(inside)
    assert json.loads(html.unescape(inside)) == value


@must(
    "template.security.values-are-no-templates",
    "A value that looks like a template is printed, never run.",
    doc("template"),
)
@each(value=["{{ 1/0 }}", "{% import os %}", "{% include secret %}", "{# gone #}", "{{!"])
def test_values_are_no_templates(value):
    assert made("{% raw value %}|{% for v in [value] %}{% raw v %}{% end %}", value=value) == f"{value}|{value}"
    # Twice through the language, too: what one template made is no source for the next.
    assert made("{% raw value %}", value=made("{% raw value %}", value=value)) == value


# -- control structures -----------------------------------------------------------------------------------------------


@must("template.if.branches", "if, elif and else generate the branch whose condition holds.", doc("template"))
@each(case=[(1, "one"), (2, "two"), (3, "three"), (9, "many")])
def test_if(case):
    source = "{% if n == 1 %}one{% elif n == 2 %}two{% elif n == 3 %}three{% else %}many{% end %}"
    assert made(source, n=case[0]) == case[1]
    assert made("{% if n == 1 %}one{% end %}.", n=case[0]) == ("one." if case[0] == 1 else ".")


@must("template.for.each", "for generates its content for each item, with Python's targets.", doc("template"))
def test_for():
    assert made("{% for n in items %}<{{ n }}>{% end %}.", items=[1, 2]) == "<1><2>."
    assert made("{% for n in items %}<{{ n }}>{% end %}.", items=[]) == "."
    assert made("{% for i, (a, *b) in pairs %}{{ i }}{{ a }}{{ len(b) }};{% end %}", pairs=[(0, "xyz")]) == "0x2;"


@must("template.while.repeats", "while generates its content as long as its condition holds.", doc("template"))
def test_while():
    assert made("{% while items %}{{ items.pop() }}{% end %}.", items=[1, 2, 3]) == "321."


@must("template.loop.leave", "break and continue do in loops what they do in Python.", doc("template"))
@each(loop=["for n in range(9)", "while items"])
def test_leaving_loops(loop):
    source = (
        f"{{% {loop} %}}{{% set n = items.pop(0) %}}{{% if n == 2 %}}{{% continue %}}{{% end %}}"
        "{% if n > 4 %}{% break %}{% end %}{{ n }}{% end %}."
    )
    assert made(source, items=list(range(9))) == "0134."


@compat(
    "template.loop.else",
    "else of a loop generates its content when the loop was not left by break.",
    observed("template-language"),
)
@each(leave=[(False, "ab-end"), (True, "a")])
def test_loop_else(leave):
    source = "{% for c in 'ab' %}{{ c }}{% if leave %}{% break %}{% end %}{% else %}-end{% end %}"
    assert made(source, leave=leave[0]) == leave[1]


@must(
    "template.try.clauses",
    "try with except, else and finally: what was generated before an exception stays, and the clauses follow.",
    doc("template"),
)
@each(case=[(0, "[caught division by zero]"), (1, "[1.0 fine]"), ("x", "[other]")])
def test_try(case):
    source = (
        "[{% try %}{{ 1 / n }}{% except ZeroDivisionError as e %}caught {{ e }}"
        "{% except (TypeError, ValueError) %}other{% else %} fine{% finally %}]{% end %}"
    )
    assert made(source, n=case[0]) == case[1]


@must("template.try.uncaught", "An exception that no clause is for reaches the caller of generate().", doc("template"))
def test_uncaught():
    with pytest.raises(ZeroDivisionError):
        made("{% try %}{{ 1 / 0 }}{% except KeyError %}no{% finally %}yes{% end %}")


@must("template.set.variable", "set binds names for what follows, with Python's assignments.", doc("template"))
@each(
    case=[
        ("{% set x = 5 %}{{ x }}", "5"),
        ("{% set a, b = 1, 2 %}{{ a }}{{ b }}", "12"),
        ("{% set x = 1 %}{% set x += 2 %}{{ x }}", "3"),
        ("{% set given['k'] = 4 %}{{ given['k'] }}", "4"),
        ("{% for i in [1, 2] %}{% set last = i %}{% end %}{{ last }}", "2"),
    ]
)
def test_set(case):
    assert made(case[0], given={}) == case[1]


@must("template.import.module", "import and from import for the template what they do in Python.", doc("template"))
@each(
    directive=[
        ("import json", "json.dumps"),
        ("import os.path as p, json", "json.dumps"),
        ("from json import dumps", "dumps"),
        ("from json import dumps as d", "d"),
    ]
)
def test_import(directive):
    assert made(f"{{% {directive[0]} %}}{{{{ {directive[1]}([1]) }}}}") == "[1]"


@must(
    "template.apply.function",
    "apply generates what a function makes of the content up to end; it gets it as UTF-8 bytes.",
    doc("template"),
)
def test_apply():
    seen = []

    def mark(content):
        seen.append(content)
        return "<" + content.decode() + ">"

    assert made("a{% apply mark %}b{{ x }}é{% end %}c", mark=mark, x="&") == "a<b&amp;é>c"
    assert seen == ["b&amp;é".encode()]


@must("template.apply.nested", "apply nests, in itself and in loops; the inner function is first.", doc("template"))
def test_nested_apply():
    around = {"p": lambda s: b"(" + s + b")", "q": lambda s: b"[" + s + b"]"}
    source = "{% for n in [1, 2] %}{% apply p %}a{% apply q %}{{ n }}{% end %}b{% end %}{% end %}"
    assert made(source, **around) == "(a[1]b)(a[2]b)"


@compat(
    "template.apply.scope",
    "Within apply the names set before are known, and those set there are gone after it.",
    observed("template-language"),
)
def test_apply_scope():
    source = "{% set a = 1 %}{% apply upper %}{% set b = a + 1 %}{{ b }}{% end %}{{ b }}"
    assert made(source, upper=bytes.upper, b="given") == "2given"


# -- white space ------------------------------------------------------------------------------------------------------

SPACED = " a \t b \n\n  c\r\n\td "


@must(
    "template.whitespace.modes",
    "Mode all keeps white space; single leaves a line end or one space of each run, oneline one space.",
    doc("template.filter_whitespace"),
)
@each(mode=[("all", SPACED), ("single", " a b\nc\nd "), ("oneline", " a b c d ")])
def test_modes(mode):
    name, expected = mode
    assert api.template.filter_whitespace(name, SPACED) == expected
    assert made(SPACED, {"whitespace": name}) == expected


@must(
    "template.whitespace.default",
    "The default is single for templates called .html or .js, all for others.",
    doc("template"),
)
@each(name=[("a.html", "single"), ("b/c.js", "single"), ("a.txt", "all"), ("a.xml", "all"), ("html", "all")])
def test_default_mode(name):
    expected = api.template.filter_whitespace(name[1], SPACED)
    assert made(SPACED, {"name": name[0]}) == expected
    loader = api.template.DictLoader({name[0]: SPACED})
    assert loader.load(name[0]).generate().decode() == expected


@must(
    "template.whitespace.loader",
    "A loader's mode is that of its templates, whatever they are called.",
    doc("template.BaseLoader"),
)
@each(mode=["all", "single", "oneline"])
def test_mode_of_the_loader(mode):
    loader = api.template.DictLoader({"a.html": SPACED}, whitespace=mode)
    expected = api.template.filter_whitespace(mode, SPACED)
    assert loader.load("a.html").generate().decode() == expected


@must(
    "template.whitespace.directive",
    "{% whitespace mode %} is for what follows in its file, up to the next one.",
    doc("template"),
)
def test_mode_directive():
    source = "a  \n b{% whitespace oneline %}a  \n b{% whitespace single %}a  \n b{% whitespace all %}a  \n b"
    assert made(source) == "a  \n ba ba\nba  \n b"


@must(
    "template.whitespace.values-kept",
    "Only the template's own white space is condensed, never that of values.",
    doc("template"),
)
def test_values_keep_their_space():
    assert made("a  {{ x }}  b", {"whitespace": "oneline"}, x="1  \n 2") == "a 1  \n 2 b"


@compat(
    "template.whitespace.preformatted",
    "A piece of text with <pre> in it keeps its white space.",
    observed("template-language"),
)
def test_preformatted():
    assert made("<pre>  a\n\n  b</pre>{{ x }}  c", {"name": "t.html"}, x=1) == "<pre>  a\n\n  b</pre>1 c"


@compat(
    "template.whitespace.compress-argument",
    "compress_whitespace, of the years before modes, is true for single and false for all; both at once are refused.",
    observed("template-language"),
)
@each(compress=[(True, "single"), (False, "all")])
def test_compress_whitespace(compress):
    expected = api.template.filter_whitespace(compress[1], SPACED)
    assert made(SPACED, {"compress_whitespace": compress[0], "name": "t.html"}) == expected
    with pytest.raises(Exception, match="whitespace"):
        made("", {"compress_whitespace": compress[0], "whitespace": "all"})


@must(
    "template.whitespace.unknown-mode",
    "A mode that does not exist is refused.",
    doc("template.filter_whitespace"),
)
def test_unknown_mode():
    with pytest.raises(Exception, match="sideways"):
        api.template.filter_whitespace("sideways", "a")
    with pytest.raises(Exception, match="sideways"):
        api.template.DictLoader({"t": "a"}, whitespace="sideways").load("t")
