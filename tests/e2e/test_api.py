"""The description of the API against a control plane that runs: schemathesis sends what it allows, and what it doesn't."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from conftest import PASSWORD, required
from harness import aeolus
from harness.process import ROOT

SCHEMATHESIS = ROOT / ".tools" / "schemathesis" / "bin" / "schemathesis"

FLEET = """
version: 1
planes: [{name: local}]
organizations:
  - name: acme
    users: [{email: ann@example.com, role: ORGANIZATION_OWNER}]
    teams: [{name: data, members: [ann@example.com]}]
    workspaces:
      - name: sales
        deployments:
          - {name: etl, plane: local, hosts: [etl.example.com], upstream: "http://127.0.0.1:1"}
rollouts:
  - {name: first, path: plane, percent: 5}
"""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)

LEFT_OUT = {
    "getSessionToken": "at its path is a page, too, which is another method that is answered",
    "endSessions": "it ends the session that all the others are asked with",
    "endSession": "one day it would find that session's id",
    "rotateKey": "`compromised` ends the credential that all the others are asked with",
}


@pytest.fixture
def control(tmp_path):
    """A control plane without a gate, which a test may do anything to."""
    aeolus.private(tmp_path / "password", PASSWORD.encode() + b"\n")
    (tmp_path / "fleet.yaml").write_text(FLEET)
    data, document = tmp_path / "aeolus", tmp_path / "fleet.yaml"
    with aeolus.controlled(data, document, tmp_path / "password", tmp_path / "logs") as fleet:
        yield fleet


def things(fleet, bearer: str) -> dict[str, str]:
    """One of each that there is, by the list it is in."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {bearer}"
    acme = f"{fleet.control}/v1/organizations/acme"
    token = {"name": "ci", "role": "ORGANIZATION_MEMBER"}
    assert session.post(f"{acme}/tokens", json=token, timeout=10).status_code == 201
    lists = {name: f"{acme}/{name}" for name in ("workspaces", "deployments", "users", "teams", "grants", "tokens")}
    lists["planes"] = f"{fleet.control}/v1/planes"
    found = {name: session.get(url, timeout=10).json()["items"][0]["id"] for name, url in lists.items()}
    organization = session.get(acme, timeout=10).json()["id"]
    return found | {"organizations": organization, "rollouts": "first", "keys": "api"}


def test_every_answer_is_as_the_description_says(control):
    required("schemathesis", SCHEMATHESIS.exists())
    bearer = json.loads((control.data / "credentials.json").read_text())["accessToken"]
    command = [SCHEMATHESIS, "run", f"{control.control}/v1/openapi.json", "--header", f"Authorization: Bearer {bearer}"]
    command += ["--phases", "coverage,fuzzing", "--max-examples", "40", "--seed", "1", "--workers", "1"]
    command += ["--checks", ",".join(CHECKS), "--continue-on-failure", "--no-color"]
    for operation in LEFT_OUT:
        command += ["--exclude-operation-id", operation]
    known = {"SCHEMATHESIS_HOOKS": "harness.api_fuzz", "PYTHONPATH": str(ROOT / "tests")}
    known["AEOLUS_THINGS"] = json.dumps(things(control, bearer))
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=280, env={**os.environ, **known}, cwd=control.data
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]


def made(url: str, bearer: str, key: int) -> requests.Response | None:
    """Asks for a token under a key; None where the answer was lost."""
    headers = {"Authorization": f"Bearer {bearer}", "Idempotency-Key": f"key-{key}"}
    body = {"name": f"t{key}", "role": "ORGANIZATION_MEMBER"}
    try:
        return requests.post(url, json=body, headers=headers, timeout=10)
    except requests.ConnectionError:
        return None


def test_f46_what_a_killed_control_did_not_answer_is_done_once(control):
    """Control is killed while it makes tokens, again and again; each request is repeated until it is answered."""
    bearer = json.loads((control.data / "credentials.json").read_text())["accessToken"]
    url = f"{control.control}/v1/organizations/acme/tokens"
    values: dict[int, list[str]] = {key: [] for key in range(60)}
    ids: dict[int, set[str]] = {key: set() for key in values}
    lost = 0
    for first in range(0, 60, 20):
        some = threading.Semaphore(0)

        def ask(key: int, some: threading.Semaphore = some) -> tuple[int, requests.Response | None]:
            answer = made(url, bearer, key)
            some.release()
            return key, answer

        with ThreadPoolExecutor(6) as pool:
            asked = [pool.submit(ask, key) for key in range(first, first + 20)]
            for _ in range(5):
                assert some.acquire(timeout=30)
            control.kill_control()
            answers = [done.result() for done in asked]
        control.start_control()
        answers += [(key, made(url, bearer, key)) for key in range(first, first + 20)]
        for key, answer in answers:
            if answer is None:
                lost += 1
                continue
            assert answer.status_code == 201, answer.text
            shown = answer.json()
            ids[key].add(shown["id"])
            values[key] += [shown["token"]] if "token" in shown else []
            assert ("token" in shown) != ("withheld" in shown)
    assert lost, "nothing was killed in the middle"
    assert all(len(found) == 1 for found in ids.values())
    assert all(len(found) <= 1 for found in values.values())
    listed = requests.get(f"{url}?limit=200", headers={"Authorization": f"Bearer {bearer}"}, timeout=10).json()
    assert {token["id"] for token in listed["items"]} == {next(iter(found)) for found in ids.values()}
    assert len(listed["items"]) == 60
