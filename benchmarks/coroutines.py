"""Coroutines and queues beside Tornado's: the time of one operation, and the ratio, in one process.

usage: python benchmarks/coroutines.py [--count N] [--rounds N]

The two packages take turns, and the best round of each counts, so that a busy machine disturbs both alike.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any

Case = Callable[[str, int], Awaitable[float]]


async def call_and_yield_done(package: str, count: int) -> float:
    """Call a decorated coroutine that yields one finished future."""
    gen = importlib.import_module(f"{package}.gen")
    done = asyncio.get_running_loop().create_future()
    done.set_result(None)

    @gen.coroutine  # type: ignore[untyped-decorator]
    def run() -> Generator[Any, Any, None]:
        yield done

    begin = time.perf_counter()
    for _ in range(count):
        run()
    return time.perf_counter() - begin


async def call_and_wait(package: str, count: int) -> float:
    """Await a decorated coroutine that waits for one turn of the loop."""
    gen = importlib.import_module(f"{package}.gen")
    loop = asyncio.get_running_loop()

    @gen.coroutine  # type: ignore[untyped-decorator]
    def run() -> Generator[Any, Any, None]:
        future = loop.create_future()
        loop.call_soon(future.set_result, None)
        yield future

    begin = time.perf_counter()
    for _ in range(count):
        await run()
    return time.perf_counter() - begin


async def put_and_get(package: str, count: int) -> float:
    """Put an item into a queue and get it out, without waiting."""
    queue = importlib.import_module(f"{package}.queues").Queue()
    begin = time.perf_counter()
    for _ in range(count):
        queue.put(None)
        await queue.get()
    return time.perf_counter() - begin


async def put_to_waiting_get(package: str, count: int) -> float:
    """Put an item into a queue where a consumer waits for it."""
    queue = importlib.import_module(f"{package}.queues").Queue()
    begin = time.perf_counter()
    for _ in range(count):
        waiting = queue.get()
        queue.put_nowait(None)
        await waiting
    return time.perf_counter() - begin


CASES: tuple[Case, ...] = (call_and_yield_done, call_and_wait, put_and_get, put_to_waiting_get)


def main() -> None:
    """Run every case with both packages and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="operations in a round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each package")
    options = parser.parse_args()
    print(f"{'operation':<22}{'tornado':>12}{'waterspout':>12}{'ratio':>8}")
    for case in CASES:
        best: dict[str, float] = {}
        for _ in range(options.rounds):
            for package in ("tornado", "waterspout"):
                taken = asyncio.run(case(package, options.count)) / options.count  # type: ignore[arg-type]
                best[package] = min(taken, best.get(package, taken))
        theirs, ours = best["tornado"], best["waterspout"]
        print(f"{case.__name__:<22}{theirs * 1e6:>9.2f} us{ours * 1e6:>9.2f} us{theirs / ours:>7.1f}x")


if __name__ == "__main__":
    main()
