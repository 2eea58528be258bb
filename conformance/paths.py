"""Where the book, its data and the runs lie: in a checkout beside this package, in an installation inside it."""

from __future__ import annotations

import os
from pathlib import Path

_HERE = Path(__file__).resolve().parent
#: Directory that holds ``spec`` and ``property_tests``.
BOOK = _HERE.parent if (_HERE.parent / "spec").is_dir() else _HERE / "_book"
SPEC = BOOK / "spec"
SOURCES = SPEC / "sources"
TEMPLATES = BOOK / "reports" / "templates"
TARGETS = _HERE / "targets"
APPS = _HERE / "apps"
#: Runs are written below the current directory when the package is installed: site-packages is no place for them.
REPORTS = Path(os.environ.get("CONFORM_REPORTS") or (BOOK / "reports" if BOOK is not _HERE / "_book" else "reports"))
RUNS = REPORTS / "runs"
SITE = REPORTS / "site"
