"""The opening handshake: the client's request, and the check of the server's answer (RFC 6455, section 4).

What was offered is read back from the bytes that were sent, so a request written by hand is judged like a built one.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence

from conformance.wire import deflate
from conformance.wire.answers import Answer

#: 16 bytes in base64. Any will do; a fixed one makes two runs comparable.
KEY = base64.b64encode(b"a suite's nonce!").decode()
HOST = "example.test"

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
#: Fields that an answer with a 1xx status must not have (RFC 9110, section 8.6; RFC 9112, section 6.1).
_FRAMING = ("content-length", "transfer-encoding")
_EXTENSION = re.compile(rf'{_TOKEN}(?:\s*;\s*{_TOKEN}(?:\s*=\s*(?:{_TOKEN}|"{_TOKEN}"))?)*')

Fields = Mapping[str, "str | Sequence[str] | None"]


def accept_value(key: str) -> str:
    """Return the Sec-WebSocket-Accept that answers ``key``."""
    return base64.b64encode(hashlib.sha1((key + _GUID).encode("latin-1")).digest()).decode()


def request(target: str, method: str, version: str, fields: Fields) -> bytes:
    """Return a client's handshake; ``fields`` replace or add to the usual ones.

    A name is written with "_" for "-"; a list of values makes as many field lines; None leaves the field out.
    """
    usual: dict[str, str | Sequence[str] | None] = {
        "host": HOST,
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec_websocket_key": KEY,
        "sec_websocket_version": "13",
    }
    lines = [f"{method} {target} HTTP/{version}"]
    for name, value in {**usual, **fields}.items():
        values = [value] if isinstance(value, str) else value or []
        lines += [f"{_spelling(name)}: {one}" for one in values]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _spelling(name: str) -> str:
    return name.replace("_", "-").title().replace("Websocket", "WebSocket")


def parse_fields(head: bytes) -> list[tuple[str, str]]:
    """Return the fields of a head, of a request or an answer, with names in lower case."""
    lines = head.split(b"\r\n\r\n", 1)[0].decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines)
    return [(name.strip().lower(), value.strip()) for name, _, value in pairs]


def members(fields: list[tuple[str, str]], name: str) -> list[str]:
    """Return the members of the list field ``name``."""
    values = ",".join(value for other, value in fields if other == name)
    return [part.strip() for part in values.split(",") if part.strip()]


def acceptance_faults(sent: bytes, answer: Answer) -> list[str]:
    """Return what is wrong with a 101 ``answer`` to the handshake ``sent``."""
    offered = parse_fields(sent)
    faults = [f"a faulty {fault}" for fault in answer.faults()]
    faults += [f"{name}, though it has no body" for name in _FRAMING if answer.values(name)]
    if "websocket" not in [one.lower() for one in answer.members("upgrade")]:
        faults.append(f"Upgrade does not name websocket: {answer.values('upgrade')}")
    if "upgrade" not in [one.lower() for one in answer.members("connection")]:
        faults.append(f"Connection does not name Upgrade: {answer.values('connection')}")
    keys = [value for name, value in offered if name == "sec-websocket-key"]
    wanted = [accept_value(key) for key in keys[:1]]
    if answer.values("sec-websocket-accept") != wanted:
        faults.append(f"Sec-WebSocket-Accept is {answer.values('sec-websocket-accept')}, not {wanted}")
    return faults + _choice_faults(offered, answer)


def _choice_faults(offered: list[tuple[str, str]], answer: Answer) -> list[str]:
    faults = []
    protocols = answer.values("sec-websocket-protocol")
    if len(protocols) > 1:
        faults.append(f"Sec-WebSocket-Protocol more than once: {protocols}")
    faults += [
        f"subprotocol {one!r}, which was not offered"
        for one in protocols
        if one not in members(offered, "sec-websocket-protocol")
    ]
    if len(answer.values("sec-websocket-extensions")) > 1:
        faults.append("Sec-WebSocket-Extensions more than once")
    names = {one.split(";")[0].strip() for one in members(offered, "sec-websocket-extensions")}
    for one in answer.members("sec-websocket-extensions"):
        if not _EXTENSION.fullmatch(one):
            faults.append(f"a malformed extension {one!r}")
        elif one.split(";")[0].strip() not in names:
            faults.append(f"extension {one!r}, which was not offered")
    asked = [value for name, value in offered if name == "sec-websocket-extensions"]
    return faults + deflate.answer_faults(asked, answer.values("sec-websocket-extensions"))
