"""Every page that people see: readable, reachable by keyboard, on a phone, in the dark, without a script.

With `AEOLUS_PICTURES=FOLDER` pictures of all of them are left there, to be looked at.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from email import message_from_string
from urllib.parse import urljoin

import pytest
import requests
from conftest import PASSWORD, at, required
from harness import aeolus, browser, provider, smtp
from harness.pages import look, there
from harness.process import free_port, wait_for
from harness.signin import Form
from selenium.webdriver.common.by import By
from test_email import settings
from test_second_factor import code_of

FLEET = """
version: 1
planes: [{{name: local, authHost: localhost}}]
connections:
  - {{name: local, type: local}}
organizations:
  - name: acme
    users:
      - {{email: viewer@example.com, role: ORGANIZATION_MEMBER, password: {{file: password}}}}
      - {{email: stranger@example.com, role: ORGANIZATION_MEMBER, password: {{file: password}}}}
      - {{email: forgetful@example.com, role: ORGANIZATION_MEMBER, password: {{file: password}}}}
    workspaces:
      - name: sales
        deployments:
          - name: echo
            plane: local
            hosts: [echo.localhost]
            upstream: http://127.0.0.1:{echo}
            grants: [{{user: viewer@example.com, role: DEPLOYMENT_VIEWER}}]
          - name: stuck
            plane: local
            hosts: [stuck.localhost]
            upstream: http://127.0.0.1:{stuck}
"""
# Two providers at which a plane has clients of its own.
AWAY = """
version: 1
planes: [{{name: local, authHost: localhost}}]
connections:
  - {{name: local, type: local}}
  - name: corp
    type: custom
    displayName: Example Corp
    clientId: spa
    discoveryUrl: {corp}
    planeRegistrations: [{{plane: local, clientId: aeolus-local}}]
  - name: other
    type: custom
    displayName: The Department of Rather Long Names & Sons
    clientId: spa
    discoveryUrl: {other}
    planeRegistrations: [{{plane: local, clientId: aeolus-local}}]
organizations:
  - name: acme
    users:
      - {{email: ann@example.com, role: ORGANIZATION_MEMBER, identities: [{{connection: corp, subject: ann}}]}}
    workspaces:
      - name: sales
        deployments: [{{name: echo, plane: local, hosts: [echo.localhost], upstream: "http://127.0.0.1:{echo}"}}]
"""
CONFIG = """
auth:
  local: {{enabled: true}}
  openidConnect:
    custom: {{clientId: aeolus, discoveryUrl: {issuer}, displayName: Example Corp, trustedDomains: [example.net, one.example]}}
    google: {{clientId: aeolus, clientSecret: {{file: password}}}}
    okta: {{clientId: aeolus, discoveryUrl: https://example.okta.com}}
    microsoft:
      clientId: aeolus
      displayName: Microsoft Entra ID of the Department of Rather Long Names
      discoveryUrl: https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0
      trustedDomains: [example.net]
"""
VIEWER, STRANGER, FORGETFUL = (f"{name}@example.com" for name in ("viewer", "stranger", "forgetful"))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory, upstream):
    required("chromium", browser.installed())
    required("oauth2-mock-server", provider.node_mock_installed())
    home = tmp_path_factory.mktemp("pages")
    aeolus.private(home / "password", PASSWORD.encode())
    document = home / "fleet.yaml"
    aeolus.private(home / "smtp-password", smtp.PASSWORD.encode())
    # What is accepted there is never answered.
    stuck = socket.create_server(("127.0.0.1", 0))
    required("aiosmtpd", smtp.PYTHON.exists())
    with stuck, provider.node_mock(free_port(), home / "mock.log") as issuer, smtp.server(home) as server:
        email = settings(server, str(home / "smtp-password"))
        document.write_text(FLEET.format(echo=upstream.port, stuck=stuck.getsockname()[1]))
        with aeolus.serving(home / "aeolus", document, home / "password", home / "logs", **email) as running:
            running.stop_control()
            running.config = home / "control.yaml"
            running.config.write_text(CONFIG.format(issuer=issuer))
            running.start_control()
            running.mailbox = server
            yield running


class Visitor:
    """Somebody at a browser, who says what is wrong with each page they come to."""

    def __init__(self, driver, control: str) -> None:
        self.driver = driver
        self.control = control
        self.wrong: list[str] = []

    def open(self, name: str, url: str, text: str) -> None:
        """Opens a page and looks at it."""
        self.driver.get(url if url.startswith("http") else f"{self.control}{url}")
        self.see(name, text)

    def see(self, name: str, text: str) -> None:
        """Looks at the page that is to show a text."""
        there(self.driver, text)
        self.wrong += look(self.driver, name)

    def fill(self, press: str, **fields: str) -> None:
        """Fills fields in, by their names, and presses a button."""
        for name, value in fields.items():
            field = [f for f in self.driver.find_elements(By.NAME, name) if f.is_displayed()][0]
            field.clear()
            field.send_keys(value)
        buttons = self.driver.find_elements(By.CSS_SELECTOR, "button")
        next(button for button in buttons if button.text == press).click()


@pytest.fixture
def visitor(fleet, chromium) -> Visitor:
    return Visitor(chromium, fleet.control)


def test_the_pages_around_signing_in(fleet, visitor):
    visitor.open("sign-in", "/login?rd=%2F", "or by your address")
    visitor.fill("Continue", email="ann@example.net")
    visitor.see("sign-in-provider", "more than one way")
    visitor.open("sign-in-password-instead", "/login?rd=%2F&password=1", "or with a password")
    visitor.open("sign-in-again", "/login?rd=%2F", "or by your address")
    visitor.fill("Continue", email="nobody@nowhere.example")
    visitor.see("password", "Use another address")
    visitor.fill("Sign in", password="not the password, sorry")
    visitor.see("password-wrong", "is wrong")
    visitor.open("refused", "/v1/oauth/start?provider=nobody", "There is no such way to sign in")
    visitor.open("error", "/oauth2/authorize", "reference")
    visitor.open("landing", "/v1/oauth/redirect", "Nothing to sign in with")
    visitor.open("signed-out", "/logout", "You are signed out")
    assert not visitor.wrong, "\n".join(visitor.wrong)


def test_the_pages_of_an_account(fleet, visitor):
    visitor.driver.get(f"{fleet.control}/login?rd=%2F&password=1")
    visitor.fill("Sign in", email=VIEWER, password=PASSWORD)
    visitor.see("account", "Your deployments")
    visitor.open("token", "/token", "Access token")
    visitor.fill("Show a token")
    visitor.see("token-shown", "shown this once")
    device = requests.post(f"{fleet.control}/oauth2/device_authorization", data={"client_id": "aeolus-cli"}, timeout=20).json()
    visitor.open("device", "/device", "Sign in a machine")
    visitor.fill("Go on", user_code="BCDFGHJK")
    visitor.see("device-wrong", "no such code")
    visitor.fill("Go on", user_code=device["user_code"])
    visitor.see("device-confirm", "Sign in this machine?")
    visitor.fill("Sign it in")
    visitor.see("device-approved", "is signed in")
    visitor.open("second-factor", "/second-factor", "Set it up")
    visitor.fill("Set it up")
    visitor.see("second-factor-key", "Tell your app")
    key = re.search(r'class="key">([A-Z2-7 ]+)<', visitor.driver.page_source).group(1).replace(" ", "")
    visitor.fill("Turn it on", password=PASSWORD, code=code_of(key, time.time()))
    visitor.see("recovery-codes", "Your recovery codes")
    visitor.open("second-factor-on", "/second-factor", "Make ten new codes")
    visitor.open("sign-out", "/logout", "Sign out?")
    visitor.fill("Sign out")
    there(visitor.driver, "You are signed out")
    visitor.driver.get(f"{fleet.control}/login?rd=%2F&password=1")
    visitor.fill("Sign in", email=VIEWER, password=PASSWORD)
    visitor.see("code", "authenticator app")
    visitor.fill("Sign in", code="000000")
    visitor.see("code-wrong", "authenticator app")
    assert not visitor.wrong, "\n".join(visitor.wrong)


def test_the_pages_of_a_forgotten_password(fleet, visitor):
    visitor.open("forgot", "/password/forgot", "Forgot your password?")
    # As somebody whose browser lets everything through.
    visitor.driver.execute_script("document.querySelector('form').noValidate = true")
    visitor.fill("Send the link", email="ann")
    visitor.see("forgot-wrong", "That is no e-mail address")
    visitor.fill("Send the link", email="nobody@example.com")
    visitor.see("forgot-sent", "a link to a new one is on its way there")
    made = fleet.run("user", "reset-password", FORGETFUL, "--output", "json")
    link = json.loads(made.stdout)["link"]
    visitor.open("reset", link, "New password")
    visitor.fill("Set the password", password="passwordpassword")
    visitor.see("reset-wrong", "can't be used")
    visitor.fill("Set the password", password=f"{PASSWORD} and more")
    visitor.see("reset-done", "Your password is set")
    visitor.open("reset-over", link, "The link is over")
    assert not visitor.wrong, "\n".join(visitor.wrong)


def sent_to(mailbox: smtp.Server, address: str) -> str:
    """The link of an invitation in the next message to an address."""
    took = next(took for took in iter(mailbox.next, None) if took["to"] == [address])
    text = message_from_string(took["text"]).get_payload(decode=True).decode()
    return re.search(r"https?://\S+/invitation/[0-9a-f]+", text).group(0)


def test_an_invitation(fleet, visitor):
    made = fleet.run("invitation", "create", "new@example.com", "--note", "Welcome aboard!", "--output", "json")
    visitor.open("invitation-handed", json.loads(made.stdout)["link"], "Welcome aboard!")
    visitor.fill("Send the link")
    visitor.see("invitation-sent", "on its way")
    link = sent_to(fleet.mailbox, "new@example.com")
    visitor.open("invitation", link, "Welcome aboard!")
    visitor.fill("Accept with a new account", name="New", password="passwordpassword")
    visitor.see("invitation-wrong", "can't be used")
    visitor.fill("Accept with a new account", name="New", password=PASSWORD)
    there(visitor.driver, "Signed in as")
    visitor.open("invitation-over", link, "The invitation is over")
    other = fleet.run("invitation", "create", "other@example.com", "--output", "json")
    visitor.open("invitation-other", json.loads(other.stdout)["link"], "Sign out and open the link again")
    assert not visitor.wrong, "\n".join(visitor.wrong)


def test_the_first_administrator(tmp_path, chromium):
    (tmp_path / "aeolus").mkdir()
    aeolus.private(tmp_path / "password", PASSWORD.encode())
    fleet = aeolus.Fleet(tmp_path / "aeolus", tmp_path / "logs", {}, "127.0.0.1")
    try:
        aeolus.prepare(fleet.data, tmp_path / "password")
        fleet.start_control(administered=False)
        log = tmp_path / "logs" / "control.log"
        said = wait_for("the code", lambda: re.search(r"type the code ([A-Z0-9-]+)", log.read_text()), 20)
        code = said.group(1)
        visitor = Visitor(chromium, fleet.control)
        visitor.open("setup", "/setup", "First administrator")
        visitor.fill("Go on", code="WRONG")
        visitor.see("setup-wrong", "That is not the code")
        visitor.fill("Go on", code=code)
        visitor.see("setup-account", "The code is right")
        visitor.fill("Make this account the administrator", email="admin@example.com", name="Ada", password=PASSWORD)
        visitor.see("account-empty", "You have no deployments yet")
        assert not visitor.wrong, "\n".join(visitor.wrong)
    finally:
        fleet.end()


def test_the_pages_of_a_gate(fleet, visitor):
    url = at(fleet.proxy, "echo.localhost")
    visitor.open("gate-unknown", at(fleet.proxy, "nowhere.localhost"), "Nothing is served here")
    visitor.driver.get(f"{fleet.control}/login?rd=%2F&password=1")
    visitor.fill("Sign in", email=STRANGER, password=PASSWORD)
    there(visitor.driver, "Signed in as")
    visitor.open("gate-denied", f"{url}/home", "You may not open this")
    assert re.search(r"Reference for an administrator: \S{8,}", visitor.driver.find_element(By.TAG_NAME, "main").text)
    visitor.open("gate-sign-out", f"{url}/.aeolus/sign-out", "Sign out?")
    visitor.fill("Sign out")
    visitor.see("gate-signed-out", "You are signed out")
    visitor.open("gate-failed", f"{url}/.aeolus/callback?code=x&state=y", "was not begun here")
    assert not visitor.wrong, "\n".join(visitor.wrong)


def test_a_gate_whose_control_goes_away_in_the_middle(fleet, visitor):
    url = at(fleet.proxy, "echo.localhost")
    person = requests.Session()
    person.headers.update({"Accept": "text/html", "Sec-Fetch-Mode": "navigate"})
    page = person.get(f"{url}/.aeolus/sign-in?next=%2F", timeout=20)
    fields = {**Form(page.text).fields, "email": STRANGER, "password": PASSWORD}
    own = {"Origin": fleet.control}
    answer = person.post(f"{fleet.control}/login", data=fields, headers=own, allow_redirects=False, timeout=20)
    while not (back := urljoin(answer.url, answer.headers["Location"])).startswith(url):
        answer = person.get(back, allow_redirects=False, timeout=20)
    fleet.kill_control()
    try:
        visitor.driver.get(f"{url}/.aeolus/sign-out")
        for cookie in person.cookies:
            if "echo" in cookie.domain:
                visitor.driver.add_cookie({"name": cookie.name, "value": cookie.value, "path": cookie.path})
        visitor.open("gate-outage", back, "Signing in is not possible right now")
        assert not visitor.wrong, "\n".join(visitor.wrong)
    finally:
        fleet.start_control()


def test_a_gate_that_has_too_much_to_do(fleet, visitor, monkeypatch):
    token = fleet.create_token("pages", "acme/sales/stuck", "DEPLOYMENT_VIEWER")["token"]
    monkeypatch.setenv("LIMITS__REQUESTS", "1")
    fleet.restart_gate()
    url = at(fleet.proxy, "echo.localhost")
    waiting = {"Authorization": f"Bearer {token}"}
    wait = threading.Thread(target=hangs, args=(at(fleet.proxy, "stuck.localhost"), waiting), daemon=True)
    try:
        wait.start()

        def is_busy() -> bool:
            return "sign_in_busy" in requests.get(f"{url}/.aeolus/sign-in", allow_redirects=False, timeout=20).text

        wait_for("the only place to be taken", is_busy, 20)
        visitor.open("gate-busy", f"{url}/.aeolus/sign-in", "Busy right now")
        assert not visitor.wrong, "\n".join(visitor.wrong)
    finally:
        monkeypatch.undo()
        fleet.restart_gate()


def hangs(url: str, headers: dict[str, str]) -> None:
    """A request that nobody answers."""
    try:
        requests.get(url, headers=headers, timeout=60)
    except requests.RequestException:
        pass


def test_the_pages_of_a_gate_while_control_is_away(tmp_path, upstream, chromium):
    required("node-oidc-provider", provider.installed())
    aeolus.private(tmp_path / "password", PASSWORD.encode())
    document = tmp_path / "fleet.yaml"
    document.write_text("version: 1\nplanes: [{name: local, authHost: localhost}]\n")
    parts = (tmp_path / "aeolus", document, tmp_path / "password", tmp_path / "logs")
    with (
        provider.provider(free_port(), "key-1", tmp_path / "idp.log") as corp,
        provider.provider(free_port(), "key-2", tmp_path / "other.log") as other,
        aeolus.serving(*parts) as fleet,
    ):
        document.write_text(AWAY.format(corp=corp, other=other, echo=upstream.port))
        fleet.run("apply", "--file", str(document))

        def asked() -> bool:
            return fleet.run("plane", "show", "local", "--network").stdout.count("exchanging") == 2

        wait_for("control to ask both providers", asked, 30)
        fleet.create_token("settled", "acme/sales/echo", "DEPLOYMENT_VIEWER")
        fleet.kill_control()
        url = f"{at(fleet.proxy, 'echo.localhost')}/.aeolus/sign-in"

        def chooses() -> bool:
            return "People whom this plane knows" in requests.get(url, timeout=20).text

        wait_for("the gate to count control as away", chooses, 90)
        visitor = Visitor(chromium, fleet.control)
        visitor.open("gate-choose", url, "can sign in at")
        visitor.driver.find_element(By.LINK_TEXT, "Continue with Example Corp").click()
        there(visitor.driver, "Sign-in")
        for press in ("login", "password"):
            visitor.driver.find_element(By.NAME, press).send_keys("mallory")
        visitor.driver.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
        there(visitor.driver, "Continue")
        # What is wrong with the provider's own pages is not ours.
        visitor.driver.get_log("browser")
        visitor.driver.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
        visitor.see("gate-unknown-here", "You can't sign in right now")
        assert not visitor.wrong, "\n".join(visitor.wrong)
