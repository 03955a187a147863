"""A gate without news, played by the test: it lets everything in and says how old its knowledge is."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

AGE = "90"

IDENTITY = {"User": "ann", "Email": "ann@example.com", "Deployment": "d"}


class Check(BaseHTTPRequestHandler):
    """The answer of `/authz/nginx/…`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Authorization", "Bearer t")
        for name, value in IDENTITY.items():
            self.send_header(f"X-Aeolus-{name}", value)
        self.send_header("X-Aeolus-Staleness", AGE)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


class Authorizer(socketserver.StreamRequestHandler):
    """The same over FastCGI: a request's records, up to the empty one that ends its parameters."""

    def handle(self) -> None:
        while header := self.rfile.read(8):
            _, kind, request, length, padding, _ = struct.unpack("!BBHHBB", header)
            self.rfile.read(length + padding)
            if kind == 4 and length == 0:
                break
        variables = {"TOKEN": "Bearer t", "USER": "ann", "EMAIL": "a@b", "ID": "d", "STALENESS": AGE}
        lines = [f"Variable-AEOLUS_{name}: {value}" for name, value in variables.items()]
        head = "\r\n".join(["Status: 200", *lines, "", ""]).encode()
        for kind, content in [(6, head), (6, b""), (3, bytes(8))]:
            self.wfile.write(struct.pack("!BBHHBB", 1, kind, request, len(content), 0, 0) + content)


@contextmanager
def gate() -> Iterator[tuple[str, str]]:
    """Where it is asked over HTTP and over FastCGI, until the block ends."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Check), socketserver.ThreadingTCPServer(("127.0.0.1", 0), Authorizer)]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        http, fastcgi = (f"127.0.0.1:{server.server_address[1]}" for server in servers)
        yield http, fastcgi
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
