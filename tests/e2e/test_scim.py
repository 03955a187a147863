"""The endpoints for provisioning, asked by scim2-tester: every check passes at either provider's, on either database."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections import Counter
from contextlib import ExitStack

import pytest
import requests
from conftest import PASSWORD, required
from harness import aeolus, postgres
from harness.process import ROOT

PYTHON = ROOT / ".tools" / "scim" / "bin" / "python"
CHECK = ROOT / "tests" / "harness" / "scim" / "check.py"
# How many checks scim2-server, which the tool is made with, passes. Fewer would mean that the schemas say less.
CHECKS = 135
TITLES = {
    "service_provider_config_endpoint",
    "random_url",
    "object_creation",
    "object_replacement",
    "object_deletion",
    "search_with_attributes",
    "check_add_attribute",
    "check_remove_attribute",
    "check_replace_attribute",
}
DOCUMENT = """
version: 1
connections:
  - {name: local, type: local}
  - {name: okta, type: okta, clientId: aeolus, discoveryUrl: "https://acme.okta.test"}
  - {name: microsoft, type: microsoft, clientId: aeolus, discoveryUrl: "https://login.microsoftonline.com/TENANT/v2.0"}
organizations:
  - name: acme
""".replace("TENANT", "11111111-2222-4333-8444-555555555555")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def control(request, tmp_path_factory):
    """A control plane with a connection of each provider, and nobody in them."""
    home = tmp_path_factory.mktemp(request.param)
    aeolus.private(home / "password", PASSWORD.encode() + b"\n")
    (home / "fleet.yaml").write_text(DOCUMENT)
    with ExitStack() as stack:
        database = None
        if request.param == "postgres":
            required("PostgreSQL", postgres.programs() is not None)
            database = stack.enter_context(postgres.postgres()).url
        where = (home / "aeolus", home / "fleet.yaml", home / "password", home / "logs")
        yield stack.enter_context(aeolus.controlled(*where, database=database))


def credential(control, connection: str, name: str) -> tuple[str, str]:
    """The endpoint of a connection, and what to say in the header Authorization: as the provider does."""
    bearer = json.loads((control.data / "credentials.json").read_text())["accessToken"]
    url = f"{control.control}/v1/connections/{connection}/scim/credentials"
    headers = {"Authorization": f"Bearer {bearer}"}
    made = requests.post(url, json={"name": name}, headers=headers, timeout=10)
    assert made.status_code == 201, made.text
    made = made.json()
    shown = f"Bearer {made['secret']}"
    if made["kind"] == "basic":
        pair = base64.b64encode(f"{made['user']}:{made['secret']}".encode()).decode()
        shown = f"Basic {pair}"
    return f"{control.control}/v1/scim/v2/{connection}", shown


@pytest.mark.parametrize("connection", ["okta", "microsoft"])
def test_every_check_of_the_tester_passes(control, connection):
    required("scim2-tester", PYTHON.exists())
    base, shown = credential(control, connection, "tester")
    command = [PYTHON, CHECK, base]
    environment = {**os.environ, "SCIM_AUTHORIZATION": shown}
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment)
    assert done.returncode == 0, done.stderr[-4_000:]
    results = json.loads(done.stdout)
    bad = [result for result in results if result["status"] != "SUCCESS"]
    assert not bad, json.dumps(bad, indent=1)[:20_000]
    titles = Counter(result["title"] for result in results)
    assert set(titles) >= TITLES, titles
    assert len(results) >= CHECKS, titles


def test_a_provider_lets_somebody_in_and_out(control):
    """Entra's cycle by hand: test connection, create, disable, delete."""
    base, shown = credential(control, "microsoft", "by-hand")
    session = requests.Session()
    session.headers.update({"Authorization": shown, "Content-Type": "application/scim+json"})
    tenant = "?aadOptscim062020"
    probe = session.get(f"{base}/Users{tenant}&filter=userName+eq+%22nobody%22", timeout=10)
    assert (probe.status_code, probe.json()["totalResults"]) == (200, 0)
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@corp.test", "active": True}
    made = session.post(f"{base}/Users{tenant}", data=json.dumps(body), timeout=10)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == made.json()["meta"]["location"]
    assert session.get(made.headers["Location"], timeout=10).json() == made.json()
    off = {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
    done = session.patch(made.headers["Location"] + tenant, data=json.dumps(off), timeout=10)
    assert (done.status_code, done.json()["active"]) == (200, False)
    assert session.delete(made.headers["Location"], timeout=10).status_code == 204
    assert session.delete(made.headers["Location"], timeout=10).status_code == 404
    stranger = requests.get(f"{base}/Users", timeout=10)
    assert stranger.status_code == 401
    assert stranger.headers["Content-Type"] == "application/scim+json"
