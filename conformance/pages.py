"""What cases on pages and languages use: handlers that render, templates in dictionaries, translations in files."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conformance.package import api
from conformance.serving import Serve


def page(name: str = "page.html", /, members: Mapping[str, Any] | None = None, **names: Any) -> Any:
    """Return a handler class, with further ``members``, whose GET renders the template ``name``."""

    def get(self: Any) -> None:
        self.render(name, **names)

    return type("Page", (api.web.RequestHandler,), {"get": get, **(members or {})})


async def rendered(serve: Serve, sources: str | Mapping[str, str], handler: Any = None, **settings: Any) -> str:
    """Return the page that a handler makes of templates, given by name or as the one of ``page.html``.

    Raises AssertionError when the answer is not 200.
    """
    loader = api.template.DictLoader(sources if isinstance(sources, Mapping) else {"page.html": sources})
    # Implementations may keep the loaders of a path for ever, so each case has a path of its own.
    settings = {"template_path": f"/nowhere/{id(loader)}", "template_loader": loader, **settings}
    server = await serve([("/.*", handler or page())], **settings)
    _LOADERS.append(loader)
    reply = await server.get("/a?b=c")
    assert reply.code == 200, f"{reply.code}: {reply.text}"
    return reply.text


# Alive, so that no two have the same id.
_LOADERS: list[Any] = []


_NUMBERS = itertools.count(26)


def new_code() -> str:
    """Return the code of a language that no other case has: implementations may keep the first locale of each."""
    number, letters = next(_NUMBERS), ""
    while number:
        number, letter = divmod(number, 26)
        letters += chr(ord("a") + letter)
    return "x" + letters


@contextlib.contextmanager
def translations(directory: Path, **files: str) -> Iterator[None]:
    """Have the given CSV files loaded, each named by its locale; afterwards none, and the default as it was."""
    loading, empty = directory / "loaded", directory / "empty"
    for one in (loading, empty):
        one.mkdir(exist_ok=True)
    for code, rows in files.items():
        (loading / f"{code}.csv").write_text(rows, encoding="utf-8")
    api.locale.load_translations(str(loading))
    try:
        yield
    finally:
        api.locale.load_translations(str(empty))
        api.locale.set_default_locale("en_US")
