"""`aeolus pki`: another intermediate, addresses of lists, excluded names, and what is run after a renewal."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from harness import aeolus
from harness.pki import answer, issued, mode, openssl, pems, pki, state
from harness.web import serving

URL = "http://pki.example.com/crl"


def verifies(folder: Path, stem: Path, *more: object) -> str:
    """What openssl says of a pair whose file has its intermediate."""
    leaf, *between = pems(Path(f"{stem}.crt").read_text())
    (folder / "leaf.pem").write_text(leaf)
    (folder / "between.pem").write_text("".join(between))
    trust = ("-CAfile", folder / "ca" / "bundle.crt", "-untrusted", folder / "between.pem")
    return openssl("verify", "-x509_strict", *trust, *more, folder / "leaf.pem", check=False)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with an authority and its intermediate in `ca`."""
    made = ("--key", "p256", "--cn", "Acme", "--intermediate", "--permit", "example.com", "--crl-url", URL)
    pki("init", "--dir", tmp_path / "ca", *made)
    return tmp_path


def test_an_intermediate_is_renewed_and_the_one_before_signs_on_what_it_revokes(folder):
    old, new = issued(folder, "a.example.com", stem="old"), folder / "new"
    gone = issued(folder, "c.example.com", stem="gone")
    bundle = (folder / "ca" / "bundle.crt").read_text()
    looked = answer("renew", "--dir", folder / "ca")
    assert [one["renewed"] for one in looked] == [False, False, False]
    looked = answer("renew", "--dir", folder / "ca", "--intermediate")
    assert [one["renewed"] for one in looked] == [True, False, False]
    assert looked[0]["stem"] == str(folder / "ca" / "intermediate")
    assert (folder / "ca" / "bundle.crt").read_text() == bundle
    assert [one["name"] for one in state(folder)["former"]] == ["intermediate-1"]
    kept = folder / "ca" / "intermediate-1.key"
    assert mode(kept) == 0o600
    issued(folder, "b.example.com", stem="new")
    # Both chains are whole, of different intermediates, with what is permitted.
    issuers = [answer("inspect", f"{stem}.crt")[0]["issuer"] for stem in (old, new)]
    assert issuers == ["CN=Acme Issuing", "CN=Acme Issuing G2"]
    for stem in (old, new):
        assert verifies(folder, stem).strip().endswith("OK")
        assert pki("check", f"{stem}.crt", "--ca", folder / "ca" / "bundle.crt").returncode == 0
    refused = pki("issue", "--dir", folder / "ca", "--san", "a.example.org", "--out", folder / "x", check=False)
    assert refused.returncode == 1
    # Of each, the list that its address leads to says what is revoked.
    for stem in (old, new):
        pki("revoke", "--dir", folder / "ca", f"{stem}.crt")
        (address,) = answer("inspect", f"{stem}.crt")[0]["crlUrls"]
        assert address.startswith(f"{URL}/")
        listed = folder / "ca" / "crl" / address.rsplit("/", 1)[1]
        assert address in openssl("x509", "-in", f"{stem}.crt", "-noout", "-text")
        pem = openssl("crl", "-inform", "DER", "-in", listed)
        (folder / "crl.pem").write_text(pem)
        judged = verifies(folder, stem, "-crl_check", "-CRLfile", folder / "crl.pem")
        assert "certificate revoked" in judged, judged
        checked = ("--ca", folder / "ca" / "bundle.crt", "--crl", folder / "ca" / "crl.pem")
        assert "PKI-120" in pki("check", f"{stem}.crt", *checked, check=False).stdout
    fine = verifies(folder, gone, "-crl_check", "-CRLfile", folder / "ca" / "crl.pem")
    assert fine.strip().endswith("OK"), fine
    assert len(list((folder / "ca" / "crl").iterdir())) == 2
    # Once nothing of it is alive, it goes.
    changed = state(folder)
    for record in changed["issued"]:
        if record["issuer"] == changed["former"][0]["issuer"]:
            record["notAfter"] = 1
    (folder / "ca" / "authority.json").write_text(json.dumps(changed))
    pki("crl", "--dir", folder / "ca")
    assert not kept.exists() and state(folder).get("former", []) == []
    assert len(list((folder / "ca" / "crl").iterdir())) == 1


def test_without_the_roots_key_the_rest_is_renewed_and_it_is_said(folder):
    stem = issued(folder, "a.example.com")
    before = Path(f"{stem}.crt").read_text()
    shutil.move(folder / "ca" / "ca.key", folder / "elsewhere.key")
    done = pki("renew", "--dir", folder / "ca", "--intermediate", "--now", check=False)
    assert done.returncode == 1 and "PKI-023" in done.stderr and "elsewhere" not in done.stderr
    assert Path(f"{stem}.crt").read_text() != before
    shutil.move(folder / "elsewhere.key", folder / "ca" / "ca.key")
    # A run that was stopped after it had remembered the one that is still there.
    pki("renew", "--dir", folder / "ca", "--intermediate")
    for ending in ("crt", "key"):
        shutil.copy(folder / "ca" / f"intermediate-1.{ending}", folder / "ca" / f"intermediate.{ending}")
    pki("crl", "--dir", folder / "ca")
    pki("renew", "--dir", folder / "ca", "--intermediate")
    assert [one["name"] for one in state(folder)["former"]] == ["intermediate-1"]
    assert verifies(folder, stem).strip().endswith("OK")


def test_excluded_names_are_not_issued_and_openssl_agrees(tmp_path):
    permit = ("--permit", "example.com", "10.0.0.0/8", "--exclude", "secret.example.com", "10.1.0.0/16")
    pki("init", "--dir", tmp_path / "ca", "--key", "p256", "--intermediate", *permit)
    for name, fine in (
        ("a.example.com", True),
        ("10.2.0.1", True),
        ("secret.example.com", False),
        ("a.secret.example.com", False),
        ("10.1.0.1", False),
        ("192.168.0.1", False),
    ):
        stem = tmp_path / name.replace(".", "-")
        done = pki("issue", "--dir", tmp_path / "ca", "--san", name, "--out", stem, check=False)
        assert (done.returncode == 0) == fine, done.stderr
    # The key alone makes no name of another kind that openssl would believe.
    ca = tmp_path / "ca"
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "k", "-out", tmp_path / "r", "-subj", "/O=x")
    for names, fine in (
        ("DNS:a.example.com", True),
        ("DNS:a.example.com,email:ann@example.com", False),
        ("DNS:a.example.com,email:ann@nobody.invalid", False),
        ("DNS:secret.example.com", False),
        ("IP:10.1.2.3", False),
    ):
        (tmp_path / "ext").write_text(f"subjectAltName={names}\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n")
        signer = ("-CA", ca / "intermediate.crt", "-CAkey", ca / "intermediate.key", "-CAcreateserial", "-extfile", tmp_path / "ext")
        openssl("x509", "-req", "-in", tmp_path / "r", *signer, "-out", tmp_path / "leaf.pem", "-days", "9")
        trust = ("-CAfile", ca / "ca.crt", "-untrusted", ca / "intermediate.crt")
        judged = openssl("verify", *trust, tmp_path / "leaf.pem", check=False)
        assert judged.strip().endswith("OK") == fine, f"{names}: {judged}"


@contextmanager
def published(folder: Path):
    """A web server with a folder; yields its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as port:
        yield f"http://127.0.0.1:{port}"


def test_lists_are_fetched_from_where_certificates_say_if_asked(tmp_path):
    with published(tmp_path) as address:
        pki("init", "--dir", tmp_path / "ca", "--key", "p256", "--crl-url", f"{address}/ca/crl")
        stem = issued(tmp_path, "a.example.com")
        check = ("check", f"{stem}.crt", "--ca", tmp_path / "ca" / "ca.crt")
        assert pki(*check).returncode == 0
        missing = pki(*check, "--fetch-crls", check=False)
        assert missing.returncode == 2 and "PKI-026" in missing.stderr and "404" in missing.stderr
        pki("crl", "--dir", tmp_path / "ca")
        assert pki(*check, "--fetch-crls").returncode == 0
        pki("revoke", "--dir", tmp_path / "ca", f"{stem}.crt")
        revoked = pki(*check, "--fetch-crls", check=False)
        assert revoked.returncode == 1 and "PKI-120" in revoked.stdout
    gone = pki(*check, "--fetch-crls", check=False)
    assert gone.returncode == 2 and "PKI-026" in gone.stderr


def test_an_address_of_lists_is_one_that_can_be_followed(tmp_path):
    for address in ("https://pki.example.com", "pki.example.com/crl", "http://a b"):
        done = pki("init", "--dir", tmp_path / "ca", "--crl-url", address, check=False)
        assert done.returncode == 2 and "no address" in done.stderr
    assert not (tmp_path / "ca").exists()


def program(folder: Path, text: str) -> Path:
    """A program that is run after a renewal."""
    path = folder / "reload"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_program_is_run_once_something_changed_and_again_if_it_failed(folder):
    stem, other = issued(folder, "a.example.com"), issued(folder, "b.example.com", stem="other")
    ran = folder / "ran"
    hook = program(folder, f'printf "%s|" "$@" >> {ran}; printf "%s\\n" "$AEOLUS_PKI_CHANGED" >> {ran}; echo reloaded')
    command = ("renew", "--dir", folder / "ca")
    # Words are words: no shell reads them.
    run = ("--run", f"{hook} $HOME ;id")
    pki(*command, *run)
    assert not ran.exists(), "nothing was due"
    done = pki(*command, stem, "--now", *run, "--output", "json")
    assert ran.read_text() == f"$HOME|;id|{stem}\n"
    assert [one["stem"] for one in json.loads(done.stdout)] == [str(stem)] and "reloaded" in done.stderr
    ran.unlink()
    program(folder, "exit 7")
    failed = pki(*command, other, "--now", *run, check=False)
    assert failed.returncode == 4 and "PKI-024" in failed.stderr and "exit status: 7" in failed.stderr
    assert state(folder)["untold"] == [str(other)]
    # It may use the authority itself, and is told what it wasn't told.
    program(folder, f'"$AEOLUS" pki crl --dir {folder / "ca"} >/dev/null && echo "$AEOLUS_PKI_CHANGED" > {ran}')
    pki(*command, *run, AEOLUS=str(aeolus.BINARY))
    assert ran.read_text() == f"{other}\n"
    ran.unlink()
    pki(*command, *run, AEOLUS=str(aeolus.BINARY))
    assert not ran.exists() and "untold" not in state(folder)
    missing = pki(*command, "--now", "--run", "/nowhere/none", check=False)
    assert missing.returncode == 4 and "can't be run" in missing.stderr
    assert pki(*command, "--run", " ", check=False).returncode == 2
