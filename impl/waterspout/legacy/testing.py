"""Names of ``testing`` in releases before 5.0.

Documentation: ``testing`` of releases 2.4 to 4.5.
"""

from __future__ import annotations

import contextlib
import io
import logging
import unittest
import warnings

from waterspout.testing import bind_unused_port

__all__ = ["LogTrapTestCase", "get_unused_port"]


def get_unused_port() -> int:
    """Return a port that nobody uses now. Deprecated: until it is bound, others may take it.

    Documentation: ``testing.get_unused_port``.
    """
    warnings.warn(
        "get_unused_port() cannot keep the port: use bind_unused_port()",
        DeprecationWarning,
        stacklevel=2,
    )
    sock, port = bind_unused_port()
    sock.close()
    return port


class LogTrapTestCase(unittest.TestCase):
    """A test case that shows the log of a test only if the test fails. Deprecated: runners do that.

    It expects that the root logger has one handler at most, which is a stream handler, as ``logging.basicConfig`` and
    ``enable_pretty_logging`` arrange it; otherwise it runs tests as they are. To be combined with other test cases as
    a further base class. Documentation: ``testing.LogTrapTestCase``.
    """

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test with its log aside."""
        warnings.warn("LogTrapTestCase is not needed: runners buffer logs", DeprecationWarning, stacklevel=2)
        root = logging.getLogger()
        if not root.handlers:
            logging.basicConfig()
        handler = root.handlers[0]
        if len(root.handlers) > 1 or not isinstance(handler, logging.StreamHandler):
            return super().run(result)
        log = io.StringIO()
        shown = handler.setStream(log)
        result = self.defaultTestResult() if result is None else result
        failed_before = len(result.failures) + len(result.errors)
        try:
            super().run(result)
        finally:
            handler.setStream(shown)
        if len(result.failures) + len(result.errors) > failed_before and shown is not None:
            with contextlib.suppress(ValueError):
                shown.write(log.getvalue())
        return result
