"""Runs at the start of each Python process below one that called ``waterspout.install_as_tornado()``.

It has the name tornado mean Waterspout there, too, and then gives way to the ``sitecustomize`` that would have run
without it. An older Python than Waterspout supports gets as far as the first condition.
"""

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [path for path in sys.path if os.path.abspath(path) != _here]

if sys.version_info >= (3, 10):  # noqa: UP036
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    if "waterspout" not in sys.modules:
        # The very copy that the parent uses, wherever it lies: this process may not see it on its path.
        _spec = PathFinder.find_spec("waterspout", [os.path.dirname(os.path.dirname(_here))])
        if _spec is not None and _spec.loader is not None:
            sys.modules["waterspout"] = module_from_spec(_spec)
            _spec.loader.exec_module(sys.modules["waterspout"])
    from waterspout.as_tornado import install

    install(children=False)
    _spec = PathFinder.find_spec("sitecustomize", sys.path)
    if _spec is not None and _spec.loader is not None:
        sys.modules["sitecustomize"] = module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules["sitecustomize"])
