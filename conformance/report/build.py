"""Writes the site: one page for the matrix, one for each chapter and requirement, the judges, the suite's health."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.python import PythonLexer

from conformance import catalogue, fates
from conformance.paths import SITE, TEMPLATES
from conformance.report import cross
from conformance.report.model import Model, RequirementView, gather
from conformance.report.wire import timeline
from conformance.verdict import CaseRecord, Verdict

#: A sign for each verdict, so that the matrix can be read without its colours.
SIGNS = {
    Verdict.PASS: "●",
    Verdict.LENIENT: "◐",
    Verdict.FAIL: "✕",
    Verdict.MISSING: "∅",
    Verdict.UNSUPPORTED: "-",
    Verdict.BLOCKED: "⊘",
    Verdict.NOT_TESTABLE: "?",
    Verdict.HARNESS_ERROR: "!",
    Verdict.EXPECTED_FAILURE: "○",
    Verdict.STALE: "◇",
}
_LEXER = PythonLexer()
_FORMATTER = HtmlFormatter(cssclass="code", nobackground=True)

MEANINGS = {
    Verdict.PASS: "as required",
    Verdict.LENIENT: "allowed, not preferred",
    Verdict.FAIL: "not as required",
    Verdict.MISSING: "the package has no such name",
    Verdict.UNSUPPORTED: "declared as not offered",
    Verdict.BLOCKED: "depends on a requirement that failed",
    Verdict.NOT_TESTABLE: "could not be brought to the start of the case; counts as a failure",
    Verdict.HARNESS_ERROR: "the suite itself failed",
    Verdict.EXPECTED_FAILURE: "a known failure, with its reason",
    Verdict.STALE: "expected to fail, but passes",
}


def build(site: Path = SITE) -> Path:
    """Write the report of the newest runs into ``site`` and return the path of its first page.

    Raises LookupError when nothing was run yet.
    """
    model = gather()
    pages = _pages(model)
    fresh = site.with_name(site.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for name, text in pages.items():
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    # The old report stays readable until the new one is whole.
    shutil.rmtree(site, ignore_errors=True)
    fresh.rename(site)
    return site / "index.html"


def _pages(model: Model) -> dict[str, str]:
    environment = _environment(model)
    pages = {
        "index.html": environment.get_template("index.html.j2").render(page="index", matrix=_matrix(model)),
        "judges.html": environment.get_template("judges.html.j2").render(page="judges", autobahn=_autobahn(model)),
        "seeds.html": environment.get_template("seeds.html.j2").render(page="seeds", STATES=fates.STATES),
        "health.html": environment.get_template("health.html.j2").render(page="health"),
    }
    chapter_page = environment.get_template("chapter.html.j2")
    case_page = environment.get_template("case.html.j2")
    for chapter in catalogue.chapters():
        pages[f"chapters/{chapter.name}.html"] = chapter_page.render(page="chapter", chapter=chapter, root="../")
    for view in model.requirements.values():
        pages[f"cases/{view.page}"] = case_page.render(
            page="case", view=view, exchanges=_exchanges(model, view), root="../", chapter=_chapter(view)
        )
    return pages


def _environment(model: Model) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        model=model,
        chapters=catalogue.chapters(),
        Verdict=Verdict,
        SIGNS=SIGNS,
        MEANINGS=MEANINGS,
        root="",
        code_style=Markup(str(HtmlFormatter(nobackground=True).get_style_defs(".code"))),  # type: ignore[no-untyped-call]
    )
    environment.filters["python"] = _python
    environment.filters["prose"] = _prose
    environment.filters["inline"] = _inline
    environment.filters["ranges"] = cross.ranges
    return environment


def _python(code: str) -> Markup:
    return Markup(highlight(code, _LEXER, _FORMATTER))


def _prose(text: str) -> Markup:
    """Render a chapter's docstring: paragraphs, literal blocks, and ``code`` in double backticks."""
    blocks = []
    for block in text.strip().split("\n\n"):
        if all(line.startswith("    ") or not line for line in block.split("\n")):
            blocks.append(Markup("<pre>{}</pre>").format(block))
            continue
        blocks.append(Markup("<p>{}</p>").format(_inline(block)))
    return Markup("\n").join(blocks)


def _inline(text: str) -> Markup:
    """Render text with ``code`` in double backticks."""
    pieces = text.split("``")
    return Markup("").join(Markup("<code>{}</code>" if i % 2 else "{}").format(one) for i, one in enumerate(pieces))


def _matrix(model: Model) -> Markup:
    """Return the matrix as JSON for the page's script, with ``<`` escaped: nothing in it can end the script element."""
    rows: list[dict[str, Any]] = [
        {
            "id": view.entry.id,
            "chapter": view.entry.chapter,
            "level": view.entry.requirement.level,
            "sentence": view.entry.requirement.sentence,
            "source": " ".join(_source_words(view)),
            "wire": view.entry.on_the_wire,
            "verdicts": {name: verdict.value for name, verdict in view.verdicts.items()},
        }
        for view in model.requirements.values()
    ]
    document = {
        "targets": [{"name": name, "title": model.title(name)} for name in model.targets],
        "chapters": {chapter.name: chapter.title for chapter in catalogue.chapters()},
        "signs": {verdict.value: sign for verdict, sign in SIGNS.items()},
        "rows": rows,
    }
    return Markup(json.dumps(document, ensure_ascii=False).replace("<", "\\u003c"))


def _source_words(view: RequirementView) -> list[str]:
    words = []
    for source in view.entry.requirement.sources:
        words.append(f"{source.kind}{source.ref}".replace(" ", "-").lower())
        words += [item.lower() for item in source.items]
    return words


def _chapter(view: RequirementView) -> catalogue.Chapter:
    return next(chapter for chapter in catalogue.chapters() if chapter.name == view.entry.chapter)


def _exchanges(model: Model, view: RequirementView) -> list[dict[str, Any]]:
    """Return, for each target, the exchange that decided its verdict and a passing one of the same case to compare."""
    found = []
    for target in model.targets:
        if target not in view.verdicts:
            continue
        record = view.worst_case(target)
        if record is None:
            continue
        other = None if record.verdict.good else _passing_twin(model, view, record)
        command = f"conform rerun '{record.key}' --target {target}"
        found.append(
            {
                "target": target,
                "record": record,
                "command": command,
                "wire": timeline(record.wire),
                "twin": other,
                "twin_wire": timeline(other.wire) if other else [],
            }
        )
    return found


def _passing_twin(model: Model, view: RequirementView, record: CaseRecord) -> CaseRecord | None:
    candidates = [
        other
        for name in model.targets
        for other in view.cases.get(name, [])
        if other.verdict.good and other.wire and (other.params, other.chop) == (record.params, record.chop)
    ]
    return candidates[0] if candidates else None


def _autobahn(model: Model) -> list[dict[str, Any]]:
    tables = []
    for (target, role), rows in model.judges.autobahn.items():
        groups: dict[str, Counter[str]] = {}
        for row in rows:
            word = "good" if row["good"] else "failed" if row["failed"] else "not implemented"
            groups.setdefault(row["case"].split(".")[0], Counter())[word] += 1
        ours = {id: view.verdicts[target] for id, view in model.requirements.items() if target in view.verdicts}
        tables.append(
            {
                "target": target,
                "role": role,
                "groups": groups,
                "good": sum(row["good"] for row in rows),
                "count": len(rows),
                "failed": [row for row in rows if row["failed"]],
                "judged": bool(ours),
                "differences": cross.differences(role, rows, ours),
            }
        )
    return tables
