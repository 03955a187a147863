"""Shared fixtures. Importing Airflow writes a configuration, so it gets a throw-away home first."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_HOME = tempfile.TemporaryDirectory(prefix="aeolus-airflow-")
for _name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[_name]
os.environ["AIRFLOW_HOME"] = _HOME.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

from gate import JwksServer, jwks_server  # noqa: E402


def pytest_unconfigure() -> None:
    _HOME.cleanup()


@pytest.fixture
def gate() -> Iterator[JwksServer]:
    """A JWKS endpoint of one test."""
    with jwks_server() as server:
        yield server


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return Path(__file__).resolve().parents[2]
