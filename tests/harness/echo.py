"""An application that answers with the request it got, byte for byte, as JSON."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers every method alike."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        seen = {
            "method": self.command,
            "target": self.path,
            "headers": [[name, value] for name, value in self.headers.items()],
            "body": self.rfile.read(length).decode("latin-1"),
        }
        self.server.seen.append(seen)
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


class Server(ThreadingHTTPServer):
    """Remembers what reaches it."""

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[dict] = []
        self.tls = tls

    def finish_request(self, request, client_address) -> None:
        """In the connection's own thread, so that a handshake keeps nobody waiting."""
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        try:
            encrypted = self.tls.wrap_socket(request, server_side=True)
        except OSError:
            # Whoever doesn't believe the certificate goes away.
            return
        with encrypted:
            super().finish_request(encrypted, client_address)


@dataclass(frozen=True)
class Echo:
    """A running echo application."""

    server: Server

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.server_address[1]

    def count(self) -> int:
        """How many requests have reached it."""
        return len(self.server.seen)

    def since(self, count: int) -> list[dict]:
        """The requests that reached it after so many."""
        return self.server.seen[count:]


@contextmanager
def server(tls: ssl.SSLContext | None = None) -> Iterator[Echo]:
    """Runs it until the block ends, behind TLS if it has a certificate."""
    listening = Server(tls)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield Echo(listening)
    finally:
        listening.shutdown()
        listening.server_close()
