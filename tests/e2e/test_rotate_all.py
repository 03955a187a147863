"""Every key that gates believe, the plane's own secret and the authority of all TLS, replaced under load through two
gates, one of them cut off from control: no valid request is refused, and what a removed key signed ends when promised."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from conftest import PASSWORD
from cryptography.hazmat.primitives.serialization import load_der_private_key
from harness import aeolus
from harness.process import running, wait_for
from harness.signin import sign_in
from harness.tls import Operator, Relay, pki

FLEET = """
version: 1
planes: [{{name: local, authHost: localhost}}]
connections: [{{name: local, type: local}}]
organizations:
  - name: acme
    users:
      - {{email: admin@example.com, role: ORGANIZATION_OWNER}}
      - {{email: ann@example.com, role: ORGANIZATION_MEMBER, password: {{file: password}}}}
    workspaces:
      - name: sales
        grants: [{{user: ann@example.com, role: WORKSPACE_OPERATOR}}]
        deployments:
          - {{name: echo, plane: local, hosts: [echo.localhost], upstream: "http://127.0.0.1:{port}"}}
"""
DEPLOYMENT = "acme/sales/echo"
# What gates read. Public status lists and security events are for others, the legacy key for other proxies.
TOKENS = ("access", "api", "direct", "id")


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signed_by(token: str) -> str:
    return json.loads(decoded(token.split(".")[0]))["kid"]


class Load:
    """Valid requests through each gate without pause: what was asked, and what was not let in."""

    def __init__(self, doors: dict[str, str]) -> None:
        self.doors = doors
        self.valid: dict[str, dict[str, dict]] = {name: {} for name in doors}
        self.locks = {name: threading.Lock() for name in doors}
        self.wrong: list[tuple[str, str, str]] = []
        self.asked = dict.fromkeys(doors, 0)
        self.over = threading.Event()

    def ask(self, door: str, proof: dict, session: requests.Session | None = None) -> requests.Response:
        return (session or requests).get(f"{self.doors[door]}/api/v2/dags", timeout=10, **proof)

    def lets_in(self, door: str, proof: dict) -> bool:
        return self.ask(door, proof).status_code == 200

    def add(self, name: str, proof: dict, *doors: str) -> None:
        """From now on it is valid there, as soon as it is let in."""
        for door in doors or self.doors:
            wait_for(f"{name} to be let in by {door}", lambda door=door: self.lets_in(door, proof), 60, 0.05)
            with self.locks[door]:
                self.valid[door][name] = proof

    def end(self, *names: str) -> None:
        """From now on they are not; no request with them is under way."""
        for door, valid in self.valid.items():
            with self.locks[door]:
                for name in names:
                    del valid[name]

    def run(self, door: str) -> None:
        kept = requests.Session()
        while not self.over.is_set():
            with self.locks[door]:
                for name, proof in self.valid[door].items():
                    session = kept if self.asked[door] % 4 else None
                    try:
                        answer = self.ask(door, proof, session)
                        if answer.status_code != 200:
                            self.wrong.append((door, name, f"{answer.status_code} {answer.text[:200]}"))
                    except requests.RequestException as error:
                        self.wrong.append((door, name, repr(error)))
                    self.asked[door] += 1
            # Whoever wants to change what is valid gets a turn.
            time.sleep(0.01)

    @contextmanager
    def going(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.run, args=(door,)) for door in self.doors]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join(30)
        assert not self.wrong, (self.asked, self.wrong[:5])
        assert min(self.asked.values()) > 100, self.asked


class Rotation:
    """A fleet that speaks TLS everywhere, and what its operator replaces."""

    def __init__(self, operator: Operator, relay: Relay, load: Load) -> None:
        self.operator, self.relay, self.load = operator, relay, load
        self.fleet = operator.fleet

    def keys(self, state: str) -> dict[str, str]:
        """The kid by purpose of the keys in a state."""
        listed = json.loads(self.fleet.run("key", "list", "--output", "json").stdout)
        return {key["purpose"]: key["kid"] for key in listed if key["state"] == state}

    def rotate(self, purpose: str, *more: str) -> dict:
        return json.loads(self.fleet.run("key", "rotate", purpose, *more, "--output", "json").stdout)

    def tokens(self, name: str) -> dict[str, dict]:
        """A token of each kind that gates take, by the keys that sign now."""
        active = self.keys("active")
        made = self.fleet.run(
            "token", "create", "--name", f"{name}-edge", "--deployment", DEPLOYMENT, "--direct", "--output", "json"
        )
        credentials = json.loads((self.fleet.data / "credentials.json").read_text())
        asked = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "client_id": "aeolus-cli",
            "subject_token": self.fresh(credentials),
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "audience": f"urn:aeolus:deployment:{self.fleet.deployment_id(DEPLOYMENT)}",
        }
        exchanged = requests.post(f"{self.fleet.control}/oauth2/token", data=asked, timeout=10)
        assert exchanged.status_code == 200, exchanged.text
        tokens = {
            "api": self.fleet.create_token(name, DEPLOYMENT, "DEPLOYMENT_VIEWER")["token"],
            "direct": json.loads(made.stdout)["token"],
            "access": exchanged.json()["access_token"],
        }
        assert {kind: signed_by(token) for kind, token in tokens.items()} == {kind: active[kind] for kind in tokens}
        return {kind: {"headers": {"Authorization": f"Bearer {token}"}} for kind, token in tokens.items()}

    def fresh(self, credentials: dict) -> str:
        """The administrator's access token."""
        return next(value for name, value in credentials.items() if "access" in name.lower())

    def name_in_root(self, jwk: dict) -> None:
        """Signs the next root document, with one more snapshot key, as whoever holds the root key does (RFC 7515 §7.2.1)."""
        folder = self.fleet.data / "root"
        first = json.loads((folder / "root.json").read_text())
        claims = json.loads(decoded(first["payload"]))
        claims |= {"version": claims["version"] + 1, "iat": int(time.time())}
        claims["snapshotKeys"] = [*claims["snapshotKeys"], jwk]
        payload = encoded(json.dumps(claims).encode())
        protected = first["signatures"][0]["protected"]
        key = load_der_private_key((folder / "root.key").read_bytes(), None)
        signature = encoded(key.sign(f"{protected}.{payload}".encode()))
        document = {"payload": payload, "signatures": [{"protected": protected, "signature": signature}]}
        (folder / "root.json").write_text(json.dumps(document))

    def announce(self) -> dict[str, str]:
        """The next key of each purpose, which every gate hears of."""
        for purpose in TOKENS:
            self.rotate(purpose, "--activate-in", "1h")
        announced = self.rotate("snapshot", "--activate-in", "1h")
        self.name_in_root(next(key["jwk"] for key in announced["keys"] if key["state"] == "announced"))
        self.fleet.kill_control()
        self.fleet.start_control()
        return self.keys("announced")

    def activate(self) -> None:
        """They sign from now on, whoever is cut off."""
        for purpose in (*TOKENS, "snapshot"):
            self.rotate(purpose, "--activate-in", "0s", "--regardless", "--no-wait")

    def proved_by(self, root: Path) -> bool:
        """Whether a client that trusts this root alone believes control."""
        context = ssl.create_default_context(cafile=root)
        try:
            with socket.create_connection(("127.0.0.1", self.operator.port), 10) as raw:
                context.wrap_socket(raw, server_hostname="localhost").close()
        except ssl.SSLError:
            return False
        return True


@pytest.fixture
def rotation(tmp_path, upstream, monkeypatch):
    operator = Operator(tmp_path)
    fleet = operator.fleet
    for name in ("TLS__PRIVATE_CA_CERTS", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(operator.bundle))
    password, document = tmp_path / "password", tmp_path / "fleet.yaml"
    aeolus.private(password, PASSWORD.encode())
    document.write_text(FLEET.format(port=upstream.port))
    # The second gate believes what it was given before, and gets nothing new while it is cut off.
    shutil.copy(operator.bundle, tmp_path / "before.crt")
    fleet.settings |= {
        "GATE__CONTROL_TLS__CERTIFICATE": f"{tmp_path}/gate.crt",
        "GATE__CONTROL_TLS__KEY": f"{tmp_path}/gate.key",
        "CONTROL__TLS__CLIENTS__AUTHORITIES": str(operator.bundle),
    }
    relay = Relay(operator.port)
    try:
        operator.start(document, password)
        operator.join()
        with second_gate(operator, relay) as door:
            doors = {"connected": fleet.proxy.replace("127.0.0.1", "echo.localhost"), "cut off": door}
            yield Rotation(operator, relay, Load(doors))
    finally:
        fleet.end()
        relay.listener.close()


@contextmanager
def second_gate(operator: Operator, relay: Relay) -> Iterator[str]:
    """Another replica, whose way to control can be cut; it asks no sibling."""
    first, second = operator.fleet.data / "gate", operator.home / "second"
    second.mkdir(mode=0o700)
    for file in ("gate.json", "root.json", "identity.key", "secret.json"):
        shutil.copy2(first / file, second / file)
    enrolled = json.loads((second / "gate.json").read_text())
    url = next(name for name in enrolled if "url" in name.lower())
    (second / "gate.json").write_text(json.dumps({**enrolled, url: f"https://localhost:{relay.port}"}))
    settings = {name: value for name, value in operator.fleet.settings.items() if name.startswith("GATE__")}
    settings["GATE__CONTROL_TLS__AUTHORITIES"] = f"{operator.home}/before.crt"
    serve = ["gate", "serve", "--data", second, "--metrics", "off", "--ready-json"]
    command = ["env", *(f"{name}={value}" for name, value in settings.items()), aeolus.BINARY, *serve]
    command += ["--checks", "127.0.0.1:0", "--proxy", "127.0.0.1:0"]
    with running(command, operator.home / "second.log", stdout=subprocess.PIPE) as child:
        ready = json.loads(aeolus.first_line(child, 60))
        yield f"https://echo.localhost:{ready['proxy'].rsplit(':', 1)[1]}"


def test_f30_f31_f63_f64_every_key_is_replaced_under_load_with_a_gate_cut_off_and_nothing_valid_is_refused(rotation):
    load, relay, fleet, operator = rotation.load, rotation.relay, rotation.fleet, rotation.operator
    person = {"cookies": sign_in(f"{load.doors['connected']}/api/v2/dags", "ann@example.com", PASSWORD).cookies}
    first = rotation.tokens("first")
    old = rotation.keys("active")
    with load.going():
        load.add("person", person)
        for kind, proof in first.items():
            load.add(f"first {kind}", proof)
        announced = rotation.announce()
        assert set(announced) == {*TOKENS, "snapshot"}
        # Who knows a token that was made later knows the keys that were announced before.
        load.add("marker", rotation.tokens("marker")["api"])

        relay.cut()
        rotation.activate()
        new = rotation.keys("active")
        assert {purpose: new[purpose] for purpose in announced} == announced
        second = rotation.tokens("second")
        for kind, proof in second.items():
            load.add(f"second {kind}", proof, "connected")
        # It knows the keys that have begun to sign since; an API token's authority is a record that it lacks.
        for kind in ("direct", "access"):
            load.add(f"second {kind}", second[kind], "cut off")
        assert load.ask("cut off", second["api"]).status_code == 401

        step = ("rotate-ca", "--dir", operator.ca, "--advance")
        pki(*step)
        pki(*step, "--clients-have-bundle")
        pki("renew", "--dir", operator.ca, "--now")
        wait_for("what the next root proves", lambda: rotation.proved_by(operator.ca / "next.crt"), 15)
        # It knows neither the next root nor what the next snapshot key signed, and believes both.
        relay.is_cut = False
        load.add("second api", second["api"], "cut off")
        shutil.copy(operator.bundle, operator.home / "after.crt")
        (operator.home / "after.crt").replace(operator.home / "before.crt")
        pki(*step)
        pki(*step, "--force")
        wait_for("the new root alone", lambda: rotation.proved_by(operator.bundle), 15)

        # The plane's own secret, by which cookies are sealed and Airflow's tokens signed.
        secret = "gate/secret.json"
        said = aeolus.run("gate", "secret", "rotate", "--data", f"{fleet.data}/gate", "--activate-in", "3s", "--output", "json")
        shutil.copy2(fleet.data / secret, operator.home / "second" / "secret.json")
        over = json.loads(said.stdout)[-1]["activeFrom"]
        exchanged = {door: airflow_key(load.ask(door, person)) for door in load.doors}
        for door in load.doors:
            fresh = lambda door=door: airflow_key(load.ask(door, person)) != exchanged[door]  # noqa: E731
            wait_for(f"the next generation at {door}", fresh, 30)
        assert time.time() >= over
        later = sign_in(f"{load.doors['cut off']}/api/v2/dags", "ann@example.com", PASSWORD)
        load.add("person again", {"cookies": later.cookies})

        # What the old keys signed is good for as long as it was to be, and so are they.
        assert {purpose: rotation.keys("retired")[purpose] for purpose in announced} == {p: old[p] for p in announced}
        refused = fleet.run("key", "remove", old["api"], check=False)
        assert refused.returncode == 1 and "live tokens" in refused.stderr, refused.stderr

        # Somebody else has them: what they signed ends within seconds, and at a gate that is cut off when it hears of it.
        relay.cut()
        load.end(*(f"first {kind}" for kind in first), "marker")
        for kind in first:
            fleet.run("key", "remove", old[kind], "--compromised", "--no-wait")
            wait_for(f"the end of what {kind} signed", lambda kind=kind: load.ask("connected", first[kind]).status_code == 401, 5)
            assert load.lets_in("cut off", first[kind]), "it has not heard of it"
        relay.is_cut = False
        for kind in first:
            wait_for(f"the end of what {kind} signed", lambda kind=kind: load.ask("cut off", first[kind]).status_code == 401, 60)
    print(f"rotated under {sum(load.asked.values())} valid requests: {len(load.wrong)} refused")


def airflow_key(answer: requests.Response) -> str:
    """Which key signed the token that reached the application."""
    assert answer.status_code == 200, answer.text[:400]
    headers = {name.lower(): value for name, value in answer.json()["headers"]}
    return signed_by(headers["authorization"].split()[1])
