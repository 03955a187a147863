"""Many clients, hostile ones among them, against one gate: bounded in number, time and memory."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import re
import resource
import secrets
import socket
import time
from pathlib import Path

import pytest
import requests
from harness.raw import status

pytestmark = pytest.mark.alone

IDLE, ACTIVE = 10_000, 1_000


def memory_mib(pid: int, line: str) -> float:
    """A line of a process's memory (`VmRSS`, `VmHWM`) in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{line}:\s+(\d+) kB", status)[1]) / 1024


@contextlib.contextmanager
def capped(pid: int, limit: int):
    """The kernel kills the process if it needs more, where control groups (version 1 or 2) can be made."""
    for root, file in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        group = Path(root) / f"aeolus-{secrets.token_hex(4)}"
        try:
            group.mkdir()
            (group / file).write_text(str(limit))
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
            continue
        (group / "cgroup.procs").write_text(str(pid))
        try:
            yield
        finally:
            (Path(root) / "cgroup.procs").write_text(str(pid))
            group.rmdir()
        return
    print("F53: no control group can be made here; the peak alone is asserted")
    yield


@pytest.fixture
def gate(fleet) -> tuple[str, int, int]:
    """The check listener's host and port, and the gate's process."""
    host, port = fleet.gate.removeprefix("http://").split(":")
    return host, int(port), fleet.processes["gate"].pid


@pytest.fixture(scope="module")
def token(fleet) -> str:
    """A token that the gate lets in."""
    return fleet.create_token("load", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]


@pytest.fixture
def many_files():
    """Enough descriptors for this test, in this process and those it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < IDLE + ACTIVE + 1_000:
        pytest.skip(f"the limit of open files is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (IDLE + ACTIVE + 1_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def check(token: str, path: str = "/api/v2/dags") -> bytes:
    """A check, as nginx of the first deployment asks."""
    lines = [
        "GET /v1/authorization HTTP/1.1",
        "Host: gate",
        "X-Original-Method: GET",
        f"X-Original-URL: https://echo.localhost{path}",
        f"X-Auth-Request-Redirect: {path}",
        f"Authorization: Bearer {token}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_f51_ten_thousand_idle_and_a_thousand_active_connections_are_served(fleet, gate, token, many_files):
    host, port, pid = gate
    with contextlib.ExitStack() as stack:
        def connect() -> socket.socket:
            return stack.enter_context(socket.create_connection((host, port), timeout=30))

        resource.prlimit(pid, resource.RLIMIT_NOFILE, (IDLE + ACTIVE + 1_000, IDLE + ACTIVE + 1_000))
        for _ in range(IDLE):
            connect()
        active = [connect() for _ in range(ACTIVE)]
        request = check(token)
        for _ in range(3):
            for connection in active:
                connection.sendall(request)
            answers = [connection.recv(8_192).split(b" ", 2)[1] for connection in active]
            assert set(answers) == {b"200"}
        assert memory_mib(pid, "VmRSS") <= 256
    assert requests.get(f"{fleet.gate}/readyz", timeout=20).status_code == 200


def test_f53_a_flood_of_strangers_leaves_memory_bounded_and_the_known_served(fleet, gate, token):
    """`F53_SECONDS=600` makes it the ten minutes of the row; the kernel's own limit is on where this process may set one."""
    host, port, pid = gate
    with capped(pid, 128 << 20):
        flood_of_strangers(host, port, pid, token)


def flood_of_strangers(host: str, port: int, pid: int, token: str) -> None:
    """Three kinds of strangers, and beside them somebody who is known."""
    until = time.monotonic() + float(os.environ.get("F53_SECONDS", "10"))

    def flood(kind: int) -> int:
        sent, body = 0, token.rsplit(".", 1)[0]
        with socket.create_connection((host, port), timeout=30) as connection:
            while time.monotonic() < until:
                forged = f"{body}.{secrets.token_urlsafe(64)}"
                path = f"/api/v2/dags/{secrets.token_hex(1_500)}"
                request = check(*[(forged, "/api/v2/dags"), (secrets.token_hex(3_000), path), ("x", path)][kind])
                assert status(connection, request) == 401
                sent += 1
        return sent

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        floods = [pool.submit(flood, kind) for kind in range(3)]
        good = 0
        with socket.create_connection((host, port), timeout=30) as connection:
            while time.monotonic() < until:
                assert status(connection, check(token)) == 200
                good += 1
        sent = sum(flood.result() for flood in floods)
    assert sent > 1_000 and good > 100
    print(f"F53: {sent} strangers, {good} known, peak {memory_mib(pid, 'VmHWM'):.0f} MiB")
    assert memory_mib(pid, "VmHWM") <= 256, f"after {sent} strangers"
    assert os.path.exists(f"/proc/{pid}")
