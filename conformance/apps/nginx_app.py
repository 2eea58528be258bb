"""The fixture application behind nginx, by SCGI: nginx parses the requests and frames the responses."""

from __future__ import annotations

import asyncio
import getpass
import io
import shutil
import socket
import tempfile
import traceback
from pathlib import Path
from typing import Any

from conformance.apps import until_stdin_closes
from conformance.apps.wsgi_app import announce, application

_CONFIGURATION = """
user {user}; daemon off; worker_processes 1; error_log stderr crit; pid {where}/pid;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {where}/body; scgi_temp_path {where}/scgi; proxy_temp_path {where}/proxy;
  fastcgi_temp_path {where}/fastcgi; uwsgi_temp_path {where}/uwsgi; client_max_body_size 64m;
  server {{
    listen 127.0.0.1:{port}; keepalive_timeout 60;
    location / {{
      scgi_pass 127.0.0.1:{behind}; scgi_buffering off; scgi_param REQUEST_METHOD $request_method;
      scgi_param REQUEST_URI $request_uri; scgi_param PATH_INFO $uri; scgi_param QUERY_STRING $query_string;
      scgi_param SERVER_PROTOCOL $server_protocol; scgi_param CONTENT_TYPE $content_type;
    }}
  }}
}}
"""


async def _scgi(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request of nginx (a netstring of NUL-terminated names and values, then the body)."""
    size = int((await reader.readuntil(b":"))[:-1])
    words = (await reader.readexactly(size + 1)).decode("latin-1").split("\0")
    environ: dict[str, Any] = {}
    for name, value in zip(words[:-1:2], words[1:-1:2], strict=True):
        # Repeated field lines come one by one.
        environ[name] = f"{environ[name]}, {value}" if name.startswith("HTTP_") and name in environ else value
    # The length of what nginx has gathered; the field of the request, if there is one, is HTTP_CONTENT_LENGTH.
    body = await reader.readexactly(int(environ.pop("CONTENT_LENGTH") or 0))
    environ |= {"wsgi.input": io.BytesIO(body), "wsgi.url_scheme": "http"}

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        lines = [f"Status: {status}", *(f"{name}: {value}" for name, value in headers)]
        writer.write("".join(line + "\r\n" for line in [*lines, ""]).encode("latin-1"))

    try:
        for part in application(environ, start_response):
            writer.write(part)
            await writer.drain()
    except Exception:
        traceback.print_exc()
        start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
        writer.write(b"the application failed")
    finally:
        writer.close()


async def main() -> None:
    """Serve until standard input is closed."""
    behind = await asyncio.start_server(_scgi, "127.0.0.1", 0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="conform-nginx-") as where:
        settings = {"where": where, "port": port, "behind": behind.sockets[0].getsockname()[1]}
        (Path(where) / "nginx.conf").write_text(_CONFIGURATION.format(user=getpass.getuser(), **settings))
        command = shutil.which("nginx") or "/usr/sbin/nginx"
        nginx = await asyncio.create_subprocess_exec(command, "-p", where, "-c", f"{where}/nginx.conf")
        while await asyncio.to_thread(_refuses, port) and nginx.returncode is None:
            await asyncio.sleep(0.02)
        announce(port)
        await until_stdin_closes()
        nginx.terminate()
        await nginx.wait()


def _refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


if __name__ == "__main__":
    asyncio.run(main())
