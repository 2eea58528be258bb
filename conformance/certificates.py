"""Certificates for cases on TLS: good ones, and some that must be refused.

One authority signs them all. It lives as long as the suite's process; the files are where ``ssl`` wants files. The
library that makes certificates takes long to import, so only cases on TLS do.
"""

from __future__ import annotations

import atexit
import datetime
import functools
import shutil
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import trustme

#: The name that the good certificate is for.
HOST = "server.test"
_TRUSTED = "Trusted by the suite"
_STRANGER = "A stranger"


@functools.cache
def _authority(name: str) -> trustme.CA:
    import trustme

    return trustme.CA(organization_name=name)


@functools.cache
def _folder() -> Path:
    path = tempfile.mkdtemp(prefix="conform-tls-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return Path(path)


@functools.cache
def certificate_file(fault: str = "") -> str:
    """Return the path of a certificate and its key.

    ``fault`` is empty for a good one, or "name" for one of another host, "common-name" for one that has the name only
    where it does not count, "expired", or "authority" for one that a stranger signed.
    """
    now = datetime.datetime.now(datetime.timezone.utc)
    began, ended = now - datetime.timedelta(days=3), now + datetime.timedelta(days=1)
    if fault == "expired":
        ended = now - datetime.timedelta(days=1)
    issuer = _authority(_STRANGER if fault == "authority" else _TRUSTED)
    elsewhere = fault in ("name", "common-name")
    names = ["stranger.test"] if elsewhere else [HOST, "localhost", "127.0.0.1", "::1"]
    common_name = "127.0.0.1" if fault == "common-name" else None
    leaf = issuer.issue_cert(*names, common_name=common_name, not_before=began, not_after=ended)
    path = _folder() / f"{fault or 'good'}.pem"
    leaf.private_key_and_cert_chain_pem.write_to_path(str(path))
    return str(path)


@functools.cache
def authority_file() -> str:
    """Return the path of the authority's own certificate."""
    path = _folder() / "trusted.pem"
    _authority(_TRUSTED).cert_pem.write_to_path(str(path))
    return str(path)


def server_options(fault: str = "") -> dict[str, Any]:
    """Return TLS options of a server, as a dict; ``fault`` as for :func:`certificate_file`."""
    return {"certfile": certificate_file(fault)}


def client_options() -> dict[str, Any]:
    """Return TLS options of a client that trusts the authority, as a dict."""
    return {"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": authority_file()}


def server_context(fault: str = "") -> ssl.SSLContext:
    """Return the same as a context."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate_file(fault))
    return context


def client_context() -> ssl.SSLContext:
    """Return a client's context that trusts the authority and verifies names."""
    return ssl.create_default_context(cafile=authority_file())
