"""A control plane behind a proxy that takes gates only with a certificate of the operator's own authority."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import requests
from conftest import FLEET, PASSWORD, required
from harness import aeolus, certificate, nginx
from harness.process import free_port, wait_for

SITE = """
server {{
  listen 127.0.0.1:{port} ssl;
  ssl_certificate {server}.pem; ssl_certificate_key {server}.key;
  ssl_client_certificate {clients}.pem; ssl_verify_client optional;
  proxy_set_header Host $http_host;
  location ~ ^/v1/planes/(enroll|self/) {{
    if ($ssl_client_verify != SUCCESS) {{ return 403; }}
    proxy_pass http://{control};
  }}
  location / {{ proxy_pass http://{control}; }}
}}
server {{ listen 127.0.0.1:{plain}; return 204; }}
"""
FILES = {"CERTIFICATE": "gate.pem", "KEY": "gate.key"}


class Operator:
    """Authorities, certificates, a control plane with an https address, and the proxy before it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.fleet = aeolus.Fleet(home / "data", home, {}, "localhost")
        for authority in ("servers", "clients", "others"):
            certificate.made(home / authority, "localhost", subject=authority, issues=True)
        self.certify("server", "servers")
        self.certify("gate", "clients")

    def certify(self, name: str, authority: str) -> None:
        """Puts `NAME.pem` and `NAME.key` of an authority into their place, each as a whole."""
        made = certificate.made(self.home / f"{name}.new", "localhost", subject=name, issuer=self.home / authority)
        for file in made:
            file.replace(self.home / f"{name}{file.suffix}")

    def proxy(self, clients: str):
        """The proxy, which takes gates with certificates of an authority."""
        plain = free_port()
        home = self.home / f"nginx-{clients}"
        site = SITE.format(
            port=self.port,
            plain=plain,
            server=self.home / "server",
            clients=self.home / clients,
            control=self.fleet.control_address,
        )
        return nginx.server(home, site, plain)

    def settings(self, **files: str) -> dict[str, str]:
        """The gate's settings, as its environment."""
        names = {"AUTHORITIES": "servers.pem", **files}
        return {f"GATE__CONTROL_TLS__{name}": str(self.home / file) for name, file in names.items()}

    def invitation(self) -> str:
        """A join token that leads through the proxy: the administrator signs in with a password, which is
        taken on control's own machine only, so that control's public address has to be there."""
        prefix, body = self.fleet.run("plane", "add", "local").stdout.strip().split(".")
        token = json.loads(base64.urlsafe_b64decode(body + "=="))
        token["u"] = f"https://localhost:{self.port}"
        return f"{prefix}.{base64.urlsafe_b64encode(json.dumps(token).encode()).decode().rstrip('=')}"

    def lets_in(self, token: str) -> bool:
        """Whether the gate knows a token."""
        asked = {"Host": "echo.localhost", "Authorization": f"Bearer {token}"}
        return requests.get(f"{self.fleet.proxy}/x", headers=asked, timeout=10).status_code != 401


@pytest.fixture
def operator(tmp_path, upstream, monkeypatch):
    required("nginx", nginx.installed())
    operator = Operator(tmp_path)
    fleet = operator.fleet
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    document = tmp_path / "fleet.yaml"
    document.write_text(FLEET.format(airflow=free_port(), echo=upstream.port, gone=free_port()))
    # What the system trusts must not be what makes the gate believe control.
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "others.pem"))
    fleet.data.mkdir()
    try:
        aeolus.prepare(fleet.data, password)
        fleet.start_control()
        fleet.run("login", "--email", aeolus.ADMIN, "--password-file", str(password))
        fleet.run("apply", "--file", str(document))
        yield operator
    finally:
        fleet.end()


def test_a_gate_shows_its_certificate_and_the_renewed_one_without_a_restart(operator):
    fleet = operator.fleet
    join = ("gate", "enroll", "--data", str(fleet.data / "gate"))
    with operator.proxy("clients"):
        token = operator.invitation()
        without = aeolus.run(*join, env=operator.settings(), stdin=token, check=False)
        assert "403" in without.stderr or "Forbidden" in without.stderr, without.stderr
        half = {**operator.settings(**FILES), "GATE__CONTROL_TLS__KEY": str(operator.home / "server.key")}
        wrong = aeolus.run(*join, env=half, stdin=token, check=False)
        assert "GATE-0014" in wrong.stderr, wrong.stderr
        fleet.settings = operator.settings(**FILES)
        aeolus.run(*join, env=fleet.settings, stdin=token)
        fleet.start_gate()
        first = fleet.create_token("first", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
        wait_for("the first token", lambda: operator.lets_in(first), 20)
    with operator.proxy("others"):
        second = fleet.create_token("second", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
        # nginx's word for a certificate of somebody else's.
        said = lambda: "status 400" in (fleet.logs / "gate.log").read_text()  # noqa: E731
        wait_for("the gate's word of the refusal", said, 40)
        assert operator.lets_in(first)
        assert not operator.lets_in(second)
        operator.certify("gate", "others")
        wait_for("the second token", lambda: operator.lets_in(second), 60)
