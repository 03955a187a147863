"""API tokens at a real gate: rotation, and direct access tokens that it never heard of."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import requests
from conftest import required
from harness import aeolus
from harness.process import ROOT, signal_group, wait_for

DEPLOYMENT = "acme/sales/etl"
IDP = ROOT / "tests" / "harness" / "idp"


def status(etl: str, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{etl}/api/v2/dags", headers=headers, timeout=60).status_code


def rotated(fleet, token: str, *arguments: str) -> str:
    done = fleet.run("token", "rotate", token, *arguments, "--output", "json")
    return json.loads(done.stdout)["token"]


def test_x2_both_values_of_a_rotated_token_are_good_until_the_grace_is_ended(etl, fleet):
    first = fleet.create_token("rotated", DEPLOYMENT, "DEPLOYMENT_VIEWER")
    second = rotated(fleet, first["id"], "--grace", "1h")
    assert [status(etl, value) for value in (first["token"], second)] == [200, 200]

    def seen() -> bool:
        # The gate tells of uses within its sweep and its next batch.
        shown = json.loads(fleet.run("token", "show", first["id"], "--output", "json").stdout)
        return "lastUsedAt" in shown and "lastUsedAt" in shown["earlierValues"][0]

    wait_for("the use of both values to be known", seen, 60)
    fleet.run("token", "end-grace", first["id"])
    assert [status(etl, value) for value in (first["token"], second)] == [401, 200]
    third = rotated(fleet, first["id"])
    assert [status(etl, value) for value in (second, third)] == [401, 200]
    fleet.run("token", "revoke", first["id"])
    assert status(etl, third) == 401


def test_x10_a_direct_access_token_works_at_a_gate_that_never_heard_of_it(etl, fleet):
    gate = fleet.processes["gate"]
    signal_group(gate, signal.SIGSTOP)
    try:
        made = fleet.run(
            "token", "create", "--name", "edge", "--deployment", DEPLOYMENT, "--direct", "--no-wait", "--output", "json"
        )
        direct = json.loads(made.stdout)
        made = fleet.run(
            "token", "create", "--name", "api", "--deployment", DEPLOYMENT, "--role", "DEPLOYMENT_EDITOR",
            "--no-wait", "--output", "json",
        )  # fmt: skip
        api = json.loads(made.stdout)
        fleet.kill_control()
    finally:
        signal_group(gate, signal.SIGCONT)
    try:
        assert status(etl, direct["token"]) == 200
        assert status(etl, api["token"]) in (401, 403), "its authority is a record that the gate lacks"
    finally:
        fleet.start_control()
    fleet.run("token", "delete", direct["id"])
    assert status(etl, direct["token"]) == 401


@pytest.mark.parametrize("language", ["python", "js"])
def test_x10_any_jwt_library_verifies_a_direct_access_token(fleet, tmp_path, language):
    required("jose", (IDP / "node_modules" / "jose").exists())
    page = (ROOT / "docs" / "how-to" / "verify-a-direct-access-token.md").read_text()
    recipe = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL).group(1)
    made = fleet.run("token", "create", "--name", "v", "--deployment", DEPLOYMENT, "--direct", "--output", "json")
    token = json.loads(made.stdout)
    record = json.loads(fleet.run("token", "show", token["id"], "--output", "json").stdout)
    given = {"ISSUER": fleet.control, "ORGANIZATION": record["organizationId"]}

    def run(value: str) -> subprocess.CompletedProcess[str]:
        if language == "python":
            command = [sys.executable, "-c", recipe]
        else:
            (tmp_path / "node_modules").exists() or (tmp_path / "node_modules").symlink_to(IDP / "node_modules")
            (tmp_path / "verify.mjs").write_text(recipe)
            command = ["node", str(tmp_path / "verify.mjs")]
        env = {**os.environ, **given, "TOKEN": value}
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)

    good = run(token["token"])
    assert good.stdout.split() == [token["id"], "WORKSPACE_OPERATOR"], good.stderr
    head, claims, signature = token["token"].split(".")
    forged = ".".join((head, claims, ("B" if signature[0] != "B" else "C") + signature[1:]))
    api = fleet.create_token("another kind", DEPLOYMENT, "DEPLOYMENT_VIEWER")["token"]
    assert run(forged).returncode != 0
    assert run(api).returncode != 0
    fleet.run("token", "delete", token["id"], "--no-wait")
    refused = wait_for("the list to say that it is revoked", lambda: revoked(run(token["token"])), 20)
    assert "revoked" in refused.stderr


def revoked(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str] | None:
    return done if done.returncode else None


def test_a_public_list_says_offline_within_two_seconds_what_was_revoked(fleet, tmp_path):
    made = fleet.run("token", "create", "--name", "l", "--deployment", DEPLOYMENT, "--direct", "--output", "json")
    token = json.loads(made.stdout)
    claims = token["token"].split(".")[1]
    place = json.loads(base64.urlsafe_b64decode(claims + "=="))["status"]["status_list"]
    (tmp_path / "jwks.json").write_bytes(requests.get(f"{fleet.control}/.well-known/jwks.json", timeout=10).content)

    def verify() -> subprocess.CompletedProcess[bytes]:
        (tmp_path / "list.jwt").write_bytes(requests.get(place["uri"], timeout=10).content)
        command = [aeolus.BINARY, "token", "verify", "--jwks", "jwks.json", "--status-list", "list.jwt"]
        given = token["token"].encode()
        return subprocess.run(command, input=given, capture_output=True, cwd=tmp_path, timeout=30, check=False)

    good = verify()
    assert good.returncode == 0, good.stderr
    fleet.run("token", "delete", token["id"], "--no-wait")
    asked = time.monotonic()
    wait_for("the list to say so", lambda: verify().returncode == 1, 10)
    assert time.monotonic() - asked < 2
    assert b"revoked" in verify().stderr
