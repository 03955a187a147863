"""What an operator sees of a gate: its log, its figures, and why it decided as it did."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from harness import aeolus, echo
from harness.process import running, wait_for

FLEET = """
version: 1
planes: [{{name: alone, authHost: localhost}}]
connections: [{{name: local, type: local}}]
organizations:
  - name: acme
    users:
      - {{email: ann@example.com, role: ORGANIZATION_MEMBER}}
      - {{email: eve@example.com, role: ORGANIZATION_MEMBER}}
    workspaces:
      - name: sales
        grants: [{grants}]
        deployments:
          - {{name: etl, plane: alone, hosts: [etl.localhost], upstream: "http://127.0.0.1:{port}"}}
"""
ANN = "{user: ann@example.com, role: WORKSPACE_OPERATOR}"
EVE = "{user: eve@example.com, role: WORKSPACE_MEMBER}"
DEPLOYMENT = "acme/sales/etl"


@dataclass(frozen=True)
class Alone:
    """A gate that never had a control plane, its application and its log."""

    folder: Path
    proxy: str
    metrics: str
    application: echo.Echo

    def build(self, *grants: str) -> None:
        """Publishes a fleet with these grants into the gate's folder."""
        build(self.folder, self.application.port, *grants)

    def token(self, *who: str) -> str:
        """A token made without control."""
        places = ["--keys", f"{self.folder}/keys", "--deployment", DEPLOYMENT]
        return aeolus.run("token", "create", *places, *who).stdout.strip()

    def get(self, path: str, **headers: str) -> requests.Response:
        """A request through the gate's own proxy."""
        url = f"{self.proxy}{path}"
        return requests.get(url, headers=headers, timeout=20, allow_redirects=False)

    def logged(self) -> list[dict]:
        """Every line of the log; one that is no JSON object fails the test."""
        return [json.loads(line) for line in (self.folder / "gate.log").read_text().splitlines()]

    def decision(self, request_id: str) -> dict:
        """The logged decision about a request."""

        def found() -> dict | None:
            all = (line["fields"] for line in self.logged())
            return next((fields for fields in all if fields.get("request_id") == request_id), None)

        return wait_for(f"the decision about {request_id}", found, 20)

    def explain(self, *arguments: str, stdin: str = "", output: str = "json"):
        """What `aeolus explain` says."""
        command = ["explain", "--data", f"{self.folder}/gate", "--output", output, *arguments]
        said = aeolus.run(*command, stdin=stdin).stdout
        return json.loads(said) if output == "json" else said


def build(folder: Path, port: int, *grants: str) -> None:
    (folder / "fleet.yaml").write_text(FLEET.format(port=port, grants=", ".join(grants)))
    places = ["--keys", f"{folder}/keys", "--out", f"{folder}/gate"]
    aeolus.run("plane", "build", "--file", f"{folder}/fleet.yaml", "--plane", "alone", *places)


@pytest.fixture
def alone(tmp_path):
    with echo.server() as application:
        build(tmp_path, application.port, ANN)
        serve = ["gate", "serve", "--data", tmp_path / "gate", "--ready-json"]
        any_port = [f"--{name}=127.0.0.1:0" for name in ("checks", "proxy", "metrics")]
        settings = {
            "OBSERVABILITY__LOG_FORMAT": "json",
            "OBSERVABILITY__ALLOW_SAMPLE": "1",
            "GATE__PROBE__EVERY": "1s",
            "GATE__GRPC": "off",
            "GATE__FASTCGI": "off",
        }
        command = [aeolus.BINARY, *serve, *any_port]
        with running(command, tmp_path / "gate.log", settings, stdout=subprocess.PIPE) as gate:
            ready = json.loads(aeolus.first_line(gate, 60))
            proxy = f"http://etl.localhost:{ready['proxy'].rsplit(':', 1)[1]}"
            yield Alone(tmp_path, proxy, f"http://{ready['metrics']}", application)


def test_a_person_is_told_step_by_step_what_lets_them_in(alone):
    url = "https://etl.localhost/api/v2/dags"
    said = alone.explain("--url", url, "--user", "ann@example.com")
    assert said["verdict"] == {"outcome": "allow"}
    steps = {step["stage"]: step["found"] for step in said["steps"]}
    assert list(steps) == ["request", "route", "path", "knowledge", "credential", "permission"]
    assert "acme/sales/etl" in steps["route"]
    assert "deployment.airflow.get: from workspace sales" in steps["permission"]
    assert "role in Airflow: op" in steps["permission"]
    assert said["notes"] == ["assumed: a session begun now, used by the deployment's own pages"]

    nobody = alone.explain("--url", url)
    assert nobody["verdict"]["reason"] == "credential_missing"
    assert nobody["verdict"]["status"] == 401
    write = alone.explain("--url", url, "--method", "post", "--user", "ann@example.com")
    assert write["verdict"]["outcome"] == "allow" and "write" in write["steps"][2]["found"]
    table = alone.explain("--url", "https://etl.localhost/execution/x", output="table")
    assert "path_refused" in table and "taskExecution.allowFrom" in table


def test_a_token_is_judged_as_it_is_and_never_shown(alone):
    token = alone.token("--user", "ann@example.com")
    url = ["--url", "https://etl.localhost/x", "--bearer-stdin"]
    good = alone.explain(*url, stdin=token)
    assert good["verdict"]["outcome"] == "allow"
    assert "access token of user ann@example.com" in good["steps"][4]["found"]
    forged = alone.explain(*url, stdin=token[:-4] + "AAAA")
    assert forged["verdict"]["reason"] == "token_signature"
    assert "never issued" in forged["verdict"]["advice"]
    for said in (good, forged):
        assert token[:20] not in json.dumps(said)
    (alone.folder / "token").write_text(token)
    file = alone.explain("--url", "https://other.localhost/", "--token-file", f"{alone.folder}/token")
    assert file["verdict"]["reason"] == "host_unknown"


def test_a_logged_request_is_explained_by_what_is_known_now(alone):
    refused = alone.get("/api/v2/dags", Authorization=f"Bearer {alone.token('--user', 'eve@example.com')}")
    assert refused.status_code == 403
    request = refused.headers["X-Aeolus-Request-Id"]
    fields = alone.decision(request)
    assert (fields["outcome"], fields["reason"], fields["class"]) == ("deny", "forbidden", "read")
    assert (fields["deployment"], fields["dialect"]) == (DEPLOYMENT, "proxy")
    assert (fields["method"], fields["path"]) == ("GET", "/api/v2/dags")
    assert "eve@" not in json.dumps(fields)
    log = ["--request-id", request, "--log", f"{alone.folder}/gate.log"]
    said = alone.explain(*log)
    assert said["verdict"]["reason"] == said["logged"]["reason"] == "forbidden"
    # The person is granted a role: the same request would pass now, and the log is of another time.
    alone.build(ANN, EVE)
    said = alone.explain(*log)
    assert said["verdict"]["outcome"] == "allow"
    assert any("decided by snapshot 1.1, explained by 1.2" in note for note in said["notes"]), said
    missing = aeolus.run(
        "explain", "--data", f"{alone.folder}/gate", "--request-id", "nobody", *log[2:], check=False
    )
    assert missing.returncode == 1 and "CLI-0030" in missing.stderr


def test_what_the_log_does_not_have_of_a_request_is_said(alone):
    token = alone.token("--user", "ann@example.com")
    refused = alone.get("/api/v2/dags", Authorization=f"Bearer {token}", **{"X-HTTP-Method-Override": "DELETE"})
    assert refused.status_code == 400, refused.text
    request = refused.headers["X-Aeolus-Request-Id"]
    assert alone.decision(request)["reason"] == "method_override"
    said = alone.explain("--request-id", request, "--log", f"{alone.folder}/gate.log")
    assert said["logged"]["reason"] == "method_override"
    assert any("method_override was because of a header that names another method" in note for note in said["notes"])


def test_what_the_planes_rails_leave_out_is_left_out_of_an_explanation(alone):
    url = ["--url", "https://etl.localhost/api/v2/dags", "--user", "ann@example.com"]
    config = alone.folder / "rails.yaml"
    config.write_text("gate:\n  rails: {upstreams: [10.0.0.0/8]}\n")
    out = alone.explain(*url, "--config", str(config))
    assert out["verdict"]["outcome"] == "deny"
    assert any("gate.rails.upstreams does not have its upstream" in note for note in out["notes"]), out
    config.write_text("gate:\n  rails: {highestRole: viewer}\n")
    capped = alone.explain(*url, "--config", str(config))
    assert "role in Airflow: viewer" in capped["steps"][-1]["found"]
    assert "role in Airflow: op" in alone.explain(*url)["steps"][-1]["found"]


def test_f59_f60_hostile_requests_leave_one_line_each_and_no_secret(alone):
    token = alone.token("--user", "ann@example.com")
    payload = token.split(".")[1]
    hostile = [
        ("/a%0d%0ab%1b[31m\"}", {}),
        ("/x?token=canary-query", {}),
        (f"/{token}", {}),
        ("/" + "a" * 7000, {}),
        ("/x", {"Authorization": f"Bearer {token}canary"}),
        ("/x", {"Authorization": f"Bearer {token[:-4]}AAAA"}),
        ("/x", {"Cookie": "aeolus=canary-cookie; __Host-aeolus=canary-cookie"}),
        ("/x", {"X-Request-Id": "a\tb\"}", "User-Agent": "\"}{"}),
        ("/x", {"Authorization": f"Bearer {token}", "traceparent": "canary-trace"}),
    ]
    ids = [alone.get(path, **headers).headers.get("X-Aeolus-Request-Id") for path, headers in hostile]
    # The last one is let through: an allowance has no id of its own on its answer.
    assert all(ids[:-1]) and ids[-1] is None, ids
    for request in ids[:-1]:
        alone.decision(request)
    everything = (alone.folder / "gate.log").read_text() + requests.get(f"{alone.metrics}/metrics", timeout=20).text
    for secret in ("canary", payload, "ann@example.com"):
        assert secret not in everything
    assert "\x1b" not in everything
    # Each line is an object of its own: logged() fails on any that is not.
    assert len(alone.logged()) >= len(hostile)


def test_a_trace_is_in_the_log_and_goes_on_to_the_application(alone):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "X-Request-Id": "shift-7"}
    bearer = {"Authorization": f"Bearer {alone.token('--user', 'ann@example.com')}"}
    seen = alone.get("/api/v2/dags", **headers, **bearer).json()
    child = dict(seen["headers"])["traceparent"]
    assert child.startswith(f"00-{trace}-") and child != headers["traceparent"]
    fields = alone.decision("shift-7")
    assert (fields["outcome"], fields["trace_id"]) == ("allow", trace)


def test_probes_and_readiness_say_how_it_goes(alone):
    def probed() -> bool:
        text = requests.get(f"{alone.metrics}/metrics", timeout=20).text
        found = 'aeolus_gate_probe_success{path="plane",part="upstream",deployment="acme/sales/etl"} 1.0'
        return found in text

    wait_for("a good probe", probed, 20)
    paths = {seen["target"] for seen in alone.application.server.seen}
    assert "/api/v2/monitor/health" in paths
    ready = requests.get(f"{alone.metrics}/readyz", headers={"Accept": "application/json"}, timeout=20).json()
    assert ready["ready"] and ready["fromDisk"] and (ready["epoch"], ready["seq"]) == (1, 1)


def test_firewalls_are_told_every_connection_of_a_plane(fleet, tmp_path):
    config = tmp_path / "gate.yaml"
    config.write_text("gate: {checks: ['unix:/run/aeolus.sock'], grpc: 127.0.0.1:8811, metrics: 10.0.0.1:8819}")
    shown = fleet.run("plane", "show", "local", "--network", "--config", str(config), "--output", "json")
    flows = [(f["direction"], f["from"], f["host"], f.get("port"), f["protocol"]) for f in json.loads(shown.stdout)]
    control = fleet.control.rsplit(":", 1)[1]
    for flow in (
        ("out", "gate", "127.0.0.1", int(control), "http"),
        ("in", "browsers, programs", "echo.localhost", 443, "https"),
        ("inside", "reverse proxy", "unix:/run/aeolus.sock", None, "http"),
        ("inside", "envoy", "127.0.0.1", 8811, "grpc"),
        ("inside", "prometheus", "10.0.0.1", 8819, "http"),
    ):
        assert flow in flows, flows
    upstreams = [f for f in flows if f[:2] == ("inside", "gate")]
    assert len(upstreams) == 3, upstreams
    table = fleet.run("plane", "show", "local", "--network").stdout
    assert "PURPOSE" in table and "snapshots, events, renewals" in table
    assert fleet.run("plane", "show", "--network", check=False).returncode == 2
