"""TLS at every listener, by certificates of `aeolus pki` that are renewed and whose authority changes under load."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
import requests
from conftest import FLEET, PASSWORD, required
from harness import aeolus, nginx, postgres, proxies
from harness.airflow import answers
from harness.process import free_port, running, tail, wait_for
from harness.tls import NAMES, Load, Relay, pki, served


def test_f62_every_listener_speaks_tls_and_a_renewal_under_load_drops_no_request(operator):
    operator.join()
    fleet = operator.fleet
    token = fleet.create_token("bot", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
    wait_for("the token", lambda: operator.through(token)(requests.Session()) == 200, 20)
    plain = f"http://127.0.0.1:{operator.port}/livez"
    with pytest.raises(requests.RequestException):
        requests.get(plain, timeout=10)
    answered = operator.get(fleet.control, "/login")
    assert "max-age" in answered.headers["strict-transport-security"]
    ports = [int(address.rsplit(":", 1)[1]) for address in (fleet.gate, fleet.proxy, fleet.metrics, fleet.gate_metrics)]
    ports += [operator.port, int(fleet.sockets.address("grpc").rsplit(":", 1)[1])]
    before = {port: served(port) for port in ports}
    assert len(set(before.values())) == 1
    with Load(operator.control, operator.through(token)).going():
        pki("renew", "--dir", operator.ca, "--now")
        leaf = (operator.home / "server.crt").read_text().split("-----END")[0]
        new = ssl.PEM_cert_to_DER_cert(f"{leaf}-----END CERTIFICATE-----\n")
        assert new != before[operator.port]
        wait_for("the renewed certificate", lambda: all(served(port) == new for port in ports), 15)
        time.sleep(1)
    for metrics in (fleet.metrics, fleet.gate_metrics):
        figures = operator.get(f"https://{metrics}", "/metrics").text
        ends = "aeolus_certificate_not_after_timestamp_seconds{"
        lines = [line for line in figures.splitlines() if line.startswith(ends)]
        name = "control.tls" if metrics == fleet.metrics else "gate.tls"
        assert any(f'name="{name}",role="leaf"' in line for line in lines), figures
        assert any('role="authority"' in line and "tls.privateCaCerts" in line for line in lines), figures
    # What can't be used is no reason to speak plainly.
    (operator.home / "server.key").unlink()
    fleet.stop_control()
    with pytest.raises(AssertionError, match=r"CONTROL-TLS\]: control.tls"):
        fleet.start_control()


NGINX = """
server {{
  listen 127.0.0.1:{port} ssl; server_name etl.example.com;
  ssl_certificate {home}/web.crt; ssl_certificate_key {home}/web.key;
  return 200 "nginx";
}}
server {{ listen 127.0.0.1:{plain}; return 204; }}
"""
ENVOY = """
admin: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {plain}}}}}}}
static_resources:
  listeners:
    - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
      filter_chains:
        - transport_socket:
            name: tls
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
              common_tls_context:
                tls_certificates:
                  - certificate_chain: {{filename: {home}/web.crt}}
                    private_key: {{filename: {home}/web.key}}
          filters:
            - name: http
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: web
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes: [{{match: {{prefix: /}}, direct_response: {{status: 200, body: {{inline_string: envoy}}}}}}]
                http_filters:
                  - name: router
                    typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
"""


def curl(port: int, host: str, bundle: Path) -> tuple[int, str]:
    command = ["curl", "-sS", "--cacert", str(bundle), "--resolve", f"{host}:{port}:127.0.0.1"]
    command.append(f"https://{host}:{port}/")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    return done.returncode, done.stdout


def test_real_servers_show_what_is_issued_to_clients_that_check_names(tmp_path):
    required("nginx", nginx.installed())
    required("curl", shutil.which("curl") is not None)
    envoy = proxies.BIN / "envoy"
    required("envoy", envoy.exists())
    ca = tmp_path / "ca"
    pki("init", "--dir", ca, "--cn", "Test", "--key", "p256")
    pki("issue", "--dir", ca, "--san", "etl.example.com", "--out", tmp_path / "web")
    ports = [free_port() for _ in range(4)]
    (tmp_path / "envoy.yaml").write_text(ENVOY.format(port=ports[2], plain=ports[3], home=tmp_path))
    command = [envoy, "-c", tmp_path / "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "-l", "warning"]
    site = NGINX.format(port=ports[0], plain=ports[1], home=tmp_path)
    with nginx.server(tmp_path / "nginx", site, ports[1]), running(command, tmp_path / "envoy.log"):
        wait_for("envoy", lambda: answers(f"http://127.0.0.1:{ports[3]}/ready"), 20)
        for port, name in ((ports[0], "nginx"), (ports[2], "envoy")):
            assert curl(port, "etl.example.com", ca / "bundle.crt") == (0, name), tail(tmp_path / "envoy.log")
            code, _ = curl(port, "other.example.com", ca / "bundle.crt")
            assert code == 60, "another name than the certificate's"


def test_f63_an_authority_is_replaced_under_load_with_one_gate_cut_off(operator):
    fleet, home = operator.fleet, operator.home
    # This gate believes what it was given before, and gets nothing new while it is cut off.
    shutil.copy(operator.bundle, home / "before.crt")
    relay = Relay(operator.port)
    fleet.settings |= {
        "GATE__CONTROL_TLS__AUTHORITIES": f"{home}/before.crt",
        "GATE__CONTROL_TLS__CERTIFICATE": f"{home}/gate.crt",
        "GATE__CONTROL_TLS__KEY": f"{home}/gate.key",
        "CONTROL__TLS__CLIENTS__AUTHORITIES": str(operator.bundle),
    }
    fleet.stop_control()
    fleet.start_control()
    operator.join()
    enrolled = json.loads((fleet.data / "gate" / "gate.json").read_text())
    first = fleet.create_token("first", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
    wait_for("the first token", lambda: operator.through(first)(requests.Session()) == 200, 20)
    path = fleet.data / "gate" / "gate.json"
    url = next(name for name in enrolled if "url" in name.lower())
    path.write_text(json.dumps({**enrolled, url: f"https://localhost:{relay.port}"}))
    fleet.restart_gate()
    second = fleet.create_token("second", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
    wait_for("the second token", lambda: operator.through(second)(requests.Session()) == 200, 30)
    step = ("rotate-ca", "--dir", operator.ca, "--advance")

    def shown_by(root: Path) -> bool:
        context = ssl.create_default_context(cafile=root)
        try:
            with socket.create_connection(("127.0.0.1", operator.port), 10) as raw:
                context.wrap_socket(raw, server_hostname="localhost").close()
        except ssl.SSLError:
            return False
        return True

    with Load(operator.control, operator.through(second)).going():
        relay.cut()
        pki(*step)
        pki(*step, "--clients-have-bundle")
        pki("renew", "--dir", operator.ca, "--now")
        wait_for("what the next root proves", lambda: shown_by(operator.ca / "next.crt"), 15)
        assert shown_by(home / "before.crt"), "and the one before still does"
        third = fleet.create_token("third", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
        assert operator.through(third)(requests.Session()) == 401, "it is cut off"
        relay.is_cut = False
        wait_for("the third token", lambda: operator.through(third)(requests.Session()) == 200, 60)
        # Now it can be told, and is, without a restart.
        shutil.copy(operator.bundle, home / "after.crt")
        (home / "after.crt").replace(home / "before.crt")
        pki(*step)
        pki(*step, "--force")
        wait_for("the new root alone", lambda: shown_by(operator.bundle), 15)
        fourth = fleet.create_token("fourth", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
        wait_for("the fourth token", lambda: operator.through(fourth)(requests.Session()) == 200, 60)


def test_gates_show_certificates_to_control_itself_and_a_revoked_one_counts_no_more(operator):
    fleet, home = operator.fleet, operator.home
    pki("crl", "--dir", operator.ca)
    fleet.settings |= {
        "CONTROL__TLS__CLIENTS__AUTHORITIES": str(operator.bundle),
        "CONTROL__TLS__CLIENTS__REVOKED": f"{operator.ca}/crl.pem",
    }
    fleet.stop_control()
    fleet.start_control()
    # The administrator goes by other paths, and needs none.
    with pytest.raises(AssertionError, match="certificate"):
        operator.join()
    fleet.settings |= {
        "GATE__CONTROL_TLS__CERTIFICATE": f"{home}/gate.crt",
        "GATE__CONTROL_TLS__KEY": f"{home}/gate.key",
    }
    # Another plane's opens nothing either.
    client = ("--profile", "client", "--force")
    operator.issue("gate", "urn:aeolus:plane:other", more=client)
    with pytest.raises(AssertionError, match="another plane"):
        operator.join()
    operator.issue("gate", "urn:aeolus:plane:local", more=client)
    operator.join()
    first = fleet.create_token("first", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
    wait_for("the first token", lambda: operator.through(first)(requests.Session()) == 200, 20)
    pki("revoke", "--dir", operator.ca, home / "gate.crt")
    log = fleet.logs / "gate.log"
    # The connection is open since before; what it shows is judged again at every question.
    wait_for("the gate's word of the refusal", lambda: "status 403" in log.read_text(), 40)
    second = fleet.create_token("second", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
    assert operator.through(first)(requests.Session()) == 200
    assert operator.through(second)(requests.Session()) == 401
    operator.issue("gate", "urn:aeolus:plane:local", more=client)
    wait_for("the second token", lambda: operator.through(second)(requests.Session()) == 200, 60)


def test_a_development_fleet_speaks_tls_by_its_configuration(tmp_path, upstream):
    ca = tmp_path / "ca"
    pki("init", "--dir", ca, "--cn", "Test", "--key", "p256")
    pki("issue", "--dir", ca, "--san", *NAMES, "--out", tmp_path / "all")
    pair = "{certificate: all.crt, key: all.key}"
    (tmp_path / "aeolus.yaml").write_text(
        f"control: {{tls: {pair}}}\ngate: {{tls: {pair}}}\ntls: {{privateCaCerts: [ca/bundle.crt]}}\n"
    )
    (tmp_path / "password").write_text(PASSWORD)
    document = tmp_path / "fleet.yaml"
    document.write_text(FLEET.format(airflow=free_port(), echo=upstream.port, gone=free_port()))
    flags = {"config": str(tmp_path / "aeolus.yaml")}
    flags |= dict.fromkeys(("control_addr", "gate_addr", "proxy_addr"), "127.0.0.1:0")
    with aeolus.dev(tmp_path / "data", document, tmp_path / "dev.log", **flags) as ready:
        for url in (ready["control"], ready["gate"]):
            assert url.startswith("https://127.0.0.1:"), ready
            assert requests.get(f"{url}/readyz", timeout=10, verify=str(ca / "bundle.crt")).status_code == 200
        assert ready["proxy"].startswith("https://"), ready
    # Ended and started again at once, it is where it was.
    with aeolus.dev(tmp_path / "data", document, tmp_path / "again.log", **flags) as again:
        assert requests.get(f"{again['control']}/readyz", timeout=10, verify=str(ca / "bundle.crt")).status_code == 200
    # A file that isn't there is named by its key.
    (ca / "bundle.crt").unlink()
    refused = aeolus.run("control", "serve", "--config", flags["config"], check=False)
    assert "CFG-0015" in refused.stderr and "tls.privateCaCerts" in refused.stderr, refused.stderr


def test_k12_a_private_authority_vouches_for_the_database(tmp_path):
    required("PostgreSQL", postgres.programs() is not None)
    ca = tmp_path / "ca"
    pki("init", "--dir", ca, "--cn", "Test", "--key", "p256")
    pki("issue", "--dir", ca, "--san", "localhost", "--out", tmp_path / "db")
    document, password = tmp_path / "fleet.yaml", tmp_path / "password"
    document.write_text("version: 1\norganizations:\n  - name: acme\n")
    aeolus.private(password, PASSWORD.encode())
    with postgres.postgres() as database:
        port = free_port()
        for kind in ("crt", "key"):
            file = database.folder / f"db.{kind}"
            shutil.copy(tmp_path / f"db.{kind}", file)
            if database.owner:
                shutil.chown(file, **database.owner)
        database.kill()
        files = (f"ssl_cert_file={database.folder}/db.crt", f"ssl_key_file={database.folder}/db.key")
        database.start("listen_addresses=127.0.0.1", f"port={port}", "ssl=on", *files)
        url = f"postgres://aeolus@localhost:{port}/postgres?sslmode=verify-full"
        with pytest.raises(AssertionError, match="DB-"):
            strange = (tmp_path / "strange", document, password, tmp_path / "logs")
            aeolus.controlled(*strange, database=url).__enter__()
        ours = (tmp_path / "data", document, password, tmp_path / "logs")
        with aeolus.controlled(*ours, database=url, TLS__PRIVATE_CA_CERTS=str(ca / "bundle.crt")) as fleet:
            assert answers(f"{fleet.control}/readyz")
