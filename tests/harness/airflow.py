"""A real Airflow: API server, scheduler and DAG processor on SQLite."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .process import ROOT, Timeout, running, tail, wait_for

VENV = ROOT / ".tools" / "airflow"
DAGS = ROOT / "examples" / "dags"


@dataclass(frozen=True)
class Airflow:
    """A running Airflow."""

    home: Path
    url: str


def environment(home: Path, port: int, trust: dict[str, str]) -> dict[str, str]:
    """Settings of an Airflow that believes one deployment's gate.

    `trust` has the `AIRFLOW__…` lines that `aeolus gate airflow-env` prints.
    """
    return {
        "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "PYTHONUNBUFFERED": "1",
        **trust,
    }


def prepare(home: Path, env: dict[str, str]) -> None:
    """Creates the database and the DAGs; quick where they are there already."""
    dags = home / "dags"
    dags.mkdir(parents=True, exist_ok=True)
    for dag in DAGS.glob("*.py"):
        shutil.copy(dag, dags)
    log = home / "prepare.log"
    with log.open("ab") as out:
        for step in (["db", "migrate"], ["dags", "reserialize"]):
            done = subprocess.run(
                [VENV / "bin" / "airflow", *step],
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                check=False,
            )
            if done.returncode != 0:
                raise Timeout(f"airflow {' '.join(step)} failed:\n{tail(log)}")


PARTS = ("api-server", "scheduler", "dag-processor")


@contextmanager
def airflow(
    home: Path, port: int, trust: dict[str, str], parts: tuple[str, ...] = PARTS, seconds: float = 240
) -> Iterator[Airflow]:
    """Runs Airflow until the block ends; the API server alone is enough where nothing has to run."""
    env = environment(home, port, trust)
    fresh = not (home / "airflow.db").exists()
    if fresh:
        prepare(home, env)
    program = VENV / "bin" / "airflow"
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        for part in parts:
            stack.enter_context(running([program, part], home / f"{part}.log", env=env))
        try:
            wait_for("Airflow's API server", lambda: answers(f"{url}/api/v2/version"), seconds, 0.5)
        except Timeout as error:
            raise Timeout(f"{error}\n{tail(home / 'api-server.log')}") from error
        yield Airflow(home, url)


def answers(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except urllib.error.URLError:
        return False
