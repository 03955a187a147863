"""`aeolus pki acme` with an authority that is nobody's but its own."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import socket
import stat
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import required
from cryptography import x509
from harness import aeolus
from harness.pebble import Pebble, Said, authority, order, refusing, saying, suggesting
from harness.process import running, wait_for


@pytest.fixture(scope="module")
def pebble(tmp_path_factory):
    """An authority for those who leave it as it is."""
    required("pebble", shutil.which("pebble") is not None)
    with authority(tmp_path_factory.mktemp("pebble")) as started:
        yield started


class Client:
    """A folder, and a pair of it."""

    def __init__(self, home: Path, pebble: Pebble, *names: str, more: tuple[str, ...] = ()) -> None:
        self.home, self.pebble, self.more = home, pebble, more
        self.names = names or ("etl.example.com",)
        self.out = home / "tls"
        self.directory = pebble.directory

    def command(self, *more: object, names: tuple[str, ...] | None = None, hook: Path | None = None) -> list[str]:
        """The arguments."""
        proof = ["--dns-hook", hook] if hook else ["--http-01", f"127.0.0.1:{self.pebble.http}"]
        command = ["pki", "acme", "--dir", self.home / "acme", *self.pebble.options(self.directory)]
        command += ["--san", *(names or self.names), "--out", self.out, *proof, *self.more, *more]
        return [str(part) for part in command]

    def run(self, *more: object, **how) -> dict:
        """What it did."""
        return json.loads(aeolus.run(*self.command(*more, "--output", "json", **how)).stdout)

    def refused(self, *more: object, code: str, status: int = 1, **how) -> str:
        """What it said, with a code and an exit status."""
        done = aeolus.run(*self.command(*more, **how), check=False)
        assert done.returncode == status and f"error[{code}]" in done.stderr, done.stderr
        return done.stderr

    def pair(self) -> tuple[bytes, bytes]:
        """Both files."""
        return Path(f"{self.out}.crt").read_bytes(), Path(f"{self.out}.key").read_bytes()


@pytest.fixture
def client(pebble, tmp_path):
    return Client(tmp_path, pebble)


PRESENT = "present _acme-challenge.etl.example.com"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_http_01_and_a_rerun_that_leaves_it_alone(client, pebble):
    names = ("etl.example.com", "www.example.com")
    first = client.run("--email", "ann@example.com", names=names)
    assert first["renewed"] is True and sorted(first["names"]) == sorted(names), first
    root = pebble.root()
    checked = aeolus.run("pki", "check", f"{client.out}.crt", "--ca", str(root), check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    verified = ["openssl", "verify", "-x509_strict", "-CAfile", root, "-untrusted", f"{client.out}.crt"]
    for name in names:
        subprocess.run([*verified, "-verify_hostname", name, f"{client.out}.crt"], check=True, capture_output=True)
    assert json.loads(aeolus.run("pki", "inspect", f"{client.out}.crt", "--output", "json").stdout)
    folder = client.home / "acme"
    assert mode(folder) == 0o700 and mode(Path(f"{client.out}.key")) == 0o600
    assert [mode(path) for path in (folder / "accounts").iterdir()] == [0o600]
    assert list((folder / "challenges").iterdir()) == []
    before = client.pair()
    again = client.run(names=tuple(reversed(names)))
    assert again["renewed"] is False and again["serial"] == first["serial"] and client.pair() == before
    said = aeolus.run(*client.command(names=names)).stdout
    assert "not due" in said, said
    now = client.run("--now", "--ca", root, "--key", "p384", names=names)
    assert now["renewed"] is True and now["serial"] != first["serial"]
    kept = Path(now["before"])
    assert ((kept / "certificate").read_bytes(), (kept / "key").read_bytes()) == before
    more = client.run(names=(*names, "more.example.com"))
    assert more["renewed"] is True and "other names" in more["why"] and len(more["names"]) == 3
    Path(f"{client.out}.key").unlink()
    assert client.run(names=(*names, "more.example.com"))["why"] == "there was none"


def test_a_wildcard_by_dns_and_what_it_leaves_behind(client, pebble):
    hook = pebble.hook("wild")
    made = client.run("--ca", pebble.root(), "--key", "rsa2048", names=("*.example.com", "example.com"), hook=hook)
    assert sorted(made["names"]) == ["*.example.com", "example.com"]
    record = "_acme-challenge.example.com"
    assert pebble.told("wild") == [f"present {record}"] * 2 + [f"cleanup {record}"] * 2
    values = {line.split()[2] for line in (pebble.home / "wild.log").read_text().splitlines()}
    assert len(values) == 2, "one for the wildcard, one for the name"


def test_what_can_not_be_is_said_before_anything_is_sent(client, pebble, tmp_path):
    orders = pebble.orders()
    client.refused(names=("*.example.com",), code="ACME-003", status=2)
    client.refused(names=("10.0.0.1",), hook=tmp_path / "hook", code="ACME-003", status=2)
    client.refused(names=("urn:a:b",), code="ACME-002", status=2)
    client.refused("--ca", tmp_path / "gone", code="ACME-006", status=2)
    for url in ("http://127.0.0.1/dir", "ca.example.com"):
        command = client.command()
        command[command.index(pebble.directory)] = url
        done = aeolus.run(*command, check=False)
        assert done.returncode == 2 and "ACME-001" in done.stderr, done.stderr
    silent = [part for part in client.command() if part != "--agree-terms"]
    done = aeolus.run(*silent, check=False)
    assert done.returncode == 2 and "ACME-004" in done.stderr, done.stderr
    neither = aeolus.run("pki", "acme", "--dir", str(tmp_path / "d"), "--san", "a.b", "--out", "x", check=False)
    assert neither.returncode == 2 and "--http-01" in neither.stderr, neither.stderr
    (tmp_path / "eab").write_text("not base64url!")
    client.refused("--eab-kid", "kid-1", "--eab-key-file", tmp_path / "eab", code="ACME-005", status=2)
    client.out = tmp_path / "gone" / "tls"
    client.refused(code="ACME-050")
    assert pebble.orders() == orders and not Path(f"{client.out}.crt").exists()


def test_an_authority_that_binds_accounts_and_refuses_nonces(tmp_path):
    required("pebble", shutil.which("pebble") is not None)
    key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    settings = {"externalAccountBindingRequired": True, "externalAccountMACKeys": {"kid-1": key}}
    with authority(tmp_path / "pebble", {"PEBBLE_WFE_NONCEREJECT": "40"}, **settings) as pebble:
        client = Client(tmp_path, pebble)
        client.refused(code="ACME-024")
        (tmp_path / "eab").write_text("d3Jvbmc")
        client.refused("--now", "--eab-kid", "kid-1", "--eab-key-file", tmp_path / "eab", code="ACME-025")
        (tmp_path / "eab").write_text(f"{key}\n")
        binding = ("--eab-kid", "kid-1", "--eab-key-file", tmp_path / "eab")
        made = client.run("--now", *binding, names=("a.example.com", "b.example.com"))
        assert made["renewed"] is True
        # The account is there: nothing binds it again.
        assert client.run("--now", "--email", "new@example.com")["renewed"] is True


def window(begins: timedelta, ends: timedelta) -> bytes:
    """A suggestion (RFC 9773 §4.2), from now on."""
    now = datetime.now(UTC).replace(microsecond=0)
    start, end = ((now + part).isoformat() for part in (begins, ends))
    return json.dumps({"suggestedWindow": {"start": start, "end": end}}).encode()


PAST = window(timedelta(days=-2), timedelta(days=-1))


def test_a_young_certificate_is_renewed_once_the_authority_suggests_it(client, pebble):
    with suggesting(pebble) as ari:
        client.directory = ari.directory
        first = client.run()
        assert ari.asked == [], "there was nothing to ask about"
        shown = x509.load_pem_x509_certificates(Path(f"{client.out}.crt").read_bytes())[0]
        ari.said = PAST
        second = client.run()
        assert (second["renewed"], second["why"]) == (True, "it was due") and second["serial"] != first["serial"], second
        # RFC 9773 §4.1.
        key = shown.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        serial = shown.serial_number.to_bytes(shown.serial_number.bit_length() // 8 + 1, "big")
        assert ari.asked == [".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (key, serial))]
        # Of the new one it says something else, and a moment of that is taken.
        ari.said = window(timedelta(days=10), timedelta(days=11))
        third = client.run()
        left = datetime.fromisoformat(third["renewAt"]) - datetime.now(UTC)
        assert third["renewed"] is False and timedelta(days=9, hours=23) < left < timedelta(days=11), third
        # It is left alone for as long as it wants.
        ari.said = PAST
        assert client.run()["renewAt"] == third["renewAt"] and len(ari.asked) == 2


@pytest.mark.parametrize("said", [b"{", b"{}", window(timedelta(days=-1), timedelta(days=-2))])
def test_a_suggestion_without_sense_changes_nothing(client, pebble, said):
    with suggesting(pebble) as ari:
        client.directory = ari.directory
        first = client.run()
        ari.said = said
        again = client.run()
        assert again["renewed"] is False and again["renewAt"] == first["renewAt"] and len(ari.asked) == 1, again


def test_a_name_that_is_not_proved_waits_and_leaves_the_pair(client, pebble):
    client.run()
    before = client.pair()
    lazy = pebble.home / "lazy-hook"
    lazy.write_text(f"#!/bin/sh\necho \"$AEOLUS_ACME_ACTION $AEOLUS_ACME_RECORD\" >>{pebble.home}/lazy.log\n")
    lazy.chmod(0o700)
    names = ("etl.example.com", "new.example.com")
    said = client.refused(names=names, hook=lazy, code="ACME-021")
    assert "etl.example.com" in said or "new.example.com" in said, said
    assert client.pair() == before
    assert sorted({line.split()[0] for line in pebble.told("lazy")}) == ["cleanup", "present"]
    orders = pebble.orders()
    waiting = client.refused(names=names, hook=lazy, code="ACME-040")
    assert "It is not asked before" in waiting and "ACME-021" in waiting, waiting
    assert pebble.orders() == orders, "it was not asked again"
    # What failed says nothing about what is there.
    assert client.run()["renewed"] is False
    assert client.run("--now", names=names, hook=pebble.hook("good"))["renewed"] is True
    assert client.run(names=names, hook=pebble.hook("good"))["renewed"] is False


def test_a_hook_that_hangs_or_fails_is_ended_and_cleaned_up_after(client, pebble):
    hook = pebble.hook("hanging", before="if action == 'present': time.sleep(600)")
    said = client.refused("--hook-timeout", "1s", hook=hook, code="ACME-032")
    assert "had not done" in said, said
    assert [line.split()[0] for line in pebble.told("hanging")] == ["present", "cleanup"]
    hook = pebble.hook("failing", before="raise SystemExit(3)")
    said = client.refused("--now", hook=hook, code="ACME-032")
    assert "exit status: 3" in said and "warning: the hook" in said, said
    client.refused("--now", hook=client.home / "gone", code="ACME-032")
    # What could not be cleaned up is, once it can.
    client.run("--now", hook=pebble.hook("mended"))
    assert [line.split()[0] for line in pebble.told("mended")].count("cleanup") >= 2


def test_an_authority_that_is_away_and_comes_back_without_its_memory(tmp_path):
    required("pebble", shutil.which("pebble") is not None)
    with authority(tmp_path / "pebble") as pebble:
        client = Client(tmp_path, pebble)
        client.run()
        before = client.pair()
        accounts = sorted((tmp_path / "acme" / "accounts").iterdir())
        pebble.stop()
        client.refused("--now", code="ACME-010")
        assert client.pair() == before
        # Nothing is due: nobody has to be there.
        assert client.run()["renewed"] is False
        pebble.start()
        assert client.run("--now")["renewed"] is True
        assert client.pair() != before
        assert set(accounts) < set((tmp_path / "acme" / "accounts").iterdir()), "the account before is kept beside"


def test_killed_in_the_middle_and_run_again(client, pebble):
    ended = client.home / "ended"
    hook = pebble.hook("slow", before=f"while not os.path.exists({str(ended)!r}): time.sleep(0.1)")
    log = client.home / "killed.log"
    with running([aeolus.BINARY, *client.command(hook=hook)], log) as killed:
        wait_for("the hook", lambda: pebble.told("slow"), 60)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        # The hook is in a group of its own, and outlives who started it.
        ended.touch()
    assert not Path(f"{client.out}.crt").exists()
    made = client.run(hook=pebble.hook("next"))
    assert made["renewed"] is True
    assert [line.split()[0] for line in pebble.told("next")] == ["cleanup", "present", "cleanup"]
    with running([aeolus.BINARY, *client.command("--now", hook=pebble.hook("slow2", "time.sleep(2)"))], log) as stopped:
        wait_for("the hook", lambda: pebble.told("slow2"), 60)
        stopped.send_signal(signal.SIGTERM)
        assert stopped.wait(20) == 1
    assert "ACME-042" in log.read_text()
    assert [line.split()[0] for line in pebble.told("slow2")] == ["present", "cleanup"]


def test_what_is_killed_again_and_again_waits(client, pebble):
    log = client.home / "killed.log"
    for number in range(1, 4):
        ended = client.home / f"ended-{number}"
        waits = f"while action == 'present' and not os.path.exists({str(ended)!r}): time.sleep(0.1)"
        hook = pebble.hook("again", before=waits)
        with running([aeolus.BINARY, *client.command(hook=hook)], log) as killed:
            wait_for("the hook", lambda number=number: pebble.told("again").count(PRESENT) == number, 20)
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            ended.touch()
    orders = pebble.orders()
    client.refused(hook=hook, code="ACME-043")
    client.refused(hook=hook, code="ACME-040")
    assert pebble.orders() == orders
    assert client.run("--now", hook=hook)["renewed"] is True


def test_two_runs_at_once_order_one_certificate(client, pebble):
    hook = pebble.hook("pause", before="time.sleep(1)")
    command = [str(aeolus.BINARY), *client.command("--output", "json", hook=hook)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [json.loads(one.communicate(timeout=60)[0]) for one in both]
    assert sorted(answer["renewed"] for answer in answers) == [False, True], answers
    assert answers[0]["serial"] == answers[1]["serial"]


def test_what_is_not_proved_is_not_written(client, pebble, tmp_path):
    said = client.refused("--ca", pebble.authority, code="ACME-033")
    assert "no path leads" in said, said
    assert not Path(f"{client.out}.crt").exists()
    (tmp_path / "acme" / "state.json").write_text("{")
    client.refused("--now", code="ACME-051")


def test_what_came_from_elsewhere_is_not_replaced_unasked(client, pebble):
    ca = str(pebble.home / "ca")
    aeolus.run("pki", "issue", "--dir", ca, "--san", "etl.example.com", "--out", str(client.out))
    before = client.pair()
    client.refused(code="PKI-001", status=2)
    assert client.pair() == before
    made = client.run("--force")
    assert "came from elsewhere" in made["why"], made
    assert client.run()["renewed"] is False


def test_an_address_in_use_is_said_before_anything_is_sent(client, pebble):
    orders = pebble.orders()
    with socket.create_server(("127.0.0.1", pebble.http)):
        client.refused(code="NET-0001")
    assert pebble.orders() == orders


def test_something_that_is_no_acme_is_named(client, pebble):
    for at, said in ((f"{pebble.management}/roots/0", "makes no sense"), (f"{pebble.port}/gone", "status 404")):
        command = client.command("--now")
        command[command.index(pebble.directory)] = f"https://127.0.0.1:{at}"
        done = aeolus.run(*command, check=False)
        assert done.returncode == 1 and "ACME-011" in done.stderr and said in done.stderr, done.stderr


def asked(client: Client, directory: str, *more: object) -> str:
    """What a run says that another authority than pebble refuses."""
    command = client.command(*more)
    command[command.index(client.pebble.directory)] = directory
    done = aeolus.run(*command, check=False)
    assert done.returncode == 1, done.stderr
    assert not Path(f"{client.out}.crt").exists()
    return done.stderr


def test_an_authority_that_has_had_too_much_is_left_alone_as_long_as_it_says(client, pebble):
    problem = Said.problem("rateLimited", "too many\u001b[31m accounts", 429, Retry_After="7200")
    with refusing(pebble.home, problem) as directory:
        said = asked(client, directory)
        assert "error[ACME-020]" in said and "too many [31m accounts" in said, said
        assert "error[ACME-040]" in asked(client, directory)
        kept = json.loads((client.home / "acme" / "state.json").read_text())["pairs"]
        until = kept[f"{client.out}.crt"]["failed"]["until"] / 1000
        assert 7_000 < until - time.time() <= 7_200
    with refusing(pebble.home, Said(503, b"<h1>busy</h1>", "text/html")) as directory:
        said = asked(client, directory, "--now")
        assert "error[ACME-011]" in said and "503" in said, said


@pytest.mark.parametrize(
    ("problem", "code", "what"),
    [
        ("caa", "ACME-022", "CAA record"),
        ("rejectedIdentifier", "ACME-023", "authority of your own"),
        ("unsupportedContact", "ACME-026", "e-mail address"),
        ("userActionRequired", "ACME-027", "in a browser"),
        ("badPublicKey", "ACME-028", "--key p256"),
        ("serverInternal", "ACME-029", "status page"),
        ("ofTomorrow", "ACME-030", "what it says"),
    ],
)
def test_what_an_authority_objects_to_has_a_code_its_words_and_what_to_do(client, pebble, problem, code, what):
    with refusing(pebble.home, Said.problem(problem, "because so")) as directory:
        said = asked(client, directory)
    assert f"error[{code}]" in said and "because so" in said and what in said, said


def test_a_name_that_the_authority_does_not_certify_and_one_for_others_alone(tmp_path):
    required("pebble", shutil.which("pebble") is not None)
    with authority(tmp_path / "pebble", domainBlocklist=["blocked.example.com"]) as pebble:
        client = Client(tmp_path, pebble, "blocked.example.com")
        said = client.refused(code="ACME-023")
        assert "blocked.example.com" in said, said


def test_an_order_that_offers_another_proof_or_never_ends(client, pebble):
    name = client.names[0]
    with saying(pebble.home, lambda host: order(host, name, "tls-alpn-01")) as directory:
        said = asked(client, directory)
        assert "error[ACME-031]" in said and "http-01" in said and name in said, said
    # It says that it will look tomorrow.
    with saying(pebble.home, lambda host: order(host, name, "http-01", Retry_After="86400")) as directory:
        said = asked(client, directory, "--now")
        assert "error[ACME-012]" in said and "180 s" in said, said
    assert list((client.home / "acme" / "challenges").iterdir()) == [], "the answer was taken back"


def test_an_account_whose_key_is_none_is_named(client, pebble):
    client.run()
    (account,) = (client.home / "acme" / "accounts").iterdir()
    kept = json.loads(account.read_text())
    kept["credentials"]["key_pkcs8"] = "bm8ga2V5"
    account.write_text(json.dumps(kept))
    before = client.pair()
    client.refused("--now", code="ACME-034")
    assert client.pair() == before
