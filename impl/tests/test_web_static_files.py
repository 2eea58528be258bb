"""Static files: what is read where and when, the cache of versions, files that vanish, ranges at their limits."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from _scaling import assert_linear
from _web_wire import Wire, application, get_later

from waterspout.web import StaticFileHandler
from waterspout.web.file_ranges import UnsatisfiableRange, requested_part, still_fits
from waterspout.web.file_versions import VersionCache


class Watched(StaticFileHandler):
    """Notes in which threads contents are read."""

    threads: list[threading.Thread]
    _versions = VersionCache()

    @classmethod
    def get_content(
        cls, abspath: str, start: int | None = None, end: int | None = None
    ) -> Generator[bytes, None, None]:
        """Read, and note where."""
        for piece in super().get_content(abspath, start, end):
            cls.threads.append(threading.current_thread())
            yield piece


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory with a small file and a large one."""
    (tmp_path / "small.txt").write_bytes(b"small")
    (tmp_path / "large.bin").write_bytes(b"x" * 300_000)
    Watched.threads = []
    Watched.reset()
    return tmp_path


def _rules(root: Path) -> list[Any]:
    return [("/(.*)", Watched, {"path": str(root)})]


def test_a_small_file_costs_no_thread(root: Path) -> None:
    """It is read for its version and for its content, at once."""
    answer = get_later(application(_rules(root)), "/small.txt")
    assert (answer.status, answer.body) == (200, b"small")
    assert set(Watched.threads) == {threading.main_thread()}


def test_a_large_file_is_read_in_threads(root: Path) -> None:
    """Neither hashing nor reading holds up the loop."""
    finished = asyncio.Event()

    class Ending(Watched):
        def on_finish(self) -> None:
            finished.set()

    async def main() -> bytes:
        wire = Wire(application([("/(.*)", Ending, {"path": str(root)})])).request("GET /large.bin")
        await finished.wait()
        return wire.answer().body

    assert asyncio.run(main()) == b"x" * 300_000
    assert threading.main_thread() not in Watched.threads


def test_versions_are_computed_once_for_each_state_of_a_file(root: Path) -> None:
    """Time, size or number of the file tell that it is another one."""
    cache, computed = VersionCache(), []

    def compute(path: str) -> str:
        computed.append(path)
        return str(len(computed))

    path = str(root / "small.txt")
    assert [cache.get(path, compute, 10) for _ in range(2)] == ["1", "1"]
    assert cache.known(path)
    os.utime(path, (1, 1))
    assert not cache.known(path)
    assert cache.get(path, compute, 10) == "2"
    cache.clear()
    assert not cache.known(path)
    assert cache.get(str(root / "none"), compute, 10) is None


def test_the_cache_is_bounded(root: Path) -> None:
    """What was known longest goes."""
    cache = VersionCache()
    for number in range(5):
        (root / str(number)).write_bytes(b"")
        cache.get(str(root / str(number)), str, 3)
    assert [cache.known(str(root / str(number))) for number in range(5)] == [False, False, True, True, True]


def test_files_too_large_have_no_version(root: Path) -> None:
    """Nobody reads them for that."""

    class Limited(Watched):
        MAX_VERSION_CONTENT_SIZE = 4
        _versions = VersionCache()

    assert Limited.get_version({"static_path": str(root)}, "small.txt") is None
    assert Limited.make_static_url({"static_path": str(root)}, "small.txt") == "/static/small.txt"
    assert Watched.threads == []


def test_without_the_cache_every_url_reads_the_file(root: Path) -> None:
    """The setting ``static_hash_cache``."""
    settings = {"static_path": str(root), "static_hash_cache": False}
    for _ in range(2):
        assert Watched.get_version(settings, "small.txt") is not None
    assert len(Watched.threads) == 2


@pytest.mark.parametrize(
    "field", ["bytes=" + "9" * 100_000 + "-", "bytes=-" + "0" * 100_000, "bytes=0-" + "9" * 100_000]
)
def test_numbers_of_any_length_are_numbers(field: str) -> None:
    """Python refuses to convert them, and rightly so."""
    if field.startswith("bytes=0-"):
        assert requested_part(field, 10) is not None
    else:
        with pytest.raises(UnsatisfiableRange):
            requested_part(field, 10)


def test_a_range_costs_linear_time() -> None:
    """Whatever it holds."""
    assert_linear(lambda size: requested_part("bytes=" + " " * size + "x", 10), 20_000, 200_000)
    assert_linear(lambda size: requested_part("bytes=" + "1" * size + "-x", 10), 20_000, 200_000)


@pytest.mark.parametrize(
    ("field", "fits"),
    [
        (None, True),
        ('"a"', True),
        (' "a" ', True),
        ('W/"a"', False),
        ('"b"', False),
        ("date", True),
        ("", False),
        ('"', False),
    ],
)
def test_if_range_is_strict(field: str | None, fits: bool) -> None:
    """A weak tag never fits, not even itself."""
    assert still_fits(field, '"a"', "date") is fits
    assert still_fits('W/"a"', 'W/"a"', None) is False
