"""The command line of the HTTP client: ``python -m waterspout.httpclient URL...``."""

from __future__ import annotations

import sys

from waterspout.httpclient import HTTPClient, HTTPClientError
from waterspout.options import OptionParser


def main(arguments: list[str] | None = None) -> None:
    """Fetch the URLs among ``arguments``, those of the process by default, and print what the options ask for.

    The exit status is 1 when there was no answer to one of them, and the line on the error output says why.
    """
    options = _options()
    urls = options.parse_command_line(sys.argv if arguments is None else [sys.argv[0], *arguments])
    with HTTPClient() as client:
        for url in urls:
            _show(client, url, options)


def _options() -> OptionParser:
    options = OptionParser()
    options.define("print_headers", type=bool, default=False, help="print the header fields")
    options.define("print_body", type=bool, default=True, help="print the body")
    options.define("follow_redirects", type=bool, default=True, help="go where redirects lead")
    options.define("validate_cert", type=bool, default=True, help="verify the server's certificate")
    options.define("proxy_host", type=str, help="name of a proxy")
    options.define("proxy_port", type=int, help="port of the proxy")
    return options


def _show(client: HTTPClient, url: str, options: OptionParser) -> None:
    try:
        response = client.fetch(
            url,
            follow_redirects=options.follow_redirects,
            validate_cert=options.validate_cert,
            proxy_host=options.proxy_host,
            proxy_port=options.proxy_port,
        )
    except HTTPClientError as error:
        if error.response is None:
            sys.exit(f"{url}: {error.message}")
        response = error.response
    except (OSError, ValueError) as error:
        sys.exit(f"{url}: {error}")
    if options.print_headers:
        for name, value in response.headers.get_all():
            print(f"{name}: {value}")
        print()
    if options.print_body:
        sys.stdout.flush()
        sys.stdout.buffer.write(response.body)
        sys.stdout.buffer.write(b"\n")
        sys.stdout.flush()
