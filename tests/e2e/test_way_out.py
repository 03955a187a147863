"""People sign in where control has no way out but a proxy: it lives in a network of its own, without a route."""

from __future__ import annotations

import shutil
from contextlib import ExitStack

import pytest
import requests
from conftest import PASSWORD, required
from harness import aeolus, certificate, namespace, provider
from harness.process import free_port, running, wait_for
from harness.sockets import Sockets

DOCUMENT = """
version: 1
connections:
  - {{name: local, type: local}}
  - {{name: idp, type: custom, clientId: app, discoveryUrl: '{issuer}'}}
organizations:
  - name: acme
    users: [{{email: ann@example.com, role: ORGANIZATION_MEMBER, identities: [{{connection: idp, subject: johndoe}}]}}]
"""
PROXY = """
Port {port}
Listen {host}
Timeout 30
LogLevel Connect
LogFile "{home}/tinyproxy.log"
BasicAuth us p4ss
ConnectPort {idp}
"""


class Scene:
    """A control plane in its network, a proxy at the network's edge, and a provider beyond it."""

    def __init__(self, home, fleet, issuer: str, proxy: str) -> None:
        self.home = home
        self.fleet = fleet
        self.issuer = issuer
        self.proxy = proxy
        self.authority = home / "idp.pem"

    def restart(self, **settings: str) -> None:
        """Starts control in its network, with settings of its own."""
        self.fleet.stop_control()
        # People reach it all the same: its socket is of this network, as a service manager would hand it over.
        self.fleet.sockets.close()
        host, port = self.fleet.control_address.rsplit(":", 1)
        self.fleet.sockets = Sockets(control=(host, int(port)))
        self.fleet.settings = {"CONTROL__EGRESS__CA_FILE": str(self.authority), **settings}
        self.fleet.start_control()

    def begin(self, person: requests.Session) -> requests.Response:
        """Presses the provider's button."""
        url = f"{self.fleet.control}/v1/oauth/start"
        return person.get(url, params={"provider": "idp"}, allow_redirects=False, timeout=30)

    def person(self) -> requests.Session:
        """Somebody whose browser believes the provider, and is in the network of this machine."""
        session = requests.Session()
        session.trust_env, session.verify = False, str(self.authority)
        return session


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    host = certificate.own_name()
    required("tinyproxy", shutil.which("tinyproxy") is not None)
    required("oauth2-mock-server", provider.node_mock_installed())
    required("a name of this machine that leads to it", host is not None)
    required("a network namespace (root and iproute2)", namespace.possible())
    home = tmp_path_factory.mktemp("way-out")
    aeolus.private(home / "password", PASSWORD.encode())
    idp, port = free_port(), free_port()
    with ExitStack() as stack:
        tls = certificate.made(home / "idp", host)
        issuer = stack.enter_context(provider.node_mock(idp, home / "mock.log", tls=(host, *tls)))
        (home / "fleet.yaml").write_text(DOCUMENT.format(issuer=issuer))
        network = stack.enter_context(namespace.namespace())
        (home / "proxy.conf").write_text(PROXY.format(port=port, host=network.gateway, home=home, idp=idp))
        stack.enter_context(running(["tinyproxy", "-d", "-c", home / "proxy.conf"], home / "tinyproxy.out"))
        parts = (home / "aeolus", home / "fleet.yaml", home / "password", home / "logs")
        fleet = stack.enter_context(aeolus.controlled(*parts))
        fleet.within = network.prefix
        yield Scene(home, fleet, issuer, f"http://us:p4ss@{network.gateway}:{port}")


def test_a21_ann_signs_in_by_the_proxy_alone(scene):
    scene.restart(GLOBAL_AGENT_HTTPS_PROXY=scene.proxy)
    log = scene.home / "tinyproxy.log"
    person = scene.person()
    started = wait_for("the proxy", lambda: (answer := scene.begin(person)).status_code == 303 and answer, 20)
    asked = person.get(started.headers["Location"], allow_redirects=False, timeout=20)
    landed = person.get(asked.headers["Location"], timeout=30)
    assert "Signed in as ann@example.com" in landed.text, landed.text
    place = scene.issuer.removeprefix("https://")
    # The document, the keys and the code: all of it went that way.
    assert log.read_text().count(f"CONNECT {place}") >= 1
    assert "p4ss" not in (scene.home / "logs" / "control.log").read_text()


def test_a21_without_the_proxy_the_page_and_the_log_say_why_nobody_signs_in(scene):
    scene.restart()
    page = scene.begin(scene.person())
    assert page.status_code == 503 and page.headers["Retry-After"] == "10"
    assert "reached" in page.text and "provider_unreachable" in page.text
    reference = page.headers["X-Request-Id"]
    log = scene.home / "logs" / "control.log"
    found = lambda: [line for line in log.read_text().splitlines() if reference in line]  # noqa: E731
    [line] = wait_for("the line in the log", found, 5)
    assert "provider_unreachable" in line and "discovery: it can't be reached" in line, line
    # Who has a password here is not concerned.
    assert requests.get(f"{scene.fleet.control}/login", timeout=20).status_code == 200


def test_a21_no_proxy_that_names_the_provider_leads_past_the_proxy(scene):
    host = scene.issuer.removeprefix("https://").rsplit(":", 1)[0]
    scene.restart(GLOBAL_AGENT_HTTPS_PROXY=scene.proxy, GLOBAL_AGENT_NO_PROXY=host)
    before = (scene.home / "tinyproxy.log").read_text()
    assert scene.begin(scene.person()).status_code == 503
    assert (scene.home / "tinyproxy.log").read_text() == before
