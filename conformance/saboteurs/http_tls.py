"""Servers whose secured connections are not like those in the clear, or end otherwise than TLS asks."""

from __future__ import annotations

import functools
from typing import Any

from conformance.saboteurs import Patches, Tamper, saboteur
from conformance.saboteurs.rewriting import Lies

_CHAPTER = "http.tls"
_lies = Lies(_CHAPTER)
#: Kinds of TLS records.
_ALERT, _DATA = 0x15, 0x17


class _Records(Tamper):
    """Shows the records of what the server sends to ``passes``, one by one."""

    def __init__(self) -> None:
        self._rest = b""

    def outbound(self, data: bytes) -> bytes:
        passed, self._rest = b"", self._rest + data
        while len(self._rest) >= 5 and len(self._rest) >= (end := 5 + int.from_bytes(self._rest[3:5], "big")):
            record, self._rest = self._rest[:end], self._rest[end:]
            passed += record if self.passes(record) else b""
        return passed

    def passes(self, record: bytes) -> bool:
        """Return whether the suite is to receive ``record``."""
        return True


class _AnswersOnce(_Records):
    _answers = 0

    def passes(self, record: bytes) -> bool:
        self._answers += record[0] == _DATA
        return self._answers < 2 or record[0] != _DATA


_lies.tampers(
    "tls-answers-once",
    "A secured connection brings one record of data.",
    _AnswersOnce,
    "http1.tls.same-as-clear",
    "http1.tls.large",
)


class _NoAlert(_Records):
    def passes(self, record: bytes) -> bool:
        return record[0] != _ALERT


_lies.tampers("tls-without-alert", "No closure alert is sent.", _NoAlert, "http1.tls.closure-alert")


class _Offended(_Records):
    _cut = False

    def closing(self, by_server: bool) -> bool:
        type(self)._cut = type(self)._cut or not by_server
        return True

    def passes(self, record: bytes) -> bool:
        return not self._cut


_lies.tampers(
    "tls-offended",
    "After a client went without a closure alert nobody is served any more.",
    _Offended,
    "http1.tls.incomplete-close",
)


@saboteur(
    "tls-scheme-http",
    "Requests on secured connections are for http.",
    chapters=_CHAPTER,
    kills=("http1.tls.scheme", "http1.tls.absolute-form"),
)
def _(ref: Patches) -> None:
    original = ref.httpserver.HTTPServer.initialize

    @functools.wraps(original)
    def initialize(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **{**kwargs, "protocol": "http"})

    ref.replace(ref.httpserver.HTTPServer, "initialize", initialize)
