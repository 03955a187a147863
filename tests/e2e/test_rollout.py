"""Rollouts: two planes under one control, moved between the central path and the plane's."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from conftest import PASSWORD
from harness import aeolus, echo
from harness.airflow import answers
from harness.process import Timeout, free_port, tail, wait_for
from harness.signin import sign_in

FLEET = """
version: 1
planes: [{{name: one}}, {{name: two}}]
connections: [{{name: local, type: local}}]
organizations:
  - name: acme
    users:
      - {{email: viewer@example.com, role: ORGANIZATION_MEMBER, password: {{file: password}}}}
    workspaces:
      - name: sales
        deployments:
          - name: one
            plane: one
            hosts: [one.localhost]
            upstream: http://127.0.0.1:{echo}
            grants: [{{user: viewer@example.com, role: DEPLOYMENT_VIEWER}}]
          - name: two
            plane: two
            hosts: [two.localhost]
            upstream: http://127.0.0.1:{echo}
            grants: [{{user: viewer@example.com, role: DEPLOYMENT_VIEWER}}]
rollouts:
  - {{name: to-plane, path: plane, percent: 0}}
"""


class Plane:
    """One plane's gate."""

    def __init__(self, fleet: Planes, name: str) -> None:
        self.fleet = fleet
        self.name = name
        self.data = fleet.data / name
        self.ports = {listener: free_port() for listener in ("checks", "proxy", "metrics")}
        self.gate, self.proxy, self.metrics = (f"http://127.0.0.1:{port}" for port in self.ports.values())

    @property
    def url(self) -> str:
        """Its deployment, through the built-in proxy."""
        return f"http://{self.name}.localhost:{self.ports['proxy']}"

    def start(self) -> None:
        """Starts the gate and waits for its first snapshot."""
        command = ["gate", "serve", "--data", str(self.data)]
        for listener, port in self.ports.items():
            command += [f"--{listener}", f"127.0.0.1:{port}"]
        self.fleet.start(f"gate-{self.name}", command, {})
        wait_for("the gate's first snapshot", lambda: answers(f"{self.gate}/readyz"), 20)

    def kill(self) -> None:
        """Kills the gate, as a failing machine does."""
        self.fleet.processes[f"gate-{self.name}"].send_signal(signal.SIGKILL)
        self.fleet.processes[f"gate-{self.name}"].wait()

    def counted(self, path: str) -> int:
        """How many decisions were made on a path."""
        pattern = r"aeolus_gate_decisions_total\{path=\"" + path + r"\",.*\} (\d+)"
        return sum(int(count) for count in re.findall(pattern, requests.get(f"{self.metrics}/metrics", timeout=20).text))


class Planes(aeolus.Fleet):
    """Control with metrics, and a gate for each of two planes."""

    def __init__(self, data: Path, logs: Path) -> None:
        super().__init__(data, logs, {}, "127.0.0.1")
        self.metrics = f"127.0.0.1:{free_port()}"
        self.one, self.two = Plane(self, "one"), Plane(self, "two")

    def start(self, name: str, command: list[str], settings: dict[str, str], within: list[str] | None = None) -> None:
        """Starts a server on sockets of its own: there are two gates. Control shows metrics."""
        command = [self.metrics if word == "off" else word for word in command]
        log = self.logs / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            child = subprocess.Popen(
                [str(aeolus.BINARY), *command, "--ready-json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=out,
                env={**os.environ, **settings},
                start_new_session=True,
            )
        self.processes[name] = child
        if not aeolus.first_line(child, 60).startswith("{"):
            raise Timeout(f"{name} did not get ready:\n{tail(log)}")

    def asked(self) -> int:
        """How many checks control was asked for, and everything else that planes ask but their own upkeep."""
        text = requests.get(f"http://{self.metrics}/metrics", timeout=20).text
        return sum(int(count) for count in re.findall(r'requests_total\{[^}]*route="[^"]*/check"[^}]*\} (\d+)', text))

    def rollout(self, *words: str) -> dict:
        """A `rollout` command and its answer."""
        return json.loads(self.run("rollout", *words, "--output", "json").stdout)


@pytest.fixture(scope="module")
def planes(tmp_path_factory):
    """The whole of it."""
    home = tmp_path_factory.mktemp("rollout")
    (home / "password").touch(mode=0o600)
    (home / "password").write_text(PASSWORD + "\n")
    with echo.server() as upstream, ExitStack() as stack:
        document = home / "fleet.yaml"
        document.write_text(FLEET.format(echo=upstream.port))
        (home / "aeolus").mkdir()
        fleet = Planes(home / "aeolus", home / "logs")
        stack.callback(fleet.end)
        aeolus.prepare(fleet.data, home / "password")
        fleet.start_control()
        fleet.run("login", "--email", aeolus.ADMIN, "--password-file", str(home / "password"))
        fleet.run("apply", "--file", str(document))
        for plane in (fleet.one, fleet.two):
            join = fleet.run("plane", "add", plane.name).stdout
            aeolus.run("gate", "enroll", "--data", str(plane.data), stdin=join)
            plane.start()
        yield fleet


def script(fleet: Planes, plane: Plane) -> list[tuple]:
    """A recorded script of UI and API calls: each verdict with everything a client sees of it."""
    token = fleet.create_token("script", f"acme/sales/{plane.name}", "DEPLOYMENT_VIEWER")
    bearer = {"Authorization": f"Bearer {token['token']}"}
    url = plane.url
    wait_for("the token", lambda: requests.get(f"{url}/api/v2/dags", headers=bearer, timeout=20).status_code == 200, 20)
    person = sign_in(f"{url}/", "viewer@example.com", PASSWORD)
    other = "two" if plane.name == "one" else "one"
    elsewhere = fleet.create_token("elsewhere", f"acme/sales/{other}", "DEPLOYMENT_VIEWER")
    foreign = {"Authorization": f"Bearer {elsewhere['token']}"}
    anybody = requests.Session()
    page = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
    origin = {"Origin": url}
    calls = [
        (anybody, "GET", "/api/v2/dags", {}),
        (anybody, "GET", "/dags?x=1", page),
        (anybody, "GET", "/static/a.js", {}),
        (anybody, "GET", "/api/v2/dags", {"Authorization": "Bearer x"}),
        (anybody, "GET", "/api/v2/dags", bearer),
        (anybody, "POST", "/api/v2/dags/x/dagRuns", bearer),
        (anybody, "DELETE", "/api/v2/dags/x", bearer),
        (anybody, "GET", "/execution/x", bearer),
        (anybody, "TRACE", "/api/v2/dags", bearer),
        (anybody, "GET", "/api/%2e%2e/x", bearer),
        (person, "GET", "/dags", page),
        (person, "GET", "/ui/auth/me", {}),
        (person, "POST", "/ui/dags/x", origin),
        (person, "POST", "/ui/dags/x", {"Origin": "https://evil.test"}),
        (anybody, "GET", "/api/v2/dags", foreign),
        (anybody, "GET", "/dags", {**page, "Cookie": "aeolus=x"}),
    ]
    seen = []
    for session, method, path, headers in calls:
        answer = session.request(method, url + path, headers=headers, timeout=20, allow_redirects=False)
        shown = {name.lower(): value for name, value in answer.headers.items()}
        for own in ("date", "x-aeolus-request-id"):
            shown.pop(own, None)
        body = answer.content
        if answer.status_code == 200 and answer.headers.get("content-type") == "application/json":
            # The application answers with what reached it; minted tokens have times and ids of their own.
            reached = {name.lower(): value for name, value in answer.json()["headers"]}
            names = ("x-aeolus-user", "x-aeolus-email", "x-aeolus-deployment")
            body = ("authorization" in reached, *(reached.get(name) for name in names if name != "x-aeolus-user"))
            shown.pop("content-length", None)
        seen.append((method, path, answer.status_code, sorted(shown.items()), body))
    for made in (token, elsewhere):
        fleet.run("token", "delete", made["id"])
    gone = requests.get(f"{url}/api/v2/dags", headers=bearer, timeout=20)
    seen.append(("deleted", gone.status_code, gone.content))
    return seen


def test_o4_verdicts_are_equal_before_during_and_after_a_promotion(planes):
    planes.rollout("set", "to-plane", "--percent", "0")
    before = script(planes, planes.one)
    asked = planes.asked()
    assert asked > 0
    assert {call[2] for call in before if len(call) > 3} >= {200, 302, 400, 401, 403, 405}
    planes.rollout("set", "to-plane", "--deployment", "acme/sales/one")
    during = script(planes, planes.one)
    other = script(planes, planes.two)
    planes.rollout("promote", "to-plane")
    after = script(planes, planes.one)
    assert before == during
    assert before == after
    assert [call[:3] for call in other] == [call[:3] for call in before]
    assert planes.asked() > asked, "the other plane was on the central path meanwhile"


def many(plane: Plane, token: str, count: int) -> list[int]:
    """Checks over kept connections; their statuses."""
    def some(share: int) -> list[int]:
        connection = http.client.HTTPConnection("127.0.0.1", plane.ports["proxy"], timeout=60)
        statuses = []
        for _ in range(share):
            headers = {"Host": f"{plane.name}.localhost", "Authorization": f"Bearer {token}"}
            connection.request("GET", "/api/v2/dags", headers=headers)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()
        return statuses

    workers = 8
    with ThreadPoolExecutor(workers) as pool:
        return [status for part in pool.map(some, [count // workers] * workers) for status in part]


def test_o4_ten_thousand_checks_ask_control_ten_thousand_times_or_never(planes):
    token = planes.create_token("many", "acme/sales/one", "DEPLOYMENT_VIEWER")["token"]
    for word, asked in (("promote", 0), ("abort", 10_000)):
        planes.rollout(word, "to-plane")
        wait_for("the token", lambda: many(planes.one, token, 8) == [200] * 8, 20)
        before = planes.asked()
        statuses = many(planes.one, token, 10_000)
        assert statuses == [200] * 10_000, {status: statuses.count(status) for status in set(statuses)}
        assert planes.asked() - before == asked


def test_o4_an_abort_reaches_gates_within_two_seconds(planes):
    token = planes.create_token("abort", "acme/sales/one", "DEPLOYMENT_VIEWER")["token"]
    for _ in range(3):
        planes.rollout("promote", "to-plane")
        wait_for("the token", lambda: many(planes.one, token, 8) == [200] * 8, 20)
        began = time.monotonic()
        answer = planes.rollout("abort", "to-plane")
        while True:
            asked = planes.asked()
            many(planes.one, token, 8)
            if planes.asked() == asked + 8:
                break
            assert time.monotonic() - began < 2
        assert time.monotonic() - began < 2
        assert answer["planes"]["unconfirmed"] == []


def test_o9_one_planes_gate_killed_the_others_see_no_error(planes):
    planes.rollout("promote", "to-plane")
    token = planes.create_token("blast", "acme/sales/two", "DEPLOYMENT_VIEWER")["token"]
    wait_for("the token", lambda: many(planes.two, token, 8) == [200] * 8, 20)
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(many, planes.two, token, 4_000)
        planes.one.kill()
        statuses = load.result()
    assert statuses == [200] * 4_000
    with pytest.raises(requests.ConnectionError):
        requests.get(planes.one.url, timeout=5)
    planes.one.start()


def test_f68_o4_a_kill_switch_chooses_the_path_without_control(planes, figure):
    planes.rollout("set", "to-plane", "--percent", "0", "--no-deployments", "--fall-back", "false")
    token = planes.create_token("switch", "acme/sales/one", "DEPLOYMENT_VIEWER")["token"]
    url, bearer = f"{planes.one.url}/api/v2/dags", {"Authorization": f"Bearer {token}"}

    def status(headers: dict[str, str]) -> int:
        return requests.get(url, headers=headers, timeout=20).status_code

    def seconds_until(expected: int) -> float:
        began = time.monotonic()
        wait_for(f"{expected}", lambda: status(bearer) == expected, 5, 0.02)
        return time.monotonic() - began

    wait_for("the token", lambda: status(bearer) == 200, 20)
    planes.kill_control()
    try:
        assert status(bearer) == 503
        switch = planes.one.data / "kill-switch"
        switch.write_text("plane\n")
        on = seconds_until(200)
        # It selects a path, never less checking.
        assert status({}) == 401
        assert status({"Authorization": f"Bearer {token}x"}) == 401
        switch.unlink()
        off = seconds_until(503)
    finally:
        planes.start_control()
    wait_for("control", lambda: status(bearer) == 200, 20)
    figure(f"without control the switch works in {on:.2f} s, its removal in {off:.2f} s")
    assert max(on, off) <= 1


def test_f68_a_flag_that_is_gone_leaves_the_old_path(planes):
    planes.rollout("promote", "to-plane")
    token = planes.create_token("gone", "acme/sales/one", "DEPLOYMENT_VIEWER")["token"]
    planes.run("rollout", "set", "a-gone", "--path", "central", "--percent", "100")
    wait_for("the token", lambda: many(planes.one, token, 8) == [200] * 8, 20)
    before = planes.one.counted("central")
    assert many(planes.one, token, 8) == [200] * 8
    assert planes.one.counted("central") == before + 8
    planes.run("rollout", "delete", "a-gone")

    def old_path() -> bool:
        before = planes.one.counted("central")
        assert many(planes.one, token, 8) == [200] * 8
        return planes.one.counted("central") == before

    wait_for("the old path", old_path, 2, 0.05)
    assert all(old_path() for _ in range(10))


def test_f67_o4_from_0_to_100_and_back_under_load_loses_nothing(planes, figure):
    planes.rollout("set", "to-plane", "--percent", "0", "--no-deployments", "--shadow", "100")
    token = planes.create_token("toggled", "acme/sales/one", "DEPLOYMENT_VIEWER")["token"]
    wait_for("the token", lambda: many(planes.one, token, 8) == [200] * 8, 20)
    statuses: list[int] = []
    over = threading.Event()

    def load() -> None:
        while not over.is_set():
            statuses.extend(many(planes.one, token, 80))

    def split() -> tuple[int, int]:
        return planes.one.counted("plane"), planes.one.counted("central")

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(load)
        try:
            for percent in ("100", "0", "100", "0"):
                planes.rollout("set", "to-plane", "--percent", percent)
                seen = len(statuses)
                wait_for("requests on the new path", lambda seen=seen: len(statuses) > seen + 160, 30)
            # In between it is one path or the other, and remains it.
            planes.rollout("set", "to-plane", "--percent", "50")
            seen = len(statuses)
            wait_for("requests that began before", lambda: len(statuses) > seen + 160, 30)
            before, seen = split(), len(statuses)
            wait_for("requests at 50 %", lambda: len(statuses) > seen + 160, 30)
            after = split()
        finally:
            over.set()
            running.result()
    assert set(statuses) == {200}
    assert (before[0] == after[0]) != (before[1] == after[1]), "the deployment changed its path by itself"
    figures = planes.rollout("show", "to-plane")["figures"]
    assert figures["differences"] == []
    wait_for("comparisons", lambda: planes.rollout("show", "to-plane")["figures"]["compared"] > 0, 30)
    planes.rollout("set", "to-plane", "--percent", "0", "--shadow", "0")
    figure(f"{len(statuses)} requests over five changes, 0 errors, 0 differences")


def test_o4_a_gate_falls_back_while_control_is_gone(planes):
    # The deployments whose path is central are those that a flag with that path gives it to.
    planes.run("rollout", "set", "a-central", "--path", "central", "--percent", "100", "--requests", "5", "--hold", "5s")
    token = planes.create_token("fall", "acme/sales/one", "DEPLOYMENT_VIEWER")["token"]
    url, bearer = f"{planes.one.url}/api/v2/dags", {"Authorization": f"Bearer {token}"}

    def status() -> int:
        return requests.get(url, headers=bearer, timeout=20).status_code

    wait_for("the token", lambda: status() == 200, 20)
    planes.kill_control()
    try:
        wait_for("the fall-back", lambda: status() == 200, 20)
    finally:
        planes.start_control()

    def shown() -> dict:
        return planes.rollout("show", "a-central")["figures"]

    def path(name: str) -> int:
        return next((path["requests"] for path in shown()["paths"] if path["path"] == name), 0)

    assert path("plane") >= 0
    before = planes.one.counted("central")
    wait_for("the way back", lambda: status() == 200 and planes.one.counted("central") > before, 90)
    wait_for("the figures", lambda: path("plane") > 0 and path("central") > 0, 20)
    planes.run("rollout", "delete", "a-central")


def test_f67_o7_shadow_reports_differences_without_changing_an_answer(planes):
    planes.run("rollout", "set", "a-shadow", "--path", "plane", "--percent", "100", "--shadow", "100")
    token = planes.create_token("shadow", "acme/sales/one", "DEPLOYMENT_VIEWER")["token"]
    wait_for("the token", lambda: many(planes.one, token, 8) == [200] * 8, 20)
    many(planes.one, token, 200)

    def compared() -> bool:
        figures = planes.rollout("show", "a-shadow")["figures"]
        return figures["compared"] >= 200 and figures["differences"] == []

    wait_for("the comparisons", compared, 30)
    text = planes.run("rollout", "show", "a-shadow").stdout
    assert "p99" in text and "plane" in text
    planes.run("rollout", "delete", "a-shadow")
