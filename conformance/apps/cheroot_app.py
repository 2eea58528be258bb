"""The WSGI fixture application under cheroot, the server of CherryPy."""

from __future__ import annotations

import threading

from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter

from conformance.apps import CERTIFICATE, end_with_stdin, greet
from conformance.apps.wsgi_app import application

if __name__ == "__main__":
    clear, tls = (wsgi.Server(("127.0.0.1", 0), application, numthreads=10) for _ in range(2))
    tls.ssl_adapter = BuiltinSSLAdapter(str(CERTIFICATE), str(CERTIFICATE))
    for server in (clear, tls):
        server.max_request_body_size = 64 * 1024 * 1024
        server.prepare()
    end_with_stdin()
    greet(clear.socket, tls.socket)
    threading.Thread(target=tls.serve, daemon=True).start()
    clear.serve()
