"""A real Airflow 2 webserver behind the gate's own proxy, and both sides of the door for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives.serialization import load_der_private_key
from harness import aeolus
from harness.process import free_port, running, wait_for

HOST = "old.localhost"
DEPLOYMENT = "acme/sales/old"
ISSUER_SETTING = "AIRFLOW__AEOLUS__ISSUER"

FLEET = """
version: 1
planes: [{{name: alone, authHost: localhost}}]
connections: [{{name: local, type: local}}]
organizations:
  - name: acme
    users:
      - {{email: ann@example.com, role: ORGANIZATION_MEMBER}}
      - {{email: eve@example.com, role: ORGANIZATION_MEMBER}}
    workspaces:
      - name: sales
        grants: [{{user: ann@example.com, role: WORKSPACE_OPERATOR}}]
        deployments:
          - name: old
            plane: alone
            profile: airflow2
            hosts: [old.localhost]
            upstream: "http://127.0.0.1:{port}"
            grants: [{{user: eve@example.com, role: DEPLOYMENT_VIEWER}}]
"""

DAG = """
from datetime import datetime
from airflow.decorators import dag, task


@dag(dag_id="winds", schedule=None, start_date=datetime(2026, 1, 1), catchup=False)
def winds():
    @task
    def blow():
        return "zephyr"

    blow()


winds()
"""

WEBSERVER_CONFIG = (
    "from aeolus_airflow.airflow2 import AeolusSecurityManager as SECURITY_MANAGER_CLASS\n"
)


@dataclass
class Site:
    """One Airflow 2: `front` is the gate's proxy, `direct` the webserver itself."""

    home: Path
    env: dict[str, str]
    front: str
    direct: str
    folder: Path

    def airflow(self, *arguments: str) -> str:
        return _airflow(self.env, self.home, *arguments)

    def credential(self, email: str) -> str:
        """A person's token, as the gate's clients have it."""
        keys = ["--keys", str(self.folder / "keys"), "--deployment", DEPLOYMENT]
        return aeolus.run("token", "create", *keys, "--user", email).stdout.strip()

    def at_gate(
        self, method: str, path: str, email: str | None = None, **more: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.credential(email)}"} if email else {}
        return _send(method, self.front + path, headers, more)

    def at_airflow(
        self, path: str, token: str | None = None, method: str = "GET", **more: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return _send(method, self.direct + path, headers, more)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims as the gate mints them; a change to `...` leaves the claim out."""
        issued = int(time.time()) - 30
        made = {
            "iss": self.env[ISSUER_SETTING],
            "aud": HOST,
            "sub": "01926f3e-0000-7000-8000-0000000000cc",
            "email": "zoe@example.com",
            "full_name": "Zoe",
            "roles": ["Viewer"],
            "iat": issued,
            "nbf": issued,
            "exp": issued + 300,
            "jti": uuid.uuid4().hex,
            **changes,
        }
        return {claim: value for claim, value in made.items() if value is not ...}

    @property
    def kid(self) -> str:
        found = requests.get(self.env["AIRFLOW__AEOLUS__JWKS_URL"], timeout=10).json()["keys"]
        assert [key["alg"] for key in found] == ["RS256"]
        return str(found[0]["kid"])

    def token(self, **changes: Any) -> str:
        """A token by the plane's real key."""
        secret = json.loads((self.folder / "gate" / "secret.json").read_text())
        pkcs8 = secret["generations"][0]["rsa"]
        key = load_der_private_key(urlsafe_b64decode(pkcs8 + "=" * (-len(pkcs8) % 4)), None)
        return jwt.encode(
            self.claims(**changes), key, algorithm="RS256", headers={"kid": self.kid}
        )


def _send(
    method: str, url: str, headers: dict[str, str], more: dict[str, Any]
) -> requests.Response:
    return requests.request(method, url, headers=headers, allow_redirects=False, timeout=60, **more)


def _airflow(env: dict[str, str], home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *arguments],
        env=env, cwd=home, capture_output=True, text=True, timeout=180,
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def _environment(home: Path, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]]),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
        "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": str(port),
        "AIRFLOW__WEBSERVER__WORKERS": "1",
    }


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Start both; they are gone at the end of the block."""
    home, port = folder / "airflow", free_port()
    (home / "dags").mkdir(parents=True)
    (home / "dags" / "winds.py").write_text(DAG)
    (folder / "fleet.yaml").write_text(FLEET.format(port=port))
    places = ["--keys", f"{folder}/keys", "--out", f"{folder}/gate"]
    aeolus.run("plane", "build", "--file", f"{folder}/fleet.yaml", "--plane", "alone", *places)
    serve = ["gate", "serve", "--data", folder / "gate", "--metrics", "off", "--ready-json"]
    command = [aeolus.BINARY, *serve, "--checks", "127.0.0.1:0", "--proxy", "127.0.0.1:0"]
    with running(command, folder / "gate.log", stdout=subprocess.PIPE) as gate:
        ready = json.loads(aeolus.first_line(gate, 60))
        env = _environment(home, port)
        _airflow(env, home, "db", "migrate")
        _airflow(env, home, "sync-perm")
        # As an Airflow that was there before: somebody with the same address, and the DAG.
        _airflow(
            env, home, "users", "create", "--username", "ann", "--email", "ann@example.com",
            "--firstname", "Ann", "--lastname", "Old", "--role", "Viewer", "--password", "secret",
        )
        _airflow(env, home, "dags", "reserialize")
        env |= aeolus.airflow_settings(folder / "gate", DEPLOYMENT, f"http://{ready['checks'][0]}")
        (home / "webserver_config.py").write_text(WEBSERVER_CONFIG)
        front = f"http://{HOST}:{ready['proxy'].rsplit(':', 1)[1]}"
        here = Site(home, env, front, f"http://127.0.0.1:{port}", folder)
        webserver = [sys.executable, "-m", "airflow", "webserver"]
        with running(webserver, folder / "webserver.log", env=env, cwd=home) as process:
            wait_for("the webserver", lambda: _answers(here, process), 120)
            yield here


def _answers(here: Site, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, (here.folder / "webserver.log").read_text()[-4000:]
    try:
        return here.at_airflow("/health").status_code == 200
    except requests.RequestException:
        return False
