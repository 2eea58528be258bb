"""UTF-8 that arrives in pieces (RFC 6455 section 8.1, RFC 3629 section 4).

A text message is wrong from the first octet that no valid continuation can repair, and that is when the
connection fails: not at the end of the frame, let alone of the message. Between two pieces at most three
octets of an unfinished character are carried over, so the work is linear however small the pieces are.
"""

from __future__ import annotations

from codecs import utf_8_decode


class Utf8Validator:
    """Checks a stream of octets piece by piece."""

    __slots__ = ("_unfinished",)

    def __init__(self) -> None:
        self._unfinished = b""

    def check(self, piece: bytes | bytearray) -> None:
        """Take the next piece; raises ``UnicodeDecodeError`` as soon as the stream cannot become valid."""
        if self._unfinished:
            piece = self._unfinished + piece
        # The codec stops before an unfinished character and refuses one that is beyond repair, but for the
        # first two octets of a surrogate, which it takes for unfinished.
        _, consumed = utf_8_decode(piece, "strict", False)
        self._unfinished = unfinished = bytes(piece[consumed:])
        if len(unfinished) == 2 and unfinished[0] == 0xED and unfinished[1] >= 0xA0:
            raise UnicodeDecodeError("utf-8", piece, consumed, consumed + 2, "surrogates are not characters")

    @property
    def complete(self) -> bool:
        """Whether the stream may end here: no character is unfinished."""
        return not self._unfinished
