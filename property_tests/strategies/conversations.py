"""Conversations of a client and a server as steps that each side is asked to say: mostly right ones, with one element
that is not, or with a step left out, said twice or out of order.

What is made follows from a ``random.Random`` alone (see `property_tests.strategies.http1`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from property_tests.reducing import without_a_part
from property_tests.strategies.http1 import chopping

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Step:
    """What one side says. Kinds: "request" (method, target), "interim" and "response" (status, reason), "data", "end"
    (fields are trailers), and "next", by which both sides begin the next exchange.
    """

    side: str
    kind: str
    first: str | int = ""
    second: str = ""
    fields: Fields = ()
    data: bytes = b""


@dataclass(frozen=True)
class Conversation:
    """Steps, and the sizes of the pieces in which what is said arrives (none: whole)."""

    steps: tuple[Step, ...]
    sizes: tuple[int, ...]


NEXT = Step("both", "next")

FIELDS: list[tuple[str, str]] = [
    ("Accept", "*/*"),
    ("X", ""),
    ("Cookie", "a=b; c=d"),
    ("Foo", "caf\xe9"),
    ("Connection", "close"),
    ("Connection", "keep-alive"),
    ("Connection", "x, Close"),
    ("Upgrade", "websocket"),
    ("Connection", "upgrade"),
    ("Expect", "100-continue"),
]

ODD_FIELDS: list[tuple[str, str]] = [
    ("Foo bar", "x"),
    ("Foo:", "x"),
    ("", "x"),
    ("F\xf6o", "x"),
    ("Foo", "a\r\nBar: b"),
    ("Foo", "a\nb"),
    ("Foo", "a\rb"),
    ("Foo", "a\x00b"),
    ("Foo", "a\x01b"),
    ("Foo", " padded "),
    ("Foo", "a\r\n b"),
    ("Content-Length", "3"),
    ("Content-Length", "03"),
    ("Content-Length", "x"),
    ("Content-Length", "3, 3"),
    ("Content-Length", "99999999999999999999999"),
    ("Transfer-Encoding", "chunked"),
    ("Transfer-Encoding", "gzip, chunked"),
    ("Transfer-Encoding", "identity"),
    ("Host", "other.test"),
]

TARGETS = ["/", "/a?x=1", "*", "http://example.test/a"]
ODD_TARGETS = ["", "/a b", "/a\r\nX: y", "/\xe9", "/a\x00", "a", "/a#f"]
METHODS = ["GET", "GET", "POST", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT"]
ODD_METHODS = ["", "G T", "get", "GET\r\n", "\xc7ET"]
STATUSES = [200, 200, 200, 404, 204, 304, 500, 999]
ODD_STATUSES = [99, 0, 1000, 100, 101, 199]
INTERIM = [100, 103, 102]
ODD_INTERIM = [101, 200, 99]
REASONS = ["OK", "", "Not Found \xe9"]
ODD_REASONS = ["a\r\nb", "a\x01", "a\nb", "a\x00", "\u20ac"]
TRAILERS: list[Fields] = [(), (), (("Foo", "x"),), (("A", "1"), ("B", ""))]
ODD_TRAILERS: list[Fields] = [(("Foo bar", "x"),), (("Foo", "a\r\nb"),), (("Content-Length", "9"),), (("Host", "x"),)]

ODDITIES = ["", "", "", "", "field", "field", "line", "length", "trailers", "order", "order", "order"]


def _message(random: Random, side: str, odd: str) -> tuple[Fields, list[Step]]:
    """Framing fields, and the body's steps."""
    parts = [random.choice([b"abc", b"x" * 20, b""]) for _ in range(random.randint(0, 2))]
    length = sum(map(len, parts))
    framing = random.choice(["none", "length", "length", "chunked"])
    trailers: Fields = ()
    if odd == "trailers":
        trailers = random.choice(ODD_TRAILERS)
    elif framing == "chunked":
        trailers = random.choice(TRAILERS)
    fields: Fields = ()
    if framing == "length":
        wrong = random.choice([-1, 1, 3]) if odd == "length" else 0
        fields = (("Content-Length", str(max(0, length + wrong))),)
    elif framing == "chunked":
        fields = (("Transfer-Encoding", "chunked"),)
    elif side == "client" or random.randrange(2):
        parts = []
    return fields, [*(Step(side, "data", data=part) for part in parts), Step(side, "end", fields=trailers)]


def _fields(random: Random, odd: str) -> Fields:
    found = random.choices(FIELDS, k=random.randint(0, 2))
    if odd == "field":
        found.insert(random.randint(0, len(found)), random.choice(ODD_FIELDS))
    return tuple(found)


def _request(random: Random, odd: str) -> list[Step]:
    method = random.choice(ODD_METHODS if odd == "line" and random.randrange(2) else METHODS)
    target = random.choice(ODD_TARGETS if odd == "line" else TARGETS)
    if method == "CONNECT" and odd != "line":
        target = "example.test:443"
    elif target == "*" and odd != "line":
        method = "OPTIONS"
    framing, body = _message(random, "client", odd)
    host: Fields = () if odd == "line" and random.randrange(4) == 0 else (("Host", "example.test"),)
    return [Step("client", "request", method, target, host + _fields(random, odd) + framing), *body]


def _response(random: Random, odd: str) -> list[Step]:
    steps = []
    for _ in range(random.choice([0, 0, 0, 1, 2])):
        status = random.choice(ODD_INTERIM if odd == "line" else INTERIM)
        steps.append(Step("server", "interim", status, "", _fields(random, odd)))
    status = random.choice(ODD_STATUSES if odd == "line" else STATUSES)
    reason = random.choice(ODD_REASONS if odd == "line" and random.randrange(2) else REASONS)
    framing, body = _message(random, "server", odd)
    if status == 204 and odd not in ("length", "field"):
        framing, body = (), [Step("server", "end")]
    return [*steps, Step("server", "response", status, reason, _fields(random, odd) + framing), *body]


def conversation(random: Random) -> Conversation:
    """One to three exchanges."""
    steps: list[Step] = []
    for _ in range(random.randint(1, 3)):
        odd = random.choice(ODDITIES)
        at_client = random.randrange(2)
        exchange = _request(random, odd if at_client else "") + _response(random, "" if at_client else odd)
        if odd == "order":
            _disorder(random, exchange)
        steps += [*exchange, NEXT]
    return Conversation(tuple(steps), chopping(random))


def _disorder(random: Random, steps: list[Step]) -> None:
    """Leave a step out, say it twice, or say it elsewhere."""
    step = steps.pop(random.randrange(len(steps)))
    for _ in range(random.randint(0, 2)):
        steps.insert(random.randint(0, len(steps)), step)


def smaller_conversations(case: Conversation) -> Iterator[Conversation]:
    """Conversations with fewer pieces, steps, fields or octets."""
    for sizes in without_a_part(case.sizes):
        yield replace(case, sizes=sizes)
    for steps in without_a_part(case.steps):
        yield replace(case, steps=steps)
    for index, step in enumerate(case.steps):
        before, after = case.steps[:index], case.steps[index + 1 :]
        for fields in without_a_part(step.fields):
            yield replace(case, steps=(*before, replace(step, fields=fields), *after))
        for data in without_a_part(step.data):
            yield replace(case, steps=(*before, replace(step, data=data), *after))
