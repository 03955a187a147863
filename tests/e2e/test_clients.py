"""Clients that others wrote, unmodified: discovery, code with PKCE, refresh, introspection, exchange, device, sign-out."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest
import requests
from conftest import PASSWORD, required
from harness import aeolus, clients
from harness.process import running, wait_for
from harness.signin import Form

EMAIL = "viewer@example.com"


class Browser(requests.Session):
    """A browser with a person in front of it."""

    def press(self, page: requests.Response, **fields: str) -> requests.Response:
        """Fills in the form of a page and sends it, as far as redirects stay here."""
        form = Form(page.text)
        assert form.action is not None, f"{page.status_code} {page.text[:300]}"
        origin = "/".join(page.url.split("/")[:3])
        headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
        return self.go("POST", urljoin(page.url, form.action), data={**form.fields, **fields}, headers=headers)

    def go(self, method: str, url: str, **options) -> requests.Response:
        """Follows redirects until one leaves the site: nobody listens where it leads."""
        answer = self.request(method, url, allow_redirects=False, timeout=20, **options)
        while answer.is_redirect:
            onward = urljoin(answer.url, answer.headers["Location"])
            if onward.split("/")[2] != answer.url.split("/")[2]:
                return answer
            answer = self.request("GET", onward, allow_redirects=False, timeout=20)
        return answer

    def approve(self, url: str, code: str) -> None:
        """Types a machine's code and agrees."""
        confirm = self.press(self.go("GET", url), user_code=code)
        assert code in confirm.text, confirm.text
        done = self.press(confirm, decision="approve")
        assert "The machine is signed in" in done.text, done.text


def status(url: str, token: str) -> int:
    """How a deployment answers a bearer token."""
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=20).status_code


@pytest.mark.parametrize("name", clients.COMMANDS)
def test_an_independent_client_signs_in_and_out(fleet, echoed, tmp_path, name):
    required(name, clients.installed(name))
    deployment = fleet.deployment_id("acme/sales/echo")
    browser = Browser()
    with clients.Client(name, tmp_path / "client.log", fleet.control, deployment) as client:
        page = browser.go("GET", client.asks("visit")["url"])
        back = browser.press(page, email=EMAIL, password=PASSWORD)
        client.tell(url=back.headers["Location"])
        token = client.asks("use")["token"]
        assert status(f"{echoed}/", token) == 200
        other = echoed.replace("echo.", "etl.")
        assert status(f"{other}/", token) == 401
        client.tell()
        asked = client.asks("approve")
        browser.approve(asked["url"], asked["code"])
        client.tell()
        asked = client.asks("leave")
        left = browser.go("GET", asked["url"])
        wait_for("the gate to refuse the token", lambda: status(f"{echoed}/", asked["token"]) == 401, 10)
        client.tell(url=left.headers["Location"])
        client.asks("done")


def test_the_command_line_signs_in_where_there_is_no_browser(fleet, tmp_path):
    credentials, log = tmp_path / "credentials.json", tmp_path / "login.log"
    env = {"AEOLUS_CREDENTIALS": str(credentials), "AEOLUS_URL": fleet.control}
    with running([aeolus.BINARY, "login", "--device"], log, env=env) as command:
        code = wait_for("the code", lambda: re.search(r"[B-Z]{4}-[B-Z]{4}", log.read_text()), 20).group(0)
        url = re.search(r"https?://\S+/device", log.read_text()).group(0)
        browser = Browser()
        browser.press(browser.go("GET", url), email=EMAIL, password=PASSWORD)
        browser.approve(url, code)
        assert command.wait(30) == 0, log.read_text()
    assert EMAIL in aeolus.run("whoami", env=env).stdout
    aeolus.run("logout", env=env)
    assert aeolus.run("whoami", env=env, check=False).returncode != 0
