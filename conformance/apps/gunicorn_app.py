"""The WSGI fixture application under gunicorn, with the worker that keeps connections open (threads)."""

from __future__ import annotations

import os
import socket
from typing import Any

from gunicorn.app.base import BaseApplication

from conformance.apps import CERTIFICATE, end_with_stdin, greet, listening_socket
from conformance.apps.wsgi_app import application


class Fixture(BaseApplication):  # type: ignore[misc]
    def __init__(self, listener: socket.socket, **settings: Any) -> None:
        self.settings = {"bind": f"fd://{listener.fileno()}", "worker_class": "gthread", "threads": 8,
                         "keepalive": 60, "loglevel": "error", **settings}  # fmt: skip
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return application


if __name__ == "__main__":
    clear, tls = listening_socket(), listening_socket()
    # One gunicorn speaks TLS on all its sockets or on none.
    if os.fork():
        # Whoever connects before it is ready waits in the queue of the socket.
        greet(clear, tls)
        fixture = Fixture(clear)
    else:
        fixture = Fixture(tls, certfile=str(CERTIFICATE), keyfile=str(CERTIFICATE))
    end_with_stdin()
    fixture.run()
