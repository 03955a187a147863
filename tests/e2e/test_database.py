"""Control without its database: one that is frozen, gone or full; and control without descriptors."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import shutil
import socket
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from conftest import ONE_VIEWER, PASSWORD, required
from harness import aeolus, postgres
from harness.faults import Machine
from harness.process import free_port, reap, wait_for
from requests.adapters import HTTPAdapter

DEPLOYMENT = "acme/sales/echo"
VIEWER = "viewer@example.com"
# A statement has two seconds; the rest is the slowness of a machine that runs other tests as well.
DEADLINE = 2 + 2
TOKENS = "/v1/organizations/acme/tokens"


def document(folder: Path) -> tuple[Path, Path]:
    """A fleet of one viewer: its document and the password."""
    password = folder / "password"
    aeolus.private(password, PASSWORD.encode() + b"\n")
    (folder / "fleet.yaml").write_text(ONE_VIEWER.format(password=password, echo=9))
    return folder / "fleet.yaml", password


@pytest.fixture
def server():
    """A PostgreSQL of its own."""
    required("PostgreSQL", postgres.programs() is not None)
    with postgres.postgres() as running:
        yield running


class From(HTTPAdapter):
    """Connections from one of this machine's addresses: each of them is another source."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments, **options):
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **options)


def sign_in(fleet, source: int = 1) -> tuple[int, float]:
    """The answer to a sign-in on control's page, and how long it took."""
    fields = {"email": VIEWER, "password": PASSWORD, "rd": "/"}
    session = requests.Session()
    session.mount("http://", From(f"127.0.0.{source}"))
    begun = time.monotonic()
    answer = session.post(
        f"{fleet.control}/login", data=fields, headers={"Origin": fleet.control}, allow_redirects=False, timeout=60
    )
    return answer.status_code, time.monotonic() - begun


def bearer(fleet) -> dict[str, str]:
    """The administrator's header."""
    token = json.loads((fleet.data / "credentials.json").read_text())["accessToken"]
    return {"Authorization": f"Bearer {token}"}


def lets_in(fleet, token: str) -> bool:
    """Whether the gate does."""
    headers = {
        "X-Original-Method": "GET",
        "X-Original-URL": "https://echo.localhost/api/v2/dags",
        "X-Auth-Request-Redirect": "/api/v2/dags",
        "Authorization": f"Bearer {token}",
    }
    return requests.get(f"{fleet.gate}/v1/authorization", headers=headers, timeout=10).status_code == 200


def snapshot_age(fleet) -> float:
    """How long ago the gate heard of control."""
    text = requests.get(f"http://{fleet.gate_metrics}/metrics", timeout=10).text
    return float(re.search(r"^aeolus_gate_snapshot_age_seconds (\S+)$", text, re.MULTILINE)[1])


def key_set_times(fleet, number: int = 100) -> list[float]:
    """How long control takes to give its public keys, in order."""
    session, times = requests.Session(), []
    for _ in range(number):
        begun = time.monotonic()
        answer = session.get(f"{fleet.control}/.well-known/jwks.json", timeout=10)
        times.append(time.monotonic() - begun)
        assert answer.status_code == 200 and answer.json()["keys"]
    return sorted(times)


def held(fleet) -> tuple[int, int]:
    """Control's memory in MiB, and its descriptors."""
    pid = fleet.processes["control"].pid
    memory = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(memory[1]) // 1024, len(os.listdir(f"/proc/{pid}/fd"))


def serves_from_memory(fleet, token: str, what: str, figure) -> None:
    """Gates notice nothing, keys are given at once, and sign-ins are told so in time and don't pile up."""
    assert all(lets_in(fleet, token) for _ in range(50))
    times = key_set_times(fleet)
    assert statistics.median(times) < 0.05 and times[-2] < 1, times
    figure(f"{what}: control's keys within {times[-2] * 1000:.1f} ms (99 of 100)")
    before = held(fleet)
    for _ in range(2):
        with ThreadPoolExecutor(60) as pool:
            answers = list(pool.map(lambda source: sign_in(fleet, source), range(1, 61)))
        assert {status for status, _ in answers} == {503}, answers
        slowest = max(seconds for _, seconds in answers)
        assert slowest < DEADLINE, answers
    figure(f"{what}: 60 sign-ins at once refused within {slowest:.1f} s")
    # Connections of clients may be open a little longer than their answers.
    wait_for("no pile", lambda: held(fleet)[1] <= before[1] + 20, 20)
    assert held(fleet)[0] < before[0] + 40, (before, held(fleet))
    # Control says nothing new that it can't know to be the newest: the gate serves what it has, and counts its age.
    assert lets_in(fleet, token) and snapshot_age(fleet) > 1


def test_f43_f44_without_its_database_control_goes_on_from_memory(server, tmp_path, figure):
    files = document(tmp_path)
    with aeolus.serving(tmp_path / "aeolus", *files, tmp_path / "logs", database=server.url) as fleet:
        fleet.gate_metrics = f"127.0.0.1:{free_port()}"
        fleet.restart_gate()
        token = fleet.create_token("before", DEPLOYMENT, "DEPLOYMENT_VIEWER")["token"]
        wait_for("the token at the gate", lambda: lets_in(fleet, token), 30)
        assert sign_in(fleet)[0] == 303

        server.freeze()
        serves_from_memory(fleet, token, "F44, frozen", figure)
        server.kill()
        serves_from_memory(fleet, token, "F43, gone", figure)
        # A gate that has lost its disk gets what control knew last.
        reap(fleet.processes["gate"])
        shutil.rmtree(fleet.data / "gate" / "replica")
        fleet.start_gate()
        wait_for("the token at the new gate", lambda: lets_in(fleet, token), 60)

        server.start()
        begun = time.monotonic()
        wait_for("a sign-in", lambda: sign_in(fleet)[0] == 303, 30)
        figure(f"F43: sign-ins are good {time.monotonic() - begun:.1f} s after the database is back")
        later = fleet.create_token("after", DEPLOYMENT, "DEPLOYMENT_VIEWER")["token"]
        wait_for("the next token at the gate", lambda: lets_in(fleet, later), 30)
        assert lets_in(fleet, token)
        wait_for("fresh news at the gate", lambda: snapshot_age(fleet) < 20, 60)


def test_f45_with_a_full_disk_control_makes_no_token_and_loses_no_line(tmp_path):
    files, machine = document(tmp_path), Machine(tmp_path, "control")
    place = tmp_path / "aeolus"
    with aeolus.controlled(place, *files, tmp_path / "logs", **machine.environment) as fleet:
        url = f"{fleet.control}{TOKENS}"

        def ask(number: int) -> requests.Response:
            headers = bearer(fleet) | {"Idempotency-Key": f"key-{number}"}
            body = {"name": f"t{number}", "role": "ORGANIZATION_MEMBER"}
            return requests.post(url, json=body, headers=headers, timeout=20)

        def names() -> set[str]:
            listed = requests.get(f"{url}?limit=200", headers=bearer(fleet), timeout=10).json()["items"]
            return {token["name"] for token in listed}

        def lines() -> list[dict]:
            audit = f"{fleet.control}/v1/audit?limit=200&action=token.create"
            return requests.get(audit, headers=bearer(fleet), timeout=10).json()["items"]

        assert ask(0).status_code == 201
        machine.set(write=errno.ENOSPC)
        for number in range(1, 6):
            answer = ask(number)
            assert answer.status_code == 503, answer.text
            assert "token" not in answer.json()
        assert names() == {"t0"} and len(lines()) == 1
        assert requests.get(f"{fleet.control}/.well-known/jwks.json", timeout=10).status_code == 200

        machine.set(write=0)
        # The same request, repeated, is done now and once.
        wait_for("room", lambda: ask(1).status_code == 201, 20)
        assert ask(1).status_code == 201
        assert names() == {"t0", "t1"} and len(lines()) == 2
        assert fleet.run("audit", "verify").returncode == 0
        # What is on the disk is what was answered.
        fleet.kill_control()
        fleet.start_control()
        assert names() == {"t0", "t1"} and len(lines()) == 2
        assert fleet.run("audit", "verify").returncode == 0


def cpu_seconds(pid: int) -> float:
    """What a process has used of the cores."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_f55_control_without_descriptors_waits_and_recovers(tmp_path):
    with aeolus.controlled(tmp_path / "aeolus", *document(tmp_path), tmp_path / "logs") as fleet:
        log, pid = tmp_path / "logs" / "control.log", fleet.processes["control"].pid
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (256, 256))
        host, port = fleet.control_address.split(":")
        with ExitStack() as stack:
            for _ in range(300):
                stack.enter_context(socket.create_connection((host, int(port)), timeout=20))
            wait_for("the shortage", lambda: "no connection can be accepted" in log.read_text(), 20)
            before, begun = cpu_seconds(pid), time.monotonic()
            wait_for("two seconds", lambda: time.monotonic() - begun > 2, 10)
            assert cpu_seconds(pid) - before < 0.5, "it does not spin"
        wait_for("the recovery", lambda: "connections are accepted again" in log.read_text(), 30)
        wait_for("a sign-in", lambda: sign_in(fleet)[0] == 303, 30)
        fleet.create_token("after", DEPLOYMENT, "DEPLOYMENT_VIEWER")
        assert log.read_text().count("no connection can be accepted") <= 3
        assert fleet.processes["control"].poll() is None
