"""Independent OAuth2 clients, each a program of its own that asks for what a person does."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from pathlib import Path

from .process import ROOT, Timeout, reap, tail

HERE = Path(__file__).resolve().parent / "clients"
PYTHON = ROOT / ".tools" / "clients" / "bin" / "python"

COMMANDS = {
    "openid-client": ("node", HERE / "openid.mjs"),
    "Authlib": (PYTHON, HERE / "authlib_client.py"),
}


def installed(name: str) -> bool:
    """Whether a client and what runs it are here."""
    if name == "Authlib":
        return PYTHON.exists()
    return bool(shutil.which("node")) and (HERE / "node_modules" / "openid-client").is_dir()


class Client:
    """A running client: it says what a person has to do, and is told what came of it."""

    def __init__(self, name: str, log: Path, *arguments: str) -> None:
        self.log = log
        self.lines: queue.Queue[str] = queue.Queue()
        with log.open("ab") as out:
            self.child = subprocess.Popen(
                [*map(str, COMMANDS[name]), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "AUTHLIB_INSECURE_TRANSPORT": "1"},
                text=True,
                start_new_session=True,
            )
        threading.Thread(target=self.drain, daemon=True).start()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_) -> None:
        reap(self.child)

    def drain(self) -> None:
        """Reads its output, so that waiting for a line can end."""
        for line in self.child.stdout:
            self.lines.put(line)
        self.lines.put("")

    def asks(self, step: str, seconds: float = 60) -> dict:
        """What it asks for next, which must be this."""
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            raise Timeout(f"the client never asked to {step}:\n{tail(self.log)}") from None
        assert line, f"the client ended before it asked to {step}:\n{tail(self.log)}"
        asked = json.loads(line)
        assert asked["step"] == step, asked
        return asked

    def tell(self, **what: str) -> None:
        """Answers it."""
        self.child.stdin.write(json.dumps(what) + "\n")
        self.child.stdin.flush()
