"""What the chart renders, given to the program: every configuration, every command, and a whole plane of processes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import requests
import yaml
from conftest import ONE_VIEWER, PASSWORD, required
from harness import aeolus, helm
from harness.chart import MATRIX, NEWER, OLDER
from harness.pki import issued, pki
from harness.pod import Pod, Secrets, free_ports
from harness.process import wait_for

VARIABLES = {
    "AUTH__OPENID_CONNECT__OKTA__CLIENT_SECRET": "hush",
    "SCIM_AUTH_CODE_OKTA": "0123456789abcdef0123456789abcdef",
    "EMAIL__SMTP_URL": "smtps://u:p@mail.example.com",
}
ADMIN = "admin@example.com"


@pytest.mark.parametrize("name", MATRIX)
def test_the_program_takes_every_configuration(name, tmp_path):
    required("helm", helm.installed())
    found = helm.rendered(MATRIX[name], tmp_path)
    maps = [each for each in found.of("ConfigMap") if "aeolus.yaml" in each["data"]]
    assert maps
    for each in maps:
        file = tmp_path / f"{each['metadata']['name']}.yaml"
        file.write_text(each["data"]["aeolus.yaml"])
        variables = variables_of(found, each["metadata"]["name"].rsplit("-", 1)[1])
        said = aeolus.run("config", "check", str(file), env=variables).stdout
        assert said.rstrip().endswith("a sound configuration"), said
        aeolus.run("config", "print", "--config", str(file), env=variables)


def variables_of(found: helm.Rendered, container: str) -> dict[str, str]:
    """The variables of a container; what a Secret holds is made up."""
    named = found.container(container)["env"] or []
    return {each["name"]: each.get("value", VARIABLES.get(each["name"], "")) for each in named}


@pytest.mark.parametrize("name", MATRIX)
def test_the_program_takes_every_command(name, tmp_path):
    required("helm", helm.installed())
    for where, container in helm.rendered(MATRIX[name], tmp_path).containers():
        if container["command"] != ["aeolus"]:
            continue
        arguments = container["args"]
        # Arguments are read in full before help is given: an unknown one before it is an error.
        done = aeolus.run(*arguments, "--help", check=False)
        assert done.returncode == 0, f"{where}: {done.stderr}"
        wrong = aeolus.run(*arguments, "--no-such-flag", check=False)
        assert wrong.returncode == 2, where


@pytest.mark.parametrize("values, flow, regenerate", [(OLDER, "implicit", False), (NEWER, "code", True)])
def test_b7_b8_h2_both_generations_mean_what_they_did(values, flow, regenerate, tmp_path):
    required("helm", helm.installed())
    file = tmp_path / "aeolus.yaml"
    found = helm.rendered(values, tmp_path)
    file.write_text(found.configuration("control"))
    variables = variables_of(found, "control")
    said = aeolus.run("config", "check", str(file), env=variables).stdout
    assert f"flow {flow}" in said, said
    printed = aeolus.run("config", "print", "--config", str(file), "--output", "json", env=variables).stdout
    shown = {each["key"]: each["value"] for each in json.loads(printed)}
    assert shown["keys.regenerateEachUpgrade"] is regenerate
    assert shown["auth.publicSignups.enabled"] is False
    assert shown["auth.openidConnect.idpGroupsImport.enabled"] is True
    assert shown["control.publicUrl"] == "https://houston.example.com"


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """Control and a gate as the chart runs them, with certificates of an authority of their own."""
    required("helm", helm.installed())
    folder = tmp_path_factory.mktemp("plane")
    pki("init", "--dir", folder / "ca", "--key", "p256", "--cn", "Acme")
    stem = issued(folder, "localhost", "127.0.0.1")
    root = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519", "-outform", "DER"], check=True, capture_output=True
    )
    secrets: Secrets = {
        "aeolus-master-key": {"master-key": os.urandom(32).hex().encode() + b"\n"},
        "aeolus-root": {"root.key": root.stdout},
        "aeolus-proxy": {"secret": os.urandom(32).hex().encode()},
        "listener": {"tls.crt": Path(f"{stem}.crt").read_bytes(), "tls.key": Path(f"{stem}.key").read_bytes()},
        "corp-root": {"cert.pem": (folder / "ca" / "bundle.crt").read_bytes()},
        "first-admin": {"password": PASSWORD.encode()},
    }
    ports = free_ports(8800, 8801, 8808, 8810, 8819, 8813)
    values = {
        "global": {"privateCaCerts": ["corp-root"]},
        "control": {
            "publicUrl": f"https://localhost:{ports[8800]}",
            "root": {"secretName": "aeolus-root"},
            "tls": {"secretName": "listener", "listeners": ["control", "metrics"]},
            "secret": [{"envName": "FIRST_PASSWORD", "secretName": "first-admin", "secretKey": "password"}],
            "config": {"control": {"firstAdmin": {"email": ADMIN, "password": {"env": "FIRST_PASSWORD"}}}},
        },
        "gate": {"tls": {"secretName": "listener", "listeners": ["proxy"]}},
    }
    return Plane(folder, values, secrets, ports)


class Plane:
    """What the tests of a plane share."""

    def __init__(self, folder: Path, values: dict, secrets: Secrets, ports: dict[int, int]) -> None:
        self.folder, self.values, self.secrets, self.ports = folder, values, secrets, ports
        self.bundle = str(folder / "ca" / "bundle.crt")
        self.url = values["control"]["publicUrl"]

    def run(self, *arguments: str) -> str:
        """A command of the administrator's."""
        env = {"AEOLUS_CREDENTIALS": str(self.folder / "credentials.json"), "AEOLUS_URL": self.url}
        return aeolus.run(*arguments, env={**env, "TLS__PRIVATE_CA_CERTS": self.bundle}).stdout

    def status(self, url: str, **more) -> int:
        """What a URL answers with; 0: nothing does."""
        try:
            return requests.get(url, verify=self.bundle, timeout=5, allow_redirects=False, **more).status_code
        except requests.ConnectionError:
            return 0

    def ready(self, pod: Pod, name: str) -> None:
        """Waits as the kubelet does."""
        for which in ("startupProbe", "livenessProbe", "readinessProbe"):
            url = pod.probe(name, which)
            wait_for(url, lambda url=url: self.status(url) == 200, 30)


def test_a_plane_runs_as_it_is_rendered(plane, tmp_path):
    found = helm.rendered(plane.values, tmp_path)
    control = Pod(found, "StatefulSet", "-control", plane.folder / "control", plane.ports)
    assert control.begin(plane.secrets).returncode == 0
    with control.serving("control", plane.secrets):
        plane.ready(control, "control")
        document, password = plane.folder / "fleet.yaml", plane.folder / "password"
        aeolus.private(password, PASSWORD.encode())
        document.write_text(ONE_VIEWER.format(password=password, echo=1))
        plane.run("login", "--email", ADMIN, "--password-file", str(password))
        plane.run("apply", "--file", str(document))
        gate = Pod(found, "StatefulSet", "-gate", plane.folder / "gate-0", plane.ports)

        # Without a token it waits, and says for what.
        waiting = gate.begin(plane.secrets)
        assert waiting.returncode == 1 and "into the Secret aeolus-join, key token" in waiting.stderr, waiting.stderr
        plane.secrets["aeolus-join"] = {"token": plane.run("plane", "add", "local").encode()}
        joined = gate.begin(plane.secrets)
        assert joined.returncode == 0, joined.stderr
        # Once it has joined, neither the token nor another enrolment is needed, whatever the volume's group may read.
        del plane.secrets["aeolus-join"]
        home = gate.folder / "state" / "gate"
        (home / "identity.key").chmod(0o660)
        for path in (gate.folder / "join").iterdir():
            path.unlink()
        assert gate.begin(plane.secrets).returncode == 0
        assert (home / "identity.key").stat().st_mode & 0o077 == 0
        with gate.serving("gate", plane.secrets):
            plane.ready(gate, "gate")
            asked(plane)
        another_replica(plane, gate, tmp_path)


def asked(plane: Plane) -> None:
    """A proxy asks about a stranger, an Airflow fetches its keys, and the built-in proxy shows the Secret's certificate."""
    gate = f"http://127.0.0.1:{plane.ports[8810]}"
    trust = aeolus.airflow_settings(plane.folder / "gate-0" / "state" / "gate", "acme/sales/echo", gate)
    checks = f"{gate}/authz/nginx/{trust['AIRFLOW__AEOLUS__AUDIENCE'].rsplit(':', 1)[1]}"
    headers = {"X-Original-URL": "http://echo.localhost/dags", "X-Original-Method": "GET"}
    said = requests.get(checks, headers=headers, timeout=5)
    assert said.status_code == 401, said.text
    assert requests.get(trust["AIRFLOW__AEOLUS__JWKS_URL"], timeout=5).json()["keys"]
    proxy = f"https://localhost:{plane.ports[8808]}/.aeolus/session"
    assert plane.status(proxy, headers={"Host": "echo.localhost"}) == 200
    metrics = requests.get(f"http://127.0.0.1:{plane.ports[8819]}/metrics", timeout=5).text
    assert "aeolus_certificate_not_after_timestamp_seconds" in metrics


def another_replica(plane: Plane, first: Pod, folder: Path) -> None:
    """A second one begins with the identity of the first, from a Secret."""
    home = first.folder / "state" / "gate"
    names = ("gate.json", "root.json", "identity.key", "secret.json")
    secrets = plane.secrets | {"plane-identity": {name: (home / name).read_bytes() for name in names}}
    values = {**plane.values, "gate": {**plane.values["gate"], "replicas": 2, "identity": {"secretName": "plane-identity"}}}
    found = helm.rendered(values, folder)
    second = Pod(found, "StatefulSet", "-gate", plane.folder / "gate-1", plane.ports)
    begun = second.begin(secrets)
    assert begun.returncode == 0, begun.stderr
    with second.serving("gate", secrets):
        plane.ready(second, "gate")


def test_b5_sign_in_follows_the_configmap_without_a_restart(plane, tmp_path):
    home = plane.folder / "following"
    okta = {"clientId": "spa", "discoveryUrl": "https://acme.okta.com", "displayName": "Acme"}

    def configured(name: str) -> Pod:
        values = json.loads(json.dumps(plane.values))
        values["control"]["config"]["auth"] = {"openidConnect": {"okta": okta | {"displayName": name}}}
        found = helm.rendered(values, tmp_path)
        assert yaml.safe_load(found.configuration("control"))["auth"]
        return Pod(found, "StatefulSet", "-control", home, plane.ports)

    pod = configured("Acme")
    assert pod.begin(plane.secrets).returncode == 0
    with pod.serving("control", plane.secrets):
        plane.ready(pod, "control")
        configured("Acme Inc").mount(plane.secrets)

        def shown() -> bool:
            return "Acme Inc" in requests.get(f"{plane.url}/login", verify=plane.bundle, timeout=5).text

        wait_for("the new name", shown, 20)
