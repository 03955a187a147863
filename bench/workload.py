"""What the check benchmark asks: a fleet, one token for each of its deployments, the requests.

A request is made once, as bytes. The check before the load, the load and the instruction count
all send these same bytes, to every server.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LUA = """
local file = io.open("%s", "rb")
local requests, next = {}, 0
for request in file:read("*a"):gmatch("(.-\\r\\n\\r\\n)") do requests[#requests + 1] = request end
request = function() next = next %% #requests + 1; return requests[next] end
"""


@dataclass(frozen=True)
class Credential:
    """What somebody who is signed in has for one deployment."""

    host: str
    deployment: str
    token: str
    cookie: str


def prepare(programs: tuple[Path, Path], home: Path, deployments: int, count: int) -> list[Credential]:
    """Makes a gate's data folder `home/gate`, and so many credentials for its deployments in turn, with
    the programs `aeolus` and `credentials`."""
    aeolus, credentials = programs
    home.mkdir(exist_ok=True)
    names = [f"d{number:06}" for number in range(deployments)]
    (home / "fleet.yaml").write_text(fleet(names))
    build = ["plane", "build", "-f", home / "fleet.yaml", "--plane", "bench", "--keys", home / "keys"]
    build += ["--out", home / "gate"]
    subprocess.run([aeolus, *build], check=True, stdout=subprocess.DEVNULL)
    make = [credentials, home / "gate", home / "keys", str(count)]
    made = subprocess.run(make, check=True, capture_output=True, text=True).stdout
    return [Credential(*line.split(" ")) for line in made.splitlines()]


def grown(programs: tuple[Path, Path, Path], home: Path, deployments: int, listed: int) -> list[Credential]:
    """Makes a gate's data folder `home/gate` with more than a fleet document holds, and an API token for
    each deployment, in a status list of `listed` values; with the programs `aeolus`, `credentials`, `grow`."""
    prepare(programs[:2], home, 1, 0)
    grow = [programs[2], home / "gate", home / "keys", str(deployments), str(listed)]
    made = subprocess.run(grow, check=True, capture_output=True, text=True).stdout
    return [Credential(*line.split(" "), cookie="") for line in made.splitlines()]


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


def by_token(credential: Credential, token: str = "") -> bytes:
    """A check as nginx sends it on behalf of a program that calls Airflow's API."""
    return request(credential, f"Authorization: Bearer {token or credential.token}")


def by_cookie(credential: Credential) -> bytes:
    """The same on behalf of a browser."""
    return request(credential, f"Cookie: __Host-aeolus={credential.cookie}")


def request(credential: Credential, line: str) -> bytes:
    """A check with a credential in a header line."""
    head = [
        f"GET /authz/nginx/{credential.deployment} HTTP/1.1",
        "Host: auth.internal",
        f"X-Original-URL: https://{credential.host}/api/v2/dags?limit=100",
        "X-Original-Method: GET",
        "X-Forwarded-For: 192.0.2.7",
        line,
        "Accept: application/json",
        "Accept-Encoding: gzip, deflate",
        "User-Agent: apache-airflow-client/3.3",
    ]
    return ("\r\n".join(head) + "\r\n\r\n").encode()


def with_token(request: bytes, change) -> bytes:
    """The same request with another token."""
    before, rest = request.split(b"Bearer ", 1)
    token, after = rest.split(b"\r\n", 1)
    return before + b"Bearer " + change(token) + b"\r\n" + after


def ask(port: int, requests: Iterable[bytes]) -> list[str]:
    """Sends the requests one after another on one connection. The heads of the answers, as text."""
    heads = []
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        answers = connection.makefile("rb")
        for request in requests:
            connection.sendall(request)
            head = []
            while (line := answers.readline()) not in (b"\r\n", b""):
                head.append(line.decode("latin-1").strip())
            length = next((h for h in head if h.lower().startswith("content-length:")), ":0")
            answers.read(int(length.split(":")[1]))
            heads.append("\n".join(head))
    return heads


def status(head: str) -> int:
    """The status in an answer's head."""
    return int(head.split(" ", 2)[1]) if head else 0


def script(home: Path, name: str, requests: list[bytes]) -> Path:
    """A script for wrk that sends the requests in turn."""
    (home / f"{name}.bin").write_bytes(b"".join(requests))
    path = home / f"{name}.lua"
    path.write_text(LUA % (home / f"{name}.bin"))
    return path
