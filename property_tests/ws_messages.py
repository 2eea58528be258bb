"""Messages that one core sends and another one reads: ours and a peer's, in both directions and both roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from property_tests.differential import AGREED, Comparison, Verdict
from property_tests.reducing import without_a_part
from property_tests.strategies.deflate import Agreement, agreement
from property_tests.strategies.http1 import chopping, pieces
from property_tests.strategies.websocket import BINARIES, TEXTS
from property_tests.ws_ours import connection
from waterspout.protocol import websocket

Message = str | bytes


@dataclass(frozen=True)
class Talk:
    """What is sent, each message with whether to compress it, by our side as ``server`` or client, and by the peer.

    What arrives is cut into pieces of ``sizes``.
    """

    server: bool
    messages: tuple[tuple[Message, bool], ...]
    sizes: tuple[int, ...]
    agreed: Agreement | None


def talk(random: Random) -> Talk:
    """Some messages, some of them long, some like those before."""
    messages: list[tuple[Message, bool]] = []
    for _ in range(random.randint(1, 6)):
        message: Message = random.choice(TEXTS) if random.randrange(2) else random.choice(BINARIES)
        kind = random.randint(0, 9)
        if kind == 0:
            message = Random(random.getrandbits(16)).randbytes(random.choice([300, 300, 1500, 1500, 66_000]))
        elif kind < 4 and messages:
            message = (random.choice(messages)[0] * random.randint(1, 3))[:2000]
        messages.append((message, bool(random.randrange(4))))
    agreed = agreement(random) if random.randrange(3) else None
    long = any(len(message) > 2000 for message, _ in messages)
    # Octet by octet is for short messages.
    sizes = (random.randint(100, 40_000),) if long else chopping(random)
    return Talk(bool(random.randrange(2)), tuple(messages), sizes, agreed)


def smaller_talks(case: Talk) -> Iterator[Talk]:
    """Talks with fewer messages, then with fewer sizes."""
    for messages in without_a_part(case.messages):
        yield replace(case, messages=messages)
    for sizes in without_a_part(case.sizes):
        yield replace(case, sizes=sizes)


def comparison(
    peer: str, writes: Callable[[Talk], bytes], reads: Callable[[Talk, list[bytes]], list[Message]]
) -> Comparison:
    """The comparison with ``peer``: ``writes`` gives what it sends in a talk, ``reads`` the messages that it takes."""

    def compare(case: Talk) -> Verdict:
        sent = [message for message, _ in case.messages]
        theirs = reads(case, pieces(_our_octets(case), case.sizes))
        if theirs != sent:
            return Verdict(False, None, f"sent {sent}", f"read {theirs}")
        ours = _our_messages(case, pieces(writes(case), case.sizes))
        return AGREED if ours == sent else Verdict(False, None, f"read {ours}", f"sent {sent}")

    return Comparison("messages", peer, talk, compare, smaller_talks, ())


def _our_octets(case: Talk) -> bytes:
    conn = connection(case.server, case.agreed)
    for message, compress in case.messages:
        conn.send_message(message, compress)
    return conn.data_to_send()


def _our_messages(case: Talk, received: list[bytes]) -> list[Message | str]:
    conn = connection(case.server, case.agreed)
    events = [event for piece in received for event in conn.feed(piece)]
    return [event.data if isinstance(event, websocket.Message) else repr(event) for event in events]
