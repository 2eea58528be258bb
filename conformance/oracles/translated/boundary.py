"""Where the translated suite meets the autobahn library: octets as ``str`` on one side, bytes on the other."""

from __future__ import annotations

import importlib
from typing import Any

from conformance.oracles.translated import python2
from conformance.oracles.translated.python2 import octets, to_bytes


def prepare() -> None:
    """Let the suite find what it takes from libraries in the form that it knows; before its modules are imported."""
    name = "autobahn.websocket.utf8validator"
    theirs = importlib.import_module(name).Utf8Validator
    ours = type("Utf8Validator", (theirs,), {"validate": lambda self, data: theirs.validate(self, to_bytes(data))})
    python2.STANDINS[name] = python2.module(name, Utf8Validator=ours)
    # For the other protocol that the suite can speak; needs unittest2.
    name = "autobahn.wamp.test.test_serializer"
    python2.STANDINS[name] = python2.module(name, generate_test_messages=None)
    # A class declared its interfaces by a call in its body.
    name = "zope.interface"
    public = {key: value for key, value in vars(importlib.import_module(name)).items() if not key.startswith("_")}
    python2.STANDINS[name] = python2.module(name, **public, implements=lambda *interfaces: None)


def connect(fuzzing: Any) -> None:
    """Put the conversion before the protocol classes of the suite's module ``fuzzing``."""
    for name, factory in (
        ("FuzzingServerProtocol", fuzzing.FuzzingServerFactory),
        ("FuzzingClientProtocol", fuzzing.FuzzingClientFactory),
    ):
        bound = type(name, (Boundary, getattr(fuzzing, name)), {})
        setattr(fuzzing, name, bound)
        factory.protocol = bound


class Boundary:
    """Comes first among the bases of a protocol class.

    What a case sends passes here on its way to the library, and the library's own calls of these methods do too, with
    bytes already. What the library tells the suite passes here on its way back.
    """

    def sendFrame(
        self, opcode: int, payload: str | bytes = b"", *rest: Any, payload_len: int | None = None, **named: Any
    ) -> Any:
        data = to_bytes(payload)
        if payload_len is not None:
            # The library would divide here, as one could in Python 2.
            data = (data * (payload_len // len(data) + 1))[:payload_len]
        return self._onwards("sendFrame", (opcode, data, *rest), named)

    def sendCloseFrame(self, *arguments: Any, **named: Any) -> Any:
        return self._onwards("sendCloseFrame", arguments, named)

    def sendMessage(self, *arguments: Any, **named: Any) -> Any:
        return self._onwards("sendMessage", arguments, named)

    def sendMessageFrameData(self, *arguments: Any, **named: Any) -> Any:
        return self._onwards("sendMessageFrameData", arguments, named)

    def _onwards(self, method: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        send = getattr(super(), method)
        return send(*map(to_bytes, arguments), **{name: to_bytes(value) for name, value in named.items()})

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        super().onMessage(octets(payload), is_binary)  # type: ignore[misc]

    def onPong(self, payload: bytes) -> None:
        super().onPong(octets(payload))  # type: ignore[misc]

    def logRxOctets(self, data: bytes) -> None:
        super().logRxOctets(octets(data))  # type: ignore[misc]

    def logTxOctets(self, data: bytes, sync: Any) -> None:
        super().logTxOctets(octets(data), sync)  # type: ignore[misc]

    def logRxFrame(self, header: Any, payload: list[bytes]) -> None:
        super().logRxFrame(header, [octets(piece) for piece in payload])  # type: ignore[misc]

    def logTxFrame(self, header: Any, payload: bytes, *rest: Any) -> None:
        super().logTxFrame(header, octets(payload), *rest)  # type: ignore[misc]

    def connectionLost(self, reason: Any) -> None:
        # The report shows them.
        for name in ("http_request_data", "http_response_data", "localCloseReason"):
            data = getattr(self, name, "")
            setattr(self, name, octets(data) if isinstance(data, bytes) else data)
        super().connectionLost(reason)  # type: ignore[misc]
