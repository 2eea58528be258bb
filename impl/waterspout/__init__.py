"""Waterspout: the Tornado web system, written anew from its documentation and from the RFCs.

Import the submodules you use, as with Tornado: ``import waterspout.web``, ``from waterspout import gen``.
"""

from __future__ import annotations

__version__ = "0.1.0"

#: Release of this package, as text.
version = __version__

#: The release of the Tornado interface that this package follows, in the four-number form programs compare with.
version_info = (6, 6, 1, 0)
