"""The WSGI fixture application under waitress."""

from __future__ import annotations

import waitress

from conformance.apps import end_with_stdin, greet, listening_socket
from conformance.apps.wsgi_app import application

if __name__ == "__main__":
    listener = listening_socket()
    server = waitress.create_server(application, sockets=[listener], threads=8)
    end_with_stdin()
    greet(listener)
    server.run()
