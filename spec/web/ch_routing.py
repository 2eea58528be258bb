"""Routing

An application finds its handlers by rules. Each has a matcher, which looks at a request, and a target: a handler, an
application, another router, any delegate, or a function of the request. ``routing`` has the parts: ``RuleRouter`` goes
through rules in their order, ``ReversibleRuleRouter`` also makes URLs from names, and whatever defines
``find_handler`` is a router. Matchers look at the path, the host, or anything else: ``match`` returns None, or the
arguments for the target.

A path is matched whole, by a regular expression. What its groups captured is percent-decoded; turning it around, with
``reverse``, percent-encodes it again.
"""

from conformance import api, compat, doc, each, labelled, must, observed, rfc, seed
from conformance.tracing import Trace, raised


def saying(text):
    """Return a handler that answers with ``text`` and its path arguments."""

    class Saying(api.web.RequestHandler):
        def get(self, *args, **kwargs):
            self.write({"says": text, "args": args, "kwargs": kwargs})

    return Saying


async def says(server, path, **headers):
    """Return what the handler behind ``path`` says, or the status of an error."""
    reply = await server.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    return reply.json()["says"] if reply.code == 200 else reply.code


def pattern(text):
    """Return a path matcher."""
    return api.routing.PathMatches(text)


def request(path, host="a.example", **headers):
    """Return a request for a matcher to look at."""
    fields = api.httputil.HTTPHeaders({"Host": host, **{name.replace("_", "-"): headers[name] for name in headers}})
    connection = type("Connection", (), {"set_close_callback": lambda self, callback: None})()
    start_line = api.httputil.RequestStartLine("GET", path, "HTTP/1.1")
    return api.httputil.HTTPServerRequest(start_line=start_line, headers=fields, connection=connection)


# -- rules ------------------------------------------------------------------------------------------------------------


@must(
    "web.routing.targets",
    "A rule may lead to an application, to a router, or to a function of the request.",
    doc("routing"),
)
async def test_targets(serve):
    def function(request):
        head = api.httputil.ResponseStartLine("HTTP/1.1", 200, "OK")
        body = b'{"says": "function"}'
        request.connection.write_headers(head, api.httputil.HTTPHeaders({"Content-Length": str(len(body))}), body)
        request.connection.finish()

    rule, path = api.routing.Rule, pattern
    inner = api.routing.RuleRouter([rule(path("/router/.*"), api.web.Application([("/router/x", saying("router"))]))])
    application = api.web.Application([("/app/x", saying("application"))])
    rules = [rule(path("/app/.*"), application), rule(path("/router/.*"), inner), rule(path("/function"), function)]
    server = await serve(api.routing.RuleRouter(rules))
    assert [await says(server, each) for each in ("/app/x", "/router/x", "/function")] == [
        "application",
        "router",
        "function",
    ]
    assert await says(server, "/none") == 404


@must(
    "web.routing.own-router",
    "A class that defines find_handler is a router; what it returns answers, and None is 404.",
    doc("routing.Router"),
)
async def test_own_router(serve):
    class Answer(api.httputil.HTTPMessageDelegate):
        def __init__(self, connection):
            self.connection = connection

        def finish(self):
            head = api.httputil.ResponseStartLine("HTTP/1.1", 200, "OK")
            self.connection.write_headers(head, api.httputil.HTTPHeaders({"Content-Length": "12"}), b'{"says": 42}')
            self.connection.finish()

    class Own(api.routing.Router):
        def find_handler(self, request, **kwargs):
            return Answer(request.connection) if request.path == "/here" else None

    server = await serve(Own())
    assert (await says(server, "/here"), await says(server, "/there")) == (42, 404)


@must(
    "web.routing.target-delegate",
    "get_target_delegate, overridden, answers for targets of other kinds.",
    doc("routing.RuleRouter.get_target_delegate"),
)
async def test_target_delegate(serve):
    class Own(api.routing.RuleRouter):
        def get_target_delegate(self, target, request, **target_params):
            if isinstance(target, dict):
                return target["application"].find_handler(request)
            return super().get_target_delegate(target, request, **target_params)

    one, two = (api.web.Application([("/.*", saying(word))]) for word in ("one", "two"))
    server = await serve(Own([(pattern("/one"), {"application": one}), (pattern("/.*"), two)]))
    assert [await says(server, path) for path in ("/one", "/two")] == ["one", "two"]


@must(
    "web.routing.process-rule",
    "process_rule sees every rule on its way in, and may change it.",
    doc("routing.RuleRouter.process_rule"),
)
async def test_process_rule():
    class Own(api.routing.RuleRouter):
        def process_rule(self, rule):
            rule.name = f"seen {rule.target}"
            return super().process_rule(rule)

    router = Own([("/a", print)])
    router.add_rules([("/b", len)])
    assert [rule.name for rule in router.rules] == [f"seen {print}", f"seen {len}"]
    assert all(isinstance(rule, api.routing.Rule) for rule in router.rules)


@must(
    "web.routing.rule-attributes",
    "A rule has the attributes matcher, target, target_kwargs and name; URLSpec also regex, handler_class and kwargs.",
    doc("routing.Rule"),
    doc("routing.URLSpec"),
)
async def test_rule_attributes():
    matcher, handler = pattern("/x"), saying("x")
    rule = api.routing.Rule(matcher, handler, {"a": 1}, "name")
    assert (rule.matcher, rule.target, rule.target_kwargs, rule.name) == (matcher, handler, {"a": 1}, "name")
    spec = api.web.URLSpec("/x", handler, {"a": 1}, name="name")
    assert (spec.regex.pattern, spec.handler_class, spec.kwargs, spec.name) == ("/x$", handler, {"a": 1}, "name")
    assert (spec.target, isinstance(spec, api.routing.Rule)) == (handler, True)
    assert api.web.url is api.web.URLSpec is api.routing.URLSpec


@must(
    "web.routing.target-kwargs",
    "What a matcher returns is given to the target: path arguments, and target_kwargs for initialize.",
    doc("routing.Matcher.match"),
)
async def test_target_kwargs(serve):
    class Shown(api.web.RequestHandler):
        def initialize(self, word):
            self.word = word

        def get(self, *args):
            self.write({"says": [self.word, *args]})

    class Header(api.routing.Matcher):
        def match(self, request):
            word = request.headers.get("X-Word")
            return None if word is None else {"path_args": [b"one", b"two"]}

    server = await serve([api.routing.Rule(Header(), Shown, {"word": "rule"}), ("/.*", saying("else"))])
    assert await says(server, "/", X_Word="x") == ["rule", "one", "two"]
    assert await says(server, "/") == "else"


@must(
    "web.routing.tables",
    "Tables nest: a list in place of a handler holds rules; where none of them matches, the next rule is tried.",
    doc("web.Application"),
)
async def test_tables(serve):
    inner = [(r"/a/(\d+)", saying("number")), ("/a/b", saying("letter"))]
    server = await serve([(pattern("/a/.*"), inner), ("/a/c", saying("outer"))])
    assert [await says(server, path) for path in ("/a/1", "/a/b", "/a/c", "/a/d")] == ["number", "letter", "outer", 404]


@must(
    "web.routing.order",
    "The first rule that matches is used, whether paths are plain text or patterns.",
    doc("web.Application"),
    seed("SEED-209"),
)
async def test_order(serve):
    routes = [
        ("/a", saying("1")),
        ("/[ab]", saying("2")),
        ("/b", saying("3")),
        ("/a", saying("4")),
        ("/c", saying("5")),
        ("/.*", saying("6")),
        ("/d", saying("7")),
    ]
    server = await serve(routes)
    assert [await says(server, "/" + letter) for letter in "abcd"] == ["1", "2", "5", "6"]


@must(
    "web.routing.plain-paths",
    "A path of plain text matches itself alone, byte for byte, with any query.",
    doc("web.URLSpec"),
)
@each(
    row=[
        ("/plain", "plain"),
        ("/plain?a=b", "plain"),
        ("/plain/", 404),
        ("/plai%6e", 404),
        ("/PLAIN", 404),
        ("//plain", 404),
    ]
)
async def test_plain_paths(serve, row):
    path, answer = row
    assert await says(await serve([("/plain", saying("plain"))]), path) == answer


# -- matchers ---------------------------------------------------------------------------------------------------------


@must(
    "web.routing.path-matches",
    "PathMatches matches the whole path and returns its groups as bytes, percent-decoded: path_args, or path_kwargs.",
    doc("routing.PathMatches"),
)
@each(
    row=[
        labelled("none", ("/a", "/a", {})),
        labelled("positional", ("/(.*)/(x)?", "/a%20b/", {"path_args": [b"a b", None], "path_kwargs": {}})),
        labelled("named", ("/(?P<n>.*)", "/%C3%BC", {"path_args": [], "path_kwargs": {"n": b"\xc3\xbc"}})),
        labelled("longer", ("/a", "/ab", None)),
        labelled("plus", ("/(.*)", "/a+b", {"path_args": [b"a+b"], "path_kwargs": {}})),
    ]
)
async def test_path_matches(row):
    text, path, found = row
    assert pattern(text).match(request(path)) == found


@must(
    "web.routing.any-matches",
    "AnyMatches matches every request, and makes no URL.",
    doc("routing.AnyMatches"),
)
async def test_any_matches():
    matcher = api.routing.AnyMatches()
    assert (matcher.match(request("/")), matcher.match(request("*"))) == ({}, {})
    assert matcher.reverse() is None


@must(
    "web.routing.host-matches",
    "HostMatches matches the whole host name, whatever the case of the request's, without the port.",
    doc("routing.HostMatches"),
    rfc(9110, "4.2.3"),
)
@each(
    row=[("a.example", {}), ("A.Example:8080", {}), ("aa.example", None), ("a.example.org", None), ("b.example", None)]
)
async def test_host_matches(row):
    host, found = row
    assert api.routing.HostMatches(r"a\.example").match(request("/", host)) == found
    matcher = api.routing.HostMatches(r"a\.example")
    assert matcher.host_pattern.match("a.example")


@must(
    "web.routing.default-host-matches",
    "DefaultHostMatches matches the default host of the application, unless a proxy passed the request on.",
    doc("routing.DefaultHostMatches"),
)
@each(
    row=[
        labelled("same", ("a.example", {}, {})),
        labelled("other", ("b.example", {}, None)),
        labelled("proxy", ("a.example", {"X_Real_Ip": "1.2.3.4"}, None)),
    ]
)
async def test_default_host_matches(row):
    default, headers, found = row
    application = api.web.Application(default_host=default)
    matcher = api.routing.DefaultHostMatches(application, api.routing.HostMatches(r"a\.example").host_pattern)
    assert matcher.match(request("/", "elsewhere.example", **headers)) == found


@must(
    "web.routing.default-host",
    "Requests to unknown hosts get the rules of the application, and those of default_host.",
    doc("web.Application.add_handlers"),
)
async def test_default_host(serve):
    application = api.web.Application([("/all", saying("all"))], default_host="a.example")
    application.add_handlers(r"a\.example", [("/a", saying("a"))])
    application.add_handlers(r"b\.example", [("/a", saying("b")), ("/b", saying("b"))])
    server = await serve(application)
    assert [await says(server, path) for path in ("/all", "/a", "/b")] == ["all", "a", 404]
    assert [await says(server, path, Host="b.example") for path in ("/all", "/a", "/b")] == ["all", "b", "b"]


@must(
    "web.routing.hosts-in-order",
    "Host patterns are tried in the order in which they were added.",
    doc("web.Application.add_handlers"),
)
async def test_hosts_in_order(serve):
    application = api.web.Application()
    for text, answer in ((r"a\..*", "a"), (r".*\.example", "example")):
        application.add_handlers(text, [("/", saying(answer))])
    server = await serve(application)
    hosts = ["a.example", "b.example", "a.org", "b.org"]
    assert [await says(server, "/", Host=host) for host in hosts] == ["a", "example", "a", 404]


# -- URLs from names --------------------------------------------------------------------------------------------------


@must(
    "web.routing.reverse",
    "PathMatches.reverse puts arguments in the place of groups, percent-encoded, and matches what it made.",
    doc("routing.PathMatches"),
)
@each(
    row=[
        labelled("none", ("/a", (), "/a")),
        labelled("text", ("/(.*)/x/(.*)", ("a", "b"), "/a/x/b")),
        labelled("number", (r"/(\d+)", (12,), "/12")),
        labelled("bytes", ("/(.*)", (b"\xc3\xbc",), "/%C3%BC")),
        labelled("spaces", ("/(.*)", ("a b?c#d%",), "/a%20b%3Fc%23d%25")),
        labelled("slash", ("/(.*)", ("a/b",), "/a/b")),
        labelled("named", ("/(?P<x>.*)", ("\u4e16",), "/%E4%B8%96")),
        labelled("escaped", (r"/a\.b/(.*)", ("c",), "/a.b/c")),
        labelled("anchors", (r"^/a/(.*)$", ("c",), "/a/c")),
    ]
)
async def test_reverse(row):
    text, arguments, path = row
    matcher = pattern(text)
    assert matcher.reverse(*arguments) == path
    assert matcher.match(request(path)) is not None


@must(
    "web.routing.reverse-impossible",
    "A wrong number of arguments, and a pattern that is more than text and groups, make no URL but an exception.",
    doc("web.Application.reverse_url"),
)
@each(
    row=[
        labelled("too-few", ("/(.*)", ())),
        labelled("too-many", ("/(.*)", ("a", "b"))),
        labelled("class", (r"/\d+/(.*)", ("a",))),
    ]
)
async def test_reverse_impossible(row):
    text, arguments = row
    assert raised(Exception, lambda: pattern(text).reverse(*arguments))


@must(
    "web.routing.reverse-nested",
    "A name is found in nested routers and in rules of hosts, too.",
    doc("routing.ReversibleRouter"),
)
async def test_reverse_nested():
    url, rule = api.web.url, api.routing.Rule
    inner = api.routing.ReversibleRuleRouter([url("/inner/(.*)", print, name="inner")])
    router = api.routing.ReversibleRuleRouter([url("/outer", print, name="outer"), rule(pattern("/inner/.*"), inner)])
    assert (router.reverse_url("outer"), router.reverse_url("inner", "x")) == ("/outer", "/inner/x")
    assert router.reverse_url("none") is None
    application = api.web.Application([rule(pattern("/.*"), inner)])
    application.add_handlers("a.example", [url("/host", saying("x"), name="host")])
    assert (application.reverse_url("inner", "y"), application.reverse_url("host")) == ("/inner/y", "/host")
    assert raised(KeyError, application.reverse_url, "none")


@compat(
    "web.routing.same-name",
    "Of two rules with one name the later one makes the URLs, and the log warns of it.",
    observed("web-routing"),
)
async def test_same_name(logs):
    application = api.web.Application(
        [api.web.url("/a", saying("a"), name="n"), api.web.url("/b", saying("b"), name="n")]
    )
    assert application.reverse_url("n") == "/b"
    assert [record.levelname for record in logs.of("tornado.application")] == ["WARNING"]


@must(
    "web.routing.abstract",
    "Router, ReversibleRouter and Matcher leave find_handler, reverse_url and match to subclasses.",
    doc("routing"),
)
async def test_abstract():
    routing = api.routing
    assert raised(NotImplementedError, routing.Router().find_handler, request("/"))
    assert raised(NotImplementedError, routing.ReversibleRouter().reverse_url, "name")
    assert raised(NotImplementedError, routing.Matcher().match, request("/"))
    assert routing.Matcher().reverse("x") is None


@must(
    "web.routing.linear",
    "Whatever a client asks for, each rule is tried once.",
    doc("routing.RuleRouter"),
)
async def test_each_once(serve):
    trace = Trace()

    class Counting(api.routing.Matcher):
        def match(self, request):
            trace.add("tried")

    server = await serve([api.routing.Rule(Counting(), saying("never")) for _ in range(3)] + [("/x", saying("x"))])
    assert await says(server, "/x") == "x"
    assert await says(server, "/y") == 404
    assert len(trace) == 6
