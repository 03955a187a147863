"""An ACME authority (pebble), a zone that it looks into (pebble-challtestsrv), and a hook that edits that zone."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from . import aeolus
from .process import free_port, running, wait_for
from .web import serving

HOOK = """#!{python}
import json, os, time, urllib.request
action, record, value = (os.environ["AEOLUS_ACME_" + name] for name in ("ACTION", "RECORD", "VALUE"))
with open({log!r}, "a") as log:
    log.write(action + " " + record + " " + value + "\\n")
{before}
what = {{"present": "set-txt", "cleanup": "clear-txt"}}[action]
body = json.dumps({{"host": record + ".", "value": value}}).encode()
urllib.request.urlopen(urllib.request.Request({zone!r} + "/" + what, body), timeout=10).read()
"""


class Pebble:
    """An authority that can be stopped and started again at the same place, without what it knew."""

    def __init__(self, home: Path, settings: dict, environment: dict[str, str]) -> None:
        self.home = home
        self.settings = settings
        self.environment = environment
        self.port, self.management, self.http, self.zone = (free_port() for _ in range(4))
        self.dns = free_port()
        self.directory = f"https://127.0.0.1:{self.port}/dir"
        self.log = home / "pebble.log"
        self.authority = home / "ca" / "bundle.crt"
        self.started = ExitStack()

    def prepare(self) -> None:
        """Makes the certificate of its server."""
        aeolus.run("pki", "init", "--dir", str(self.home / "ca"), "--key", "p256")
        names = ("localhost", "127.0.0.1")
        aeolus.run("pki", "issue", "--dir", str(self.home / "ca"), "--san", *names, "--out", str(self.home / "server"))
        config = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(self.home / "server.crt"),
            "privateKey": str(self.home / "server.key"),
            "httpPort": self.http,
            "tlsPort": free_port(),
            "ocspResponderURL": "",
            "certificateValidityPeriod": 90 * 86400,
            **self.settings,
        }
        (self.home / "pebble.json").write_text(json.dumps({"pebble": config}))

    def start(self) -> None:
        """Starts it, knowing nothing."""
        command = ["pebble", "-strict", "-config", self.home / "pebble.json", "-dnsserver", f"127.0.0.1:{self.dns}"]
        quick = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
        self.started.enter_context(running(command, self.log, env={**quick, **self.environment}))
        wait_for("pebble", lambda: self.get(self.directory), 20)

    def stop(self) -> None:
        """Ends it."""
        self.started.close()

    def get(self, url: str) -> bytes:
        """What it answers."""
        context = ssl.create_default_context(cafile=str(self.authority))
        with urllib.request.urlopen(url, timeout=5, context=context) as answer:
            return answer.read()

    def root(self) -> Path:
        """The root that clients of what it issued trust: another one after each start."""
        path = self.home / "root.pem"
        path.write_bytes(self.get(f"https://127.0.0.1:{self.management}/roots/0"))
        return path

    def orders(self) -> int:
        """How many orders it has had, in all its lives."""
        return self.log.read_text().count("to the db")

    def hook(self, name: str = "hook", before: str = "") -> Path:
        """A program for `--dns-hook`. It says what it was asked to do in `NAME.log`."""
        path = self.home / name
        zone, log = f"http://127.0.0.1:{self.zone}", str(self.home / f"{name}.log")
        path.write_text(HOOK.format(python=sys.executable, zone=zone, log=log, before=before))
        path.chmod(0o700)
        return path

    def told(self, name: str = "hook") -> list[str]:
        """What a hook was asked to do: `present RECORD`, `cleanup RECORD`."""
        log = self.home / f"{name}.log"
        return [" ".join(line.split()[:2]) for line in log.read_text().splitlines()] if log.exists() else []

    def options(self, directory: str | None = None) -> list[str]:
        """How a client is told of it, or of another directory of it."""
        return ["--directory", directory or self.directory, "--directory-ca", str(self.authority), "--agree-terms"]


@dataclass(frozen=True)
class Said:
    """One answer of an authority."""

    status: int
    body: bytes
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def problem(cls, name: str, detail: str, status: int = 403, **headers: str) -> Said:
        """A problem document (RFC 8555 §6.7)."""
        told = {"type": f"urn:ietf:params:acme:error:{name}", "detail": detail}
        return cls(status, json.dumps(told).encode(), "application/problem+json", headers)


def order(host: str, name: str, challenge: str, **order: str) -> dict[str, Said]:
    """What an authority says that takes an order, offers one challenge and is never done; `order` are the order's headers."""
    proof = {"type": challenge, "url": f"https://{host}/challenge", "token": "dG9rZW4", "status": "pending"}
    name_of = {"type": "dns", "value": name}
    open_order = {"status": "pending", "identifiers": [name_of], "finalize": f"https://{host}/finalize"}
    open_order["authorizations"] = [f"https://{host}/authorization"]
    authorization = {"status": "pending", "identifier": name_of, "challenges": [proof]}
    said = {"order": open_order, "authorization": authorization, "challenge": proof}
    answers = {f"/{path}": Said(200, json.dumps(body).encode()) for path, body in said.items()}
    answers["/order"] = replace(answers["/order"], headers=order)
    answers["/newOrder"] = replace(answers["/order"], status=201, headers={"Location": f"https://{host}/order"})
    answers["/newAccount"] = Said(201, b'{"status": "valid"}', headers={"Location": f"https://{host}/account"})
    return answers


@contextmanager
def saying(home: Path, answers: Callable[[str], dict[str, Said]]) -> Iterator[str]:
    """An authority that answers each path in its own way, whatever it is told, with the certificate of
    `Pebble.prepare`; `answers` gets its host. Yields its directory."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self, said: Said) -> None:
            self.send_response(said.status)
            own = {"Content-Type": said.kind, "Content-Length": str(len(said.body)), "Replay-Nonce": "n0nce"}
            for name, value in {**said.headers, **own}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(said.body)

        def do_HEAD(self) -> None:
            self.answer(Said(200, b""))

        def do_GET(self) -> None:
            names = ("newNonce", "newAccount", "newOrder")
            host = self.headers["Host"]
            self.answer(Said(200, json.dumps({name: f"https://{host}/{name}" for name in names}).encode()))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(answers(self.headers["Host"])[self.path])

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(home / "server.crt", home / "server.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server) as port:
        yield f"https://127.0.0.1:{port}/dir"


def refusing(home: Path, said: Said) -> AbstractContextManager[str]:
    """An authority that answers every new account alike."""
    return saying(home, lambda _: {"/newAccount": said})


class Suggesting:
    """An authority that says when to renew (RFC 9773), and leaves all the rest to a pebble behind it."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.said = b""
        # The certificates that were asked about.
        self.asked: list[str] = []


@contextmanager
def suggesting(pebble: Pebble) -> Iterator[Suggesting]:
    """Such an authority. Its server has the certificate of `Pebble.prepare`."""

    class Handler(BaseHTTPRequestHandler):
        def forward(self) -> None:
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            trusted = ssl.create_default_context(cafile=str(pebble.authority))
            # By the name that it was asked by, which pebble's answers and the client's signatures have.
            behind = http.client.HTTPSConnection("127.0.0.1", pebble.port, timeout=10, context=trusted)
            with closing(behind):
                behind.request(self.command, self.path, asked, dict(self.headers))
                answer = behind.getresponse()
                body = answer.read()
            if self.path == "/dir":
                about = f"https://{self.headers['Host']}{SUGGESTION}"
                body = json.dumps({**json.loads(body), "renewalInfo": about.rstrip("/")}).encode()
            kept = {name: value for name, value in answer.getheaders() if name in KEPT}
            self.say(answer.status, body, kept)

        def say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            if not self.path.startswith(SUGGESTION):
                return self.forward()
            suggesting.asked.append(self.path.removeprefix(SUGGESTION))
            return self.say(200, suggesting.said, {"Content-Type": "application/json", "Retry-After": "21600"})

        do_HEAD = do_POST = forward

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pebble.home / "server.crt", pebble.home / "server.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server) as port:
        suggesting = Suggesting(f"https://127.0.0.1:{port}/dir")
        yield suggesting


SUGGESTION = "/suggestion/"
# The headers of an answer that say something (RFC 8555 §6.5, §7.1).
KEPT = ("Content-Type", "Link", "Location", "Replay-Nonce", "Retry-After")


@contextmanager
def authority(home: Path, environment: dict[str, str] | None = None, **settings: object) -> Iterator[Pebble]:
    """An authority and a zone in which every name leads to this machine, until the block ends."""
    home.mkdir(parents=True, exist_ok=True)
    pebble = Pebble(home, settings, environment or {})
    pebble.prepare()
    zone = ["pebble-challtestsrv", "-defaultIPv6", "", "-dns01", f"127.0.0.1:{pebble.dns}"]
    zone += ["-management", f"127.0.0.1:{pebble.zone}", "-http01", "", "-https01", "", "-tlsalpn01", ""]
    with ExitStack() as stack:
        stack.enter_context(running(zone, home / "zone.log", env=dict(os.environ)))
        stack.callback(pebble.stop)
        pebble.start()
        yield pebble
