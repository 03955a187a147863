"""Keys at a real gate: control's rotated without an end to anything, and replaced in an emergency; a plane's own, doubted."""

from __future__ import annotations

import base64
import json
import time

import pytest
import requests
from conftest import PASSWORD, at
from harness import aeolus
from harness.process import wait_for

FLEET = """
version: 1
planes: [{{name: local, authHost: localhost}}]
connections: [{{name: local, type: local}}]
organizations:
  - name: acme
    users: [{{email: ann@example.com, role: ORGANIZATION_MEMBER, password: {{file: password}}}}]
    workspaces:
      - name: sales
        deployments:
          - {{name: echo, plane: local, hosts: [echo.localhost], upstream: "http://127.0.0.1:{port}"}}
"""
DEPLOYMENT = "acme/sales/echo"


@pytest.fixture
def own(upstream, tmp_path):
    """A fleet of this test's own, whose keys may end what others hold."""
    with aeolus.alone(tmp_path, FLEET.format(port=upstream.port), PASSWORD) as fleet:
        yield fleet


def keys(fleet, state: str) -> dict[str, str]:
    """The kid by purpose of the keys in a state."""
    listed = json.loads(fleet.run("key", "list", "--output", "json").stdout)
    return {key["purpose"]: key["kid"] for key in listed if key["state"] == state}


def signed_by(token: str) -> str:
    header = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]


def status(fleet, token: str) -> int:
    url = at(fleet.proxy, "echo.localhost")
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{url}/api/v2/dags", headers=headers, timeout=20).status_code


def token(fleet, name: str) -> str:
    return fleet.create_token(name, DEPLOYMENT, "DEPLOYMENT_VIEWER")["token"]


def test_f30_f31_a_gate_believes_both_keys_of_a_rotation_and_no_compromised_one(own):
    old = token(own, "before")
    announced = json.loads(own.run("key", "rotate", "api", "--output", "json").stdout)
    assert not [plane["name"] for plane in announced["planes"]["unconfirmed"]]
    new = keys(own, "announced")["api"]
    own.run("key", "rotate", "api", "--activate-in", "0s", "--regardless")
    fresh = token(own, "after")
    assert signed_by(fresh) == new != signed_by(old)
    assert [status(own, value) for value in (old, fresh)] == [200, 200]

    refused = own.run("key", "remove", signed_by(old), check=False)
    assert refused.returncode == 1
    assert "live tokens" in refused.stderr

    stolen, begun = signed_by(fresh), time.monotonic()
    said = own.run("key", "rotate", "api", "--compromised")
    assert f"Key {stolen} (api) ended, and with it" in said.stderr
    wait_for("the compromised key to be refused", lambda: status(own, fresh) == 401, 5)
    assert time.monotonic() - begun < 5
    assert status(own, token(own, "replaced")) == 200
    assert status(own, old) == 200, "its key is another one"


def test_a_plane_in_quarantine_hears_nothing_and_goes_on_until_it_is_released(own):
    known = token(own, "known")
    wait_for("the first token to be known", lambda: status(own, known) == 200, 5)
    said = own.run("plane", "quarantine", "local")
    assert "aeolus plane add local" in said.stderr
    assert json.loads(own.run("plane", "show", "local", "--output", "json").stdout)["state"] == "quarantined"
    told = own.run(
        "token", "create", "--name", "unheard", "--deployment", DEPLOYMENT, "--role", "DEPLOYMENT_VIEWER", "--output", "json"
    )
    unheard = json.loads(told.stdout)["token"]
    assert [status(own, value) for value in (known, unheard)] == [200, 401]
    own.run("plane", "release", "local")
    wait_for("the gate to hear of it", lambda: status(own, unheard) == 200, 60)
