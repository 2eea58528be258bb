"""What handlers have beyond Tornado's: bodies in JSON, and a limit on time."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import pytest
from _web_wire import Wire, application, get, handler_of, turns

JSON = "Content-Type: application/json"


def _shown(self: Any) -> None:
    self.write({"value": self.get_json_body()})


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"])
def test_a_body_in_json_is_decoded(kind: str) -> None:
    """By its type, whatever the case and the parameters."""
    app = application(handler_of(_shown, "post"))
    answer = get(app, "/", f"Content-Type: {kind}", method="POST", body='{"ü": [1, null]}'.encode())
    assert answer.body == b'{"value": {"\\u00fc": [1, null]}}'


@pytest.mark.parametrize(
    ("field", "body", "status"),
    [
        (JSON, b"{", 400),
        (JSON, b"\xff", 400),
        (JSON, b"", 400),
        (JSON, '{"a": 1}'.encode("utf-16"), 400),
        (JSON, b"[" * 100_000, 400),
        (JSON, b"1" * 100_000, 400),
        ("Content-Type: text/plain", b"{}", 415),
        ("Content-Type: application/jsonp", b"{}", 415),
        ("X-Own: 1", b"{}", 415),
    ],
)
def test_what_is_no_json_is_the_clients_fault(field: str, body: bytes, status: int) -> None:
    """Whatever it is made of."""
    assert get(application(handler_of(_shown, "post")), "/", field, method="POST", body=body).status == status


def test_another_decoder() -> None:
    """The setting ``json_decoder`` gets the body as it is."""

    def decoder(document: bytes) -> Any:
        if document == b"bad":
            raise ValueError("bad")
        return document.decode().upper()

    app = application(handler_of(_shown, "post"), json_decoder=decoder)
    assert get(app, "/", JSON, method="POST", body=b"abc").body == b'{"value": "ABC"}'
    assert get(app, "/", JSON, method="POST", body=b"bad").status == 400


@pytest.mark.parametrize("where", ["prepare", "get", "after flush"])
def test_a_handler_that_takes_too_long_is_cancelled(where: str, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is 503, or ends where it is; the coroutine may clean up; on_finish is called once."""
    told: list[str] = []

    async def wait(self: Any) -> None:
        if where == "after flush":
            await self.flush()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    hooks = {"on_finish": lambda self: told.append("finished"), "time_limit": 0.01}
    handler = handler_of(wait, "prepare" if where == "prepare" else "get", **hooks)
    if where == "prepare":
        handler.get = lambda self: told.append("get")

    async def main() -> int:
        wire = Wire(application(handler)).request("GET /")
        while "cancelled" not in told:
            await asyncio.sleep(0)
        await turns()
        return wire.answer().status

    with caplog.at_level(logging.INFO):
        assert asyncio.run(main()) == (200 if where == "after flush" else 503)
    assert told == ["finished", "cancelled"]
    assert "time limit" in caplog.text
    assert "CancelledError" not in caplog.text


def test_a_handler_in_time_is_left_alone() -> None:
    """And so is its timer."""

    async def wait(self: Any) -> None:
        await asyncio.sleep(0)
        self.write("in time")

    async def main() -> bytes:
        wire = Wire(application(handler_of(wait, time_limit=60))).request("GET /")
        await turns()
        return wire.answer().body

    assert asyncio.run(main()) == b"in time"


@pytest.mark.parametrize(("coding", "package", "extra"), [("br", "brotli", "brotli"), ("zstd", "zstandard", "zstd")])
def test_a_coding_without_its_package_says_what_to_install(
    coding: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the application is made, not when a client comes."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"waterspout\[{extra}\]"):
        application([], compress_response=["gzip", coding])
