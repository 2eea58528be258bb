"""What a chapter of the specification imports: the package under test, levels, sources, dimensions."""

from __future__ import annotations

from conformance.package import api
from conformance.requirement import compat, doc, each, labelled, must, observed, rfc, seed, should

__all__ = ["api", "compat", "doc", "each", "labelled", "must", "observed", "rfc", "seed", "should"]
