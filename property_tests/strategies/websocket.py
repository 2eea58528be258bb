"""Streams of WebSocket frames: valid, odd in one frame, mutated octet by octet, cut in any way, for both
roles.

Most drawn streams are a valid conversation with at most one frame from a catalogue of what RFC 6455 forbids
or leaves to the endpoints; a stream that is wrong everywhere would stop every parser at its first frame.
Frames are written here from section 5.2 alone, without the code under test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from property_tests.strategies.deflate import Agreement, Sender, agreement
from property_tests.strategies.http1 import chopping, pieces

__all__ = ["Frame", "WebSocketCase", "frame_octets", "pieces", "websocket_case"]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
RSV1 = 4
KEYS = (b"\x37\xfa\x21\x3d", b"\x00\x00\x00\x00", b"\xff\x01\x80\x7f")


@dataclass(frozen=True)
class Frame:
    """A frame as it is to be written, right or wrong.

    ``length_form`` is the number of octets of extended length (0, 2, 8), None for the shortest; ``claimed``
    a length to write instead of the payload's; ``mask`` None for what the role asks for.
    """

    opcode: int
    payload: bytes = b""
    fin: bool = True
    reserved: int = 0
    mask: bool | None = None
    length_form: int | None = None
    claimed: int | None = None
    key: bytes = KEYS[0]


@dataclass(frozen=True)
class WebSocketCase:
    """What a peer sends to a ``server`` (else a client) that has sent its own Close before, if ``closing``.

    ``sizes`` are those of the pieces, over and over (none: whole); ``agreed`` is what was agreed on compression.
    """

    server: bool
    closing: bool
    stream: bytes
    sizes: tuple[int, ...]
    agreed: Agreement | None = None


def frame_octets(frame: Frame, masked: bool) -> bytes:
    """Write one frame."""
    length = len(frame.payload) if frame.claimed is None else frame.claimed
    form = frame.length_form
    if form is None or (form == 0 and length > 125) or (form == 2 and length > 0xFFFF):
        form = 0 if length <= 125 else 2 if length <= 0xFFFF else 8
    masked = masked if frame.mask is None else frame.mask
    short = length if form == 0 else 126 if form == 2 else 127
    head = bytes((frame.fin << 7 | frame.reserved << 4 | frame.opcode, masked << 7 | short))
    head += length.to_bytes(form, "big") if form else b""
    if not masked:
        return head + frame.payload
    return head + frame.key + bytes(octet ^ frame.key[i % 4] for i, octet in enumerate(frame.payload))


TEXTS = ["", "a", "Hello", "é", "€uro", "\U0001f300", "κόσμε" * 3, "x" * 125, "x" * 126, "é" * 150]
BINARIES = [b"", b"\x00", b"\xff" * 4, b"\x81\x00" * 5, bytes(126), bytes(300)]
CONTROL_PAYLOADS = [b"", b"?", b"\xff\xfe", bytes(125)]
BAD_UTF8 = (
    b"\x80",
    b"\xc0\xaf",
    b"\xe0\x80\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88",
    b"\xff",
    b"ok\xc3(",
)
UNFINISHED_UTF8 = (b"\xc3", b"\xe2\x82", b"\xf0\x9f\x8c", b"\xed", b"\xed\xa0")
CODES = [0, 999, *range(1000, 1008), *range(1010, 1017), 1014, 1100, 2999, 3000, 3999, 4000, 4999, 5000, 65535]
REASONS = [b"", b"bye", "größer".encode(), b"x" * 123, b"\xff", b"\xc3"]


def control(random: Random) -> Frame:
    """A Ping or a Pong."""
    return Frame(random.choice([PING, PONG]), random.choice(CONTROL_PAYLOADS), key=random.choice(KEYS))


def close(random: Random) -> Frame:
    """A Close frame: mostly with a code, which may be one that must not travel."""
    payload = random.choice([b"", b"\x03", *[random.choice(CODES).to_bytes(2, "big")] * 4])
    return Frame(CLOSE, payload + (random.choice(REASONS) if len(payload) == 2 else b""), key=random.choice(KEYS))


def message(random: Random, sender: Sender | None = None) -> list[Frame]:
    """A message in one frame or in fragments that are cut anywhere, with control frames between them.

    With a ``sender`` it may be compressed.
    """
    is_text = bool(random.randrange(2))
    payload = random.choice(TEXTS).encode() if is_text else random.choice(BINARIES)
    if is_text and random.randint(0, 9) == 0:
        payload += random.choice(BAD_UTF8 + UNFINISHED_UTF8)
    opcode = TEXT if is_text else BINARY
    reserved = 0
    if sender is not None and random.randrange(3):
        payload, reserved = sender.compress(random, payload), RSV1
    cuts = sorted([random.randint(0, len(payload)) for _ in range(random.randint(0, 3))])
    frames: list[Frame] = []
    for start, end in zip([0, *cuts], [*cuts, len(payload)], strict=True):
        final = len(frames) == len(cuts)
        head = (CONTINUATION, 0) if frames else (opcode, reserved)
        frames.append(Frame(head[0], payload[start:end], final, head[1], key=random.choice(KEYS)))
    with_controls: list[Frame] = []
    for frame in frames:
        with_controls.append(frame)
        if random.randint(0, 3) == 0:
            with_controls.append(control(random))
    return with_controls


ODD_FRAMES: tuple[Frame, ...] = (
    *(Frame(opcode, b"x") for opcode in (3, 7, 11, 15)),
    *(Frame(TEXT, b"x", reserved=bits) for bits in (1, 2, 4)),
    Frame(TEXT, b"x" * 130, reserved=4),
    Frame(CONTINUATION, b"x" * 130),
    Frame(CONTINUATION, b"x"),
    Frame(CONTINUATION, b"", fin=False),
    Frame(TEXT, b"x", fin=False),
    Frame(BINARY, b"", fin=False),
    Frame(PING, b"x", fin=False),
    Frame(CLOSE, b"", fin=False),
    Frame(PING, bytes(126)),
    Frame(CLOSE, b"\x03\xe8" + bytes(124)),
    Frame(PING, b"x", length_form=2),
    Frame(TEXT, b"x", length_form=2),
    Frame(BINARY, bytes(125), length_form=2),
    Frame(TEXT, b"x" * 126, length_form=8),
    Frame(TEXT, b"x\xed\xa0", fin=False),
    Frame(TEXT, b"x\xed\xbf", claimed=200),
    Frame(BINARY, b"x", claimed=0xFFFF + 1),
    Frame(TEXT, b"x", claimed=1 << 40),
    Frame(TEXT, b"\xff", claimed=1 << 40),
    Frame(BINARY, b"", claimed=1 << 62),
    Frame(BINARY, b"", claimed=1 << 63),
    Frame(CONTINUATION, b"x", reserved=RSV1),
    Frame(PING, b"x", reserved=RSV1),
    Frame(CLOSE, b"", reserved=RSV1),
    Frame(TEXT, b"\x00", reserved=RSV1),
    Frame(BINARY, b"", reserved=RSV1),
)


def _odd(random: Random, server: bool) -> Frame:
    frame = random.choice(ODD_FRAMES)
    if random.randint(0, 3) == 0:
        frame = replace(frame, mask=not server)
    return frame


def _mutated(random: Random, stream: bytes) -> bytes:
    """Change, remove, repeat or cut off octets."""
    at = random.randint(0, max(0, len(stream) - 1))
    kind = random.choice(["change", "remove", "repeat", "cut"])
    if kind == "change":
        return stream[:at] + random.randbytes(1) + stream[at + 1 :]
    if kind == "remove":
        return stream[:at] + stream[at + random.randint(1, 3) :]
    if kind == "repeat":
        return stream[: at + 1] + stream[at:]
    return stream[:at]


def websocket_case(random: Random) -> WebSocketCase:
    """A conversation with at most one odd frame, perhaps mutated, and a chopping."""
    server = bool(random.randrange(2))
    agreed = agreement(random) if random.randrange(2) else None
    sender = Sender(agreed, not server) if agreed else None
    frames: list[Frame] = []
    for _ in range(random.randint(0, 3)):
        frames += message(random, sender) if random.randrange(3) else [control(random)]
    if random.randrange(2):
        frames.append(close(random))
    if random.randrange(2):
        frames.insert(random.randint(0, len(frames)), _odd(random, server))
    stream = b"".join(frame_octets(frame, server) for frame in frames)
    if random.randint(0, 5) == 0:
        # What a side says before a header is complete shows only at the end of the stream.
        stream += frame_octets(_odd(random, server), server)[: random.randint(2, 14)]
    for _ in range(random.choice([0, 0, 1, 2])):
        stream = _mutated(random, stream)
    return WebSocketCase(server, random.randint(0, 4) == 0, stream, chopping(random), agreed)
