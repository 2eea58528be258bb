"""Bridges to ASGI 3.0: an ``Application`` under a server for ASGI, and an application for ASGI on this server.

::

    app = ASGIAdapter(web.Application([...]))            # uvicorn program:app

    async with ASGIContainer(starlette_app) as container:
        HTTPServer(container).listen(8888)

Both carry HTTP with bodies in pieces, WebSocket, and the life of the process ("lifespan").
"""

from __future__ import annotations

from waterspout._asgi_adapter import ASGIAdapter
from waterspout._asgi_container import ASGIContainer

__all__ = ["ASGIAdapter", "ASGIContainer"]
