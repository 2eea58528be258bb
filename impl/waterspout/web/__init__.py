"""A web framework: `Application` routes requests to subclasses of `RequestHandler`.

Documentation: ``tornado.web``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from waterspout._legacy_names import legacy_names
from waterspout.routing import URLSpec
from waterspout.web.access_records import AccessRecord, RequestIdFilter, RequestIds, access_records, request_id
from waterspout.web.application import Application
from waterspout.web.decorators import authenticated
from waterspout.web.errors import Finish, HTTPError, MissingArgumentError
from waterspout.web.gzip_transform import GZipContentEncoding
from waterspout.web.handler import RequestHandler
from waterspout.web.redirects import addslash, removeslash
from waterspout.web.signed_values import (
    DEFAULT_SIGNED_VALUE_MIN_VERSION,
    DEFAULT_SIGNED_VALUE_VERSION,
    MAX_SUPPORTED_SIGNED_VALUE_VERSION,
    MIN_SUPPORTED_SIGNED_VALUE_VERSION,
    create_signed_value,
    decode_signed_value,
    get_signature_key_version,
)
from waterspout.web.standard_handlers import ErrorHandler, FallbackHandler, RedirectHandler, stream_request_body
from waterspout.web.static_files import StaticFileHandler
from waterspout.web.transforms import OutputTransform
from waterspout.web.ui_modules import TemplateModule, UIModule
from waterspout.web.uploads import FormUpload, StoredFile

#: A shorter name of `URLSpec`, for routing tables.
url = URLSpec

if not TYPE_CHECKING:
    # A type checker would take it to mean that this module has every name.
    __getattr__ = legacy_names(__name__, {"asynchronous": "waterspout.legacy.web"})

__all__ = [
    "DEFAULT_SIGNED_VALUE_MIN_VERSION",
    "DEFAULT_SIGNED_VALUE_VERSION",
    "MAX_SUPPORTED_SIGNED_VALUE_VERSION",
    "MIN_SUPPORTED_SIGNED_VALUE_VERSION",
    "AccessRecord",
    "Application",
    "ErrorHandler",
    "FallbackHandler",
    "Finish",
    "FormUpload",
    "GZipContentEncoding",
    "HTTPError",
    "MissingArgumentError",
    "OutputTransform",
    "RedirectHandler",
    "RequestHandler",
    "RequestIdFilter",
    "RequestIds",
    "StaticFileHandler",
    "StoredFile",
    "TemplateModule",
    "UIModule",
    "URLSpec",
    "access_records",
    "addslash",
    "authenticated",
    "create_signed_value",
    "decode_signed_value",
    "get_signature_key_version",
    "removeslash",
    "request_id",
    "stream_request_body",
    "url",
]
