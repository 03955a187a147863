"""What the check benchmark asks: a fleet, one token for each of its deployments, the requests.

A request is made once, as bytes. The check before the load, the load and the instruction count
all send these same bytes, to every server.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LUA = """
local file = io.open("%s", "rb")
local requests, next = {}, 0
for request in file:read("*a"):gmatch("(.-\\r\\n\\r\\n)") do requests[#requests + 1] = request end
request = function() next = next %% #requests + 1; return requests[next] end
"""


def prepare(aeolus: Path, home: Path, deployments: int) -> list[bytes]:
    """Makes a gate's data folder `home/gate`, and one request for each deployment."""
    names = [f"d{number:04}" for number in range(deployments)]
    (home / "fleet.yaml").write_text(fleet(names))
    build = ["plane", "build", "-f", home / "fleet.yaml", "--plane", "bench", "--keys", home / "keys"]
    subprocess.run([aeolus, *build, "--out", home / "gate"], check=True, stdout=subprocess.DEVNULL)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        tokens = pool.map(lambda name: mint(aeolus, home, name), names)
        return [request(name, token) for name, token in zip(names, tokens)]


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


def mint(aeolus: Path, home: Path, name: str) -> str:
    """An access token for a deployment, by the command line, without a server."""
    command = ["token", "create", "--keys", home / "keys", "--user", "ann@example.com", "--output", "json"]
    made = subprocess.run(
        [aeolus, *command, "--deployment", f"acme/all/{name}"], check=True, capture_output=True
    )
    return json.loads(made.stdout)["token"]


def request(name: str, token: str) -> bytes:
    """A check as nginx sends it on behalf of a program that calls Airflow's API."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    head = [
        f"GET /authz/nginx/{claims['aud'].rsplit(':', 1)[1]} HTTP/1.1",
        "Host: auth.internal",
        f"X-Original-URL: https://{name}.bench.test/api/v2/dags?limit=100",
        "X-Original-Method: GET",
        "X-Forwarded-For: 192.0.2.7",
        f"Authorization: Bearer {token}",
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


def script(home: Path, requests: list[bytes]) -> Path:
    """A script for wrk that sends the requests in turn."""
    (home / "requests.bin").write_bytes(b"".join(requests))
    path = home / "requests.lua"
    path.write_text(LUA % (home / "requests.bin"))
    return path
