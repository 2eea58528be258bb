"""The insides of ``waterspout.util``."""

from __future__ import annotations

import gzip
import re
import zlib
from types import TracebackType
from typing import Any

import pytest
from _scaling import assert_linear

from waterspout import util


class Base(util.Configurable):
    """An interface with two implementations."""

    given: tuple[Any, ...]

    @classmethod
    def configurable_base(cls) -> type[util.Configurable]:
        return Base

    @classmethod
    def configurable_default(cls) -> type[util.Configurable]:
        return First

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        self.given = (args, kwargs)


class First(Base):
    """The default."""


class Second(Base):
    """The other."""


@pytest.fixture(autouse=True)
def _default_configuration() -> Any:
    yield
    Base.configure(None)


def test_the_interface_constructs_its_default() -> None:
    """An interface that nobody configured makes its default implementation."""
    made = Base(1, key=2)

    assert (type(made), made.given) == (First, ((1,), {"key": 2}))


def test_configured_arguments_reach_only_instances_made_through_the_interface() -> None:
    """Configured keyword arguments are added for the interface, not for a class called by its own name."""
    Base.configure(Second, key=5)

    assert (type(Base()), Base().given, Base(key=7).given, First().given) == (
        Second,
        ((), {"key": 5}),
        ((), {"key": 7}),
        ((), {}),
    )


def test_configuring_a_foreign_class_is_refused_and_changes_nothing() -> None:
    """A class outside the interface raises ValueError, and the old choice stays."""
    with pytest.raises(ValueError, match="not a subclass of Base"):
        Base.configure(int)  # type: ignore[arg-type]

    assert Base.configured_class() is First


def test_configure_none_goes_back_to_the_default() -> None:
    """None undoes an earlier choice, its arguments included."""
    Base.configure(Second, key=5)
    Base.configure(None)

    assert (type(Base()), Base().given) == (First, ((), {}))


def test_import_object_names_what_is_missing() -> None:
    """A missing attribute is an ImportError that says which name in which module."""
    with pytest.raises(ImportError, match="'os' has no attribute or submodule 'nothing'"):
        util.import_object("os.nothing")


def test_import_object_finds_submodules_not_imported_yet() -> None:
    """A dotted name may lead to a module that is no attribute of its package yet."""
    assert util.import_object("xml.dom.minicompat").__name__ == "xml.dom.minicompat"


@pytest.mark.parametrize("text", ["a.b*c", r"\x", "(é) [1]", "tab\tnew\nline"])
def test_re_unescape_undoes_re_escape(text: str) -> None:
    """What re.escape made comes back as it was."""
    assert util.re_unescape(re.escape(text)) == text


def test_re_unescape_refuses_character_classes() -> None:
    """An escape that stands for several characters has no text form."""
    with pytest.raises(ValueError, match=r"\\d"):
        util.re_unescape(r"a\d")


def test_gzip_output_is_bounded_and_the_rest_is_kept() -> None:
    """With max_length nothing is lost: the tail, fed again, gives the rest."""
    data = bytes(range(256)) * 40
    decompressor = util.GzipDecompressor()
    pieces = [decompressor.decompress(gzip.compress(data), 100)]
    while decompressor.unconsumed_tail:
        pieces.append(decompressor.decompress(decompressor.unconsumed_tail, 100))
    pieces.append(decompressor.flush())

    assert max(len(piece) for piece in pieces[:-1]) <= 100
    assert b"".join(pieces) == data


def test_gzip_members_one_after_the_other_are_one_stream() -> None:
    """RFC 1952 section 2.2: members follow each other; zeros after the last are padding."""
    decompressor = util.GzipDecompressor()
    stream = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0"

    assert decompressor.decompress(stream, 1000) + decompressor.flush() == b"one two"


def test_a_row_of_empty_gzip_members_costs_linear_time() -> None:
    """What is left after a member is not copied once for each member."""
    streams = {members: gzip.compress(b"") * members for members in (2000, 32000)}
    assert_linear(lambda members: util.GzipDecompressor().decompress(streams[members], 1000), 2000, 32000)


def test_truncated_gzip_is_reported_at_flush() -> None:
    """A stream without its end is an error, not a short result."""
    decompressor = util.GzipDecompressor()
    decompressor.decompress(gzip.compress(b"text")[:-4], 1000)

    with pytest.raises(zlib.error, match="ends before"):
        decompressor.flush()


def test_gzip_without_a_bound_is_deprecated() -> None:
    """Leaving max_length out still works, and warns."""
    with pytest.warns(DeprecationWarning, match="max_length"):
        assert util.GzipDecompressor().decompress(gzip.compress(b"x")) == b"x"


def _with_callback(first: int, callback: object = None, *rest: int) -> None:
    """A function to replace an argument of."""


def test_arg_replacer_finds_an_argument_by_position_and_by_name() -> None:
    """The same argument is replaced wherever the call has it, or added by name."""
    replacer = util.ArgReplacer(_with_callback, "callback")

    assert replacer.replace("new", (1, 2, 3), {}) == (2, [1, "new", 3], {})
    assert replacer.replace("new", (1,), {"callback": 2}) == (2, (1,), {"callback": "new"})
    assert replacer.replace("new", (1,), {}) == (None, (1,), {"callback": "new"})


def test_raise_exc_info_keeps_the_traceback() -> None:
    """The frames of the first raise are still there in the second."""
    try:
        int("x")
    except ValueError as error:
        first = error.__traceback__
        with pytest.raises(ValueError) as caught:
            util.raise_exc_info((ValueError, error, first))

        assert caught.tb is not None
        frames = []
        traceback: TracebackType | None = caught.tb
        while traceback is not None:
            frames.append(traceback)
            traceback = traceback.tb_next
        assert first in frames


def test_object_dict_reads_and_writes_attributes() -> None:
    """Attributes are keys, and a missing one is an AttributeError."""
    thing = util.ObjectDict(a=1)
    thing.b = 2

    assert (thing.a, thing["b"]) == (1, 2)
    with pytest.raises(AttributeError, match="c"):
        _ = thing.c
