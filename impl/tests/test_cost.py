"""Upper bounds on what one hello-world request costs, by counts, which repeat on every machine.

The request has five fields and comes on a kept-alive connection; the handler is synchronous.  The counting is that of
``benchmarks/server_calls.py``, which prints the same numbers beside Tornado's.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType


def _benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "server_calls.py"
    spec = importlib.util.spec_from_file_location("server_calls", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


server_calls = _benchmark()


def test_calls_and_system_calls() -> None:
    """At most 100 Python calls; one read, one write, one wait, and no socket option; nothing for the loop to do."""
    counter = server_calls.calls("waterspout", server_calls.web_application("waterspout"))
    assert counter.python / server_calls.COUNTED <= 100
    assert counter.system_calls() == {"recv": 1, "send": 1, "poll": 1}
    assert counter.objects() == {}


def test_bytecodes() -> None:
    """At most 2,400 bytecode instructions."""
    assert server_calls.bytecodes("waterspout", server_calls.web_application("waterspout")) <= 2400


def test_the_server_layer_alone() -> None:
    """A function that answers costs fewer calls still."""
    counter = server_calls.calls("waterspout", server_calls.callback_application("waterspout"))
    assert counter.python / server_calls.COUNTED <= 60
    assert counter.objects() == {}
