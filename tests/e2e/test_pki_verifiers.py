"""What `aeolus pki` issues, judged by programs that are nobody's but their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import required
from harness.pki import issued, openssl, pems, pki, serving
from harness.process import ROOT

KINDS = ("rsa4096", "p256", "p384", "ed25519")
PKILINT = ROOT / ".tools" / "pkilint" / "bin"


@pytest.fixture(scope="module", params=KINDS)
def chained(request, tmp_path_factory) -> tuple[Path, Path, str]:
    """An authority with an intermediate and a pair of it, of each kind of key."""
    folder = tmp_path_factory.mktemp(request.param)
    key = "rsa2048" if request.param == "rsa4096" else request.param
    permit = ("example.com", "localhost", "127.0.0.0/8")
    pki("init", "--dir", folder / "ca", "--key", request.param, "--cn", "Acme", "--intermediate", "--permit", *permit)
    more = ("--profile", "both")
    stem = issued(folder, "etl.example.com", "*.etl.example.com", "localhost", "127.0.0.1", key=key, more=more)
    return folder, stem, request.param


def test_openssl_verifies_it_strictly(chained):
    folder, stem, _ = chained
    chain = pems(Path(f"{stem}.crt").read_text())
    assert len(chain) == 2, "the leaf and the intermediate, and no root"
    (folder / "between.pem").write_text(chain[1])
    command = ["verify", "-x509_strict", "-CAfile", folder / "ca" / "bundle.crt", "-untrusted", folder / "between.pem"]
    for purpose in ("sslserver", "sslclient"):
        for name in ("etl.example.com", "a.etl.example.com", "localhost"):
            judged = openssl(*command, "-purpose", purpose, "-verify_hostname", name, f"{stem}.crt")
            assert judged.strip().endswith("OK"), judged
    assert "OK" in openssl(*command, "-verify_ip", "127.0.0.1", f"{stem}.crt")
    for name in ("example.com", "a.b.etl.example.com", "example.org"):
        refused = openssl(*command, "-verify_hostname", name, f"{stem}.crt", check=False)
        assert "verification failed" in refused, refused
    assert openssl("pkey", "-in", f"{stem}.key", "-pubout") == openssl("x509", "-in", f"{stem}.crt", "-pubkey", "-noout")


def test_gnutls_verifies_it(chained):
    required("certtool", shutil.which("certtool") is not None)
    folder, stem, _ = chained
    command = ["certtool", "--verify", "--load-ca-certificate", str(folder / "ca" / "bundle.crt")]
    for name, fine in (("a.etl.example.com", True), ("example.org", False)):
        done = subprocess.run(
            [*command, "--verify-hostname", name, "--verify-purpose", "1.3.6.1.5.5.7.3.1"],
            input=Path(f"{stem}.crt").read_text(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) == fine, done.stdout + done.stderr


def test_python_and_urllib3_connect_to_it(chained):
    import urllib3

    folder, stem, _ = chained
    bundle = str(folder / "ca" / "bundle.crt")
    with serving(stem) as port:
        for host in ("localhost", "127.0.0.1"):
            pool = urllib3.HTTPSConnectionPool(host, port, ca_certs=bundle, retries=False)
            assert pool.request("GET", "/").data == b"ok"
        with pytest.raises(urllib3.exceptions.SSLError):
            named = urllib3.HTTPSConnectionPool(
                "127.0.0.1", port, ca_certs=bundle, retries=False, assert_hostname="example.com"
            )
            named.request("GET", "/")


@pytest.fixture(scope="module")
def go(tmp_path_factory) -> Path:
    """A client in Go that connects to an address and trusts a file."""
    required("go", shutil.which("go") is not None)
    folder = tmp_path_factory.mktemp("go")
    (folder / "main.go").write_text(GO)
    env = {**os.environ, "GOCACHE": str(folder / "cache"), "GO111MODULE": "off", "GOFLAGS": ""}
    command = ["go", "build", "-o", str(folder / "client"), str(folder / "main.go")]
    subprocess.run(command, check=True, env=env, capture_output=True, cwd=folder)
    return folder / "client"


def test_go_connects_to_it(chained, go):
    folder, stem, _ = chained
    with serving(stem) as port:
        command = [str(go), str(folder / "ca" / "bundle.crt"), f"localhost:{port}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


GO = """
package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

func main() {
	pem, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	connection, err := tls.Dial("tcp", os.Args[2], &tls.Config{RootCAs: roots})
	if err != nil {
		panic(err)
	}
	connection.Close()
}
"""


def test_rustls_connects_to_it_and_nothing_is_found(chained):
    folder, stem, kind = chained
    with serving(stem) as port:
        place = f"localhost:{port}"
        done = pki("check", place, "--ca", folder / "ca" / "bundle.crt", "--output", "json", check=False)
    found = [finding["code"] for finding in json.loads(done.stdout)[0]["findings"]]
    assert found == (["PKI-118"] if kind == "ed25519" else [])
    assert done.returncode == (3 if kind == "ed25519" else 0)


def lint(program: str, *arguments: object) -> list[str]:
    """The names of what pkilint finds, from notices on."""
    command = [str(PKILINT / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    results = json.loads(done.stdout)["results"]
    return [finding["code"] for result in results for finding in result["finding_descriptions"]]


@pytest.mark.parametrize("kind", KINDS)
def test_pkilint_finds_nothing_but_the_wildcard(kind, tmp_path):
    required("pkilint", PKILINT.exists())
    folder = tmp_path
    # A domain of one label, such as localhost, would be remarked as well.
    permit = ("--permit", "example.com", "127.0.0.0/8")
    pki("init", "--dir", folder / "ca", "--key", kind, "--intermediate", *permit)
    names = ("etl.example.com", "*.etl.example.com", "127.0.0.1")
    stem = issued(folder, *names, key=kind.replace("4096", "2048"))
    leaf, between = pems(Path(f"{stem}.crt").read_text())
    files = {"leaf": leaf, "between": between, "root": (folder / "ca" / "ca.crt").read_text()}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        found = lint("lint_pkix_cert", "lint", "-s", "WARNING", "-f", "JSON", tmp_path / name)
        # RFC 5280 knows no wildcards in names; RFC 6125 does, and so does every client.
        expected = ["pkix.invalid_domain_name_syntax"] if name == "leaf" else []
        assert found == expected, f"{name}: {found}"
    pki("crl", "--dir", folder / "ca")
    found = lint("lint_crl", "lint", "-t", "CRL", "-p", "PKIX", "-s", "WARNING", "-f", "JSON", folder / "ca" / "crl.pem")
    assert found == []
