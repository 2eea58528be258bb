"""Makes ``pytest spec`` work by itself: it loads the suite's plugin, which judges Waterspout by default."""

from __future__ import annotations

pytest_plugins = ["conformance.plugin"]
