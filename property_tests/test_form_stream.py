"""A form that comes in pieces beside the same form read at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from waterspout.protocol.form_stream import FormStream, PartBegins, PartContent, PartEnds
from waterspout.protocol.forms import Arguments, Files, parse_multipart_form_data
from waterspout.protocol.messages import HTTPInputError

BOUNDARY = b"cut"
#: What a delimiter is made of, and what comes near it.
SCRAPS = [
    b"\r\n",
    b"\r",
    b"\n",
    b"-",
    b"--",
    b"cut",
    b"\r\n--cut",
    b"\r\n--cu",
    b" ",
    b"\t",
    b"x",
    b"\r\n\r\n",
    b"--cut--",
]
HEADS = [
    b'Content-Disposition: form-data; name="a"\r\n',
    b'Content-Disposition: form-data; name="b"; filename="f"\r\nContent-Type: text/plain\r\n',
    b"Content-Disposition: attachment\r\n",
    b"",
]

scraps = st.lists(st.sampled_from(SCRAPS), max_size=8).map(b"".join)
parts = st.lists(
    st.builds(lambda head, content: b"--cut\r\n" + head + b"\r\n" + content + b"\r\n", st.sampled_from(HEADS), scraps),
    max_size=4,
).map(b"".join)
bodies = st.builds(
    lambda *pieces: b"".join(pieces), st.sampled_from([b"", b"x\r\n", b"--cu"]), parts, st.just(b"--cut--")
)


def at_once(body: bytes) -> list[tuple[str, str | None, bytes]] | None:
    """Return the parts by the reader of whole bodies, fields before files; None for a malformed form."""
    arguments: Arguments = {}
    files: Files = {}
    try:
        parse_multipart_form_data(BOUNDARY, body, arguments, files)
    except HTTPInputError:
        return None
    fields = [(name, None, value) for name, values in arguments.items() for value in values]
    return fields + [(name, file.filename, file.body) for name, values in files.items() for file in values]


def in_pieces(body: bytes, size: int) -> list[tuple[str, str | None, bytes]] | None:
    """Return the parts by the reader of pieces, in the same order."""
    stream = FormStream(BOUNDARY, 10240)
    found: list[tuple[str, str | None, bytes]] = []
    try:
        for start in range(0, len(body), size):
            for event in stream.feed(body[start : start + size]):
                if isinstance(event, PartBegins):
                    begun, content = event, b""
                elif isinstance(event, PartContent):
                    content += event.data
                else:
                    assert isinstance(event, PartEnds)
                    found.append((begun.name, begun.filename or None, content))
    except HTTPInputError:
        return None
    return sorted(found, key=lambda part: part[1] is not None) if stream.complete else None


@given(bodies, st.integers(1, 40))
def test_pieces_are_the_whole(body: bytes, size: int) -> None:
    """However it is cut, a form is the same; the order within one name is kept."""
    whole, cut = at_once(body), in_pieces(body, size)
    # What one part alone makes malformed, the reader of whole bodies sees before it returns any.
    assert cut == whole
