"""`aeolus scim check`: what Okta and Entra send to a live endpoint, and what it says of one that is wrong."""

from __future__ import annotations

import json

import pytest
from conftest import PASSWORD
from harness import aeolus

DOCUMENT = """
version: 1
connections:
  - {name: local, type: local}
  - {name: okta, type: okta, scim: {organization: acme}}
  - {name: entra, type: microsoft, scim: {organization: acme}}
  - {name: corp, type: custom, scim: {organization: acme}}
organizations:
  - name: acme
"""
# What is made, and with what each provider shows who it is.
PROVIDERS = {"okta": ("okta", "basic"), "entra": ("microsoft", "bearer"), "corp": ("strict", "bearer")}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    home = tmp_path_factory.mktemp("scim-check")
    aeolus.private(home / "password", PASSWORD.encode())
    (home / "fleet.yaml").write_text(DOCUMENT)
    parts = (home / "aeolus", home / "fleet.yaml", home / "password", home / "logs")
    with aeolus.controlled(*parts) as running:
        yield running


def checked(fleet, name: str, credential: str, *more: str) -> tuple[int, dict, str]:
    """How a check of a connection ends, what it found, and all that it said."""
    env = {
        "AEOLUS_CREDENTIALS": f"{fleet.data}/credentials.json",
        "AEOLUS_URL": fleet.control,
        "AEOLUS_SCIM_CREDENTIAL": credential,
    }
    done = aeolus.run("scim", "check", "--connection", name, "--output", "json", *more, env=env, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stdout + done.stderr


def credential(fleet, name: str, kind: str) -> str:
    """A new one, as it is pasted."""
    command = ["scim", "credential", "create", "--connection", name, "--kind", kind, "--output", "json"]
    made = json.loads(fleet.run(*command).stdout)
    return f"{made['user']}:{made['secret']}" if kind == "basic" else made["secret"]


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_line_of_our_own_endpoint_passes_and_nothing_is_left(fleet, name):
    profile, kind = PROVIDERS[name]
    secret = credential(fleet, name, kind)
    for _ in range(2):
        code, found, said = checked(fleet, name, secret)
        lines = {line["code"]: line for line in found["lines"]}
        wrong = [line for line in found["lines"] if line["result"] in ("fail", "skip")]
        assert code == 0 and not wrong, json.dumps(wrong, indent=1)
        # This machine is asked without TLS, and only that is a warning for certain.
        assert lines["REACH-HTTPS"]["result"] == "warn" and lines["CLEAN"]["result"] == "pass"
        assert found["profile"] == profile and found["leftBehind"] == [] and secret not in said
    assert "aeolus-check" not in fleet.run("user", "list", "--organization", "acme").stdout
    assert "aeolus-check" not in fleet.run("team", "list", "--organization", "acme").stdout


def test_a_wrong_secret_is_told_from_a_wrong_url(fleet):
    code, found, said = checked(fleet, "entra", "Bearer not-the-secret")
    assert code == 1
    [line] = [line for line in found["lines"] if line["result"] == "fail"]
    assert line["code"] == "REACH-SECRET" and "word Bearer" in line["help"] and "not-the-secret" not in said
    wrong = f"{fleet.control}/scim/v2/entra"
    code, found, _ = checked(fleet, "entra", "not-the-secret", "--endpoint", wrong)
    assert code == 1 and found["lines"][-1]["code"] == "REACH-BASE", found
    code, found, _ = checked(fleet, "okta", "a:b", "--endpoint", "https://my_control.example.com/v1/scim/v2/okta")
    assert code == 1 and found["lines"][-1]["code"] == "REACH-UNDERSCORE", found
