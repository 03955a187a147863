"""A fleet all of whose listeners speak TLS by certificates of `aeolus pki`, asked all the time, and a way to cut a gate off."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from . import aeolus
from .process import free_port, wait_for

NAMES = ("localhost", "echo.localhost", "127.0.0.1")


def pki(*arguments: object) -> subprocess.CompletedProcess[str]:
    return aeolus.run("pki", *map(str, arguments))


def served(port: int, name: str = "localhost") -> bytes:
    """The certificate that a fresh session gets to see."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 10) as raw:
        tls = context.wrap_socket(raw, server_hostname=name)
    with tls:
        return tls.getpeercert(binary_form=True) or b""


class Load:
    """Asks again and again, on a connection that is kept and on new ones, and keeps what goes wrong."""

    def __init__(self, *asks: Callable[[requests.Session], int]) -> None:
        self.asks = asks
        self.failures: list[str] = []
        self.made = 0
        self.over = threading.Event()

    def run(self, ask: Callable[[requests.Session], int]) -> None:
        kept = requests.Session()
        while not self.over.is_set():
            for session in (kept, requests.Session()):
                try:
                    status = ask(session)
                    if status != 200:
                        self.failures.append(str(status))
                except requests.RequestException as error:
                    self.failures.append(repr(error))
                self.made += 1
            time.sleep(0.02)

    @contextmanager
    def going(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.run, args=(ask,)) for ask in self.asks]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join(30)
        assert not self.failures, (self.made, self.failures[:5])
        assert self.made > 20


class Operator:
    """An authority of `aeolus pki`, and a fleet all of whose listeners speak TLS by it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ca = home / "ca"
        self.bundle = self.ca / "bundle.crt"
        pki("init", "--dir", self.ca, "--cn", "Test", "--key", "p256")
        self.issue("server", *NAMES)
        self.issue("gate", "gate.plane.internal", more=("--profile", "client"))
        self.fleet = aeolus.Fleet(home / "data", home, {}, "localhost")
        fleet = self.fleet
        fleet.metrics, fleet.gate_metrics = (f"127.0.0.1:{free_port()}" for _ in range(2))
        fleet.control = fleet.control.replace("http:", "https:")
        fleet.gate, fleet.proxy = (url.replace("http:", "https:") for url in (fleet.gate, fleet.proxy))
        fleet.settings = {
            "CONTROL__TLS__CERTIFICATE": f"{home}/server.crt",
            "CONTROL__TLS__KEY": f"{home}/server.key",
            "GATE__TLS__CERTIFICATE": f"{home}/server.crt",
            "GATE__TLS__KEY": f"{home}/server.key",
        }

    def issue(self, stem: str, *names: str, more: tuple[str, ...] = ()) -> None:
        pki("issue", "--dir", self.ca, "--san", *names, "--out", self.home / stem, *more)

    def start(self, document: Path, password: Path) -> None:
        fleet = self.fleet
        fleet.data.mkdir()
        aeolus.prepare(fleet.data, password)
        fleet.start_control()
        fleet.run("login", "--email", aeolus.ADMIN, "--password-file", str(password))
        fleet.run("apply", "--file", str(document))

    def join(self) -> None:
        fleet = self.fleet
        invitation = fleet.run("plane", "add", "local").stdout
        mine = {name: value for name, value in fleet.settings.items() if name.startswith("GATE__")}
        aeolus.run("gate", "enroll", "--data", f"{fleet.data}/gate", stdin=invitation, env=mine)
        fleet.start_gate()
        wait_for("the first snapshot", lambda: self.get(fleet.gate, "/readyz").status_code == 200, 20)

    def get(self, base: str, path: str, session: requests.Session | None = None, **headers: str) -> requests.Response:
        asked = session or requests
        return asked.get(f"{base}{path}", headers=headers, timeout=10, verify=str(self.bundle))

    def through(self, token: str) -> Callable[[requests.Session], int]:
        """A request by the built-in proxy to the application."""
        base = self.fleet.proxy.replace("127.0.0.1", "echo.localhost")
        bearer = {"Authorization": f"Bearer {token}"}
        return lambda session: self.get(base, "/x", session, **bearer).status_code

    def control(self, session: requests.Session) -> int:
        return self.get(self.fleet.control, "/livez", session).status_code

    @property
    def port(self) -> int:
        return int(self.fleet.control.rsplit(":", 1)[1])


class Relay:
    """The way of one gate to control, which can be cut."""

    def __init__(self, to: int) -> None:
        self.to = to
        self.open: set[socket.socket] = set()
        self.is_cut = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.is_cut:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.to), 10)
            self.open |= {client, server}
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self.copy, args=(source, target), daemon=True).start()

    def copy(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self) -> None:
        self.is_cut = True
        for end in self.open:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open = set()
