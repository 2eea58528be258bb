"""A web framework: `Application` routes requests to subclasses of `RequestHandler`.

Documentation: ``tornado.web``.
"""

from __future__ import annotations

from waterspout.routing import URLSpec

from .application import Application
from .errors import Finish, HTTPError, MissingArgumentError
from .handler import RequestHandler
from .redirects import addslash, removeslash
from .standard_handlers import ErrorHandler, FallbackHandler, RedirectHandler, stream_request_body
from .transforms import OutputTransform

#: A shorter name of `URLSpec`, for routing tables.
url = URLSpec

__all__ = [
    "Application",
    "ErrorHandler",
    "FallbackHandler",
    "Finish",
    "HTTPError",
    "MissingArgumentError",
    "OutputTransform",
    "RedirectHandler",
    "RequestHandler",
    "URLSpec",
    "addslash",
    "removeslash",
    "stream_request_body",
    "url",
]
