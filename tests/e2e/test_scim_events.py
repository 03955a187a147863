"""SCIM events: a real receiver verifies what control pushes with another JOSE implementation, and may be away for a while."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
import requests
from conftest import PASSWORD, required
from harness import aeolus, postgres
from harness.process import free_port, wait_for

SECRET = "Bearer 5up3r-s3cr3t-0f-the-receiver"
AUDIENCE = "https://tickets.example.com"
CODE = "okta:correct horse battery staple"
EVENT = "urn:ietf:params:scim:event:prov:"
DOCUMENT = """
version: 1
connections:
  - {name: local, type: local}
organizations:
  - name: acme
"""


class Receiver:
    """A receiver at a port of its own, which can go and come back there. Answers are given first come first; then 202."""

    def __init__(self) -> None:
        self.port = free_port()
        self.taken: list[tuple[dict[str, str], str]] = []
        self.answers: list[tuple[int, dict]] = []
        self.server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events"

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, said = receiver.answers.pop(0) if receiver.answers else (202, None)
                if status == 202:
                    receiver.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
                text = json.dumps(said).encode() if said else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


@pytest.fixture(params=["sqlite", "postgres"])
def scene(request, tmp_path):
    """A control plane whose connection okta has a receiver, which is not there yet."""
    aeolus.private(tmp_path / "password", PASSWORD.encode() + b"\n")
    aeolus.private(tmp_path / "authorization", SECRET.encode() + b"\n")
    (tmp_path / "fleet.yaml").write_text(DOCUMENT)
    receiver = Receiver()
    prefix = "AUTH__OPENID_CONNECT__OKTA__SCIM_EVENTS__"
    settings = {
        "SCIM_AUTH_CODE_OKTA": CODE,
        f"{prefix}ENDPOINT": receiver.url,
        f"{prefix}AUDIENCE": AUDIENCE,
        f"{prefix}AUTHORIZATION__FILE": str(tmp_path / "authorization"),
    }
    with ExitStack() as stack:
        database = None
        if request.param == "postgres":
            required("PostgreSQL", postgres.programs() is not None)
            database = stack.enter_context(postgres.postgres()).url
        stack.callback(receiver.stop)
        where = (tmp_path / "aeolus", tmp_path / "fleet.yaml", tmp_path / "password", tmp_path / "logs")
        yield stack.enter_context(aeolus.controlled(*where, database=database, **settings)), receiver


def client(control) -> requests.Session:
    """What the provider asks with."""
    session = requests.Session()
    session.auth = tuple(CODE.split(":", 1))
    session.headers["Content-Type"] = "application/scim+json"
    session.base = f"{control.control}/v1/scim/v2/okta"
    return session


def made(okta: requests.Session, name: str) -> str:
    body = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": f"{name}@corp.test",
        "externalId": f"00u-{name}",
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "active": True,
    }
    answer = okta.post(f"{okta.base}/Users", data=json.dumps(body), timeout=10)
    assert answer.status_code == 201, answer.text
    return "/Users/" + answer.json()["id"]


def status(control) -> dict:
    return json.loads(control.run("scim", "events", "--connection", "okta", "--output", "json").stdout)


def verified(control, token: str) -> dict:
    """The claims of a token, by the published keys."""
    keys = jwt.PyJWKSet.from_dict(requests.get(f"{control.control}/.well-known/jwks.json", timeout=10).json())
    header = jwt.get_unverified_header(token)
    assert (header["typ"], header["alg"]) == ("secevent+jwt", "RS256")
    claims = jwt.decode(token, keys[header["kid"]].key, algorithms=["RS256"], audience=AUDIENCE, issuer=control.control)
    assert "sub" not in claims and "exp" not in claims
    assert set(claims) == {"iss", "aud", "iat", "jti", "txn", "sub_id", "events"}
    return claims


def test_a_receiver_gets_every_event_once_it_is_there(scene):
    control, receiver = scene
    okta = client(control)
    ada = made(okta, "ada")
    wait_for("an attempt in vain", lambda: status(control)["failures"] >= 1, 20)
    waiting = status(control)
    assert waiting["waiting"] == 1 and waiting["delivered"] == 0
    assert "can't be reached" in waiting["error"], waiting
    shown = control.run("scim", "events", "--connection", "okta").stdout
    assert receiver.url in shown and "can't be reached" in shown

    off = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    assert okta.patch(f"{okta.base}{ada}", data=json.dumps(off), timeout=10).status_code == 200
    # A change that is none has no event.
    assert okta.patch(f"{okta.base}{ada}", data=json.dumps(off), timeout=10).status_code == 200
    receiver.start()
    wait_for("two events", lambda: len(receiver.taken) == 2, 30)
    headers = receiver.taken[0][0]
    assert headers["content-type"] == "application/secevent+jwt"
    assert headers["authorization"] == SECRET
    first, second = (verified(control, token) for _, token in receiver.taken)
    assert first["sub_id"] == {"format": "scim", "uri": ada, "externalId": "00u-ada"}
    assert set(first["events"]) == {f"{EVENT}create:notice"}
    assert set(second["events"]) == {f"{EVENT}patch:notice", f"{EVENT}deactivate"}
    assert second["events"][f"{EVENT}patch:notice"]["attributes"] == ["active"]
    assert first["jti"] != second["jti"] and first["txn"] != second["txn"]
    for _, token in receiver.taken:
        payload = base64.urlsafe_b64decode(token.split(".")[1] + "==").decode()
        assert "Lovelace" not in payload and "corp.test" not in payload

    # Away again, and control dies meanwhile.
    receiver.stop()
    bob, eve = made(okta, "bob"), made(okta, "eve")
    control.kill_control()
    control.start_control()
    receiver.answers = [(400, {"err": "invalid_request", "description": "not this one"})]
    receiver.start()
    wait_for("what was noted before", lambda: len(receiver.taken) == 3, 40)
    assert verified(control, receiver.taken[2][1])["sub_id"]["uri"] == eve != bob
    done = wait_for("nothing waits", lambda: (now := status(control))["waiting"] == 0 and now, 10)
    assert (done["delivered"], done["dropped"]) == (3, 1)
    dropped = control.run("audit", "tail", "--all", "-n", "200", "--output", "json").stdout
    assert "scim.events_drop" in dropped and bob in dropped

    advertised = okta.get(f"{okta.base}/ServiceProviderConfig", timeout=10).json()["securityEvents"]
    assert advertised["asyncRequest"] == "none"
    assert set(second["events"]) <= set(advertised["eventUris"])
    # The receiver's secret is in no log and no line of the audit log.
    for log in control.logs.iterdir():
        assert "5up3r" not in log.read_text(), log
    assert "5up3r" not in dropped


def test_the_configuration_says_where_events_go_and_hides_the_secret(tmp_path):
    config = tmp_path / "control.yaml"
    section = {"endpoint": "https://events.example.com/in", "authorization": SECRET}

    def asked(verb: str, section: dict) -> tuple[int, str]:
        config.write_text(json.dumps({"auth": {"openidConnect": {"okta": {"scimEvents": section}}}}))
        command = ["check", str(config)] if verb == "check" else ["print", "--config", str(config)]
        done = aeolus.run("config", *command, check=False)
        return done.returncode, done.stdout + done.stderr

    code, text = asked("check", section)
    assert "events go to https://events.example.com/in" in text, text
    assert "5up3r" not in text
    _, text = asked("print", section)
    assert "https://events.example.com/in" in text and "5up3r" not in text
    for bad in (
        {**section, "endpoint": "http://events.example.com/in"},
        {"authorization": SECRET},
        {**section, "audience": " "},
        {**section, "authorization": "a\nb"},
    ):
        code, text = asked("check", bad)
        assert code != 0 and "scimEvents" in text, (bad, text)
        assert "5up3r" not in text
