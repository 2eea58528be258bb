"""Pages

``render`` answers with what a template generates, ``render_string`` returns it for other uses. Beside the names that
are given to it, a template knows its handler, the request, the user, the locale, and a few functions for links and
forms; ``get_template_namespace`` adds more for all templates of a handler, and the setting ``ui_methods`` for those of
the application.

Where templates come from, the settings say: ``template_path`` a directory, ``template_loader`` a loader. A handler can
override both. Compiled templates are kept, but for ``compiled_template_cache=False``, which ``debug`` implies.
"""

import types
from uuid import UUID

from conformance import api, compat, doc, each, must, observed, seed
from conformance.pages import page, rendered
from conformance.tracing import raised


def directory(tmp_path, **sources):
    """Return a directory with the given templates, named without their ending."""
    for name, source in sources.items():
        (tmp_path / f"{name}.html").write_text(source, encoding="utf-8")
    return str(tmp_path)


# -- render and render_string -----------------------------------------------------------------------------------------


@must(
    "web.render.page",
    "render() answers with what the template makes of the names it is given, as text/html in UTF-8.",
    doc("web.RequestHandler.render"),
    seed("SEED-217"),
    seed("SEED-067"),
)
async def test_render(serve, tmp_path):
    path = directory(tmp_path, page="<p>{{ session }}: {{ count }} ü</p>")
    handler = page(session=UUID(int=1), count=10)
    reply = await (await serve([("/", handler)], template_path=path)).get("/")
    assert reply.headers["Content-Type"].replace(" ", "").lower() == "text/html;charset=utf-8"
    assert reply.body == "<p>00000000-0000-0000-0000-000000000001: 10 ü</p>".encode()


@must(
    "web.render.finishes",
    "render() ends the answer: it returns finish()'s awaitable, and what was written before comes first.",
    doc("web.RequestHandler.render"),
)
async def test_render_finishes(serve):
    async def get(self):
        self.write("before ")
        await self.render("page.html")
        assert raised(RuntimeError, self.write, "more")

    text = await rendered(serve, "page", type("Page", (api.web.RequestHandler,), {"get": get}))
    assert text == "before page"


@must(
    "web.render.after-finish",
    "render() after finish() raises RuntimeError.",
    doc("web.RequestHandler.render"),
)
async def test_render_after_finish(serve):
    seen = []

    def get(self):
        self.finish("done")
        seen.append(raised(RuntimeError, self.render, "page.html"))

    handler = type("Page", (api.web.RequestHandler,), {"get": get})
    assert (await rendered(serve, "page", handler), seen) == ("done", [True])


@must(
    "web.render-string.bytes",
    "render_string() returns what the template generates, as bytes, and answers nothing.",
    doc("web.RequestHandler.render_string"),
)
async def test_render_string(serve):
    def get(self):
        first, second = self.render_string("page.html", x=1), self.render_string("page.html", x="ü")
        self.write({"types": [type(first).__name__, type(second).__name__], "text": (first + second).decode()})

    text = await rendered(serve, "<{{ x }}>", type("Page", (api.web.RequestHandler,), {"get": get}))
    assert text == '{"types": ["bytes", "bytes"], "text": "<1><\\u00fc>"}'


@must(
    "web.render.error",
    "A template that is missing, not well-formed or fails is answered 500.",
    doc("web.RequestHandler.render"),
)
@each(name=["missing.html", "bad.html", "failing.html"])
async def test_render_errors(serve, tmp_path, name):
    path = directory(tmp_path, bad="{{", failing="text {{ 1 / 0 }}")
    server = await serve([("/", page(name))], template_path=path)
    reply = await server.get("/")
    assert (reply.code, "text" in reply.text) == (500, False)


# -- names ------------------------------------------------------------------------------------------------------------


KNOWN = [
    ("type(handler).__name__", "Page"),
    ("request.uri", "/a?b=c"),
    ("current_user", "Ada"),
    ("locale.code", "en_US"),
    ("_('Hello')", "Hello"),
    ("pgettext('greeting', 'Hello')", "Hello"),
    ("static_url('x.js')", "static x.js"),
    ("xsrf_form_html()", "field"),
    ("reverse_url('home')", "/home"),
    ("modules is not None", "True"),
]


@must(
    "web.template-names.standard",
    "A page knows its handler, request, user and locale, and the functions for links, forms, translations and modules.",
    doc("web.RequestHandler.get_template_namespace"),
    doc("template"),
)
@each(case=KNOWN)
async def test_template_names(serve, case):
    members = {
        "get_current_user": lambda self: "Ada",
        "static_url": lambda self, path: f"static {path}",
        "xsrf_form_html": lambda self: "field",
        "reverse_url": lambda self, name: f"/{name}",
    }
    assert await rendered(serve, f"{{{{ {case[0]} }}}}", page(members=members)) == case[1]


@must(
    "web.template-names.given-first",
    "Names given to render() come before all others.",
    doc("web.RequestHandler.render"),
)
async def test_given_names_first(serve):
    handler = page(handler="h", helper="m", escape="e")
    text = await rendered(serve, "{{ handler }}{{ helper }}{{ escape }}", handler, ui_methods={"helper": print})
    assert text == "hme"


@must(
    "web.template-names.namespace",
    "get_template_namespace() can be overridden to give names to all templates of a handler.",
    doc("web.RequestHandler.get_template_namespace"),
)
async def test_namespace(serve):
    class Page(api.web.RequestHandler):
        def get_template_namespace(self):
            return {**super().get_template_namespace(), "site": "Example", "title": "none"}

        def get(self):
            self.render("page.html", title="Home")

    assert await rendered(serve, "{{ site }}/{{ title }}/{{ request.path }}", Page) == "Example/Home//a"


@must(
    "web.ui-methods.call",
    "Functions of the setting ui_methods are names in templates; they get the handler first.",
    doc("web.Application.settings"),
)
async def test_ui_methods(serve):
    def where(handler, suffix="."):
        return handler.request.path + suffix

    text = await rendered(serve, "{{ where() }}{{ where(suffix='!') }}", ui_methods={"where": where})
    assert text == "/a./a!"


@must(
    "web.ui-methods.sources",
    "ui_methods is a dictionary, a module, or a list of these; of a module its public functions count.",
    doc("web.Application.settings"),
)
@each(form=["dict", "module", "list"])
async def test_ui_method_sources(serve, form):
    module = types.ModuleType("helpers")
    module.first = lambda handler: 1
    module._private = lambda handler: 0
    sources = {"dict": {"first": module.first}, "module": module, "list": [module, {"second": lambda handler: 2}]}
    text = await rendered(
        serve,
        "{{ first() }}{{ '_private' in globals() }}{{ second() if 'second' in globals() else '' }}",
        ui_methods=sources[form],
    )
    assert text == ("1False2" if form == "list" else "1False")


# -- where templates come from ----------------------------------------------------------------------------------------


@must(
    "web.template-path.setting",
    "The setting template_path is the directory of templates, and of those they include or extend.",
    doc("web.RequestHandler.get_template_path"),
    seed("SEED-072"),
)
async def test_template_path(serve, tmp_path):
    path = directory(tmp_path, base="<{% block b %}{% end %}>", page="{% extends base.html %}{% block b %}b{% end %}")
    assert (await (await serve([("/", page())], template_path=path)).get("/")).text == "<b>"


@must(
    "web.template-path.hook",
    "get_template_path() can be overridden to give a handler a directory of its own.",
    doc("web.RequestHandler.get_template_path"),
)
async def test_template_path_hook(serve, tmp_path):
    (tmp_path / "own").mkdir()
    own = directory(tmp_path / "own", page="own")
    path = directory(tmp_path, page="common")
    routes = [("/", page()), ("/own", page(members={"get_template_path": lambda self: own}))]
    server = await serve(routes, template_path=path)
    assert [(await server.get(url)).text for url in ("/", "/own")] == ["common", "own"]


@must(
    "web.template-path.directory-of-caller",
    "Without template_path, templates are looked for in the directory of the file that renders.",
    doc("web.RequestHandler.get_template_path"),
)
async def test_directory_of_caller(serve, tmp_path):
    directory(tmp_path, page="beside")
    program = tmp_path / "program.py"
    code = compile("def get(self):\n    self.render('page.html')\n", str(program), "exec")
    names = {"__name__": "program"}
    exec(code, names)
    handler = type("Page", (api.web.RequestHandler,), {"get": names["get"]})
    assert (await (await serve([("/", handler)])).get("/")).text == "beside"


@must(
    "web.template-loader.setting",
    "The setting template_loader is the loader of all handlers.",
    doc("web.RequestHandler.create_template_loader"),
    doc("web.Application.settings"),
)
async def test_template_loader(serve):
    loader = api.template.DictLoader({"page.html": "{{ '<' }}{{ n }}"}, autoescape=None, namespace={"n": 5})
    text = await rendered(serve, {}, page(), template_loader=loader)
    assert text == "<5"


@must(
    "web.template-loader.hook",
    "create_template_loader() can be overridden; it gets the template path, and its loader is kept for that path.",
    doc("web.RequestHandler.create_template_loader"),
)
async def test_template_loader_hook(serve, tmp_path):
    seen = []

    def create_template_loader(self, path):
        seen.append(path)
        return api.template.DictLoader({"page.html": "of the hook"})

    handler = page(members={"create_template_loader": create_template_loader})
    server = await serve([("/", handler)], template_path=str(tmp_path))
    assert [(await server.get("/")).text for _ in range(3)] == ["of the hook"] * 3
    assert seen == [str(tmp_path)]


@must(
    "web.template-loader.each-application",
    "The settings of one application are no other's, though both have templates in the same directory.",
    doc("web.Application.settings"),
)
async def test_loaders_of_applications(serve, tmp_path):
    path = directory(tmp_path, page="{{ '<' }}")
    servers = [await serve([("/", page())], template_path=path, autoescape=escape) for escape in (None, "url_escape")]
    assert [(await server.get("/")).text for server in servers] == ["<", "%3C"]


@must(
    "web.template-settings.autoescape",
    "The setting autoescape names the function for printed values; None turns escaping off.",
    doc("web.Application.settings"),
)
@each(case=[(None, "<"), ("url_escape", "%3C"), ("xhtml_escape", "&lt;")])
async def test_autoescape_setting(serve, tmp_path, case):
    path = directory(tmp_path, page="{{ '<' }}")
    server = await serve([("/", page())], template_path=path, autoescape=case[0])
    assert (await server.get("/")).text == case[1]


@must(
    "web.template-settings.whitespace",
    "The setting template_whitespace is the white space mode of all templates.",
    doc("web.Application.settings"),
)
@each(mode=[("all", "a  \n b"), ("single", "a\nb"), ("oneline", "a b")])
async def test_whitespace_setting(serve, tmp_path, mode):
    path = directory(tmp_path, page="a  \n b")
    server = await serve([("/", page())], template_path=path, template_whitespace=mode[0])
    assert (await server.get("/")).text == mode[1]


@must(
    "web.template-settings.cache",
    "Templates are compiled once; with compiled_template_cache=False, or debug, for every request.",
    doc("web.Application.settings"),
)
@each(case=[({}, "old"), ({"compiled_template_cache": False}, "new"), ({"debug": True, "autoreload": False}, "new")])
async def test_template_cache(serve, tmp_path, case):
    settings, expected = case
    server = await serve([("/", page())], template_path=directory(tmp_path, page="old"), **settings)
    assert (await server.get("/")).text == "old"
    directory(tmp_path, page="new")
    assert (await server.get("/")).text == expected


@compat(
    "web.render.etag",
    "A rendered page has an entity tag, and If-None-Match is answered 304.",
    observed("web-pages"),
)
async def test_rendered_etag(serve, tmp_path):
    server = await serve([("/", page())], template_path=directory(tmp_path, page="page"))
    tag = (await server.get("/")).headers["Etag"]
    assert (await server.get("/", headers={"If-None-Match": tag})).code == 304


# -- the shop of the sources ------------------------------------------------------------------------------------------

SHOP = """<html><head><title>Burt's Books</title>
<script src="{{ static_url("scripts/inventory.js") }}" type="application/javascript"></script></head>
<body><h1>Burt's Books</h1><h2>The Definitive Guide to the Internet</h2><p><em>Anonymous</em></p>
<img src="static/images/internet.jpg" alt="The Definitive Guide to the Internet" />
<input type="hidden" id="session" value="{{ session }}" />
<p>Only <span id="count">{{ count }}</span> left in stock! Order now!</p>
<div id="add-to-cart"><p>$20.00 <input type="button" value="Add to Cart" id="add-button" /></p></div>
<div id="remove-from-cart" style="display: none;"><p>One copy is in your cart.</p>
<input type="button" id="remove-button" value="Remove from Cart" /></div></body></html>
"""


@must(
    "web.render.shop-page",
    "A page with the details of a book, a script, a session and the stock in it, each page with a session of its own.",
    seed("SEED-087"),
    seed("SEED-088"),
    seed("SEED-090"),
)
async def test_shop_page(serve):
    sessions = iter([UUID(int=1), UUID(int=2)])

    def get(self):
        self.render("page.html", session=next(sessions), count=10)

    def static_url(self, path, include_host=None):
        return f"/static/{path}?v=1&x=2"

    handler = type("Detail", (api.web.RequestHandler,), {"get": get, "static_url": static_url})
    for number in "12":
        text = await rendered(serve, SHOP, handler)
        assert f'value="00000000-0000-0000-0000-00000000000{number}"' in text
        assert 'Only <span id="count">10</span> left in stock! Order now!' in text
        assert '<script src="/static/scripts/inventory.js?v=1&amp;x=2"' in text
