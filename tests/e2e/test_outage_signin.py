"""People whom a plane knows sign in at their identity provider while control is away."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from conftest import PASSWORD, required
from harness import aeolus, provider
from harness.process import free_port, wait_for, wait_for_line

FLEET = """
version: 1
planes: [{{name: local, authHost: localhost}}]
connections:
  - {{name: local, type: local}}
  - name: idp
    type: custom
    clientId: spa
    discoveryUrl: {issuer}
    planeRegistrations: [{registration}]
organizations:
  - name: acme
    users:
      - {{email: ann@example.com, role: ORGANIZATION_MEMBER, identities: [{{connection: idp, subject: ann}}]}}
    workspaces:
      - name: sales
        grants: [{{user: ann@example.com, role: WORKSPACE_OPERATOR}}]
        deployments:
          - name: echo
            plane: local
            hosts: [echo.localhost]
            upstream: http://127.0.0.1:{echo}
"""
BARE = """
version: 1
planes: [{name: local, authHost: localhost}]
"""
SIGNS = "{plane: local, clientId: aeolus-signs, tokenEndpointAuthMethod: private_key_jwt}"
BROWSER = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


class Scene:
    """A fleet whose plane has a client of its own at a running provider."""

    def __init__(self, fleet, issuer: str) -> None:
        self.fleet = fleet
        self.issuer = issuer
        self.port = fleet.proxy.rsplit(":", 1)[1]
        self.url = f"http://echo.localhost:{self.port}"

    def begin(self, browser: requests.Session) -> requests.Response:
        """Asks to sign in."""
        asked = {"next": "/home?x=1"}
        return browser.get(f"{self.url}/.aeolus/sign-in", params=asked, allow_redirects=False, timeout=20)

    def goes_to_provider(self) -> bool:
        """Whether somebody who signs in is sent to the provider."""
        answer = self.begin(requests.Session())
        return answer.headers.get("Location", "").startswith(f"{self.issuer}/auth?")

    def sign_in(self, login: str) -> tuple[requests.Session, requests.Response]:
        """Signs in at the provider; the browser, and where it landed."""
        browser = requests.Session()
        browser.headers.update(BROWSER)
        asked = self.begin(browser)
        assert asked.status_code == 302, asked.text
        callback = f"http://localhost:{self.port}/.aeolus/callback"
        query = parse_qs(urlsplit(asked.headers["Location"]).query)
        assert query["redirect_uri"] == [callback] and query["code_challenge_method"] == ["S256"]
        answer = browser.get(asked.headers["Location"], allow_redirects=False, timeout=20)
        back = provider.through(browser, answer, login, callback)
        return browser, browser.get(back, timeout=20)

    def audit(self) -> list[dict]:
        """What the organization's audit log says."""
        credentials = json.loads((self.fleet.data / "credentials.json").read_text())
        token = credentials.get("accessToken") or credentials["access_token"]
        url = f"{self.fleet.control}/v1/organizations/acme/audit"
        answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


@pytest.fixture(scope="module")
def scene(tmp_path_factory, upstream):
    """A fleet whose gate knows how to sign people in, and has lost control."""
    required("node-oidc-provider", provider.installed())
    home = tmp_path_factory.mktemp("outage")
    (home / "password").touch(mode=0o600)
    (home / "password").write_text(PASSWORD + "\n")
    document = home / "fleet.yaml"
    document.write_text(BARE)
    with aeolus.serving(home / "aeolus", document, home / "password", home / "logs") as fleet:
        told = f"{fleet.control}/v1/oauth/backchannel-logout/idp"
        with provider.provider(free_port(), "key-1", home / "idp.log", told) as issuer:
            document.write_text(FLEET.format(issuer=issuer, echo=upstream.port, registration=""))
            fleet.run("apply", "--file", str(document))
            register(fleet)
            settled(fleet)
            yield Scene(fleet, issuer)


def register(fleet) -> None:
    """Gives the plane its client by command: says what the provider has to know, and tells control."""
    command = ["connection", "plane-register", "idp", "--plane", "local"]
    rows = json.loads(fleet.run(*command, "--output", "json").stdout)["setup"]
    assert {row["what"]: row["value"] for row in rows} == {
        "client": "public, code flow with PKCE (S256)",
        "redirect URI": "http://localhost:PORT/.aeolus/callback",
        "signing out": f"{fleet.control}/v1/oauth/backchannel-logout/idp",
    }
    listed = ["connection", "plane-list", "idp", "--output", "json"]
    assert json.loads(fleet.run(*listed).stdout) == []
    done = json.loads(fleet.run(*command, "--client-id", "aeolus-local", "--output", "json").stdout)
    assert done["registered"]["origin"] == "api" and "problem" not in done["registered"], done
    # Control's own client is not the plane's, whoever says so.
    refused = fleet.run(*command, "--client-id", "spa", check=False)
    assert refused.returncode == 1 and "another client's id" in refused.stderr, refused.stderr
    [shown] = json.loads(fleet.run(*listed).stdout)
    assert shown["clientId"] == "aeolus-local"


@pytest.fixture
def signing_scene(tmp_path, upstream):
    """The same with a client that signs, whose keys were given to the provider as they are printed."""
    required("node-oidc-provider", provider.installed())
    (tmp_path / "password").touch(mode=0o600)
    (tmp_path / "password").write_text(PASSWORD + "\n")
    document, keys, port = tmp_path / "fleet.yaml", tmp_path / "client-keys.json", free_port()
    document.write_text(FLEET.format(issuer=f"http://127.0.0.1:{port}", echo=upstream.port, registration=""))
    with aeolus.serving(tmp_path / "aeolus", document, tmp_path / "password", tmp_path / "logs") as fleet:
        wait_for("the connection at the gate", lambda: client_keys(fleet, check=False), 20)
        keys.write_text(client_keys(fleet))
        with provider.provider(port, "key-1", tmp_path / "idp.log", client_keys=str(keys)) as issuer:
            document.write_text(FLEET.format(issuer=issuer, echo=upstream.port, registration=SIGNS))
            fleet.run("apply", "--file", str(document))
            settled(fleet)
            yield Scene(fleet, issuer)


def settled(fleet) -> None:
    """Waits until control has asked the provider and the gate knows of it."""

    def asked() -> bool:
        return "exchanging" in fleet.run("plane", "show", "local", "--network").stdout

    wait_for("control to ask the provider", asked, 30)
    # Answered when the gate has what control knew.
    fleet.create_token("settled", "acme/sales/echo", "DEPLOYMENT_VIEWER")


def client_keys(fleet, check: bool = True) -> str:
    """The keys of the plane's client at the provider, as the gate's host prints them."""
    command = ["gate", "client-keys", "--data", f"{fleet.data}/gate", "--connection", "idp"]
    return aeolus.run(*command, check=check).stdout


def test_people_sign_in_without_control_and_control_takes_their_sessions_up(scene):
    fleet = scene.fleet
    shown = json.loads(fleet.run("plane", "show", "local", "--output", "json").stdout)
    assert shown["authHost"] == "localhost"
    assert shown["redirectUri"] == "http://localhost:PORT/.aeolus/callback"
    network = json.loads(fleet.run("plane", "show", "local", "--network", "--output", "json").stdout)
    out = [flow for flow in network if flow["direction"] == "out" and "codes" in flow["purpose"]]
    assert [flow["port"] for flow in out] == [int(scene.issuer.rsplit(":", 1)[1])]

    # While control answers it is asked.
    answer = scene.begin(requests.Session())
    assert answer.headers["Location"].startswith(f"{fleet.control}/oauth2/authorize?")

    fleet.kill_control()
    wait_for("the gate to count control as away", scene.goes_to_provider, 90)
    browser, landed = scene.sign_in("ann")
    assert landed.status_code == 200, landed.text
    assert landed.url == f"{scene.url}/home?x=1"
    headers = {name.lower(): value for name, value in landed.json()["headers"]}
    assert headers["x-aeolus-email"] == "ann@example.com"
    who = browser.get(f"{scene.url}/.aeolus/session", timeout=20).json()
    assert who["signedIn"] and who["email"] == "ann@example.com"

    # Somebody whom the provider knows and this plane doesn't.
    stranger, page = scene.sign_in("mallory")
    assert page.status_code == 403 and "sign_in_unknown_here" in page.text
    assert not stranger.get(f"{scene.url}/.aeolus/session", timeout=20).json()["signedIn"]

    # The same person at another browser.
    other, landed = scene.sign_in("ann")
    assert landed.status_code == 200, landed.text

    fleet.restart_gate()
    assert browser.get(f"{scene.url}/home", timeout=20).status_code == 200

    fleet.start_control()

    def begun() -> list[dict]:
        return [event for event in scene.audit() if event["action"] == "session.sign_in"]

    events = wait_for("the sessions in control's audit log", lambda: begun() if len(begun()) == 2 else None, 60)
    assert [(event["outcome"], event["reason"]) for event in events] == [("success", "at_plane:local")] * 2
    assert events[0]["actor"]["type"] == "user"
    assert browser.get(f"{scene.url}/home", timeout=20).status_code == 200
    wait_for("sign-ins to go through control", lambda: not scene.goes_to_provider(), 60)

    # It is one of control's sessions now: it ends there, too.
    same = {"Sec-Fetch-Site": "same-origin", "Origin": scene.url}
    out = browser.get(f"{scene.url}/.aeolus/sign-out", headers=same, timeout=20)
    assert out.status_code == 200
    assert not signed_in(scene, browser)

    # And at the provider, which tells control.
    assert signed_in(scene, other)
    provider.sign_out(other, scene.issuer)
    wait_for("the gate to refuse the session", lambda: not signed_in(scene, other), 2)
    out = [event["reason"] for event in scene.audit() if event["action"] == "session.sign_out"]
    assert "at_provider:idp" in out


def test_o16_a_client_that_signs_with_a_key_of_the_plane(signing_scene):
    scene, fleet = signing_scene, signing_scene.fleet
    jwks = f"http://localhost:{scene.port}/.aeolus/jwks/idp"

    def shown() -> list[dict]:
        answer = requests.get(jwks, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()["keys"]

    [key] = shown()
    assert [key] == json.loads(client_keys(fleet))["keys"]
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    assert "d" not in key
    network = json.loads(fleet.run("plane", "show", "local", "--network", "--output", "json").stdout)
    assert [flow["host"] for flow in network if flow["from"] == "identity provider"] == ["localhost"]

    fleet.kill_control()
    wait_for("the gate to count control as away", scene.goes_to_provider, 90)
    browser, landed = scene.sign_in("ann")
    assert landed.status_code == 200, landed.text
    assert signed_in(scene, browser)

    # Another key, of which the provider knows nothing: nobody comes in, and the page says no more than that.
    rotated = aeolus.run("gate", "secret", "rotate", "--compromised", "--data", f"{fleet.data}/gate")
    assert "idp: what the plane's client signs" in rotated.stderr
    wait_for("the new key", lambda: shown() != [key], 20)
    assert shown() == json.loads(client_keys(fleet))["keys"]
    stranger, page = scene.sign_in("ann")
    assert page.status_code == 503 and "sign_in_client_refused" in page.text, page.text
    assert not any(detail in page.text for detail in ("aeolus-signs", "invalid_client", "jwt", scene.issuer))
    assert not signed_in(scene, stranger)
    wait_for_line(fleet.logs / "gate.log", "the provider does not take this gate for the plane's client")


def test_a_plane_that_is_removed_signs_nobody_in(scene):
    """Runs last: what the others need is taken away."""
    fleet = scene.fleet
    fleet.run("connection", "plane-remove", "idp", "--plane", "local")
    assert json.loads(fleet.run("connection", "plane-list", "idp", "--output", "json").stdout) == []
    fleet.kill_control()

    def says_so() -> bool:
        return "sign_in_needs_control" in scene.begin(requests.Session()).text

    wait_for("the gate to count control as away", says_so, 90)
    assert not scene.goes_to_provider()


def signed_in(scene: Scene, browser: requests.Session) -> bool:
    """Whether the gate takes a browser for somebody."""
    return browser.get(f"{scene.url}/.aeolus/session", timeout=20).json()["signedIn"]
