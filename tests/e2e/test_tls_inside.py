"""TLS between what is ours and beside it: replicas of a plane, Envoy's checks by gRPC, and the listener for SCIM."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from conftest import required
from harness import aeolus, proxies
from harness.airflow import answers
from harness.process import free_port, running, tail, wait_for, wait_for_line
from harness.tls import pki, served
from test_scim import credential

DEPLOYMENT = "acme/sales/echo"

REPLICA = """
gate:
  data: {data}
  checks: ["127.0.0.1:0"]
  proxy: "127.0.0.1:0"
  metrics: null
  siblings: {{peers: ["https://localhost:{port}"]}}
tls: {{privateCaCerts: [{authority}]}}
"""


@contextmanager
def replica(operator, name: str, authority: Path):
    """A replica without a snapshot, which believes an authority; its proxy's URL, and its log."""
    fleet, home = operator.fleet, operator.home
    data = home / name
    data.mkdir(mode=0o700)
    for file in ("gate.json", "root.json", "identity.key", "secret.json"):
        shutil.copy2(fleet.data / "gate" / file, data / file)
    config, log = home / f"{name}.yaml", home / f"{name}.log"
    config.write_text(REPLICA.format(data=data, port=fleet.siblings.rsplit(":", 1)[1], authority=authority))
    command = ["env", "--unset=TLS__PRIVATE_CA_CERTS", aeolus.BINARY, "gate", "serve", "--config", config, "--ready-json"]
    with running(command, log, stdout=subprocess.PIPE) as gate:
        ready = json.loads(aeolus.first_line(gate, 60))
        yield f"http://echo.localhost:{ready['proxy'].rsplit(':', 1)[1]}/", log


def test_f2_a_replica_begins_with_the_snapshot_that_a_sibling_shows_by_tls(operator):
    operator.join()
    fleet, home = operator.fleet, operator.home
    bearer = {"Authorization": f"Bearer {fleet.create_token('sib', DEPLOYMENT, 'DEPLOYMENT_VIEWER')['token']}"}
    status = lambda url: requests.get(url, headers=bearer, timeout=10).status_code  # noqa: E731
    fleet.kill_control()
    pki("init", "--dir", home / "other", "--cn", "Other", "--key", "p256")
    with replica(operator, "same", operator.bundle) as (url, log):
        wait_for("the sibling's snapshot", lambda: status(url) == 200, 20)
        wait_for_line(log, "began with the snapshot of a sibling")
    # Whoever doesn't believe a sibling's certificate takes nothing from it.
    with replica(operator, "stranger", home / "other" / "bundle.crt") as (url, log):
        wait_for("the refusal", lambda: "UnknownIssuer" in tail(log), 20)
        assert status(url) == 503


ENVOY_TLS = """
      transport_socket:
        name: tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
          sni: localhost
          common_tls_context:
            alpn_protocols: [h2]
            validation_context:
              trusted_ca: {{filename: {authority}}}
              match_typed_subject_alt_names: [{{san_type: DNS, matcher: {{exact: localhost}}}}]
"""


@contextmanager
def envoy(operator, upstream: int, name: str, authority: Path):
    """Envoy as it is shipped, asking by TLS, before the echo application."""
    fleet = operator.fleet
    home = operator.home / name
    home.mkdir()
    grpc, checks = fleet.sockets.address("grpc"), fleet.sockets.address("checks")
    site = proxies.Site(proxies.ECHO, fleet.deployment_id(DEPLOYMENT), checks, grpc, "", upstream, free_port())
    program = proxies.PROXIES["envoy-grpc"].found()
    assert program is not None
    command = proxies.envoy_files(home, site, program, form="envoy-grpc")
    file, cluster = home / "envoy.yaml", "    - name: aeolus-grpc\n      connect_timeout: 0.25s"
    text = file.read_text()
    assert cluster in text
    tls = ENVOY_TLS.format(authority=authority)
    file.write_text(text.replace(cluster, f"    - name: aeolus-grpc\n      connect_timeout: 2s{tls}"))
    url = f"http://{proxies.ECHO}:{site.port}"
    with running(command, home / "output.log"):
        yield url


def test_envoy_asks_by_grpc_and_tls_and_whom_it_does_not_believe_lets_nobody_in(operator, upstream):
    required("envoy", proxies.PROXIES["envoy-grpc"].found() is not None)
    operator.join()
    fleet = operator.fleet
    token = fleet.create_token("bot", DEPLOYMENT, "DEPLOYMENT_VIEWER")["token"]
    wait_for("the token", lambda: operator.through(token)(requests.Session()) == 200, 20)
    bearer = {"Authorization": f"Bearer {token}"}
    with envoy(operator, upstream.port, "envoy", operator.bundle) as url:
        wait_for("envoy", lambda: answers(f"{url}/static/ready"), 30)
        before = upstream.count()
        answer = requests.get(f"{url}/api/v2/dags", headers=bearer, timeout=10)
        assert answer.status_code == 200, answer.text
        headers = {name.lower(): value for name, value in answer.json()["headers"]}
        assert headers["authorization"] != bearer["Authorization"], "the exchanged token goes on"
        assert "x-aeolus-user" in headers
        assert requests.get(f"{url}/api/v2/dags", headers={"Authorization": "Bearer x"}, timeout=10).status_code == 401
        assert requests.get(f"{url}/api/v2/dags", timeout=10).status_code == 401
        assert upstream.count() == before + 1
        # A renewal is seen by the next connection, and refuses nothing before.
        pki("renew", "--dir", operator.ca, "--now")
        port = int(fleet.sockets.address("grpc").rsplit(":", 1)[1])
        leaf = (operator.home / "server.crt").read_text().split("-----END")[0]
        leaf = ssl.PEM_cert_to_DER_cert(f"{leaf}-----END CERTIFICATE-----\n")
        wait_for("the renewed certificate", lambda: served(port) == leaf, 15)
        assert requests.get(f"{url}/api/v2/dags", headers=bearer, timeout=10).status_code == 200
    pki("init", "--dir", operator.home / "other", "--cn", "Other", "--key", "p256")
    with envoy(operator, upstream.port, "strange", operator.home / "other" / "bundle.crt") as url:
        asked = lambda: requests.get(f"{url}/api/v2/dags", headers=bearer, timeout=10).status_code  # noqa: E731
        wait_for("envoy", asked, 30)
        assert {asked() for _ in range(5)} == {503}
        assert upstream.count() == before + 2


def test_the_listener_for_scim_shows_a_certificate_of_its_own_and_the_renewed_one(operator, monkeypatch):
    fleet, home = operator.fleet, operator.home
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(operator.bundle))
    port = free_port()
    operator.issue("scim", "scim.localhost", "127.0.0.1")
    fleet.settings |= {
        "CONTROL__SCIM__LISTEN": f"127.0.0.1:{port}",
        "CONTROL__SCIM__TLS__CERTIFICATE": f"{home}/scim.crt",
        "CONTROL__SCIM__TLS__KEY": f"{home}/scim.key",
    }
    fleet.stop_control()
    fleet.start_control()
    document = home / "scim.yaml"
    document.write_text(
        "version: 1\nconnections:\n  - {name: local, type: local}\n"
        '  - {name: okta, type: okta, clientId: aeolus, discoveryUrl: "https://acme.okta.test"}\n'
    )
    fleet.run("apply", "--file", str(document))
    _, shown = credential(fleet, "okta", "tls")

    def users() -> requests.Response:
        url = f"https://scim.localhost:{port}/v1/scim/v2/okta/Users"
        return requests.get(url, headers={"Authorization": shown}, timeout=10)

    found = users()
    assert found.status_code == 200 and found.json()["totalResults"] == 0, (found.status_code, found.text)
    # By its own name alone, and only this.
    with pytest.raises(requests.exceptions.SSLError):
        operator.get(f"https://localhost:{port}", "/livez")
    with pytest.raises(requests.RequestException):
        requests.get(f"http://127.0.0.1:{port}/livez", timeout=10)
    assert operator.get(f"https://127.0.0.1:{port}", "/login").status_code == 404
    before = served(port)
    assert before != served(operator.port)
    operator.issue("scim", "scim.localhost", "127.0.0.1", more=("--force",))
    wait_for("the renewed certificate", lambda: served(port) != before, 15)
    assert users().status_code == 200
