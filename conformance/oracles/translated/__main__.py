"""``wstest``, translated: ``python -m conformance.oracles.translated SITE -m MODE -s SPEC -u 0``.

``SITE`` is the directory that the suite is installed in; the rest are its own arguments. ``--list`` in their place
prints the names of its cases, as JSON.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from conformance.oracles.translated import boundary, importing


def main(site: str, *arguments: str) -> None:
    """Import the suite and hand it its arguments."""
    importing.install("autobahntestsuite", Path(site))
    boundary.prepare()
    if arguments == ("--list",):
        cases = importlib.import_module("autobahntestsuite.case").Cases
        print(json.dumps([case.__name__ for case in cases]))
        return
    boundary.connect(importlib.import_module("autobahntestsuite.fuzzing"))
    sys.argv[1:] = arguments
    importlib.import_module("autobahntestsuite.wstest").run()


if __name__ == "__main__":
    main(*sys.argv[1:])
