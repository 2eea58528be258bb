"""`StaticFileHandler`: files of a directory, with everything that HTTP has to make that cheap.

A URL with the version of its file in the query may be cached for years; others are asked about again, which the
entity tag and the time of modification make short.  Parts can be had.  Only files below the root are served, whatever
a path looks like and wherever symbolic links lead.

All steps are hooks, so that a subclass may serve what is in no file system.  Hooks that a file takes long for are
called in a thread: nothing waits for a disk.
"""

from __future__ import annotations

import asyncio
import datetime
import mimetypes
import os
from collections.abc import Awaitable, Callable, Generator, Iterable
from functools import partial
from stat import S_ISDIR, S_ISREG
from typing import Any, TypeVar

from waterspout.escape import utf8
from waterspout.web import redirects
from waterspout.web.conditional import verdict
from waterspout.web.errors import HTTPError
from waterspout.web.file_ranges import Part, UnsatisfiableRange, requested_part, still_fits
from waterspout.web.file_versions import VersionCache
from waterspout.web.handler import RequestHandler

_T = TypeVar("_T")

_PIECE = 64 * 1024
#: Content up to this size, in octets, is read at once: for that a thread costs more than the disk.
_AT_ONCE = 64 * 1024
_END = b""
