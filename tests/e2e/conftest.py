"""One Airflow, one fleet, one nginx, started once and shared by every test."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import aeolus, browser, echo, nginx, tls  # noqa: E402
from harness.airflow import airflow  # noqa: E402
from harness.process import free_port  # noqa: E402
from harness.proxies import ECHO, PROXIES, Gate, proxy  # noqa: E402

FLEET = """
version: 1
planes:
  - {{name: local, authHost: localhost}}
connections:
  - {{name: local, type: local}}
organizations:
  - name: acme
    users:
      - {{email: admin@example.com, role: ORGANIZATION_OWNER}}
      - {{email: operator@example.com, role: ORGANIZATION_MEMBER, password: {{file: password}}}}
      - {{email: viewer@example.com, role: ORGANIZATION_MEMBER, password: {{file: password}}}}
      - {{email: stranger@example.com, role: ORGANIZATION_MEMBER, password: {{file: password}}}}
    teams:
      - {{name: data, members: [operator@example.com]}}
    workspaces:
      - name: sales
        grants: [{{team: data, role: WORKSPACE_OPERATOR}}]
        deployments:
          - name: etl
            plane: local
            hosts: [localhost, etl.localhost]
            upstream: http://127.0.0.1:{airflow}
            grants: [{{user: viewer@example.com, role: DEPLOYMENT_VIEWER}}]
          - name: echo
            plane: local
            hosts: [echo.localhost]
            upstream: http://127.0.0.1:{echo}
            grants: [{{user: viewer@example.com, role: DEPLOYMENT_VIEWER}}]
          - name: gone
            plane: local
            hosts: [gone.localhost]
            upstream: http://127.0.0.1:{gone}
"""

# One person who may look at one deployment, for tests with a fleet of their own.
ONE_VIEWER = """
version: 1
planes:
  - {{name: local, authHost: localhost}}
connections:
  - {{name: local, type: local}}
organizations:
  - name: acme
    users:
      - {{email: viewer@example.com, role: ORGANIZATION_MEMBER, password: {{file: {password}}}}}
    workspaces:
      - name: sales
        deployments:
          - name: echo
            plane: local
            hosts: [echo.localhost]
            upstream: http://127.0.0.1:{echo}
            grants: [{{user: viewer@example.com, role: DEPLOYMENT_VIEWER}}]
"""

PASSWORD = "correct horse battery staple"


def pytest_configure(config: pytest.Config) -> None:
    """Tests that load the machine, or count the time of its processors, are marked with `alone`."""
    config.addinivalue_line("markers", "alone: nothing else may run beside it")


def required(name: str, present: bool) -> None:
    """Skips without a real program, but never in CI."""
    if not present:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed: run scripts/setup.sh test")
        pytest.skip(f"{name} is not installed")


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    """A folder for this run, with the password file that the fleet document names."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "password").touch(mode=0o600)
    (folder / "password").write_text(PASSWORD + "\n")
    return folder


@pytest.fixture(scope="session")
def upstream():
    """An application that answers with what reached it."""
    with echo.server() as running:
        yield running


@pytest.fixture(scope="session")
def airflow_port() -> int:
    """Where Airflow will listen."""
    return free_port()


@pytest.fixture(scope="session")
def fleet(home, upstream, airflow_port):
    """Control and gate over a fleet of three deployments."""
    document = home / "fleet.yaml"
    document.write_text(FLEET.format(airflow=airflow_port, echo=upstream.port, gone=free_port()))
    with aeolus.serving(home / "aeolus", document, home / "password", home / "logs") as running:
        yield running


@pytest.fixture(scope="session")
def etl(fleet, home, airflow_port) -> str:
    """URL of the deployment with the real Airflow, through the built-in proxy."""
    trust = aeolus.airflow_settings(fleet.data / "gate", "acme/sales/etl", fleet.gate)
    with airflow(home / "airflow", airflow_port, trust):
        yield at(fleet.proxy, "etl.localhost")


@pytest.fixture(scope="session")
def echoed(fleet) -> str:
    """URL of the deployment whose application answers with what reached it."""
    return at(fleet.proxy, "echo.localhost")


@pytest.fixture(scope="session")
def behind_nginx(fleet, etl, airflow_port, home) -> str:
    """URL of the same Airflow through a real nginx with the shipped configuration."""
    required("nginx", nginx.installed())
    port = free_port()
    trust = aeolus.airflow_settings(fleet.data / "gate", "acme/sales/etl", fleet.gate)
    deployment = trust["AIRFLOW__AEOLUS__AUDIENCE"].rsplit(":", 1)[1]
    gate = fleet.gate.removeprefix("http://")
    site = nginx.site("etl.localhost", port, deployment, gate, airflow_port)
    with nginx.server(home / "nginx", site, port):
        yield f"http://etl.localhost:{port}"


@pytest.fixture(scope="session", params=["built-in", *PROXIES])
def door_named(request, fleet, upstream, tmp_path_factory) -> tuple[str, str]:
    """One way to the echo application: its name and URL."""
    name = request.param
    if name == "built-in":
        yield name, at(fleet.proxy, ECHO)
        return
    required(name, PROXIES[name].found() is not None)
    home = tmp_path_factory.mktemp("proxies") / name
    deployment = fleet.deployment_id("acme/sales/echo")
    gate = Gate(*(fleet.sockets.address(listener) for listener in ("checks", "grpc", "fastcgi")))
    with proxy(name, home, ECHO, deployment, gate, upstream.port) as port:
        yield name, f"http://{ECHO}:{port}"


@pytest.fixture
def door(door_named) -> str:
    """URL of the echo application through one way."""
    return door_named[1]


@pytest.fixture
def operator(tmp_path, upstream, monkeypatch):
    """An authority, and a control plane that speaks TLS by it, whose gate joins when it is told to."""
    operator = tls.Operator(tmp_path)
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    # Whoever of ours connects somewhere believes the authority by this alone.
    monkeypatch.setenv("TLS__PRIVATE_CA_CERTS", str(operator.bundle))
    try:
        document = tmp_path / "fleet.yaml"
        document.write_text(FLEET.format(airflow=free_port(), echo=upstream.port, gone=free_port()))
        operator.start(document, password)
        yield operator
    finally:
        operator.fleet.end()


@pytest.fixture
def figure(request):
    """Remembers what a test has measured: `make faults` prints it."""
    return lambda text: request.node.user_properties.append(("figure", text))


@pytest.fixture
def chromium(tmp_path):
    """A browser of its own for each test."""
    required("chromium", browser.installed())
    with browser.chromium(tmp_path / "profile") as driver:
        yield driver
    shutil.rmtree(tmp_path / "profile", ignore_errors=True)


def at(proxy: str, host: str) -> str:
    """The proxy's URL under one of its host names."""
    return f"http://{host}:{proxy.rsplit(':', 1)[1]}"
