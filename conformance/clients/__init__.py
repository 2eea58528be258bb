"""WebSocket clients of other packages under the one name that the chapter on clients calls: ``websocket_connect``.

Each is a package with a module ``websocket``, so that a target can name it under ``import``, together with
``chapters = ["websocket.client"]``. It says how its client connects, and what a :class:`~.adapter.Peer` is there.
"""
