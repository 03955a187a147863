"""The gate's check endpoint beside a bare hyper server and nginx, in one run.

All three get the same bytes: 1,000 prepared requests with bearer tokens for 1,000 deployments.
The servers share one core, the load generator has the other; one server is loaded at a time,
in turns, and medians are compared. CPU per request is the figure to trust: requests per second
is limited by the generator too.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from harness.process import ROOT, free_port, reap, running, wait_for  # noqa: E402

SERVERS = ("gate", "hyper", "nginx")
DEPLOYMENTS = int(os.environ.get("DEPLOYMENTS", "1000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS_EACH", "2"))
TICK = os.sysconf("SC_CLK_TCK")
RELEASE = ROOT / "target" / "release"

Requests = list[tuple[str, dict[str, str]]]

NGINX = """
worker_processes 1; daemon off; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000; client_body_temp_path {home}/b; proxy_temp_path {home}/p;
  fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }} }}
"""

LUA = """
local requests, next = {}, 0
for line in io.lines("%s") do
  local path, headers = line:match("^(%%S+)\\t(.*)$")
  local set = {}
  for name, value in headers:gmatch("([^:\\t]+): ([^\\t]+)") do set[name] = value end
  requests[#requests + 1] = wrk.format("GET", path, set)
end
request = function() next = next %% #requests + 1; return requests[next] end
"""


def fleet(names: list[str]) -> str:
    """A fleet document with one deployment per name."""
    lines = [
        "version: 1",
        "planes: [{name: bench, authHost: bench.test}]",
        "connections: [{name: local, type: local}]",
        "organizations:",
        "  - name: acme",
        "    users: [{email: ann@example.com, role: ORGANIZATION_MEMBER}]",
        "    workspaces:",
        "      - name: all",
        "        grants: [{user: ann@example.com, role: WORKSPACE_OPERATOR}]",
        "        deployments:",
    ]
    for name in names:
        lines.append(f"          - {{name: {name}, plane: bench, hosts: [{name}.bench.test]}}")
    return "\n".join(lines) + "\n"


def prepare(home: Path) -> Requests:
    """A gate's data folder and the requests to send."""
    names = [f"d{number:04}" for number in range(DEPLOYMENTS)]
    (home / "fleet.yaml").write_text(fleet(names))
    aeolus = RELEASE / "aeolus"
    build = ["plane", "build", "-f", home / "fleet.yaml", "--plane", "bench", "--keys", home / "keys"]
    subprocess.run([aeolus, *build, "--out", home / "gate"], check=True, stdout=subprocess.DEVNULL)
    mint = ["token", "create", "--keys", home / "keys", "--user", "ann@example.com", "--output", "json"]
    requests = []
    for name in names:
        made = subprocess.run(
            [aeolus, *mint, "--deployment", f"acme/all/{name}"], check=True, capture_output=True
        )
        token = json.loads(made.stdout)["token"]
        headers = {
            "Host": "auth.internal",
            "X-Original-URL": f"https://{name}.bench.test/api/v2/dags?limit=100",
            "X-Original-Method": "GET",
            "X-Forwarded-For": "192.0.2.7",
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": "apache-airflow-client/3.3",
        }
        requests.append((f"/authz/nginx/{audience(token).rsplit(':', 1)[1]}", headers))
    return requests


def audience(token: str) -> str:
    """The audience of a token, which names its deployment."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["aud"]


def cpu(pid: int) -> float:
    """Seconds of CPU a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def pss(pid: int) -> float:
    """Proportional memory of a process in MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def load(port: int, script: Path) -> dict[str, float]:
    """One round of load; requests per second and latencies."""
    command = ["taskset", "-c", "1", "wrk", "-t1", "-c64", f"-d{SECONDS}s", "--latency", "-s", script]
    out = subprocess.run(
        [*map(str, command), f"http://127.0.0.1:{port}/"], check=True, capture_output=True, text=True
    ).stdout
    words = {line.split()[0]: line.split()[1] for line in out.splitlines() if len(line.split()) >= 2}
    done = next(int(line.split()[0]) for line in out.splitlines() if " requests in " in line)
    bad = [line for line in out.splitlines() if "Non-2xx" in line]
    if bad:
        raise SystemExit(f"gate-check: not every answer was an allow: {bad[0].strip()}")
    return {"requests": done, "p50": micros(words["50%"]), "p99": micros(words["99%"])}


def micros(text: str) -> float:
    """A duration of wrk's in microseconds."""
    for unit, factor in (("us", 1), ("ms", 1e3), ("s", 1e6)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise ValueError(text)


def listens(port: int) -> bool:
    """Whether somebody accepts connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def command(name: str, home: Path, port: int) -> list[str | Path]:
    """A server: the gate as it runs in production, without a control plane, or a baseline."""
    if name == "gate":
        gate = [RELEASE / "aeolus", "gate", "serve", "--data", home / "gate", "--metrics", "off"]
        return [*gate, "--proxy", "off", "--checks", f"127.0.0.1:{port}"]
    if name == "hyper":
        return [RELEASE / "hyper-empty", f"127.0.0.1:{port}"]
    (home / "nginx.conf").write_text(NGINX.format(home=home, port=port))
    return ["nginx", "-p", home, "-c", home / "nginx.conf"]


def instructions(home: Path, name: str, requests: Requests) -> float:
    """User-space instructions of one request, by callgrind: the difference of two lengths."""
    counts = {}
    for passes in (2, 8):
        port = free_port()
        out = home / f"callgrind.{name}.{passes}"
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        with running([*valgrind, *command(name, home, port)], home / "valgrind.log") as child:
            wait_for(f"{name} under valgrind", lambda port=port: listens(port), 120, 0.5)
            send(port, requests, passes)
            child.terminate()
            child.wait(60)
        total = next(line for line in out.read_text().splitlines() if line.startswith(("totals:", "summary:")))
        counts[passes] = int(total.split()[1])
    return (counts[8] - counts[2]) / (6 * len(requests))


def send(port: int, requests: Requests, passes: int) -> None:
    """Sends every request `passes` times on one connection."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        answers = connection.makefile("rb")
        for _ in range(passes):
            for path, headers in requests:
                head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                connection.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
                status = answers.readline()
                if b" 200 " not in status:
                    raise SystemExit(f"gate-check: {status!r}")
                while answers.readline() not in (b"\r\n", b""):
                    pass


def refuses_garbage(port: int, request: tuple[str, dict[str, str]]) -> None:
    """What was measured does check: a token with another signature is not let in."""
    path, headers = request
    forged = headers["Authorization"][:-8] + "AAAAAAAA"
    try:
        send(port, [(path, {**headers, "Authorization": forged})], 1)
    except SystemExit as refused:
        if " 401 " in str(refused):
            return
    raise SystemExit("gate-check: a forged token was not refused")


def main() -> None:
    """Measures, prints and writes the result."""
    subprocess.run(
        ["cargo", "build", "--quiet", "--release", "-p", "aeolus-cli", "-p", "aeolus-bench"],
        check=True,
        cwd=ROOT,
    )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        requests = prepare(home)
        listing = home / "requests.tsv"
        listing.write_text(
            "".join(
                path + "\t" + "\t".join(f"{n}: {v}" for n, v in headers.items()) + "\n"
                for path, headers in requests
            )
        )
        script = home / "requests.lua"
        script.write_text(LUA % listing)
        ports = {name: free_port() for name in SERVERS}
        children = {}
        for name in SERVERS:
            pinned = ["taskset", "-c", "0", *command(name, home, ports[name])]
            children[name] = stack.enter_context(running(pinned, home / f"{name}.log"))
            wait_for(name, lambda name=name: listens(ports[name]), 30)
        pids = {name: worker(child.pid) for name, child in children.items()}
        send(ports["gate"], requests, 1)
        rows: dict[str, list[dict[str, float]]] = {name: [] for name in SERVERS}
        for _ in range(ROUNDS):
            for name in SERVERS:
                before = cpu(pids[name])
                round_ = load(ports[name], script)
                round_["cpu_us"] = (cpu(pids[name]) - before) * 1e6 / round_["requests"]
                rows[name].append(round_)
        memory = {name: pss(pid) for name, pid in pids.items()}
        refuses_garbage(ports["gate"], requests[0])
        for child in children.values():
            reap(child)
        counted = {name: instructions(home, name, requests) for name in ("gate", "hyper")}
    report(rows, memory, counted)


def worker(pid: int) -> int:
    """The process that does the work: nginx's only worker, else the process itself."""
    time.sleep(0.5)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def report(rows: dict, memory: dict[str, float], counted: dict[str, float]) -> None:
    """Prints the table and the one line, writes the JSON."""
    def middle(name: str, key: str) -> float:
        return statistics.median(row[key] for row in rows[name])

    print(f"{'server':8} {'req/s':>8} {'CPU us/req':>11} {'p50 us':>8} {'p99 us':>8} {'PSS MiB':>8}")
    figures: dict[str, float] = {}
    for name in rows:
        rate = middle(name, "requests") / SECONDS
        figures |= {f"{name}_rps": round(rate), f"{name}_cpu_us": round(middle(name, "cpu_us"), 1)}
        figures |= {f"{name}_p50_us": middle(name, "p50"), f"{name}_p99_us": middle(name, "p99")}
        figures[f"{name}_pss_mib"] = round(memory[name], 1)
        print(
            f"{name:8} {rate:8.0f} {middle(name, 'cpu_us'):11.1f} {middle(name, 'p50'):8.0f}"
            f" {middle(name, 'p99'):8.0f} {memory[name]:8.1f}"
        )
    for base in ("hyper", "nginx"):
        figures[f"cpu_vs_{base}"] = round(figures[f"{base}_cpu_us"] / figures["gate_cpu_us"], 2)
        figures[f"rps_vs_{base}"] = round(figures["gate_rps"] / figures[f"{base}_rps"], 2)
    for name, count in counted.items():
        figures[f"{name}_instructions"] = round(count)
    figures["instructions_over_hyper"] = round(counted["gate"] - counted["hyper"])
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    result = {
        "name": "gate-check",
        "command": "make bench NAME=gate-check",
        "commit": commit,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}",
        "figures": figures,
    }
    out = ROOT / "bench" / "results" / "gate-check.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print("gate-check: " + " ".join(f"{key}={value}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
