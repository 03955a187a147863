"""People sign in at real identity providers, each of which does it its own way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from conftest import PASSWORD, required
from harness import aeolus, browser, provider
from harness.process import free_port, wait_for
from harness.signin import Form

FLEET = """
version: 1
planes: [{{name: local}}]
connections:
  - {{name: local, type: local}}
{connections}
organizations:
  - name: acme
    users:
      - email: ann@example.com
        role: ORGANIZATION_MEMBER
        identities: [{identities}]
    workspaces:
      - name: sales
        grants: [{{user: ann@example.com, role: WORKSPACE_OPERATOR}}]
        deployments:
          - name: echo
            plane: local
            hosts: [echo.localhost]
            upstream: http://127.0.0.1:{echo}
"""
CONNECTION = """
  - {{name: {name}, type: custom, clientId: aeolus-control, discoveryUrl: {issuer}, displayName: {display}{more}}}
"""
BARE = """
version: 1
planes: [{name: local}]
"""
NODE, IMPLICIT, POSTED, MOCK, PYTHON = ("node", "implicit", "posted", "mock", "python")
SUBJECTS = {NODE: "ann", IMPLICIT: "ann", POSTED: "ann", MOCK: "johndoe", PYTHON: "ann"}


class Scene:
    """A fleet with a connection to each provider that runs."""

    def __init__(self, fleet, document, issuers: dict[str, str], echo: int) -> None:
        self.fleet = fleet
        self.document = document
        self.issuers = issuers
        self.echo = echo
        self.control = fleet.control

    def apply(self, display: str = "Acme") -> None:
        """Puts the connections there, under a display name."""

        def line(name: str, issuer: str) -> str:
            # The one in Python has clients with a secret only, and takes any.
            more = {
                IMPLICIT: ", flow: implicit",
                POSTED: ", authUrlParams: {response_mode: form_post}",
                PYTHON: ", clientSecret: {file: password}",
            }
            return CONNECTION.format(name=name, issuer=issuer, display=f"{display}-{name}", more=more.get(name, ""))

        lines = [line(name, issuer) for name, issuer in self.issuers.items()]
        known = [f"{{connection: {name}, subject: {SUBJECTS[name]}}}" for name in self.issuers]
        text = FLEET.format(connections="".join(lines), identities=", ".join(known), echo=self.echo)
        self.document.write_text(text)
        self.fleet.run("apply", "--file", str(self.document))

    def begin(self, person: requests.Session, name: str, rd: str = "/") -> requests.Response:
        """Presses a provider's button."""
        asked = {"provider": name, "rd": rd}
        answer = person.get(f"{self.control}/v1/oauth/start", params=asked, allow_redirects=False, timeout=20)
        assert answer.status_code == 303, answer.text
        return answer

    def at_provider(self, person: requests.Session, started: requests.Response, login: str) -> str:
        """Goes through the provider's pages; the URL of the way back."""
        page = person.get(started.headers["Location"], allow_redirects=False, timeout=20)
        path = "redirect" if "response_type=id_token" in started.headers["Location"] else "callback"
        return provider.through(person, page, login, f"{self.control}/v1/oauth/{path}/")

    def finish(self, person: requests.Session, back: str) -> requests.Response:
        """Comes back: a fragment is posted, as the script of the landing page does."""
        where, _, fragment = back.partition("#")
        if not fragment:
            return person.get(back, timeout=20)
        landing = person.get(where, timeout=20)
        assert landing.status_code == 200 and "<script>" in landing.text
        own = {"Origin": self.control, "Content-Type": "application/x-www-form-urlencoded"}
        return person.post(where, data=fragment, headers=own, timeout=20)


@pytest.fixture(scope="module")
def scene(tmp_path_factory, upstream):
    """Every provider that is installed, and a gate."""
    required("node-oidc-provider", provider.installed())
    required("oauth2-mock-server", provider.node_mock_installed())
    home = tmp_path_factory.mktemp("federation")
    (home / "password").touch(mode=0o600)
    (home / "password").write_text(PASSWORD + "\n")
    document = home / "fleet.yaml"
    document.write_text(BARE)
    with (
        aeolus.serving(home / "aeolus", document, home / "password", home / "logs") as fleet,
        provider.provider(free_port(), "key-1", home / "node.log", control=fleet.control) as node,
        provider.node_mock(free_port(), home / "mock.log") as mock,
    ):
        made = Scene(fleet, document, {NODE: node, IMPLICIT: node, POSTED: node, MOCK: mock}, upstream.port)
        made.apply()
        yield made


def signed_in(answer: requests.Response) -> bool:
    """Whether this is Ann's account page."""
    return answer.status_code == 200 and "Signed in as ann@example.com" in answer.text


@pytest.mark.parametrize("name", [NODE, IMPLICIT, MOCK])
def test_ann_signs_in_at_each_provider(scene, name):
    person = requests.Session()
    page = person.get(f"{scene.control}/login", timeout=20)
    assert f"Continue with Acme-{name}" in page.text
    started = scene.begin(person, name)
    assert started.headers["Location"].startswith(f"{scene.issuers[name]}/auth")
    back = scene.at_provider(person, started, SUBJECTS[name])
    landed = scene.finish(person, back)
    assert signed_in(landed), landed.text
    # The answer is good once.
    again = scene.finish(person, back)
    assert again.status_code == 400 and "answer_attempt" in again.text


def test_ann_signs_in_at_a_provider_in_python(scene, tmp_path):
    required("oidc-provider-mock", provider.PYTHON.exists())
    with provider.python_mock(free_port(), tmp_path / "python.log") as issuer:
        scene.issuers[PYTHON] = issuer
        try:
            scene.apply()
            person = requests.Session()
            back = scene.at_provider(person, scene.begin(person, PYTHON), SUBJECTS[PYTHON])
            assert signed_in(scene.finish(person, back))
            # Who says no there is sent back without the state, which makes it nobody's answer.
            page = person.get(scene.begin(person, PYTHON).headers["Location"], timeout=20)
            denied = person.post(page.url, data={"action": "deny"}, timeout=20)
            assert denied.status_code == 400 and "answer_without_state" in denied.text
        finally:
            del scene.issuers[PYTHON]
            scene.apply()


def test_a_stranger_reads_whom_to_ask(scene):
    person = requests.Session()
    back = scene.at_provider(person, scene.begin(person, NODE), "mallory")
    page = scene.finish(person, back)
    assert page.status_code == 403 and "not-known-here" in page.text
    assert not signed_in(person.get(scene.control, timeout=20))


def test_ann_enters_a_deployment_through_her_provider(scene):
    person = requests.Session()
    person.headers.update({"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})
    port = scene.fleet.proxy.rsplit(":", 1)[1]
    url = f"http://echo.localhost:{port}/home?x=1"
    page = wait_for("the sign-in page", lambda: asks(person, url), 20)
    href = page.text.split(f'Continue with Acme-{MOCK}')[0].rsplit('href="', 1)[1].split('"')[0]
    landed = person.get(urljoin(page.url, href.replace("&#38;", "&").replace("&amp;", "&")), timeout=20)
    assert landed.url == url and landed.status_code == 200, landed.text


def asks(person: requests.Session, url: str) -> requests.Response | None:
    """The sign-in page that a deployment leads to, once its gate knows of it."""
    answer = person.get(url, timeout=20)
    return answer if "/login" in answer.url else None


def test_signing_out_ends_the_session_at_the_provider_too(scene):
    person = requests.Session()
    back = scene.at_provider(person, scene.begin(person, NODE), "ann")
    assert signed_in(scene.finish(person, back))
    out = person.post(f"{scene.control}/logout", headers={"Origin": scene.control}, timeout=20)
    assert out.status_code == 200 and out.headers["Refresh"].startswith("0; url=")
    page = person.get(out.headers["Refresh"].removeprefix("0; url="), timeout=20)
    # It has checked the id_token that it was shown, and doesn't ask whether she means it.
    form = Form(page.text)
    assert form.fields["logout"] == "yes", page.text
    landed = person.post(urljoin(page.url, form.action), data=form.fields, timeout=20)
    assert landed.url == f"{scene.control}/logout" and "You are signed out" in landed.text
    # The provider asks again.
    page = person.get(scene.begin(person, NODE).headers["Location"], timeout=20)
    assert Form(page.text).action is not None


def test_200_sign_ins_across_a_change_and_none_fails(scene):
    def begun(_: int) -> tuple[requests.Session, str]:
        person = requests.Session()
        started = scene.begin(person, MOCK)
        return person, scene.at_provider(person, started, SUBJECTS[MOCK])

    def finished(way: tuple[requests.Session, str]) -> bool:
        return signed_in(scene.finish(*way))

    with ThreadPoolExecutor(8) as pool:
        ways = list(pool.map(begun, range(100)))
        later = pool.map(begun, range(100))
        scene.apply("Changed")
        ways += list(later)
        assert "Changed-mock" in requests.get(f"{scene.control}/login", timeout=20).text
        assert sum(pool.map(finished, ways)) == 200
    scene.apply()


@pytest.mark.parametrize("name", [IMPLICIT, POSTED])
def test_a_real_browser_brings_the_answer(scene, tmp_path, name):
    required("chromium", browser.installed())
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.common.by import By

    with browser.chromium(tmp_path / "profile") as driver:
        driver.get(f"{scene.control}/login")
        driver.find_element(By.LINK_TEXT, f"Continue with Acme-{name}").click()
        wait_for("the provider's form", lambda: driver.find_elements(By.NAME, "login"), 20)
        driver.find_element(By.NAME, "login").send_keys("ann")
        driver.find_element(By.NAME, "password").send_keys("x")
        driver.find_element(By.CSS_SELECTOR, "button[type=submit]").click()

        def home() -> bool:
            at = urlsplit(driver.current_url)
            if at.path == "/" and scene.control.endswith(at.netloc):
                return True
            # The provider's pages follow one another while they are looked at.
            with suppress(StaleElementReferenceException):
                for button in driver.find_elements(By.CSS_SELECTOR, "button[type=submit]")[:1]:
                    button.click()
            return False

        wait_for("the account page", home, 30)
        assert "Signed in as ann@example.com" in driver.page_source
        assert "id_token" not in driver.current_url
