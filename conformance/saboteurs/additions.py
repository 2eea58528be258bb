"""Saboteurs of the chapter on what goes beyond Tornado."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, every_application, every_handler

CHAPTER = "web.additions"


def hooks(ref: Patches, lie: Any) -> None:
    """Answer ``add_hooks`` with ``lie(original, self, named hooks)``."""
    around(ref, ref.web.Application, "add_hooks", lambda original, self, **given: lie(original, self, given))


def lie_about_json(name: str, sentence: str, kills: str, lie: Any) -> None:
    """Register a saboteur that answers ``get_json_body`` with ``lie(original, self)``."""

    @saboteur(name, sentence, chapters=CHAPTER, kills=kills)
    def _(ref: Patches) -> None:
        around(ref, ref.web.RequestHandler, "get_json_body", lie)


def _latin(original: Any, self: Any) -> Any:
    return json.loads(self.request.body.decode("latin1"))


def _or_null(original: Any, self: Any) -> Any:
    try:
        return original(self)
    except Exception:
        return None


lie_about_json("json-latin-1", "JSON is read as Latin-1.", "web.json.decoded", _latin)
lie_about_json("json-null", "What is no JSON is null.", "web.json.refused", _or_null)


@saboteur("json-own-decoder", "json_decoder is ignored.", chapters=CHAPTER, kills="web.json.decoder")
def _(ref: Patches) -> None:
    every_application(ref, lambda routes, settings: settings.pop("json_decoder", None))


@saboteur("time-unlimited", "No time is limited.", chapters=CHAPTER, kills="web.time-limit.over")
def _(ref: Patches) -> None:
    every_handler(ref, lambda handler: setattr(handler, "time_limit", None))


@saboteur("time-is-up", "The time is up at once.", chapters=CHAPTER, kills="web.time-limit.in-time")
def _(ref: Patches) -> None:
    every_handler(ref, lambda handler: setattr(handler, "time_limit", -1))


@saboteur(
    "hooks-swapped",
    "What is to be called before a request is called after it, and the other way round.",
    chapters=CHAPTER,
    kills=("web.hooks.order", "web.hooks.every-handler", "web.hooks.coroutine", "web.hooks.ends"),
)
def _(ref: Patches) -> None:
    names = {"before_request": "after_request", "after_request": "before_request"}
    hooks(ref, lambda original, self, given: original(self, **{names.get(name, name): given[name] for name in given}))


@saboteur("hooks-stop", "One hook that fails keeps the others.", chapters=CHAPTER, kills="web.hooks.after-fails")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, given: dict[str, Any]) -> None:
        hook = given.get("after_request")
        if hook is not None and not hasattr(self, "_first_hook"):
            self._first_hook = hook
        elif hook is not None:
            given["after_request"] = self._first_hook
        original(self, **given)

    hooks(ref, lie)


@saboteur(
    "life-unnoticed",
    "Nothing is called at the start, nor at the end.",
    chapters=CHAPTER,
    kills=("web.life.order", "web.life.start-fails", "web.life.stop-fails"),
)
def _(ref: Patches) -> None:
    hooks(ref, lambda original, self, given: None)


@saboteur("options-never", "OPTIONS is never answered by itself.", chapters=CHAPTER, kills="web.options.automatic")
def _(ref: Patches) -> None:
    every_application(ref, lambda routes, settings: settings.pop("automatic_options", None))


@saboteur("options-always", "OPTIONS is always answered by itself.", chapters=CHAPTER, kills="web.options.own")
def _(ref: Patches) -> None:
    def options(self: Any) -> None:
        self.set_status(204)

    every_handler(ref, lambda handler: setattr(handler, "options", lambda *args: options(handler)))


@saboteur(
    "access-no-target",
    "The record has no target, and a function that fails is the request's affair.",
    chapters=CHAPTER,
    kills=("web.access.record", "web.access.fails"),
)
def _(ref: Patches) -> None:
    original = ref.web.access_records

    def lying(receive: Any) -> Any:
        def log(handler: Any) -> None:
            records: list[Any] = []
            original(records.append)(handler)
            receive(dataclasses.replace(records[0], uri=""))

        return log

    ref.replace(ref.web, "access_records", lying)


@saboteur(
    "id-of-the-first",
    "All requests have the id of the first one.",
    chapters=CHAPTER,
    kills="web.request-id.each",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, handler: Any) -> None:
        self.trusted = True
        handler.request.headers[self.header] = "first"
        original(self, handler)

    around(ref, ref.web.RequestIds, "__call__", lie)


@saboteur("id-trusts-all", "Whatever a proxy sends is an id.", chapters=CHAPTER, kills="web.request-id.trusted")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, handler: Any) -> None:
        original(self, handler)
        given = handler.request.headers.get(self.header)
        if self.trusted and given:
            ref.web.request_id.set(given)

    around(ref, ref.web.RequestIds, "__call__", lie)


@saboteur("id-not-logged", "Records of the log have no id.", chapters=CHAPTER, kills="web.request-id.error-page")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, record: Any) -> bool:
        record.request_id = "-"
        return True

    around(ref, ref.web.RequestIdFilter, "filter", lie)
