"""The how-to for an existing Airflow, followed word for word on one that has users and DAGs.

The blocks that the how-to marks ``test=NAME`` are what is run here; only the two ids and the two
addresses, which the text tells the reader to fill in, are replaced.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from gate import DEPLOYMENT, PLANE, JwksServer, SigningKey, token
from host import Host, Server

KEY = SigningKey("k-1")
FENCE = re.compile(r"^```\w+ test=(?P<name>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
DAGS = "/api/v2/dags"


class HowTo:
    """The marked blocks of the page."""

    def __init__(self, page: Path, gate_address: str) -> None:
        self.blocks = {m["name"]: m["body"] for m in FENCE.finditer(page.read_text())}
        self.fill_in = {
            "DEPLOYMENT_ID": DEPLOYMENT,
            "PLANE_ID": PLANE,
            "127.0.0.1:8810": gate_address,
        }

    def text(self, name: str) -> str:
        body = self.blocks[name]
        for placeholder, value in self.fill_in.items():
            body = body.replace(placeholder, value)
        return body

    def settings(self, name: str) -> dict[str, str]:
        lines = [line for line in self.text(name).splitlines() if line]
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An environment that has Airflow but not the package.

    A second virtual environment looks into the first one's packages. What pip puts or removes stays
    in the second, and the first one's editable installation is not seen: nested path files aren't.
    """
    folder = tmp_path / "env"
    venv.create(folder, with_pip=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "airflow-below.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "python"


def shell(script: str, host: Host, folder: Path) -> str:
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        env={**host.environment(), "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_DEPS": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, f"{script}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def old_login(server: Server, host: Host) -> int:
    """Log in as the user that this Airflow had, and list its DAGs; the first status that fails."""
    passwords = json.loads((host.home / "passwords.json").read_text())
    body = {"username": "old-hand", "password": passwords["old-hand"]}
    answer = server.call("POST", "/auth/token", json=body)
    if answer.status_code != 201:
        return answer.status_code
    return server.get(DAGS, answer.json()["access_token"]).status_code


def dag_ids(server: Server) -> list[str]:
    answer = server.get(DAGS, token(KEY))
    assert answer.status_code == 200, answer.text
    return [dag["dag_id"] for dag in answer.json()["dags"]]


def test_adopt_and_undo(tmp_path: Path, python: Path, gate: JwksServer, repository: Path) -> None:
    gate.publish(KEY)
    address = gate.url.removeprefix("http://").split("/")[0]
    how_to = HowTo(repository / "docs/how-to/adopt-existing-airflow.md", address)
    host = Host(tmp_path / "home", python=python)
    host.env = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "old-hand:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(host.home / "passwords.json"),
    }
    before = dict(host.env)
    host.set_up()
    with host.serve() as server:
        assert old_login(server, host) == 200
        assert server.get(DAGS, token(KEY)).status_code == 403

    shell(how_to.text("install"), host, repository)
    where = host.run("-c", "import aeolus_airflow; print(aeolus_airflow.__file__)")
    assert where.startswith(str(python.parent.parent)), "what pip built is what runs"

    host.env |= how_to.settings("adopt")
    assert "This Airflow believes the gate." in shell(how_to.text("check"), host, host.home)
    with host.serve() as server:
        here = server.url.removeprefix("http://")
        refused = how_to.text("refused").replace("127.0.0.1:8080", here)
        assert shell(refused, host, host.home).strip() == "401"
        assert dag_ids(server) == ["winds"]
        variable = server.get("/api/v2/variables/harbour", token(KEY, "op"))
        assert variable.json()["value"] == "thrace"
        assert old_login(server, host) in {404, 405}

    host.env = {**before, **how_to.settings("undo")}
    shell(how_to.text("uninstall"), host, repository)
    with host.serve() as server:
        assert old_login(server, host) == 200
        assert server.get(DAGS, token(KEY)).status_code == 403
        assert host.airflow("variables", "get", "harbour").strip().endswith("thrace")


def test_the_check_says_what_is_wrong(gate: JwksServer, tmp_path: Path) -> None:
    """``python -m aeolus_airflow`` fails with a reason for each way it can be not so."""
    good = {
        "AIRFLOW__CORE__AUTH_MANAGER": "aeolus_airflow.AeolusAuthManager",
        "AIRFLOW__AEOLUS__JWKS_URL": gate.url,
        "AIRFLOW__AEOLUS__ISSUER": f"urn:aeolus:plane:{PLANE}",
        "AIRFLOW__AEOLUS__AUDIENCE": f"urn:aeolus:deployment:{DEPLOYMENT}",
    }

    def complaint(**changes: str) -> str:
        host = Host(tmp_path / "home", {**good, **changes})
        done = subprocess.run(
            [sys.executable, "-m", "aeolus_airflow"],
            env={**os.environ, **host.environment()},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 1
        return done.stderr

    assert "could not be read" in complaint()
    gate.publish(KEY)
    assert "AIRFLOW__AEOLUS__ISSUER=" in complaint(AIRFLOW__AEOLUS__ISSUER="")
    simple = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
    assert "not in force" in complaint(AIRFLOW__CORE__AUTH_MANAGER=simple)
