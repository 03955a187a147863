"""The `aeolus` program and what it serves."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .process import ROOT, Timeout, running, tail

BINARY = Path(os.environ.get("AEOLUS_BINARY", ROOT / "target" / "debug" / "aeolus"))


@dataclass(frozen=True)
class Fleet:
    """What `aeolus dev` says when it is ready."""

    data: Path
    control: str
    gate: str
    proxy: str
    email: str
    password: str

    def pid(self, part: str) -> int:
        """The process id of `control` or `gate`."""
        return int((self.data / f"{part}.pid").read_text())


def first_line(child: subprocess.Popen, seconds: float) -> str:
    """The first line of a child's output, which must come in time; the rest is drained."""
    lines: queue.Queue[str] = queue.Queue()

    def drain() -> None:
        for number, line in enumerate(child.stdout):
            if number == 0:
                lines.put(line.decode())
        lines.put("")

    threading.Thread(target=drain, daemon=True).start()
    try:
        return lines.get(timeout=seconds)
    except queue.Empty:
        return ""


@contextmanager
def dev(data: Path, fleet: Path, log: Path, **addresses: str) -> Iterator[Fleet]:
    """Runs control and gate over one data folder until the block ends."""
    flags = [f"--{name.replace('_', '-')}={address}" for name, address in addresses.items()]
    command = [BINARY, "dev", "--data", data, "--fleet", fleet, "--ready-json", *flags]
    with running(command, log, stdout=subprocess.PIPE) as child:
        line = first_line(child, 60)
        try:
            ready = json.loads(line)
        except ValueError as error:
            raise Timeout(f"aeolus dev did not get ready: {line!r}\n{tail(log)}") from error
        admin = ready["admin"]
        yield Fleet(
            data, ready["control"], ready["gate"], ready["proxy"], admin["email"], admin["password"]
        )


def run(*arguments: str | Path, env: dict[str, str] | None = None, check: bool = True, stdin: str = ""):
    """Runs one command to its end; its output is text."""
    done = subprocess.run(
        [str(BINARY), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        check=False,
        timeout=60,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"aeolus {arguments[0]} … exited {done.returncode}:\n{done.stderr}")
    return done


def airflow_settings(gate_data: Path, deployment: str, gate_url: str) -> dict[str, str]:
    """The settings an Airflow needs to believe its gate, as `aeolus gate airflow-env` prints them."""
    printed = run(
        "gate", "airflow-env", "--data", gate_data, "--deployment", deployment, "--gate-url", gate_url
    ).stdout
    return dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
