"""Waterspout's HTTP server beside Tornado, aiohttp and uvicorn, by wrk: requests a second, as ratios.

usage: python -m benchmarks.http_throughput [--rounds N] [--seconds S] [--write]

Every round measures each server once in each scenario, the servers one after the other and in another order each time,
so that what disturbs the machine disturbs all alike. A ratio is between two servers in the same round. ``--write``
puts table, chart and figures into ``benchmarks/results``. Servers and wrk talk over the loopback interface only.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack

from benchmarks import records
from benchmarks.chart import Bar, bars
from benchmarks.http_servers import SERVERS

BASE = "Tornado"
CONNECTIONS = 32
#: Bounds, for a typing error is not to keep a machine busy for days.
MOST_ROUNDS, MOST_SECONDS = 50, 60

POST = 'wrk.method = "POST"\nwrk.body = string.rep("0123456789abcdef", 64)\n'
#: What is measured: title, path, and a script of wrk's.
SCENARIOS = [
    ("hello, world: synchronous handler", "/sync", ""),
    ("hello, world: async handler", "/async", ""),
    ("10,000 octets", "/10k", ""),
    ("POST of 1 KiB, echoed", "/echo", POST),
]

#: Requests a second by scenario and server, one figure for each round.
Rates = dict[str, dict[str, list[float]]]


class Running:
    """A server in a process of its own."""

    def __init__(self, name: str) -> None:
        command = [sys.executable, "-m", "benchmarks.http_servers", name]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.strip().isdigit():
            self.stop()
            raise SystemExit(f"{name} did not start: see above; pip install {' '.join(SERVERS[name][1])}")
        self.url = f"http://127.0.0.1:{int(line)}"

    def stop(self) -> None:
        """End the server, by the end of its input or by force."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def measure(wrk: str, url: str, seconds: int, script: str) -> float:
    """Return the requests a second that wrk got answered; an answer that is no success ends the comparison."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
        lua.write(script)
        lua.flush()
        command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *(["-s", lua.name] if script else []), url]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if found is None or "Non-2xx" in said or float(found[1]) == 0:
        raise SystemExit(f"{url} did not answer as it should:\n{said}")
    return float(found[1])


def compare(wrk: str, rounds: int, seconds: int) -> Rates:
    """Run the rounds, with all servers up, of which one is asked at a time."""
    rates: Rates = {title: {name: [] for name in SERVERS} for title, *_ in SCENARIOS}
    names = list(SERVERS)
    with ExitStack() as stack:
        running = {name: Running(name) for name in names}
        for server in running.values():
            stack.callback(server.stop)
        for name in names:
            for _, path, script in SCENARIOS:
                measure(wrk, running[name].url + path, 1, script)
        for number in range(rounds):
            for title, path, script in SCENARIOS:
                for name in names[number % len(names) :] + names[: number % len(names)]:
                    rates[title][name].append(measure(wrk, running[name].url + path, seconds, script))
            print(f"round {number + 1} of {rounds} is over", file=sys.stderr, flush=True)
    return rates


def ratios(rates: dict[str, list[float]], name: str) -> list[float]:
    """Return how many times as fast as the base a server was, round by round."""
    return [mine / base for mine, base in zip(rates[name], rates[BASE], strict=True)]


def table(rates: Rates) -> str:
    """Return the ratios as a table of Markdown: the median of the rounds, then the least and the greatest."""
    rows = []
    for title, by_server in rates.items():
        rows.append([title, *(records.spread(ratios(by_server, name)) for name in SERVERS)])
    return records.markdown(["requests a second, times Tornado's", *SERVERS], rows)


def circumstances(rounds: int, seconds: int) -> str:
    """Return under what conditions the figures were taken."""
    rounds_of = f"{rounds} rounds of {seconds} s for each server and scenario, {CONNECTIONS} connections"
    distributions = {name for _, needed in SERVERS.values() for name in needed}
    return f"{rounds_of}, wrk and one server process on {records.circumstances(distributions)}"


def chart(rates: Rates) -> str:
    """Return the ratios as a picture."""
    groups = {
        title: [Bar(name, statistics.median(v), min(v), max(v)) for name in SERVERS for v in [ratios(by_server, name)]]
        for title, by_server in rates.items()
    }
    return bars("Requests a second, as a multiple of Tornado's", groups)


def write(rates: Rates, rounds: int, seconds: int) -> None:
    """Keep table, chart and figures."""
    text = f"# HTTP throughput\n\n{table(rates)}\n\n![chart](http_throughput.svg)\n\n{circumstances(rounds, seconds)}\n"
    records.keep("http_throughput.md", text)
    records.keep("http_throughput.svg", chart(rates))
    records.keep("http_throughput.json", json.dumps(rates, indent=1) + "\n")


def main() -> None:
    """Compare, print the table, and keep it if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http_throughput")
    parser.add_argument("--rounds", type=int, default=7, choices=range(1, MOST_ROUNDS + 1), metavar="N")
    parser.add_argument("--seconds", type=int, default=5, choices=range(1, MOST_SECONDS + 1), metavar="S")
    parser.add_argument("--write", action="store_true", help="write to benchmarks/results")
    chosen = parser.parse_args()
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("this needs wrk; on Debian: apt-get install wrk")
    rates = compare(wrk, chosen.rounds, chosen.seconds)
    print(table(rates))
    print("\n" + circumstances(chosen.rounds, chosen.seconds))
    if chosen.write:
        write(rates, chosen.rounds, chosen.seconds)


if __name__ == "__main__":
    main()
