"""The fixture application under cheroot, the server of CherryPy."""

from __future__ import annotations

from cheroot import wsgi

from conformance.apps.wsgi_app import announce, application, when_stdin_closes


def main() -> None:
    """Serve until standard input is closed."""
    server = wsgi.Server(("127.0.0.1", 0), application, numthreads=10)
    server.prepare()
    announce(server.bind_addr[1])
    when_stdin_closes(server.stop)
    server.serve()


if __name__ == "__main__":
    main()
