"""A web framework: `Application` routes requests to subclasses of `RequestHandler`.

Documentation: ``tornado.web``.
"""

from __future__ import annotations

from waterspout.routing import URLSpec
from waterspout.web.application import Application
from waterspout.web.errors import Finish, HTTPError, MissingArgumentError
from waterspout.web.handler import RequestHandler
from waterspout.web.redirects import addslash, removeslash
from waterspout.web.standard_handlers import ErrorHandler, FallbackHandler, RedirectHandler, stream_request_body
from waterspout.web.transforms import OutputTransform
from waterspout.web.ui_modules import TemplateModule, UIModule

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
    "TemplateModule",
    "UIModule",
    "URLSpec",
    "addslash",
    "removeslash",
    "stream_request_body",
    "url",
]
