"""A second factor: set up and asked for on control's pages, and required by an organization."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import shutil
import struct
import subprocess
import time
from html import unescape
from urllib.parse import urljoin

import pytest
import requests
from conftest import ONE_VIEWER, PASSWORD, at
from harness import aeolus
from harness.process import wait_for
from harness.signin import Form, sign_in

VIEWER = "viewer@example.com"


def code_of(key: str, moment: float) -> str:
    """What an authenticator app shows (RFC 6238)."""
    counter = struct.pack(">q", int(moment) // 30)
    tag = hmac.new(base64.b32decode(key), counter, hashlib.sha1).digest()
    at_byte = tag[-1] & 15
    return f"{(int.from_bytes(tag[at_byte : at_byte + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def browser() -> requests.Session:
    session = requests.Session()
    session.headers.update({"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})
    return session


def send(session: requests.Session, page: requests.Response, **filled: str) -> requests.Response:
    """Fills in the first form of a page and sends it."""
    form = Form(page.text)
    assert form.action is not None, f"{page.url}: {page.status_code} {page.text[:400]}"
    headers = {"Origin": "/".join(page.url.split("/")[:3]), "Sec-Fetch-Site": "same-origin"}
    target = urljoin(page.url, form.action)
    fields = {**form.fields, **filled}
    return session.post(target, data=fields, headers=headers, timeout=20)


@pytest.fixture
def fleet(tmp_path, home, upstream):
    document = tmp_path / "fleet.yaml"
    document.write_text(ONE_VIEWER.format(password=home / "password", echo=upstream.port))
    with aeolus.serving(tmp_path / "aeolus", document, home / "password", tmp_path / "logs") as running:
        yield running


def test_an_organization_requires_a_second_factor_and_people_set_it_up_on_their_way(fleet, home, tmp_path, figure):
    url = at(fleet.proxy, "echo.localhost")
    before = sign_in(f"{url}/", VIEWER, PASSWORD)
    asked = f"{url}/ui/auth/me"
    assert before.get(asked, timeout=20).status_code == 200
    rules = tmp_path / "policy.yaml"
    rules.write_text("secondFactor: required\n")
    setting = ["policy", "set", str(rules), "--organization", "acme", "--output", "json"]
    dry = json.loads(fleet.run(*setting, "--dry-run").stdout)
    assert dry["sessionsTotal"] == 1 and not dry["done"]
    assert before.get(asked, timeout=20).status_code == 200
    begun = time.monotonic()
    fleet.run(*setting, "--yes", "--no-wait")
    refused = lambda: before.get(asked, timeout=20, allow_redirects=False).status_code == 401  # noqa: E731
    wait_for("the session's end at the gate", refused, 2)
    figure(f"refused after {time.monotonic() - begun:.2f} s")

    # A person on their way to the deployment is led through setting it up, and comes out there.
    person = browser()
    page = send(person, person.get(f"{url}/", timeout=20), email=VIEWER, password=PASSWORD)
    assert "/second-factor" in page.url and "asks for a second factor" in page.text
    page = send(person, page)
    key = re.search(r'id="secret" class="key">([A-Z2-7 ]+)<', page.text).group(1).replace(" ", "")
    assert "<svg" in page.text and len(key) == 32
    now = time.time()
    if oathtool := shutil.which("oathtool"):
        theirs = subprocess.run(
            [oathtool, "--totp", "-b", "-N", f"@{int(now)}", key], check=True, capture_output=True, text=True
        )
        assert theirs.stdout.strip() == code_of(key, now)
    page = send(person, page, password=PASSWORD, code="000000")
    assert page.status_code == 401 and key[:4] not in page.text
    page = send(person, page, password=PASSWORD, code=code_of(key, now))
    recovery = re.findall(r"<li><code>([A-Z2-7 ]+)</code>", page.text)
    assert len(set(recovery)) == 10, page.text
    onward = unescape(re.search(r'id="onward" href="([^"]+)"', page.text).group(1))
    page = person.get(urljoin(page.url, onward), timeout=20)
    assert page.url.startswith(url) and page.status_code == 200, f"{page.url}: {page.status_code}"
    assert person.get(asked, timeout=20).status_code == 200

    # From then on both steps are asked for; each code is good once.
    for code in (code_of(key, now + 30), recovery[0]):
        again = browser()
        step = send(again, again.get(f"{url}/", timeout=20), email=VIEWER, password=PASSWORD)
        assert "/login/code" in step.url
        wrong = send(again, step, code="000000")
        assert wrong.status_code == 401
        done = send(again, wrong, code=code)
        assert done.url.startswith(url) and done.status_code == 200, f"{done.url}: {done.status_code}"
        twice = browser()
        step = send(twice, twice.get(f"{url}/", timeout=20), email=VIEWER, password=PASSWORD)
        assert send(twice, step, code=code).status_code == 401

    # The command line has nobody to ask here, and says so.
    env = {"AEOLUS_CREDENTIALS": str(tmp_path / "credentials.json"), "AEOLUS_URL": fleet.control}
    login = ["login", "--email", VIEWER, "--password-file", str(home / "password")]
    answer = aeolus.run(*login, env=env, check=False)
    assert answer.returncode == 2 and "CLI-0034" in answer.stderr

    # Who has lost both is let in by the password again, and led to set it up anew.
    reset = json.loads(fleet.run("user", "reset-second-factor", VIEWER, "--output", "json").stdout)
    assert reset["reset"] and reset["sessionsEnded"] >= 1
    ended = lambda: person.get(asked, timeout=20, allow_redirects=False).status_code != 200  # noqa: E731
    wait_for("the end of all sessions", ended, 2)
    anew = browser()
    page = send(anew, anew.get(f"{url}/", timeout=20), email=VIEWER, password=PASSWORD)
    assert "/second-factor" in page.url
