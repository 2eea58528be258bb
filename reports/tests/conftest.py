"""A small synthetic run to build the report from, and a browser to look at it with."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance import catalogue, runlog
from conformance.report.build import build
from conformance.verdict import CaseRecord, Verdict

#: Characters that must arrive on the page as text, whatever an implementation puts into its messages.
HOSTILE = "<script>document.title='broken'</script></script>&\"'"
#: The chapters of the report that is built.
_CHAPTERS = r"core\.queues|web\.redirects|http\.(messages|client_redirects)|websocket\."


@pytest.fixture(scope="session")
def book() -> tuple[catalogue.Chapter, ...]:
    """The chapters of the report: of each kind some, because a page for each requirement there is takes a while.

    Autobahn's cases lead to all of those on WebSocket.
    """
    return tuple(chapter for chapter in catalogue.chapters() if re.match(_CHAPTERS, chapter.name))


def records(book: tuple[catalogue.Chapter, ...]) -> list[CaseRecord]:
    """Return verdicts of every kind for two targets on all requirements of ``book``."""
    kinds = list(Verdict)
    found = []
    for number, entry in enumerate(entry for chapter in book for entry in chapter.entries):
        for target in ("waterspout", "tornado"):
            verdict = Verdict.PASS if target == "waterspout" else kinds[number % len(kinds)]
            record = CaseRecord(target, entry.id, entry.chapter, entry.requirement.level, verdict, seconds=0.01)
            record.message = "" if verdict.good else HOSTILE
            record.wire = [
                {"t": 0.0, "from": "suite", "data": "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "note": ""},
                {"t": 0.1, "from": "target", "data": "\x81\x05hello" if number % 2 else HOSTILE, "note": "a note"},
            ]
            found.append(record)
    return found


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, book: tuple[catalogue.Chapter, ...]) -> Path:
    """The directory of a report built from two synthetic runs and a kill matrix."""
    home = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runlog, "RUNS", home / "runs")
        patch.setattr(catalogue, "chapters", lambda: book)
        targets = {"waterspout": {"title": "Waterspout", "version": "1"}, "tornado": {"title": HOSTILE, "version": ""}}
        for change in (None, Verdict.FAIL):
            run = runlog.RunFile("run", partial=False, targets=targets)
            for record in records(book):
                if change is not None and record.target == "waterspout":
                    record.verdict = change
                run.write(record.to_json())
            run.close(exit=0)
        first = book[0].entries[0]
        kill = runlog.RunFile("kill")
        kill.write({"kind": "kill", "saboteur": "liar", "lie": HOSTILE, "kills": [first.id], "error": ""})
        kill.close(exit=0)
        fuzzed = runlog.RunFile("autobahn", targets=targets)
        for role, case in (("server", "3.1"), ("server", "2.7"), ("client", "2.5")):
            row = {"target": "waterspout", "role": role, "case": case, "behavior": "OK", "close": "OK", "code": None}
            fuzzed.write({"kind": "autobahn", **row, "good": True, "failed": False})
        fuzzed.close(exit=0)
        return build(home / "site").parent


Measure = Callable[[str, int], dict[str, Any]]


@pytest.fixture(scope="session")
def measure(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Measure:
    """Open a page in a real browser at a given width; return what the page looks like from inside."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        reason = "the report's pages are looked at in Chromium: install it (Debian: chromium)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    scratch = tmp_path_factory.mktemp("browser")

    def look(page: str, width: int) -> dict[str, Any]:
        frame = scratch / "frame.html"
        frame.write_text(_FRAME % (width, (site / page).as_uri()))
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic"]
        command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        command += ["--allow-file-access-from-files", f"--user-data-dir={scratch / 'profile'}", "--dump-dom"]
        done = subprocess.run(
            [*command, "--virtual-time-budget=8000", frame.as_uri()], capture_output=True, text=True, timeout=120
        )
        text = done.stdout.partition('<pre id="out">')[2].partition("</pre>")[0]
        assert text, f"the browser said nothing about {page}: {done.stderr[-800:]}"
        measured: dict[str, Any] = json.loads(text)
        return measured

    return look


_FRAME = """<!doctype html><pre id="out"></pre>
<iframe id="page" width="%d" height="900" src="%s"></iframe>
<script>
const errors = [];
const frame = document.getElementById("page");
frame.addEventListener("load", () => {
  const page = frame.contentDocument, root = page.documentElement;
  frame.contentWindow.addEventListener("error", (event) => errors.push(event.message));
  const input = page.getElementById("filter");
  const rows = () => page.querySelectorAll("#matrix tbody a.id").length;
  const all = rows();
  let filtered = null;
  if (input) {
    input.value = "status:missing";
    input.dispatchEvent(new frame.contentWindow.Event("input"));
    filtered = rows();
  }
  document.getElementById("out").textContent = JSON.stringify({
    title: page.title, rows: all, filtered, errors, wide: root.scrollWidth - root.clientWidth,
    scripts: page.querySelectorAll("main script").length,
  });
});
</script>
"""
