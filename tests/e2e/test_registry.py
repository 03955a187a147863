"""A real container registry that asks control who may push and pull (rows J1, J4, H8)."""

from __future__ import annotations

import base64
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
import requests
from conftest import PASSWORD, required
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from harness import aeolus, registry
from harness.aeolus import private
from harness.registry import Client, Refused

BASE = "base-images/airflow"
FLEET = """
version: 1
planes: [{{name: local, authHost: localhost}}]
connections: [{{name: local, type: local}}]
organizations:
  - name: acme
    users:
      - {{email: ann@example.com, role: ORGANIZATION_MEMBER, password: {{file: {password}}}}}
      - {{email: bob@example.com, role: ORGANIZATION_MEMBER, password: {{file: {password}}}}}
    workspaces:
      - name: sales
        deployments:
          - name: etl
            plane: local
            hosts: [etl.localhost]
            grants:
              - {{user: ann@example.com, role: DEPLOYMENT_EDITOR}}
              - {{user: bob@example.com, role: DEPLOYMENT_VIEWER}}
"""


@pytest.fixture(scope="module")
def control(tmp_path_factory):
    """Control, whose configuration has a registry."""
    required("docker-registry", registry.installed())
    folder = tmp_path_factory.mktemp("registry")
    private(folder / "password", PASSWORD.encode() + b"\n")
    (folder / "fleet.yaml").write_text(FLEET.format(password=folder / "password"))
    settings = {"COMPAT__REGISTRY__BASE_IMAGES": BASE}
    places = (folder / "aeolus", folder / "fleet.yaml", folder / "password", folder / "logs")
    with aeolus.controlled(*places, **settings) as fleet:
        fleet.folder = folder
        yield fleet


@pytest.fixture(scope="module")
def etl(control) -> str:
    """A deployment's repository: by its id, as no setting says otherwise."""
    [deployment] = json.loads(control.run("deployment", "list", "--output", "json").stdout)
    return f"{deployment['id']}/airflow"


@pytest.fixture(scope="module")
def bundle(control):
    """Control's certificates, as an operator gives them to the registry."""
    path = control.folder / "bundle.pem"
    control.run("key", "certificates", "--out", str(path))
    return path


@pytest.fixture(scope="module")
def images(control, bundle):
    """The registry."""
    with registry.server(control.folder / "registry", control.control, bundle) as url:
        yield url


def signed_in(control, email: str) -> str:
    """An access token, as the command line has it."""
    credentials = control.folder / f"{email}.json"
    env = {"AEOLUS_CREDENTIALS": str(credentials), "AEOLUS_URL": control.control}
    aeolus.run("login", "--email", email, "--password-file", str(control.folder / "password"), env=env)
    return stored(credentials)


def stored(credentials: Path) -> str:
    """The access token of a sign-in."""
    return json.loads(credentials.read_text())["accessToken"]


def refused(call, *arguments) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.status, caught.value.by


def test_j1_who_may_pushes_and_pulls_and_who_may_not_does_not(control, images, etl):
    ann, bob = (Client(images, signed_in(control, f"{name}@example.com")) for name in ("ann", "bob"))
    content = b"the image of a deployment"
    assert ann.push(etl, content).startswith("sha256:")
    assert ann.pull(etl) == content
    assert bob.pull(etl) == content, "a viewer pulls"
    assert refused(bob.push, etl, b"mine")[1] == "registry", "and pushes nothing"
    assert ann.pull(etl) == content
    stranger = Client(images, None)
    assert refused(stranger.pull, etl) == (401, "registry")
    assert refused(ann.push, "acme/sales/etl/airflow", b"x")[1] == "registry"
    assert refused(ann.call, "GET", "_catalog") == (401, "registry")
    lines = control.run("audit", "tail", "--all", "--action", "registry.authorize", "--output", "json").stdout
    assert etl in lines and "pull,push" in lines


def test_h8_base_images_are_everybodys_to_pull_and_the_installations_to_push(control, images):
    admin = Client(images, stored(control.data / "credentials.json"))
    ann = Client(images, signed_in(control, "ann@example.com"))
    assert refused(ann.push, BASE, b"mine")[1] == "registry"
    admin.push(BASE, b"base")
    assert ann.pull(BASE) == b"base"


def test_j4_an_api_token_is_refused_at_the_endpoint_once_it_is_deleted(control, images, etl):
    made = control.create_token("ci", "acme/sales/etl", "DEPLOYMENT_EDITOR")
    program = Client(images, made["token"])
    program.push(etl, b"by a program")
    control.run("token", "delete", made["id"])
    # Nothing is remembered but the registry's own token, which ends within minutes.
    assert refused(Client(images, made["token"]).pull, etl) == (401, "control")
    assert refused(Client(images, PASSWORD).pull, etl) == (401, "control")
    # One that says another service, or is signed by nobody, opens nothing.
    program.token = program.token[:-8] + "AAAAAAAA"
    assert refused(program.pull, etl) == (401, "control")


def test_f31_the_registry_believes_both_keys_of_a_rotation(control, bundle, etl):
    certificates = x509.load_pem_x509_certificates(bundle.read_bytes())
    assert len(certificates) == 1
    content = b"over a rotation"
    ann = signed_in(control, "ann@example.com")
    control.run("key", "rotate", "legacy")
    control.run("key", "certificates", "--out", str(bundle))
    assert len(x509.load_pem_x509_certificates(bundle.read_bytes())) == 2
    with registry.server(control.folder / "registry", control.control, bundle) as images:
        before = Client(images, ann)
        before.push(etl, content)
        control.run("key", "rotate", "legacy", "--activate-in", "0s", "--regardless")
        after = Client(images, ann)
        assert after.pull(etl) == content
        assert before.pull(etl) == content
        kids = {header(client.token)["kid"] for client in (before, after)}
        assert len(kids) == 2
    # A registry that was not told of the new key believes nothing it signs.
    old = control.folder / "old.pem"
    old.write_bytes(certificates[0].public_bytes(Encoding.PEM))
    with registry.server(control.folder / "registry", control.control, old) as images:
        assert refused(Client(images, ann).pull, etl) == (401, "registry")


def test_the_certificate_is_one_to_openssl_and_to_cryptography(control):
    shown = control.run("key", "certificates").stdout
    path = control.folder / "shown.pem"
    for certificate in x509.load_pem_x509_certificates(shown.encode()):
        assert certificate.version == x509.Version.v3
        own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        issuer = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        assert issuer.key_identifier == own
        assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        certificate.public_key().verify(
            certificate.signature, certificate.tbs_certificate_bytes, padding.PKCS1v15(), hashes.SHA256()
        )
        path.write_bytes(certificate.public_bytes(Encoding.PEM))
        verified = subprocess.run(
            ["openssl", "verify", "-CAfile", path, path], capture_output=True, text=True, check=False
        )
        assert verified.returncode == 0, verified.stderr
    bare = requests.get(f"{control.control}/v1/.well-known/jwks.json", timeout=10).json()
    assert base64.b64decode(bare["x5c"][0]) in [
        certificate.public_bytes(Encoding.DER) for certificate in x509.load_pem_x509_certificates(shown.encode())
    ]


def header(token: str) -> dict[str, str]:
    text = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))



def test_h4_a_key_and_certificate_of_before_take_over(control, etl):
    key, certificate = control.folder / "tls.key", control.folder / "tls.crt"
    place = ("--database", control.database, "--master-key-file", f"{control.data}/master.key")
    files = ("--key", str(key), "--certificate", str(certificate))
    signed(key, certificate, ca=True, left=timedelta(days=30))
    authority = aeolus.run("key", "import", *files, *place, check=False)
    assert authority.returncode == 1 and "CA:TRUE" in authority.stderr
    signed(key, certificate, ca=False, left=timedelta(minutes=6))
    short = aeolus.run("key", "import", *files, *place, check=False)
    assert short.returncode == 1 and "within a day" in short.stderr
    signed(key, certificate, ca=False, left=timedelta(days=30), exponent=3)
    small = aeolus.run("key", "import", *files, *place, check=False)
    assert small.returncode == 1 and "less than 65537" in small.stderr
    signed(key, certificate, ca=False, left=timedelta(days=30))
    foreign = ("--certificate", str(control.folder / "shown.pem"))
    other = aeolus.run("key", "import", *files[:2], *foreign, *place, check=False)
    assert other.returncode == 1 and "not this key's" in other.stderr
    if announced := [k for k in listed(control) if k["purpose"] == "legacy" and k["state"] == "announced"]:
        control.run("key", "remove", announced[0]["kid"])
    aeolus.run("key", "import", *files, *place)
    [next_] = [k for k in listed(control) if k["purpose"] == "legacy" and k["state"] == "announced"]
    own = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
    assert base64.b64decode(next_["jwk"]["x5c"][0]) == own
    again = aeolus.run("key", "import", *files, *place, check=False)
    assert again.returncode == 1 and "already" in again.stderr
    # Whoever believes the old certificate goes on.
    control.run("key", "rotate", "legacy", "--activate-in", "0s", "--regardless")
    with registry.server(control.folder / "registry", control.control, certificate) as images:
        ann = Client(images, signed_in(control, "ann@example.com"))
        ann.push(etl, b"signed by a key of before")
        assert header(ann.token)["kid"] == next_["kid"]


def signed(key: Path, certificate: Path, ca: bool, left: timedelta, exponent: Literal[3, 65537] = 65537) -> None:
    """Writes a key, and a certificate that it signs itself."""
    made = rsa.generate_private_key(public_exponent=exponent, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "release-houston")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().issuer_name(name).subject_name(name).public_key(made.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(minutes=1)).not_valid_after(now + left)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    certificate.write_bytes(builder.sign(made, hashes.SHA256()).public_bytes(Encoding.PEM))
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    private(key, made.private_bytes(*form))


def listed(control) -> list[dict]:
    return json.loads(control.run("key", "list", "--output", "json").stdout)
