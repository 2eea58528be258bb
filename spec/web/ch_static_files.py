"""Static files

``StaticFileHandler`` serves the files below a directory: ``(r"/files/(.*)", StaticFileHandler, {"path": directory})``.
The setting ``static_path`` makes such a route under ``static_url_prefix``, and for ``/favicon.ico`` and
``/robots.txt``. ``static_url`` makes the URL of such a file, with a hash of its content in the query, so that it may be
cached for ever: when the file changes, so does its URL.

Entity tags and times of modification spare clients what they have; ranges let them go on where they stopped. Nothing
outside the directory is served, by whatever path, and large files hold up nobody else. Every step is a method that a
subclass may override.
"""

import asyncio
import datetime
import hashlib
import os
import re
import shutil
import tempfile
import weakref

from conformance import api, doc, each, labelled, must, rfc, seed, should
from conformance.tracing import raised

CONTENT = b"0123456789"
DATE = "Sat, 01 Jan 2022 00:00:00 GMT"
HASHED = hashlib.sha512(CONTENT).hexdigest()


class Files:
    """A directory ``root`` with files, beside a secret; it goes with the object."""

    def __init__(self):
        self.outside = os.path.realpath(tempfile.mkdtemp(prefix="conform-static-"))
        weakref.finalize(self, shutil.rmtree, self.outside, ignore_errors=True)
        self.root = os.path.join(self.outside, "root")
        self.write("root/digits.txt", CONTENT)
        self.write("root/sub/index.html", b"<p>index")
        self.write("root/empty.bin", b"")
        self.write("secret.txt", b"secret")
        self.write("root-secret/file.txt", b"secret")

    def write(self, name, content):
        """Write a file that was modified at the time DATE, and return its path."""
        path = os.path.join(self.outside, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.utime(path, (1640995200, 1640995200))
        return path


async def ask(serve, path="/digits.txt", method="GET", headers=(), handler=None, files=None, **arguments):
    """Return the answer of a static file handler to one request."""
    files = files or Files()
    route = (r"/(.*)", handler or api.web.StaticFileHandler, {"path": files.root, **arguments})
    return await (await serve([route])).fetch(method, path, headers=dict(headers))


# -- files ------------------------------------------------------------------------------------------------------------


@must(
    "web.static.file",
    "A file is answered with its content, its length, and its type by its name.",
    doc("web.StaticFileHandler"),
    seed("SEED-072"),
    seed("SEED-092"),
)
async def test_file(serve):
    reply = await ask(serve)
    assert (reply.code, reply.body, reply.headers["Content-Length"]) == (200, CONTENT, "10")
    assert reply.headers["Content-Type"].startswith("text/plain")


@must(
    "web.static.content-type",
    "The type goes by the name; what is compressed is sent as such, and what is unknown as application/octet-stream.",
    doc("web.StaticFileHandler.get_content_type"),
)
@each(
    row=[
        ("a.html", "text/html"),
        ("a.css", "text/css"),
        ("a.png", "image/png"),
        ("a.tar.gz", "application/gzip"),
        ("a.bz2", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ]
)
async def test_content_type(serve, row):
    name, kind = row
    files = Files()
    files.write("root/" + name, b"x")
    reply = await ask(serve, "/" + name, files=files)
    assert reply.headers["Content-Type"].split(";")[0] == kind
    assert "Content-Encoding" not in reply.headers


@must(
    "web.static.head",
    "HEAD is answered as GET is, without the content.",
    doc("web.StaticFileHandler"),
    rfc(9110, "9.3.2"),
)
async def test_head(serve):
    got, head = await ask(serve), await ask(serve, method="HEAD")
    assert (head.code, head.body) == (200, b"")
    for name in ("Content-Length", "Content-Type", "Etag", "Last-Modified", "Accept-Ranges"):
        assert head.headers[name] == got.headers[name]


@must(
    "web.static.empty",
    "An empty file is a file.",
    doc("web.StaticFileHandler"),
)
async def test_empty(serve):
    reply = await ask(serve, "/empty.bin")
    assert (reply.code, reply.body, reply.headers["Content-Length"]) == (200, b"", "0")


@must(
    "web.static.other-methods",
    "Other methods are not allowed.",
    doc("web.StaticFileHandler"),
)
@each(method=["POST", "PUT", "DELETE"])
async def test_methods(serve, method):
    assert (await ask(serve, method=method)).code == 405


@must(
    "web.static.missing",
    "What does not exist is answered with 404, whatever its name.",
    doc("web.StaticFileHandler.validate_absolute_path"),
)
@each(path=["/none", "/sub/none", "/digits.txt/none", "/%00", "/digits.txt%00", labelled("long", "/" + "x" * 5000)])
async def test_missing(serve, path):
    assert (await ask(serve, path)).code == 404


@must(
    "web.static.large",
    "A large file is served whole and in pieces, while other requests are answered.",
    doc("web.StaticFileHandler.get_content"),
)
async def test_large(serve):
    files = Files()
    content = os.urandom(1 << 20) * 5
    files.write("root/large.bin", content)
    routes = [
        (r"/f/(.*)", api.web.StaticFileHandler, {"path": files.root}),
        (r"/(.*)", api.web.StaticFileHandler, {"path": files.root}),
    ]
    server = await serve(routes)
    async with server.connection() as connection:
        connection.send("GET", "/f/large.bin")
        head = await connection.head()
        assert (await server.get("/digits.txt")).body == CONTENT
        assert head.headers["Content-Length"] == str(len(content))
        assert (await connection.reply()).body == content


# -- outside ----------------------------------------------------------------------------------------------------------


@must(
    "web.static.traversal",
    "No path leads out of the directory: not upwards, not absolute, encoded or not, nor to a neighbour with its name.",
    doc("web.StaticFileHandler.validate_absolute_path"),
)
@each(
    path=[
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/sub/../../secret.txt",
        "/%2e%2e%2froot-secret/file.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/..%5csecret.txt",
        "/./../secret.txt",
        "/..;/secret.txt",
    ]
)
async def test_traversal(serve, path):
    reply = await ask(serve, path)
    assert reply.code in (400, 403, 404)
    assert b"secret" not in reply.body


@must(
    "web.static.links",
    "Symbolic links within the directory are followed; those that lead out of it are refused with 403.",
    doc("web.StaticFileHandler.validate_absolute_path"),
)
@each(row=[("digits.txt", 200), ("../secret.txt", 403), ("../root-secret", 403)])
async def test_links(serve, row):
    target, code = row
    files = Files()
    os.symlink(os.path.join(files.root, target), os.path.join(files.root, "link"))
    path = "/link/file.txt" if target == "../root-secret" else "/link"
    assert (await ask(serve, path, files=files)).code == code


@must(
    "web.static.allowed-links",
    "Symbolic links may also lead into the directory given as allowed_symlink_directory.",
    doc("web.StaticFileHandler"),
)
@each(row=[("root-secret/file.txt", 200), ("secret.txt", 403)])
async def test_allowed_links(serve, row):
    target, code = row
    files = Files()
    os.symlink(os.path.join(files.outside, target), os.path.join(files.root, "link"))
    allowed = os.path.join(files.outside, "root-secret")
    assert (await ask(serve, "/link", files=files, allowed_symlink_directory=allowed)).code == code


@must(
    "web.static.directory",
    "A directory is no file: 403.",
    doc("web.StaticFileHandler.validate_absolute_path"),
)
async def test_directory(serve):
    assert (await ask(serve, "/sub/")).code == 403


@must(
    "web.static.default-filename",
    "With default_filename the file of that name stands for its directory; without the slash the client is sent there.",
    doc("web.StaticFileHandler"),
)
async def test_default_filename(serve):
    reply = await ask(serve, "/sub/", default_filename="index.html")
    assert (reply.code, reply.body) == (200, b"<p>index")
    reply = await ask(serve, "/sub", default_filename="index.html")
    assert (reply.code, reply.headers["Location"].split("?")[0]) == (301, "/sub/")
    assert (await ask(serve, "/", default_filename="index.html")).code == 404


@must(
    "web.static.default-elsewhere",
    "The redirect to a directory does not lead to another host.",
    doc("web.StaticFileHandler"),
    rfc(3986, "4.2"),
)
async def test_default_elsewhere(serve):
    files = Files()
    os.mkdir(os.path.join(files.root, "evil.example"))
    route = (r"/+(.*)", api.web.StaticFileHandler, {"path": files.root, "default_filename": "index.html"})
    reply = await (await serve([route])).get("//evil.example")
    assert not (reply.headers.get("Location") or "").startswith("//")


# -- conditions and ranges --------------------------------------------------------------------------------------------


@must(
    "web.static.validators",
    "A file has a strong entity tag by its content, and its time of modification.",
    doc("web.StaticFileHandler.compute_etag"),
    doc("web.StaticFileHandler.get_modified_time"),
)
async def test_validators(serve):
    files = Files()
    first = await ask(serve, files=files)
    assert first.headers["Last-Modified"] == DATE
    assert re.fullmatch(r'"[!#-~]+"', first.headers["Etag"])
    assert (await ask(serve)).headers["Etag"] == first.headers["Etag"]
    files.write("root/other.txt", b"9876543210")
    assert (await ask(serve, "/other.txt", files=files)).headers["Etag"] != first.headers["Etag"]


@must(
    "web.static.changed",
    "When a file changes while the server runs, so does its entity tag, at the latest after reset().",
    doc("web.StaticFileHandler.get_content_version"),
)
async def test_changed(serve):
    files = Files()
    before = (await ask(serve, files=files)).headers["Etag"]
    os.utime(files.write("root/digits.txt", b"abc"), (1640995300, 1640995300))
    api.web.StaticFileHandler.reset()
    assert (await ask(serve, files=files)).headers["Etag"] != before


@must(
    "web.static.not-modified",
    "A client that has the file, by tag or date, is told so with 304.",
    doc("web.StaticFileHandler.should_return_304"),
    rfc(9110, "13.1.3"),
)
@each(
    row=[
        labelled("tag", ({"If-None-Match": f'"{HASHED}"'}, 304)),
        labelled("any", ({"If-None-Match": "*"}, 304)),
        labelled("other-tag", ({"If-None-Match": '"x"'}, 200)),
        labelled("date", ({"If-Modified-Since": DATE}, 304)),
        labelled("later", ({"If-Modified-Since": "Sun, 02 Jan 2022 00:00:00 GMT"}, 304)),
        labelled("earlier", ({"If-Modified-Since": "Fri, 31 Dec 2021 00:00:00 GMT"}, 200)),
        labelled("no-date", ({"If-Modified-Since": "yesterday"}, 200)),
        labelled("tag-before-date", ({"If-None-Match": '"x"', "If-Modified-Since": DATE}, 200)),
    ]
)
async def test_not_modified(serve, row):
    headers, code = row
    reply = await ask(serve, headers=headers)
    assert (reply.code, reply.body) == (code, CONTENT if code == 200 else b"")


@must(
    "web.static.precondition",
    "A client that wants another state of the file is told so with 412.",
    rfc(9110, "13.1.1"),
    rfc(9110, "13.1.4"),
)
@each(headers=[{"If-Match": '"x"'}, {"If-Unmodified-Since": "Fri, 31 Dec 2021 00:00:00 GMT"}])
async def test_precondition(serve, headers):
    assert (await ask(serve, headers=headers)).code == 412


@should(
    "web.static.range",
    "One range is answered with 206 and exactly these octets.",
    rfc(9110, "14.2"),
    doc("web.StaticFileHandler"),
)
@each(row=[("0-4", b"01234"), ("5-", b"56789"), ("-3", b"789"), ("9-99", b"9"), ("0-0", b"0")])
async def test_range(serve, row):
    wanted, content = row
    reply = await ask(serve, headers={"Range": "bytes=" + wanted})
    start = CONTENT.index(content)
    assert (reply.code, reply.body) == (206, content)
    assert reply.headers["Content-Range"] == f"bytes {start}-{start + len(content) - 1}/10"
    assert (reply.headers["Content-Length"], reply.headers["Accept-Ranges"]) == (str(len(content)), "bytes")


@must(
    "web.static.range-unsatisfiable",
    "A range behind the end of the file is answered with 416 and the length of the file.",
    rfc(9110, "15.5.17"),
    rfc(9110, "14.4"),
)
@each(wanted=["10-", "10-20", "-0", labelled("huge", "9" * 5000 + "-")])
async def test_unsatisfiable(serve, wanted):
    reply = await ask(serve, headers={"Range": "bytes=" + wanted})
    assert (reply.code, reply.headers["Content-Range"], reply.body) == (416, "bytes */10", b"")


@must(
    "web.static.range-ignored",
    "A range that is malformed, in another unit, or one of several does no harm: the whole is sent, or what is right.",
    rfc(9110, "14.2"),
    rfc(9110, "14.1.1"),
)
@each(wanted=["bytes=5-4", "bytes=x", "bytes=-", "chars=0-1", "bytes=", "=", "bytes=0-1-2", "bytes=\u0661-"])
async def test_ignored_range(serve, wanted):
    reply = await ask(serve, headers={"Range": wanted})
    assert (reply.code, reply.body) == (200, CONTENT)


@must(
    "web.static.if-range",
    "With If-Range a part is sent only if the file is still the one that the client has.",
    rfc(9110, "13.1.5"),
)
@each(
    row=[
        labelled("tag", (f'"{HASHED}"', 206)),
        labelled("date", (DATE, 206)),
        labelled("other-tag", ('"x"', 200)),
        labelled("weak-tag", (f'W/"{HASHED}"', 200)),
        labelled("later-date", ("Sun, 02 Jan 2022 00:00:00 GMT", 200)),
    ]
)
async def test_if_range(serve, row):
    condition, code = row
    reply = await ask(serve, headers={"Range": "bytes=0-4", "If-Range": condition})
    assert (reply.code, len(reply.body)) == (code, 5 if code == 206 else 10)


# -- URLs and caching -------------------------------------------------------------------------------------------------


class Linking:
    """Settings with ``static_path``, and a handler that shows ``static_url`` as told by its arguments."""

    def __init__(self, *arguments, **keywords):
        self.files = Files()
        self.settings = {"static_path": self.files.root}

        class Page(api.web.RequestHandler):
            files = self.files

            def get(self):
                self.write(self.static_url(*arguments, **keywords))

        self.route = ("/.*", Page)

    async def url(self, serve, **settings):
        """Return the server and what ``static_url`` returned."""
        server = await serve([self.route], **self.settings, **settings)
        return server, (await server.get("/page")).text


@must(
    "web.static.setting",
    "static_path makes a route under static_url_prefix, by default /static/, before those of the application.",
    doc("web.Application.settings"),
    seed("SEED-072"),
)
@each(prefix=["/static/", "/s.x/"])
async def test_static_path(serve, prefix):
    server, _ = await Linking("digits.txt").url(
        serve, **({} if prefix == "/static/" else {"static_url_prefix": prefix})
    )
    assert (await server.get(prefix + "digits.txt")).body == CONTENT
    assert (await server.get("/sxx/digits.txt")).body != CONTENT


@must(
    "web.static.root-files",
    "static_path also serves /favicon.ico and /robots.txt.",
    doc("web.Application.settings"),
)
@each(name=["favicon.ico", "robots.txt"])
async def test_root_files(serve, name):
    linking = Linking("digits.txt")
    linking.files.write("root/" + name, b"found")
    server, _ = await linking.url(serve)
    assert (await server.get("/" + name)).body == b"found"


@must(
    "web.static.url",
    "static_url returns the URL of a file with a version that depends on the content alone.",
    doc("web.RequestHandler.static_url"),
    seed("SEED-088"),
)
async def test_static_url(serve):
    linking = Linking("digits.txt")
    server, url = await linking.url(serve)
    path, version = url.split("?v=")
    assert (path, bool(re.fullmatch("[0-9a-zA-Z]{4,}", version))) == ("/static/digits.txt", True)
    assert (await server.get(url)).body == CONTENT
    linking.files.write("root/digits.txt", b"changed!!!!")
    api.web.StaticFileHandler.reset()
    assert (await server.get("/page")).text != url


@must(
    "web.static.url-options",
    "static_url leaves the version out with include_version=False, and gives the whole URL with include_host=True.",
    doc("web.RequestHandler.static_url"),
)
async def test_url_options(serve):
    _, url = await Linking("digits.txt", include_version=False).url(serve)
    assert url == "/static/digits.txt"
    server, url = await Linking("digits.txt", include_host=True, include_version=False).url(serve)
    assert url == f"http://{server.host}/static/digits.txt"


@must(
    "web.static.url-host-attribute",
    "A handler with the attribute include_host makes whole URLs.",
    doc("web.RequestHandler.static_url"),
)
async def test_include_host(serve):
    linking = Linking("digits.txt", include_version=False)
    linking.route[1].include_host = True
    server, url = await linking.url(serve)
    assert url == f"http://{server.host}/static/digits.txt"


@must(
    "web.static.url-missing",
    "The URL of a file that does not exist has no version, and the log says so.",
    doc("web.StaticFileHandler.get_version"),
)
async def test_url_of_missing_file(serve, logs):
    _, url = await Linking("none.txt").url(serve)
    assert url == "/static/none.txt"
    assert any("none.txt" in record.getMessage() for record in logs.of("tornado.general"))


@must(
    "web.static.url-setting-required",
    "Without static_path static_url raises an exception.",
    doc("web.RequestHandler.static_url"),
)
async def test_url_without_setting(serve):
    linking = Linking("digits.txt")
    linking.settings = {}
    server = await serve([linking.route])
    assert (await server.get("/page")).code == 500


@must(
    "web.static.cached",
    "A URL with a version may be cached for ten years; others say nothing about that.",
    doc("web.StaticFileHandler.get_cache_time"),
)
async def test_cached(serve):
    reply = await ask(serve, "/digits.txt?v=1")
    assert reply.headers["Cache-Control"] == "max-age=315360000"
    until = datetime.datetime.strptime(reply.headers["Expires"], "%a, %d %b %Y %H:%M:%S GMT")
    assert until > datetime.datetime.now() + datetime.timedelta(days=3600)
    assert "Cache-Control" not in (await ask(serve)).headers


@must(
    "web.static.handler-setting",
    "static_handler_class serves and makes the URLs in place of StaticFileHandler, with static_handler_args.",
    doc("web.Application.settings"),
)
async def test_handler_setting(serve):
    class Own(api.web.StaticFileHandler):
        @classmethod
        def make_static_url(cls, settings, path, include_version=True):
            return "own:" + path

    arguments = {"default_filename": "index.html"}
    server, url = await Linking("digits.txt").url(serve, static_handler_class=Own, static_handler_args=arguments)
    assert url == "own:digits.txt"
    assert (await server.get("/static/sub/")).body == b"<p>index"


# -- hooks ------------------------------------------------------------------------------------------------------------


STORE = {"key": b"stored content"}


def stored(in_pieces):
    """Return a handler that serves what is in STORE, by the documented hooks."""

    class Stored(api.web.StaticFileHandler):
        @classmethod
        def get_absolute_path(cls, root, path):
            return path

        def validate_absolute_path(self, root, absolute_path):
            return absolute_path

        @classmethod
        def get_content(cls, abspath, start=None, end=None):
            part = STORE[abspath][start:end]
            return (part[place : place + 3] for place in range(0, len(part), 3)) if in_pieces else part

        def get_content_size(self):
            return len(STORE[self.absolute_path])

        def get_modified_time(self):
            return None

        def compute_etag(self):
            return '"version-1"'

    return Stored


@must(
    "web.static.hooks-database",
    "A subclass that overrides the hooks serves what is in no file system, parts of it and conditions included.",
    doc("web.StaticFileHandler"),
)
@each(kind=["bytes", "generator"])
async def test_database(serve, kind):
    handler = stored(kind == "generator")
    reply = await ask(serve, "/key", handler=handler)
    assert (reply.body, "Last-Modified" in reply.headers) == (STORE["key"], False)
    assert (await ask(serve, "/key", handler=handler, headers={"Range": "bytes=7-"})).body == b"content"
    assert (await ask(serve, "/key", handler=handler, headers={"If-None-Match": '"version-1"'})).code == 304


@must(
    "web.static.hooks-paths",
    "parse_url_path makes the path of a file from that of the URL, and get_absolute_path says where it is.",
    doc("web.StaticFileHandler.parse_url_path"),
)
async def test_paths(serve):
    class Renaming(api.web.StaticFileHandler):
        def parse_url_path(self, url_path):
            return url_path.replace("letters", "digits")

    assert (await ask(serve, "/letters.txt", handler=Renaming)).body == CONTENT


@must(
    "web.static.hooks-fields",
    "get_content_type, get_cache_time and set_extra_headers decide about the fields.",
    doc("web.StaticFileHandler.set_extra_headers"),
)
async def test_fields(serve):
    class Fields(api.web.StaticFileHandler):
        def get_content_type(self):
            return "text/x-own"

        def get_cache_time(self, path, modified, mime_type):
            return 60 if (path, mime_type) == ("digits.txt", "text/x-own") and modified is not None else 0

        def set_extra_headers(self, path):
            self.set_header("X-Path", path)

    headers = (await ask(serve, handler=Fields)).headers
    found = [headers["Content-Type"], headers["Cache-Control"], headers["X-Path"]]
    assert found == ["text/x-own", "max-age=60", "digits.txt"]


@must(
    "web.static.hooks-attributes",
    "During the request root, path, absolute_path and modified say what is served.",
    doc("web.StaticFileHandler"),
)
async def test_attributes(serve):
    files, seen = Files(), []

    class Watching(api.web.StaticFileHandler):
        def on_finish(self):
            seen.extend([self.root, self.path, self.absolute_path, self.modified.year])

    await ask(serve, handler=Watching, files=files)
    assert seen == [files.root, "digits.txt", os.path.join(files.root, "digits.txt"), 2022]


@must(
    "web.static.class-methods",
    "get_content, get_version and make_static_url work on the class, for programs that make URLs by themselves.",
    doc("web.StaticFileHandler.make_static_url"),
)
async def test_class_methods():
    files, handler = Files(), api.web.StaticFileHandler
    path, settings = os.path.join(files.root, "digits.txt"), {"static_path": files.root}
    assert (b"".join(handler.get_content(path)), b"".join(handler.get_content(path, 2, 5))) == (CONTENT, b"234")
    version = handler.get_version(settings, "digits.txt")
    assert handler.make_static_url(settings, "digits.txt") == f"/static/digits.txt?v={version}"
    assert version == handler.get_content_version(path)
    assert raised(Exception, lambda: handler.get_version({}, "digits.txt"))


@must(
    "web.static.disconnect",
    "A client that leaves in the middle of a file ends the request, once, and nothing is logged as an error.",
    doc("web.RequestHandler.on_finish"),
)
async def test_disconnect(serve, logs):
    finished = asyncio.Event()

    class Watching(api.web.StaticFileHandler):
        def on_finish(self):
            finished.set()

    files = Files()
    files.write("root/large.bin", b"x" * (30 << 20))
    server = await serve([(r"/(.*)", Watching, {"path": files.root})])
    async with server.connection() as connection:
        connection.send("GET", "/large.bin")
        await connection.head()
    await asyncio.wait_for(finished.wait(), 3)
    assert [record for record in logs.of("tornado.application") if record.levelname == "ERROR"] == []
