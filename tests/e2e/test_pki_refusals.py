"""`aeolus pki`: what it must not overlook, lose or overwrite, and what a run that was stopped leaves behind."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness import aeolus
from harness.pki import answer, issued, mode, openssl, pki, serving, state


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with an authority in `ca`."""
    pki("init", "--dir", tmp_path / "ca", "--key", "p256", "--cn", "APC-CA")
    return tmp_path


def codes(*arguments: object) -> list[str]:
    done = pki("check", *arguments, "--output", "json", check=False)
    return [finding["code"] for place in json.loads(done.stdout) for finding in place["findings"]]


def key_of(stem: Path) -> str:
    return Path(f"{stem}.key").read_text()


def remember(folder: Path, changed: dict) -> None:
    (folder / "ca" / "authority.json").write_text(json.dumps(changed))


def test_a_run_says_which_folder_it_waits_for(folder):
    with (folder / "ca" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = (aeolus.BINARY, "pki", "crl", "--dir", folder / "ca")
        waiting = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            said = waiting.stderr.readline()
            assert f"Another run of aeolus is in {folder / 'ca'}" in said
            assert waiting.poll() is None
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert waiting.wait(20) == 0
        finally:
            waiting.kill()
            waiting.communicate()
    assert (folder / "ca" / "crl.pem").exists()


def test_what_is_remembered_and_damaged_is_not_taken_for_what_was_typed(folder):
    issued(folder, "a.example.com")
    fine = state(folder)
    record = fine["issued"][0]
    damaged = [{"issued": [{**record, **wrong}]} for wrong in ({"names": ["exa mple.com"]}, {"names": []}, {"serial": "zz"})]
    for wrong in (*damaged, {"permitted": ["not a name"]}):
        remember(folder, {**fine, **wrong})
        done = pki("renew", "--dir", folder / "ca", "--now", check=False)
        assert done.returncode == 1 and "FILE-0003" in done.stderr and "authority.json is damaged" in done.stderr, done.stderr
    remember(folder, fine)
    pki("renew", "--dir", folder / "ca", "--now")


def test_an_authority_that_a_server_uses_is_found(folder):
    own = folder / "self.crt"
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout", folder / "self.key")
    openssl("req", "-x509", *key, "-days", "90", "-subj", "/CN=a.example.com", "-out", own)
    (folder / "self.key").chmod(0o600)
    ca = ("--ca", folder / "ca" / "ca.crt")
    done = pki("check", own, *ca, "--host", "a.example.com", check=False)
    assert done.returncode == 1 and "PKI-115" in done.stdout
    assert "PKI-115" in codes(own, "--key", folder / "self.key")
    pki("init", "--dir", folder / "two", "--key", "p256", "--intermediate")
    pki("issue", "--dir", folder / "two", "--san", "a.example.com", "--out", folder / "tls")
    text = (folder / "two" / "intermediate.crt").read_text() + (folder / "tls.crt").read_text()
    (folder / "turned.crt").write_text(text)
    assert "PKI-111" in codes(folder / "turned.crt", "--ca", folder / "two" / "ca.crt")


def test_nothing_is_called_right_that_was_not_looked_at(folder):
    stem = issued(folder, "a.example.com")
    ca, leaf = folder / "ca" / "ca.crt", f"{stem}.crt"
    plain = pki("check", leaf)
    assert "nothing is wrong" in plain.stdout and "weren't proved" in plain.stderr
    assert "weren't proved" not in pki("check", leaf, "--ca", ca).stderr
    for option, file in (("--ca", f"{stem}.key"), ("--crl", ca), ("--key", ca)):
        done = pki("check", leaf, option, file, check=False)
        assert done.returncode == 2 and "PKI-003" in done.stderr, option
    half = pki("check", leaf, folder / "nowhere.crt", "--ca", ca, check=False)
    assert half.returncode == 2 and "nothing is wrong" not in half.stdout
    (folder / "empty").mkdir()
    assert codes(folder / "empty") == ["PKI-151"]
    (folder / "upper").mkdir()
    shutil.copy(leaf, folder / "upper" / "TLS.CRT")
    assert "nothing is wrong" in pki("check", folder / "upper", "--ca", ca).stdout
    pki("init", "--dir", folder / "other", "--key", "p256", "--cn", "Other")
    pki("crl", "--dir", folder / "other")
    assert codes(leaf, "--ca", ca, "--crl", folder / "other" / "crl.pem") == ["PKI-124"]


def test_a_servers_own_name_is_checked_whatever_else_is_asked(folder):
    stem = issued(folder, "a.example.com")
    with serving(stem) as port:
        place = f"localhost:{port}"
        found = codes(place, "--ca", folder / "ca" / "ca.crt", "--host", "a.example.com")
        assert found == ["PKI-103"]
        assert "PKI-152" in codes(f"a_b.localhost:{port}", "--ca", folder / "ca" / "ca.crt")


def test_a_server_whose_certificate_can_not_be_read_strictly_is_looked_at_all_the_same(folder):
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout", folder / "old.key")
    openssl("req", "-new", *key, "-out", folder / "csr", "-subj", "/CN=localhost")
    signer = ("-CA", folder / "ca" / "ca.crt", "-CAkey", folder / "ca" / "ca.key", "-CAcreateserial")
    openssl("x509", "-req", "-in", folder / "csr", *signer, "-days", "9", "-out", folder / "old.crt")
    with serving(folder / "old") as port:
        found = codes(f"localhost:{port}", "--ca", folder / "ca" / "ca.crt")
    # X.509 v1 of openssl 3.0; newer ones make it of version 3, and still without a name.
    assert found == ["PKI-101", "PKI-102", "PKI-103", "PKI-154"] or found == ["PKI-102", "PKI-103"]


def test_a_renewal_that_was_stopped_is_done_again(folder):
    stem = issued(folder, "a.example.com", key="p384")
    kept = Path(f"{stem}.crt").read_bytes(), Path(f"{stem}.key").read_bytes()
    pki("renew", "--dir", folder / "ca", "--now")
    before = key_of(stem)
    for path, content in zip((f"{stem}.crt", f"{stem}.key"), kept, strict=True):
        Path(path).unlink()
        aeolus.private(Path(path), content)
    # As if the renewal had been killed before it wrote: the older one lies there, and isn't due.
    assert [one["renewed"] for one in answer("renew", "--dir", folder / "ca")] == [False]
    assert len(state(folder)["issued"]) == 1 and key_of(stem) != before
    Path(f"{stem}.crt").unlink()
    assert [one["renewed"] for one in answer("renew", "--dir", folder / "ca")] == [True]
    assert answer("inspect", f"{stem}.crt")[0]["key"] == "P-384"
    pki("init", "--dir", folder / "other", "--key", "p256")
    pki("issue", "--dir", folder / "other", "--san", "a.example.com", "--out", folder / "foreign")
    shutil.copy(folder / "foreign.crt", f"{stem}.crt")
    assert [one["renewed"] for one in answer("renew", "--dir", folder / "ca")] == [True]
    assert pki("check", f"{stem}.crt", "--ca", folder / "ca" / "ca.crt").returncode == 0


def test_a_pair_that_can_not_be_written_is_not_remembered(folder):
    (folder / "tls.key.new").mkdir()
    refused = pki("issue", "--dir", folder / "ca", "--san", "a.b", "--out", folder / "tls", check=False)
    assert refused.returncode == 1 and "FILE-0002" in refused.stderr
    assert state(folder)["issued"] == []


def test_keys_of_an_authority_before_are_kept(tmp_path):
    ca = tmp_path / "ca"
    pki("init", "--dir", ca, "--key", "p256", "--intermediate")
    pki("rotate-ca", "--dir", ca, "--advance")
    names = ("next.key", "next-intermediate.key", "intermediate.key", "cross.crt")
    before = {name: (ca / name).read_text() for name in names}
    pki("init", "--dir", ca, "--key", "p256", "--force")
    aside = ca / "before-1"
    assert {name: (aside / name).read_text() for name in names} == before
    assert mode(aside) == 0o700 and not (ca / "next.key").exists()
    issued(tmp_path, "a.example.com")


def test_what_was_encrypted_stays_so(tmp_path):
    secret = {"AEOLUS_PKI_PASSPHRASE": "correct horse"}
    ca = tmp_path / "ca"
    pki("init", "--dir", ca, "--key", "p256", "--intermediate", "--encrypt", **secret)
    pki("issue", "--dir", ca, "--san", "a.example.com", "--encrypt", "--out", tmp_path / "a", **secret)
    (tmp_path / "a.key").unlink()
    pki("renew", "--dir", ca, **secret)
    assert "ENCRYPTED" in (tmp_path / "a.key").read_text()
    pki("rotate-ca", "--dir", ca, "--advance", **secret)
    for name in ("next.key", "next-intermediate.key"):
        assert "ENCRYPTED" in (ca / name).read_text()


def test_the_end_of_a_rotation_is_ended_and_not_taken_back(tmp_path):
    ca, step = tmp_path / "ca", ("rotate-ca", "--dir", tmp_path / "ca")
    pki("init", "--dir", ca, "--key", "p256", "--intermediate")
    for more in ((), ("--clients-have-bundle",), ()):
        pki(*step, "--advance", *more)
    # As a run leaves it that is killed after the first of the two pairs.
    changed = state(tmp_path)
    assert changed["rotation"] == "update_servers"
    remember(tmp_path, {**changed, "rotation": "retiring"})
    for ending in ("crt", "key"):
        shutil.copy(ca / f"next-intermediate.{ending}", ca / f"intermediate.{ending}")
    refused = pki(*step, "--rollback", check=False)
    assert refused.returncode == 2 and "--advance" in refused.stderr
    issued(tmp_path, "a.example.com")
    pki("crl", "--dir", ca)
    assert answer(*step)["state"] == "retiring"
    assert answer(*step, "--advance")["state"] == "standby"
    assert not (ca / "next.crt").exists()
    issued(tmp_path, "b.example.com", stem="b")
    assert pki("check", tmp_path / "tls.crt", "--ca", ca / "ca.crt").returncode == 0


def test_of_several_runs_one_writes(folder):
    command = ("issue", "--dir", folder / "ca", "--san", "a.example.com", "--out", folder / "tls")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: pki(*command, check=False).returncode, range(4)))
    assert sorted(done) == [0, 2, 2, 2]
    assert len(state(folder)["issued"]) == 1


def test_a_place_that_belongs_to_something_else_is_refused(folder):
    inside = pki("issue", "--dir", folder / "ca", "--san", "a.b", "--out", folder / "ca" / "ca", "--force", check=False)
    assert inside.returncode == 2 and "PKI-022" in inside.stderr
    stem = issued(folder, "a.example.com")
    before = Path(f"{stem}.crt").read_text()
    own = ("-newkey", "rsa:2048", "-nodes", "-keyout", folder / "own.key")
    openssl("req", "-new", *own, "-out", folder / "csr", "-subj", "/CN=a")
    command = ("sign", "--dir", folder / "ca", "--request", folder / "csr", "--san", "a.example.com")
    refused = pki(*command, "--out", stem, "--force", check=False)
    assert refused.returncode == 2 and "PKI-021" in refused.stderr
    assert Path(f"{stem}.crt").read_text() == before
    # Beside its own key it is where it belongs.
    pki(*command, "--out", folder / "own")
    assert pki("check", folder / "own.crt", "--key", folder / "own.key").returncode == 0


def test_another_user_reads_what_was_renewed(folder):
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    place = folder / "served"
    place.mkdir(mode=0o755)
    pki("issue", "--dir", folder / "ca", "--san", "a.example.com", "--out", place / "tls")
    os.chown(place / "tls.key", 65534, 65534)
    (place / "tls.key").chmod(0o640)
    pki("renew", "--dir", folder / "ca", "--now")
    pki("renew", "--dir", folder / "ca", "--now")
    found = (place / "tls.key").stat()
    assert (found.st_uid, found.st_gid, mode(place / "tls.key")) == (65534, 65534, 0o640)
    # The folders of the tests are private: reached from within, as by a service that is given this one.
    read = ["python3", "-c", "import os; os.setgid(65534); os.setuid(65534); [open(f'tls.{e}').read() for e in ('crt', 'key')]"]
    done = subprocess.run(read, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_uri_does_not_escape_what_is_permitted(tmp_path):
    pki("init", "--dir", tmp_path / "ca", "--key", "p256", "--intermediate", "--permit", "example.com")
    names = ("a.example.com", "spiffe://plane/eu-1")
    refused = pki("issue", "--dir", tmp_path / "ca", "--san", *names, "--out", tmp_path / "tls", check=False)
    assert refused.returncode == 1 and "is a URI" in refused.stderr
    assert not (tmp_path / "tls.crt").exists() and aeolus.run("pki", "check", str(tmp_path / "ca")).returncode == 0
