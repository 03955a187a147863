"""An identity provider's own access tokens count as the people they name, and nothing else of it does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextlib import ExitStack

import pytest
import requests
from conftest import PASSWORD, required
from harness import aeolus, provider
from harness.airflow import airflow
from harness.process import free_port, wait_for

FLEET = """
version: 1
planes: [{{name: local, authHost: localhost}}]
connections:
  - {{name: local, type: local}}
  - name: idp
    type: custom
    clientId: spa
    discoveryUrl: {issuer}
    sessionTokens: {{audience: astronomer-ee, maxLife: {life}}}
organizations:
  - name: acme
    users:
      - {{email: ann@example.com, role: ORGANIZATION_MEMBER{ann}}}
      - {{email: eve@example.com, role: ORGANIZATION_MEMBER, identities: [{{connection: idp, subject: eve}}]}}
      - {{email: bob@example.com, role: ORGANIZATION_MEMBER, identities: [{{connection: idp, subject: bob}}]}}
    workspaces:
      - name: sales
        grants: [{{user: ann@example.com, role: WORKSPACE_OPERATOR}}]
        deployments:
          - name: etl
            plane: local
            hosts: [etl.localhost]
            upstream: http://127.0.0.1:{airflow}
          - name: echo
            plane: local
            hosts: [echo.localhost]
            upstream: http://127.0.0.1:{echo}
            grants: [{{user: eve@example.com, role: DEPLOYMENT_VIEWER}}]
"""
LINKED = ", identities: [{connection: idp, subject: ann}]"
AUDIENCE = "astronomer-ee"


class Scene:
    """A fleet, its provider and what is written of them."""

    def __init__(self, home, upstream) -> None:
        self.home = home
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.airflow = free_port()
        self.written = {"issuer": self.issuer, "airflow": self.airflow, "echo": upstream.port}
        self.idp = ExitStack()
        self.fleet = None

    def start_idp(self, kid: str) -> None:
        """Starts the provider with a new key."""
        self.idp.enter_context(provider.provider(self.port, kid, self.home / f"{kid}.log"))

    def write(self, life: str = "1h", ann: str = LINKED):
        """Writes the fleet's document."""
        document = self.home / "fleet.yaml"
        document.write_text(FLEET.format(**self.written, life=life, ann=ann))
        return document

    def apply(self, **changed: str) -> None:
        """Brings about a changed document."""
        self.fleet.run("apply", "--file", str(self.write(**changed)), "--prune")

    def url(self, deployment: str) -> str:
        """A deployment's URL."""
        return f"http://{deployment}.localhost:{self.fleet.proxy.rsplit(':', 1)[1]}/api/v2/dags"

    def ask(self, token: str, deployment: str = "echo") -> requests.Response:
        """Asks with a bearer token."""
        bearer = {"Authorization": f"Bearer {token}"}
        return requests.get(self.url(deployment), headers=bearer, timeout=60)

    def status(self, token: str) -> int:
        """What a bearer token gets."""
        return self.ask(token).status_code

    def becomes(self, token: str, status: int, seconds: float = 10) -> None:
        """Waits until a token gets an answer."""
        wait_for(f"a {status}", lambda: self.status(token) == status, seconds)


@pytest.fixture(scope="module")
def scene(tmp_path_factory, upstream):
    """A fleet whose connection has opted in, and a running provider."""
    required("node-oidc-provider", provider.installed())
    home = tmp_path_factory.mktemp("idp")
    (home / "password").touch(mode=0o600)
    (home / "password").write_text(PASSWORD + "\n")
    scene = Scene(home, upstream)
    with scene.idp:
        scene.start_idp("key-1")
        document = scene.write()
        with aeolus.serving(home / "aeolus", document, home / "password", home / "logs") as fleet:
            scene.fleet = fleet
            yield scene


@pytest.fixture(scope="module")
def ann(scene) -> dict[str, str]:
    """What Ann's browser app gets from the provider, once her gate knows its keys."""
    tokens = provider.sign_in(scene.issuer, "ann", AUDIENCE)
    scene.becomes(tokens["access_token"], 200, 30)
    return tokens


def seen(answer: requests.Response) -> dict[str, str]:
    """The headers with which a request reached the application."""
    return {name.lower(): value for name, value in answer.json()["headers"]}


def part(token: str, index: int) -> dict:
    """The header or the claims of a token."""
    text = token.split(".")[index]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def encoded(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_o2_a_token_of_the_provider_reaches_the_application_as_the_person(scene, ann):
    answer = scene.ask(ann["access_token"])
    assert answer.status_code == 200, answer.text
    headers = seen(answer)
    assert headers["x-aeolus-email"] == "ann@example.com"
    minted = headers["authorization"].removeprefix("Bearer ")
    assert minted != ann["access_token"]
    claims = part(minted, 1)
    assert claims["email"] == "ann@example.com"
    assert claims["exp"] <= part(ann["access_token"], 1)["exp"]


def test_o2_a_real_airflow_knows_the_person(scene, ann):
    trust = aeolus.airflow_settings(scene.fleet.data / "gate", "acme/sales/etl", scene.fleet.gate)
    with airflow(scene.home / "airflow", scene.airflow, trust, parts=("api-server",)):
        answer = scene.ask(ann["access_token"], "etl")
        assert answer.status_code == 200, answer.text
        assert {dag["dag_id"] for dag in answer.json()["dags"]} >= {"hello"}
        me = scene.url("etl").replace("/api/v2/dags", "/ui/auth/me")
        bearer = {"Authorization": f"Bearer {ann['access_token']}"}
        assert requests.get(me, headers=bearer, timeout=60).json()["username"] == "ann@example.com"


def test_n4_whatever_else_the_provider_signed_is_refused_alike(scene, ann):
    foreign = provider.sign_in(scene.issuer, "ann", "another-api")
    unlinked = provider.sign_in(scene.issuer, "mallory", AUDIENCE)
    refused = {
        "t31 an id_token": ann["id_token"],
        "another audience": foreign["access_token"],
        "somebody nobody knows": unlinked["access_token"],
        "forged": ann["access_token"][:-8] + "AAAAAAAA",
    }
    answers = {name: scene.ask(token) for name, token in refused.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(refused, 401)
    assert len({(a.text, a.headers["WWW-Authenticate"]) for a in answers.values()}) == 1
    assert scene.status(ann["access_token"]) == 200


def test_t1_t2_the_providers_public_key_is_no_secret_to_sign_with(scene, ann):
    keys = requests.get(f"{scene.issuer}/jwks", timeout=20).json()["keys"]
    claims = ann["access_token"].split(".")[1]
    for alg, digest in (("none", None), ("HS256", hashlib.sha256), ("HS512", hashlib.sha512)):
        header = encoded(json.dumps({**part(ann["access_token"], 0), "alg": alg}).encode())
        secret = json.dumps(keys[0], separators=(",", ":")).encode()
        signed = f"{header}.{claims}"
        signature = encoded(hmac.new(secret, signed.encode(), digest).digest()) if digest else "AA"
        assert scene.status(f"{signed}.{signature}") == 401, alg
    for name, value in (("jwk", keys[0]), ("jku", f"{scene.issuer}/jwks"), ("x5u", scene.issuer)):
        header = encoded(json.dumps({**part(ann["access_token"], 0), name: value}).encode())
        assert scene.status(f"{header}.{claims}.{ann['access_token'].split('.')[2]}") == 401, name


def test_grants_decide_as_for_anybody(scene, ann):
    eve = provider.sign_in(scene.issuer, "eve", AUDIENCE)["access_token"]
    bob = provider.sign_in(scene.issuer, "bob", AUDIENCE)["access_token"]
    assert scene.status(bob) == 403
    for token, role in ((ann["access_token"], "op"), (eve, "viewer")):
        minted = seen(scene.ask(token))["authorization"].removeprefix("Bearer ")
        assert part(minted, 1)["role"] == role


def test_while_control_is_away_it_goes_on_and_after_a_restart_of_the_gate(scene, ann):
    scene.fleet.kill_control()
    try:
        assert scene.status(ann["access_token"]) == 200
        # One that the gate has never seen: verified with the keys of the snapshot.
        eve = provider.sign_in(scene.issuer, "eve", AUDIENCE)["access_token"]
        assert scene.status(eve) == 200
        scene.fleet.restart_gate()
        assert scene.status(eve) == 200
    finally:
        scene.fleet.start_control()


def test_explain_says_whose_token_it_is(scene, ann):
    token = scene.home / "token"
    token.touch(mode=0o600)
    token.write_text(ann["access_token"])
    request = ["--data", f"{scene.fleet.data}/gate", "--url", scene.url("echo"), "--token-file", str(token)]
    explained = scene.fleet.run("explain", *request, check=False)
    assert "identity provider's token" in explained.stdout, explained.stdout + explained.stderr
    assert "ann@example.com" in explained.stdout


def test_a_link_that_is_taken_away_ends_the_token_within_seconds(scene, ann):
    scene.apply(ann="")
    scene.becomes(ann["access_token"], 401)
    scene.apply()
    scene.becomes(ann["access_token"], 200)


def test_a_person_who_is_taken_out_is_refused_within_seconds(scene, ann):
    eve = provider.sign_in(scene.issuer, "eve", AUDIENCE)["access_token"]
    scene.becomes(eve, 200)
    document = scene.write()
    lines = [line for line in document.read_text().splitlines() if "eve@example.com" not in line]
    document.write_text("\n".join(lines))
    scene.fleet.run("apply", "--file", str(document), "--prune")
    wait_for("a refusal", lambda: scene.status(eve) in (401, 403), 10)
    scene.apply()
    scene.becomes(eve, 200)


def test_a_token_lives_no_longer_than_the_connection_says(scene, ann):
    scene.apply(life="1m")
    life = part(ann["access_token"], 1)
    assert life["exp"] - life["iat"] == 600
    young = provider.sign_in(scene.issuer, "ann", AUDIENCE)["access_token"]

    def ends() -> int:
        return part(seen(scene.ask(young))["authorization"].removeprefix("Bearer "), 1)["exp"]

    # Until the gate has the new terms, the token is good by the old ones.
    wait_for("the shorter life", lambda: ends() <= part(young, 1)["iat"] + 60, 10)
    scene.apply()
    scene.becomes(ann["access_token"], 200)


def test_a_key_that_was_changed_at_the_provider_changes_here(scene, ann):
    scene.idp.close()
    # A provider that is away takes nothing away, also when it is asked.
    scene.apply(life="2h")
    scene.becomes(ann["access_token"], 200)
    scene.start_idp("key-2")
    fresh = provider.sign_in(scene.issuer, "ann", AUDIENCE)["access_token"]
    assert part(fresh, 0)["kid"] == "key-2"
    # The gate's refusals tell control that there is a key it should know, at most once a minute.
    scene.becomes(fresh, 200, 150)
    scene.becomes(ann["access_token"], 401)


def test_a_plane_without_control_says_that_it_has_no_keys(tmp_path):
    written = {"issuer": "https://idp.example.com", "airflow": 8080, "echo": 8081}
    (tmp_path / "fleet.yaml").write_text(FLEET.format(**written, life="1h", ann=LINKED))
    places = ["--plane", "local", "--keys", f"{tmp_path}/keys", "--out", f"{tmp_path}/gate"]
    built = aeolus.run("plane", "build", "--file", f"{tmp_path}/fleet.yaml", *places, check=False)
    assert built.returncode == 2
    assert "FLT-0003" in built.stderr and "sessionTokens" in built.stderr
