"""Child processes that are always reaped, and waiting that always ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Timeout(AssertionError):
    """Something did not happen in time."""


def wait_for(what: str, ready: Callable[[], object], seconds: float = 30, every: float = 0.1):
    """Polls until `ready` returns something true, and returns that."""
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = ready()
            if last:
                return last
        except (OSError, ValueError, KeyError) as error:
            last = error
        time.sleep(every)
    raise Timeout(f"{what}: not within {seconds:.0f} s (last: {last!r})")


def wait_for_line(log: Path, text: str, seconds: float = 20) -> None:
    """Polls until a program's log holds `text`: a program answers first and its log is written after."""
    wait_for(f"{text!r} in {log.name}", lambda: text in log.read_text(), seconds)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def signal_group(child: subprocess.Popen, number: signal.Signals) -> None:
    """Signals a child and everything it started."""
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        pass


def state(child: subprocess.Popen) -> str:
    """A child's state as the kernel names it: R, S, T (stopped), Z (dead)."""
    return Path(f"/proc/{child.pid}/stat").read_text().rsplit(") ", 1)[1][0]


def reap(child: subprocess.Popen, grace: float = 10) -> None:
    """Ends a child and everything it started."""
    signal_group(child, signal.SIGTERM)
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        pass
    signal_group(child, signal.SIGKILL)
    child.wait()


@contextmanager
def running(
    command: list[str | Path],
    log: Path,
    env: dict[str, str] | None = None,
    **options,
) -> Iterator[subprocess.Popen]:
    """Runs a program in a process group of its own, its output in `log`, until the block ends."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        child = subprocess.Popen(
            [str(part) for part in command],
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", out),
            stderr=out,
            env={**os.environ, **(env or {})},
            start_new_session=True,
            **options,
        )
    try:
        yield child
    finally:
        reap(child)


def tail(log: Path, lines: int = 30) -> str:
    """The end of a log, for an error's text."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""
