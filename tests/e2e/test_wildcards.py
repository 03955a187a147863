"""A deployment that answers at every host below a domain, and a neighbour that has one of them by name."""

from __future__ import annotations

import pytest
import requests
from conftest import PASSWORD, at
from harness import aeolus
from harness.signin import sign_in

FLEET = """
version: 1
planes:
  - {{name: local, authHost: localhost}}
connections:
  - {{name: local, type: local}}
organizations:
  - name: acme
    users:
      - {{email: viewer@example.com, role: ORGANIZATION_MEMBER, password: {{file: {password}}}}}
    workspaces:
      - name: sales
        deployments:
          - name: echo
            plane: local
            hosts: ["*.etl.localhost"]
            upstream: http://127.0.0.1:{echo}
            grants: [{{user: viewer@example.com, role: DEPLOYMENT_EDITOR}}]
{neighbour}
"""

NEIGHBOUR = """
  - name: other
    users:
      - {{email: viewer@example.com, role: ORGANIZATION_MEMBER}}
    workspaces:
      - name: sales
        deployments:
          - name: echo
            plane: local
            hosts: ["b.etl.localhost"]
            upstream: http://127.0.0.1:{echo}
            grants: [{{user: viewer@example.com, role: DEPLOYMENT_VIEWER}}]
"""


@pytest.fixture(scope="module")
def documents(home, upstream):
    """The fleet's document, with the neighbour and without."""

    def written(neighbour: str) -> str:
        neighbour = neighbour.format(echo=upstream.port)
        return FLEET.format(password=home / "password", echo=upstream.port, neighbour=neighbour)

    return written(NEIGHBOUR), written("")


@pytest.fixture(scope="module")
def wild(tmp_path_factory, home, documents):
    """Control and gate over the fleet with the neighbour."""
    folder = tmp_path_factory.mktemp("wild")
    document = folder / "fleet.yaml"
    document.write_text(documents[0])
    with aeolus.serving(folder / "aeolus", document, home / "password", folder / "logs") as running:
        yield running


def status(url: str, **more) -> int:
    """What a script's request gets."""
    return requests.get(f"{url}/ui/auth/me", allow_redirects=False, timeout=20, **more).status_code


def test_a_person_signs_in_at_a_host_below_the_wildcard_and_there_only(wild):
    here, sister = at(wild.proxy, "a.etl.localhost"), at(wild.proxy, "c.etl.localhost")
    session = sign_in(f"{here}/dags?x=1", "viewer@example.com", PASSWORD)
    page = session.get(f"{here}/dags?x=1", timeout=20)
    seen = {name.lower(): value for name, value in page.json()["headers"]}
    assert page.status_code == 200 and seen["x-aeolus-email"] == "viewer@example.com"
    assert seen["host"].startswith("a.etl.localhost")
    assert session.get(f"{here}/.aeolus/session", timeout=20).json()["signedIn"]

    # The cookie is the host's: a sister can't use it, nor write from its page.
    cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies if "control" not in cookie.name)
    assert status(here, headers={"Cookie": cookie}) == 200
    assert status(sister, headers={"Cookie": cookie}) == 401
    written = requests.post(f"{here}/api/v2/x", headers={"Cookie": cookie, "Origin": sister}, timeout=20)
    assert written.status_code == 403
    for nowhere in ("etl.localhost", "x.a.etl.localhost", "a_b.etl.localhost"):
        assert status(wild.proxy, headers={"Host": nowhere, "Cookie": cookie}) == 404, nowhere


def test_a_code_goes_to_no_host_that_is_not_the_deployments(wild):
    start = requests.get(f"{at(wild.proxy, 'a.etl.localhost')}/.aeolus/sign-in", allow_redirects=False, timeout=20)
    link = start.headers["location"]
    assert requests.get(link, allow_redirects=False, timeout=20).status_code == 303
    for other in ("b.etl.localhost", "etl.localhost", "x.a.etl.localhost", "evil.localhost"):
        moved = link.replace("a.etl.localhost", other)
        assert moved != link
        answer = requests.get(moved, allow_redirects=False, timeout=20)
        assert answer.status_code == 400 and "location" not in answer.headers, other


def test_a_name_that_is_given_up_takes_no_session_to_the_wildcard(wild, documents, tmp_path):
    url = at(wild.proxy, "b.etl.localhost")
    session = sign_in(f"{url}/", "viewer@example.com", PASSWORD)
    cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies if "control" not in cookie.name)
    assert status(url, headers={"Cookie": cookie}) == 200
    document = tmp_path / "fleet.yaml"
    document.write_text(documents[1])
    wild.run("apply", "--file", str(document), "--prune")
    # The host is the wildcard's now: nobody is signed in there, who has a right to it or not.
    key = wild.create_token("bot", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
    aeolus.wait_for(
        "the host to change hands",
        lambda: status(url, headers={"Authorization": f"Bearer {key}"}) == 200,
        20,
    )
    assert status(url, headers={"Cookie": cookie}) == 401
