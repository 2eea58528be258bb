"""Fuzzes one target by atheris, until libFuzzer's options say that it is enough; started by `property_tests.fuzz`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["waterspout"]):
    from property_tests.fuzz.targets import TARGETS


def main() -> None:
    """Run the target that the first argument names; the rest are options and directories for libFuzzer."""
    name, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
