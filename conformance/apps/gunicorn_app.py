"""The fixture application under gunicorn, with the worker that keeps connections open (threads)."""

from __future__ import annotations

from typing import Any

from gunicorn.app.base import BaseApplication

from conformance.apps import listening_socket
from conformance.apps.wsgi_app import announce, application, end_with_stdin


class Fixture(BaseApplication):  # type: ignore[misc]
    def __init__(self) -> None:
        self.listener = listening_socket()
        self.port = self.listener.getsockname()[1]
        super().__init__()

    def load_config(self) -> None:
        settings = {"bind": f"fd://{self.listener.fileno()}", "worker_class": "gthread", "threads": 8, "keepalive": 60,
                    "loglevel": "error", "when_ready": self.ready}  # fmt: skip
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return application

    def ready(self, arbiter: Any) -> None:
        announce(self.port)


if __name__ == "__main__":
    end_with_stdin()
    Fixture().run()
