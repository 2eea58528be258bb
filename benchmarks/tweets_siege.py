"""Repeat the book's experiment: siege on the tweet-rate service that blocks on its search API, and those that do not.

Ten users for ten seconds, as the book has it, at each version of `examples/tweets`, which ask a stand-in of the search
API. The book gives 3.20 transactions a second for the synchronous version and 12.59 for the callback, on a remote API
of unknown speed. A synchronous process answers one request after the other, so its rate tells the delay: 0.31 seconds.
What the book does not tell is whether siege's users paused. Pauses of up to a second (`-d1`) are assumed, because they
explain the second figure: ten users who did not pause would get ten times the synchronous rate (`--pause 0`).

On Waterspout all versions run as they stand. Tornado has lost `asynchronous`, `gen.Task` and the `callback` of `fetch`
in 6.0, and the blocking client in a running loop in 5.0: name an interpreter that has 4.5 for those, and one that has
the current release for the modern version. Their programs are the same, with `tornado` for `waterspout`.

    python -m benchmarks.tweets_siege --legacy ~/tornado45/bin/python --current python --write

siege is needed (Debian: `apt-get install siege`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chart import Bar, bars

ROOT = Path(__file__).parents[1]
TWEETS = ROOT / "examples" / "tweets"
RESULTS = Path(__file__).parent / "results"
LEGACY = ("synchronous", "callback", "engine")
#: What the book measured, in transactions a second; of the third version it says that it is as fast as the second.
BOOK = {"synchronous": 3.20, "callback": 12.59}
_START = """
import os.path, runpy, sys
sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(sys.argv[0])
from {package} import netutil, tcpserver
def listen(server, port, *args, **kwargs):
    sockets = netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    print(sockets[0].getsockname()[1])
    sys.stdout.flush()
tcpserver.TCPServer.listen = listen
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Package:
    """A package with the interpreter that has it, and the versions of the service that run on it."""

    title: str
    name: str
    python: str
    versions: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What siege says of one service."""

    package: str
    version: str
    transactions: int
    rate: float
    response_time: float
    failed: int


def translated(package: str, directory: Path) -> Path:
    """Return a directory with the service, written for ``package``."""
    if package == "waterspout":
        return TWEETS
    for path in TWEETS.glob("*.py"):
        text = path.read_text(encoding="utf-8").replace("import waterspout as tornado", "import tornado")
        (directory / path.name).write_text(re.sub(r"\bwaterspout\b", package, text), encoding="utf-8")
    return directory


@contextlib.contextmanager
def served(python: str, package: str, script: Path, *arguments: str) -> Iterator[str]:
    """Start a program of the service; yield its address."""
    command = [python, "-W", "ignore", "-c", _START.format(package=package), str(script), *arguments]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "impl"), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def besiege(url: str, options: argparse.Namespace) -> dict[str, float]:
    """Return what siege counted at an address."""
    with tempfile.NamedTemporaryFile("w", suffix=".siegerc") as rc:
        rc.write("verbose = false\nquiet = true\njson_output = true\nparser = false\nlogging = false\n")
        rc.flush()
        command = ["siege", f"--rc={rc.name}", f"-c{options.users}", f"-t{options.seconds}S", f"-d{options.pause}", url]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    counted: dict[str, float] = json.loads(run.stdout[run.stdout.index("{") :])
    return counted


def measure(package: Package, version: str, options: argparse.Namespace) -> Result:
    """Start one version of the service on one package, and besiege it."""
    slow = [f"--delay={options.delay}", "--logging=error"]
    search = served(sys.executable, "waterspout", TWEETS / "search_api.py", *slow)
    with tempfile.TemporaryDirectory() as directory, search as api:
        script = translated(package.name, Path(directory)) / f"{version}.py"
        quiet = ["--logging=error", f"--search={api}/search.json"]
        with served(package.python, package.name, script, *quiet) as service:
            page = urllib.request.urlopen(f"{service}/?q=pants").read()
            assert b"tweets per second" in page, page
            told = besiege(f"{service}/?q=pants", options)
    return Result(
        package.title,
        version,
        int(told["transactions"]),
        told["transaction_rate"],
        told["response_time"],
        int(told["failed_transactions"]),
    )


def packages(options: argparse.Namespace) -> list[Package]:
    """Return what is measured."""
    found = [Package("Waterspout", "waterspout", sys.executable, (*LEGACY, "modern"))]
    for python, versions in ((options.legacy, LEGACY), (options.current, ("modern",))):
        if python:
            command = [python, "-c", "import tornado; print(tornado.version)"]
            version = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
            found.append(Package(f"Tornado {version}", "tornado", python, versions))
    return found


def table(results: list[Result]) -> str:
    """Return the results as a table: each version by the synchronous one of Waterspout."""
    base = next(one.rate for one in results if one.version == "synchronous")
    lines = ["| version | package | transactions | a second | mean response, s | failed | ratio |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for version, rate in BOOK.items():
        lines.append(f"| {version} | the book | | {rate:.2f} | | | {rate / BOOK['synchronous']:.2f} |")
    for one in sorted(results, key=lambda one: (*LEGACY, "modern").index(one.version)):
        figures = (
            f"{one.transactions} | {one.rate:.2f} | {one.response_time:.2f} | {one.failed} | {one.rate / base:.2f}"
        )
        lines.append(f"| {one.version} | {one.package} | {figures} |")
    return "\n".join(lines) + "\n"


def chart(results: list[Result]) -> str:
    """Return the picture: for each version the ratio to the synchronous one of Waterspout."""
    base = next(one.rate for one in results if one.version == "synchronous")
    groups: dict[str, list[Bar]] = {}
    for version in (*LEGACY, "modern"):
        ratios = {one.package: one.rate / base for one in results if one.version == version}
        if version in BOOK:
            ratios = {"the book": BOOK[version] / BOOK["synchronous"], **ratios}
        groups[version] = [Bar(name, ratio, ratio, ratio) for name, ratio in ratios.items()]
    return bars("Transactions a second of the tweet-rate service, by the synchronous version (siege, 10 users)", groups)


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description="siege on the three versions of the tweet-rate service, and on today's"
    )
    parser.add_argument("--legacy", help="a Python with Tornado 4.5 or older")
    parser.add_argument("--current", help="a Python with a current Tornado")
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--delay", type=float, default=0.31, help="seconds that the search API takes")
    parser.add_argument("--pause", type=float, default=1, help="greatest pause of a user, in seconds")
    parser.add_argument("--write", action="store_true", help=f"keep table, picture and figures in {RESULTS.name}/")
    options = parser.parse_args()
    if shutil.which("siege") is None:
        parser.error("siege is needed (Debian: apt-get install siege)")
    return options


def main() -> None:
    """Measure, print, and write if it was asked for."""
    options = arguments()
    results = [measure(package, version, options) for package in packages(options) for version in package.versions]
    print(table(results))
    if options.write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "tweets_siege.md").write_text(table(results), encoding="utf-8")
        (RESULTS / "tweets_siege.svg").write_text(chart(results), encoding="utf-8")


if __name__ == "__main__":
    main()
