"""The WSGI fixture application behind nginx: nginx parses the requests, serves the file and frames the responses."""

from __future__ import annotations

import asyncio
import getpass
import shutil
from pathlib import Path

from conformance.apps import CERTIFICATE, greet, listening_socket, resource_directory, scgi, until_stdin_closes


async def main() -> None:
    """Serve until standard input is closed."""
    behind = await asyncio.start_server(scgi.serve, "127.0.0.1", 0)
    listener, secured = listening_socket(), listening_socket()
    ports = [one.getsockname()[1] for one in (listener, secured, behind.sockets[0])]
    with resource_directory() as where:
        settings = dict(zip(("port", "secured", "behind"), ports, strict=True), where=where, user=getpass.getuser())
        template = Path(__file__).with_name("nginx.conf").read_text(encoding="utf-8")
        Path(where, "nginx.conf").write_text(template.format(certificate=CERTIFICATE, **settings), encoding="utf-8")
        # The listening sockets are handed down, as at an upgrade: whoever connects early waits in their queue.
        inherited = {"NGINX": "".join(f"{one.fileno()};" for one in (listener, secured))}
        command = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", where, "-c", "nginx.conf"]
        fds = [listener.fileno(), secured.fileno()]
        nginx = await asyncio.create_subprocess_exec(*command, env=inherited, pass_fds=fds)
        greet(listener, secured)
        ends = [asyncio.ensure_future(end) for end in (nginx.wait(), until_stdin_closes())]
        # An nginx that cannot start must end this program with its error, not leave the suite waiting.
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        nginx.terminate()
        await nginx.wait()


if __name__ == "__main__":
    asyncio.run(main())
