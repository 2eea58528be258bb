"""The fixture application under waitress."""

from __future__ import annotations

import waitress

from conformance.apps import listening_socket
from conformance.apps.wsgi_app import announce, application, end_with_stdin


def main() -> None:
    """Serve until standard input is closed."""
    listener = listening_socket()
    server = waitress.create_server(application, sockets=[listener], threads=8)
    end_with_stdin()
    announce(listener.getsockname()[1])
    server.run()


if __name__ == "__main__":
    main()
