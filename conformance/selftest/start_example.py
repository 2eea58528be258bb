"""Starts an example as its command does, but on a free port of loopback, which it prints.

Run as a program: the path of the example, then the arguments of the example.
"""

from __future__ import annotations

import os.path
import runpy
import sys
from typing import Any

from waterspout import netutil, tcpserver


def listen(server: tcpserver.TCPServer, port: int, *args: Any, **kwargs: Any) -> None:
    """Listen, whatever the port is, on a free one; tell which."""
    sockets = netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    print("port", sockets[0].getsockname()[1], flush=True)


if __name__ == "__main__":
    tcpserver.TCPServer.listen = listen  # type: ignore[method-assign, assignment]
    sys.argv = sys.argv[1:]
    sys.path[0] = os.path.dirname(sys.argv[0])
    runpy.run_path(sys.argv[0], run_name="__main__")
