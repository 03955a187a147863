"""A group of a real provider is a Team here: what that may, its people may, until the provider takes them out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests
from conftest import PASSWORD, required
from harness import aeolus, provider
from harness.process import free_port, wait_for

FLEET = """
version: 1
planes: [{{name: local, authHost: localhost}}]
connections:
  - {{name: local, type: local}}
{connections}
organizations:
  - name: acme
    workspaces:
      - name: sales
        deployments:
          - name: echo
            plane: local
            hosts: [echo.localhost]
            upstream: http://127.0.0.1:{echo}
"""
IMPLICIT = """
  - name: implicit
    type: custom
    clientId: aeolus-control
    discoveryUrl: {issuer}
    flow: implicit
    scopes: [openid, email, groups]
    trustedDomains: [example.com]
    provision: {{domains: [example.com], organization: acme}}
    teams: {{filter: "^ignored"}}
"""
CONFIG = """
auth:
  local: {{enabled: true}}
  openidConnect:
    idpGroupsImport: {{enabled: true}}
    teamFilterRegex: "^ignored"
    custom:
      clientId: aeolus-control
      discoveryUrl: {issuer}
      flow: code
      scopes: [openid, email, groups]
      trustedDomains: [example.com]
      provision: {{domains: [example.com], organization: acme}}
"""
BROWSER = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


class Scene:
    """A fleet, a provider and who is in which group there."""

    def __init__(self, fleet, groups: Path) -> None:
        self.fleet = fleet
        self.groups = groups
        self.url = f"http://echo.localhost:{fleet.proxy.rsplit(':', 1)[1]}"

    def put(self, login: str, *groups: str) -> None:
        """Says at the provider in which groups somebody is."""
        held = json.loads(self.groups.read_text())
        self.groups.write_text(json.dumps({**held, login: groups}))

    def sign_in(self, connection: str, login: str) -> requests.Session:
        """Signs in at control, in a browser of its own."""
        person, control = requests.Session(), self.fleet.control
        person.headers.update(BROWSER)
        start = f"{control}/v1/oauth/start"
        started = person.get(start, params={"provider": connection}, allow_redirects=False, timeout=20)
        assert started.status_code == 303, started.text
        page = person.get(started.headers["Location"], allow_redirects=False, timeout=20)
        landing = f"{control}/v1/oauth/{'redirect' if connection == 'implicit' else 'callback'}/"
        where, _, fragment = provider.through(person, page, login, landing).partition("#")
        own = {"Origin": control, "Content-Type": "application/x-www-form-urlencoded"}
        landed = person.post(where, data=fragment, headers=own, timeout=20) if fragment else person.get(where, timeout=20)
        assert landed.status_code == 200 and f"Signed in as {login}@example.com" in landed.text, landed.text
        return person

    def opens(self, person: requests.Session) -> int:
        """How the gate answers somebody who asks for the deployment: they are signed in there on the way."""
        return person.get(f"{self.url}/home", timeout=20).status_code

    def team(self, connection: str) -> dict | None:
        """The one Team of a connection's groups."""
        listed = json.loads(self.fleet.run("team", "list", "--output", "json").stdout)
        found = [team for team in listed if team.get("group", {}).get("connection") == connection]
        assert len(found) < 2, found
        return found[0] if found else None


@pytest.fixture(scope="module")
def scene(tmp_path_factory, upstream):
    required("node-oidc-provider", provider.installed())
    home = tmp_path_factory.mktemp("groups")
    aeolus.private(home / "password", PASSWORD.encode())
    document, groups = home / "fleet.yaml", home / "groups.json"
    groups.write_text("{}")
    document.write_text(FLEET.format(connections="", echo=upstream.port))
    with (
        aeolus.serving(home / "aeolus", document, home / "password", home / "logs") as fleet,
        provider.provider(
            free_port(), "key-1", home / "idp.log", control=fleet.control, groups=str(groups)
        ) as issuer,
    ):
        fleet.stop_control()
        fleet.config = home / "control.yaml"
        fleet.config.write_text(CONFIG.format(issuer=issuer))
        fleet.start_control()
        document.write_text(FLEET.format(connections=IMPLICIT.format(issuer=issuer), echo=upstream.port))
        fleet.run("apply", "--file", str(document))
        yield Scene(fleet, groups)


@pytest.mark.parametrize("connection", ["custom", "implicit"])
def test_d1_a_group_lets_people_in_for_as_long_as_the_provider_says(scene, connection):
    login = f"ann-{connection}"
    scene.put(login, "etl-people", "ignored-people")
    ann = scene.sign_in(connection, login)
    team = scene.team(connection)
    assert team and team["group"]["id"] == "etl-people", team
    # A Team may nothing by itself. Control was started anew: the gate has yet to hear of its connections.
    wait_for("the gate to know", lambda: scene.opens(ann) == 403, 20)
    scene.fleet.run("grant", "add", f"team:{team['name']}", "DEPLOYMENT_VIEWER", "acme/sales/echo")
    wait_for("the gate to know", lambda: scene.opens(ann) == 200, 20)
    # Out of the group: that counts from the next sign-in on, in every browser.
    scene.put(login)
    other = scene.sign_in(connection, login)
    wait_for("the gate to hear", lambda: scene.opens(ann) == 403, 20)
    assert scene.opens(other) == 403
    # An absent claim says nothing; the group again says that they are in it again.
    scene.put(login, "etl-people")
    back = scene.sign_in(connection, login)
    wait_for("the gate to know again", lambda: scene.opens(back) == 200, 20)
    held = json.loads(scene.groups.read_text())
    del held[login]
    scene.groups.write_text(json.dumps(held))
    assert scene.opens(scene.sign_in(connection, login)) == 200
