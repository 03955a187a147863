"""`aeolus pki`: every verb."""

from __future__ import annotations

import base64
import json
import shutil
from datetime import datetime, timezone
from pathlib import Path

import pytest
import yaml
from harness import aeolus
from harness.pki import answer, issued, mode, openssl, pems, pki


@pytest.fixture
def authority(tmp_path) -> Path:
    """A folder with an authority in `ca`."""
    pki("init", "--dir", tmp_path / "ca", "--key", "p256", "--cn", "APC-CA")
    return tmp_path


def test_the_originals_recipe_is_said_to_be_refused(authority):
    ca, leaf = authority / "old.crt", authority / "leaf.crt"
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout")
    openssl("req", "-x509", *key, authority / "old.key", "-days", "3650", "-out", ca, "-subj", "/CN=APC-CA")
    openssl("req", "-new", *key, authority / "leaf.key", "-out", authority / "csr", "-subj", "/CN=*.your-domain.com")
    signer = ("-CA", ca, "-CAkey", authority / "old.key", "-CAcreateserial")
    openssl("x509", "-req", "-in", authority / "csr", *signer, "-out", leaf, "-days", "365")
    (authority / "leaf.key").chmod(0o600)
    done = pki("check", leaf, "--ca", ca, check=False)
    assert done.returncode == 1
    assert "Go, urllib3 and rustls refuse it" in done.stdout
    found = json.loads(pki("check", leaf, "--ca", ca, "--output", "json", check=False).stdout)[0]["findings"]
    assert {"PKI-102"} <= {finding["code"] for finding in found}
    # An authority that openssl made issues all the same, and does better.
    old = authority / "imported"
    old.mkdir()
    shutil.copy(ca, old / "ca.crt")
    shutil.copy(authority / "old.key", old / "ca.key")
    pki("issue", "--dir", old, "--san", "*.your-domain.com", "--out", authority / "new")
    assert pki("check", authority / "new.crt", "--ca", ca, "--host", "a.your-domain.com").returncode == 0
    shutil.copy(authority / "leaf.key", old / "ca.key")
    other = pki("issue", "--dir", old, "--san", "a.b", "--out", authority / "never", check=False)
    assert other.returncode == 1 and "not the key of its certificate" in other.stderr
    assert not (authority / "never.crt").exists()


def test_files_are_private_and_never_overwritten_unasked(authority):
    stem = issued(authority, "etl.example.com")
    assert mode(authority / "ca") == 0o700
    for key in (authority / "ca" / "ca.key", Path(f"{stem}.key"), authority / "ca" / "authority.json"):
        assert mode(key) == 0o600, key
    before = Path(f"{stem}.crt").read_text(), Path(f"{stem}.key").read_text()
    again = ("issue", "--dir", authority / "ca", "--san", "b.example.com", "--out", stem)
    refused = pki(*again, check=False)
    assert refused.returncode == 2 and "PKI-001" in refused.stderr
    assert (Path(f"{stem}.crt").read_text(), Path(f"{stem}.key").read_text()) == before
    kept = Path(answer(*again, "--force")["before"])
    assert ((kept / "certificate").read_text(), (kept / "key").read_text()) == before
    assert mode(kept / "key") == 0o600
    assert pki("check", f"{stem}.crt", "--ca", authority / "ca" / "ca.crt").returncode == 0
    assert pki("init", "--dir", authority / "ca", check=False).returncode == 2
    pki("init", "--dir", authority / "ca", "--key", "p256", "--force")
    assert pki("check", f"{stem}.crt", "--ca", authority / "ca" / "ca.crt", check=False).returncode == 1


def test_keys_are_encrypted_if_asked_and_the_passphrase_is_in_no_argument(tmp_path):
    secret = {"AEOLUS_PKI_PASSPHRASE": "correct horse"}
    pki("init", "--dir", tmp_path / "ca", "--key", "p256", "--encrypt", **secret)
    assert "ENCRYPTED" in (tmp_path / "ca" / "ca.key").read_text()
    command = ("issue", "--dir", tmp_path / "ca", "--san", "a.example.com", "--encrypt", "--out", tmp_path / "a")
    none = pki(*command, check=False)
    assert none.returncode == 2 and "AEOLUS_PKI_PASSPHRASE" in none.stderr
    wrong = pki(*command, check=False, AEOLUS_PKI_PASSPHRASE="other")
    assert wrong.returncode == 2 and "doesn't open" in wrong.stderr
    aeolus.private(tmp_path / "passphrase", b"correct horse\n")
    pki(*command, "--passphrase-file", tmp_path / "passphrase")
    openssl("pkey", "-in", tmp_path / "a.key", "-passin", "pass:correct horse", "-noout")
    pki("renew", "--dir", tmp_path / "ca", "--now", **secret)
    assert "ENCRYPTED" in (tmp_path / "a.key").read_text()


def test_a_request_gets_what_it_is_given(authority):
    config = authority / "req.cnf"
    config.write_text(
        "[req]\ndistinguished_name=dn\n[dn]\n[ext]\nbasicConstraints=critical,CA:TRUE\n"
        "keyUsage=keyCertSign\nsubjectAltName=DNS:evil.example.org\n"
    )
    request = authority / "request.csr"
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout", authority / "own.key")
    openssl("req", "-new", *key, "-out", request, "-subj", "/CN=evil", "-config", config, "-reqexts", "ext")
    done = pki("sign", "--dir", authority / "ca", "--request", request, "--san", "a.example.com", "--out", authority / "a")
    assert "CA:TRUE" in done.stderr and "evil.example.org" in done.stderr
    shown = answer("inspect", authority / "a.crt")[0]
    assert shown["names"] == ["a.example.com"] and shown["authority"] == "no"
    assert shown["usages"] == ["digitalSignature", "keyEncipherment"]
    shown = answer("inspect", request)[0]
    assert shown["kind"] == "request" and shown["names"] == ["evil.example.org"]
    pki("sign", "--dir", authority / "ca", "--request", request, "--names-from-request", "--out", authority / "b")
    assert answer("inspect", authority / "b.crt")[0]["names"] == ["evil.example.org"]
    assert "evil.example.org" in pki("inspect", authority / "b.crt").stdout


def test_a_certificate_is_renewed_when_due_and_with_a_new_key(authority):
    stem = issued(authority, "a.example.com", key="p384")
    before = Path(f"{stem}.key").read_text()
    looked = answer("renew", "--dir", authority / "ca")
    assert [one["renewed"] for one in looked] == [False]
    assert Path(f"{stem}.key").read_text() == before
    looked = answer("renew", "--dir", authority / "ca", stem, "--now")
    assert [one["renewed"] for one in looked] == [True]
    assert Path(f"{stem}.key").read_text() != before
    shown = answer("inspect", f"{stem}.crt")[0]
    assert shown["key"] == "P-384" and shown["names"] == ["a.example.com"]
    left = datetime.fromisoformat(shown["notAfter"]) - datetime.now(timezone.utc)
    assert 89 <= left.days <= 90
    assert pki("check", f"{stem}.crt", "--ca", authority / "ca" / "ca.crt").returncode == 0
    unknown = pki("renew", "--dir", authority / "ca", authority / "nobody", check=False)
    assert unknown.returncode == 2 and "PKI-013" in unknown.stderr


def test_what_is_revoked_is_refused_by_openssl_and_found(authority):
    stem, other = issued(authority, "a.example.com"), issued(authority, "b.example.com", stem="other")
    answer("revoke", "--dir", authority / "ca", f"{stem}.crt", "--reason", "key-compromise")
    again = pki("revoke", "--dir", authority / "ca", f"{stem}.crt", check=False)
    assert again.returncode == 2 and "PKI-014" in again.stderr and "already, as key-compromise" in again.stderr
    unknown = pki("revoke", "--dir", authority / "ca", "00ff", check=False)
    assert unknown.returncode == 2 and "PKI-014" in unknown.stderr and "already" not in unknown.stderr
    ca, crl = authority / "ca" / "ca.crt", authority / "ca" / "crl.pem"
    command = ("verify", "-x509_strict", "-CAfile", ca, "-CRLfile", crl, "-crl_check")
    assert "certificate revoked" in openssl(*command, f"{stem}.crt", check=False)
    assert "OK" in openssl(*command, f"{other}.crt")
    assert "Key Compromise" in openssl("crl", "-in", crl, "-noout", "-text")
    done = pki("check", f"{stem}.crt", f"{other}.crt", "--ca", ca, "--crl", crl, "--output", "json", check=False)
    found = [[finding["code"] for finding in place["findings"]] for place in json.loads(done.stdout)]
    assert found == [["PKI-120"], []]
    assert answer("crl", "--dir", authority / "ca")["number"] == 2


def test_a_pair_is_exported_in_the_forms_that_others_want(authority):
    stem = issued(authority, "a.example.com")
    pki("export", stem, "--format", "pem", "--out", authority / "both.pem")
    assert mode(authority / "both.pem") == 0o600
    openssl("x509", "-in", authority / "both.pem", "-noout")
    openssl("pkey", "-in", authority / "both.pem", "-noout")
    secret = {"AEOLUS_PKI_PASSPHRASE": "p12"}
    pki("export", stem, "--format", "pkcs12", "--out", authority / "a.p12", **secret)
    assert "BEGIN PRIVATE KEY" in openssl("pkcs12", "-in", authority / "a.p12", "-passin", "pass:p12", "-nodes")
    assert pki("check", authority / "a.p12", "--ca", authority / "ca" / "ca.crt", **secret).returncode == 0
    assert pki("export", stem, "--format", "pkcs12", "--out", authority / "b.p12", check=False).returncode == 2
    name = ("--name", "platform-tls", "--namespace", "astronomer")
    manifest = pki("export", stem, "--format", "kubernetes", *name, "--out", "-").stdout
    manifest = yaml.safe_load(manifest)
    assert (manifest["apiVersion"], manifest["kind"], manifest["type"]) == ("v1", "Secret", "kubernetes.io/tls")
    assert manifest["metadata"] == {"name": "platform-tls", "namespace": "astronomer"}
    fields = manifest["data"]
    assert base64.b64decode(fields["tls.crt"]) == Path(f"{stem}.crt").read_bytes()
    assert base64.b64decode(fields["tls.key"]) == Path(f"{stem}.key").read_bytes()


def test_places_are_checked_together_and_told_apart(authority):
    stem = issued(authority, "a.example.com")
    short = issued(authority, "b.example.com", stem="short", more=("--days", "1"))
    ca = authority / "ca" / "ca.crt"
    done = pki("check", authority, "--ca", ca, "--warn-days", "30", "--output", "json", check=False)
    found = {Path(place["place"]).name: [f["code"] for f in place["findings"]] for place in json.loads(done.stdout)}
    assert done.returncode == 3 and found == {"short.crt": ["PKI-108"], "tls.crt": []}
    figures = pki("check", f"{stem}.crt", "--metrics").stdout
    assert 'aeolus_pki_check_not_after_timestamp_seconds{kind="file",place="' in figures and 'severity="error"} 0' in figures
    Path(f"{stem}.key").chmod(0o644)
    shutil.copy(f"{stem}.crt", authority / "mixed.crt")
    shutil.copy(f"{short}.key", authority / "mixed.key")
    done = pki("check", f"{stem}.crt", authority / "mixed.crt", "--output", "json", check=False)
    found = [[finding["code"] for finding in place["findings"]] for place in json.loads(done.stdout)]
    assert done.returncode == 1 and found == [["PKI-150"], ["PKI-110"]]
    assert pki("check", authority / "nothing.crt", check=False).returncode == 2
    closed = pki("check", "127.0.0.1:1", check=False)
    assert closed.returncode == 2 and "PKI-020" in closed.stderr


def test_a_root_changes_and_neither_old_nor_new_clients_notice(tmp_path):
    ca = tmp_path / "ca"
    pki("init", "--dir", ca, "--key", "p256", "--cn", "APC-CA", "--intermediate", "--permit", "example.com")
    stem = issued(tmp_path, "a.example.com")
    old = tmp_path / "old.crt"
    shutil.copy(ca / "ca.crt", old)

    def state() -> str:
        return answer("rotate-ca", "--dir", ca)["state"]

    def believed(*roots: Path) -> list[bool]:
        return [pki("check", f"{stem}.crt", "--ca", root, check=False).returncode == 0 for root in roots]

    step = ("rotate-ca", "--dir", ca, "--advance")
    assert state() == "standby"
    pki(*step)
    new = ca / "next.crt"
    assert state() == "init" and len(pems((ca / "bundle.crt").read_text())) == 2
    pki("renew", "--dir", ca, "--now")
    assert believed(old, new, ca / "bundle.crt") == [True, False, True], "nothing comes from the next root yet"
    refused = pki(*step, check=False)
    assert refused.returncode == 2 and "PKI-015" in refused.stderr
    pki(*step, "--clients-have-bundle")
    assert state() == "update_clients"
    refused = pki(*step, check=False)
    assert refused.returncode == 1 and "a.example.com" in refused.stderr
    pki("rotate-ca", "--dir", ca, "--rollback")
    assert state() == "init"
    pki(*step, "--clients-have-bundle")
    pki("renew", "--dir", ca, "--now")
    assert believed(old, new) == [True, True]
    chain = pems(Path(f"{stem}.crt").read_text())
    (tmp_path / "between.pem").write_text("".join(chain[1:]))
    for root in (old, new):
        command = ("verify", "-x509_strict", "-CAfile", root, "-untrusted", tmp_path / "between.pem")
        assert "OK" in openssl(*command, "-verify_hostname", "a.example.com", f"{stem}.crt")
    pki(*step)
    assert state() == "update_servers"
    refused = pki(*step, check=False)
    assert refused.returncode == 1 and "PKI-017" in refused.stderr
    pki(*step, "--force")
    assert state() == "standby" and not new.exists()
    shutil.copy(ca / "ca.crt", tmp_path / "now.crt")
    pki("renew", "--dir", ca, "--now")
    assert believed(old, tmp_path / "now.crt") == [False, True]
    assert len(pems((ca / "bundle.crt").read_text())) == 1
    refused = pki("issue", "--dir", ca, "--san", "a.example.org", "--out", tmp_path / "x", check=False)
    assert refused.returncode == 1 and "may not issue for its names" in refused.stderr
