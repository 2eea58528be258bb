"""Small tools

``util`` holds what the other modules share and programs may use: interfaces whose implementation is chosen at run time
(``Configurable``), objects found by their dotted name, arguments found by their name (``ArgReplacer``), streaming
decompression with a bound, and a few names from the years of two Pythons.
"""

from __future__ import annotations

import asyncio
import datetime
import gzip
import re
import traceback
import zlib

import pytest

from conformance import api, doc, each, labelled, must, should

# -- exchangeable implementations -------------------------------------------------------------------------------------


def family():
    """Return an interface with two implementations, the first its default; each notes what initialize() gets."""

    class Interface(api.util.Configurable):
        @classmethod
        def configurable_base(cls):
            return Interface

        @classmethod
        def configurable_default(cls):
            return First

        def initialize(self, *args, **kwargs):
            self.given = (args, kwargs)

    class First(Interface):
        pass

    class Second(Interface):
        pass

    return Interface, First, Second


@must(
    "util.configurable.default",
    "Constructing the interface makes its default implementation; arguments go to initialize().",
    doc("util.Configurable"),
)
def test_configurable_default():
    interface, first, _ = family()
    made = interface(1, key=2)
    assert (type(made), made.given, interface.configured_class()) == (first, ((1,), {"key": 2}), first)


@must(
    "util.configurable.configure",
    "configure() chooses the implementation and keyword arguments of each construction; given ones come first.",
    doc("util.Configurable.configure"),
)
def test_configure():
    interface, _, second = family()
    interface.configure(second, key=5, other=6)
    assert interface.configured_class() is second
    assert (type(interface()), interface().given) == (second, ((), {"key": 5, "other": 6}))
    assert interface(key=7).given == ((), {"key": 7, "other": 6})


@must(
    "util.configurable.by-name",
    "configure() takes the dotted name of the implementation, too; ImportError if it leads nowhere.",
    doc("util.Configurable.configure"),
)
def test_configure_by_name():
    interface = api.ioloop.IOLoop
    before = interface.configured_class()
    try:
        interface.configure(f"{api.package}.platform.asyncio.AsyncIOLoop")
        assert interface.configured_class() is api.platform.asyncio.AsyncIOLoop
        with pytest.raises(ImportError):
            interface.configure(f"{api.package}.platform.nothing.AsyncIOLoop")
        assert interface.configured_class() is api.platform.asyncio.AsyncIOLoop
    finally:
        interface.configure(before)


@must(
    "util.configurable.own-name",
    "A class called by its own name is made as it is: neither the choice nor its keyword arguments apply.",
    doc("util.Configurable"),
)
def test_own_name():
    interface, first, second = family()
    interface.configure(second, key=5)
    assert (type(first()), first().given) == (first, ((), {}))


@must(
    "util.configurable.none",
    "configure(None) goes back to the default, without the earlier keyword arguments.",
    doc("util.Configurable.configure"),
)
def test_configure_none():
    interface, first, second = family()
    interface.configure(second, key=5)
    interface.configure(None)
    assert (type(interface()), interface().given) == (first, ((), {}))


@must(
    "util.configurable.foreign-class",
    "A class that does not implement the interface is refused with ValueError, and the choice stays as it was.",
    doc("util.Configurable.configure"),
)
def test_foreign_class():
    interface, _, second = family()
    interface.configure(second)
    with pytest.raises(ValueError):
        interface.configure(int)
    assert interface.configured_class() is second


@must(
    "util.configurable.separate",
    "Each interface has a choice of its own.",
    doc("util.Configurable"),
)
def test_separate():
    one, _, one_second = family()
    other, other_first, _ = family()
    one.configure(one_second)
    assert (one.configured_class(), other.configured_class()) == (one_second, other_first)


# -- names ------------------------------------------------------------------------------------------------------------


@must(
    "util.import-object.found",
    "import_object() returns the module, or the object in a module, that a dotted name stands for.",
    doc("util.import_object"),
)
def test_import_object():
    import os.path
    import xml.dom.minicompat

    find = api.util.import_object
    assert (find("os"), find("os.path"), find("os.path.join")) == (os, os.path, os.path.join)
    assert find("xml.dom.minicompat") is xml.dom.minicompat


@must(
    "util.import-object.missing",
    "A name that leads nowhere is an ImportError.",
    doc("util.import_object"),
)
@each(name=["os.nothing", "no_such_module", "no_such_module.thing", "os.path.nothing"])
def test_import_object_missing(name):
    with pytest.raises(ImportError, match="no"):
        api.util.import_object(name)


@must(
    "util.exec-in.names",
    "exec_in() runs source text or code in the given namespaces, without the __future__ imports of its own module.",
    doc("util.exec_in"),
)
def test_exec_in():
    outer, inner = {"x": 2}, {}
    api.util.exec_in("y = x + 1", outer, inner)
    api.util.exec_in(compile("z = x + 2", "<text>", "exec"), outer)
    assert (inner, outer["z"], "y" in outer) == ({"y": 3}, 4, False)
    with pytest.raises(NameError):
        api.util.exec_in("def f(a: unknown): pass", {})


@must(
    "util.arg-replacer.replace",
    "replace() puts a value in the place of an argument, however the call gives it, and returns the old one.",
    doc("util.ArgReplacer.replace"),
)
def test_arg_replacer():
    def function(first, wanted=None, *rest):
        """Has an argument to replace."""

    replacer = api.util.ArgReplacer(function, "wanted")
    old, args, kwargs = replacer.replace("new", (1, 2, 3), {})
    assert (old, list(args), kwargs) == (2, [1, "new", 3], {})
    old, args, kwargs = replacer.replace("new", (1,), {"wanted": 2})
    assert (old, list(args), kwargs) == (2, [1], {"wanted": "new"})
    old, args, kwargs = replacer.replace("new", (1,), {})
    assert (old, list(args), kwargs) == (None, [1], {"wanted": "new"})


@must(
    "util.arg-replacer.get-old-value",
    "get_old_value() returns an argument of a call, or the default if the call does not give it.",
    doc("util.ArgReplacer.get_old_value"),
)
def test_get_old_value():
    def function(first, wanted=None, *, named=None):
        """Has arguments to look for."""

    wanted, named = api.util.ArgReplacer(function, "wanted"), api.util.ArgReplacer(function, "named")
    assert (wanted.get_old_value((1, 2), {}), wanted.get_old_value((1,), {"wanted": 3})) == (2, 3)
    assert (wanted.get_old_value((1,), {}), wanted.get_old_value((1,), {}, "default")) == (None, "default")
    assert named.get_old_value((1, 2), {"named": 4}) == 4


@must(
    "util.object-dict.attributes",
    "The keys of an ObjectDict can be read and written as attributes; a missing one is an AttributeError.",
    doc("util.ObjectDict"),
)
def test_object_dict():
    thing = api.util.ObjectDict(a=1)
    thing.b = 2
    assert (thing.a, thing["b"], dict(thing), isinstance(thing, dict)) == (1, 2, {"a": 1, "b": 2}, True)
    with pytest.raises(AttributeError):
        _ = thing.c


# -- exceptions -------------------------------------------------------------------------------------------------------


@must(
    "util.errno-from-exception.number",
    "errno_from_exception() gives the errno of an exception, else its first argument, else None.",
    doc("util.errno_from_exception"),
)
@each(
    case=[
        labelled("errno", (OSError(5, "text"), 5)),
        labelled("argument", (ValueError(7), 7)),
        labelled("neither", (OSError(), None)),
        labelled("no-number", (OSError("text"), None)),
    ]
)
def test_errno(case):
    error, number = case
    assert api.util.errno_from_exception(error) == number


@must(
    "util.raise-exc-info.traceback",
    "raise_exc_info() raises the exception of a sys.exc_info() triple again, with its traceback.",
    doc("util.raise_exc_info"),
)
def test_raise_exc_info():
    try:
        int("first place")
    except ValueError as error:
        triple = (type(error), error, error.__traceback__)
    with pytest.raises(ValueError, match="first place") as caught:
        api.util.raise_exc_info(triple)
    assert caught.value is triple[1]
    assert 'int("first place")' in "".join(traceback.format_tb(caught.tb))


@must(
    "util.timeout-error.alias",
    "util.TimeoutError is asyncio's, and so are those of ioloop and gen.",
    doc("util.TimeoutError"),
)
@each(module=["util", "ioloop", "gen"])
def test_timeout_error(module):
    assert getattr(api, module).TimeoutError is asyncio.TimeoutError


# -- text and time ----------------------------------------------------------------------------------------------------


@must(
    "util.re-unescape.inverse",
    "re_unescape() undoes re.escape().",
    doc("util.re_unescape"),
)
@each(text=["plain", "a.b*c+(d)[e]{f}", "back\\slash", "new\nline\ttab", "caf\u00e9", ""])
def test_re_unescape(text):
    assert api.util.re_unescape(re.escape(text)) == text


@must(
    "util.re-unescape.classes",
    "An escape that re.escape() never makes, such as \\d, is refused with ValueError.",
    doc("util.re_unescape"),
)
@each(pattern=[r"\d", r"a\b", r"\w+"])
def test_re_unescape_classes(pattern):
    with pytest.raises(ValueError):
        api.util.re_unescape(pattern)


@must(
    "util.timedelta-to-seconds.fraction",
    "timedelta_to_seconds() gives the whole span in seconds, fractions included.",
    doc("util.timedelta_to_seconds"),
)
def test_timedelta():
    assert api.util.timedelta_to_seconds(datetime.timedelta(days=1, seconds=2, microseconds=500_000)) == 86402.5
    assert api.util.timedelta_to_seconds(datetime.timedelta(seconds=-3)) == -3


@must(
    "util.names.text-types",
    "unicode_type and basestring_type are str, bytes_type is bytes.",
    doc("util"),
)
def test_text_types():
    assert (api.util.unicode_type, api.util.basestring_type, api.util.bytes_type) == (str, str, bytes)


@must(
    "util.names.two-pythons",
    "u() and b() are literals of both Pythons, PY3 tells which it is.",
    doc("util"),
    needs=("legacy",),
)
def test_two_pythons():
    assert (api.util.PY3, api.util.u("caf\u00e9"), api.util.b("caf\u00e9")) == (True, "caf\u00e9", b"caf\xe9")
    assert api.util.is_finalizing() is False


# -- decompression ----------------------------------------------------------------------------------------------------


def unpacked(data, step, max_length):
    """Decompress ``data`` in pieces of ``step`` bytes with a bound; return the pieces that came out."""
    decompressor = api.util.GzipDecompressor()
    pieces = []
    for start in range(0, len(data), step):
        chunk = data[start : start + step]
        while chunk:
            pieces.append(decompressor.decompress(chunk, max_length))
            chunk = decompressor.unconsumed_tail
    return [*pieces, decompressor.flush()]


@must(
    "util.gzip.bounded",
    "decompress() returns at most max_length bytes; what it has not used is in unconsumed_tail, for the next call.",
    doc("util.GzipDecompressor.decompress"),
)
@each(step=[1, 7, 1000])
def test_gzip(step):
    data = bytes(range(256)) * 40
    pieces = unpacked(gzip.compress(data), step, 100)
    assert (b"".join(pieces), max(map(len, pieces)) <= 100) == (data, True)


@must(
    "util.gzip.truncated",
    "flush() raises an error when the input stopped before its end, and not after a complete stream.",
    doc("util.GzipDecompressor.flush"),
)
def test_gzip_truncated():
    data = gzip.compress(b"text")
    assert b"".join(unpacked(data, 100, 100)) == b"text"
    assert unpacked(b"", 100, 100) == [b""]
    for end in (1, 5, len(data) - 1):
        with pytest.raises((zlib.error, ValueError)):
            unpacked(data[:end], 100, 100)


@must(
    "util.gzip.not-gzip",
    "Data that is not gzip, or damaged, is an error of decompress() or flush(), not output.",
    doc("util.GzipDecompressor"),
)
def test_gzip_damaged():
    for data in (b"no gzip at all", zlib.compress(b"text"), gzip.compress(b"text")[:-8] + bytes(8)):
        with pytest.raises((zlib.error, ValueError)):
            unpacked(data, 100, 100)


@should(
    "util.gzip.members",
    "Several members one after the other unpack to one stream.",
    doc("util.GzipDecompressor"),
)
@each(step=[1, 1000])
def test_gzip_members(step):
    assert b"".join(unpacked(gzip.compress(b"one ") + gzip.compress(b"two"), step, 100)) == b"one two"


@must(
    "util.gzip.unbounded-deprecated",
    "Without max_length, everything is returned at once; that is deprecated.",
    doc("util.GzipDecompressor.decompress"),
)
def test_gzip_unbounded():
    with pytest.warns(DeprecationWarning, match="max_length"):
        assert api.util.GzipDecompressor().decompress(gzip.compress(b"x" * 10_000)) == b"x" * 10_000
