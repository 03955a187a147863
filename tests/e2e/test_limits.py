"""What one client may cost the others: rates, connections, waiting requests; stopping and reloading without a
lost request; a log that nobody reads."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from conftest import required
from harness import aeolus, echo, nginx
from harness.process import free_port, reap, running, signal_group, wait_for

pytestmark = pytest.mark.alone

FLEET = """
version: 1
planes: [{{name: alone, authHost: localhost}}]
connections: [{{name: local, type: local}}]
organizations:
  - name: acme
    users:
      - {{email: ann@example.com, role: ORGANIZATION_MEMBER}}
      - {{email: bob@example.com, role: ORGANIZATION_MEMBER}}
    workspaces:
      - name: sales
        grants:
          - {{user: ann@example.com, role: WORKSPACE_OPERATOR}}
          - {{user: bob@example.com, role: WORKSPACE_OPERATOR}}
        deployments:
          - {{name: etl, plane: alone, hosts: [etl.localhost], upstream: "http://127.0.0.1:{works}"}}
          - {{name: stuck, plane: alone, hosts: [stuck.localhost], upstream: "http://127.0.0.1:{hangs}"}}
"""
ETL, STUCK = "acme/sales/etl", "acme/sales/stuck"


@dataclass(frozen=True)
class Plane:
    """A plane without control: its folder, and the applications behind it."""

    folder: Path
    works: echo.Echo

    def token(self, user: str, deployment: str = ETL) -> str:
        """A token of a person for a deployment, another one each time."""
        keys = ["--keys", f"{self.folder}/keys"]
        return aeolus.run("token", "create", *keys, "--deployment", deployment, "--user", user).stdout.strip()

    def deployment_id(self, name: str = ETL) -> str:
        """The id of a deployment."""
        trust = aeolus.airflow_settings(self.folder / "gate", name, "http://127.0.0.1:1")
        return trust["AIRFLOW__AEOLUS__AUDIENCE"].rsplit(":", 1)[1]


@pytest.fixture(scope="module")
def plane(tmp_path_factory) -> Iterator[Plane]:
    """One application that works, one that accepts connections and never answers."""
    folder = tmp_path_factory.mktemp("limits")
    with echo.server() as works, socket.create_server(("127.0.0.1", 0), backlog=512) as hangs:
        text = FLEET.format(works=works.port, hangs=hangs.getsockname()[1])
        (folder / "fleet.yaml").write_text(text)
        places = ["--keys", f"{folder}/keys", "--out", f"{folder}/gate"]
        aeolus.run("plane", "build", "--file", f"{folder}/fleet.yaml", "--plane", "alone", *places)
        yield Plane(folder, works)


class Gate:
    """A running gate with a configuration of its own."""

    def __init__(self, child: subprocess.Popen, config: Path, log: Path, ready: dict) -> None:
        self.child, self.config, self.log = child, config, log
        self.checks, self.proxy, self.metrics = ready["checks"][0], ready["proxy"], ready["metrics"]

    def configure(self, text: str) -> None:
        """Writes another configuration and asks for it."""
        self.config.write_text(text)
        os.kill(self.child.pid, signal.SIGHUP)

    def get(self, token: str = "", path: str = "/api/v2/dags", host: str = "etl.localhost", **more):
        """A request through the built-in proxy."""
        headers = {"Host": host, **({"Authorization": f"Bearer {token}"} if token else {})}
        return requests.get(f"http://{self.proxy}{path}", headers=headers, timeout=20, allow_redirects=False, **more)

    def check(self, token: str, source: str = "192.0.2.1", session: requests.Session | None = None) -> int:
        """The status of a check, as Traefik asks, about a client at an address."""
        headers = {
            "X-Forwarded-For": source,
            "X-Forwarded-Host": "etl.localhost",
            "X-Forwarded-Method": "GET",
            "X-Forwarded-Uri": "/api/v2/dags",
            "Authorization": f"Bearer {token}",
        }
        url = f"http://{self.checks}/authz/traefik/{self.deployment}"
        return (session or requests).get(url, headers=headers, timeout=20).status_code

    def logged(self, *words: str) -> bool:
        """Whether a line of the log has all these words."""
        return any(all(word in line for word in words) for line in self.log.read_text().splitlines())


@contextlib.contextmanager
def gate(plane: Plane, home: Path, config: str, data: Path | None = None, **options) -> Iterator[Gate]:
    """Runs a gate until the block ends."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "aeolus.yaml").write_text(config)
    command = [aeolus.BINARY, "gate", "serve", "--config", home / "aeolus.yaml", "--ready-json"]
    command += ["--data", data or plane.folder / "gate"]
    for listener in ("checks", "proxy", "metrics"):
        command += [f"--{listener}", "127.0.0.1:0"]
    with running(command, home / "gate.log", stdout=subprocess.PIPE, **options) as child:
        ready = json.loads(aeolus.first_line(child, 60))
        started = Gate(child, home / "aeolus.yaml", home / "gate.log", ready)
        started.deployment = plane.deployment_id()
        yield started


def forged(token: str) -> str:
    """A token that nobody signed."""
    return f"{token.rsplit('.', 1)[0]}.{secrets.token_urlsafe(64)}"


def test_a_source_of_forged_tokens_gets_429_and_keeps_what_works(plane, tmp_path):
    known, unknown = plane.token("ann@example.com"), plane.token("bob@example.com")
    with gate(plane, tmp_path, "limits: {failedPerMinute: 10}") as running_gate:
        assert running_gate.check(known) == 200
        statuses = [running_gate.check(forged(known)) for _ in range(40)]
        assert statuses[:10] == [401] * 10
        assert statuses.count(429) >= 25, statuses
        assert running_gate.check(unknown) == 429
        assert running_gate.check(known) == 200, "what is known goes on"
        assert running_gate.check(unknown, source="192.0.2.2") == 200, "nobody else is touched"
        figures = requests.get(f"http://{running_gate.metrics}/metrics", timeout=20).text
        assert 'aeolus_gate_rate_limited_total{by="source"}' in figures


def test_nginx_shows_429_and_when_to_come_back(plane, tmp_path):
    required("nginx", nginx.installed())
    token, port = plane.token("ann@example.com"), free_port()
    with gate(plane, tmp_path, "limits: {failedPerMinute: 5}") as running_gate:
        site = nginx.site("etl.localhost", port, plane.deployment_id(), running_gate.checks, plane.works.port)
        with nginx.server(tmp_path / "nginx", site, port):

            def get(bearer: str) -> requests.Response:
                url = f"http://127.0.0.1:{port}/api/v2/dags"
                headers = {"Host": "etl.localhost", "Authorization": f"Bearer {bearer}"}
                return requests.get(url, headers=headers, timeout=20)

            assert get(token).status_code == 200
            statuses = [get(forged(token)).status_code for _ in range(20)]
            assert statuses[:5] == [401] * 5 and statuses[-1] == 429, statuses
            assert get(forged(token)).headers["Retry-After"] == "10"
            assert get(token).status_code == 200
            stranger = requests.get(
                f"http://127.0.0.1:{port}/", headers={"Host": "etl.localhost", "Accept": "text/html"},
                timeout=20, allow_redirects=False,
            )
            assert stranger.status_code == 302, "may sign in"


def test_a_subject_has_a_rate_where_one_is_set(plane, tmp_path):
    ann, bob = plane.token("ann@example.com"), plane.token("bob@example.com")
    with gate(plane, tmp_path, "limits: {requestsPerSubjectPerMinute: 10}") as running_gate:
        statuses = [running_gate.check(ann) for _ in range(30)]
        assert statuses[:10] == [200] * 10 and 429 in statuses[10:], statuses
        assert running_gate.check(bob) == 200


def connect(address: str, source: str = "127.0.0.1") -> socket.socket:
    """A connection that says nothing yet."""
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=20, source_address=(source, 0))


def livez(connection: socket.socket) -> bytes:
    """The first line of the answer on a connection."""
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: gate\r\n\r\n")
    return connection.recv(4_096).split(b"\r\n")[0]


def test_a_connection_beyond_the_cap_is_refused_at_once(plane, tmp_path):
    config = "limits: {connections: 20, connectionsPerSource: 12}"
    with gate(plane, tmp_path, config) as running_gate, contextlib.ExitStack() as stack:

        def one(source: str) -> socket.socket:
            return stack.enter_context(connect(running_gate.checks, source))

        mine = [one("127.0.0.1") for _ in range(12)]
        assert b" 200 " in livez(mine[-1])
        begun = time.monotonic()
        refused = livez(one("127.0.0.1"))
        assert b" 503 " in refused and time.monotonic() - begun < 5
        theirs = [one("127.0.0.2") for _ in range(8)]
        assert all(b" 200 " in livez(connection) for connection in theirs)
        assert b" 503 " in livez(one("127.0.0.3")), "all are taken"
        assert requests.get(f"http://{running_gate.metrics}/livez", timeout=20).status_code == 200
        mine.pop().close()
        wait_for("a place", lambda: b" 200 " in livez(one("127.0.0.3")), 20)


def test_f57_requests_that_wait_are_bounded_and_an_airflow_that_hangs_takes_only_itself_down(plane, tmp_path):
    ann, stuck = plane.token("ann@example.com"), plane.token("ann@example.com", STUCK)
    with gate(plane, tmp_path, "limits: {requests: 8}") as running_gate:
        bearer = f"Authorization: Bearer {stuck}\r\n"
        head = f"GET /api/v2/dags HTTP/1.1\r\nHost: stuck.localhost\r\n{bearer}\r\n".encode()
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                stack.enter_context(connect(running_gate.proxy)).sendall(head)
            figures = lambda: requests.get(f"http://{running_gate.metrics}/metrics", timeout=20).text  # noqa: E731
            wait_for("two that wait", lambda: "aeolus_gate_waiting 2" in figures(), 20)
            over = running_gate.get(stuck, host="stuck.localhost")
            assert over.status_code == 503 and over.headers["Retry-After"]
            assert running_gate.get(ann).status_code == 200, "the others have theirs"
            assert running_gate.get(path="/static/app.js").status_code == 200, "even strangers"
            assert requests.get(f"http://{running_gate.proxy}/.aeolus/session", headers={"Host": "etl.localhost"},
                                timeout=20).status_code != 503
            assert requests.get(f"http://{running_gate.metrics}/readyz", timeout=20).status_code == 200
        wait_for("none that waits", lambda: "aeolus_gate_waiting 0" in figures(), 20)
        assert running_gate.get(path="/static/app.js").status_code == 200


def test_no_request_is_lost_when_one_of_two_gates_is_stopped(plane, tmp_path):
    token = plane.token("ann@example.com")
    shutil.copytree(plane.folder / "gate", tmp_path / "second")
    config = "limits: {drainDelay: 2s}"
    with (
        gate(plane, tmp_path / "a", config) as first,
        gate(plane, tmp_path / "b", config, data=tmp_path / "second") as second,
    ):
        ready = {first: True, second: True}
        stop, failures, served = threading.Event(), [], []

        def balance() -> None:
            """Asks both for their health, as a load balancer does."""
            while not stop.wait(0.1):
                for one in ready:
                    try:
                        ready[one] = requests.get(f"http://{one.checks}/readyz", timeout=5).status_code == 200
                    except requests.RequestException:
                        ready[one] = False

        def load(own: requests.Session) -> None:
            turn = 0
            while not stop.is_set():
                turn += 1
                alive = [one for one, is_ready in ready.items() if is_ready]
                one = alive[turn % len(alive)]
                try:
                    status = one.check(token, session=own)
                except requests.RequestException as error:
                    failures.append(error)
                else:
                    (served if status == 200 else failures).append((one, status))

        threads = [threading.Thread(target=balance)]
        threads += [threading.Thread(target=load, args=(requests.Session(),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            wait_for("load on both", lambda: {one for one, _ in list(served)} == {first, second}, 20)
            signal_group(first.child, signal.SIGTERM)

            def draining() -> tuple[str, str] | None:
                answer = requests.get(f"http://{first.checks}/readyz", timeout=5)
                return (answer.text, answer.headers["Connection"]) if answer.status_code == 503 else None

            assert wait_for("draining", draining, 2) == ("draining\n", "close")
            assert first.check(token) == 200, "requests go on"
            assert first.child.wait(20) == 0
            before = len(served)
            wait_for("load on the other", lambda: len(served) > before + 50, 20)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert failures == []


def test_a_tunnel_ends_with_the_gate_and_not_before_its_time(plane, tmp_path):
    token = plane.token("ann@example.com", STUCK)
    with gate(plane, tmp_path, "{}") as running_gate, connect(running_gate.proxy) as client:
        head = f"GET /api/v2/dags HTTP/1.1\r\nHost: stuck.localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        client.sendall(head.encode())
        figures = lambda: requests.get(f"http://{running_gate.metrics}/metrics", timeout=20).text  # noqa: E731
        wait_for("a request that waits", lambda: "aeolus_gate_waiting 1" in figures(), 20)
        begun = time.monotonic()
        signal_group(running_gate.child, signal.SIGTERM)
        assert running_gate.child.wait(30) == 0
        assert 8 < time.monotonic() - begun < 20, "what is open has ten seconds"


def test_sighup_changes_what_may_change_and_names_what_may_not(plane, tmp_path):
    token = plane.token("ann@example.com")
    with gate(plane, tmp_path, "limits: {failedPerMinute: 1000}") as running_gate:
        assert running_gate.check(token) == 200
        assert [running_gate.check(forged(token)) for _ in range(20)] == [401] * 20
        running_gate.configure("limits: {failedPerMinute: 1}\ngate: {grpc: '127.0.0.1:0'}\n")
        wait_for("the reload", lambda: running_gate.logged("was reloaded", "gate.grpc"), 20)
        assert running_gate.check(forged(token)) == 429
        assert running_gate.check(token) == 200

        running_gate.configure("limits: {failedPerMinute: 0}\ncompat: {parentCookie: {domain: example.com}}\n")
        wait_for("the refusal", lambda: running_gate.logged("not reloaded", "CFG-"), 20)
        assert running_gate.check(forged(token)) == 429, "what was in force stays in force"

        running_gate.configure("limits: {failedPerMinute: null}\nobservability: {log: debug}\n")
        wait_for("the reload", lambda: running_gate.check(forged(token)) == 401, 20)
        running_gate.configure("gate: {rails: {organizations: []}}\n")
        wait_for("the rails", lambda: running_gate.check(token) == 503, 20)
        running_gate.configure("{}\n")
        wait_for("the old rails", lambda: running_gate.check(token) == 200, 20)
        assert running_gate.child.poll() is None


def test_f61_a_log_that_nobody_reads_stops_nothing_and_says_what_is_missing(plane, tmp_path):
    token = plane.token("ann@example.com")
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4_096)
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, b"x" * 4_095 + b"\n")
    os.set_blocking(write, True)
    config = tmp_path / "aeolus.yaml"
    config.write_text("observability: {log: trace, allowSample: 1}\n")
    command = [aeolus.BINARY, "gate", "serve", "--config", config, "--data", plane.folder / "gate", "--ready-json"]
    command += ["--checks", "127.0.0.1:0", "--proxy", "off", "--metrics", "127.0.0.1:0"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=write, start_new_session=True)
    os.close(write)
    try:
        ready = json.loads(aeolus.first_line(child, 60))
        full = Gate(child, config, config, {"proxy": "", **ready})
        full.deployment = plane.deployment_id()
        session = requests.Session()
        figures = lambda: requests.get(f"http://{full.metrics}/metrics", timeout=20).text  # noqa: E731
        lost = lambda: float(figures().split("aeolus_gate_log_lines_lost_total ")[1].split()[0])  # noqa: E731
        for _ in range(1_000):
            assert full.check(token, session=session) == 200
        deadline = time.monotonic() + 60
        while lost() == 0 and time.monotonic() < deadline:
            assert full.check(token, session=session) == 200
        assert lost() > 0
        seen = bytearray()

        def told() -> bool:
            seen.extend(os.read(read, 1 << 16))
            return b"lines are missing here" in seen

        wait_for("the line that says what is missing", told, 60, every=0)
    finally:
        os.close(read)
        reap(child)


def test_f55_a_gate_without_descriptors_waits_and_recovers(plane, tmp_path):
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))  # noqa: E731
    with gate(plane, tmp_path, "limits: {headTimeout: 60s}", preexec_fn=few) as running_gate:
        with contextlib.ExitStack() as stack:
            for _ in range(300):
                stack.enter_context(connect(running_gate.checks))
            wait_for("the shortage", lambda: running_gate.logged("no connection can be accepted"), 20)
            before, begun = cpu_seconds(running_gate.child.pid), time.monotonic()
            wait_for("two seconds", lambda: time.monotonic() - begun > 2, 10)
            assert cpu_seconds(running_gate.child.pid) - before < 0.5, "it does not spin"
        wait_for("the recovery", lambda: running_gate.logged("connections are accepted again"), 30)
        answer = requests.get(f"http://{running_gate.checks}/readyz", timeout=20)
        assert answer.status_code == 200
        lines = running_gate.log.read_text().splitlines()
        assert sum("no connection can be accepted" in line for line in lines) <= 3


def cpu_seconds(pid: int) -> float:
    """What a process has used of the cores."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_f53_heads_and_bodies_have_an_end(plane, tmp_path):
    with gate(plane, tmp_path, "{}") as running_gate:
        for address in (running_gate.checks, running_gate.proxy, running_gate.metrics):
            with connect(address) as connection:
                with contextlib.suppress(OSError):
                    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: gate\r\nX-Long: " + b"x" * 200_000)
                assert b" 431 " in connection.recv(4_096).split(b"\r\n")[0], address
        with connect(running_gate.checks) as connection:
            connection.sendall(b"POST /livez HTTP/1.1\r\nHost: gate\r\nContent-Length: 10000000000\r\n\r\nbegun")
            assert b" 405 " in connection.recv(4_096).split(b"\r\n")[0]
            connection.settimeout(20)
            # Nobody waits for the rest.
            with contextlib.suppress(OSError):
                while connection.recv(4_096):
                    pass
