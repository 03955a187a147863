"""Certificates in a cluster's Secrets (rows K2, K6, K7, K8, H4): put there, checked, renewed and brought into service."""

from __future__ import annotations

import base64
import json
import os
import pty
import signal
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from harness import aeolus
from harness.cluster import TLS, Cluster
from harness.cluster_workloads import Workload
from harness.pki import issued, openssl, pki
from harness.process import wait_for

PLACE = ("astronomer", "platform-tls")
NAME = "/".join(PLACE)
KEPT = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.fixture
def cluster(tmp_path):
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.close()


@pytest.fixture
def authority(tmp_path):
    """A folder with an authority in `ca`, and a pair `tls` for localhost."""
    pki("init", "--dir", tmp_path / "ca", "--key", "p256")
    issued(tmp_path, "localhost", "*.example.com")
    return tmp_path


def kube(verb: str, cluster, *arguments: object, check: bool = True):
    return aeolus.run("kube", verb, *map(str, arguments), "--kubeconfig", str(cluster.kubeconfig), check=check)


def answer(verb: str, cluster, *arguments: object):
    return json.loads(kube(verb, cluster, *arguments, "--output", "json").stdout)


def apply(folder, *more: object, stem: str = "tls", name: str = NAME) -> list[object]:
    return [name, "--cert", folder / f"{stem}.crt", "--key", folder / f"{stem}.key", *more]


def fingerprint(pem: bytes) -> str:
    return x509.load_pem_x509_certificates(pem)[0].fingerprint(hashes.SHA256()).hex()


def held(cluster, place=PLACE) -> str:
    return fingerprint(cluster.data(place, "tls.crt"))


def put(cluster, folder, place=PLACE, stem="tls", owner="kubectl-create", **more) -> None:
    data = {f"tls.{part}": (folder / f"{stem}.{part}").read_bytes() for part in ("crt", "key")}
    cluster.put(place, data, owner, more.pop("kind", TLS), **more)


def made(folder, stem: str, days: int) -> None:
    """A self-signed pair that ends after so many days, which may be over."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.example.com")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=60)).not_valid_after(now + timedelta(days=days))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("a.example.com")]), critical=False)
    (folder / f"{stem}.crt").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    aeolus.private(folder / f"{stem}.key", text)


def test_k2_a_pair_is_judged_and_put_into_a_secret_by_server_side_apply(cluster, authority):
    done = kube("apply-tls", cluster, *apply(authority, "--ca", authority / "ca/ca.crt", "--host", "a.example.com", "--output", "json"))
    assert json.loads(done.stdout)["done"] == "created"
    # Row K14: the platform's certificate, whose key is not RSA.
    assert "warning[PKI-129]" in done.stderr and "wasn't proved" not in done.stderr
    secret = cluster.secrets[PLACE]
    assert secret["type"] == TLS and set(secret["data"]) == {"tls.crt", "tls.key"}
    # Row K6 by kubectl leaves the key in an annotation.
    assert cluster.annotations(PLACE) == {}
    assert answer("apply-tls", cluster, *apply(authority))["done"] == "unchanged" and cluster.writes == 1

    issued(authority, "localhost", stem="next")
    before, after = held(cluster), fingerprint((authority / "next.crt").read_bytes())
    dry = answer("apply-tls", cluster, *apply(authority, "--dry-run=server", stem="next"))
    assert (dry["done"], dry["dryRun"], dry["sha256Before"], dry["sha256"]) == ("changed", True, before, after)
    assert {one["entry"] for one in dry["changes"]} == {"tls.crt", "tls.key"}
    assert "PRIVATE" not in json.dumps(dry) and (held(cluster), cluster.writes) == (before, 1)

    # What is marked once stays, also when the next run doesn't say it, and goes when asked.
    kube("apply-tls", cluster, *apply(authority, "--annotate", "aeolus/sync=*", "--label", "tier=nginx", stem="next"))
    assert held(cluster) == after and cluster.annotations(PLACE) == {"aeolus/sync": "*"}
    kube("apply-tls", cluster, *apply(authority))
    assert held(cluster) == before and cluster.annotations(PLACE) == {"aeolus/sync": "*"}
    assert cluster.secrets[PLACE]["metadata"]["labels"] == {"tier": "nginx"}
    gone = answer("apply-tls", cluster, *apply(authority, "--annotate", "aeolus/sync-"))
    assert gone["changes"] == [{"entry": "annotation aeolus/sync", "change": "removed"}]
    # The namespace is the context's, or said apart.
    assert answer("apply-tls", cluster, *apply(authority, name="other"))["secret"] == "astronomer/other"
    assert answer("apply-tls", cluster, *apply(authority, "-n", "elsewhere", name="other"))["secret"] == "elsewhere/other"
    twice = kube("apply-tls", cluster, *apply(authority, "-n", "elsewhere"), check=False)
    assert twice.returncode == 2 and "CLI-0012" in twice.stderr


def test_k2_a_dry_run_prints_the_manifest_but_no_key_to_a_terminal(authority):
    command = [*apply(authority, "--dry-run", "--label", "tier=nginx")]
    # Nobody is asked: there is no cluster.
    done = aeolus.run("kube", "apply-tls", *map(str, command), env={"KUBECONFIG": str(authority / "none")})
    assert "has the private key" in done.stderr
    manifest = yaml.safe_load(done.stdout)
    data = manifest.pop("data")
    metadata = {"name": PLACE[1], "namespace": PLACE[0], "labels": {"tier": "nginx"}}
    assert manifest == {"apiVersion": "v1", "kind": "Secret", "type": TLS, "metadata": metadata}
    assert base64.b64decode(data["tls.crt"]) == (authority / "tls.crt").read_bytes()
    assert b"PRIVATE KEY" in base64.b64decode(data["tls.key"])
    for more, expected in (((), 2), (("--show-key",), 0)):
        own, theirs = pty.openpty()
        binary = [str(aeolus.BINARY), "kube", "apply-tls", *map(str, command), *more]
        shown = subprocess.run(binary, stdout=theirs, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
        os.close(theirs)
        os.close(own)
        assert shown.returncode == expected and ("KUBE-125" in shown.stderr) == (expected == 2)


def test_k2_what_would_not_serve_never_takes_the_place_of_what_does(cluster, authority):
    kube("apply-tls", cluster, *apply(authority))
    before = held(cluster)
    issued(authority, "a.example.com", stem="other")
    made(authority, "over", -1)
    # Row K1: the recipe makes X.509 v1 without names.
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout")
    openssl("req", "-new", *key, authority / "v1.key", "-out", authority / "csr", "-subj", "/CN=*.example.com")
    ca = ("-CA", authority / "ca/ca.crt", "-CAkey", authority / "ca/ca.key", "-CAcreateserial")
    openssl("x509", "-req", "-in", authority / "csr", *ca, "-out", authority / "v1.crt", "-days", "365")
    for arguments, code in [
        (["--cert", authority / "tls.crt", "--key", authority / "other.key"], "PKI-110"),
        (["--cert", authority / "over.crt", "--key", authority / "over.key"], "PKI-106"),
        (["--cert", authority / "v1.crt", "--key", authority / "v1.key"], "PKI-102"),
        (["--cert", authority / "tls.crt", "--key", authority / "tls.key", "--rsa-only"], "PKI-117"),
        (["--cert", authority / "tls.crt", "--key", authority / "tls.key", "--host", "b.example.org"], "PKI-103"),
        (["--cert", authority / "tls.crt", "--key", authority / "tls.key", "--ca", authority / "over.crt"], "PKI-11"),
    ]:
        refused = kube("apply-tls", cluster, NAME, *arguments, check=False)
        assert refused.returncode == 1 and f"error[{code}" in refused.stderr, refused.stderr
        assert "Nothing was changed" in refused.stderr
    assert (held(cluster), cluster.writes) == (before, 1)
    assert "--force\n" not in aeolus.run("kube", "apply-tls", "--help").stdout


def test_k2_k8_what_others_keep_is_not_written_over(cluster, authority):
    put(cluster, authority, annotations={KEPT: "{}"})
    issued(authority, "localhost", stem="next")
    after = fingerprint((authority / "next.crt").read_bytes())
    refused = kube("apply-tls", cluster, *apply(authority, stem="next"), check=False)
    assert refused.returncode == 1 and "error[KUBE-008]" in refused.stderr
    assert "kubectl-create" in refused.stderr and "--force-conflicts" in refused.stderr
    # Nothing is issued for a Secret that wouldn't get it.
    before = (authority / "ca/authority.json").read_text()
    refused = kube("renew", cluster, NAME, "--ca", authority / "ca", check=False)
    assert refused.returncode == 1 and "kubectl-create" in refused.stderr
    assert (authority / "ca/authority.json").read_text() == before
    # Somebody changes something else in between: that is no conflict, and it stays.
    cluster.meanwhile = lambda: cluster.mark(PLACE, note="kept")
    done = kube("apply-tls", cluster, *apply(authority, "--force-conflicts", stem="next"))
    assert held(cluster) == after and cluster.annotations(PLACE)["note"] == "kept"
    assert f"{KEPT}- removes it" in done.stderr

    issuer = {"cert-manager.io/certificate-name": "platform"}
    put(cluster, authority, annotations=issuer, labels={"controller.cert-manager.io/fao": "true"})
    copied = ("team-a", "platform-tls")
    put(cluster, authority, copied, labels={"aeolus/managed": "true"}, annotations={"aeolus/source": NAME})
    for verb, arguments, place, code, said in [
        ("apply-tls", apply(authority, stem="next"), PLACE, "KUBE-120", "astronomer/platform of cert-manager"),
        ("renew", [NAME, "--ca", authority / "ca"], PLACE, "KUBE-120", "cmctl renew platform"),
        ("renew", ["/".join(copied), "--ca", authority / "ca"], copied, "KUBE-121", f"copy of {NAME}"),
    ]:
        refused = kube(verb, cluster, *arguments, "--force-conflicts", check=False)
        assert refused.returncode == 1 and f"error[{code}]" in refused.stderr and said in refused.stderr, refused.stderr
        assert held(cluster, place) == fingerprint((authority / "tls.crt").read_bytes())


@pytest.mark.parametrize("unchangeable", [{"kind": "Opaque"}, {"immutable": True}])
def test_k2_one_that_can_not_be_changed_is_made_again_where_asked(cluster, authority, unchangeable):
    put(cluster, authority, labels={"tier": "nginx"}, annotations={KEPT: "{}"}, **unchangeable)
    issued(authority, "localhost", stem="next")
    refused = kube("apply-tls", cluster, *apply(authority, stem="next"), check=False)
    assert refused.returncode == 1 and "error[KUBE-123]" in refused.stderr and "--recreate" in refused.stderr
    # Once it is deleted the new one is refused: the one before is made again.
    cluster.meanwhile = lambda: cluster.refuse.append("PATCH")
    failed = kube("apply-tls", cluster, *apply(authority, "--recreate", stem="next"), check=False)
    assert failed.returncode == 1 and "error[KUBE-124]" in failed.stderr and "was made again" in failed.stderr
    assert held(cluster) == fingerprint((authority / "tls.crt").read_bytes())
    restored = cluster.secrets[PLACE]
    assert restored["type"] == unchangeable.get("kind", TLS) and "tier" in restored["metadata"]["labels"]
    assert answer("apply-tls", cluster, *apply(authority, "--recreate", stem="next"))["done"] == "recreated"
    assert held(cluster) == fingerprint((authority / "next.crt").read_bytes())
    secret = cluster.secrets[PLACE]
    assert secret["type"] == TLS and secret["metadata"] == {"labels": {"tier": "nginx"}}


def test_k7_every_certificate_is_checked_page_by_page_and_what_is_forbidden_is_a_row(cluster, authority):
    put(cluster, authority)
    made(authority, "soon", 5)
    made(authority, "over", -1)
    put(cluster, authority, ("team-a", "soon"), "soon")
    put(cluster, authority, ("team-b", "over"), "over")
    cluster.put(("team-b", "private-ca"), {"cert.pem": (authority / "over.crt").read_bytes()}, "kubectl")
    cluster.put(("team-b", "helm"), {"release": b"-----BEGIN "}, "helm", "helm.sh/release.v1")
    cluster.page = 1

    def checked(*arguments: object) -> tuple[int, dict[str, set[str]], str]:
        done = kube("check", cluster, *arguments, "--output", "json", check=False)
        rows = {one["place"]: {found["code"] for found in one["findings"]} for one in json.loads(done.stdout)}
        return done.returncode, rows, done.stderr

    # The namespace of the context; row K14.
    assert checked()[:2] == (3, {NAME: {"PKI-129"}})
    assert checked("-n", "team-a")[:2] == (3, {"team-a/soon": {"PKI-109"}})
    code, rows, _ = checked("-A")
    assert code == 1 and {NAME, "team-a/soon", "team-b/over"} == set(rows) and "PKI-106" in rows["team-b/over"]
    assert sum("/api/v1/secrets?" in one for one in cluster.asked) == 3
    code, rows, _ = checked("-n", "team-b", "--all")
    assert code == 1 and set(rows) == {"team-b/over", "team-b/private-ca"}
    assert checked("-n", "astronomer", "--ca", authority / "ca/bundle.crt")[:2] == (3, {NAME: {"PKI-129"}})
    assert checked("-n", "nobody")[:2] == (1, {"nobody": {"PKI-151"}})
    # As `pki check` says it of the same Secret.
    manifest = authority / "secret.json"
    manifest.write_text(json.dumps(cluster.whole(("team-b", "over"))))
    same = json.loads(pki("check", manifest, "--output", "json", check=False).stdout)
    assert same == json.loads(kube("check", cluster, "-n", "team-b", "--output", "json", check=False).stdout)

    cluster.forbidden, cluster.everywhere = {"team-a"}, False
    code, rows, err = checked("-A")
    assert code == 2 and rows["team-a"] == {"PKI-155"} and {NAME, "team-b/over"} < set(rows)
    assert "error[KUBE-004]: Secrets of team-a" in err
    figures = authority / "figures.prom"
    table = kube("check", cluster, "-n", "team-b,team-a", f"--metrics={figures}", check=False)
    assert "team-b/over" in table.stdout and "PKI-155" in table.stdout
    assert 'aeolus_pki_check_not_after_timestamp_seconds{kind="secret",place="team-b/over"' in figures.read_text()
    assert "aeolus_pki_check_unread 1\n" in figures.read_text()


def test_k6_a_restart_waits_until_every_pod_is_new_or_says_what_hangs(cluster):
    nginx = cluster.workloads.add("astronomer", Workload("nginx"))
    other = cluster.workloads.add("astronomer", Workload("houston", labels={"tier": "api"}))
    assert answer("restart-ingress", cluster, "--dry-run")[0]["restarted"] is False and nginx.generation == 1
    done = kube("restart-ingress", cluster, "--output", "json")
    shown = {"restarted": True, "complete": True, "wanted": 2, "updated": 2, "available": 2}
    assert json.loads(done.stdout) == [{"workload": "deployment/nginx", **shown}]
    assert "deployment/nginx: 0 of 2 pods are new" in done.stderr and "1 of 2" in done.stderr
    assert nginx.annotations["kubectl.kubernetes.io/restartedAt"].endswith("Z") and other.generation == 1
    assert answer("restart-ingress", cluster, "-l", "tier=api", "--no-wait")[0]["complete"] is False
    assert other.generation == 2

    cluster.workloads.add("astronomer", Workload("edge-nginx", stuck=True), "daemonsets")
    hangs = kube("restart-ingress", cluster, "daemonset/edge-nginx", check=False)
    assert hangs.returncode == 1 and "error[KUBE-132]" in hangs.stderr and "ProgressDeadlineExceeded" in hangs.stderr
    assert "pod edge-nginx-new: ImagePullBackOff: Back-off pulling image" in hangs.stderr
    slow = Workload("slow", replicas=100)
    cluster.workloads.add("astronomer", slow)
    late = kube("restart-ingress", cluster, "deployment/slow", "--timeout", "1s", check=False)
    assert late.returncode == 1 and "has not restarted within 1 s" in late.stderr
    # Nothing is restarted by half.
    paused = cluster.workloads.add("astronomer", Workload("paused", paused=True))
    refused = kube("restart-ingress", cluster, "deployment/nginx", "deployment/paused", check=False)
    assert "error[KUBE-131]" in refused.stderr and (nginx.generation, paused.generation) == (2, 1)
    none = kube("restart-ingress", cluster, "-n", "nobody", check=False)
    assert none.returncode == 2 and "error[KUBE-130]" in none.stderr


@contextmanager
def ingress(cluster, folder):
    """A server that reads the Secret into files at each connection, unless it is `asleep`; yields its port and that."""
    asleep, contexts = threading.Event(), {}

    def context() -> ssl.SSLContext:
        for part in ("crt", "key") if not (asleep.is_set() and contexts) else ():
            (folder / f"served.{part}").write_bytes(cluster.data(PLACE, f"tls.{part}"))
        if not (asleep.is_set() and contexts):
            contexts["now"] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            contexts["now"].load_cert_chain(folder / "served.crt", folder / "served.key")
        return contexts["now"]

    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with context().wrap_socket(connection, server_side=True) as tls:
                    tls.recv(1)
            except OSError:
                connection.close()

    context()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], asleep
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def test_k6_k8_a_renewed_certificate_is_waited_for_until_it_is_served(cluster, authority):
    kube("apply-tls", cluster, *apply(authority, "--annotate", "aeolus/sync=*"))
    first = held(cluster)
    renew = [NAME, "--ca", authority / "ca"]
    with ingress(cluster, authority) as (port, asleep):
        wait = ["--wait-for", f"localhost:{port}"]
        # A CronJob's run: not due.
        shown = answer("renew", cluster, *renew, "--if-within", 30, *wait)
        assert (shown["renewed"], shown["sha256"]) == (False, first) and shown["served"][0]["sha256"] == first
        dry = answer("renew", cluster, *renew, "--dry-run")
        assert (dry["renewed"], dry["dryRun"], held(cluster), cluster.writes) == (True, True, first, 1)
        shown = answer("renew", cluster, *renew, "--if-within", 100, "--days", 120, *wait)
        second = held(cluster)
        assert shown["renewed"] and (shown["sha256Before"], shown["sha256"]) == (first, second)
        assert shown["served"][0]["server"] == f"localhost:{port}" and shown["names"] == ["localhost", "*.example.com"]
        before, after = (x509.load_pem_x509_certificates(pem)[0] for pem in ((authority / "tls.crt").read_bytes(), cluster.data(PLACE, "tls.crt")))
        assert before.public_key() != after.public_key() and isinstance(after.public_key(), ec.EllipticCurvePublicKey)
        for kind in (x509.SubjectAlternativeName, x509.ExtendedKeyUsage):
            assert before.extensions.get_extension_for_class(kind).value == after.extensions.get_extension_for_class(kind).value
        assert cluster.annotations(PLACE) == {"aeolus/sync": "*"}

        # A server that doesn't read it again is named with what it shows.
        asleep.set()
        late = kube("renew", cluster, *renew, "--timeout", "2s", *wait, check=False)
        third = held(cluster)
        assert late.returncode == 1 and "error[KUBE-128]" in late.stderr and third != second
        assert f"it still shows {second}" in late.stderr and third in late.stderr

        # Killed while it waits, it has renewed; the next run goes on waiting, and renews nothing.
        binary = [str(aeolus.BINARY), "kube", "renew", *map(str, [*renew, *wait]), "--kubeconfig", str(cluster.kubeconfig)]
        child = subprocess.Popen(binary, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("the Secret's change", lambda: held(cluster) != third, 20)
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        fourth, writes = held(cluster), cluster.writes
        asleep.clear()
        shown = answer("renew", cluster, *renew, "--if-within", 30, *wait)
        assert (shown["renewed"], shown["sha256"], cluster.writes) == (False, fourth, writes)

        # Nobody believes it under another name, and that is said before anything is issued.
        wrong = kube("renew", cluster, *renew, "--wait-for", f"127.0.0.1:{port}", check=False)
        assert wrong.returncode == 2 and "error[KUBE-129]" in wrong.stderr and held(cluster) == fourth
        # Other names are a reason to renew it.
        shown = answer("renew", cluster, *renew, "--if-within", 1, "--san", "localhost", "127.0.0.1", "--wait-for", f"127.0.0.1:{port}")
        assert shown["renewed"] and shown["names"] == ["localhost", "127.0.0.1"]


def test_k8_what_somebody_else_renewed_meanwhile_is_left_alone(cluster, authority):
    kube("apply-tls", cluster, *apply(authority))
    issued(authority, "localhost", stem="next")
    cluster.meanwhile = lambda: put(cluster, authority, stem="next")
    refused = kube("renew", cluster, NAME, "--ca", authority / "ca", "--force-conflicts", check=False)
    assert refused.returncode == 1 and "error[KUBE-126]" in refused.stderr
    assert held(cluster) == fingerprint((authority / "next.crt").read_bytes())
    # Whoever trusts another authority would refuse the next certificate.
    made(authority, "own", 20)
    put(cluster, authority, stem="own")
    renew = [NAME, "--ca", authority / "ca", "--force-conflicts", "--if-within", 30]
    refused = kube("renew", cluster, *renew, check=False)
    assert refused.returncode == 1 and "error[KUBE-133]" in refused.stderr
    assert answer("renew", cluster, *renew, "--change-authority")["renewed"] is True
    absent = kube("renew", cluster, "astronomer/none", "--ca", authority / "ca", check=False)
    assert absent.returncode == 1 and "error[KUBE-006]" in absent.stderr
    cluster.put(("astronomer", "opaque"), {"x": b"y"}, "kubectl")
    opaque = kube("renew", cluster, "opaque", "--ca", authority / "ca", check=False)
    assert opaque.returncode == 1 and "error[KUBE-127]" in opaque.stderr
