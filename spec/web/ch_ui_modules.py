"""UI modules

A UI module is a part of pages that brings along what it needs: ``{% module Name(...) %}`` places what its ``render``
returns, and its other hooks say which style sheets and scripts the page needs for it, and what else belongs into its
head or at the end of its body. However often a module is placed in a page, these come once.

Style sheets and the like go to the end of the head, scripts to the end of the body.
"""

import types

import pytest

from conformance import api, compat, doc, each, must, observed, should
from conformance.pages import page, rendered

FRAME = "<html><head><title>t</title></head><body>{body}</body></html>"


def module(**hooks):
    """Return a UI module class whose hooks return the given values; by default it renders <m>."""
    members = {"render": lambda self, *args, **kwargs: "<m>"}
    members.update({name: lambda self, value=value: value for name, value in hooks.items()})
    return type("Module", (api.web.UIModule,), members)


async def parts(serve, frame=FRAME, **hooks):
    """Return the page with one module, cut at the ends of head and body."""
    source = frame.replace("{body}", "{% module M() %}")
    text = await rendered(serve, source, ui_modules={"M": module(**hooks)})
    head, _, rest = text.partition("</head>")
    body, _, _ = rest.rpartition("</body>")
    return head.partition("</title>")[2], body.partition("<m>")[2]


# -- placing modules --------------------------------------------------------------------------------------------------


@must(
    "web.ui-module.render",
    "{% module Name(...) %} places what render() returns for the arguments, text or bytes, unescaped.",
    doc("web.UIModule.render"),
)
async def test_module(serve):
    class Entry(api.web.UIModule):
        def render(self, n, kind="plain"):
            text = f"<{n} {kind}>"
            return text if n == 1 else text.encode()

    text = await rendered(serve, "{% module Entry(1) %}{% module Entry(2, kind='big') %}", ui_modules={"Entry": Entry})
    assert text == "<1 plain><2 big>"


@must(
    "web.ui-module.surroundings",
    "A module knows its handler, the request, the locale, the user and the ui methods.",
    doc("web.UIModule"),
)
async def test_surroundings(serve):
    class Where(api.web.UIModule):
        def render(self):
            handler = type(self.handler).__name__
            return f"{handler} {self.request.path} {self.locale.code} {self.current_user} {self.ui.twice(2)}"

    handler = page(members={"get_current_user": lambda self: "Ada"})
    settings = {"ui_modules": {"Where": Where}, "ui_methods": {"twice": lambda handler, n: n * 2}}
    assert await rendered(serve, "{% module Where() %}", handler, **settings) == "Page /a en_US Ada 4"


@must(
    "web.ui-module.render-string",
    "render_string() of a module renders a template, which knows what other templates know.",
    doc("web.UIModule.render_string"),
)
async def test_module_render_string(serve):
    class Entry(api.web.UIModule):
        def render(self, entry):
            return self.render_string("entry.html", entry=entry)

    sources = {
        "page.html": "{% for e in '<b' %}{% module Entry(e) %}{% end %}",
        "entry.html": "[{{ entry }}{{ _('x') }}]",
    }
    assert await rendered(serve, sources, ui_modules={"Entry": Entry}) == "[&lt;x][bx]"


@must(
    "web.ui-module.modules-name",
    "modules.Name(...) is the module as an expression.",
    doc("web.UIModule"),
)
async def test_modules_name(serve):
    text = await rendered(serve, "{{ modules.M() }}{% raw modules['M']() %}", ui_modules={"M": module()})
    assert text == "&lt;m&gt;<m>"


@must(
    "web.ui-module.sources",
    "ui_modules is a dictionary, a module, or a list of these; of a module its UIModule classes count.",
    doc("web.Application.settings"),
)
@each(form=["dict", "module", "list"])
async def test_module_sources(serve, form):
    python_module = types.ModuleType("modules")
    python_module.M, python_module.other = module(), 5
    sources = {"dict": {"M": python_module.M}, "module": python_module, "list": [python_module, {"N": module()}]}
    source = "{% module M() %}{% module N() %}" if form == "list" else "{% module M() %}"
    assert await rendered(serve, source, ui_modules=sources[form]) == "<m>" * (2 if form == "list" else 1)


@must(
    "web.ui-module.unknown",
    "A module that the application does not have is an error: 500.",
    doc("web.UIModule"),
)
async def test_unknown_module(serve):
    with pytest.raises(AssertionError, match="500"):
        await rendered(serve, "{% module Nothing() %}")


@must(
    "web.ui-module.abstract",
    "render() has to be overridden.",
    doc("web.UIModule.render"),
)
async def test_abstract(serve):
    bare = type("Bare", (api.web.UIModule,), {})
    with pytest.raises(AssertionError, match="NotImplementedError"):
        await rendered(serve, "{% module Bare() %}", ui_modules={"Bare": bare}, serve_traceback=True)


# -- resources --------------------------------------------------------------------------------------------------------


@must(
    "web.ui-module.embedded-css",
    "embedded_css() goes into a style element at the end of the head.",
    doc("web.UIModule.embedded_css"),
)
async def test_embedded_css(serve):
    head, body = await parts(serve, embedded_css="p > b { color: red }")
    assert head.strip().startswith('<style type="text/css">')
    assert head.strip().endswith("</style>")
    assert ("p > b { color: red }" in head, body) == (True, "")


@must(
    "web.ui-module.embedded-javascript",
    "embedded_javascript() goes into a script element at the end of the body.",
    doc("web.UIModule.embedded_javascript"),
)
async def test_embedded_javascript(serve):
    head, body = await parts(serve, embedded_javascript="if (a < b && c) f();")
    assert body.strip().startswith('<script type="text/javascript">')
    assert body.strip().endswith("</script>")
    assert ("if (a < b && c) f();" in body, head) == (True, "")


@must(
    "web.ui-module.linked-css",
    "css_files() links style sheets in the head, one or several, in order.",
    doc("web.UIModule.css_files"),
)
@each(files=["/a.css", ["/a.css", "https://cdn.example/b.css?c&d"]])
async def test_css_files(serve, files):
    head, body = await parts(serve, css_files=files)
    assert head.count("<link ") == (1 if files == "/a.css" else 2)
    assert '<link href="/a.css" type="text/css" rel="stylesheet"/>' in head
    assert (files == "/a.css" or 'href="https://cdn.example/b.css?c&amp;d"' in head, body) == (True, "")


@must(
    "web.ui-module.linked-javascript",
    "javascript_files() links scripts at the end of the body, one or several, in order.",
    doc("web.UIModule.javascript_files"),
)
@each(files=["/a.js", ["/a.js", "//cdn.example/b.js"]])
async def test_javascript_files(serve, files):
    head, body = await parts(serve, javascript_files=files)
    expected = ["/a.js"] if files == "/a.js" else files
    elements = "".join(f'<script src="{file}" type="text/javascript"></script>' for file in expected)
    assert (head, body.strip()) == ("", elements)


@must(
    "web.ui-module.relative-files",
    "Relative names of files go through static_url().",
    doc("web.UIModule.css_files"),
    doc("web.UIModule.javascript_files"),
)
async def test_relative_files(serve):
    handler = page(members={"static_url": lambda self, path, include_host=None: f"/assets/{path}?v=1"})
    modules = {"M": module(css_files=["a.css", "/b.css"], javascript_files="c.js")}
    text = await rendered(serve, FRAME.replace("{body}", "{% module M() %}"), handler, ui_modules=modules)
    assert all(url in text for url in ('"/assets/a.css?v=1"', '"/b.css"', '"/assets/c.js?v=1"'))


@must(
    "web.ui-module.html-head",
    "html_head() goes to the end of the head.",
    doc("web.UIModule.html_head"),
)
async def test_html_head(serve):
    head, body = await parts(serve, html_head='<meta name="a">')
    assert (head.strip(), body) == ('<meta name="a">', "")


@must(
    "web.ui-module.html-body",
    "html_body() goes to the end of the body.",
    doc("web.UIModule.html_body"),
)
async def test_html_body(serve):
    head, body = await parts(serve, html_body="<div>end</div>")
    assert (head, body.strip()) == ("", "<div>end</div>")


@must(
    "web.ui-module.once",
    "A module that is placed several times brings its resources once; files of several modules are linked once.",
    doc("web.UIModule"),
)
async def test_resources_once(serve):
    modules = {
        "M": module(embedded_css="css-m", javascript_files=["/x.js", "/m.js"], html_body="<end-m>"),
        "N": module(embedded_css="css-n", javascript_files=["/x.js", "/n.js"], html_body="<end-n>"),
    }
    source = FRAME.replace("{body}", "{% module M() %}{% module N() %}{% module M() %}")
    text = await rendered(serve, source, ui_modules=modules)
    assert [text.count(one) for one in ("css-m", "css-n", "/x.js", "/m.js", "/n.js", "<end-m>", "<end-n>")] == [1] * 7
    assert (text.count("<m>"), text.count("<style"), text.index("css-m") < text.index("css-n")) == (3, 1, True)


@must(
    "web.ui-module.only-used",
    "Modules that a page does not place bring nothing.",
    doc("web.UIModule"),
)
async def test_unused(serve):
    modules = {"M": module(), "N": module(html_head="<n>", embedded_css="n", html_body="<n>")}
    source = FRAME.replace("{body}", "{% module M() %}")
    assert await rendered(serve, source, ui_modules=modules) == FRAME.replace("{body}", "<m>")


@compat(
    "web.ui-module.order",
    "In the head: linked, embedded, html_head; in the body: linked, embedded, html_body.",
    observed("web-pages"),
)
async def test_order(serve):
    hooks = {"css_files": "/1", "embedded_css": "2", "html_head": "<i3>"}
    hooks |= {"javascript_files": "/4", "embedded_javascript": "5;", "html_body": "<i6>"}
    head, body = await parts(serve, **hooks)
    assert head.index("/1") < head.index("\n2\n") < head.index("<i3>")
    assert body.index("/4") < body.index("\n5;\n") < body.index("<i6>")


@should(
    "web.ui-module.omitted-tags",
    "HTML lets a page leave out the tags of head and body, or write them large; resources find their way all the same.",
    doc("web.UIModule.html_head"),
)
@each(frame=["<title>t</title>{body}", "<TITLE>t</TITLE></HEAD><BODY>{body}</BODY>", "<body>{body}", "{body}</html>"])
async def test_omitted_tags(serve, frame):
    modules = {"M": module(html_head="<meta>", html_body="<end>")}
    text = await rendered(serve, frame.replace("{body}", "{% module M() %}"), ui_modules=modules)
    assert [text.count(one) for one in ("<m>", "<meta>", "<end>")] == [1, 1, 1]
    assert text.index("<m>") < text.index("<end>")


@must(
    "web.ui-module.last-body",
    "It is the last end of a body, and the first of a head, that counts: a text may contain others.",
    doc("web.UIModule.html_body"),
)
async def test_last_body(serve):
    frame = FRAME.replace("{body}", "<script>'</body>'</script>{body}<pre>&lt;/head></head></pre>")
    head, body = await parts(serve, frame, html_head="<meta>", html_body="<end>")
    assert (head.strip(), body.partition("</pre>")[2].strip()) == ("<meta>", "<end>")


@must(
    "web.ui-module.render-hooks",
    "render_linked_js and its like can be overridden to change how a handler's pages bring resources.",
    doc("web.RequestHandler.render_linked_js"),
    doc("web.RequestHandler.render_embed_js"),
    doc("web.RequestHandler.render_linked_css"),
    doc("web.RequestHandler.render_embed_css"),
)
async def test_render_hooks(serve):
    members = {
        "render_linked_js": lambda self, files: f"<lj {','.join(files)}>",
        "render_embed_js": lambda self, pieces: b"<ej " + b",".join(pieces) + b">",
        "render_linked_css": lambda self, files: f"<lc {','.join(files)}>",
        "render_embed_css": lambda self, pieces: b"<ec " + b",".join(pieces) + b">",
    }
    hooks = {"javascript_files": ["/a", "/b"], "embedded_javascript": "c", "css_files": ["/d"], "embedded_css": "e"}
    source = FRAME.replace("{body}", "{% module M() %}")
    text = await rendered(serve, source, page(members=members), ui_modules={"M": module(**hooks)})
    assert all(one in text for one in ("<lj /a,/b>", "<ej c>", "<lc /d>", "<ec e>"))


@must(
    "web.ui-module.files-escaped",
    "URLs of files are escaped: none can leave its attribute.",
    doc("web.UIModule.css_files"),
)
async def test_files_escaped(serve):
    head, body = await parts(serve, css_files='/a"><b>.css', javascript_files="/a'\"<b>.js")
    assert "<b>" not in head + body
    assert 'href="/a&quot;&gt;&lt;b&gt;.css"' in head


# -- modules that there are -------------------------------------------------------------------------------------------


@must(
    "web.ui-module.template",
    "{% module Template(path, ...) %} renders a template as a module.",
    doc("web.UIModule"),
)
async def test_template_module(serve):
    sources = {
        "page.html": "{% module Template('m.html', x='<') %}{% module Template('m.html', x=2) %}",
        "m.html": "[{{ x }}]",
    }
    assert await rendered(serve, sources) == "[&lt;][2]"


@must(
    "web.ui-module.set-resources",
    "A template placed so says by set_resources() what the page needs for it; it comes once.",
    doc("web.UIModule"),
)
async def test_set_resources(serve):
    part = (
        "{{ set_resources(embedded_css='the-css', embedded_javascript='the-js', css_files='/f.css',"
        " javascript_files=['/f.js', '/g.js'], html_head='<the-head>', html_body='<the-body>') }}[{{ x }}]"
    )
    source = FRAME.replace("{body}", "{% module Template('m.html', x=1) %}{% module Template('m.html', x=2) %}")
    text = await rendered(serve, {"page.html": source, "m.html": part})
    head, _, body = text.partition("</head>")
    assert [head.count(one) for one in ("the-css", "/f.css", "<the-head>")] == [1, 1, 1]
    assert [body.count(one) for one in ("the-js", "/f.js", "/g.js", "<the-body>", "[1][2]")] == [1] * 5


@must(
    "web.ui-module.set-resources-of-several",
    "Each template placed so brings its own resources, and may bring none.",
    doc("web.UIModule"),
)
async def test_set_resources_of_several(serve):
    sources = {name: f"{{{{ set_resources(embedded_css='css-{name}') }}}}" for name in ("a", "b")} | {"c": "c"}
    placed = "".join(f"{{% module Template('{name}') %}}" for name in sources)
    text = await rendered(serve, {**sources, "page.html": FRAME.replace("{body}", placed)})
    assert (text.count("<style"), "css-a\ncss-b" in text, "<body>c</body>" in text) == (1, True, True)


@compat(
    "web.ui-module.set-resources-differ",
    "Other resources for the same template in the same page are an error.",
    observed("web-pages"),
)
async def test_set_resources_differ(serve):
    source = FRAME.replace("{body}", "{% module Template('m', x='1') %}{% module Template('m', x='2') %}")
    with pytest.raises(AssertionError, match="500"):
        await rendered(serve, {"page.html": source, "m": "{{ set_resources(embedded_css=x) }}"})


@must(
    "web.ui-module.linkify",
    "{% module linkify(text, ...) %} is escape.linkify as a module.",
    doc("escape.linkify"),
)
async def test_linkify_module(serve):
    text = await rendered(serve, "{% module linkify('www.a.example <b>', extra_params='rel=x') %}")
    assert text == '<a href="http://www.a.example" rel=x>www.a.example</a> &lt;b&gt;'


@must(
    "web.ui-module.xsrf-form-html",
    "{% module xsrf_form_html() %} is the handler's field for forms.",
    doc("web.RequestHandler.xsrf_form_html"),
)
async def test_xsrf_module(serve):
    handler = page(members={"xsrf_form_html": lambda self: '<input type="hidden">'})
    assert await rendered(serve, "{% module xsrf_form_html() %}", handler) == '<input type="hidden">'
