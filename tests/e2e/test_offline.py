"""A gate that never had a control plane: its snapshot is built and signed from the fleet document."""

from __future__ import annotations

import json
import subprocess

import pytest
import requests
from harness import aeolus
from harness.airflow import airflow
from harness.process import free_port, running, wait_for

FLEET = """
version: 1
planes: [{{name: alone, authHost: localhost}}]
connections: [{{name: local, type: local}}]
organizations:
  - name: acme
    users:
      - {{email: ann@example.com, role: ORGANIZATION_MEMBER}}
      - {{email: eve@example.com, role: ORGANIZATION_MEMBER}}
    workspaces:
      - name: sales
        grants: [{{user: ann@example.com, role: WORKSPACE_OPERATOR}}]
        deployments:
          - {{name: etl, plane: alone, hosts: [etl.localhost], upstream: "http://127.0.0.1:{port}"}}
"""
DEPLOYMENT = "acme/sales/etl"


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """URL of a real Airflow behind such a gate, and the folder of the keys that sign for it."""
    folder = tmp_path_factory.mktemp("alone")
    port = free_port()
    (folder / "fleet.yaml").write_text(FLEET.format(port=port))
    places = ["--keys", f"{folder}/keys", "--out", f"{folder}/gate"]
    aeolus.run("plane", "build", "--file", f"{folder}/fleet.yaml", "--plane", "alone", *places)
    serve = ["gate", "serve", "--data", folder / "gate", "--metrics", "off", "--ready-json"]
    command = [aeolus.BINARY, *serve, "--checks", "127.0.0.1:0", "--proxy", "127.0.0.1:0"]
    with running(command, folder / "gate.log", stdout=subprocess.PIPE) as gate:
        ready = json.loads(aeolus.first_line(gate, 60))
        trust = aeolus.airflow_settings(folder / "gate", DEPLOYMENT, f"http://{ready['checks'][0]}")
        with airflow(folder / "airflow", port, trust, parts=("api-server",)):
            yield f"http://etl.localhost:{ready['proxy'].rsplit(':', 1)[1]}", folder / "keys"


def status(url: str, keys, *who: str) -> int:
    """What a person's or program's token gets for the list of DAGs."""
    minted = aeolus.run("token", "create", "--keys", str(keys), "--deployment", DEPLOYMENT, *who)
    bearer = {"Authorization": f"Bearer {minted.stdout.strip()}"}
    return requests.get(f"{url}/api/v2/dags", headers=bearer, timeout=60).status_code


def test_peoples_tokens_are_served_without_any_control_plane(alone):
    url, keys = alone
    assert status(url, keys, "--user", "ann@example.com") == 200
    assert status(url, keys, "--user", "eve@example.com") == 403
    assert requests.get(f"{url}/api/v2/dags", timeout=20).status_code == 401


def test_an_api_token_is_served_as_soon_as_the_snapshot_is_built_again(alone):
    url, keys = alone
    minted = aeolus.run(
        "token", "create", "--keys", str(keys), "--deployment", DEPLOYMENT, "--role", "DEPLOYMENT_VIEWER"
    )
    bearer = {"Authorization": f"Bearer {minted.stdout.strip()}"}
    assert requests.get(f"{url}/api/v2/dags", headers=bearer, timeout=60).status_code == 401
    folder = keys.parent
    places = ["--keys", str(keys), "--out", f"{folder}/gate"]
    aeolus.run("plane", "build", "--file", f"{folder}/fleet.yaml", "--plane", "alone", *places)
    serve = ["gate", "serve", "--data", folder / "gate", "--metrics", "off", "--ready-json"]
    command = [aeolus.BINARY, *serve, "--checks", "127.0.0.1:0", "--proxy", "127.0.0.1:0"]
    with running(command, folder / "gate-2.log", stdout=subprocess.PIPE) as gate:
        proxy = json.loads(aeolus.first_line(gate, 60))["proxy"]
        again = f"http://etl.localhost:{proxy.rsplit(':', 1)[1]}/api/v2/dags"
        wait_for(
            "the token's acceptance",
            lambda: requests.get(again, headers=bearer, timeout=60).status_code == 200,
            20,
        )


def test_a_gate_whose_snapshot_is_damaged_refuses_everything_and_says_what_to_do(tmp_path):
    (tmp_path / "fleet.yaml").write_text(FLEET.format(port=free_port()))
    places = ["--keys", f"{tmp_path}/keys", "--out", f"{tmp_path}/gate"]
    aeolus.run("plane", "build", "--file", f"{tmp_path}/fleet.yaml", "--plane", "alone", *places)
    for file in (tmp_path / "gate" / "replica").rglob("*"):
        if file.is_file():
            file.write_bytes(b"damaged")
    serve = ["gate", "serve", "--data", tmp_path / "gate", "--metrics", "off", "--proxy", "off", "--ready-json"]
    command = [aeolus.BINARY, *serve, "--checks", "127.0.0.1:0"]
    with running(command, tmp_path / "gate.log", stdout=subprocess.PIPE) as gate:
        checks = json.loads(aeolus.first_line(gate, 60))["checks"][0]
        assert requests.get(f"http://{checks}/livez", timeout=20).status_code == 200
        assert requests.get(f"http://{checks}/readyz", timeout=20).status_code == 503
    log = (tmp_path / "gate.log").read_text()
    assert "a snapshot on disk was passed over" in log
    assert f"aeolus plane build --out {tmp_path / 'gate'}" in log
