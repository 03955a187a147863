"""The command line on machines without a browser, with tokens from elsewhere, and at several control planes."""

from __future__ import annotations

import json
import subprocess

import pytest
import requests
from conftest import PASSWORD
from harness import aeolus
from harness.process import running, wait_for
from harness.signin import Form
from test_login import link_in

DOCUMENT = """
version: 1
connections:
  - {name: local, type: local}
  - {name: okta, type: okta, clientId: aeolus, discoveryUrl: https://example.okta.com, displayName: Example Corp}
organizations:
  - name: acme
    users: [{email: viewer@example.com, role: ORGANIZATION_MEMBER, password: {file: password}}]
"""


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A second control plane, with an identity provider."""
    home = tmp_path_factory.mktemp("other")
    aeolus.private(home / "password", PASSWORD.encode())
    (home / "fleet.yaml").write_text(DOCUMENT)
    with aeolus.controlled(home / "aeolus", home / "fleet.yaml", home / "password", home / "logs") as fleet:
        yield fleet


@pytest.fixture
def env(tmp_path) -> dict[str, str]:
    """A machine without a keychain where nobody is signed in."""
    bus = f"unix:path={tmp_path}/nothing"
    (tmp_path / "password").write_text(PASSWORD)
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "DBUS_SESSION_BUS_ADDRESS": bus}


def back_from(link: str) -> str:
    """What a browser elsewhere ends at after its person has signed in."""
    browser = requests.Session()
    page = browser.get(link, timeout=20)
    origin = "/".join(page.url.split("/")[:3])
    fields = {**Form(page.text).fields, "email": "viewer@example.com", "password": PASSWORD}
    answer = browser.post(f"{origin}/login", data=fields, headers={"Origin": origin}, allow_redirects=False, timeout=20)
    answer = browser.get(f"{origin}{answer.headers['Location']}", allow_redirects=False, timeout=20)
    return answer.headers["Location"]


def test_the_address_that_a_browser_elsewhere_ends_at_signs_in(other, env, tmp_path):
    for pasted, good in ((lambda back: back, True), (lambda back: back.replace("state=", "state=x"), False)):
        log = tmp_path / f"{good}.log"
        command = [aeolus.BINARY, "login", "--paste", "--url", other.control]
        with running(command, log, env=env, stdin=subprocess.PIPE) as child:
            back = back_from(wait_for("the link", lambda: link_in(log), 20))
            assert back.startswith("http://127.0.0.1:1/callback?")
            child.stdin.write(f"{pasted(back)}\n".encode())
            child.stdin.flush()
            assert (child.wait(20) == 0) == good, log.read_text()
        # The providers there are, by the names on their buttons.
        assert "(Example Corp)" in log.read_text()
    assert "viewer@example.com" in aeolus.run("whoami", env=env).stdout


def test_a_token_from_elsewhere_is_kept_and_outlives_signing_out(fleet, env):
    token = fleet.create_token("stdin", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
    login = ("login", "--url", fleet.control, "--token-stdin")
    for bad, code in (("", "CLI-0035"), ("two words", "CLI-0035"), ("not-a-token", "")):
        refused = aeolus.run(*login, env=env, stdin=bad, check=False)
        assert refused.returncode != 0 and code in refused.stderr, refused.stderr
    said = aeolus.run(*login, env=env, stdin=f"{token}\n").stderr
    assert token not in said
    assert "stdin" in aeolus.run("whoami", env=env).stdout
    assert "as good as before" in aeolus.run("logout", env=env).stderr
    assert aeolus.run("whoami", env=env, check=False).returncode != 0
    # Still good.
    aeolus.run(*login, env=env, stdin=token)


def test_sign_ins_at_two_control_planes_stand_beside_one_another(fleet, other, env, tmp_path):
    account = ("--email", "viewer@example.com", "--password-file", str(tmp_path / "password"))
    for control in (fleet.control, other.control):
        aeolus.run("login", "--url", control, *account, env=env)
    first, second = (control.removeprefix("http://") for control in (fleet.control, other.control))

    def current() -> dict[str, bool]:
        listed = json.loads(aeolus.run("context", "list", "--output", "json", env=env).stdout)
        return {known["name"]: known["current"] for known in listed}

    assert current() == {first: False, second: True}
    assert other.control in aeolus.run("whoami", env=env).stdout
    assert fleet.control in aeolus.run("whoami", "--url", fleet.control, env=env).stdout
    aeolus.run("context", "switch", first, env=env)
    assert current() == {first: True, second: False} and fleet.control in aeolus.run("whoami", env=env).stdout
    unknown = aeolus.run("context", "switch", "nowhere", env=env, check=False)
    assert unknown.returncode == 2 and "CLI-0036" in unknown.stderr and second in unknown.stderr
    # Signing out of one is nothing to the other, and nobody is led to it unasked.
    aeolus.run("logout", env=env)
    assert "CLI-0004" in aeolus.run("whoami", env=env, check=False).stderr
    assert current() == {second: False}
    aeolus.run("context", "switch", second, env=env)
    assert other.control in aeolus.run("whoami", env=env).stdout
    kept = list((tmp_path / "config" / "aeolus").rglob("*.json"))
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in kept)
