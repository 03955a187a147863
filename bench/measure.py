"""Loading servers one at a time, and what can be read of it: the parts that the benchmarks share."""

from __future__ import annotations

import contextlib
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import callgrind
import workload

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from harness.process import ROOT, free_port, reap, running, wait_for  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS_EACH", "2"))
BINARIES = [("aeolus-cli", "aeolus"), *(("aeolus-bench", name) for name in ("hyper-empty", "credentials", "grow"))]
TICK = os.sysconf("SC_CLK_TCK")
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
SERVER_CORE, LOAD_CORE = (["taskset", "-c", core] for core in "01")

NGINX = """
worker_processes 1; daemon off; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000; client_body_temp_path {home}/b; proxy_temp_path {home}/p;
  fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }} }}
"""

Figures = dict[str, float]
Command = Callable[[int], list[str | Path]]


def build() -> None:
    """The release build, but with its symbols, so that instructions can be told apart by crate."""
    for package, binary in BINARIES:
        cargo = ["cargo", "rustc", "--quiet", "--release", "--package", package, "--bin", binary]
        subprocess.run([*cargo, "--", "-C", "strip=none"], check=True, cwd=ROOT)


def gate(folder: Path, port: int) -> list[str | Path]:
    """The gate as it runs in production, without a control plane."""
    command = [RELEASE / "aeolus", "gate", "serve", "--data", folder, "--metrics", "off"]
    return [*command, "--proxy", "off", "--checks", f"127.0.0.1:{port}"]


def hyper(port: int) -> list[str | Path]:
    """The least that the gate's library can do."""
    return [RELEASE / "hyper-empty", f"127.0.0.1:{port}"]


def nginx(home: Path, port: int) -> list[str | Path]:
    """nginx with `return 204`."""
    (home / "nginx.conf").write_text(NGINX.format(home=home, port=port))
    return ["nginx", "-p", home, "-c", home / "nginx.conf"]


@dataclass(frozen=True)
class Server:
    """Something that answers requests: how it is started, what it is asked in each round, and the
    status that shows that it did its work."""

    command: Command
    rounds: list[list[bytes]]
    status: int = 200
    # Also asked one at a time, which is only fair where nothing depends on what was asked before.
    alone: bool = True


def load(home: Path, servers: dict[str, Server], verify: Callable[[str, int], None]) -> dict[str, Figures]:
    """Loads all servers in turns, round by round: the medians of each, and its memory at the end."""
    rows: dict[str, list[Figures]] = {name: [] for name in servers}
    scripts = {name: scripts_of(home, name, server.rounds) for name, server in servers.items()}
    with ExitStack() as stack:
        ports, pids, started = {}, {}, {}
        for name, server in servers.items():
            ports[name] = port = free_port()
            command = [*SERVER_CORE, *server.command(port)]
            began = time.monotonic()
            child = stack.enter_context(running(command, home / f"{name}.log"))
            wait_for(name, lambda port=port: workload.ask(port, servers["hyper"].rounds[0][:1]), 60, 0.005)
            started[name] = (time.monotonic() - began) * 1e3
            prefer(child.pid)
            pids[name] = worker(child.pid)
            verify(name, port)
        print(f"loading {', '.join(servers)} in turns, {ROUNDS} rounds", flush=True)
        for number in range(ROUNDS):
            for name, server in servers.items():
                script = scripts[name][number % len(scripts[name])]
                rows[name].append(round_of(ports[name], pids[name], script, server.alone))
        memory = {name: pss(pid) for name, pid in pids.items()}
    return {
        name: {**medians(row), "pss_mib": memory[name], "start_ms": started[name]} for name, row in rows.items()
    }


def medians(rounds: list[Figures]) -> Figures:
    """The median of each figure."""
    return {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}


def scripts_of(home: Path, name: str, rounds: list[list[bytes]]) -> list[Path]:
    """One script for wrk for each round that has requests of its own."""
    return [workload.script(home, f"{name}-{number}", requests) for number, requests in enumerate(rounds)]


def round_of(port: int, pid: int, script: Path, alone: bool) -> Figures:
    """One round of load with 64 connections, then one with a single connection, where nothing queues."""
    before, generator = cpu(pid), generator_cpu()
    done, p50, p99 = wrk(port, script, 64, SECONDS)
    used, busy = cpu(pid) - before, generator_cpu() - generator
    _, alone_p50, alone_p99 = wrk(port, script, 1, 1) if alone else (0, math.nan, math.nan)
    return {
        "rps": done / SECONDS,
        "cpu_us": used * 1e6 / done,
        "p50_us": p50,
        "p99_us": p99,
        "alone_p50_us": alone_p50,
        "alone_p99_us": alone_p99,
        "generator_busy": busy / SECONDS,
    }


def wrk(port: int, script: Path, connections: int, seconds: int) -> tuple[int, float, float]:
    """Loads a server: requests, median and 99th percentile of the latency in microseconds."""
    load = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script]
    child = subprocess.Popen(
        [*map(str, [*LOAD_CORE, *load]), f"http://127.0.0.1:{port}/"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    prefer(child.pid)
    out, _ = child.communicate(timeout=60)
    if child.returncode or "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"bench: not every request was answered with an allow:\n{out}")
    words = {line.split()[0]: line.split()[1] for line in out.splitlines() if len(line.split()) >= 2}
    done = next(int(line.split()[0]) for line in out.splitlines() if " requests in " in line)
    return done, micros(words["50%"]), micros(words["99%"])


def micros(text: str) -> float:
    """A duration of wrk's in microseconds."""
    for unit, factor in (("us", 1), ("ms", 1e3), ("s", 1e6)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise ValueError(text)


def prefer(pid: int) -> None:
    """Puts a process and its session before the machine's other work, where that is allowed."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PGRP, pid, -15)
        Path(f"/proc/{pid}/autogroup").write_text("-15")


def cpu(pid: int) -> float:
    """Seconds of CPU a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def generator_cpu() -> float:
    """Seconds of CPU of the generators that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pss(pid: int) -> float:
    """Proportional memory of a process in MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def worker(pid: int) -> int:
    """The process that does the work: nginx's only worker, else the process itself."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def instructions(home: Path, command: Command, requests: list[bytes]) -> Counter[str]:
    """User-space instructions of one request by crate."""
    def serve(prefix: list[str | Path], passes: int) -> None:
        port = free_port()
        with running([*SERVER_CORE, *prefix, *command(port)], home / "valgrind.log") as child:
            wait_for("a server under valgrind", lambda: workload.ask(port, requests[:1]), 120, 0.5)
            workload.ask(port, requests * passes)
            # Callgrind writes its file when the server ends; it is waited for.
            reap(child, 60)

    return callgrind.per_request(home, len(requests), serve)


def rounded(key: str, value: float) -> float | None:
    """As many digits as mean something."""
    if math.isnan(value):
        return None
    if key.endswith("_busy"):
        return round(value, 2)
    return round(value, 1) if key.endswith(("cpu_us", "_mib")) else round(value)


def machine() -> str:
    """What this ran on."""
    busy = f"load average {os.getloadavg()[1]:.1f}"
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, {busy}"


def commit() -> str:
    """The commit that was measured, and whether something was changed since."""
    describe = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


