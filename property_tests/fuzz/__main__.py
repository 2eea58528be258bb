"""Fuzz every target, or some, side by side: so many runs from a fixed seed, or with ``--seconds`` for as long as that.

The fuzzers leave the machine to whatever else it has to do.

What makes a target fail is kept in its directory of the corpus, as ``crash-...``, and from then on a case of the
property tests, which run every file of the corpus without atheris.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from property_tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
#: A run of the tests is to cost seconds, and to find the same in every place.
RUNS = 5_000
#: No parser needs more than a fraction of a second for 4 KiB; what needs long, even on a busy machine, is a finding.
LIMITS = ["-max_len=4096", "-timeout=30", "-rss_limit_mb=2048", "-print_final_stats=1"]
ABSENT = (
    "nothing is fuzzed: atheris is not installed. It has wheels for CPython 3.10 to 3.13 on Linux (x86-64): "
    "pip install atheris. The corpus is still run by the property tests."
)


def fuzz(name: str, options: list[str]) -> bool:
    """Fuzz one target and print a line of what happened; whether it held."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as found:
        seeds = CORPUS / name
        before = {path.name for path in seeds.iterdir()}
        command = [sys.executable, "-m", "property_tests.fuzz.child", name, *LIMITS, *options]
        command += [f"-artifact_prefix={seeds}/", found, str(seeds)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        runs = re.search(r"number_of_executed_units: *(\d+)", done.stdout)
        features = re.findall(r"\bft: (\d+)", done.stdout)
        new = sorted(path.name for path in seeds.iterdir() if path.name not in before)
        print(f"{name}: {runs[1] if runs else 0} runs, {features[-1] if features else 0} features", flush=True)
    if done.returncode == 0:
        return True
    print(done.stdout[-3000:])
    print(f"{name} failed; its input is kept as {', '.join(new) or 'nothing'} in {seeds}", flush=True)
    return False


def main() -> int:
    """Fuzz; 0 when every target held or there is nothing to fuzz with, 1 when one failed."""
    parser = argparse.ArgumentParser(prog="python -m property_tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"any of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--seconds", type=int, default=0, help="fuzz each target for so long, from a new seed")
    parser.add_argument("--runs", type=int, default=RUNS, help="else: runs of each target (default: %(default)s)")
    chosen = parser.parse_args()
    unknown = set(chosen.targets) - set(TARGETS)
    if unknown:
        parser.error(f"there is no target {', '.join(sorted(unknown))}; choose from {', '.join(TARGETS)}")
    if importlib.util.find_spec("atheris") is None:
        print(ABSENT)
        return 0
    names = chosen.targets or list(TARGETS)
    options = [f"-max_total_time={chosen.seconds}"] if chosen.seconds else [f"-runs={chosen.runs}", "-seed=1"]
    os.nice(19)
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        held = list(pool.map(lambda name: fuzz(name, options), names))
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
