"""A real mail server, which takes messages over STARTTLS from one account."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .certificate import made
from .process import ROOT, Timeout, running, tail

HERE = Path(__file__).resolve().parent / "smtp"
PYTHON = ROOT / ".tools" / "smtp" / "bin" / "python"
USER = "aeolus"
PASSWORD = "a password / with: odd @ signs"


class Server:
    """A running server: where it is, and what it took."""

    def __init__(self, port: int, certificate: Path, messages: queue.Queue[str]) -> None:
        self.port = port
        self.certificate = certificate
        self.messages = messages

    def next(self) -> dict:
        """The next message it took."""
        return json.loads(self.messages.get(timeout=20))


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Runs one until the block ends; its certificate is its own authority."""
    key, certificate = made(folder / "smtp", "127.0.0.1")
    log = folder / "smtp.log"
    arguments = [PYTHON, HERE / "server.py", certificate, key, USER, PASSWORD]
    with running(arguments, log, stdout=subprocess.PIPE) as child:
        messages: queue.Queue[str] = queue.Queue()

        def drain() -> None:
            for line in child.stdout:
                messages.put(line.decode())

        threading.Thread(target=drain, daemon=True).start()
        try:
            port = int(messages.get(timeout=30))
        except queue.Empty:
            raise Timeout(f"the mail server did not get ready:\n{tail(log)}") from None
        yield Server(port, certificate, messages)
