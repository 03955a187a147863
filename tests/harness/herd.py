"""Many simulated gates in one process, and the administrator who changes what they must know."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .aeolus import BINARY, Fleet
from .process import running, wait_for

HERD = Path(os.environ.get("HERD_BINARY", BINARY.parent / "herd"))


def document(planes: int, users: range = range(0), organization: str = "acme") -> str:
    """A fleet with one deployment on each plane, and people who may operate all of them."""
    lines = ["version: 1", "planes:"]
    lines += [f"  - {{name: {plane(number)}, authHost: {plane(number)}.test}}" for number in range(planes)]
    lines += ["connections: [{name: local, type: local}]", "organizations:", f"  - name: {organization}", "    users:"]
    lines += [f"      - {{email: {email(number)}, role: ORGANIZATION_MEMBER}}" for number in users] or ["      []"]
    lines += ["    workspaces:", "      - name: all", "        grants:"]
    lines += [f"          - {{user: {email(number)}, role: WORKSPACE_OPERATOR}}" for number in users] or ["          []"]
    lines += ["        deployments:"]
    for number in range(planes):
        name = plane(number)
        lines.append(f"          - {{name: {name}, plane: {name}, hosts: [{name}.{organization}.test]}}")
    return "\n".join(lines) + "\n"


def plane(number: int) -> str:
    """The name of a plane, and of its deployment."""
    return f"p{number:04}"


def email(number: int) -> str:
    """A person's address."""
    return f"person{number:06}@example.com"


def now() -> int:
    """Nanoseconds of the clock that simulated gates read too."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Admin:
    """The administrator's calls to the API."""

    def __init__(self, fleet: Fleet) -> None:
        self.address = fleet.control_address
        held = json.loads((fleet.data / "credentials.json").read_text())
        self.headers = {"Authorization": f"Bearer {held['accessToken']}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: object = None) -> dict:
        """One call, which must succeed. Control may have been restarted since the last, so each has a
        connection of its own."""
        with closing(http.client.HTTPConnection(self.address, timeout=30)) as connection:
            connection.request(method, path, json.dumps(body) if body is not None else None, self.headers)
            answer = connection.getresponse()
            text = answer.read()
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text)

    def create_token(self, name: str) -> dict:
        """A token that is good on every plane: `id`, `token`, `seq`."""
        body = {"name": name, "role": "ORGANIZATION_OWNER", "tokenExpiryPeriodInDays": 1}
        return self.ask("POST", "/v1/organizations/acme/tokens", body)

    def revoke(self, token: str) -> int:
        """Revokes a token: the position from which it is refused."""
        return self.ask("DELETE", f"/v1/organizations/acme/tokens/{token}")["seq"]

    def grant(self, user: str, deployment: str) -> tuple[str, int]:
        """Gives a person one more role on a deployment: the grant, and the position it is in."""
        subject, resource = {"type": "user", "id": user}, {"type": "deployment", "id": deployment}
        body = {"subject": subject, "role": "DEPLOYMENT_VIEWER", "resource": resource}
        made = self.ask("POST", "/v1/organizations/acme/grants", body)
        return made["id"], made["seq"]


@dataclass
class Herd:
    """What the gates have said so far."""

    gates: int
    process: subprocess.Popen
    # By gate, in order: each position that came into force.
    positions: dict[int, list[dict]] = field(default_factory=lambda: defaultdict(list))
    calls: list[dict] = field(default_factory=list)

    def listen(self) -> None:
        """Reads until the gates end."""
        for line in self.process.stdout:
            said = json.loads(line)
            if "call" in said:
                self.calls.append(said)
            else:
                self.positions[said["gate"]].append(said)

    def wait(self, seq: int, seconds: float) -> None:
        """Waits until every gate has a position in force."""
        wait_for(f"{self.gates} gates at {seq}", lambda: self.behind(seq) == 0, seconds, 0.05)

    def behind(self, seq: int) -> int:
        """How many gates don't have a position in force yet."""
        held = [said[-1]["seq"] for said in list(self.positions.values())]
        return self.gates - sum(one >= seq for one in held)

    def lagging(self, seq: int) -> int:
        """How many gates don't have everything of a position yet, but perhaps its revocations."""
        held = [said[-1]["records"] for said in list(self.positions.values())]
        return self.gates - sum(one >= seq for one in held)

    def in_force(self, seq: int) -> list[int]:
        """By gate that has it: when the position came into force."""
        return self._first("seq", seq)

    def known(self, seq: int) -> list[int]:
        """By gate that has it: when everything of a position came into force."""
        return self._first("records", seq)

    def _first(self, what: str, seq: int) -> list[int]:
        firsts = (next((one["at"] for one in said if one[what] >= seq), None) for said in list(self.positions.values()))
        return [at for at in firsts if at is not None]

    def steps_back(self) -> list[tuple[dict, dict]]:
        """Positions that came into force after a higher one."""
        pairs = ((a, b) for said in self.positions.values() for a, b in zip(said, said[1:], strict=False))
        return [(a, b) for a, b in pairs if (b["epoch"], b["seq"]) < (a["epoch"], a["seq"])]

    def answered(self, since: int, until: int) -> list[dict]:
        """Calls begun in a time that control answered without being asked to wait."""
        return [
            call
            for call in list(self.calls)
            if since <= call["at"] < until and call["error"] is None and call["wait"] == 0
        ]


@contextmanager
def herd(control: str, gates: int, folders: list[Path], log: Path, spread: float = 1) -> Iterator[Herd]:
    """So many gates, dealt to the folders of enrolled planes and started within `spread` seconds, until
    the block ends."""
    command = [HERD, control, str(gates), str(round(spread * 1_000)), *folders]
    with running(command, log, stdout=subprocess.PIPE) as child:
        said = Herd(gates, child)
        reader = threading.Thread(target=said.listen, daemon=True)
        reader.start()
        yield said
    reader.join()
