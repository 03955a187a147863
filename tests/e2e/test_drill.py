"""`aeolus drill outage`: what an outage would cost, found out at a gate that goes on serving."""

from __future__ import annotations

import json
import subprocess
import threading

import pytest
import requests
from conftest import PASSWORD
from harness.signin import sign_in

pytestmark = pytest.mark.alone


def drill(fleet, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Rehearses at the fleet's gate."""
    return fleet.run("drill", "outage", "--data", f"{fleet.data}/gate", *arguments, check=False)


def test_a_rehearsed_outage_costs_nothing_and_says_what_a_real_one_would(fleet, echoed):
    token = fleet.create_token("drill", "acme/sales/echo", "DEPLOYMENT_VIEWER")["token"]
    answers, over = [], threading.Event()

    def program() -> None:
        while not over.is_set():
            answer = requests.get(f"{echoed}/api/v2/dags", headers={"Authorization": f"Bearer {token}"}, timeout=20)
            answers.append(answer.status_code)

    def person() -> None:
        while not over.is_set():
            sign_in(f"{echoed}/", "viewer@example.com", PASSWORD)

    threads = [threading.Thread(target=target) for target in (program, person)]
    for thread in threads:
        thread.start()
    try:
        # The last half of these seconds stands for more than the seven days after which nothing is trusted.
        done = drill(fleet, "--for", "14d", "--within", "6s", "--output", "json")
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert done.returncode == 0, done.stderr
    assert set(answers) == {200}, "nothing is stopped"
    found = json.loads(done.stdout)
    assert found["outage"] == "14d" and 0 < found["wouldRefuse"] < found["allowed"]
    loss = next(loss for loss in found["losses"] if loss["name"].endswith("echo"))
    assert loss["reason"] == "stale" and loss["requests"] > 0 and loss["subjects"] >= 1
    assert {bound["policy"] for bound in found["pastBounds"]} == {"deny"}
    assert len(found["pastBounds"]) == 3 and not any(bound["serves"] for bound in found["pastBounds"])
    assert "viewer@example.com" in {missed["email"] for missed in found["couldNotSignIn"]}


def test_a_short_outage_costs_nothing_and_the_table_says_so(fleet):
    done = drill(fleet, "--for", "1h", "--within", "1s")
    assert done.returncode == 0, done.stderr
    assert "after 1h without control 0 of them would not have" in done.stdout
    assert "PAST ITS BOUND" not in done.stdout


def test_a_folder_that_is_no_gates_is_named(fleet, tmp_path):
    folder = tmp_path / "no-gate"
    done = fleet.run("drill", "outage", "--data", str(folder), check=False)
    assert done.returncode == 1 and "GATE-" in done.stderr, done.stderr
