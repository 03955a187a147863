"""What can be made to fail: the network by the chaos proxy, a machine's clocks, names and disk by a library
that is loaded into one program."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .aeolus import BINARY
from .process import reap

PROXY = BINARY.with_name("aeolus-chaos")
NAME = "control.test"


class Line:
    """A network between a program and an address. What is set holds for open connections too."""

    def __init__(self, target: str) -> None:
        self.child = subprocess.Popen(
            [PROXY, target], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
        )
        self.address = self.child.stdout.readline().decode().strip()

    @property
    def port(self) -> str:
        """Where it listens on loopback."""
        return self.address.rsplit(":", 1)[1]

    def set(self, words: str) -> int:
        """One line of `aeolus_testkit::chaos::Command`; how many connections were accepted until then."""
        self.child.stdin.write(f"{words}\n".encode())
        answer = self.child.stdout.readline().decode().strip()
        assert answer.isdigit(), answer
        return int(answer)

    def end(self) -> None:
        """Resets everything."""
        reap(self.child)


class Machine:
    """What one program takes for its machine."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file = folder / f"{name}.faults"
        self.library = built(folder)
        self.faults = {"realtime": 0, "boottime": 0, "sync": 0, "names": 0, "write": 0}
        self.file.write_bytes(bytes(40))

    def set(self, **faults: int) -> None:
        """Changes it while the program runs."""
        self.faults |= faults
        with self.file.open("r+b") as file:
            file.write(struct.pack("=5q", *self.faults.values()))

    @property
    def environment(self) -> dict[str, str]:
        """What the program is started with."""
        return {"LD_PRELOAD": str(self.library), "FAULTS_FILE": str(self.file), "FAULTS_NAME": NAME}


def built(folder: Path) -> Path:
    """The library, built once for a folder."""
    library = folder / "libfaults.so"
    if not library.exists():
        source = Path(__file__).with_name("faults.c")
        command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source, "-ldl"]
        subprocess.run(command, check=True)
    return library


@contextmanager
def line(target: str) -> Iterator[Line]:
    """A network until the block ends."""
    made = Line(target)
    try:
        yield made
    finally:
        made.end()

