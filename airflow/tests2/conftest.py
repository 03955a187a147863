"""Fixtures: a real Airflow 2 behind a real gate that never had a control plane."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from site2 import Site, site  # noqa: E402


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The two of them, running."""
    with site(tmp_path_factory.mktemp("airflow2")) as running:
        yield running
