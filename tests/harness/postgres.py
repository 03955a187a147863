"""A PostgreSQL of one test: Debian's server on a Unix socket in a folder of its own, to be frozen, killed and
started again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .process import wait_for


def programs() -> Path | None:
    """Where the newest installed server's programs are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


class Postgres:
    """A server with one empty database, whose files stay when it dies."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, programs()
        # The server refuses root.
        self.owner = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        if self.owner:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
        self.url = f"postgres:///postgres?host={folder}&user=aeolus"
        command = ["initdb", "--auth=trust", "--username=aeolus", "--encoding=UTF8", "--locale=C", "--no-sync"]
        self.run(*command, "--pgdata", f"{folder}/data")
        self.child: subprocess.Popen | None = None

    def run(self, name: str, *arguments: str) -> None:
        """One of its programs, to the end."""
        subprocess.run([self.bin / name, *arguments], check=True, capture_output=True, cwd="/", **self.owner)

    def start(self, *options: str) -> None:
        """Starts the server and waits until it takes connections. `options` are settings of its own."""
        more = [part for option in options for part in ("-c", option)]
        with (self.folder / "log").open("ab") as log:
            command = [self.bin / "postgres", "-D", f"{self.folder}/data", "-k", str(self.folder)]
            self.child = subprocess.Popen(
                [*command, "-c", "listen_addresses=", *more],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **self.owner,
            )
        port = next((option.removeprefix("port=") for option in options if option.startswith("port=")), "5432")
        asked = [self.bin / "pg_isready", "-h", self.folder, "-p", port, "-U", "aeolus", "-q"]
        wait_for("PostgreSQL", lambda: subprocess.run(asked, check=False).returncode == 0, 60)

    def processes(self) -> list[int]:
        """The server's processes, each of which is a group of its own."""
        children = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split()
        return [self.child.pid, *map(int, children)]

    def signal(self, number: signal.Signals) -> None:
        """Signals all of them."""
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def freeze(self) -> None:
        """It takes connections and answers nothing."""
        self.signal(signal.SIGSTOP)

    def kill(self) -> None:
        """It is gone, as with a power cut, and leaves its files."""
        if self.child is not None:
            self.signal(signal.SIGKILL)
            self.child.wait()
            self.child = None


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A running server until the block ends. Its folder has a short name, because its socket is in it."""
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    server = None
    try:
        server = Postgres(folder)
        server.start()
        yield server
    finally:
        if server is not None:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)
