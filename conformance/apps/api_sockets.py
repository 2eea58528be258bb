"""The WebSocket routes of the fixture application on any package with Tornado's API."""

from __future__ import annotations

import json
from typing import Any

from conformance.apps import SUBPROTOCOLS


def routes(websocket: Any) -> list[tuple[Any, ...]]:
    """Return the routes, handled by means of the module ``websocket``."""

    class Echo(websocket.WebSocketHandler):  # type: ignore[misc]
        def get_compression_options(self) -> dict[str, Any]:
            return {}

        def on_message(self, message: str | bytes) -> None:
            self.write_message(message, binary=isinstance(message, bytes))

    class Answer(websocket.WebSocketHandler):  # type: ignore[misc]
        def select_subprotocol(self, subprotocols: list[str]) -> str | None:
            return next((name for name in SUBPROTOCOLS if name in subprotocols), None)

        def on_message(self, message: str | bytes) -> None:
            told = json.loads(message)
            if "send" in told:
                self.write_message(told["send"])
            if "subprotocol" in told:
                self.write_message(str(self.selected_subprotocol))
            if "close" in told:
                self.close(*told["close"])

    return [("/ws/echo", Echo), ("/ws/answer", Answer)]
