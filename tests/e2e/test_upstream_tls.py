"""Applications behind the built-in proxy that are reached by TLS: proved before anything is sent, renewed, and never half believed."""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from conftest import PASSWORD
from harness import aeolus, echo
from harness.process import free_port, wait_for
from harness.tls import pki, served

# Every deployment leads to an application of its own kind; all names lead to this machine.
KINDS = ("good", "other-name", "named", "stranger", "own", "plain", "old")
BY_HAND = "by-hand"
DEPLOYMENT = """
          - {{name: {name}, plane: local, hosts: [{name}.localhost], upstream: "https://{at}"}}"""
FLEET = """
version: 1
planes: [{{name: local, authHost: localhost}}]
connections: [{{name: local, type: local}}]
organizations:
  - name: acme
    workspaces:
      - name: sales
        deployments:{deployments}
"""


class Application:
    """An application at an address of this machine, behind TLS unless it has no certificate."""

    def __init__(self, stack: ExitStack, files: Path | None, is_old: bool) -> None:
        self.files = files
        context = None
        if files:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(f"{files}.crt", f"{files}.key")
        if context and is_old:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
        self.context = context
        self.echo = stack.enter_context(echo.server(context))
        self.port = self.echo.port

    def renew(self) -> None:
        """Shows to new connections what lies in its files."""
        self.context.load_cert_chain(f"{self.files}.crt", f"{self.files}.key")


class World:
    """A gate, and applications that prove who they are in many ways."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.home = home
        for name in ("ca", "strange", "private"):
            pki("init", "--dir", home / name, "--cn", name, "--key", "p256")
        for name, ca, names in (
            ("good", "ca", ("localhost",)),
            ("other-name", "ca", ("airflow.internal",)),
            ("stranger", "strange", ("localhost",)),
            ("own", "private", ("localhost",)),
        ):
            pki("issue", "--dir", home / ca, "--san", *names, "--out", home / name)
        files = {"plain": None, "named": "other-name", "old": "good"}
        self.applications: dict[str, Application] = {}
        for kind in KINDS:
            file = files.get(kind, kind)
            self.applications[kind] = Application(stack, home / file if file else None, kind == "old")
        self.by_hand = free_port()
        ports = {kind: app.port for kind, app in self.applications.items()} | {BY_HAND: self.by_hand}
        deployments = "".join(DEPLOYMENT.format(name=kind, at=f"localhost:{port}") for kind, port in ports.items())
        aeolus.private(home / "password", PASSWORD.encode())
        (home / "fleet.yaml").write_text(FLEET.format(deployments=deployments))
        own = [{"upstream": self.upstream("named"), "serverName": "airflow.internal"}]
        own.append({"upstream": self.upstream("own"), "caFile": str(home / "private" / "bundle.crt")})
        config = home / "gate.yaml"
        shutil.copy(home / "ca" / "bundle.crt", home / "believed.crt")
        config.write_text(json.dumps({"gate": {"upstreamTls": own}, "tls": {"privateCaCerts": [str(home / "believed.crt")]}}))
        # What the system trusts must not be what makes the gate believe them.
        where = (home / "aeolus", home / "fleet.yaml", home / "password", home / "logs")
        self.fleet = stack.enter_context(aeolus.controlled(*where))
        self.fleet.gate_config = config
        self.fleet.gate_metrics = f"127.0.0.1:{free_port()}"
        self.fleet.enrol("local", self.fleet.data / "gate")
        self.fleet.start_gate()
        made = self.fleet.run(
            "token", "create", "--name", "all", "--workspace", "acme/sales", "--role", "WORKSPACE_OPERATOR", "--output", "json"
        )
        self.bearer = {"Authorization": f"Bearer {json.loads(made.stdout)['token']}"}
        wait_for("the token", lambda: self.ask("good").status_code == 200, 30)

    def upstream(self, kind: str) -> str:
        return f"https://localhost:{self.applications[kind].port}"

    def url(self, kind: str) -> str:
        return self.fleet.proxy.replace("127.0.0.1", f"{kind}.localhost")

    def ask(self, kind: str, path: str = "/api/v2/dags", **more) -> requests.Response:
        return requests.get(f"{self.url(kind)}{path}", headers=self.bearer, timeout=10, **more)

    def untrusted(self) -> dict[str, int]:
        """How many requests each application did not get for what it could not prove."""
        figures = requests.get(f"http://{self.fleet.gate_metrics}/metrics", timeout=10).text
        found = re.findall(r'aeolus_gate_upstream_untrusted_total\{deployment="([^"]+)"\} (\d+)', figures)
        return {name.rsplit("/", 1)[1]: int(count) for name, count in found}

    def log(self) -> str:
        return (self.fleet.logs / "gate.log").read_text()


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path_factory.mktemp("upstreams"), stack)


def test_an_application_that_proves_who_it_is_gets_the_request_as_it_would_plainly(world):
    for kind in ("good", "named", "own"):
        application = world.applications[kind].echo
        before = application.count()
        answer = world.ask(kind, "/api/v2/dags?x=%2F")
        assert answer.status_code == 200, (kind, answer.text)
        (seen,) = application.since(before)
        headers = {name.lower(): value for name, value in seen["headers"]}
        assert seen["target"] == "/api/v2/dags?x=%2F"
        assert headers["host"].startswith(f"{kind}.localhost") and headers["authorization"] != world.bearer["Authorization"]
    assert not {"good", "named", "own"} & set(world.untrusted())


@pytest.mark.parametrize(
    ("kind", "code", "why"),
    [
        ("other-name", "GATE-0015", "not valid for name"),
        ("stranger", "GATE-0015", "UnknownIssuer"),
        ("plain", "GATE-0016", ""),
        ("old", "GATE-0016", ""),
    ],
)
def test_who_does_not_prove_it_gets_nothing_and_the_client_learns_nothing(world, kind, code, why):
    application = world.applications[kind].echo
    before, counted = application.count(), world.untrusted().get(kind, 0)
    size = len(world.log())
    answer = world.ask(kind)
    assert answer.status_code == 502
    assert "does not answer" in answer.text and "certificate" not in answer.text.lower(), answer.text
    assert application.count() == before
    assert world.untrusted()[kind] == counted + 1
    said = wait_for("the log", lambda: code in world.log()[size:] and world.log()[size:], 10)
    assert why in said and "Bearer" not in said, said


def test_an_authority_that_is_replaced_and_a_certificate_that_is_renewed_count_without_a_restart(world):
    fresh = lambda: world.ask("stranger").status_code  # noqa: E731
    assert fresh() == 502
    believed = world.home / "believed.crt"
    both = world.home / "both.crt"
    both.write_bytes(b"".join((world.home / name / "bundle.crt").read_bytes() for name in ("ca", "strange")))
    both.replace(believed)
    wait_for("the next authority to count", lambda: fresh() == 200, 15)
    application = world.applications["stranger"]
    before = served(application.port)
    pki("issue", "--dir", world.home / "strange", "--san", "localhost", "--out", world.home / "stranger", "--force")
    application.renew()
    assert served(application.port) != before and fresh() == 200
    # One that can't be read changes nothing.
    (world.home / "broken").write_text("none")
    (world.home / "broken").replace(believed)
    wait_for("the log", lambda: "tls.privateCaCerts" in world.log(), 15)
    assert fresh() == 200


@contextmanager
def by_hand(files: Path, port: int, serve) -> Iterator[None]:
    """An application that speaks for itself, one connection after the other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{files}.crt", f"{files}.key")
    listener = socket.create_server(("127.0.0.1", port))

    def accept() -> None:
        while True:
            try:
                raw, _ = listener.accept()
                with context.wrap_socket(raw, server_side=True) as connection:
                    head = b""
                    while b"\r\n\r\n" not in head:
                        head += connection.recv(65536)
                    serve(connection, head)
            except OSError:
                if listener.fileno() < 0:
                    return

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.close()


def connected(world: World, kind: str, *lines: str) -> socket.socket:
    """A connection to the built-in proxy on which a request was sent."""
    connection = socket.create_connection(("127.0.0.1", int(world.fleet.proxy.rsplit(":", 1)[1])), 10)
    head = [*lines, f"Host: {kind}.localhost", f"Authorization: {world.bearer['Authorization']}"]
    connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
    return connection


def until(connection: socket.socket, part: bytes) -> bytes:
    seen = b""
    while part not in seen:
        more = connection.recv(65536)
        assert more, seen
        seen += more
    return seen


def test_streams_and_tunnels_pass_through_tls(world):
    told = threading.Event()

    def serve(connection: ssl.SSLSocket, head: bytes) -> None:
        if b"upgrade: websocket" in head.lower():
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello")
            while data := connection.recv(65536):
                connection.sendall(data.upper())
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert told.wait(10)
        connection.sendall(b"4\r\nlast\r\n0\r\n\r\n")

    with by_hand(world.home / "good", world.by_hand, serve):
        with connected(world, BY_HAND, "GET /stream HTTP/1.1") as stream:
            until(stream, b"first")
            told.set()
            until(stream, b"last")
        with connected(world, BY_HAND, "GET /ws HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket") as tunnel:
            assert until(tunnel, b"hello").startswith(b"HTTP/1.1 101")
            for word in (b"ping", b"x" * 100_000):
                tunnel.sendall(word)
                got = b""
                while len(got) < len(word):
                    got += tunnel.recv(65536)
                assert got == word.upper()
