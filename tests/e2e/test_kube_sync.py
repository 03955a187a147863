"""Annotated Secrets of the platform's namespace in those of deployments (rows K3, K5, K9, K10): equal, and nothing else touched."""

from __future__ import annotations

import json
import re
import subprocess
import time
from contextlib import contextmanager

import pytest
import requests
from harness import aeolus
from harness.kube import Kube
from harness.pki import issued, pki
from harness.process import free_port, wait_for
from test_kube_certificates import AT_ONCE, fleet, shown  # noqa: F401

HOME = ["--source-namespace", "astronomer", "--release", "astronomer"]
SYNC = {"astronomer.io/commander-sync": "platform-release=astronomer"}
OURS = {"aeolus/sync": ""}
PASS, PLAN = ["kube", "sync"], ["kube", "sync", "plan"]
STATUS, EXPLAIN = ["kube", "sync", "status"], ["kube", "sync", "explain"]


@pytest.fixture
def kube(tmp_path):
    """The platform's namespace, three of deployments, and one that has nothing to do with it."""
    kube = Kube(tmp_path)
    kube.namespace("astronomer")
    for name in ("etl", "ml", "bi"):
        kube.namespace(name, platform_release="astronomer")
    kube.namespace("other", platform_release="elsewhere")
    yield kube
    kube.close()


def command(kube, *more: str, verb=PASS) -> list[str]:
    return [*verb, *more, *HOME, "--kubeconfig", str(kube.kubeconfig), "--output", "json"]


def run(kube, *more: str, check: bool = True, verb=PASS) -> subprocess.CompletedProcess[str]:
    return aeolus.run(*command(kube, *more, verb=verb), check=check)


def copies(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return {one["copy"]: one["state"] for one in json.loads(done.stdout)["copies"]}


@contextmanager
def watching(kube, *more: str):
    """Syncs until the block ends."""
    binary = [str(aeolus.BINARY), *command(kube, "--watch", *more)]
    child = subprocess.Popen(binary, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.terminate()
        child.communicate(timeout=20)


def test_k5_k9_what_is_annotated_is_copied_kept_equal_and_goes_with_its_source(kube):
    kube.put("astronomer/registry", {"cert.pem": b"one"}, **SYNC)
    kube.put("astronomer/private", {"cert.pem": b"stays"})
    planned = run(kube, check=False, verb=PLAN)
    assert planned.returncode == 2 and set(copies(planned).values()) == {"create"}
    assert kube.data("etl/registry") is None

    assert copies(run(kube)) == {f"{name}/registry": "created" for name in ("bi", "etl", "ml")}
    assert kube.data("etl/registry") == {"cert.pem": b"one"}
    assert kube.get("other/registry") is None and kube.get("etl/private") is None
    # Nothing of the source's that would make somebody else delete or rewrite the copy.
    assert set(kube.get("etl/registry")["metadata"]["annotations"]) == {
        "aeolus/digest",
        "aeolus/source",
        "aeolus/source-uid",
        "aeolus/synced-at",
    }
    before = kube.writes()
    assert set(copies(run(kube)).values()) == {"current"}
    assert kube.writes() == before, "what is as it should be is not written"
    assert run(kube, verb=PLAN).returncode == 0

    # Somebody's edit under right marks, a deletion, and a new value.
    kube.edit("ml/registry", {"cert.pem": b"edited", "more": b"x"})
    kube.delete("bi/registry")
    done = run(kube, "--full-every", "0s")
    assert copies(done) == {"bi/registry": "created", "etl/registry": "current", "ml/registry": "updated"}
    detail = {one["copy"]: one["detail"] for one in json.loads(done.stdout)["copies"]}
    assert detail["ml/registry"] == "-more ~cert.pem" and "edited" not in done.stdout + done.stderr
    kube.put("astronomer/registry", {"cert.pem": b"two"}, **SYNC)
    run(kube)
    assert all(kube.data(f"{name}/registry") == {"cert.pem": b"two"} for name in ("etl", "ml", "bi"))

    status = json.loads(run(kube, verb=STATUS).stdout)
    assert [(one["source"], one["places"], one["current"]) for one in status["sources"]] == [("astronomer/registry", 3, 3)]
    assert status["lastOutcome"] == "ok" and status["holder"] is None
    explained = json.loads(run(kube, "astronomer/registry", verb=EXPLAIN).stdout)
    states = {one["namespace"]: (one["state"], one["why"]) for one in explained["namespaces"]}
    assert states["etl"] == ("current", "") and states["other"][0] == "none" and "labels" in states["other"][1]
    assert "copy of astronomer/registry" in run(kube, "etl/registry", verb=EXPLAIN).stdout

    kube.delete("astronomer/registry")
    assert set(copies(run(kube)).values()) == {"deleted"}
    assert kube.get("etl/registry") is None and kube.get("astronomer/private") is not None


def test_k5_what_is_somebody_elses_stays_and_is_said(kube):
    kube.put("etl/registry", {"cert.pem": b"mine"})
    kube.put("astronomer/registry", {"cert.pem": b"one"}, **OURS)
    done = run(kube)
    assert copies(done)["etl/registry"] == "conflict" and kube.data("etl/registry") == {"cert.pem": b"mine"}
    kube.put("astronomer/registry", {"cert.pem": b"one"}, **OURS, **{"aeolus/on-conflict": "fail"})
    refused = run(kube, check=False)
    assert refused.returncode == 1 and "error[KUBE-213]" in refused.stderr
    kube.put("astronomer/registry", {"cert.pem": b"one"}, **OURS, **{"aeolus/on-conflict": "adopt"})
    assert copies(run(kube))["etl/registry"] == "adopted" and kube.data("etl/registry") == {"cert.pem": b"one"}


def test_h4_a_certificate_that_is_not_good_replaces_no_good_copy(kube, tmp_path):
    pki("init", "--dir", tmp_path / "ca", "--key", "p256", "--cn", "APC-CA")
    one, two = (issued(tmp_path, "app.example.com", stem=stem) for stem in ("one", "two"))
    good = {"tls.crt": one.with_suffix(".crt").read_bytes(), "tls.key": one.with_suffix(".key").read_bytes()}
    kube.put("astronomer/tls", good, kind="kubernetes.io/tls", **OURS)
    refused = run(kube, check=False)
    assert refused.returncode == 1 and "error[KUBE-206]" in refused.stderr and "private key" in refused.stderr
    allowed = {**OURS, "aeolus/sync-private-key": "true"}
    kube.put("astronomer/tls", good, kind="kubernetes.io/tls", **allowed)
    assert set(copies(run(kube)).values()) == {"created"}
    mixed = {**good, "tls.crt": two.with_suffix(".crt").read_bytes()}
    kube.put("astronomer/tls", mixed, kind="kubernetes.io/tls", **allowed)
    refused = run(kube, check=False)
    assert refused.returncode == 1 and "error[KUBE-208]" in refused.stderr
    assert kube.data("etl/tls") == good


def test_deletions_have_a_budget_and_missing_rights_are_said_once(kube):
    for number in range(6):
        kube.put(f"astronomer/s{number}", {"a": b"x"}, **OURS)
    run(kube)
    for number in range(6):
        kube.delete(f"astronomer/s{number}")
    held = run(kube, check=False)
    assert held.returncode == 1 and "error[KUBE-211]" in held.stderr and "18 of 18" in held.stderr
    assert kube.get("etl/s0") is not None
    kube.command("forbid", "delete", "secrets", "*")
    orphans = run(kube, "--force")
    assert set(copies(orphans).values()) == {"orphan"} and "grant delete" in orphans.stdout
    kube.command("allow")
    assert set(copies(run(kube, "--force")).values()) == {"deleted"}


def test_a_namespace_that_ends_or_may_not_be_written_keeps_no_other_from_its_copy(kube):
    kube.put("astronomer/registry", {"a": b"x"}, **OURS)
    kube.command("end-namespace", "bi")
    kube.command("forbid", "create", "secrets", "ml")
    done = run(kube, check=False)
    assert done.returncode == 1 and "error[KUBE-004]" in done.stderr and "ml/registry" in done.stderr
    assert copies(done) == {"bi/registry": "skipped", "etl/registry": "created", "ml/registry": "failed"}


def test_k10_named_namespaces_get_copies_and_no_other_is_asked_for(kube):
    kube.put("astronomer/registry", {"a": b"x"}, **SYNC)
    kube.command("forbid", "list", "secrets", "ml")
    kube.command("forbid", "list", "namespaces", "*")
    done = run(kube, "--target-namespaces", "etl,bi")
    assert copies(done) == {"bi/registry": "created", "etl/registry": "created"}
    assert kube.get("ml/registry") is None


def test_a_kill_between_any_two_writes_is_ended_by_the_next_pass(kube):
    kube.put("astronomer/registry", {"a": b"x"}, **SYNC)
    kube.put("astronomer/other", {"b": b"y"}, **OURS)
    for left in range(4):
        kube.command("writes-left", str(left))
        run(kube, "--lease", f"lease-{left}", check=False)
    kube.command("writes-left", "1000000")
    assert set(copies(run(kube)).values()) == {"created", "current"}
    assert set(copies(run(kube)).values()) == {"current"}
    assert all(kube.data(f"{name}/other") == {"b": b"y"} for name in ("etl", "ml", "bi"))


def test_what_reads_a_copy_only_at_its_start_is_started_again_once_for_each_value(kube):
    app = {"metadata": {"name": "app"}, "spec": {"replicas": 1, "template": {"metadata": {}}}}
    for name in ("etl", "ml"):
        kube.ask("POST", f"/apis/apps/v1/namespaces/{name}/deployments", app)
    restart = {**OURS, "aeolus/restart": "deployment/app"}
    kube.put("astronomer/ca", {"cert.pem": b"1"}, **restart)

    def started(name: str) -> list[str]:
        found = kube.ask("GET", f"/apis/apps/v1/namespaces/{name}/deployments/app").json()
        marks = found["spec"]["template"]["metadata"].get("annotations", {})
        return [value for key, value in marks.items() if key.startswith("aeolus/started-with-")]

    done = run(kube, check=False)
    # One namespace lacks it, which is said; the others' is started.
    assert done.returncode == 1 and "deployment/app beside bi/ca wasn't started again" in done.stderr
    assert sorted(json.loads(done.stdout)["restarted"]) == ["etl deployment/app", "ml deployment/app"]
    first = started("etl")
    assert len(first) == 1 and json.loads(run(kube, check=False).stdout)["restarted"] == []
    kube.put("astronomer/ca", {"cert.pem": b"2"}, **restart)
    assert len(json.loads(run(kube, check=False).stdout)["restarted"]) == 2
    assert started("etl") == started("ml") != first


def test_two_syncers_do_not_fight_and_the_second_takes_over(kube):
    kube.put("astronomer/registry", {"a": b"1"}, **SYNC)
    with watching(kube) as first:
        wait_for("copies", lambda: kube.data("etl/registry") == {"a": b"1"})
        with watching(kube):
            aside = run(kube)
            assert "syncs, and has the Lease" in aside.stderr and aside.stdout == ""
            kube.put("astronomer/registry", {"a": b"2"}, **SYNC)
            wait_for("the new value", lambda: kube.data("etl/registry") == {"a": b"2"})
            before = kube.writes()
            time.sleep(1)
            assert kube.writes() == before, "nobody writes what is as it should be"
            first.terminate()
            first.wait(20)
            kube.put("astronomer/registry", {"a": b"3"}, **SYNC)
            wait_for("the second one's copy", lambda: kube.data("etl/registry") == {"a": b"3"}, 20)


def test_watches_that_break_or_are_forgotten_lose_nothing(kube):
    kube.put("astronomer/registry", {"a": b"1"}, **SYNC)
    port = free_port()
    with watching(kube, "--metrics-listen", f"127.0.0.1:{port}"):
        wait_for("copies", lambda: kube.data("etl/registry") == {"a": b"1"})
        kube.namespace("late", platform_release="astronomer")
        wait_for("a new namespace's copy", lambda: kube.data("late/registry") == {"a": b"1"})
        kube.command("break-watches")
        kube.command("forget")
        kube.put("astronomer/registry", {"a": b"2"}, **SYNC)
        wait_for("the new value", lambda: kube.data("ml/registry") == {"a": b"2"})
        kube.delete("ml/registry")
        wait_for("the copy that somebody deleted", lambda: kube.data("ml/registry") == {"a": b"2"})
        kube.put("astronomer/registry", {"a": b"2"}, **{"aeolus/sync": "(("})

        def figures() -> str:
            return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text

        refused = 'aeolus_kube_sync_source_refused{source="astronomer/registry"} 1'
        wait_for("the refusal in the figures", lambda: refused in figures())
        assert re.search(r"^aeolus_kube_sync_failed 1$", figures(), re.MULTILINE)
        assert kube.data("ml/registry") == {"a": b"2"}


def test_k4_x5_a_rotation_at_control_is_in_the_deployments_namespaces_within_seconds(fleet, kube):  # noqa: F811
    name = "astronomer-houston-jwt-signing-certificate"
    with watching(kube, "--data", str(fleet.data / "gate")):
        wait_for("the certificate", lambda: kube.data(f"etl/{name}"), 30)
        first = kube.data(f"etl/{name}")
        fleet.run("key", "rotate", "legacy", *AT_ONCE)
        begun = time.monotonic()
        wait_for("the next certificate", lambda: kube.data(f"etl/{name}") != first, 30)
        print(f"in a deployment's namespace {time.monotonic() - begun:.1f} s after the rotation")
        assert kube.data(f"etl/{name}") == kube.data(f"astronomer/{name}") == kube.data(f"bi/{name}")
    assert shown(fleet)
