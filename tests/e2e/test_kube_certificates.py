"""The certificate of control's signing key in a cluster (rows H5, K4, K11): it follows control, without an install."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from contextlib import contextmanager

import pytest
import requests
from conftest import PASSWORD
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from harness import aeolus
from harness.aeolus import private
from harness.cluster import Cluster
from harness.process import wait_for

FLEET = """
version: 1
planes: [{{name: local, authHost: localhost}}]
connections: [{{name: local, type: local}}]
organizations:
  - name: acme
    users: [{{email: ann@example.com, role: ORGANIZATION_MEMBER, password: {{file: {password}}}}}]
    workspaces:
      - name: sales
        deployments:
          - {{name: echo, plane: local, hosts: [echo.localhost], upstream: "http://127.0.0.1:9"}}
"""
PLACE = ("astronomer", "astronomer-houston-jwt-signing-certificate")
AT_ONCE = ("--activate-in", "0s", "--regardless")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """Control that signs by a certificate, with a gate."""
    folder = tmp_path_factory.mktemp("certificates")
    private(folder / "password", PASSWORD.encode() + b"\n")
    (folder / "fleet.yaml").write_text(FLEET.format(password=folder / "password"))
    places = (folder / "aeolus", folder / "fleet.yaml", folder / "password", folder / "logs")
    with aeolus.serving(*places, COMPAT__REGISTRY__BASE_IMAGES="base-images/airflow") as fleet:
        yield fleet


@pytest.fixture
def cluster(tmp_path):
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.close()


def command(fleet, cluster, *more: str) -> list[str]:
    release = ["--release", "astronomer", "--namespace", "astronomer", "--kubeconfig", str(cluster.kubeconfig)]
    return ["kube", "certificates", "--data", str(fleet.data / "gate"), *release, *more]


def pull(cluster, url: str, *more: str) -> list[str]:
    release = ["--release", "astronomer", "--namespace", "astronomer", "--kubeconfig", str(cluster.kubeconfig)]
    return ["kube", "pull-certificate", "--from", url, *release, "--output", "json", *more]


@contextmanager
def following(fleet, cluster, *more: str):
    """Runs the command beside the gate until the block ends."""
    binary = [str(aeolus.BINARY), *command(fleet, cluster, "--watch", "--output", "json", *more)]
    child = subprocess.Popen(binary, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.terminate()
        child.wait(10)


def shown(fleet) -> bytes:
    """The certificate that control shows, in DER."""
    jwk = requests.get(f"{fleet.control}/v1/.well-known/jwks.json", timeout=10).json()
    assert "keys" not in jwk and jwk["kty"] == "RSA"
    return base64.b64decode(jwk["x5c"][0])


def held(cluster) -> list[bytes]:
    """The certificates that the cluster has, in DER."""
    text = cluster.data(PLACE, "tls.crt")
    return [one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(text)] if text else []


def test_k4_x5_a_rotation_at_control_is_in_the_cluster_within_seconds(fleet, cluster, tmp_path):
    first, figures = shown(fleet), tmp_path / "figures.prom"
    with following(fleet, cluster, "--metrics", str(figures)) as child:
        wait_for("the certificate in the cluster", lambda: held(cluster) == [first], 30)
        said = cluster.annotations(PLACE)
        assert said["astronomer.io/commander-sync"] == "platform-release=astronomer"
        assert said["astronomer.io/jwks-source"].endswith("/v1/.well-known/jwks.json")
        assert said["astronomer.io/jwks-fetched-at"].endswith("Z")
        assert cluster.secrets[PLACE]["type"] == "Opaque"
        # A change at control that is none of the certificate's is no write.
        fleet.create_token("other", "acme/sales/echo", "DEPLOYMENT_VIEWER")

        fleet.run("key", "rotate", "legacy", *AT_ONCE)
        begun, second = time.monotonic(), shown(fleet)
        assert second != first
        wait_for("the next certificate", lambda: held(cluster)[:1] == [second], 30)
        print(f"in the cluster {time.monotonic() - begun:.1f} s after the rotation")
        # Who reads no further has the one that signs; who reads all believes what was signed before as well.
        assert held(cluster) == [second, first]
        epoch, seq = cluster.annotations(PLACE)["aeolus/revision"].split(".")
        assert int(seq) > int(said["aeolus/revision"].split(".")[1])
        # Figures are written once the Secret is.
        wait_for("the figures", lambda: f"}} {seq}\n" in figures.read_text(), 10)
        assert "_failed" in figures.read_text()

        # A cluster that fails for a while gets it afterwards.
        cluster.down = True
        fleet.run("key", "rotate", "legacy", *AT_ONCE)
        third = shown(fleet)
        failed = re.compile(r"^aeolus_kube_certificate_failed\{.*\} 1$", re.MULTILINE)
        wait_for("the failure in the figures", lambda: failed.search(figures.read_text()), 30)
        cluster.down = False
        wait_for("the certificate after the fault", lambda: held(cluster)[:1] == [third], 40)
        child.terminate()
        out, err = child.communicate(timeout=10)
    done = [json.loads(line)["done"] for line in out.splitlines()]
    assert done[0] == "created" and set(done[1:]) == {"changed"}, out
    assert "KUBE-" in err and "keeps the certificate that it has" in err


def test_k4_what_the_gate_would_not_believe_changes_nothing(fleet, cluster, tmp_path):
    there = b"what is there"
    cluster.put(PLACE, {"tls.crt": there}, "commander-jwks")
    # The original's job wrote it: it is taken over only where that is asked for.
    refused = fleet.run(*command(fleet, cluster), check=False)
    assert refused.returncode == 1
    assert "error[KUBE-008]" in refused.stderr and "commander-jwks" in refused.stderr
    for arguments, code in [
        (["kube", "certificates", "--data", str(tmp_path), *command(fleet, cluster)[4:]], "GATE-0003"),
        (command(fleet, cluster, "--force", "--max-age", "0s"), "KUBE-104"),
    ]:
        refused = fleet.run(*arguments, check=False)
        assert refused.returncode == 1 and f"error[{code}]" in refused.stderr, refused.stderr
    assert cluster.data(PLACE, "tls.crt") == there and cluster.writes == 0
    dry = fleet.run(*command(fleet, cluster, "--force", "--dry-run"))
    assert "dry run" in dry.stdout and cluster.writes == 0
    fleet.run(*command(fleet, cluster, "--force"))
    assert held(cluster)[0] == shown(fleet)
    again = json.loads(fleet.run(*command(fleet, cluster, "--output", "json")).stdout)
    assert (again["done"], cluster.writes) == ("unchanged", 1)


def test_h5_k11_without_a_gate_the_certificate_is_fetched_over_https_unless_asked_otherwise(fleet, cluster):
    refused = fleet.run(*pull(cluster, fleet.control), check=False)
    assert refused.returncode == 2 and "error[KUBE-109]" in refused.stderr
    done = json.loads(fleet.run(*pull(cluster, fleet.control, "--plain-http")).stdout)
    assert (done["done"], done["revision"]) == ("created", None)
    assert held(cluster) == [shown(fleet)]
    said = cluster.annotations(PLACE)
    assert said["astronomer.io/jwks-source"] == f"{fleet.control}/v1/.well-known/jwks.json"
    assert "aeolus/revision" not in said
    # Nobody there: it is tried again as often as is wanted, and what is there stays.
    absent = pull(cluster, "http://127.0.0.1:9", "--plain-http", "--retries", "2", "--retry-after", "1s")
    refused = fleet.run(*absent, check=False)
    assert refused.returncode == 1 and refused.stderr.count("trying again in 1 s") == 2
    # Something else answers at the address: no certificate, no change.
    other = fleet.run(*pull(cluster, fleet.gate, "--plain-http"), check=False)
    assert other.returncode == 1
    assert held(cluster) == [shown(fleet)] and cluster.writes == 1
