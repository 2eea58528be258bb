"""Files of forms on the disk

``FormUpload`` reads ``multipart/form-data`` while it arrives and writes its files to the disk, so they need not fit
into memory. A handler with ``stream_request_body`` makes one in ``prepare``, lets ``data_received`` return what its
``receive`` returns, and calls ``finish`` in the method. What is larger than allowed ends with 413, and whatever
happens, files that nobody has taken are removed.

Tornado reads such forms in memory alone. An implementation without this declares ``additions`` as unsupported.
"""

import os

from conformance import api, doc, each, labelled, must, rfc
from conformance.tracing import Trace

ADDITIONS = ("additions",)
BINARY = bytes(range(256)) * 300 + b"\r\n--cut\r\n--cutter\r--"


def part(disposition, content, kind=None):
    """Return a part of a form."""
    head = f"Content-Disposition: form-data; {disposition}\r\n" + (f"Content-Type: {kind}\r\n" if kind else "")
    return b"--edge\r\n" + head.encode() + b"\r\n" + content + b"\r\n"


FORM = b"".join(
    [
        part('name="note"', b"one"),
        part('name="photo"; filename="../a.png"', BINARY, "image/png"),
        part('name="note"', b""),
        part('name="photo"; filename="empty"', b""),
        b"--edge--\r\nwhat follows is ignored",
    ]
)


class Upload:
    """A server of a handler that stores forms, and what it has seen."""

    def __init__(self, directory, **limits):
        self.trace, self.directory = Trace(), str(directory)
        limits["directory"] = self.directory
        trace = self.trace

        class Handler(api.web.RequestHandler):
            def prepare(self):
                self.form = api.web.FormUpload(self, **limits)

            def data_received(self, chunk):
                return self.form.receive(chunk)

            def post(self):
                self.form.finish()
                for files in self.form.files.values():
                    for file in files:
                        trace.add((file.filename, file.content_type, file.size, file.path.read_bytes()))
                trace.add(self.form.arguments)
                self.taken(self.form.files)

            def taken(self, files):
                """Take some of the files away."""

        self.handler = api.web.stream_request_body(Handler)

    def left(self):
        """Return the names in the directory."""
        return os.listdir(self.directory)

    async def send(self, serve, body=FORM, kind="multipart/form-data; boundary=edge", step=None, **settings):
        """Send a form, in steps of so many octets, and return the answer."""
        server = await serve([("/", self.handler)], **settings)
        async with server.connection() as connection:
            connection.send("POST", "/", headers=[("Content-Type", kind), ("Content-Length", str(len(body)))])
            for start in range(0, len(body), step or len(body) or 1):
                connection.send_bytes(body[start : start + (step or len(body))])
                await connection._writer.drain()
            return await connection.reply()


@must(
    "web.upload.stored",
    "Files are on the disk octet for octet, with name, type and size; fields are lists of bytes; however it is cut.",
    rfc(7578, "4"),
    doc("web.stream_request_body"),
    needs=ADDITIONS,
)
@each(step=[None, 1009, 65536])
async def test_stored(serve, tmp_path, step):
    upload = Upload(tmp_path)
    assert (await upload.send(serve, step=step)).code == 200
    assert upload.trace == [
        ("../a.png", "image/png", len(BINARY), BINARY),
        ("empty", "application/unknown", 0, b""),
        {"note": [b"one", b""]},
    ]


@must(
    "web.upload.removed",
    "When the handler has finished, files that are still in their place are removed; those it has moved stay.",
    doc("web.RequestHandler.on_finish"),
    needs=ADDITIONS,
)
async def test_removed(serve, tmp_path):
    upload = Upload(tmp_path)
    kept = os.path.join(upload.directory, "kept")
    upload.handler.taken = lambda self, files: os.replace(files["photo"][0].path, kept)
    assert (await upload.send(serve)).code == 200
    assert upload.left() == ["kept"]
    with open(kept, "rb") as file:
        assert file.read() == BINARY


@must(
    "web.upload.limits",
    "A form with more than allowed gets 413: a file, a field, the number of parts, the whole; nothing of it is left.",
    rfc(9110, "15.5.14"),
    needs=ADDITIONS,
)
@each(
    row=[
        labelled("file", {"max_file_size": len(BINARY) - 1}),
        labelled("field", {"max_field_size": 2}),
        labelled("parts", {"max_parts": 3}),
        labelled("whole", {"max_size": len(FORM) - 1}),
    ]
)
async def test_limits(serve, tmp_path, row):
    upload = Upload(tmp_path, **row)
    assert (await upload.send(serve)).code == 413
    assert (upload.trace, upload.left()) == ([], [])
    just = Upload(tmp_path, **{name: limit + 1 for name, limit in row.items()})
    assert (await just.send(serve)).code == 200


BROKEN = [
    labelled("empty", b""),
    labelled("cut-in-content", FORM[:5000]),
    labelled("cut-in-head", FORM[:30]),
    labelled("no-last-delimiter", FORM[: FORM.index(b"--edge--")]),
    labelled("no-disposition", b"--edge\r\nX: 1\r\n\r\nx\r\n--edge--"),
    labelled("no-name", b'--edge\r\nContent-Disposition: form-data; filename="x"\r\n\r\nx\r\n--edge--'),
    labelled("no-empty-line", b'--edge\r\nContent-Disposition: form-data; name="x"\r\n--edge--'),
    labelled("head-not-utf-8", b'--edge\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--edge--'),
    labelled("large-head", b"--edge\r\nX: " + b"x" * 20000 + b"\r\n\r\nx\r\n--edge--"),
]


@must(
    "web.upload.malformed",
    "A form that is malformed gets 400, the log says why, and nothing of it is left.",
    rfc(9110, "15.5.1"),
    needs=ADDITIONS,
)
@each(body=BROKEN)
async def test_malformed(serve, tmp_path, logs, body):
    upload = Upload(tmp_path)
    assert (await upload.send(serve, body)).code == 400
    assert "multipart/form-data" in (await logs.first("tornado.general")).getMessage()
    assert (upload.trace, upload.left()) == ([], [])


@must(
    "web.upload.other-types",
    "A body of another type gets 415, a form without a boundary 400.",
    rfc(9110, "15.5.16"),
    needs=ADDITIONS,
)
@each(row=[("text/plain", 415), ("multipart/mixed; boundary=edge", 415), ("multipart/form-data", 400)])
async def test_other_types(serve, tmp_path, row):
    kind, code = row
    assert (await Upload(tmp_path).send(serve, kind=kind)).code == code


@must(
    "web.upload.client-leaves",
    "When the client leaves in the middle of a file, nothing of it is left.",
    doc("web.RequestHandler.on_connection_close"),
    needs=ADDITIONS,
)
async def test_client_leaves(serve, tmp_path):
    upload, events = Upload(tmp_path), Trace()
    receive = upload.handler.data_received

    async def data_received(self, chunk):
        await receive(self, chunk)
        events.add(len(upload.left()))

    upload.handler.data_received = data_received
    upload.handler.on_finish = lambda self: self.application.settings["loop"].call_soon(events.add, "finished")
    server = await serve([("/", upload.handler)], loop=api.ioloop.IOLoop.current().asyncio_loop)
    async with server.connection() as connection:
        kind = "multipart/form-data; boundary=edge"
        connection.send("POST", "/", headers=[("Content-Type", kind), ("Content-Length", str(len(FORM)))])
        connection.send_bytes(FORM[:5000])
        assert await events.first(1) == [1]
    await events.first(2)
    assert upload.left() == []
