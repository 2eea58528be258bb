"""Templates: text with Python in it, compiled once and generated often.

::

    loader = Loader("/srv/pages")
    loader.load("hello.html").generate(name="World")

Delimiters: ``{{ EXPRESSION }}`` prints a value, ``{% DIRECTIVE %}`` does something, ``{# COMMENT #}`` is left
out; ``{{!``, ``{%!`` and ``{#!`` stand for the characters before the exclamation mark.  The directives are
``apply``, ``autoescape``, ``block``, ``break``, ``comment``, ``continue``, ``extends``, ``for``, ``from``,
``if``, ``import``, ``include``, ``module``, ``raw``, ``set``, ``try``, ``while`` and ``whitespace``, with
``elif``, ``else``, ``except``, ``finally`` and ``end``.

What is printed passes a function first, `escape.xhtml_escape` unless something else is chosen.  That makes it
safe in HTML's text and in attributes with quotes around their value; elsewhere it is not: for a script use
``{% raw json_encode(value) %}``, for a part of a URL ``url_escape``.  Templates are code: never compile what
somebody else wrote.  Documentation: ``template``.
"""

from __future__ import annotations

import linecache
import os
import posixpath
import threading
from typing import Any, Final

from waterspout._template.errors import ParseError
from waterspout._template.nodes import File
from waterspout._template.parser import parse
from waterspout._template.running import NAMES, Listing
from waterspout._template.whitespace import MODES, default_mode, filter_whitespace
from waterspout._template.writer import FUNCTION, Writer

__all__ = ["BaseLoader", "DictLoader", "Loader", "ParseError", "Template", "filter_whitespace"]


class _Unset:
    def __repr__(self) -> str:
        return "<unset>"


_UNSET: Final = _Unset()
_ESCAPE = "xhtml_escape"


class Template:
    """A compiled template.

    ``template_string`` is the source, text or UTF-8; ``name`` is for messages, and for `loader` to find what
    the template extends and includes.  ``autoescape`` names the function that expressions pass, None for none;
    ``whitespace`` is a mode of `filter_whitespace`; what is not given is the loader's.  In the years before
    that mode, ``compress_whitespace`` was true for ``single`` and false for ``all``.

    Raises `ParseError` for a source that is no template, `ValueError` for an unknown mode or for both ways to
    choose one.  Documentation: ``template.Template``.
    """

    def __init__(
        self,
        template_string: str | bytes,
        name: str = "<string>",
        loader: BaseLoader | None = None,
        compress_whitespace: bool | _Unset = _UNSET,
        autoescape: str | _Unset | None = _UNSET,
        whitespace: str | None = None,
    ) -> None:
        self.name = name
        self.loader = loader
        #: What the loader adds to the names of its templates.
        self.namespace: dict[str, Any] = loader.namespace if loader else {}
        if not isinstance(autoescape, _Unset):
            self.autoescape = autoescape
        else:
            self.autoescape = loader.autoescape if loader else _ESCAPE
        mode = _mode(name, loader, compress_whitespace, whitespace)
        self._file = parse(_decoded(template_string, name), name, mode, self.autoescape)
        #: The names of the templates that this one consists of, its own excepted.
        self._parts: set[str] = set()
        writer = Writer(self._file, self._find)
        self._filename = f"{name.replace('.', '_')}.generated.py"
        self._code = writer.code(self._filename)
        self._listing = Listing(writer.listing)

    def _find(self, name: str, parent: str) -> File:
        if self.loader is None:
            raise LookupError("a template without a loader stands alone")
        found = self.loader.load(name, parent)
        self._parts.update(found._parts, (found.name,))
        return found._file

    def generate(self, /, **kwargs: Any) -> bytes:
        """Return what the template makes of the names in ``kwargs``.

        They come before those of `namespace`, and these before those that every template knows.  Raises what
        the Python in the template raises, with a traceback that shows the template's lines.  Documentation:
        ``template.Template.generate``.
        """
        module = self.name.replace(".", "_")
        namespace = {**NAMES, "__name__": module, "__loader__": self._listing, **self.namespace, **kwargs}
        exec(self._code, namespace)
        try:
            generated: bytes = namespace[FUNCTION]()
        except BaseException:
            # Another template of this name may have been shown before; the lines are found again by __loader__.
            linecache.cache.pop(self._filename, None)
            raise
        return generated


def _mode(name: str, loader: BaseLoader | None, compress: bool | _Unset, mode: str | None) -> str:
    if not isinstance(compress, _Unset):
        if mode is not None:
            raise ValueError("compress_whitespace is the old form of whitespace; give one of them")
        mode = "single" if compress else "all"
    if mode is None and loader is not None:
        mode = loader.whitespace
    if mode is None:
        return default_mode(name)
    if mode not in MODES:
        raise ValueError(f"whitespace mode {mode!r} is none of {', '.join(MODES)}")
    return mode


def _decoded(source: str | bytes, name: str) -> str:
    if not isinstance(source, (str, bytes)):
        raise TypeError(f"a template is str or bytes, not {type(source).__name__}")
    try:
        # Surrogates, which are half characters, cannot be sent.
        octets = source.encode("utf-8") if isinstance(source, str) else source
        return octets.decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise ParseError("not UTF-8", name, _line(source, error.start)) from error


def _line(source: str | bytes, position: int) -> int:
    before = source[:position]
    return 1 + (before.count("\n") if isinstance(before, str) else before.count(b"\n"))


class BaseLoader:
    """What loaders have in common: they find templates by name, for programs and for one another, and keep them.

    ``autoescape`` and ``whitespace`` are the defaults of their templates, as of `Template`; ``namespace`` has
    names for all of them.  With ``auto_reload``, a template is compiled anew if its source, or that of another
    one that it extends or includes, has changed since; without, only after `reset`.  Loaders may be used by
    several threads.  Documentation: ``template.BaseLoader``.
    """

    def __init__(
        self,
        autoescape: str | None = _ESCAPE,
        namespace: dict[str, Any] | None = None,
        whitespace: str | None = None,
        *,
        auto_reload: bool = False,
    ) -> None:
        self.autoescape = autoescape
        self.namespace = namespace or {}
        self.whitespace = whitespace
        self.auto_reload = auto_reload
        self.templates: dict[str, Template] = {}
        self._fingerprints: dict[str, object] = {}
        self._loading: list[str] = []
        # Compiling one template loads others.
        self._lock = threading.RLock()

    def reset(self) -> None:
        """Forget the compiled templates.  Documentation: ``template.BaseLoader.reset``."""
        with self._lock:
            self.templates = {}
            self._fingerprints = {}

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """Return the full name of a template that ``parent_path`` calls ``name``.

        To be overridden.  Documentation: ``template.BaseLoader.resolve_path``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define resolve_path")

    def load(self, name: str, parent_path: str | None = None) -> Template:
        """Return the template ``name``, as seen from ``parent_path``, compiled.

        Raises what the source of templates raises if there is none, and `ParseError`.  Documentation:
        ``template.BaseLoader.load``.
        """
        name = self.resolve_path(name, parent_path)
        template = self.templates.get(name)
        if template is not None and not self.auto_reload:
            return template
        with self._lock:
            template = self.templates.get(name)
            if template is None or (self.auto_reload and self._is_stale(template)):
                template = self._compile(name)
            return template

    def _compile(self, name: str) -> Template:
        if name in self._loading:
            raise LookupError(f"{name} would be part of itself")
        self._loading.append(name)
        try:
            # First, so that a change in the meantime is seen as one.
            fingerprint = self._fingerprint(name)
            template = self._create_template(name)
        finally:
            self._loading.remove(name)
        self.templates[name] = template
        self._fingerprints[name] = fingerprint
        return template

    def _is_stale(self, template: Template) -> bool:
        parts = {template.name, *template._parts}
        return any(self._fingerprint(part) != self._fingerprints.get(part) for part in parts)

    def _create_template(self, name: str) -> Template:
        """Return the template with this full name, newly compiled; to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} must define _create_template")

    def _fingerprint(self, name: str) -> object:
        """Return what differs when the source of a template has changed."""
        return None


class Loader(BaseLoader):
    """Loads templates from a directory and those below it.

    ``root_directory`` is the directory; ``kwargs`` are those of `BaseLoader`.  Names are paths from there; in
    a template, paths from the directory of that template.  They are the program's to choose, not the
    client's: ``..`` leads where it leads.  `load` raises `OSError` for a file that cannot be read.
    Documentation: ``template.Loader``.
    """

    def __init__(self, root_directory: str | os.PathLike[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.root = os.path.abspath(root_directory)

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """Return the path from the root.  Documentation: ``template.BaseLoader.resolve_path``."""
        if not _is_relative(name, parent_path):
            return name
        assert parent_path is not None
        directory = os.path.dirname(os.path.join(self.root, parent_path))
        path = os.path.abspath(os.path.join(directory, name))
        prefix = self.root.rstrip(os.sep) + os.sep
        return path[len(prefix) :] if path.startswith(prefix) else name

    def _create_template(self, name: str) -> Template:
        with open(os.path.join(self.root, name), "rb") as file:
            return Template(file.read(), name=name, loader=self)

    def _fingerprint(self, name: str) -> object:
        try:
            status = os.stat(os.path.join(self.root, name))
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


class DictLoader(BaseLoader):
    """Loads templates from a dictionary of their sources, for example for tests.

    ``kwargs`` are those of `BaseLoader`.  `load` raises `KeyError` for a name that is not in it.
    Documentation: ``template.DictLoader``.
    """

    def __init__(self, dict: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dict = dict

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """Return the name, as a path from that of the parent.

        Documentation: ``template.BaseLoader.resolve_path``.
        """
        if not _is_relative(name, parent_path):
            return name
        assert parent_path is not None
        return posixpath.normpath(posixpath.join(posixpath.dirname(parent_path), name))

    def _create_template(self, name: str) -> Template:
        return Template(self.dict[name], name=name, loader=self)

    def _fingerprint(self, name: str) -> object:
        return self.dict.get(name)


def _is_relative(name: str, parent_path: str | None) -> bool:
    """Whether ``name`` starts from the place of its parent: one with a place, such as ``<string>`` has not."""
    return bool(parent_path) and not str(parent_path).startswith(("<", "/")) and not name.startswith("/")
