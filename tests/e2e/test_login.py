"""Signing in to the command line with a browser: code and PKCE, back by a loopback redirect."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from conftest import PASSWORD, required
from harness import aeolus
from harness.keychain import keychain
from harness.process import running, wait_for
from harness.signin import Form


def link_in(log) -> str | None:
    """The link that the command prints."""
    found = re.search(r"https?://\S+/oauth2/authorize\S+", log.read_text()) if log.exists() else None
    return found.group(0) if found else None


def follow(link: str) -> requests.Response:
    """What a browser does with the link: the form, filled in, to the last redirect."""
    browser = requests.Session()
    page = browser.get(link, timeout=20)
    form = Form(page.text)
    assert form.action is not None, f"{page.status_code} {page.text[:300]}"
    filled_in = {**form.fields, "email": "viewer@example.com", "password": PASSWORD}
    origin = "/".join(page.url.split("/")[:3])
    return browser.post(urljoin(page.url, form.action), data=filled_in, headers={"Origin": origin}, timeout=20)


def due(credentials) -> dict:
    """What is stored, after its access token was made to look as if it had ended."""
    stored = json.loads(credentials.read_text())
    credentials.write_text(json.dumps({**stored, "expiresAt": 0}))
    return stored


def test_a_person_signs_in_by_the_printed_link_and_out_again(fleet, tmp_path):
    credentials, log = tmp_path / "credentials.json", tmp_path / "login.log"
    env = {"AEOLUS_CREDENTIALS": str(credentials), "AEOLUS_URL": fleet.control}
    with running([aeolus.BINARY, "login", "--no-browser"], log, env=env) as command:
        link = wait_for("the link", lambda: link_in(log), 20)
        asked = parse_qs(urlsplit(link).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert urlsplit(asked["redirect_uri"][0]).hostname == "127.0.0.1"
        done = follow(link)
        assert done.status_code == 200 and done.url.startswith(asked["redirect_uri"][0])
        assert command.wait(20) == 0, log.read_text()
    assert credentials.stat().st_mode & 0o777 == 0o600
    assert "viewer@example.com" in aeolus.run("whoami", env=env).stdout
    aeolus.run("logout", env=env)
    assert aeolus.run("whoami", env=env, check=False).returncode != 0


def test_an_answer_to_another_attempt_signs_nobody_in(fleet, tmp_path):
    credentials, log = tmp_path / "credentials.json", tmp_path / "login.log"
    env = {"AEOLUS_CREDENTIALS": str(credentials), "AEOLUS_URL": fleet.control}
    with running([aeolus.BINARY, "login", "--no-browser"], log, env=env) as command:
        link = wait_for("the link", lambda: link_in(log), 20)
        redirect = parse_qs(urlsplit(link).query)["redirect_uri"][0]
        requests.get(redirect, params={"code": "stolen", "state": "foreign"}, timeout=20)
        assert command.wait(20) != 0
    assert not credentials.exists()


def test_f48_commands_refresh_a_sign_in_at_once_and_a_copy_of_it_ends_it(fleet, tmp_path):
    credentials, log = tmp_path / "credentials.json", tmp_path / "login.log"
    env = {"AEOLUS_CREDENTIALS": str(credentials), "AEOLUS_URL": fleet.control}
    with running([aeolus.BINARY, "login", "--no-browser"], log, env=env) as command:
        follow(wait_for("the link", lambda: link_in(log), 20))
        assert command.wait(20) == 0, log.read_text()
    first = due(credentials)
    assert first["refreshToken"].startswith("xar_")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: aeolus.run("whoami", env=env, check=False), range(8)))
    assert [answer.returncode for answer in answers] == [0] * 8, answers
    second = due(credentials)
    assert second["refreshToken"] != first["refreshToken"] and second["expiresAt"] > 0
    assert credentials.stat().st_mode & 0o777 == 0o600
    aeolus.run("whoami", env=env)
    third = due(credentials)
    # Somebody uses a copy of the first: its owner is told that the session is over.
    credentials.write_text(json.dumps({**first, "expiresAt": 0}))
    refused = aeolus.run("whoami", env=env, check=False)
    assert refused.returncode != 0 and "CLI-0004" in refused.stderr, refused.stderr
    credentials.write_text(json.dumps(third))
    assert aeolus.run("whoami", env=env, check=False).returncode != 0


def test_tokens_are_kept_in_the_keychain_where_there_is_one(fleet, tmp_path):
    for program in ("dbus-daemon", "gnome-keyring-daemon", "secret-tool"):
        required(program, shutil.which(program) is not None)
    (tmp_path / "password").write_text(PASSWORD)
    account = ("--email", "viewer@example.com", "--password-file", str(tmp_path / "password"))
    with keychain(tmp_path / "home") as session:
        env = {**session, "AEOLUS_URL": fleet.control}
        kept = tmp_path / "home" / "config" / "aeolus" / "credentials.json"
        said = aeolus.run("login", *account, env=env).stderr
        assert "the keychain" in said, said
        stored = due(kept)
        assert stored.keys() == {"url", "expiresAt", "sessionEndsAt", "keychain"} and stored["keychain"], stored
        # Refreshed: what follows is in the keychain, too.
        assert "viewer@example.com" in aeolus.run("whoami", env=env).stdout
        assert json.loads(kept.read_text()).keys() == stored.keys()
        assert json.loads(kept.read_text())["expiresAt"] > 0
        # Without a session bus there is no key to it, and the command says so.
        away = {**env, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/nothing"}
        locked = aeolus.run("whoami", env=away, check=False)
        assert locked.returncode != 0 and "CLI-0032" in locked.stderr, locked.stderr
        aeolus.run("logout", env=env)
        assert not kept.exists()
        found = subprocess.run(
            ["secret-tool", "lookup", "application", "aeolus", "file", str(kept)], env={**os.environ, **env}, check=False
        )
        assert found.returncode != 0
        # Whoever asks for a file gets one, and it stays one.
        aeolus.run("login", "--keep", "file", *account, env=env)
        assert "accessToken" in due(kept)
        aeolus.run("whoami", env=env)
        assert "accessToken" in json.loads(kept.read_text())


def test_a_keychain_that_says_no_is_no_reason_not_to_sign_in(fleet, tmp_path):
    (tmp_path / "password").write_text(PASSWORD)
    account = ("--email", "viewer@example.com", "--password-file", str(tmp_path / "password"))
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "AEOLUS_URL": fleet.control}
    env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={tmp_path}/nothing"
    aeolus.run("login", *account, env=env)
    kept = tmp_path / "config" / "aeolus" / "credentials.json"
    assert kept.stat().st_mode & 0o777 == 0o600 and "accessToken" in json.loads(kept.read_text())
    assert "viewer@example.com" in aeolus.run("whoami", env=env).stdout
