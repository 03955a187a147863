"""A network that leads nowhere but to this machine's end of one cable. Needs root and iproute2."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Namespace:
    """Where a program is that runs behind `prefix`; the machine is at `gateway` from there."""

    prefix: list[str]
    gateway: str


def possible() -> bool:
    """Whether one can be made here."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


@contextmanager
def namespace() -> Iterator[Namespace]:
    """One that is there until the block ends, without a route to anywhere else."""
    mark = os.getpid() % 4096
    name, here, there = f"aeolus-{mark}", f"ae{mark}h", f"ae{mark}n"
    subnet = f"10.{201 + mark // 256}.{mark % 256}"

    def ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    ip("netns", "add", name)
    try:
        ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        ip("addr", "add", f"{subnet}.1/30", "dev", here)
        ip("link", "set", here, "up")
        ip("-n", name, "addr", "add", f"{subnet}.2/30", "dev", there)
        ip("-n", name, "link", "set", there, "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield Namespace(["ip", "netns", "exec", name], f"{subnet}.1")
    finally:
        # Its cable goes with it.
        ip("netns", "del", name)
