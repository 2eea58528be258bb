"""Extensions as header values: Sec-WebSocket-Extensions read and written (RFC 6455 section 9.1).

An element is a name and parameters, each with a value or without one; a value may be quoted, and must be a token
then, too. What the parameters mean is the business of each extension.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

# RFC 9110 section 5.6.2.
TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"

_token = re.compile(TOKEN)
_part = re.compile(rf'[ \t]*({TOKEN})(?:[ \t]*=[ \t]*(?:({TOKEN})|"((?:[^"\\]|\\.)*)"))?[ \t]*(;|,|\Z)', re.ASCII)
_empty_elements = re.compile(r"[ \t,]*")
_quoted_pair = re.compile(r"\\(.)")


@dataclass(slots=True)
class Extension:
    """An extension as offered or accepted; a parameter without a value has None."""

    name: str
    parameters: list[tuple[str, str | None]] = field(default_factory=list)

    def __str__(self) -> str:
        """The element of Sec-WebSocket-Extensions."""
        parameters = (f"; {name}" if value is None else f"; {name}={value}" for name, value in self.parameters)
        return self.name + "".join(parameters)


def parse_extensions(values: Iterable[str]) -> list[Extension]:
    """The extensions in the values of Sec-WebSocket-Extensions fields.

    Raises ``ValueError`` with a sentence on anything outside the grammar, which includes a quoted value that
    is not a token once unquoted. Linear in the length of the values.
    """
    text = ",".join(values)
    extensions: list[Extension] = []
    position, separator = 0, ","
    while True:
        if separator == ",":
            skipped = _empty_elements.match(text, position)
            position = skipped.end() if skipped else position
            if position == len(text):
                break
        part = _part.match(text, position)
        if part is None:
            raise ValueError("Sec-WebSocket-Extensions is malformed")
        name, value, quoted, following = part.groups()
        if quoted is not None:
            value = _quoted_pair.sub(r"\1", quoted)
            if not _token.fullmatch(value):
                raise ValueError("quoted extension parameter is not a token")
        if separator == ";":
            extensions[-1].parameters.append((name, value))
        elif "=" in part.group():
            raise ValueError("extension name with a value")
        else:
            extensions.append(Extension(name))
        position, separator = part.end(), following
        if not separator:
            break
    if not extensions:
        raise ValueError("Sec-WebSocket-Extensions is empty")
    return extensions
