"""`StaticFileHandler`: files of a directory, with everything that HTTP has to make that cheap.

A URL with the version of its file in the query may be cached for years; others are asked about again, which the
entity tag and the time of modification make short.  Parts can be had.  Only files below the root are served, whatever
a path looks like and wherever symbolic links lead.

All steps are hooks, so that a subclass may serve what is in no file system.  Hooks that a file takes long for are
called in a thread: nothing waits for a disk.
"""

from __future__ import annotations

import datetime
import hashlib
import mimetypes
import os
import time
from collections.abc import Awaitable, Generator, Iterable
from functools import partial
from stat import S_ISDIR, S_ISREG
from typing import Any

from waterspout._loggers import gen_log
from waterspout.httputil import format_timestamp
from waterspout.protocol.dates import parse_http_date
from waterspout.web import redirects
from waterspout.web.conditional import verdict
from waterspout.web.errors import HTTPError
from waterspout.web.file_ranges import Part, UnsatisfiableRange, requested_part, still_fits
from waterspout.web.file_versions import VersionCache
from waterspout.web.files import in_thread, is_below, leads_into, mode_of
from waterspout.web.handler import RequestHandler

_PIECE = 64 * 1024
#: Content up to this size, in octets, is read at once: for that a thread costs more than the disk.
_AT_ONCE = 64 * 1024
_END = b""


class StaticFileHandler(RequestHandler):
    """Serves the files below a directory; the setting ``static_path`` makes a route to one.

    In a routing table: ``(r"/files/(.*)", StaticFileHandler, {"path": "/var/www"})``.  ``default_filename`` is the
    file that stands for its directory, ``allowed_symlink_directory`` a directory besides the root to which symbolic
    links may lead.  The group of the pattern is the path of the file.  Documentation: ``web.StaticFileHandler``.
    """

    #: How long a URL with a version may be cached, in seconds.
    CACHE_MAX_AGE = 86400 * 365 * 10
    #: How many files' versions are remembered.
    MAX_CACHED_VERSIONS = 10000
    #: Files larger than this, in octets, are not read for their version, and so have none.
    MAX_VERSION_CONTENT_SIZE = 64 * 1024 * 1024

    #: Where symbolic links may lead, besides the root.
    allowed_symlink_directory: str | None = None

    _versions = VersionCache()

    #: Of the request: the root, the path below it, and the path of the file; known when `get` begins.
    root: str
    path: str
    absolute_path: str
    #: When the file was changed.
    modified: datetime.datetime | None

    def initialize(
        self, path: str, default_filename: str | None = None, allowed_symlink_directory: str | None = None
    ) -> None:
        """Take the arguments of the route."""
        self.root = path
        self.default_filename = default_filename
        if allowed_symlink_directory is not None:
            self.allowed_symlink_directory = allowed_symlink_directory

    @classmethod
    def reset(cls) -> None:
        """Forget the versions of all files."""
        cls._versions.clear()

    def head(self, path: str) -> Awaitable[None]:
        """Answer as `get`, without the content."""
        return self.get(path, include_body=False)

    async def get(self, path: str, include_body: bool = True) -> None:
        """Answer with the file, a part of it, 304, or why not."""
        self.path = self.parse_url_path(path)
        absolute_path = self.get_absolute_path(self.root, self.path)
        validated = self.validate_absolute_path(self.root, absolute_path)
        if validated is None:
            # A redirect, for instance.
            return
        self.absolute_path = validated
        self.modified = self.get_modified_time()
        if not self._versions.known(validated) and self.get_content_size() > _AT_ONCE:
            # The hash will be asked for when the fields are set, and that cannot wait.
            await in_thread(partial(self._version_of, validated))
        self.set_headers()
        if verdict(self.request.headers, self._response.headers, False) == 412:
            raise HTTPError(412)
        if self.should_return_304():
            self.set_status(304)
            return
        size = self.get_content_size()
        part = self._select_part(size)
        if part is None:
            return
        self.set_header("Content-Length", part.end - part.start)
        if include_body:
            await self._send(part, size)

    def _select_part(self, size: int) -> Part | None:
        """Return which octets to send, with status and fields set for them; None if there are none such."""
        headers = self._response.headers
        field = self.request.headers.get("Range")
        # RFC 9110, section 14.2, defines parts for GET alone.
        if (
            field is None
            or self.request.method != "GET"
            or not still_fits(self.request.headers.get("If-Range"), headers.get("Etag"), headers.get("Last-Modified"))
        ):
            return Part(0, size)
        try:
            part = requested_part(field, size)
        except UnsatisfiableRange:
            self.set_status(416)
            self.set_header("Content-Type", "text/plain")
            self.set_header("Content-Range", f"bytes */{size}")
            return None
        if part is None:
            return Part(0, size)
        if part != Part(0, size):
            self.set_status(206)
            self.set_header("Content-Range", part.content_range(size))
            if "If-Range" in self.request.headers:
                # The client has that with the rest (RFC 9110, section 15.3.7).
                self.clear_header("Last-Modified")
        return part

    async def _send(self, part: Part, size: int) -> None:
        start, end = (None, None) if part == Part(0, size) else (part.start, part.end)
        content = self.get_content(self.absolute_path, start, end)
        pieces = iter([content] if isinstance(content, bytes) else content)
        if part.end - part.start <= _AT_ONCE:
            for piece in pieces:
                self.write(piece)
            return
        while piece := await in_thread(partial(next, pieces, _END)):
            self.write(piece)
            await self.flush()

    # Hooks

    def parse_url_path(self, url_path: str) -> str:
        """Return the path of the file for a path of the URL, both relative.

        Documentation: ``web.StaticFileHandler.parse_url_path``.
        """
        return url_path if os.path.sep == "/" else url_path.replace("/", os.path.sep)

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        """Return where ``path`` is; `validate_absolute_path` says whether that is to be served.

        Documentation: ``web.StaticFileHandler.get_absolute_path``.
        """
        return os.path.abspath(os.path.join(root, path))

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        """Return the path of the file to serve, or None if the answer was given already, by a redirect.

        Raises `HTTPError` 403 for what is not below the root and what is no file, 404 for what does not exist.
        Documentation: ``web.StaticFileHandler.validate_absolute_path``.
        """
        root = os.path.abspath(root)
        if not is_below(absolute_path, root):
            raise HTTPError(403, "%s is not in the directory of static files", self.path)
        mode = mode_of(absolute_path)
        if mode is not None and S_ISDIR(mode) and self.default_filename is not None:
            if not self.request.path.endswith("/"):
                query = f"?{self.request.query}" if self.request.query else ""
                self.redirect(redirects.on_this_site(self.request.path) + "/" + query, permanent=True)
                return None
            absolute_path = os.path.join(absolute_path, self.default_filename)
            mode = mode_of(absolute_path)
        if mode is None:
            raise HTTPError(404)
        if not leads_into(absolute_path, root, self.allowed_symlink_directory):
            raise HTTPError(403, "%s is a symbolic link out of the directory of static files", self.path)
        if not S_ISREG(mode):
            raise HTTPError(403, "%s is not a file", self.path)
        return absolute_path

    @classmethod
    def get_content(
        cls, abspath: str, start: int | None = None, end: int | None = None
    ) -> Generator[bytes, None, None]:
        """Return the content of a file in pieces, from ``start`` up to, but without, ``end``.

        Called in a thread for what is large.  Documentation: ``web.StaticFileHandler.get_content``.
        """
        with open(abspath, "rb") as file:
            position = start or 0
            file.seek(position)
            while piece := file.read(_PIECE if end is None else min(_PIECE, end - position)):
                position += len(piece)
                yield piece

    @classmethod
    def get_content_version(cls, abspath: str) -> str:
        """Return what names this content: a hash of it.

        Documentation: ``web.StaticFileHandler.get_content_version``.
        """
        content: bytes | Iterable[bytes] = cls.get_content(abspath)
        digest = hashlib.sha512()
        for piece in [content] if isinstance(content, bytes) else content:
            digest.update(piece)
        return digest.hexdigest()

    def get_content_size(self) -> int:
        """Return the size of the file in octets.  Documentation: ``web.StaticFileHandler.get_content_size``."""
        return os.stat(self.absolute_path).st_size

    def get_content_type(self) -> str:
        """Return the type of the content, by the name of the file.

        Documentation: ``web.StaticFileHandler.get_content_type``.
        """
        content_type, encoding = mimetypes.guess_type(self.absolute_path)
        # A compressed file is sent as what it is: by Content-Encoding a browser would unpack what is to be saved.
        if encoding == "gzip":
            return "application/gzip"
        if encoding is not None or content_type is None:
            return "application/octet-stream"
        return content_type

    def get_modified_time(self) -> datetime.datetime | None:
        """Return when the file was changed, to the second, or None to send no ``Last-Modified``.

        Documentation: ``web.StaticFileHandler.get_modified_time``.
        """
        seconds = int(os.stat(self.absolute_path).st_mtime)
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)

    def get_cache_time(self, path: str, modified: datetime.datetime | None, mime_type: str) -> int:
        """Return for how many seconds the answer may be kept without asking again; 0 leaves that to the client.

        By default `CACHE_MAX_AGE` for a URL with a version.  Documentation:
        ``web.StaticFileHandler.get_cache_time``.
        """
        return self.CACHE_MAX_AGE if "v" in self.request.query_arguments else 0

    def set_extra_headers(self, path: str) -> None:
        """Called when all fields were set, to set more.

        Documentation: ``web.StaticFileHandler.set_extra_headers``.
        """

    def set_headers(self) -> None:
        """Set the fields that describe the file.  Documentation: ``web.StaticFileHandler.set_headers``."""
        self.set_header("Accept-Ranges", "bytes")
        self.set_etag_header()
        if self.modified is not None:
            self.set_header("Last-Modified", self.modified)
        content_type = self.get_content_type()
        if content_type:
            self.set_header("Content-Type", content_type)
        cache_time = self.get_cache_time(self.path, self.modified, content_type)
        if cache_time > 0:
            self.set_header("Expires", format_timestamp(time.time() + cache_time))
            self.set_header("Cache-Control", f"max-age={cache_time}")
        self.set_extra_headers(self.path)

    def compute_etag(self) -> str | None:
        """Return the version of the file as an entity tag.

        Documentation: ``web.StaticFileHandler.compute_etag``.
        """
        version = self._version_of(self.absolute_path)
        return None if version is None else f'"{version}"'

    def should_return_304(self) -> bool:
        """Whether the client has the file already, by ``If-None-Match`` or ``If-Modified-Since``.

        Documentation: ``web.StaticFileHandler.should_return_304``.
        """
        if "If-None-Match" in self.request.headers:
            return self.check_etag_header()
        field = self.request.headers.get("If-Modified-Since")
        if field is None or self.modified is None:
            return False
        since = parse_http_date(field, time.time())
        return since is not None and self.modified.timestamp() <= since

    # Versions and URLs

    @classmethod
    def _version_of(cls, abspath: str) -> str | None:
        return cls._versions.get(abspath, cls._compute_version, cls.MAX_CACHED_VERSIONS)

    @classmethod
    def _compute_version(cls, abspath: str) -> str | None:
        try:
            if os.stat(abspath).st_size > cls.MAX_VERSION_CONTENT_SIZE:
                return None
            return cls.get_content_version(abspath)
        except OSError as error:
            gen_log.error("the static file %s cannot be read: %s", abspath, error)
            return None

    @classmethod
    def get_version(cls, settings: dict[str, Any], path: str) -> str | None:
        """Return the version of a file below ``static_path`` for its URL, or None if there is no such file.

        Documentation: ``web.StaticFileHandler.get_version``.
        """
        abspath = cls.get_absolute_path(settings["static_path"], path)
        if mode_of(abspath) is None:
            gen_log.error("a URL was made for the static file %s, which does not exist", abspath)
            return None
        if not settings.get("static_hash_cache", True):
            return cls._compute_version(abspath)
        return cls._version_of(abspath)

    @classmethod
    def make_static_url(cls, settings: dict[str, Any], path: str, include_version: bool = True) -> str:
        """Return the URL of a file below ``static_path``, with its version unless told otherwise.

        Documentation: ``web.StaticFileHandler.make_static_url``.
        """
        url = redirects.location(settings.get("static_url_prefix", "/static/") + path)
        version = cls.get_version(settings, path) if include_version else None
        return url if version is None else f"{url}?v={version}"
