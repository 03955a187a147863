"""What provisioning by SCIM costs control at 50,000 people and 5,000 groups, one of them of 20,000 people: a member more
or less, 256 and 2,000 at once, filters, and what a hostile client sends.

The same requests, at a thousandth of that size, go to the standards' reference server in the same run; each figure
of ours is compared with ours at that size (is it flat?) and with the reference server's there (is it fast?).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import statistics
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import curve
from curve import Figures

import measure  # noqa: I001
from harness import aeolus, postgres
from harness.herd import now
from harness.process import free_port, running, wait_for

ROUNDS = int(os.environ.get("ROUNDS", "40"))
DATABASES = os.environ.get("DATABASES", "sqlite,postgres").split(",")
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BATCH = 500
PEER = curve.ROOT / ".tools" / "scim" / "bin" / "scim2-server"
SECRET = uuid.uuid4().hex

# As fast as it goes: the bound on a client that runs wild is not what is measured.
CONFIG = """
control:
  scim: {requestsPerMinute: 1000000}
auth:
  openidConnect:
    microsoft:
      clientId: bench
      clientSecret: bench
      discoveryUrl: https://login.microsoftonline.com/00000000-0000-0000-0000-000000000001/v2.0
      scim: {organization: many}
"""


@dataclass(frozen=True)
class Size:
    """How many people and groups there are, and how many people the large group has."""

    users: int
    groups: int
    members: int


SMALL = Size(1_000, 50, 600)
USERS = int(os.environ.get("USERS", "50000"))
FULL = Size(USERS, USERS // 10, USERS * 2 // 5)


class Scim:
    """A client of a SCIM server that keeps its connection, as provisioning services do."""

    def __init__(self, base: str, authorization: str) -> None:
        self.base = urlsplit(base)
        self.authorization = authorization
        self.connection = http.client.HTTPConnection(self.base.hostname, self.base.port, timeout=600)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, dict]:
        """One request: the status, and the body if there is one."""
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Authorization": self.authorization, "Content-Type": "application/scim+json"}
        # What is too large is refused before all of it is sent.
        with contextlib.suppress(BrokenPipeError):
            self.connection.request(method, self.base.path + path, sent, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else {}

    def must(self, method: str, path: str, body: object = None) -> dict:
        """The same, which has to succeed."""
        status, answer = self.ask(method, path, body)
        assert status < 300, (method, path, status, str(answer)[:500])
        return answer


def user(number: int) -> dict:
    """Somebody as Entra creates them."""
    name = f"p{number}@example.com"
    return {
        "schemas": [USER],
        "userName": name,
        "externalId": f"x{number}",
        "active": True,
        "name": {"givenName": f"P{number}", "familyName": "Bench"},
        "emails": [{"value": name, "type": "work", "primary": True}],
    }


def made_by_bulk(scim: Scim, path: str, resources: list[dict]) -> list[str]:
    """Creates them, many with one request: their ids."""
    ids = []
    for first in range(0, len(resources), BATCH):
        operations = [
            {"method": "POST", "path": path, "bulkId": f"b{number}", "data": data}
            for number, data in enumerate(resources[first : first + BATCH])
        ]
        answer = scim.must("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
        assert all(str(one["status"]) == "201" for one in answer["Operations"]), str(answer)[:500]
        ids += [one["location"].rsplit("/", 1)[1] for one in answer["Operations"]]
    return ids


def changed(*operations: dict) -> dict:
    """A PATCH of these operations."""
    return {"schemas": [PATCH], "Operations": list(operations)}


def added(ids: list[str]) -> dict:
    """An operation that puts people in."""
    return {"op": "add", "path": "members", "value": [{"value": one} for one in ids]}


def removed(one: str) -> dict:
    """An operation that takes somebody out."""
    return {"op": "remove", "path": f'members[value eq "{one}"]'}


def took(call: Callable[[], object]) -> float:
    """How long it takes, in milliseconds."""
    began = now()
    call()
    return (now() - began) / 1e6


def fill(scim: Scim, size: Size) -> tuple[list[str], str]:
    """Makes people and groups: everybody's id, and the large group's."""
    people = made_by_bulk(scim, "/Users", [user(number) for number in range(size.users)])
    groups = [{"schemas": [GROUP], "displayName": f"g{number}", "members": []} for number in range(size.groups)]
    group = made_by_bulk(scim, "/Groups", groups)[0]
    for first in range(0, size.members, BATCH):
        last = min(first + BATCH, size.members)
        scim.must("PATCH", f"/Groups/{group}", changed(added(people[first:last])))
    return people, group


def figures(scim: Scim, size: Size, rounds: int) -> Figures:
    """Makes everything and measures."""
    began = now()
    people, group = fill(scim, size)
    filled = (now() - began) / 1e9
    outside, at = people[size.members :], f"/Groups/{group}"
    one, few = [], []
    for number in range(rounds):
        person = outside[number]
        one.append(took(lambda person=person: scim.must("PATCH", at, changed(added([person])))))
        one.append(took(lambda person=person: scim.must("PATCH", at, changed(removed(person)))))
    some = outside[: min(256, len(outside))]
    for _ in range(max(rounds // 4, 1)):
        few.append(took(lambda: scim.must("PATCH", at, changed(added(some)))))
        scim.must("PATCH", at, changed(*map(removed, some)))

    def found(expression: str, resource: str = "Users") -> float:
        """The median time of a filter that finds somebody."""
        path = f"/{resource}?filter={quote(expression)}&excludedAttributes=members"
        assert scim.must("GET", path)["totalResults"] == 1, expression
        return statistics.median(took(lambda: scim.must("GET", path)) for _ in range(rounds))

    middle = size.users // 2
    several = people[: min(2_000, size.members)]
    return {
        "fill_per_s": (size.users + size.groups) / filled,
        "one_member_ms": statistics.median(one),
        "one_member_p95_ms": statistics.quantiles(one, n=20)[-1],
        "members_256_ms": statistics.median(few),
        "members_256_max_ms": max(few),
        "removals_2000_ms": took(lambda: scim.must("PATCH", at, changed(*map(removed, several)))),
        "user_name_ms": found(f'userName eq "P{middle}@example.com"'),
        "external_id_ms": found(f'externalId eq "x{middle}"'),
        "email_ms": found(f'emails[type eq "work"].value eq "p{middle}@example.com"'),
        "group_name_ms": found('displayName eq "g7"', "Groups"),
    }


def hostile(scim: Scim, group: str, pid: int) -> Figures:
    """How long what must be refused takes, and what it leaves in memory."""
    deep = "(" * 5_000 + 'userName eq "a"' + ")" * 5_000
    values = [{"value": str(uuid.uuid4())} for _ in range(50_000)]
    many = changed({"op": "add", "path": "members", "value": values})
    nested = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    huge = b'{"userName":"' + b"a" * (6 * 1024 * 1024) + b'"}'
    before = measure.pss(pid)

    def refused(method: str, path: str, body: object, statuses: tuple[int, ...]) -> float:
        client = Scim(scim.base.geturl(), scim.authorization)

        def call() -> None:
            status, answer = client.ask(method, path, body)
            assert status in statuses, (path[:60], status, str(answer)[:300])

        return took(call)

    asked = {"deep_filter_ms": refused("POST", "/Users/.search", {"filter": deep}, (400,))}
    asked["values_50000_ms"] = refused("PATCH", f"/Groups/{group}", many, (400, 413))
    asked["deep_json_ms"] = refused("POST", "/Users", nested, (400,))
    asked["huge_body_ms"] = refused("POST", "/Users", huge, (413,))
    return {**asked, "grown_mib": measure.pss(pid) - before, "pss_mib": measure.pss(pid)}


@contextmanager
def ours(home: Path, database: str | None) -> Iterator[tuple[Scim, int]]:
    """Control with a connection that Entra pushes to, on a database or on a file of its own."""
    aeolus.private(home / "password", b"correct horse battery staple")
    (home / "fleet.yaml").write_text(curve.FLEET)
    (home / "config.yaml").write_text(CONFIG)
    settings = (home / "aeolus", home / "fleet.yaml", home / "password", home / "logs")
    with aeolus.controlled(*settings, database=database, SCIM_AUTH_CODE_MICROSOFT=SECRET) as fleet:
        fleet.config = home / "config.yaml"
        fleet.kill_control()
        fleet.start_control()
        yield Scim(f"{fleet.control}/v1/scim/v2/microsoft", f"Bearer {SECRET}"), fleet.processes["control"].pid


@contextmanager
def peers(home: Path) -> Iterator[Scim]:
    """The reference server, which keeps everything in memory."""
    port = free_port()
    command = [PEER, "--port", str(port), "--bearer-token", SECRET]
    with running(command, home / "peer.log"):
        scim = Scim(f"http://127.0.0.1:{port}/v2", f"Bearer {SECRET}")

        def answers() -> bool:
            try:
                return scim.ask("GET", "/ServiceProviderConfig")[0] == 200
            except OSError:
                scim.connection.close()
                return False

        wait_for("the reference server", answers, 60)
        yield scim


def measured(kind: str, name: str, size: Size, home: Path) -> dict[str, Figures]:
    """Our figures at one size on one kind of database; of the full size what a hostile client gets, too."""
    home.mkdir()
    with ExitStack() as stack:
        database = stack.enter_context(postgres.postgres()).url if kind == "postgres" else None
        scim, pid = stack.enter_context(ours(home, database))
        print(f"Aeolus on {kind}, {size}", flush=True)
        rows = {name: figures(scim, size, ROUNDS)}
        if size == FULL:
            group = scim.must("POST", "/Groups", {"schemas": [GROUP], "displayName": "hostile"})["id"]
            rows["hostile"] = hostile(scim, group, pid)
        return rows


def main() -> None:
    """Measures, prints and writes the result."""
    if "postgres" in DATABASES and postgres.programs() is None:
        raise SystemExit("scim: there is no PostgreSQL (initdb); DATABASES=sqlite leaves it out")
    curve.build(("aeolus-cli", "aeolus"))
    busy = [os.getloadavg()[1]]
    ours_by_kind: dict[str, dict[str, Figures]] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with peers(home) as scim:
            print(f"the reference server, {SMALL}", flush=True)
            peer = figures(scim, SMALL, max(ROUNDS // 8, 3))
        for kind in DATABASES:
            rows = ours_by_kind.setdefault(kind, {})
            for name, size in (("small", SMALL), ("full", FULL)):
                rows |= measured(kind, name, size, home / f"{kind}-{name}")
                busy.append(os.getloadavg()[1])
    sizes = {"small": vars(SMALL), "full": vars(FULL)}
    curve.write("scim", sizes=sizes, load_average=busy, rows={"peer": peer, **ours_by_kind})
    print("load average: " + " ".join(f"{load:.1f}" for load in busy))
    for kind, rows in ours_by_kind.items():
        report(kind, peer, rows)


def report(kind: str, peer: Figures, rows: dict[str, Figures]) -> None:
    """Prints the table of one kind of database and its one line."""
    small, full = rows["small"], rows["full"]
    print(f"{kind:20} {'reference':>12} {'Aeolus':>12} {'Aeolus, full':>13} {'flat':>7} {'to reference':>13}")
    for figure, most in full.items():
        print(
            f"{figure:20} {peer[figure]:12.1f} {small[figure]:12.1f} {most:13.1f} "
            f"{most / small[figure]:7.2f} {small[figure] / peer[figure]:13.3f}"
        )
    for figure, value in rows["hostile"].items():
        print(f"{figure:20} {'':12} {'':12} {value:13.1f}")
    ratio = full["one_member_ms"] / peer["one_member_ms"]
    flat = full["user_name_ms"] / small["user_name_ms"]
    worst = max(value for figure, value in rows["hostile"].items() if figure.endswith("_ms"))
    print(
        f"scim: {kind} member_p95={full['one_member_p95_ms']:.1f}ms members_256={full['members_256_ms']:.0f}ms "
        f"removals_2000={full['removals_2000_ms']:.0f}ms to_peer={ratio:.3f} flat={flat:.2f} refused={worst:.0f}ms"
    )


if __name__ == "__main__":
    main()
