"""People sign in at more providers, at those that lie, and at those that nobody can run at home."""

from __future__ import annotations

from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests
from conftest import PASSWORD, required
from harness import aeolus, certificate, provider, stubs
from harness.process import free_port

DOCUMENT = """
version: 1
connections:
  - {{name: local, type: local}}
{connections}
organizations:
  - name: acme
    users:
      - email: ann@example.com
        role: ORGANIZATION_MEMBER
        identities: [{identities}]
"""
BARE = "version: 1\norganizations:\n  - name: acme\n"
TENANT = "11111111-2222-4333-8444-555555555555"
PERSON = f"{TENANT}/6a1b1d3c-7c1a-4a8e-9a52-3e8a3b0c1f11"
# What is wrong with the token, as the provider's own list has it.
LIES = [
    "iss",
    "iss-slash",
    "aud",
    "nonce",
    "nonce-missing",
    "at-hash",
    "expired",
    "future",
    "kid",
    "sub-missing",
    "none",
    "signature",
    "claims",
    "missing",
]


class Scene:
    """A control plane with connections."""

    def __init__(self, home, fleet, way: str, github: int) -> None:
        self.home = home
        self.fleet = fleet
        # The proxy through which everybody goes out, and where it leads.
        self.way = way
        self.github = github
        self.control = fleet.control

    def connect(self, **connections: tuple[str, str]) -> None:
        """Puts connections there, by their names: what is written of each, and who Ann is at it."""
        lines = [f"  - {{name: {name}, {written}}}" for name, (written, _) in connections.items()]
        known = [f"{{connection: {name}, subject: {subject}}}" for name, (_, subject) in connections.items()]
        text = DOCUMENT.format(connections="\n".join(lines), identities=", ".join(known))
        (self.home / "fleet.yaml").write_text(text)
        self.fleet.run("apply", "--file", str(self.home / "fleet.yaml"))

    def sign_in(self, name: str, through: str = "") -> tuple[requests.Session, requests.Response]:
        """Presses a provider's button and goes all the way, to the provider through a proxy if need be."""
        person = requests.Session()
        person.trust_env, person.proxies, person.verify = False, {"https": through}, str(self.home / "idp.pem")
        started = person.get(
            f"{self.control}/v1/oauth/start", params={"provider": name}, allow_redirects=False, timeout=20
        )
        if started.status_code != 303:
            return person, started
        page = person.get(started.headers["Location"], allow_redirects=False, timeout=20)
        implicit = "response_type=code" not in started.headers["Location"]
        landing = f"{self.control}/v1/oauth/{'redirect' if implicit else 'callback'}/"
        back = provider.through(person, page, "ann", landing)
        where, _, fragment = back.partition("#")
        if not fragment:
            return person, person.get(back, timeout=20)
        own = {"Origin": self.control, "Content-Type": "application/x-www-form-urlencoded"}
        return person, person.post(where, data=fragment, headers=own, timeout=20)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    home = tmp_path_factory.mktemp("providers")
    for name, content in (("password", PASSWORD), ("secret", "hush")):
        aeolus.private(home / name, content.encode())
    (home / "fleet.yaml").write_text(BARE)
    _, authority = certificate.made(home / "idp", "github.com", "api.github.com")
    github = free_port()
    with ExitStack() as stack:
        way = stack.enter_context(stubs.proxy(free_port(), github))
        settings = {"CONTROL__EGRESS__CA_FILE": str(authority), "GLOBAL_AGENT_HTTPS_PROXY": way}
        parts = (home / "aeolus", home / "fleet.yaml", home / "password", home / "logs")
        yield Scene(home, stack.enter_context(aeolus.controlled(*parts, **settings)), way, github)


def signed_in(answer: requests.Response) -> bool:
    """Whether this is Ann's account page."""
    return answer.status_code == 200 and "Signed in as ann@example.com" in answer.text


def is_nobody(scene: Scene, person: requests.Session) -> bool:
    """Whether the browser has no session."""
    return urlsplit(person.get(scene.control, timeout=20).url).path == "/login"


def test_ann_signs_in_at_canaille_by_either_flow(scene, tmp_path):
    required("canaille", provider.canaille_installed())
    with provider.canaille(free_port(), tmp_path / "canaille.log", scene.control, "hush") as issuer:
        code = f"type: custom, clientId: aeolus-control, clientSecret: {{file: secret}}, discoveryUrl: {issuer}"
        implicit = f"type: custom, clientId: aeolus-implicit, flow: implicit, discoveryUrl: {issuer}"
        scene.connect(code=(code, "ann"), implicit=(implicit, "ann"))
        for name in ("code", "implicit"):
            _, landed = scene.sign_in(name)
            assert signed_in(landed), f"{name}: {landed.text}"


@pytest.fixture(scope="module")
def liar(scene, tmp_path_factory):
    """A provider that lies to whoever asks for it by its client's name."""
    required("oauth2-mock-server", provider.node_mock_installed())
    with provider.node_mock(free_port(), tmp_path_factory.mktemp("liar") / "mock.log") as issuer:
        written = f"type: custom, discoveryUrl: {issuer}, clientId: "
        connections = {f"lie-{lie}": (f"{written}lie-{lie}", "johndoe") for lie in LIES}
        scene.connect(honest=(f"{written}honest", "johndoe"), **connections)
        yield scene


@pytest.mark.parametrize("lie", LIES)
def test_o8_t1_t26_t27_t28_t29_t38_a_token_that_is_wrong_signs_nobody_in(liar, lie):
    person, page = liar.sign_in(f"lie-{lie}")
    assert page.status_code in (401, 502), f"{page.status_code} {page.text}"
    assert "Reference for an administrator" in page.text and is_nobody(liar, person)


def test_who_says_the_truth_there_signs_in(liar):
    assert signed_in(liar.sign_in("honest")[1])


def test_more_groups_at_entra_than_a_token_holds_keep_nobody_out(scene, tmp_path):
    required("oauth2-mock-server", provider.node_mock_installed())
    with provider.node_mock(free_port(), tmp_path / "entra.log", path=f"/{TENANT}/v2.0") as issuer:
        scene.connect(entra=(f"type: microsoft, clientId: entra-app, discoveryUrl: {issuer}", PERSON))
        _, landed = scene.sign_in("entra")
        assert signed_in(landed), landed.text


COGNITO = [
    ({}, True),
    ({"token_use": "id"}, False),
    ({"client_id": "somebody-else"}, False),
    ({"userinfo": "somebody-else"}, False),
    ({"iat": 1, "exp": 2}, False),
    ({"iss": "https://other.example"}, False),
]


@pytest.mark.parametrize(("lies", "good"), COGNITO, ids=["honest", *("_".join(lies) for lies, good in COGNITO if not good)])
def test_cognito_with_its_documented_response_type(scene, lies, good):
    port = free_port()
    issuer = f"http://127.0.0.1:{port}/eu-west-1_Pool"
    written = f"type: cognito, flow: implicit, clientId: app, discoveryUrl: {issuer}, authUrlParams: {{response_type: token}}"
    with stubs.serving(stubs.cognito(issuer, "c0ffee", **lies), port):
        scene.connect(cognito=(written, "c0ffee"))
        person, page = scene.sign_in("cognito")
        assert signed_in(page) == good, f"{page.status_code} {page.text}"
        assert good or (page.status_code == 401 and is_nobody(scene, person))


def test_o22_github_is_asked_for_who_somebody_is(scene):
    tls = (scene.home / "idp.key", scene.home / "idp.pem")
    scene.connect(github=("type: github, clientId: app, clientSecret: {file: secret}", "'583231'"))
    emails = [{"email": "ann@example.com", "primary": True, "verified": True, "visibility": None}]
    with stubs.serving(stubs.github(emails), scene.github, tls) as stub:
        _, landed = scene.sign_in("github", through=scene.way)
        assert signed_in(landed), landed.text
        # Groups are asked for where they become Teams.
        assert {"GET /user", "GET /user/emails"} <= set(stub.calls) and "GET /user/orgs" not in stub.calls
    # Another person there who has taken over her login and her address is nobody here.
    with stubs.serving(stubs.github(emails, person=7), scene.github, tls):
        person, page = scene.sign_in("github", through=scene.way)
        assert page.status_code == 403 and "not-known-here" in page.text and is_nobody(scene, person)


# What is allowed, the organization that Ann is in, and whether she comes in.
MEMBERS = [
    ("acme", (7, "Acme"), True),
    ("acme", (8, "acme-inc"), False),
    ("org:7", (7, "renamed"), True),
    ("org:7", (8, "acme"), False),
]


@pytest.mark.parametrize(("allowed", "organization", "comes"), MEMBERS, ids=["login", "another", "number", "login_taken_over"])
def test_d4_only_members_of_the_organizations_that_are_named_come_by_github(scene, allowed, organization, comes):
    tls = (scene.home / "idp.key", scene.home / "idp.pem")
    written = f"type: github, clientId: app, clientSecret: {{file: secret}}, allowedOrganizations: ['{allowed}']"
    scene.connect(github=(written, "'583231'"))
    emails = [{"email": "ann@example.com", "primary": True, "verified": True, "visibility": None}]
    with stubs.serving(stubs.github(emails, organization=organization), scene.github, tls) as stub:
        person, page = scene.sign_in("github", through=scene.way)
        assert "GET /user/orgs" in stub.calls and "GET /user/teams" not in stub.calls
    if comes:
        assert signed_in(page), page.text
    else:
        assert page.status_code == 401 and "sign_in_organization" in page.text and is_nobody(scene, person)
