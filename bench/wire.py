"""A forwarder that counts: what really crosses the wire, heads and framing of HTTP included."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Wire:
    """Connections to one address, and the bytes that came back from it."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.received = 0
        self.sent = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.listener.getsockname()[1]

    def serve(self) -> None:
        """Forwards until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target)
                for pair in ((client, server, "sent"), (server, client, "received")):
                    threading.Thread(target=self.pump, args=pair, daemon=True).start()

    def pump(self, source: socket.socket, target: socket.socket, counter: str) -> None:
        """Copies one direction."""
        with contextlib.suppress(OSError):
            while part := source.recv(1 << 16):
                setattr(self, counter, getattr(self, counter) + len(part))
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def wire(address: str) -> Iterator[Wire]:
    """Counts what is exchanged with an address, until the block ends."""
    host, port = address.split(":")
    forwarder = Wire((host, int(port)))
    threading.Thread(target=forwarder.serve, daemon=True).start()
    try:
        yield forwarder
    finally:
        forwarder.listener.close()
