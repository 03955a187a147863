"""The same check by other ways than HTTP over TCP: through a Unix socket, and as gRPC.

h2load makes the load here: the generator of the other figures speaks neither. It sends one
credential again and again, so these figures are compared with its own over TCP and no other.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import measure
import workload
from measure import LOAD_CORE, RELEASE, ROUNDS, SECONDS, SERVER_CORE, Figures

from harness.process import free_port, running, wait_for

METHOD = "/envoy.service.auth.v3.Authorization/Check"
DONE = re.compile(r"requests: (\d+) total, .* (\d+) succeeded")
CONNECTIONS = 64


def measured(home: Path, folder: Path, credential: workload.Credential) -> dict[str, Figures]:
    """CPU by request and requests by second of one gate, by each way in turns."""
    port, grpc, socket = free_port(), free_port(), home / "checks.sock"
    gate = [RELEASE / "aeolus", "gate", "serve", "--data", folder, "--metrics", "off", "--proxy", "off"]
    gate += ["--checks", f"127.0.0.1:{port},unix:{socket}", "--grpc", f"127.0.0.1:{grpc}"]
    (home / "check.bin").write_bytes(framed(check(credential)))
    ways = {
        "tcp": [*over_http(credential), f"http://127.0.0.1:{port}{path(credential)}"],
        "unix": [*over_http(credential), "-B", f"unix:{socket}", f"http://gate{path(credential)}"],
        "grpc": [*over_grpc(home / "check.bin"), f"http://127.0.0.1:{grpc}{METHOD}"],
    }
    rows: dict[str, list[Figures]] = {way: [] for way in ways}
    with running([*SERVER_CORE, *gate], home / "ways.log") as child:
        wait_for("the gate", lambda: workload.ask(port, [workload.by_token(credential)]), 60)
        measure.prefer(child.pid)
        verify(home / "check.bin", grpc)
        for _ in range(ROUNDS):
            for way, load in ways.items():
                before = measure.cpu(child.pid)
                done = h2load(load)
                used = measure.cpu(child.pid) - before
                rows[way].append({"rps": done / SECONDS, "cpu_us": used * 1e6 / done})
    return {way: measure.medians(row) for way, row in rows.items()}


def path(credential: workload.Credential) -> str:
    """Where nginx asks."""
    return f"/authz/nginx/{credential.deployment}"


def over_http(credential: workload.Credential) -> list[str]:
    """The same headers as in the other figures."""
    lines = workload.by_token(credential).decode().split("\r\n")[2:-2]
    return ["--h1", f"-c{CONNECTIONS}", *(word for line in lines for word in ("-H", line))]


def over_grpc(body: Path) -> list[str]:
    """As many calls at a time, over as few connections as Envoy keeps."""
    return ["-c2", f"-m{CONNECTIONS // 2}", "-d", str(body), "-H", "content-type: application/grpc", "-H", "te: trailers"]


def h2load(load: list[str]) -> int:
    """Loads for a while: the requests that were answered, which has to be all of them."""
    command = [*LOAD_CORE, "h2load", "-t1", f"-D{SECONDS}", *load]
    out = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    found = DONE.search(out)
    if not found or found[1] != found[2] or found[1] == "0":
        raise SystemExit(f"bench: not every request was answered:\n{out}")
    return int(found[1])


def verify(body: Path, port: int) -> None:
    """gRPC has one HTTP status for all answers, so one of them is looked into."""
    ask = ["curl", "-sS", "--http2-prior-knowledge", "-H", "content-type: application/grpc", "-H", "te: trailers"]
    ask += ["--data-binary", f"@{body}", f"http://127.0.0.1:{port}{METHOD}"]
    answer = subprocess.run(ask, capture_output=True, timeout=30, check=True).stdout
    if b"Bearer eyJ" not in answer:
        raise SystemExit(f"bench: the gate did not allow the check over gRPC: {answer!r}")


def check(credential: workload.Credential) -> bytes:
    """A `CheckRequest` of Envoy (envoy.service.auth.v3), by its field numbers."""
    headers = {
        ":authority": credential.host,
        "authorization": f"Bearer {credential.token}",
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "user-agent": "apache-airflow-client/3.3",
        "x-forwarded-for": "192.0.2.7",
    }
    http = field(2, b"GET") + field(4, b"/api/v2/dags?limit=100") + field(5, credential.host.encode())
    http += b"".join(field(3, entry(*pair)) for pair in headers.items())
    request = field(4, field(2, http))
    return field(1, request + field(10, entry("deployment", credential.deployment)))


def entry(key: str, value: str) -> bytes:
    """One entry of a map."""
    return field(1, key.encode()) + field(2, value.encode())


def field(number: int, content: bytes) -> bytes:
    """A field of bytes: its number and type, its length, itself."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    more = b""
    while value > 0x7F:
        more += bytes([value & 0x7F | 0x80])
        value >>= 7
    return more + bytes([value])


def framed(message: bytes) -> bytes:
    """A message of gRPC: not compressed, its length, itself."""
    return b"\0" + len(message).to_bytes(4, "big") + message
