"""Forms with files that need not fit into memory: ``multipart/form-data`` to the disk, while it arrives.

Released Tornado reads such forms in memory alone.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from waterspout._loggers import app_log
from waterspout.protocol.form_stream import Event, FormStream, PartBegins, PartContent
from waterspout.protocol.forms import default_config, parse_parameters
from waterspout.protocol.messages import HTTPInputError
from waterspout.web.errors import HTTPError
from waterspout.web.hooks import call_after

if TYPE_CHECKING:
    from waterspout.web.handler import RequestHandler


@dataclass
class StoredFile:
    """A file of a form, on the disk: its name as the client has it, its media type, its place and size in octets.

    The name is text from the client and no path.
    """

    filename: str
    content_type: str
    path: Path
    size: int = 0


@dataclass
class _Part:
    """The part of a form that is being read."""

    begins: PartBegins
    stored: StoredFile | None = None
    value: bytearray = field(default_factory=bytearray)


class FormUpload:
    """Reads the form of one request for a handler with `stream_request_body`.

    Make it in ``prepare``; let ``data_received`` return ``receive(chunk)``; call `finish` in the method.  Then
    ``arguments`` has the fields, as lists of bytes, and ``files`` lists of `StoredFile`, both by name.  Files that are
    still in their place when the handler has finished are removed.

    ``directory`` is where they are made, by default that for temporary files.  ``max_size`` bounds the whole body in
    octets in place of the server's ``max_body_size``, ``max_file_size`` each file, ``max_field_size`` each field that
    is no file, ``max_parts`` the number of all;
    whoever sends more gets 413.  Raises `HTTPError` 415 for a body that is no such form, 400 for one without a
    boundary.
    """

    def __init__(
        self,
        handler: RequestHandler,
        *,
        directory: str | os.PathLike[str] | None = None,
        max_size: int | None = None,
        max_file_size: int | None = None,
        max_field_size: int = 1 << 20,
        max_parts: int = 100,
    ) -> None:
        self.arguments: dict[str, list[bytes]] = {}
        self.files: dict[str, list[StoredFile]] = {}
        self._directory = directory
        self._max_file_size = max_file_size
        self._max_field_size = max_field_size
        self._max_parts = max_parts
        self._stream = FormStream(_boundary(handler), default_config().multipart.max_part_header_size)
        self._parts = 0
        self._part: _Part | None = None
        self._file: IO[bytes] | None = None
        self._stored: list[StoredFile] = []
        self._work: list[Callable[[], None]] = []
        self._working: asyncio.Future[None] | None = None
        if max_size is not None:
            handler.request.connection.set_max_body_size(max_size)
        call_after(handler, self._clean)

    async def receive(self, chunk: bytes) -> None:
        """Take a piece of the body; what belongs to files is written by a thread, which is waited for.

        Raises `HTTPError` 400 for a malformed form, 413 for one beyond its bounds.  Cancelling leaves the writing to
        end by itself.
        """
        try:
            for event in self._stream.feed(chunk):
                self._take(event)
        except HTTPInputError as error:
            raise HTTPError(400, "invalid multipart/form-data: %s", error) from error
        work, self._work = self._work, []
        if work:
            self._working = asyncio.get_running_loop().run_in_executor(None, _do, work)
            await asyncio.shield(self._working)

    def finish(self) -> None:
        """Make sure that the form is complete; raises `HTTPError` 400 if it is not."""
        if not self._stream.complete:
            raise HTTPError(400, "invalid multipart/form-data: the closing delimiter is missing")

    def _take(self, event: Event) -> None:
        if isinstance(event, PartBegins):
            self._begin(event)
        elif isinstance(event, PartContent):
            self._grow(event.data)
        else:
            self._end()

    def _begin(self, event: PartBegins) -> None:
        self._parts += 1
        if self._parts > self._max_parts:
            raise HTTPError(413, "more than %d parts in a form", self._max_parts)
        self._part = _Part(event)
        if event.filename:
            content_type = event.content_type or "application/unknown"
            self._part.stored = stored = StoredFile(event.filename, content_type, Path())
            self._work.append(lambda: self._open(stored))

    def _grow(self, data: bytes) -> None:
        assert self._part is not None
        stored, name = self._part.stored, self._part.begins.name
        if stored is None:
            self._part.value += data
            if len(self._part.value) > self._max_field_size:
                raise HTTPError(413, "the field %.100r is larger than %d bytes", name, self._max_field_size)
            return
        stored.size += len(data)
        if self._max_file_size is not None and stored.size > self._max_file_size:
            raise HTTPError(413, "the file of %.100r is larger than %d bytes", name, self._max_file_size)
        self._work.append(lambda: self._write(data))

    def _end(self) -> None:
        assert self._part is not None
        name, stored = self._part.begins.name, self._part.stored
        if stored is None:
            self.arguments.setdefault(name, []).append(bytes(self._part.value))
        else:
            self.files.setdefault(name, []).append(stored)
            self._work.append(self._close)

    # On a thread, one after the other

    def _open(self, stored: StoredFile) -> None:
        # Not a context manager: it stays open until the part ends.
        self._file = tempfile.NamedTemporaryFile(dir=self._directory, prefix="upload-", delete=False)  # noqa: SIM115
        stored.path = Path(self._file.name)
        self._stored.append(stored)

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        self._file.write(data)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    # The end

    def _clean(self, handler: RequestHandler) -> None:
        """Remove what nobody has taken, as soon as nothing is written any more."""
        if self._working is None or self._working.done():
            self._remove()
        else:
            self._working.add_done_callback(lambda _: self._remove())

    def _remove(self) -> None:
        try:
            self._close()
            for stored in self._stored:
                stored.path.unlink(missing_ok=True)
        except OSError:
            app_log.error("the files of a form could not be removed", exc_info=True)


def _do(work: list[Callable[[], None]]) -> None:
    for step in work:
        step()


def _boundary(handler: RequestHandler) -> bytes:
    content_type = handler.request.headers.get("Content-Type", "")
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise HTTPError(415, "the body is %.100r, not multipart/form-data", content_type)
    try:
        boundary = parse_parameters(content_type).get("boundary")
    except HTTPInputError as error:
        raise HTTPError(400, "%s", error) from error
    if not boundary:
        raise HTTPError(400, "invalid multipart/form-data: the Content-Type names no boundary")
    return boundary.encode("latin1", "replace")
