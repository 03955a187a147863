"""`*.localhost` is this machine (RFC 6761 §6.3), also where the system's resolver doesn't know it."""

from __future__ import annotations

import socket

_resolve = socket.getaddrinfo


def _loopback(host, *arguments, **options):
    name = host.decode() if isinstance(host, bytes) else host
    if isinstance(name, str) and (name == "localhost" or name.endswith(".localhost")):
        host = "127.0.0.1"
    return _resolve(host, *arguments, **options)


def install() -> None:
    """Makes every client in this process resolve `*.localhost` to 127.0.0.1."""
    socket.getaddrinfo = _loopback
