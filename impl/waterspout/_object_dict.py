"""The class behind ``util.ObjectDict``, which the protocol cores use: they know of no event loop, and ``util`` does."""

from __future__ import annotations

from typing import Any


class ObjectDict(dict[str, Any]):
    """A dictionary whose keys can also be read and written as attributes.

    Documentation: ``util.ObjectDict``.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value
