"""The methods of a handler that read arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from waterspout import httputil
from waterspout.web import arguments
from waterspout.web.arguments import REQUIRED, Required
from waterspout.web.json_bodies import decoded_body

if TYPE_CHECKING:
    from waterspout.web.application import Application


class ArgumentMethods:
    """The part of `RequestHandler` that reads arguments of query and form body."""

    application: Application
    request: httputil.HTTPServerRequest

    def get_argument(self, name: str, default: str | Required | None = REQUIRED, strip: bool = True) -> str | None:
        """Return the last value of ``name`` in query or form body, or ``default``.

        Raises `MissingArgumentError` (400) without either, `HTTPError` 400 for a value that is not UTF-8.
        Blanks around the value go if ``strip``.  Documentation: ``web.RequestHandler.get_argument``.
        """
        return arguments.last_text(self.get_arguments(name, strip), name, default)

    def get_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Return every value of ``name``.  Documentation: ``web.RequestHandler.get_arguments``."""
        return arguments.texts(self.request.arguments, name, strip, self.decode_argument)

    def get_query_argument(
        self, name: str, default: str | Required | None = REQUIRED, strip: bool = True
    ) -> str | None:
        """As `get_argument`, from the query.  Documentation: ``web.RequestHandler.get_query_argument``."""
        return arguments.last_text(self.get_query_arguments(name, strip), name, default)

    def get_query_arguments(self, name: str, strip: bool = True) -> list[str]:
        """As `get_arguments`, from the query.  Documentation: ``web.RequestHandler.get_query_arguments``."""
        return arguments.texts(self.request.query_arguments, name, strip, self.decode_argument)

    def get_body_argument(self, name: str, default: str | Required | None = REQUIRED, strip: bool = True) -> str | None:
        """As `get_argument`, from the body.  Documentation: ``web.RequestHandler.get_body_argument``."""
        return arguments.last_text(self.get_body_arguments(name, strip), name, default)

    def get_body_arguments(self, name: str, strip: bool = True) -> list[str]:
        """As `get_arguments`, from the body.  Documentation: ``web.RequestHandler.get_body_arguments``."""
        return arguments.texts(self.request.body_arguments, name, strip, self.decode_argument)

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Return an argument as text; override it for other encodings than UTF-8.  ``name`` is for messages.

        Path arguments pass here, too, with None for their name.  Raises `HTTPError` 400.  Documentation:
        ``web.RequestHandler.decode_argument``.
        """
        return arguments.decode(value, name)

    def get_json_body(self) -> Any:
        """Return the value of a body in JSON.

        The setting ``json_decoder``, a function of bytes that raises `ValueError`, takes the place of `json`.  Raises
        `HTTPError` 415 for a body of another type, 400 for one that is no JSON.  Released Tornado has no such method.
        """
        return decoded_body(self.request, self.application.settings.get("json_decoder"))
