"""The gate's check endpoint beside a bare hyper server and nginx, in one run.

All three get the same bytes: one prepared request with a bearer token for each deployment. The
servers share one core, the load generator has the other; one server is loaded at a time, in
turns, and medians are compared. CPU per request is the figure to trust: requests per second is
limited by the generator too.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import callgrind
import workload

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from harness.process import ROOT, free_port, reap, running, wait_for  # noqa: E402

SERVERS = {"gate": 200, "hyper": 200, "nginx": 204}
DEPLOYMENTS = int(os.environ.get("DEPLOYMENTS", "1000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS_EACH", "2"))
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


def main() -> None:
    """Measures, prints and writes the result."""
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("gate-check: needs two cores, one for the servers and one for the load.")
    build()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        print(f"making a fleet of {DEPLOYMENTS} deployments and their tokens", flush=True)
        requests = workload.prepare(RELEASE / "aeolus", home, DEPLOYMENTS)
        figures = loaded(home, requests)
        print("counting instructions", flush=True)
        counted = {name: instructions(home, name, requests) for name in ("gate", "hyper")}
    report(figures, counted)


def build() -> None:
    """The release build, but with its symbols, so that instructions can be told apart by crate."""
    for package, binary in (("aeolus-cli", "aeolus"), ("aeolus-bench", "hyper-empty")):
        cargo = ["cargo", "rustc", "--quiet", "--release", "--package", package, "--bin", binary]
        subprocess.run([*cargo, "--", "-C", "strip=none"], check=True, cwd=ROOT)


def loaded(home: Path, requests: list[bytes]) -> Figures:
    """All servers under load: the medians of each, and its memory at the end."""
    script = workload.script(home, requests)
    rows: dict[str, list[Figures]] = {name: [] for name in SERVERS}
    with ExitStack() as stack:
        ports = {name: free_port() for name in SERVERS}
        pids = {}
        for name in SERVERS:
            server = [*SERVER_CORE, *command(name, home, ports[name])]
            child = stack.enter_context(running(server, home / f"{name}.log"))
            wait_for(name, lambda name=name: workload.ask(ports[name], requests[:1]), 30)
            prefer(child.pid)
            pids[name] = worker(child.pid)
            verify(name, ports[name], requests)
        print(f"loading {', '.join(SERVERS)} in turns, {ROUNDS} rounds", flush=True)
        for _ in range(ROUNDS):
            for name in SERVERS:
                rows[name].append(round_of(ports[name], pids[name], script))
        memory = {name: pss(pid) for name, pid in pids.items()}
    figures: Figures = {}
    for name, row in rows.items():
        for key in row[0]:
            figures[f"{name}_{key}"] = statistics.median(one[key] for one in row)
        figures[f"{name}_pss_mib"] = memory[name]
    return figures


def command(name: str, home: Path, port: int) -> list[str | Path]:
    """A server: the gate as it runs in production, without a control plane, or a baseline."""
    if name == "gate":
        gate = [RELEASE / "aeolus", "gate", "serve", "--data", home / "gate", "--metrics", "off"]
        return [*gate, "--proxy", "off", "--checks", f"127.0.0.1:{port}"]
    if name == "hyper":
        return [RELEASE / "hyper-empty", f"127.0.0.1:{port}"]
    (home / "nginx.conf").write_text(NGINX.format(home=home, port=port))
    return ["nginx", "-p", home, "-c", home / "nginx.conf"]


def verify(name: str, port: int, requests: list[bytes]) -> None:
    """Every answer is what it should be, so that what is measured is the real work."""
    heads = workload.ask(port, requests)
    wrong = [head for head in heads if workload.status(head) != SERVERS[name]]
    if name == "gate":
        wrong += [head for head in heads if "authorization: bearer " not in head.lower()]
        bad = {
            "forged": lambda token: token[:-8] + b"AAAAAAAA",
            "garbage": lambda _: b"garbage",
        }
        for change in bad.values():
            answer = workload.ask(port, [workload.with_token(requests[0], change)])
            wrong += [head for head in answer if workload.status(head) != 401]
    if wrong:
        raise SystemExit(f"gate-check: {name} did not answer as it should:\n{wrong[0]}")


def round_of(port: int, pid: int, script: Path) -> Figures:
    """One round of load with 64 connections, then one with a single connection, where nothing queues."""
    before, generator = cpu(pid), generator_cpu()
    done, p50, p99 = wrk(port, script, 64, SECONDS)
    used, busy = cpu(pid) - before, generator_cpu() - generator
    _, alone_p50, alone_p99 = wrk(port, script, 1, 1)
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
        raise SystemExit(f"gate-check: not every request was answered with an allow:\n{out}")
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


def instructions(home: Path, name: str, requests: list[bytes]) -> Counter[str]:
    """User-space instructions of one request by crate."""
    def serve(prefix: list[str | Path], passes: int) -> None:
        port, log = free_port(), home / "valgrind.log"
        with running([*SERVER_CORE, *prefix, *command(name, home, port)], log) as child:
            wait_for(f"{name} under valgrind", lambda: workload.ask(port, requests[:1]), 120, 0.5)
            workload.ask(port, requests * passes)
            # Callgrind writes its file when the server ends; it is waited for.
            reap(child, 60)

    return callgrind.per_request(home, len(requests), serve)


def report(figures: Figures, counted: dict[str, Counter[str]]) -> None:
    """Prints the tables and the one line, writes the JSON."""
    for base in ("hyper", "nginx"):
        figures[f"rps_vs_{base}"] = figures["gate_rps"] / figures[f"{base}_rps"]
        figures[f"cpu_vs_{base}"] = figures[f"{base}_cpu_us"] / figures["gate_cpu_us"]
    for name, crates in counted.items():
        figures[f"{name}_instructions"] = crates.total()
    figures["instructions_over_hyper"] = counted["gate"].total() - counted["hyper"].total()
    figures["decide_instructions"] = counted["gate"]["aeolus-decide"]
    figures = {key: rounded(key, value) for key, value in figures.items()}
    columns = ["rps", "cpu_us", "p50_us", "p99_us", "alone_p50_us", "alone_p99_us"]
    columns += ["generator_busy", "pss_mib"]
    print(f"\n{'server':8}" + "".join(f"{key:>15}" for key in columns))
    for name in SERVERS:
        print(f"{name:8}" + "".join(f"{figures[f'{name}_{key}']:15}" for key in columns))
    print(f"\n{'instructions per request':26}{'gate':>8}{'hyper':>8}")
    for crate, count in counted["gate"].most_common(14):
        print(f"{crate:26}{count:8.0f}{counted['hyper'][crate]:8.0f}")
    busy = f"load average {os.getloadavg()[1]:.1f}"
    result = {
        "name": "gate-check",
        "command": "make bench NAME=gate-check",
        "commit": commit(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, {busy}",
        "figures": figures,
        "instructions_by_crate": {
            name: {crate: round(count) for crate, count in crates.most_common() if count >= 1}
            for name, crates in counted.items()
        },
    }
    out = ROOT / "bench" / "results" / "gate-check.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print("\ngate-check: " + " ".join(f"{key}={value}" for key, value in figures.items()))


def rounded(key: str, value: float) -> float:
    """As many digits as mean something."""
    if "_vs_" in key or key.endswith("_busy"):
        return round(value, 2)
    return round(value, 1) if key.endswith(("cpu_us", "_mib")) else round(value)


def commit() -> str:
    """The commit that was measured, and whether something was changed since."""
    describe = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    main()
