"""Waterspout: the Tornado web system, written anew from its documentation and from the RFCs.

Import the submodules you use, as with Tornado: ``import waterspout.web``, ``from waterspout import gen``; one that
is first named as an attribute, ``waterspout.web``, is imported then.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

#: Release of this package, as text.
__version__ = "0.1.0"

#: The release of the Tornado interface that this package follows, as text and in the four-number form that programs
#: compare with.
version = "6.6.1"
version_info = (6, 6, 1, 0)

__all__ = [
    "auth",
    "autoreload",
    "concurrent",
    "curl_httpclient",
    "escape",
    "gen",
    "http1connection",
    "httpclient",
    "httpserver",
    "httputil",
    "ioloop",
    "iostream",
    "locale",
    "locks",
    "log",
    "netutil",
    "options",
    "platform",
    "process",
    "queues",
    "routing",
    "simple_httpclient",
    "tcpclient",
    "tcpserver",
    "template",
    "testing",
    "util",
    "web",
    "websocket",
    "wsgi",
]

if not TYPE_CHECKING:
    # A type checker would take it to mean that this package has every name.
    def __getattr__(name: str) -> Any:
        try:
            if name in __all__:
                return importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            # What a submodule itself lacks, pycurl for one, is another matter.
            if error.name != f"{__name__}.{name}":
                raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def install_as_tornado(*, children: bool = True) -> None:
    """Have ``import tornado`` and ``import tornado.web`` and so on mean this package, in this process.

    Call it before anything imports Tornado. Both names are of the same modules, so classes are the same under both,
    and ``importlib.metadata`` knows a distribution ``tornado`` of the release `version`. With ``children``, the
    Python processes that this one starts do the same: ``PYTHONPATH`` gets a directory whose ``sitecustomize`` sees to
    it, so it reaches those that inherit the environment and are started without ``-I``, ``-E`` and ``-S``.
    To run a program unchanged: ``python -m waterspout.as_tornado program.py``.

    Raises RuntimeError when Tornado itself has been imported already. A second call changes nothing.
    """
    importlib.import_module(f"{__name__}.as_tornado").install(children=children)
