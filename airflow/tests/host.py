"""A real Airflow in a folder of its own: its settings, its commands, its API server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import requests

START_SECONDS = 120
COMMAND_SECONDS = 180

DAG = """
from datetime import datetime
from airflow.sdk import dag, task


@dag(dag_id="winds", schedule=None, start_date=datetime(2026, 1, 1), catchup=False)
def winds():
    @task
    def blow():
        return "zephyr"

    blow()


winds()
"""


@dataclass
class Host:
    """One Airflow: a home folder and the environment its processes get."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)
    python: Path = Path(sys.executable)

    def __post_init__(self) -> None:
        (self.home / "dags").mkdir(parents=True, exist_ok=True)

    def environment(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW_")}
        path = [str(self.python.parent), str(Path(sys.executable).parent), inherited["PATH"]]
        return {
            **inherited,
            "PATH": os.pathsep.join(path),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.home / "dags"),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__WORKERS": "1",
            **self.env,
        }

    def run(self, *command: str) -> str:
        """Run ``python …`` in this Airflow's environment and return what it printed."""
        done = subprocess.run(
            [str(self.python), *command],
            env=self.environment(),
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def airflow(self, *arguments: str) -> str:
        """Run an ``airflow`` command."""
        return self.run("-m", "airflow", *arguments)

    def set_up(self) -> None:
        """Make the database, with one DAG, one variable and one connection in it."""
        (self.home / "dags" / "winds.py").write_text(DAG)
        self.airflow("db", "migrate")
        self.airflow("dags", "reserialize")
        self.airflow("variables", "set", "harbour", "thrace")

    def config(self, section: str, key: str) -> str:
        return self.airflow("config", "get-value", section, key).strip().splitlines()[-1]

    @contextmanager
    def serve(self) -> Iterator[Server]:
        """Run the API server until the block ends; it and all its children are gone then."""
        port = _free_port()
        log = self.home / f"api-server-{port}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [str(self.python), "-m", "airflow", "api-server", "--port", str(port)],
                env=self.environment(),
                cwd=self.home,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            server = Server(f"http://127.0.0.1:{port}", process, log)
            server.wait_until_ready()
            yield server
        finally:
            _reap(process)


@dataclass
class Server:
    """A running API server."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"it ended: {self.output()}"
            try:
                if requests.get(f"{self.url}/api/v2/version", timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.2)
        raise AssertionError(f"not ready after {START_SECONDS} s: {self.output()}")

    def output(self) -> str:
        return self.log.read_text(errors="replace")[-6000:]

    def call(
        self, method: str, path: str, token: str | None = None, **kwargs: object
    ) -> requests.Response:
        """Send one request, following no redirect."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(
            method,
            self.url + path,
            headers=headers,
            allow_redirects=False,
            timeout=30,
            **kwargs,  # type: ignore[arg-type]
        )

    def get(self, path: str, token: str | None = None) -> requests.Response:
        return self.call("GET", path, token)


def _free_port() -> int:
    # `airflow api-server` can't be asked for port 0: other commands must know the number.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _reap(process: subprocess.Popen[bytes]) -> None:
    """End the process group of `process` and wait for it.

    Airflow waits up to two minutes for open connections before it obeys a TERM; tests need none
    of what it would finish, so KILL follows soon.
    """
    for sign, patience in ((signal.SIGTERM, 3), (signal.SIGKILL, 10)):
        # KILL follows also where the parent obeyed: a child of it may not have.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
