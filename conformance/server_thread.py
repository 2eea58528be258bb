"""The reference's server in a thread of this process, for saboteurs.

A saboteur has changed the reference inside the process that judges it, so its server can run there, too. A process of
its own for each of some hundred servers, each needed for a few cases, would spend most of its time on imports.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from conformance.apps.api_app import start
from conformance.saboteurs import Patches
from conformance.server_process import START_SECONDS
from conformance.verdict import NotTestable


class ServerThread:
    """Has the interface of :class:`conformance.server_process.ServerProcess`."""

    def __init__(self, patches: Patches) -> None:
        self._patches = patches
        self._address: tuple[str, int] | None = None
        self._failure = ""
        self._listening = threading.Event()
        self.capabilities: dict[str, Any] = {}

    def address(self) -> tuple[str, int]:
        """Return host and port, starting the server at the first call. Raises NotTestable when it does not start."""
        if self._address is None and not self._failure:
            threading.Thread(target=self._serve, daemon=True).start()
            self._listening.wait(START_SECONDS)
        if self._address is None:
            raise NotTestable(self._failure or f"the saboteur's server did not start within {START_SECONDS:.0f} s")
        return self._address

    @property
    def died(self) -> bool:
        """Whether the server has ended by itself."""
        return bool(self._failure)

    def has_died(self, look_closely: bool = False) -> bool:
        """Whether the server has ended by itself."""
        return self.died

    def log(self) -> str:
        """Return why the server ended, if it did."""
        return self._failure

    def log_position(self) -> int:
        """Return 0: what a saboteur's server logs is of no interest."""
        return 0

    def log_since(self, position: int) -> str:
        """Return why the server ended, if it did."""
        return self._failure

    def stop(self) -> None:
        """Do nothing: the thread ends with the process, which judges this one saboteur."""

    def _serve(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:
            self._failure = f"the saboteur's server failed: {error!r}"
        finally:
            self._listening.set()

    async def _run(self) -> None:
        listener, secured = await start(self._patches.package, self._patches.tamper)
        self.capabilities = {"https": secured.getsockname()[1]}
        self._address = listener.getsockname()
        self._listening.set()
        await asyncio.Event().wait()
