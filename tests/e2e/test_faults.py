"""What the network, a disk or a clock can do to gates, with real programs: three gates of one plane, each
behind a network and on a machine that the test makes fail."""

from __future__ import annotations

import base64
import datetime
import json
import os
import re
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from conftest import PASSWORD
from harness import aeolus, raw
from harness.faults import NAME, Line, Machine
from harness.process import Timeout, free_port, reap, state, tail, wait_for

FLEET = """
version: 1
planes: [{name: local, authHost: localhost}]
connections: [{name: local, type: local}]
organizations:
  - name: acme
    workspaces:
      - name: sales
        deployments:
          - {name: etl, plane: local, hosts: [etl.localhost], upstream: "http://127.0.0.1:9"}
          - name: strict
            plane: local
            hosts: [strict.localhost]
            upstream: http://127.0.0.1:9
            staleness: {maxStale: 5m, then: deny}
          - name: reader
            plane: local
            hosts: [reader.localhost]
            upstream: http://127.0.0.1:9
            staleness: {maxStale: 5m, then: read_only}
"""
DEPLOYMENTS = 3


class Gate:
    """A replica of the plane on a machine and behind a line of its own."""

    def __init__(self, home: Path, name: str, control: str, wall: int) -> None:
        self.data, self.log = home / name, home / "logs" / f"{name}.log"
        self.line, self.machine = Line(control), Machine(home, name)
        self.machine.set(realtime=wall)
        shutil.copytree(home / "enrolled", self.data)
        settings = json.loads((self.data / "gate.json").read_text())
        settings["controlUrl"] = f"http://{NAME}:{self.line.port}"
        (self.data / "gate.json").write_text(json.dumps(settings))
        command = [aeolus.BINARY, "gate", "serve", "--data", self.data, "--proxy", "off", "--ready-json"]
        command += ["--checks", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **self.machine.environment},
                start_new_session=True,
            )
        line = aeolus.first_line(self.process, 60)
        if not line.startswith("{"):
            raise Timeout(f"{name} did not get ready:\n{tail(self.log)}")
        ready = json.loads(line)
        self.checks, self.metrics = ready["checks"][0], ready["metrics"]

    def check(self, token: str, host: str = "etl.localhost", method: str = "GET") -> requests.Response:
        """The answer about one request."""
        headers = dict(line.split(": ", 1) for line in asked(token, host, method))
        return requests.get(f"http://{self.checks}/v1/authorization", headers=headers, timeout=30)

    def lets_in(self, token: str, host: str = "etl.localhost") -> bool:
        """Whether that is let in."""
        return self.check(token, host).status_code == 200

    def relayed(self, token: str, name: str) -> requests.Response:
        """The answer in a dialect whose proxy hands a denial on as it is."""
        trust = aeolus.airflow_settings(self.data, f"acme/sales/{name}", f"http://{self.checks}")
        deployment = trust["AIRFLOW__AEOLUS__AUDIENCE"].rsplit(":", 1)[1]
        headers = {
            "X-Forwarded-Method": "GET",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": f"{name}.localhost",
            "X-Forwarded-Uri": "/api/v2/dags",
            "Authorization": f"Bearer {token}",
        }
        return requests.get(f"http://{self.checks}/authz/traefik/{deployment}", headers=headers, timeout=30)

    def figure(self, name: str) -> float:
        """One of its metrics."""
        text = requests.get(f"http://{self.metrics}/metrics", timeout=20).text
        return float(re.search(rf"^aeolus_gate_{re.escape(name)} (\S+)$", text, re.MULTILINE)[1])

    def is_fresh(self) -> bool:
        """Whether it has heard control lately."""
        return self.figure('snapshot_state{state="fresh"}') == 1

    def later(self, seconds: float) -> None:
        """So much time passes on its machine, for whoever counts it."""
        self.machine.set(boottime=self.machine.faults["boottime"] + round(seconds))

    def end(self) -> None:
        """Ends it."""
        reap(self.process)
        self.line.end()


def asked(token: str, host: str, method: str = "GET") -> list[str]:
    """A check as nginx asks, as header lines."""
    return [
        f"X-Original-Method: {method}",
        f"X-Original-URL: https://{host}/api/v2/dags",
        "X-Auth-Request-Redirect: /api/v2/dags",
        f"Authorization: Bearer {token}",
    ]


class World:
    """Control, and some gates of its plane."""

    def __init__(self, home: Path, names: tuple[str, ...], control: dict[str, str], wall: int = 0) -> None:
        self.home = home
        (home / "password").touch(mode=0o600)
        (home / "password").write_text(PASSWORD + "\n")
        (home / "fleet.yaml").write_text(FLEET)
        (home / "data").mkdir()
        self.fleet = aeolus.Fleet(home / "data", home / "logs", control, "127.0.0.1")
        self.gates: list[Gate] = []
        self.made = 0
        aeolus.prepare(self.fleet.data, home / "password")
        self.fleet.start_control()
        self.sign_in()
        self.fleet.run("apply", "--file", str(home / "fleet.yaml"))
        join = self.fleet.run("plane", "add", "local").stdout
        aeolus.run("gate", "enroll", "--data", f"{home}/enrolled", stdin=join)
        for name in names:
            self.gates.append(Gate(home, name, self.fleet.control_address, wall))

    def sign_in(self) -> None:
        """Signs the administrator in."""
        self.fleet.run("login", "--email", aeolus.ADMIN, "--password-file", str(self.home / "password"))

    def token(self, *options: str) -> dict[str, str]:
        """A token that all deployments take."""
        self.made += 1
        words = ["--workspace", "acme/sales", "--role", "WORKSPACE_OPERATOR", "--output", "json", *options]
        return json.loads(self.fleet.run("token", "create", "--name", f"t{self.made}", *words).stdout)

    def known(self, *options: str) -> dict[str, str]:
        """The same, when every gate knows it."""
        token = self.token(*options)
        for gate in self.gates:
            wait_for("the token", lambda: gate.lets_in(token["token"]), 30)
        return token

    def end(self) -> None:
        """Ends everything."""
        for gate in self.gates:
            gate.end()
        self.fleet.end()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """Three gates under one control."""
    with ExitStack() as stack:
        world = World(tmp_path_factory.mktemp("faults"), ("a", "b", "c"), {})
        stack.callback(world.end)
        yield world


@pytest.fixture
def world(running):
    """The same in good weather."""
    for gate in running.gates:
        gate.line.set("pass")
        gate.machine.set(sync=0, names=0)
    for gate in running.gates:
        wait_for("fresh gates", gate.is_fresh, 60)
    return running


def seconds_until(what: str, so, limit: float) -> float:
    """How long it took until something was so."""
    began = time.monotonic()
    wait_for(what, so, limit, 0.05)
    return time.monotonic() - began


class Load:
    """Checks without pause over kept connections: when each was asked, how long it took, its status."""

    def __init__(self, gate: Gate, token: str, workers: int = 4) -> None:
        self.seen: list[tuple[float, float, int]] = []
        self.over = threading.Event()
        lines = ["GET /v1/authorization HTTP/1.1", "Host: gate", *asked(token, "etl.localhost")]
        self.request = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self.address = gate.checks.split(":")
        self.threads = [threading.Thread(target=self.work) for _ in range(workers)]

    def work(self) -> None:
        with socket.create_connection(tuple(self.address), timeout=30) as connection:
            while not self.over.is_set():
                began = time.monotonic()
                status = raw.status(connection, self.request)
                self.seen.append((began, time.monotonic() - began, status))
                if not status:
                    return

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def p99(self, since: float, until: float) -> float:
        """In milliseconds."""
        took = [took for began, took, _ in self.seen if since <= began < until]
        return statistics.quantiles(took, n=100)[98] * 1_000

    def statuses(self) -> set[int]:
        """All that came back."""
        return {status for _, _, status in self.seen}


def test_f3_control_killed_under_load_is_noticed_by_no_request(world, figure):
    """At the rate that this test's own client reaches; scheduling beside it is worth some milliseconds."""
    token = world.known()["token"]
    with Load(world.gates[0], token) as load:
        time_to("warm", 0.5)
        began = time.monotonic()
        time_to("serve", 2)
        killed = time.monotonic()
        world.fleet.kill_control()
        time_to("serve alone", 2)
        ended = time.monotonic()
    world.fleet.start_control()
    before, after = load.p99(began, killed), load.p99(killed, ended)
    count = len(load.seen)
    figure(f"{count} checks, 0 errors, p99 {before:.1f} ms before, {after:.1f} ms after")
    assert load.statuses() == {200}
    assert after <= max(1.1 * before, before + 5)


def time_to(_what: str, seconds: float) -> None:
    """Lets load go on for a while: the one thing here that time alone can do."""
    threading.Event().wait(seconds)


def test_f7_half_of_the_gates_cut_off_are_stale_and_only_they(world, figure):
    near, cut, _ = world.gates
    token = world.known()
    cut.line.set("hang")
    world.fleet.run("token", "delete", token["id"])
    refused = seconds_until("the refusal", lambda: not near.lets_in(token["token"]), 5)
    assert cut.lets_in(token["token"])
    cut.later(59 - cut.figure("snapshot_age_seconds"))
    wait_for("the alarm", lambda: not cut.is_fresh(), 5, 0.05)
    age = cut.figure("snapshot_age_seconds")
    assert 60 <= age < 63
    assert near.is_fresh() and near.figure("snapshot_age_seconds") < 16
    cut.line.set("pass")
    healed = seconds_until("the news", lambda: not cut.lets_in(token["token"]), 30)
    assert cut.is_fresh()
    figure(
        f"revoked in {refused:.1f} s where connected; alarm at {age:.0f} s; healed after {healed:.1f} s"
    )


def test_f8_f9_silence_in_one_direction_or_on_one_connection_is_noticed(world, figure):
    up, down, half = world.gates
    token, kept = world.known(), world.known()["token"]
    sizes = {gate: gate.log.stat().st_size for gate in (up, down)}
    up.line.set("up-drop")
    down.line.set("down-drop")
    half.line.set("half-open")
    began = time.monotonic()
    world.fleet.run("token", "delete", token["id"])
    noticed: dict[str, float] = {}

    def all_noticed() -> bool:
        now = time.monotonic() - began
        assert all(gate.lets_in(kept) for gate in world.gates)
        for name, gate in (("up", up), ("down", down)):
            if b"no news from control" in gate.log.read_bytes()[sizes[gate] :]:
                noticed.setdefault(name, now)
        if not half.lets_in(token["token"]):
            noticed.setdefault("half-open", now)
        return len(noticed) == 3

    wait_for("all three to notice", all_noticed, 25, 0.05)
    assert max(noticed["up"], noticed["down"]) <= 15.5
    assert noticed["half-open"] <= 20
    # What was asked before the line was lost upwards could still be answered downwards.
    assert down.lets_in(token["token"])
    for gate in (up, down):
        gate.line.set("pass")
    healed = seconds_until(
        "the news", lambda: not any(gate.lets_in(token["token"]) for gate in (up, down)), 30
    )
    figure(
        f"one-way noticed in {max(noticed['up'], noticed['down']):.1f} s, healed {healed:.1f} s after; "
        f"revoked past a half-open line in {noticed['half-open']:.1f} s",
    )


def test_f10_names_that_are_gone_or_wrong_end_nothing(world, figure):
    gate = world.gates[0]
    kept = world.known()["token"]
    # Gone: where control was is still known. Every connection has to be made anew for that to matter.
    gate.machine.set(names=1)
    accepted = gate.line.set("cut")
    new = world.token()["token"]
    past = seconds_until("a new token", lambda: gate.lets_in(kept) and gate.lets_in(new), 30)
    assert gate.line.set("pass") > accepted
    # Wrong: nothing is heard, what is known serves on, and the right address is enough to heal.
    size = gate.log.stat().st_size
    gate.machine.set(names=2)
    gate.line.set("cut")
    newer = world.token()["token"]
    wait_for("attempts", lambda: gate.log.read_bytes()[size:].count(b"no news from control") > 3, 30)
    assert gate.lets_in(kept) and not gate.lets_in(newer)
    gate.machine.set(names=0)
    healed = seconds_until("the newer token", lambda: gate.lets_in(kept) and gate.lets_in(newer), 30)
    figure(f"unknown name: news after {past:.1f} s; wrong address: healed after {healed:.1f} s")


def test_f13_f14_f15_each_policy_takes_hold_at_its_bound(world, figure):
    gate = world.gates[1]
    token = world.known()["token"]
    gate.line.set("hang")
    gate.later(298 - gate.figure("snapshot_age_seconds"))
    age = gate.figure("snapshot_age_seconds")
    assert age < 300
    for host in ("etl", "strict", "reader"):
        for method in ("GET", "POST"):
            if gate.figure("snapshot_age_seconds") < 299.5:
                assert gate.check(token, f"{host}.localhost", method).status_code == 200
    wait_for("the bound", lambda: not gate.lets_in(token, "strict.localhost"), 5, 0.02)
    flipped = gate.figure("snapshot_age_seconds")
    assert 300 <= flipped <= 301
    refused = gate.relayed(token, "strict")
    assert refused.status_code == 503 and int(refused.headers["Retry-After"]) > 0
    for method, status in [("GET", 200), ("HEAD", 200), ("POST", 503), ("PUT", 503), ("PATCH", 503), ("DELETE", 503)]:
        assert gate.check(token, "reader.localhost", method).status_code == status, method
        served = gate.check(token, "etl.localhost", method)
        assert served.status_code == 200 and int(served.headers["X-Aeolus-Staleness"]) >= 300
    figure(f"policies of 300 s took hold at {flipped:.2f} s")


def test_f16_a_gate_that_was_frozen_knows_its_age_before_the_first_answer(world, figure):
    """The process is stopped for real; the hours are added to its machine's counting clock meanwhile."""
    gate = world.gates[2]
    token = world.known()["token"]
    gate.line.set("hang")
    with ExitStack() as stack:
        address = tuple(gate.checks.split(":"))
        hosts = ["strict.localhost", "etl.localhost"] * 8
        waiting = [stack.enter_context(socket.create_connection(address, timeout=30)) for _ in hosts]
        os.kill(gate.process.pid, signal.SIGSTOP)
        wait_for("the stop", lambda: state(gate.process) == "T", 5, 0.01)
        for host, connection in zip(hosts, waiting, strict=True):
            lines = ["GET /v1/authorization HTTP/1.1", "Host: gate", *asked(token, host), "Connection: close"]
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        gate.later(7_200)
        os.kill(gate.process.pid, signal.SIGCONT)
        answers = []
        for host, connection in zip(hosts, waiting, strict=True):
            head = b"".join(iter(lambda c=connection: c.recv(8_192), b"")).lower()
            age = re.search(rb"x-aeolus-staleness: (\d+)", head)
            answers.append((host, int(head.split(b" ", 2)[1]), int(age[1]) if age else 0))
    assert {(host, status) for host, status, _ in answers} == {("strict.localhost", 503), ("etl.localhost", 200)}
    assert all(7_200 <= age < 7_300 for _, _, age in answers), answers
    figure(f"{len(answers)} answers, 0 on a wrong age")


def test_f40_what_could_not_be_synced_counts_as_not_written(world, figure):
    gate = world.gates[2]
    floor = gate.data / "replica" / "floor"
    old, size = floor.read_bytes(), gate.log.stat().st_size
    gate.machine.set(sync=5)
    token = world.token()["token"]
    wait_for("the token in memory", lambda: gate.lets_in(token), 20)
    wait_for("the alarm", lambda: b"the snapshot is only in memory" in gate.log.read_bytes()[size:], 20)
    assert floor.read_bytes() == old
    assert gate.lets_in(token)
    gate.machine.set(sync=0)
    written = seconds_until("the floor", lambda: floor.read_bytes() != old, 20)
    figure(f"0 request errors; written {written:.1f} s after the disk was well again")


def test_f6_over_a_thin_and_slow_line_the_old_serves_until_the_new_is_whole(world, figure):
    gate = world.gates[0]
    token = world.known()["token"]
    gate.line.set("up-delay=1000 down-delay=1000 up-rate=8000 down-rate=8000")
    more = 600
    hosts = ", ".join("{}.localhost" for _ in range(4))
    lines = [
        "          - {name: d%d, plane: local, hosts: [%s], upstream: 'http://127.0.0.1:9'}"
        % (number, hosts.format(*(secrets.token_hex(31) for _ in range(4))))
        for number in range(more)
    ]
    (world.home / "more.yaml").write_text(FLEET + "\n".join(lines) + "\n")
    began = time.monotonic()
    world.fleet.run("apply", "--file", str(world.home / "more.yaml"))
    seen: set[float] = set()

    def whole() -> bool:
        assert gate.lets_in(token)
        seen.add(gate.figure("deployments"))
        return DEPLOYMENTS + more in seen

    wait_for("the new snapshot", whole, 60, 0.05)
    took = time.monotonic() - began
    assert seen <= {DEPLOYMENTS, DEPLOYMENTS + more}, "a part was applied"
    blobs = sum(file.stat().st_size for file in (world.gates[1].data / "replica").rglob("blobs/*")) // 2_000
    assert took > 10, "the line was not thin enough to tell"
    figure(f"about {blobs} KB over 64 kbit/s whole after {took:.0f} s, 0 errors, nothing in part")


LEAP_DAY = datetime.datetime(2040, 2, 29, 23, tzinfo=datetime.timezone.utc)
"""Past 2038, on a day that most years have not."""
DAY = 86_400


@pytest.fixture(scope="module")
def later(tmp_path_factory):
    """Control and a gate whose machines are in 2040: the world, control's machine, its wall clock's lead."""
    home = tmp_path_factory.mktemp("later")
    ahead = round(LEAP_DAY.timestamp() - time.time())
    control = Machine(home, "control")
    control.set(realtime=ahead)
    with ExitStack() as stack:
        world = World(home, ("gate",), control.environment, ahead)
        stack.callback(world.end)
        yield world, control, ahead


def airflow_token(answer: requests.Response) -> dict:
    """The claims of what Airflow is told."""
    payload = answer.headers["Authorization"].removeprefix("Bearer ").split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_f36_a_token_made_on_a_leap_day_past_2038_is_good_for_its_whole_year(later, figure):
    world, control, ahead = later
    [gate] = world.gates
    token = world.known("--days", "366")["token"]
    claims = airflow_token(gate.check(token))
    assert 0 <= time.time() + ahead - claims["iat"] < 200

    def after(days: int) -> None:
        """Both machines move on; the gate knows it when control has said so."""
        gone = gate.machine.faults["realtime"] - ahead
        gate.later(days * DAY - gone)
        gate.machine.set(realtime=ahead + days * DAY)
        control.set(realtime=ahead + days * DAY)
        # After a failure it asks at once.
        gate.line.set("cut")
        wait_for("control's new time", gate.is_fresh, 20)

    for days in (1, 365):
        after(days)
        assert gate.check(token).status_code == 200, f"{days} days later"
    after(367)
    assert gate.check(token).status_code == 401
    world.sign_in()
    assert world.known()["token"]
    figure("made 2040-02-29, good 1 and 365 days later, refused 367 days later")


def test_f35_a_control_ahead_makes_no_token_that_airflow_refuses(later, figure):
    """Airflow allows 10 s; it goes by the clock of its machine, which is the gate's."""
    world, control, _ = later
    [gate] = world.gates
    wall = gate.machine.faults["realtime"]
    control.set(realtime=wall + 90)
    world.sign_in()
    tokens = [world.known()["token"] for _ in range(3)]
    worst = -1_000.0
    for token in tokens:
        answer = gate.check(token)
        assert answer.status_code == 200
        claims, now = airflow_token(answer), time.time() + wall
        worst = max(worst, claims["iat"] - now, claims["nbf"] - now)
        assert claims["iat"] <= now + 10 and claims["nbf"] <= now + 10
        assert claims["exp"] > now - 10
    figure(f"{len(tokens)} of 3 tokens begun {-worst:.0f} s ago by Airflow's clock, control 90 s ahead")
