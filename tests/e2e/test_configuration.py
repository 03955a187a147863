"""Control follows how people sign in as its file changes, and goes out through a proxy where there is one."""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests
from conftest import PASSWORD, required
from harness import certificate, nginx
from harness.aeolus import controlled, private, run
from harness.process import free_port, running, wait_for, wait_for_line

DOCUMENT = "version: 1\norganizations:\n  - name: acme\n"
OKTA = """
auth:
  local: {{enabled: {local}}}
  openidConnect:
    okta:
      displayName: {name}
      clientId: spa
      clientSecret: {{file: secret}}
      discoveryUrl: https://acme.okta.com
"""
PROMISED = 5


class Mounted:
    """A folder as Kubernetes mounts a ConfigMap: what is swapped is a link above the files."""

    def __init__(self, folder: Path, content: str) -> None:
        folder.mkdir()
        self.folder, self.swaps = folder, 0
        self.swap(content)
        for name in ("values.yaml", "secret"):
            (folder / name).symlink_to(Path("..data") / name)

    def swap(self, content: str) -> None:
        """Puts another configuration into its place, whole."""
        self.swaps += 1
        data = self.folder / f"..{self.swaps}"
        data.mkdir()
        (data / "values.yaml").write_text(content)
        (data / "secret").write_text("hush")
        (self.folder / "..next").symlink_to(data.name)
        os.replace(self.folder / "..next", self.folder / "..data")


def connection(fleet, name: str) -> dict:
    """A connection as the command line shows it; empty if there is none."""
    listed = json.loads(fleet.run("connection", "list", "--output", "json").stdout)
    return next((found for found in listed if found["name"] == name), {})


def prepared(folder: Path) -> tuple[Path, Path, Path, Path]:
    """What a control plane begins with."""
    private(folder / "password", PASSWORD.encode() + b"\n")
    (folder / "fleet.yaml").write_text(DOCUMENT)
    return folder / "aeolus", folder / "fleet.yaml", folder / "password", folder / "logs"


def test_a_changed_file_takes_effect_within_five_seconds_as_a_whole_or_not_at_all(tmp_path):
    mounted = Mounted(tmp_path / "config", OKTA.format(name="Acme", local="true"))
    values = mounted.folder / "values.yaml"
    with controlled(*prepared(tmp_path)) as fleet:
        fleet.stop_control()
        fleet.config, metrics = values, free_port()
        fleet.metrics = f"127.0.0.1:{metrics}"
        fleet.start_control()
        before = connection(fleet, "okta")
        assert (before["displayName"], before["origin"]) == ("Acme", "configuration")
        told = fleet.run("connection", "show", "okta").stdout
        assert "https://acme.okta.com" in told and "hush" not in told, told
        # Also of a provider that isn't configured yet.
        for name in ("okta", "microsoft"):
            setup = fleet.run("connection", "show", name, "--setup").stdout
            assert f"{fleet.control}/v1/oauth/callback/" in setup, setup

        def measured() -> str:
            return requests.get(f"http://127.0.0.1:{metrics}/metrics", timeout=5).text

        def shown() -> str:
            return requests.get(f"{fleet.control}/login", timeout=5).text

        mounted.swap(OKTA.format(name="Acme Inc", local="false"))
        since = time.monotonic()
        wait_for("the new name", lambda: connection(fleet, "okta").get("displayName") == "Acme Inc", 20)
        wait_for("no form", lambda: 'type="password"' not in shown(), 20)
        assert time.monotonic() - since < PROMISED + 2, "five seconds, and two for the commands of this test"
        # Half a file, and a provider that can't be one.
        refused = "\naeolus_control_configuration_refused 1\n"
        mounted.swap(OKTA.format(name="Other", local="true").replace("https://", "http://"))
        wait_for("a refusal", lambda: refused in measured(), 20)
        assert connection(fleet, "okta")["displayName"] == "Acme Inc" and 'type="password"' not in shown()
        said = run("config", "print", "--config", str(values), check=False)
        assert said.returncode != 0 and "discoveryUrl" in said.stderr, said.stderr
        # It leaves, and comes back as it was.
        mounted.swap("auth: {local: {enabled: true}}\n")
        wait_for("it to leave", lambda: connection(fleet, "okta")["origin"] == "left", 20)
        assert refused not in measured() and 'type="password"' in shown()
        mounted.swap(OKTA.format(name="Acme", local="true"))
        wait_for("it to be back", lambda: connection(fleet, "okta") == before, 20)
        wait_for_line(tmp_path / "logs" / "control.log", "CFG-0013")
        assert "hush" not in (tmp_path / "logs" / "control.log").read_text()


SITE = """
server {{
  listen {port} ssl; server_name {host};
  ssl_certificate {home}/idp.pem; ssl_certificate_key {home}/idp.key;
  default_type application/json;
  location = /.well-known/openid-configuration {{ return 200 '{document}'; }}
  location = /jwks {{ return 200 '{keys}'; }}
}}
server {{ listen 127.0.0.1:{plain}; return 204; }}
"""
TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 30
LogLevel Connect
LogFile "{home}/tinyproxy.log"
BasicAuth us p4ss
ConnectPort {idp}
"""
KEY = {"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


@contextmanager
def provider(home: Path, host: str, port: int):
    """What a provider publishes, over TLS, with a certificate of nobody that a system knows."""
    certificate.made(home / "idp", host)
    issuer = f"https://{host}:{port}"
    document = {"issuer": issuer, "jwks_uri": f"{issuer}/jwks"}
    document |= {"authorization_endpoint": f"{issuer}/auth", "token_endpoint": f"{issuer}/token"}
    plain = free_port()
    said = {"document": json.dumps(document), "keys": json.dumps({"keys": [KEY]})}
    site = SITE.format(port=port, host=host, home=home, plain=plain, **said)
    with nginx.server(home / "nginx", site, plain):
        yield issuer


def test_a21_a_provider_is_asked_through_a_proxy_and_by_an_authority_of_ones_own(tmp_path):
    required("tinyproxy", shutil.which("tinyproxy") is not None)
    required("nginx", nginx.installed())
    host = certificate.own_name()
    required("a name of this machine that leads to it", host is not None)
    idp, port = free_port(), free_port()
    (tmp_path / "proxy.conf").write_text(TINYPROXY.format(port=port, home=tmp_path, idp=idp))
    with ExitStack() as stack:
        issuer = stack.enter_context(provider(tmp_path, host, idp))
        command = ["tinyproxy", "-d", "-c", str(tmp_path / "proxy.conf")]
        stack.enter_context(running(command, tmp_path / "tinyproxy.out"))
        way = {
            "GLOBAL_AGENT_HTTPS_PROXY": f"http://us:p4ss@127.0.0.1:{port}",
            "CONTROL__EGRESS__CA_FILE": str(tmp_path / "idp.pem"),
        }
        fleet = stack.enter_context(controlled(*prepared(tmp_path), **way))
        (tmp_path / "fleet.yaml").write_text(
            f"{DOCUMENT}connections:\n  - {{name: idp, type: custom, clientId: spa, discoveryUrl: '{issuer}',"
            " sessionTokens: {audience: api, algorithms: [EdDSA]}}\n"
        )
        fleet.run("apply", "--file", str(tmp_path / "fleet.yaml"))
        wait_for("the provider's keys", lambda: connection(fleet, "idp").get("keysFetchedAt"), 40)
        wait_for_line(tmp_path / "tinyproxy.log", f"CONNECT {host}:{idp}")
        assert "p4ss" not in (tmp_path / "logs" / "control.log").read_text()
