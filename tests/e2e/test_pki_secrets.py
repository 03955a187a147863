"""`aeolus pki check` of Secrets of Kubernetes, as kubectl prints them and people write them."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
import yaml
from harness import aeolus
from harness.pki import answer, issued, openssl, pki
from harness.process import ROOT

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with an authority in `ca`, and the pairs `tls` and `other` of it."""
    folder = tmp_path_factory.mktemp("secrets")
    pki("init", "--dir", folder / "ca", "--key", "p256", "--cn", "APC-CA")
    issued(folder, "a.example.com")
    issued(folder, "a.example.com", stem="other")
    return folder


def secret(stem: Path, place: str, **metadata: object) -> dict:
    """The Secret that `aeolus pki export` makes of a pair."""
    namespace, name = place.split("/")
    named = ("--name", name, "--namespace", namespace, "--out", "-")
    made = yaml.safe_load(pki("export", stem, "--format", "kubernetes", *named).stdout)
    made["metadata"].update(metadata)
    return made


def listed(*items: dict) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def checked(text: str, *arguments: object) -> tuple[dict[str, list[str]], int]:
    """The codes of what is found in standard input, by place, and the exit status."""
    command = ("pki", "check", "-", *map(str, arguments), "--output", "json")
    done = aeolus.run(*command, check=False, stdin=text)
    assert done.stdout, done.stderr
    places = json.loads(done.stdout)
    return {place["place"]: [found["code"] for found in place["findings"]] for place in places}, done.returncode


def test_secrets_of_all_namespaces_are_checked_from_standard_input(folder):
    fine, other = secret(folder / "tls", "web/tls"), secret(folder / "other", "db/tls")
    mixed = secret(folder / "tls", "web/mixed")
    mixed["data"]["tls.key"] = other["data"]["tls.key"]
    garbage = secret(folder / "tls", "web/garbage")
    garbage["data"]["tls.crt"] = base64.b64encode(b"not one").decode()
    token = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token"}, "data": {"token": "eA=="}}
    bundle = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "private-ca", "namespace": "web"},
        "data": {"cert.pem": base64.b64encode((folder / "ca" / "ca.crt").read_bytes()).decode()},
    }
    text = listed(fine, other, mixed, garbage, token, bundle)
    found, exit_code = checked(text, "--ca", folder / "ca" / "ca.crt")
    expected = {"web/tls": [], "db/tls": [], "web/mixed": ["PKI-110"], "web/garbage": ["PKI-127"], "web/private-ca": []}
    assert found == expected and exit_code == 1
    found, exit_code = checked(listed(fine, bundle), "--ca", folder / "ca" / "ca.crt")
    assert found == {"web/tls": [], "web/private-ca": []} and exit_code == 0
    found, exit_code = checked(listed(token))
    assert found == {"-": ["PKI-151"]} and exit_code == 1


def test_manifests_are_checked_as_files_and_in_folders(folder, tmp_path):
    kept = secret(folder / "tls", "web/tls")
    kept["metadata"]["annotations"] = {APPLIED: json.dumps(kept)}
    documents = [{"kind": "Service", "metadata": {"name": "x"}}, kept, secret(folder / "other", "db/tls")]
    (tmp_path / "secrets.yaml").write_text("---\n".join(yaml.safe_dump(one) for one in documents))
    (tmp_path / "values.yaml").write_text("replicas: 2\n")
    for place in (tmp_path / "secrets.yaml", tmp_path):
        done = pki("check", place, "--ca", folder / "ca" / "ca.crt", check=False)
        assert done.returncode == 1 and "PKI-125" in done.stdout
        assert "web/tls" in done.stdout and "db/tls" in done.stdout
        assert f"kubectl annotate secret tls --namespace web {APPLIED}- removes it" in done.stdout
        assert "--server-side" in done.stdout
    key = Path(f"{folder / 'tls'}.key").read_text()
    assert key not in done.stdout + done.stderr and base64.b64encode(key.encode()).decode() not in done.stdout
    (tmp_path / "secrets.yaml").write_text("kind: Secret\n data: [")
    broken = pki("check", tmp_path / "secrets.yaml", check=False)
    assert broken.returncode == 2 and "CFG-0002" in broken.stderr


def test_a_copy_that_was_not_renewed_and_a_key_that_is_not_rsa_are_found(folder):
    synced = {"annotations": {"astronomer.io/commander-sync": "platform-release=apc"}}
    source = secret(folder / "tls", "astronomer/astronomer-tls", creationTimestamp="2026-01-01T00:00:00Z", **synced)
    copies = [
        secret(folder / stem, f"{team}/astronomer-tls", creationTimestamp="2026-02-01T00:00:00Z")
        for team, stem in (("new", "tls"), ("old", "other"))
    ]
    found, exit_code = checked(listed(*copies, source))
    rsa = ["PKI-129"]
    assert found == {
        "new/astronomer-tls": rsa,
        "old/astronomer-tls": [*rsa, "PKI-126"],
        "astronomer/astronomer-tls": rsa,
    }
    assert exit_code == 1
    stem = issued(folder, "a.example.com", stem="rsa", key="rsa2048")
    found, _ = checked(listed(secret(stem, "astronomer/astronomer-tls")), "--rsa-only")
    assert found == {"astronomer/astronomer-tls": []}


def alerted(series: list[str]) -> None:
    """Each alert on what is checked uses a figure and labels that there are."""
    labels = {one.split("{")[0]: set(re.findall(r'(\w+)="', one)) for one in series}
    groups = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules.yml").read_text())["groups"]
    (rules,) = (group["rules"] for group in groups if group["name"] == "aeolus-pki-check")
    assert len(rules) == 4
    for rule in rules:
        name, matched = re.search(r"(aeolus_pki_check_\w+)(\{.*\})?", rule["expr"]).groups(default="")
        said = re.findall(r"\$labels\.(\w+)", str(rule["annotations"])) + re.findall(r"(\w+)=", matched)
        assert set(said) <= {*labels[name], "instance"}, rule


def test_figures_are_written_as_a_whole_and_said_once(folder, tmp_path):
    stem = issued(folder, "b.example.com", stem="twice")
    twice = tmp_path / "twice.crt"
    text = Path(f"{stem}.crt").read_text()
    twice.write_text(text + (folder / "ca" / "ca.crt").read_text() * 2)
    figures = tmp_path / "certificates.prom"
    shown = pki("check", twice, tmp_path / "nowhere.crt", f"--metrics={figures}", check=False)
    assert shown.returncode == 2 and "twice.crt" in shown.stdout
    lines = figures.read_text().splitlines()
    series = [line.rsplit(" ", 1)[0] for line in lines if not line.startswith("#")]
    assert len(series) == len(set(series))
    until = [line for line in lines if line.startswith("aeolus_pki_check_not_after_timestamp_seconds{")]
    assert sorted(line.split('role="')[1].split('"')[0] for line in until) == ["leaf", "root"]
    renewal = [line for line in lines if line.startswith("aeolus_pki_check_renewal_timestamp_seconds{")]
    assert len(renewal) == 2 and 'kind="file"' in renewal[0]
    assert "aeolus_pki_check_unread 1" in lines
    assert any(line.startswith("aeolus_pki_check_timestamp_seconds ") for line in lines)
    alerted(series)
    assert answer("inspect", twice)[0]["kind"] == "certificate"
    assert "BEGIN" in openssl("x509", "-in", twice)
