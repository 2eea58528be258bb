"""The HTTP routes of the fixture application on any package with Tornado's API."""

from __future__ import annotations

from typing import Any

from conformance.apps import Instructions, echo_document, resource_directory


def routes(web: Any) -> list[tuple[Any, ...]]:
    """Return the routes, handled by means of the module ``web``."""

    class Echo(web.RequestHandler):  # type: ignore[misc]
        def answer(self) -> None:
            request = self.request
            headers = list(request.headers.get_all())
            _ = request.cookies
            self.set_header("Content-Type", "application/json")
            parsed = (request.method, request.uri, request.version, headers, request.body)
            self.write(echo_document(*parsed, scheme=request.protocol, host=request.host))

        get = post = put = patch = delete = options = head = answer

    class Answer(web.RequestHandler):  # type: ignore[misc]
        async def answer(self) -> None:
            told = Instructions(self.request.query)
            self.set_status(told.status)
            for name, value in told.headers:
                self.add_header(name, value)
            for chunk in told.chunks:
                self.write(chunk)
                await self.flush()
            self.finish(told.body or None)

        get = post = put = patch = delete = options = head = answer

    class GetOnly(web.RequestHandler):  # type: ignore[misc]
        def get(self) -> None:
            self.write("got")

    class Error(web.RequestHandler):  # type: ignore[misc]
        def prepare(self) -> None:
            raise RuntimeError("the fixture application was asked to fail")

    resource = ("/(resource.txt)", web.StaticFileHandler, {"path": resource_directory().name})
    return [("/echo", Echo), ("/answer", Answer), ("/get-only", GetOnly), ("/error", Error), resource]
