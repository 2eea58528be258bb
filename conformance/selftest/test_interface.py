"""The documented interface, and what of it Waterspout has."""

from __future__ import annotations

import sys
import types

import pytest

from conformance import interface
from conformance.interface import Name

SHARES = {share.module: share for share in interface.coverage("waterspout")}


@pytest.mark.parametrize("module", sorted(SHARES))
def test_a_module_that_is_finished_has_every_name(module: str) -> None:
    """Current and legacy, with the parameters of both."""
    if module not in interface.unfinished():
        assert SHARES[module].missing == []


def test_modules_that_are_not_finished_are_documented_ones() -> None:
    """A misspelt module would excuse nothing and nobody would see."""
    assert set(interface.unfinished()) <= set(SHARES)


def test_the_sum_counts_what_is_missing() -> None:
    """Of every module, finished or not; only what is excluded with a reason is left out."""
    *modules, last = interface.lines(list(SHARES.values()))
    missing = sum(len(share.missing) for share in SHARES.values())
    excluded = sum(share.excluded for share in SHARES.values())
    total = len(interface.names()) - excluded

    assert last == f"interface: {total - missing} of {total} names"
    assert len(modules) == len(SHARES)


class Shop:
    """Has something of each kind."""

    stock: int
    price = 1

    def __init__(self, name: str) -> None:
        self.name = name

    def sell(self, number: int) -> None:
        """Do nothing."""

    @property
    def open(self) -> bool:
        """Whether it is open."""
        return True


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (Name("", "Shop", "class"), ""),
        (Name("", "Shop", "function"), ""),
        (Name("", "shop", "class"), "missing"),
        (Name("", "Shop.sell", "method", parameters=("number",)), ""),
        (Name("", "Shop.sell", "method", parameters=("number", "price")), "takes no price"),
        (Name("", "Shop.sell", "method", legacy_parameters=("callback",)), "takes no callback"),
        (Name("", "Shop.price", "method"), "cannot be called"),
        (Name("", "Shop.open", "method"), "cannot be called"),
        (Name("", "Shop.open", "property"), ""),
        (Name("", "Shop.sell", "class"), "no class"),
        (Name("", "Shop.name", "attribute"), ""),
        (Name("", "Shop.stock", "attribute"), ""),
        (Name("", "Shop.price", "attribute"), ""),
        (Name("", "Shop.owner", "attribute"), "no such attribute"),
        (Name("", "Stall.sell", "method"), "its class is missing"),
        (Name("cellar", "Shop", "class"), "no module: No module named 'some_package.cellar'"),
    ],
    ids=lambda value: value.full + "-" + value.kind if isinstance(value, Name) else None,
)
def test_a_name_is_there_when_it_is_of_its_kind(name: Name, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise what is wrong is said."""
    package = types.ModuleType("some_package")
    package.__path__ = []
    package.Shop = Shop  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "some_package", package)

    assert interface.lack("some_package", name).split(" (")[0] == problem
