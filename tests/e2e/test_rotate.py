"""Another plane secret, under traffic, with the control plane away."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import threading
import time

import pytest
import requests
from conftest import PASSWORD, at
from harness import aeolus
from harness.process import running, wait_for
from harness.signin import sign_in

FLEET = """
version: 1
planes: [{{name: local, authHost: localhost}}]
connections: [{{name: local, type: local}}]
organizations:
  - name: acme
    users: [{{email: ann@example.com, role: ORGANIZATION_MEMBER, password: {{file: password}}}}]
    workspaces:
      - name: sales
        grants: [{{user: ann@example.com, role: WORKSPACE_OPERATOR}}]
        deployments:
          - {{name: echo, plane: local, hosts: [echo.localhost], upstream: "http://127.0.0.1:{port}"}}
"""
DEPLOYMENT = "acme/sales/echo"


@pytest.fixture
def own(upstream, tmp_path):
    """A fleet of this test's own, whose control plane may be killed and whose secret may be broken."""
    with aeolus.alone(tmp_path, FLEET.format(port=upstream.port), PASSWORD) as fleet:
        yield fleet


def rotate(folder, *more: str) -> list[dict]:
    """Rotates, and returns the generations that there are then."""
    return json.loads(aeolus.run("gate", "secret", "rotate", "--data", str(folder), *more, "--output", "json").stdout)


def published(gate: str, deployment: str) -> set[str]:
    """The ids of the keys that Airflow finds at a gate."""
    answer = requests.get(f"{gate}/deployments/{deployment}/jwks.json", timeout=20)
    return {key["kid"] for key in answer.json()["keys"]}


def signed_by(answer: requests.Response) -> str:
    """Which key signed the token that came with a request to the echo application."""
    assert answer.status_code == 200, answer.text[:400]
    token = next(value for name, value in answer.json()["headers"] if name.lower() == "authorization").split()[1]
    header = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]


def test_f64_a_rotation_with_the_gate_cut_off_ends_no_session(own):
    url, deployment = at(own.proxy, "echo.localhost"), own.deployment_id(DEPLOYMENT)
    person = sign_in(f"{url}/api/v2/dags", "ann@example.com", PASSWORD)
    program = {"Authorization": f"Bearer {own.create_token('bot', DEPLOYMENT, 'DEPLOYMENT_VIEWER')['token']}"}
    own.kill_control()

    def ask() -> tuple[str, str]:
        """The keys of a person's and a program's request; both are let in."""
        return (
            signed_by(person.get(f"{url}/api/v2/dags", timeout=20)),
            signed_by(requests.get(f"{url}/api/v2/dags", headers=program, timeout=20)),
        )

    (before, _), known = ask(), published(own.gate, deployment)
    assert known == {before}
    generations = rotate(f"{own.data}/gate", "--activate-in", "6s")
    assert [(g["generation"], g["state"]) for g in generations] == [(1, "active"), (2, "announced")]
    again = aeolus.run("gate", "secret", "rotate", "--data", f"{own.data}/gate", check=False)
    assert again.returncode == 1 and "generation 2 is announced" in again.stderr

    def taken_over() -> bool:
        # What signs was published before, at every single request.
        keys = set(ask())
        assert keys <= known
        known.update(published(own.gate, deployment))
        return before not in keys

    wait_for("the next generation", taken_over, 30, 0.05)
    assert len(known) == 2
    own.restart_gate()
    assert set(ask()) == known - {before}

    listed = aeolus.run("gate", "secret", "list", "--data", f"{own.data}/gate")
    assert "retired" in listed.stdout and "in 3" in listed.stdout
    secrets = json.loads((own.data / "gate" / "secret.json").read_text())["generations"]
    assert not any(generation["secret"] in listed.stdout for generation in secrets)

    # In foreign hands: what the old ones made is over, what control signed is not.
    said = aeolus.run("gate", "secret", "rotate", "--compromised", "--data", f"{own.data}/gate")
    assert "everybody has to sign in again" in said.stderr and "trusted_jwks_url" in said.stderr
    wait_for("the end of the session", lambda: person.get(f"{url}/api/v2/dags", timeout=20).status_code == 401, 20)
    fresh = signed_by(requests.get(f"{url}/api/v2/dags", headers=program, timeout=20))
    assert published(own.gate, deployment) == {fresh} and fresh not in known
    assert len(json.loads((own.data / "gate" / "secret.json").read_text())["generations"]) == 1


def test_a_broken_or_older_file_changes_nothing_and_is_named(own):
    url, secret = at(own.proxy, "echo.localhost"), own.data / "gate" / "secret.json"
    log = own.logs / "gate.log"
    person = sign_in(f"{url}/api/v2/dags", "ann@example.com", PASSWORD)
    first = secret.read_bytes()
    rotate(f"{own.data}/gate", "--activate-in", "1h")
    second = secret.read_bytes()
    deployment = own.deployment_id(DEPLOYMENT)
    wait_for("the announcement", lambda: len(published(own.gate, deployment)) == 2, 20)

    for content, mode, why in [
        (second[:100], 0o600, "damaged"),
        (b"", 0o600, "damaged"),
        (second, 0o644, "open to other users"),
        (first, 0o600, "a rotation would be undone"),
    ]:
        size = log.stat().st_size
        secret.write_bytes(content)
        secret.chmod(mode)
        wait_for(f"the log to say {why}", lambda: why.encode() in log.read_bytes()[size:], 20)
        assert person.get(f"{url}/api/v2/dags", timeout=20).status_code == 200
        assert len(published(own.gate, deployment)) == 2
        size = log.stat().st_size
        secret.write_bytes(second)
        secret.chmod(0o600)
        wait_for("the log to say that it is good", lambda: b"is good again" in log.read_bytes()[size:], 20)


def test_f31_two_replicas_agree_while_the_file_is_on_its_way(own, tmp_path):
    deployment, first = own.deployment_id(DEPLOYMENT), f"{own.data}/gate"
    shutil.copytree(first, tmp_path / "second")
    serve = ["gate", "serve", "--data", tmp_path / "second", "--metrics", "off", "--ready-json"]
    command = [aeolus.BINARY, *serve, "--checks", "127.0.0.1:0", "--proxy", "127.0.0.1:0"]
    with running(command, tmp_path / "second.log", stdout=subprocess.PIPE) as child:
        ready = json.loads(aeolus.first_line(child, 60))
        doors = [(own.gate, own.proxy), (f"http://{ready['checks'][0]}", f"http://{ready['proxy']}")]
        person = sign_in(f"{at(own.proxy, 'echo.localhost')}/api/v2/dags", "ann@example.com", PASSWORD)
        cookies = person.cookies.get_dict()
        known = set.intersection(*(published(gate, deployment) for gate, _ in doors))
        before = set(known)
        rotate(first, "--activate-in", "8s")

        def ask() -> set[str]:
            """The keys that the replicas sign with: all of them known at both, before they are used."""
            keys = set()
            for _, proxy in doors:
                url = f"{at(proxy, 'echo.localhost')}/api/v2/dags"
                keys.add(signed_by(requests.get(url, cookies=cookies, timeout=20)))
            assert keys <= known
            known.update(set.intersection(*(published(gate, deployment) for gate, _ in doors)))
            return keys

        wait_for("the announcement at the first", lambda: ask() and len(published(own.gate, deployment)) == 2, 20)
        shutil.copy2(f"{first}/secret.json", tmp_path / "second" / "secret.json")
        wait_for("both to have gone over", lambda: not ask() & before, 30, 0.05)
        lists = {aeolus.run("gate", "secret", "list", "--data", str(data)).stdout for data in (first, tmp_path / "second")}
        fingerprints = {tuple(line.split()[-1] for line in text.splitlines()) for text in lists}
        assert len(fingerprints) == 1


def test_a_real_airflow_answers_every_request_across_a_rotation(etl, fleet):
    """Under traffic: not one 401. Airflow keeps its keys for 60 s and fetches those it does not know."""
    token = fleet.create_token("rotation", "acme/sales/etl", "DEPLOYMENT_VIEWER")["token"]
    deployment = fleet.deployment_id("acme/sales/etl")
    seen: list[int] = []
    stop = threading.Event()

    def traffic() -> None:
        with requests.Session() as session:
            while not stop.is_set():
                answer = session.get(f"{etl}/api/v2/dags", headers={"Authorization": f"Bearer {token}"}, timeout=60)
                seen.append(answer.status_code)

    threads = [threading.Thread(target=traffic) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        wait_for("traffic", lambda: len(seen) > 5, 60)
        made = rotate(f"{fleet.data}/gate", "--activate-in", "5s")
        wait_for("the announcement", lambda: len(published(fleet.gate, deployment)) == len(made), 20)
        wait_for("the time to take over", lambda: time.time() > made[-1]["activeFrom"] + 3, 20)
        after = len(seen)
        wait_for("requests by the new generation", lambda: len(seen) > after + 20, 60)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(seen) == {200}
