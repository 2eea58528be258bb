"""``python -m conformance`` is ``conform``."""

from __future__ import annotations

from conformance.cli import run_cli

run_cli()
